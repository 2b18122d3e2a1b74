#define _POSIX_C_SOURCE 200809L
/* retrieval.c - average precision of every row as a query, product and ranking together.
 * Build: cc -O2 -I. -o retrieval bench/retrieval.c -lsleef -lm -lpthread
 * Run:   ./retrieval --n 10000 --dim 768 --json
 * Prints a row a size: milliseconds a query, GFLOP/s of the whole and of its product alone, % of
 * the FMA peak, and the most memory that the process has held. */
#include "bench.h"
#include <sys/resource.h>

static const cli_option options[] = {
    {"--n", "N", CLI_INT, "10000", 2, 1e8, "rows, each of them a query"},
    {"--dim", "N", CLI_INT, "768", 1, 1e6, "features of a row"},
    {"--labels", "N", CLI_INT, "4", 1, 1e8, "classes, as even as can be"},
    {"--parts", "N", CLI_INT, "1", 1, 1e6, "one of so many parts of the queries, for a large n"},
    {"--seed", "N", CLI_INT, "1", 0, 1e9, "of the features"},
    BENCH_ISA_OPTION("best"),
    BENCH_THREADS_OPTION,
    BENCH_OPTIONS
};
CLI_PROGRAM("retrieval", "[--n N] [--dim N] [--labels N] [options]",
            "Measures paw_retrieval_ap on seeded random features.\n\n" BENCH_ABOUT
            "FLOP: of the products, two a multiply-add; norms and ranking are in the time and not\n"
            "in the FLOP. product: the share of one tile's products alone. RSS: the most that the\n"
            "process held in a first call, features included. A call of over 5 s is timed once.\n");

typedef struct {
    cli *app;
    size_t n, dim, queries; /* queries: of the part */
    size_t packed; /* packed: bytes of the gallery, 0 where it goes chunk by chunk */
    float *x;
    int32_t *labels;
    double *ap;
    double first, peak_rss; /* of the first call: seconds, bytes */
    paw__tiles tiles; /* of the product alone */
    paw_err error;    /* of the last call */
} job;

static void ap_call(void *arg)
{
    job *j = (job *)arg;
    j->error = paw_retrieval_ap_part(j->app->ctx, j->x, j->n, j->dim, j->labels, 0, 0,
                                     (size_t)cli_int(j->app, "--parts"), j->ap);
}
static void no_item(void *arg, size_t item, int slot)
{
    (void)arg;
    (void)item;
    (void)slot;
}
/* What paw_retrieval_ap does for a tile before it ranks. */
static void product_call(void *arg)
{
    job *j = (job *)arg;
    paw__tiles_begin(&j->tiles, 0, j->tiles.plan.rows);
    paw__tiles_run(&j->tiles, 0, paw__up16(j->n) / 16, 1, no_item, NULL);
}

/* ---- self-check: a small set gives the oracle's precision from exact products ---- */

enum { CHECK_N = 60, CHECK_DIM = 20 };
static int check(cli *app, int isa)
{
    float x[CHECK_N * CHECK_DIM], s[CHECK_N];
    int32_t labels[CHECK_N];
    uint8_t relevant[CHECK_N];
    double ap[CHECK_N];
    size_t i, k, d;
    paw_err e;
    for (i = 0; i < CHECK_N * CHECK_DIM; ++i) x[i] = (float)((i * 2654435761u >> 9) % 5) - 2;
    for (i = 0; i < CHECK_N; ++i) labels[i] = (int32_t)(i % 4);
    e = paw_retrieval_ap(app->ctx, x, CHECK_N, CHECK_DIM, labels, 0, ap);
    if (e) return cli_fail(app, e);
    for (i = 0; i < CHECK_N; ++i) {
        for (k = 0; k < CHECK_N; ++k) {
            float xy = 0, xx = 0, yy = 0;
            for (d = 0; d < CHECK_DIM; ++d) {
                const float a = x[i * CHECK_DIM + d], b = x[k * CHECK_DIM + d];
                xy += a * b;
                xx += a * a;
                yy += b * b;
            }
            s[k] = xy / sqrtf(xx * yy > 1e-16f ? xx * yy : 1e-16f);
            relevant[k] = labels[k] == labels[i];
        }
        if (ap[i] != paw__ref_average_precision(s, relevant, CHECK_N))
            return bench_refuse(app, isa, "average precision");
    }
    return CLI_OK;
}

