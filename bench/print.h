/* Rows of results, printed as a table, as CSV or in Google Benchmark's JSON. Include after
   machine.h. */
#ifndef PAW_BENCH_PRINT_H
#define PAW_BENCH_PRINT_H

#if !defined(PAW_BENCH_FLAGS)
#define PAW_BENCH_FLAGS "unknown"
#endif
#if defined(__clang__)
#define BENCH_COMPILER "clang " __clang_version__
#else
#define BENCH_COMPILER "gcc " __VERSION__
#endif
#define BENCH_NO_ISA (-1) /* of rows that no instruction set changes */

typedef void bench_fn(void *arg);
typedef struct {
    const char *kernel;
    char shape[48];
    int isa, threads, reference;
    size_t working; /* bytes that the bandwidth is measured over */
    double flops, bytes, images; /* of one call; 0: not printed */
    double work; /* FLOP of a row that is measured by its bytes; 0: unknown */
    bench_fn *fn;
    void *arg;
    const char *const *section; /* names of share, or NULL */
    double share[10];
    int sections, repetitions;
    size_t calls; /* of a repetition */
    double wall[BENCH_MOST], cpu[BENCH_MOST]; /* seconds a call */
    double peak[BENCH_MOST]; /* GFLOP/s or GB/s: mean of before and after each repetition */
    double percent[BENCH_MOST]; /* of each repetition: of its peak */
    double memory; /* GB/s that was read around the row */
    double peak_rss, packed; /* bytes of a process that does this alone; 0: not printed */
    double ms_per_query, product_percent; /* of a retrieval; 0: not printed */
} bench_row;
typedef struct {
    int isa, threads;
    double intensity, gflops, peak; /* FLOP a byte; peak 0: of the bandwidth */
    char name[160], title[256];
} bench_point;
typedef struct {
    bench_point *points; /* [count], owned */
    size_t count, room, left_out; /* left_out: rows without arithmetic */
    double l1, l2, read, triad; /* GB/s; 0: unknown */
} bench_roofline;
typedef struct {
    cli *app;
    int json, csv, markdown, samples, repetitions, rows;
    double least, overhead, cpu_overhead, read, triad;
    size_t beyond; /* bytes that no cache holds */
    bench_machine machine;
    bench_roofline roofline;
} bench;

