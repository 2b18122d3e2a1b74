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

#define BENCH_REFUSED 1 /* exit status after a failed self-check */

#define BENCH_OPTIONS                                                                              \
    {"--filter", "SUBSTR", CLI_STR, NULL, 0, 0, "only rows whose name holds SUBSTR"},              \
        {"--repetitions", "N", CLI_INT, "7", 1, BENCH_MOST, "the median of N is printed"},         \
        {"--min-time", "S", CLI_REAL, "0.05", 0, 600, "seconds of a repetition, at least"},        \
        {"--json", NULL, CLI_FLAG, NULL, 0, 0, "print Google Benchmark's JSON"},                   \
        {"--samples", NULL, CLI_FLAG, NULL, 0, 0,                                                  \
         "in JSON an entry a repetition, for the U test of compare.py, not the median"},           \
        {"--csv", NULL, CLI_FLAG, NULL, 0, 0, "print CSV"}
#define BENCH_ABOUT \
    "Columns: median time; spread: (max - min) / median; wall/cpu: wall time x threads over CPU\n" \
    "time, above 1 where the CPU was taken away or threads waited; % of: of the FMA peak, or\n" \
    "of the bandwidth over as many bytes, measured right before and after the row on as many\n" \
    "threads; 'drift' where the two differ by over 3 %. The peak's samples last 2 ms: on\n" \
    "shared CPUs they slip through and longer rows do not: with wall/cpu above 1.05 the % is\n" \
    "too low; --min-time 0.002 --repetitions 51 helps. Exits with 1 after a failed self-check.\n"
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
/* Fills wall and cpu in; the first calls warm up and say how many make a repetition. */
static inline int bench_time(const bench *b, bench_row *r, int repetitions)
{
    double wall, cpu, total;
    size_t calls = 1;
    int code;
    for (;;) {
        bench_sample(b, r, calls, &wall, &cpu);
        total = wall * (double)calls;
        if ((code = cli_interrupted())) return code;
        if (total >= b->least || calls > 100000000) break;
        calls = total < b->least / 20 ? calls * 10
                                      : (size_t)((double)calls * 1.1 * b->least / total) + 1;
    }
    r->calls = calls;
    for (r->repetitions = 0; r->repetitions < repetitions; ++r->repetitions) {
        bench_sample(b, r, calls, &r->wall[r->repetitions], &r->cpu[r->repetitions]);
        if ((code = cli_interrupted())) return code;
    }
    return CLI_OK;
}
static inline int bench_measure(bench *b, bench_row *r)
{
    bench_machine *m = &b->machine;
    const double before = bench_reference(m, r->reference, r->isa, r->threads, r->working);
    const int code = bench_time(b, r, b->repetitions);
    double after;
    if (code) return code;
    after = bench_reference(m, r->reference, r->isa, r->threads, r->working);
    r->peak = (before + after) / 2;
    r->drift = fabs(before - after) > 0.03 * r->peak;
    return CLI_OK;
}

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
    b->samples = cli_has(app, "--samples");
    b->repetitions = cli_int(app, "--repetitions");
    b->least = cli_real(app, "--min-time");
    bench_overhead(b);
    b->read = bench_reference(&b->machine, BENCH_READ, isa, threads, bytes);
    b->triad = bench_reference(&b->machine, BENCH_TRIAD, isa, threads, bytes);
    bench_head(b, bytes);
}
static inline int bench_end(bench *b, int code)
{
    if (b->json) printf("\n]}\n");
    paw__free(b->machine.memory);
    if (code || b->rows) return code;
    return cli_error(b->app, CLI_USAGE, "no row to run: --filter or the instruction set leaves "
                     "nothing");
}
#endif