static int open_job(job *j, cli *app)
{
    const size_t labels = (size_t)cli_int(app, "--labels");
    uint64_t s = (uint64_t)cli_int(app, "--seed") + 1;
    size_t i;
    memset(j, 0, sizeof *j);
    j->app = app;
    j->n = (size_t)cli_int(app, "--n");
    j->dim = (size_t)cli_int(app, "--dim");
    j->x = (float *)paw__alloc(app->ctx, j->n, j->dim * sizeof *j->x);
    j->labels = (int32_t *)paw__alloc(app->ctx, j->n, sizeof *j->labels);
    j->ap = (double *)paw__alloc(app->ctx, j->n, sizeof *j->ap);
    if (!j->x || !j->labels || !j->ap) return cli_no_memory(app);
    for (i = 0; i < j->n * j->dim; ++i) {
        s = s * 6364136223846793005u + 1442695040888963407u;
        j->x[i] = (float)(s >> 40) * (2.0f / 16777216.0f) - 1.0f;
    }
    for (i = 0; i < j->n; ++i) j->labels[i] = (int32_t)(i % labels);
    return CLI_OK;
}
static void close_job(job *j)
{
    paw__free(j->x);
    paw__free(j->labels);
    paw__free(j->ap);
}
/* Before anything else takes memory. */
static int first_call(job *j)
{
    const double start = cli_seconds();
    struct rusage u;
    size_t i;
    ap_call(j);
    for (i = 0; i < j->n; ++i) j->queries += j->ap[i] != 0; /* each has itself among the hits */
    j->first = cli_seconds() - start;
    if (!getrusage(RUSAGE_SELF, &u)) j->peak_rss = 1024.0 * (double)u.ru_maxrss; /* Linux: KiB */
    return j->error ? cli_fail(j->app, j->error) : CLI_OK;
}
/* Share of the product alone in the FMA peak: a row that is measured and not printed. */
static int measure_product(bench *b, job *j, int isa, double *percent)
{
    bench_row r = bench_row_of("", isa, paw_threads_used(j->app->ctx), product_call, j);
    const size_t k = paw__up16(j->dim), labels = (size_t)cli_int(j->app, "--labels");
    const size_t most = j->n / labels + 2;
    paw__tiles *t = &j->tiles;
    paw_err e = paw__rows_of(j->app->ctx, "row", j->x, j->n, j->dim, &t->gallery);
    int code;
    t->query = t->gallery;
    t->plan = paw__plan_of(j->n, j->n, k, 2 * most + paw__buckets(most),
                           (size_t)paw_threads_used(j->app->ctx));
    if (!e) e = paw__tiles_open(j->app->ctx, t);
    j->packed = t->plan.whole ? 4 * paw__up16(j->n) * k : 0;
    if (e) return cli_fail(j->app, e);
    r.flops = 2.0 * (double)t->plan.rows * (double)j->n * (double)j->dim;
    r.reference = BENCH_FLOPS;
    code = bench_measure(b, &r);
    *percent = bench_figures_of(&r).percent;
    paw__tiles_close(t);
    return code;
}
static int measure_once(bench *b, bench_row *r)
{
    bench_machine *m = &b->machine;
    r->calls = 1;
    r->repetitions = 1;
    r->peak[0] = bench_reference(m, BENCH_FLOPS, r->isa, r->threads, 0, 0.5);
    bench_sample(b, r, 1, &r->wall[0], &r->cpu[0]);
    r->peak[1] = bench_reference(m, BENCH_FLOPS, r->isa, r->threads, 0, 0.5);
    r->percent[0] = 200e-9 * r->flops / r->wall[0] / (r->peak[0] + r->peak[1] + 1e-9);
    return cli_interrupted();
}
static int run_row(bench *b, job *j, int isa)
{
    bench_row r = bench_row_of("retrieval_ap", isa, paw_threads_used(j->app->ctx), ap_call, j);
    int code;
    snprintf(r.shape, sizeof r.shape, "%zux%zu/labels:%d/parts:%d", j->n, j->dim,
             cli_int(j->app, "--labels"), cli_int(j->app, "--parts"));
    r.flops = 2.0 * (double)j->queries * (double)j->n * (double)j->dim;
    r.reference = BENCH_FLOPS;
    if (!bench_wanted(b, &r)) return CLI_OK;
    code = j->first > 5 ? measure_once(b, &r) : bench_measure(b, &r);
    if (!code && j->error) code = cli_fail(j->app, j->error);
    if (!code) code = measure_product(b, j, isa, &r.product_percent);
    r.ms_per_query = 1e3 * bench_figures_of(&r).wall / (double)j->queries;
    r.peak_rss = j->peak_rss;
    r.packed = (double)j->packed;
    if (!code) bench_print(b, &r);
    return code;
}
int main(int argc, char **argv)
{
    cli app;
    bench b;
    job j;
    unsigned isas = 0;
    int isa, code;
    cli_start(&app, argc, argv, &program);
    memset(&j, 0, sizeof j);
    code = bench_isas(&app, &isas);
    for (isa = PAW_ISA_SCALAR; !code && isa <= PAW_ISA_AVX512; ++isa) {
        if (!(isas >> isa & 1)) continue;
        (void)paw_isa_limit(isa);
        code = check(&app, isa);
    }
    if (!code) code = open_job(&j, &app);
    if (!code) code = first_call(&j);
    if (!code) {
        bench_start(&b, &app);
        for (isa = PAW_ISA_AVX512; !code && isa >= PAW_ISA_SCALAR; --isa) {
            if (!(isas >> isa & 1)) continue;
            (void)paw_isa_limit(isa);
            code = run_row(&b, &j, isa);
        }
        code = bench_end(&b, code);
    }
    close_job(&j);
    return cli_end(&app, code);
}