static inline const char *bench_isa_name(int isa)
{
    return isa == BENCH_NO_ISA ? "portable" : paw_isa_name(isa);
}
static inline const char *bench_name(const bench_row *r, char out[160])
{
    int n = snprintf(out, 160, "%s/%s/%s", r->kernel, r->shape, bench_isa_name(r->isa));
    if (r->threads > 1) snprintf(out + n, 160 - (size_t)n, "/threads:%d", r->threads);
    return out;
}
static inline const char *bench_unit(const bench_row *r)
{
    static const char *const units[] = { "", "FMA", "bf16", "triad", "read", "memcpy" };
    return bench_of_core(r->reference) && r->isa <= PAW_ISA_SCALAR ? "compiler baseline"
                                                                   : units[r->reference];
}
static inline const char *bench_cpu_model(char out[64])
{
    snprintf(out, 64, "unknown");
#if defined(PAW__X86)
    {
        unsigned v[12], i;
        for (i = 0; i < 3; ++i)
            if (!__get_cpuid(0x80000002u + i, &v[4 * i], &v[4 * i + 1], &v[4 * i + 2],
                             &v[4 * i + 3]))
                return out;
        memcpy(out, v, sizeof v);
        out[sizeof v] = 0;
    }
#elif defined(PAW__ARM)
    snprintf(out, 64, "AArch64");
#endif
    return out;
}
static inline double bench_load_average(void) /* of the last minute; below 0: unknown */
{
    double x = -1;
    FILE *f = fopen("/proc/loadavg", "r");
    if (f && fscanf(f, "%lf", &x) != 1) x = -1;
    if (f) fclose(f);
    return x;
}
static inline void bench_member(const char *key, double x)
{
    cli_value v;
    v = cli_r(x, -1);
    printf(", \"%s\": ", key);
    cli_json_value(stdout, v);
}
static inline void bench_text(const char *key, const char *text)
{
    printf(", \"%s\": ", key);
    cli_json_string(stdout, text);
}
static inline void bench_head_json(const bench *b, const char *cpu)
{
    const time_t now = time(NULL);
    struct tm *utc = gmtime(&now);
    char date[40] = "";
    if (utc) (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S+00:00", utc);
    printf("{\"context\": {\"date\": \"%s\"", date);
    bench_text("executable", b->app->program->name);
    bench_member("num_cpus", paw__online_cpus());
    bench_text("library_build_type", "release");
    bench_text("cpu_model", cpu);
    bench_text("best_instruction_set", paw_isa_name(paw__cpu_isa()));
    bench_text("compiler", BENCH_COMPILER);
    bench_text("flags", PAW_BENCH_FLAGS);
    bench_text("library_version", cli_version());
    bench_member("numerics_version", PAW_NUMERICS);
    bench_member("read_gbs", b->read);
    bench_member("triad_gbs", b->triad);
    bench_member("timer_overhead_ns", b->overhead * 1e9);
    bench_member("load_average", bench_load_average());
    printf("},\n \"benchmarks\": [");
}
static inline void bench_head(const bench *b, size_t bytes)
{
    char cpu[64];
    (void)bench_cpu_model(cpu);
    if (b->json) {
        bench_head_json(b, cpu);
        return;
    }
    if (b->csv) {
        printf("name,kernel,shape,isa,threads,repetitions,calls,median_ms,min_ms,max_ms,"
               "spread_percent,cpu_ms,images_per_second,gflops,gbs,reference,reference_rate,"
               "reference_min,reference_max,percent,percent_min,percent_max,memory_read_gbs,"
               "sections,version,compiler,flags,cpu\n");
        return;
    }
    if (b->markdown) {
        printf("partaware %s, numerics %d; %s, flags `%s`; %s, %d CPUs; memory: read %.1f GB/s, "
               "triad %.1f GB/s\n\n", cli_version(), PAW_NUMERICS, BENCH_COMPILER, PAW_BENCH_FLAGS,
               cpu, paw__online_cpus(), b->read, b->triad);
        return;
    }
    printf("# partaware %s, numerics %d; %s, flags %s\n", cli_version(), PAW_NUMERICS,
           BENCH_COMPILER, PAW_BENCH_FLAGS);
    printf("# %s; %d CPUs, best instruction set %s, load average %.2f\n", cpu, paw__online_cpus(),
           paw_isa_name(paw__cpu_isa()), bench_load_average());
    printf("# memory, %zu MB, threads %d: read %.1f GB/s, triad %.1f GB/s; timer takes %.0f ns\n",
           bytes >> 20, paw_threads_used(b->app->ctx), b->read, b->triad, b->overhead * 1e9);
}

typedef struct { /* of one row, per call; rates of 0 are not printed */
    double wall, cpu, least, most, spread, images, gflops, gbs;
    double peak, peak_least, peak_most, percent, percent_least, percent_most;
} bench_figures;
static inline bench_figures bench_figures_of(const bench_row *r)
{
    bench_figures f;
    f.wall = bench_median(r->wall, r->repetitions, &f.least, &f.most);
    f.cpu = bench_median(r->cpu, r->repetitions, NULL, NULL);
    f.spread = 100 * (f.most - f.least) / f.wall;
    f.images = r->images / f.wall;
    f.gflops = r->flops / f.wall * 1e-9;
    f.gbs = r->bytes / f.wall * 1e-9;
    f.peak = bench_median(r->peak, r->repetitions, &f.peak_least, &f.peak_most);
    f.percent = bench_median(r->percent, r->repetitions, &f.percent_least, &f.percent_most);
    return f;
}
static inline void bench_entry_json(const bench *b, const bench_row *r, int sample)
{
    const bench_figures f = bench_figures_of(r);
    char name[160];
    int i;
    (void)bench_name(r, name);
    printf("%s\n  {\"name\": ", b->rows || sample > 0 ? "," : "");
    cli_json_string(stdout, name);
    bench_text("run_name", name);
    bench_text("run_type", "iteration");
    bench_member("repetitions", r->repetitions);
    bench_member("repetition_index", sample < 0 ? 0 : sample);
    bench_member("threads", r->threads);
    bench_member("iterations", (double)r->calls);
    bench_member("real_time", 1e9 * (sample < 0 ? f.wall : r->wall[sample]));
    bench_member("cpu_time", 1e9 * (sample < 0 ? f.cpu : r->cpu[sample]));
    bench_text("time_unit", "ns");
    bench_text("isa", bench_isa_name(r->isa));
    bench_member("min_time", 1e9 * f.least);
    bench_member("max_time", 1e9 * f.most);
    bench_member("spread_percent", f.spread);
    if (r->images > 0) bench_member("images_per_second", f.images);
    if (r->flops > 0) bench_member("gflops", f.gflops);
    if (r->bytes > 0) bench_member("bytes_per_second", f.gbs * 1e9);
    if (r->reference) bench_text("reference", bench_unit(r));
    if (f.peak > 0) {
        bench_member("percent_of_peak", sample < 0 ? f.percent : r->percent[sample]);
        bench_member("percent_min", f.percent_least);
        bench_member("percent_max", f.percent_most);
        bench_member(bench_of_core(r->reference) ? "peak_gflops" : "peak_gbs", f.peak);
        bench_member("peak_min", f.peak_least);
        bench_member("peak_max", f.peak_most);
    }
    if (r->memory > 0) bench_member("memory_read_gbs", r->memory);
    if (r->reference == BENCH_COPY) bench_member("ratio_to_memcpy", 100 / f.percent);
    if (r->peak_rss > 0) {
        bench_member("peak_rss_bytes", r->peak_rss);
        bench_member("packed_bytes", r->packed);
    }
    if (r->ms_per_query > 0) {
        bench_member("ms_per_query", r->ms_per_query);
        bench_member("product_percent_of_peak", r->product_percent);
    }
    for (i = 0; i < r->sections; ++i) {
        printf("%s\"%s\": ", i ? ", " : ", \"sections\": {", r->section[i]);
        cli_json_value(stdout, cli_r(r->share[i], -1));
    }
    printf("%s}", r->sections ? "}" : "");
}
static inline void bench_entry_csv(const bench_row *r)
{
    const bench_figures f = bench_figures_of(r);
    char name[160];
    int i;
    printf("%s,%s,%s,%s,%d,%d,%zu", bench_name(r, name), r->kernel, r->shape,
           bench_isa_name(r->isa), r->threads, r->repetitions, r->calls);
    printf(",%.9g,%.9g,%.9g,%.4g,%.9g", 1e3 * f.wall, 1e3 * f.least, 1e3 * f.most, f.spread,
           1e3 * f.cpu);
    printf(",%.6g,%.6g,%.6g,%s,%.6g,%.6g,%.6g", f.images, f.gflops, f.gbs, bench_unit(r), f.peak,
           f.peak_least, f.peak_most);
    printf(",%.4g,%.4g,%.4g,%.6g,", f.percent, f.percent_least, f.percent_most, r->memory);
    for (i = 0; i < r->sections; ++i)
        printf("%s%s=%.4f", i ? ";" : "", r->section[i], r->share[i]);
    printf(",%s,", cli_version());
    cli_csv_text(stdout, BENCH_COMPILER);
    putchar(',');
    cli_csv_text(stdout, PAW_BENCH_FLAGS);
    putchar(',');
    cli_csv_text(stdout, bench_cpu_model(name));
    putchar('\n');
}
static inline void bench_entry_text(const bench_row *r)
{
    const bench_figures f = bench_figures_of(r);
    char text[64] = "";
    int i;
    printf("%-21s %-18s %-8s", r->kernel, r->shape, bench_isa_name(r->isa));
    if (f.wall < 1e-3) printf("%9.3f us", 1e6 * f.wall);
    else printf("%9.2f ms", 1e3 * f.wall);
    if (r->images > 0) printf(" %8.2f img/s", f.images);
    if (r->flops > 0) printf(" %7.*f GF/s", f.gflops < 10 ? 2 : 1, f.gflops);
    if (r->bytes > 0 && f.gbs < 1) printf(" %7.1f MB/s", 1e3 * f.gbs);
    else if (r->bytes > 0) printf(" %7.2f GB/s", f.gbs);
    if (f.peak > 0) snprintf(text, sizeof text, "%5.1f%% (%.0f-%.0f) of %.0f %s", f.percent,
                             f.percent_least, f.percent_most, f.peak, bench_unit(r));
    else if (r->reference) snprintf(text, sizeof text, "%s", bench_unit(r));
    printf("  %-26s spread %3.0f%%  wall/cpu %.2f", text, f.spread,
           f.cpu > 0 ? f.wall * r->threads / f.cpu : 0.0);
    if (r->reference == BENCH_COPY) printf("  %.2f x memcpy", 100 / f.percent);
    if (r->peak_rss > 0)
        printf("  peak RSS %.0f MB, packed %.0f MB", r->peak_rss * 1e-6, r->packed * 1e-6);
    if (r->ms_per_query > 0)
        printf("  %.4f ms/query, product %.1f%%", r->ms_per_query, r->product_percent);
    putchar('\n');
    for (i = 0; i < r->sections; ++i)
        printf("%s%s %.1f%%", i ? "  " : "    ", r->section[i], 100 * r->share[i]);
    if (r->sections) putchar('\n');
}
static inline void bench_entry_markdown(const bench *b, const bench_row *r)
{
    const bench_figures f = bench_figures_of(r);
    int i;
    if (!b->rows)
        printf("| kernel | shape | instruction set | threads | median ms | spread %% | images/s | "
               "GFLOP/s | GB/s | %% of peak | least | most | peak |%s\n%s%s\n",
               r->sections ? " where the time goes |" : "",
               "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | "
               "--- |", r->sections ? " --- |" : "");
    printf("| %s | %s | %s | %d | %.4g | %.1f |", r->kernel, r->shape, bench_isa_name(r->isa),
           r->threads, 1e3 * f.wall, f.spread);
    if (r->images > 0) printf(" %.4g |", f.images);
    else printf(" |");
    if (r->flops > 0) printf(" %.4g |", f.gflops);
    else printf(" |");
    if (r->bytes > 0) printf(" %.4g |", f.gbs);
    else printf(" |");
    if (f.peak > 0)
        printf(" %.1f | %.1f | %.1f | %.4g %s |", f.percent, f.percent_least, f.percent_most,
               f.peak, bench_unit(r));
    else printf(" | | | %s |", bench_unit(r));
    for (i = 0; i < r->sections; ++i)
        printf("%s%s %.1f %%", i ? ", " : " ", r->section[i], 100 * r->share[i]);
    printf(r->sections ? " |\n" : "\n");
}
static inline void bench_print(bench *b, const bench_row *r)
{
    int i;
    if (b->json && b->samples)
        for (i = 0; i < r->repetitions; ++i) bench_entry_json(b, r, i);
    else if (b->json)
        bench_entry_json(b, r, -1);
    else if (b->csv)
        bench_entry_csv(r);
    else if (b->markdown)
        bench_entry_markdown(b, r);
    else
        bench_entry_text(r);
    fflush(stdout);
    ++b->rows;
}
#endif
