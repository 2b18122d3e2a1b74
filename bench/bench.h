/* What the benches share: a row is a function that is timed, between two looks at what the same
   core, or the same number of threads, can do at that moment; rows are printed as a table, as CSV
   or in Google Benchmark's JSON. Include first, after _POSIX_C_SOURCE 200809L is defined. */
#ifndef PAW_BENCH_H
#define PAW_BENCH_H
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "../examples/cli.h"
#include "machine.h"
#include "print.h"
#include "roofline.h"

#define BENCH_REFUSED 1 /* exit status after a failed self-check */
#define BENCH_LOOK 0.015 /* seconds of a sample of what the machine can do, at least */

#define BENCH_OPTIONS                                                                              \
    {"--filter", "SUBSTR", CLI_STR, NULL, 0, 0, "only rows whose name holds SUBSTR"},              \
        {"--repetitions", "N", CLI_INT, "7", 1, BENCH_MOST, "the median of N is printed"},         \
        {"--min-time", "S", CLI_REAL, "0.05", 0, 600, "seconds of a repetition, at least"},        \
        {"--json", NULL, CLI_FLAG, NULL, 0, 0, "print Google Benchmark's JSON"},                   \
        {"--samples", NULL, CLI_FLAG, NULL, 0, 0,                                                  \
         "in JSON an entry a repetition, for the U test of compare.py, not the median"},           \
        {"--csv", NULL, CLI_FLAG, NULL, 0, 0, "print CSV"},                                        \
        {"--markdown", NULL, CLI_FLAG, NULL, 0, 0, "print a Markdown table"},                      \
        {"--roofline", "FILE", CLI_STR, NULL, 0, 0,                                                \
         "also draw the rows under this machine's roofs, as SVG"}
#define BENCH_ABOUT \
    "Columns: median time; spread: (max - min) / median; wall/cpu: wall time x threads over\n"     \
    "CPU time, above 1 where the CPU was taken away or threads waited; % of: each repetition\n"    \
    "against the mean of two samples of the FMA peak, or of the bandwidth over as many bytes,\n"   \
    "taken on as many threads right before and right after it, each a fifth as long as the\n"      \
    "repetition and 15 ms at least: the median of these percentages, in brackets the least and\n"  \
    "the most. Every sample counts. Exits with 1 after a failed self-check.\n"
#define BENCH_ISA_OPTION(preset)                                                                   \
    {"--isa", "all|best|avx512|avx2|neon|scalar", CLI_CHOICE, preset, 0, 0,                        \
     "instruction set of the kernels"}
#define BENCH_THREADS_OPTION                                                                       \
    {"--threads", "N", CLI_INT, "1", 1, PAW__MAX_THREADS, "threads of the library"}

static inline double bench_cpu_seconds(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t)) return 0;
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
/* ---- timing ---- */

static inline void bench_sample(const bench *b, const bench_row *r, size_t calls, double *wall,
                                double *cpu)
{
    const double c = bench_cpu_seconds(), w = cli_seconds();
    double dw, dc;
    size_t i;
    for (i = 0; i < calls; ++i) r->fn(r->arg);
    dw = cli_seconds() - w - b->overhead;
    dc = bench_cpu_seconds() - c - b->cpu_overhead;
    *wall = (dw > 1e-9 ? dw : 1e-9) / (double)calls;
    *cpu = (dc > 0 ? dc : 0) / (double)calls;
}
/* Warms up and says how many calls make a repetition; wall[0] is then what one takes. */
static inline int bench_calls(const bench *b, bench_row *r)
{
    double total;
    int code;
    for (r->calls = 1;;) {
        bench_sample(b, r, r->calls, &r->wall[0], &r->cpu[0]);
        total = r->wall[0] * (double)r->calls;
        if ((code = cli_interrupted())) return code;
        if (total >= b->least || r->calls > 100000000) return CLI_OK;
        r->calls = total < b->least / 20 ? r->calls * 10
                                         : (size_t)((double)r->calls * 1.1 * b->least / total) + 1;
    }
}
/* Fills wall and cpu in. */
static inline int bench_time(const bench *b, bench_row *r, int repetitions)
{
    int code = bench_calls(b, r);
    for (r->repetitions = 0; !code && r->repetitions < repetitions; ++r->repetitions) {
        bench_sample(b, r, r->calls, &r->wall[r->repetitions], &r->cpu[r->repetitions]);
        code = cli_interrupted();
    }
    return code;
}
/* Fills in wall, cpu, peak, percent and memory of rows that take turns at every repetition. */
static inline int bench_measure_beside(bench *b, bench_row *rows, size_t count)
{
    bench_machine *m = &b->machine;
    const bench_row *f = rows;
    double look = BENCH_LOOK, before, after, read;
    int i, code = CLI_OK;
    size_t k;
    for (k = 0; !code && k < count; ++k) {
        double fifth;
        code = bench_calls(b, &rows[k]);
        fifth = rows[k].wall[0] * (double)rows[k].calls / 5;
        look = fifth > look ? fifth : look;
    }
    if (code) return code;
    look = look > 0.5 ? 0.5 : look;
    read = bench_reference(m, BENCH_READ, f->isa, f->threads, b->beyond, BENCH_LOOK) / 2;
    before = bench_reference(m, f->reference, f->isa, f->threads, f->working, look);
    for (i = 0; !code && i < b->repetitions; ++i)
        for (k = 0; !code && k < count; ++k) {
            bench_row *r = &rows[k];
            const double unit = 1e-9 * (bench_of_core(r->reference) ? r->flops : r->bytes);
            bench_sample(b, r, r->calls, &r->wall[i], &r->cpu[i]);
            after = bench_reference(m, r->reference, r->isa, r->threads, r->working, look);
            r->peak[i] = (before + after) / 2;
            r->percent[i] = r->peak[i] > 0 ? 100 * unit / r->wall[i] / r->peak[i] : 0;
            r->repetitions = i + 1;
            before = after;
            code = cli_interrupted();
        }
    read += bench_reference(m, BENCH_READ, f->isa, f->threads, b->beyond, BENCH_LOOK) / 2;
    for (k = 0; k < count; ++k) {
        rows[k].memory = read;
        if (!code && cli_has(b->app, "--roofline") && bench_roofline_add(&b->roofline, &rows[k]))
            code = cli_no_memory(b->app);
    }
    return code;
}
static inline int bench_measure(bench *b, bench_row *r) { return bench_measure_beside(b, r, 1); }

/* ---- a program ---- */

/* Bit i: instruction set i was asked for. */
static inline int bench_isas(cli *app, unsigned *out)
{
    const char *word = cli_text(app, "--isa");
    int isa;
    *out = !strcmp(word, "best") ? 1u << paw_isa() : 0;
    for (isa = PAW_ISA_SCALAR; isa <= PAW_ISA_AVX512; ++isa)
        if (paw_isa_supported(isa) && (!strcmp(word, "all") || !strcmp(word, paw_isa_name(isa))))
            *out |= 1u << isa;
    return *out ? CLI_OK : cli_error(app, CLI_USAGE, "--isa %s: not on this machine", word);
}
/* Says why, in one line. */
static inline int bench_refuse(cli *app, int isa, const char *what)
{
    return cli_error(app, BENCH_REFUSED, "self-check failed: %s of %s differs from scalar; nothing "
                     "was measured", what, paw_isa_name(isa));
}

static inline int bench_wanted(const bench *b, const bench_row *r)
{
    const char *part = cli_text(b->app, "--filter");
    char name[160];
    return !part || strstr(bench_name(r, name), part) != NULL;
}
/* A row with nothing but its name; the rest is 0. */
static inline bench_row bench_row_of(const char *kernel, int isa, int threads, bench_fn *fn,
                                     void *arg)
{
    bench_row r;
    memset(&r, 0, sizeof r);
    r.kernel = kernel;
    r.isa = isa;
    r.threads = threads;
    r.fn = fn;
    r.arg = arg;
    return r;
}
static inline int bench_run(bench *b, bench_row *r) /* unless the filter leaves it out */
{
    int code = CLI_OK;
    if (bench_wanted(b, r) && !(code = bench_measure(b, r))) bench_print(b, r);
    return code;
}
static inline void bench_overhead(bench *b)
{
    double x;
    int i;
    b->overhead = b->cpu_overhead = 1;
    for (i = 0; i < 1000; ++i) {
        x = cli_seconds();
        x = cli_seconds() - x;
        if (x < b->overhead) b->overhead = x;
        x = bench_cpu_seconds();
        x = bench_cpu_seconds() - x;
        if (x < b->cpu_overhead) b->cpu_overhead = x;
    }
}
/* After the self-check: measures the timer and the memory, and prints the head. */
static inline void bench_start(bench *b, cli *app)
{
    const int isa = paw__cpu_isa(), threads = paw_threads_used(app->ctx);
    size_t bytes = (size_t)64 << 20;
#if defined(_SC_LEVEL3_CACHE_SIZE)
    const long l3 = sysconf(_SC_LEVEL3_CACHE_SIZE);
    if (l3 > 0) bytes = paw__min(paw__max(bytes, 4 * (size_t)l3), (size_t)1 << 30);
#endif
    memset(b, 0, sizeof *b);
    b->app = app;
    b->machine.ctx = app->ctx;
    b->json = cli_has(app, "--json");
    b->csv = cli_has(app, "--csv");
    b->markdown = cli_has(app, "--markdown");
    b->samples = cli_has(app, "--samples");
    b->repetitions = cli_int(app, "--repetitions");
    b->least = cli_real(app, "--min-time");
    bench_overhead(b);
    b->beyond = bytes;
    b->read = bench_reference(&b->machine, BENCH_READ, isa, threads, bytes, 0.1);
    b->triad = bench_reference(&b->machine, BENCH_TRIAD, isa, threads, bytes, 0.1);
    b->roofline.read = b->read;
    b->roofline.triad = b->triad;
    b->roofline.l1 = b->roofline.l2 = 0;
#if defined(_SC_LEVEL1_DCACHE_SIZE) && defined(_SC_LEVEL2_CACHE_SIZE)
    if (cli_has(app, "--roofline")) { /* half a cache on each thread */
        const long l1 = sysconf(_SC_LEVEL1_DCACHE_SIZE), l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
        const size_t n = (size_t)threads;
        b->roofline.l1 = l1 > 0 ? bench_reference(&b->machine, BENCH_READ, isa, threads,
                                                  n * (size_t)l1 / 2, 0.1) : 0;
        b->roofline.l2 = l2 > 0 ? bench_reference(&b->machine, BENCH_READ, isa, threads,
                                                  n * (size_t)l2 / 2, 0.1) : 0;
    }
#endif
    bench_head(b, bytes);
}
static inline int bench_end(bench *b, int code)
{
    if (b->json) printf("\n]}\n");
    paw__free(b->machine.memory);
    if (!code && b->rows && cli_has(b->app, "--roofline"))
        code = bench_roofline_save(b->app, &b->roofline, cli_text(b->app, "--roofline"));
    free(b->roofline.points);
    if (code || b->rows) return code;
    return cli_error(b->app, CLI_USAGE, "no row to run: --filter or the instruction set leaves "
                     "nothing");
}
#endif
