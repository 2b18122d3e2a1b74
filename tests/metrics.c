/* Metrics: average precision against the oracle, to the bit, and scikit-learn's own values where
   ../shared is; retrieval and nearest neighbours for every tile, thread count, instruction set and
   option; ties, NaN, memory. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "t.h"

static paw_ctx *ctx;

typedef struct {
    size_t bytes, most;
} meter;
static void *metered_alloc(void *user, size_t bytes)
{
    meter *f = (meter *)user;
    void *p = malloc(bytes);
    if (p) f->bytes += bytes;
    if (f->bytes > f->most) f->most = f->bytes;
    return p;
}
static void metered_free(void *user, void *p, size_t bytes)
{
    meter *f = (meter *)user;
    if (p) f->bytes -= bytes;
    free(p);
}
static paw_ctx *context(int threads, meter *f)
{
    paw_config cfg;
    paw_ctx *c = NULL;
    memset(&cfg, 0, sizeof cfg);
    cfg.threads = threads;
    if (f) {
        cfg.mem.alloc = metered_alloc;
        cfg.mem.free = metered_free;
        cfg.mem.user = f;
    }
    if (paw_create(&cfg, &c)) abort();
    return c;
}

static int same(double a, double b, double most)
{
    return a != a ? b != b : fabs(a - b) <= most;
}
static const int isas[] = { PAW_ISA_SCALAR, PAW_ISA_NEON, PAW_ISA_AVX2, PAW_ISA_AVX512 };
static int isa_runs(int isa) { return paw_isa_supported(isa) && paw_isa_limit(isa) == isa; }
static void check_ap(const float *s, const uint8_t *relevant, size_t n, double want,
                     const char *what)
{
    double ap = -1;
    const paw_err e = paw_average_precision(ctx, s, relevant, n, &ap);
    T(!e && same(want, ap, 1e-12), "%s: %.17g, expected %.17g", what, ap, want);
}
/* On every instruction set the oracle's, to the bit. */
static void check_exact(const float *s, const uint8_t *relevant, size_t n, const char *what)
{
    const double want = paw__ref_average_precision(s, relevant, n);
    size_t i;
    for (i = 0; i < 4; ++i) {
        double ap = -1;
        if (!isa_runs(isas[i])) continue;
        T(!paw_average_precision(ctx, s, relevant, n, &ap) && same(want, ap, 0),
          "%s, %zu scores, %s: %.17g, expected %.17g", what, n, paw_isa_name(isas[i]), ap, want);
    }
    (void)paw_isa_limit(PAW_ISA_AVX512);
}
static void test_ap(void)
{
    static const float s[] = { 0.9f, 0.8f, 0.8f, 0.1f }, flat[] = { 2, 2, 2, 2 };
    static const float zeros[] = { 0.0f, -0.0f, -1.0f, -0.0f };
    static const uint8_t r[] = { 1, 0, 1, 1 }, none[] = { 0, 0, 0, 0 }, all[] = { 1, 7, 1, 255 };
    static const uint8_t last[] = { 0, 0, 1, 0 };
    check_ap(s, r, 4, (1 + 2.0 / 3 + 0.75) / 3, "the protocol's vector");
    check_ap(s, all, 4, 1, "all relevant");
    check_ap(s, none, 4, (double)NAN, "none relevant");
    check_ap(flat, last, 4, 0.25, "equal scores: prevalence");
    check_ap(zeros, r, 4, (2 * (2.0 / 3) + 0.75) / 3, "0 and -0 are equal");
    check_ap(s, r, 1, 1, "one item");
    check_ap(NULL, NULL, 0, (double)NAN, "no item");
}
/* What buckets may stumble over: ties, clusters, ranges from one ulp to all that floats have,
   outliers, order, signs. */
enum { UNIFORM, TIES, TWO, FLAT, WIDE, SKEWED, CLUSTERS, OUTLIER, ASCENDING, DESCENDING, ULPS,
       ZEROS, TINY, KINDS };
static float score_of(int kind, size_t i, size_t n)
{
    const float u = t_uniform();
    switch (kind) {
    case TIES: return floorf(u * 20) / 20;
    case TWO: return u < 0 ? 0.25f : 0.75f;
    case FLAT: return 0.5f;
    case WIDE: return u * FLT_MAX;
    case SKEWED: return expf(80 * u);
    case CLUSTERS: return (float)(t_random() % 3) + u * 1e-6f;
    case OUTLIER: return i ? u * 1e-3f : -1e30f;
    case ASCENDING: return (float)i / (float)n;
    case DESCENDING: return -(float)i;
    case ULPS: return 1 + (float)(t_random() % 8) * FLT_EPSILON;
    case ZEROS: return i % 3 == 2 ? u : i % 3 ? 0.0f : -0.0f;
    case TINY: return u * 1e-42f;
    default: return u;
    }
}
static void test_ap_exact(void)
{
    static const char *const names[KINDS] = {
        "uniform", "ties", "two values", "all equal", "wide", "skewed", "clusters", "an outlier",
        "ascending", "descending", "a few ulps", "zeros of both signs", "denormal" };
    static const size_t sizes[] = { 1, 2, 15, 16, 17, 255, 256, 257, 600, 1500 };
    float scores[1500];
    uint8_t relevant[1500];
    size_t size, i;
    int kind, share;
    for (kind = 0; kind < KINDS; ++kind)
        for (size = 0; size < sizeof sizes / sizeof *sizes; ++size)
            for (share = 0; share < 3; ++share) {
                for (i = 0; i < sizes[size]; ++i) {
                    scores[i] = score_of(kind, i, sizes[size]);
                    relevant[i] = share == 0 ? t_random() % 4 == 0
                                             : share == 1 ? t_random() % 64 == 0 : i % 8 != 0;
                }
                check_exact(scores, relevant, sizes[size], names[kind]);
            }
}
static void test_ap_errors(void)
{
    float s[3] = { 1, 2, 3 };
    static const uint8_t r[3] = { 1, 0, 1 };
    double ap = 5;
    T(paw_average_precision(ctx, NULL, r, 3, &ap) == PAW_E_ARG, "NULL scores");
    T(paw_average_precision(ctx, s, NULL, 3, &ap) == PAW_E_ARG, "NULL relevant");
    T(paw_average_precision(ctx, s, r, 3, NULL) == PAW_E_ARG, "NULL result");
    T(paw_average_precision(NULL, s, r, 3, &ap) == PAW_E_ARG, "NULL context");
    s[1] = NAN;
    T(paw_average_precision(ctx, s, r, 3, &ap) == PAW_E_NUM && strstr(paw_message(ctx), "score 1"),
      "NaN: %s", paw_message(ctx));
    s[1] = -INFINITY;
    T(paw_average_precision(ctx, s, r, 3, &ap) == PAW_E_NUM, "infinite");
    T(ap == 5, "result untouched");
}

/* ---- retrieval ---- */

typedef struct {
    size_t n, dim;
    float *x;
    int32_t *labels;
    double *ap;
} gallery;
static gallery gallery_new(size_t n, size_t dim, int classes, int ties)
{
    gallery g;
    size_t i;
    g.n = n;
    g.dim = dim;
    g.x = (float *)malloc(n * dim * sizeof *g.x);
    g.labels = (int32_t *)malloc(n * sizeof *g.labels);
    g.ap = (double *)malloc(n * sizeof *g.ap);
    if (!g.x || !g.labels || !g.ap) abort();
    for (i = 0; i < n * dim; ++i) g.x[i] = ties ? (float)(t_random() % 3) - 1 : t_uniform();
    for (i = 0; i < n; ++i) g.labels[i] = (int32_t)(t_random() % (unsigned)classes) - 1;
    return g;
}
static void gallery_free(gallery *g)
{
    free(g->x);
    free(g->labels);
    free(g->ap);
}
/* The contract, said again: an FMA chain from zero per block of PAW__KC, the blocks added in
   order. */
static float product_of(const float *x, const float *y, size_t n)
{
    float sum = 0, chain;
    size_t i, end;
    for (i = 0; i < n; i = end) {
        end = n - i < PAW__KC ? n : i + PAW__KC;
        for (chain = 0; i < end; ++i) chain = fmaf(x[i], y[i], chain);
        sum += chain;
    }
    return sum;
}
static float cosine_of(const gallery *g, const float *x, size_t row)
{
    const float *y = g->x + row * g->dim;
    const float m = product_of(x, x, g->dim) * product_of(y, y, g->dim);
    return product_of(x, y, g->dim) / sqrtf(m > 1e-16f ? m : 1e-16f);
}
static double query_of(const gallery *g, size_t query, int exclude)
{
    float *s = (float *)malloc(g->n * sizeof *s);
    uint8_t *relevant = (uint8_t *)malloc(g->n);
    size_t i, kept = 0;
    double ap;
    if (!s || !relevant) abort();
    for (i = 0; i < g->n; ++i) {
        if (i == query && exclude) continue;
        s[kept] = cosine_of(g, g->x + query * g->dim, i);
        relevant[kept++] = g->labels[i] == g->labels[query];
    }
    ap = paw__ref_average_precision(s, relevant, kept);
    free(s);
    free(relevant);
    return ap;
}
/* Tiles and chunks of every kind, down to one row and one panel; rows 0: as the library plans. */
static const paw__plan plans[] = { { 0, 0, 0, 0 }, { 1, 16, 0, 0 }, { 7, 48, 1, 0 },
                                   { 13, 32, 0, 0 }, { 64, 96, 1, 0 }, { 500, 512, 0, 0 },
                                   { 500, 512, 1, 0 }, { 9, 512, 1, 1 } };
enum { PLANS = sizeof plans / sizeof *plans };
static const int widths[] = { 1, 2, 3, 7 };

/* Parts add up to the whole, to the bit; each query belongs to one of them. */
static void check_parts(const gallery *g, int exclude, const double *want)
{
    static const size_t parts[] = { 2, 3, 16, 1000 };
    double *sum = (double *)malloc(g->n * sizeof *sum);
    size_t i, k, part;
    if (!sum) abort();
    for (k = 0; k < 4; ++k) {
        paw_ctx *c = context(2, NULL);
        size_t wrong = 0, twice = 0, busy = 0;
        paw_err e = PAW_OK;
        memset(sum, 0, g->n * sizeof *sum);
        for (part = 0; !e && part < parts[k]; ++part) {
            size_t own = 0;
            e = paw_retrieval_ap_part(c, g->x, g->n, g->dim, g->labels, exclude, part, parts[k],
                                      g->ap);
            for (i = 0; i < g->n; ++i) {
                own += g->ap[i] != 0;
                twice += g->ap[i] != 0 && sum[i] != 0;
                sum[i] += g->ap[i];
            }
            busy += own > 0;
        }
        for (i = 0; i < g->n; ++i) wrong += !same(want[i], sum[i], 0);
        T(!e && !wrong && !twice, "%zu x %zu in %zu parts, exclude %d: %zu differ, %zu twice",
          g->n, g->dim, parts[k], exclude, wrong, twice);
        i = (g->n + parts[k] - 1) / parts[k]; /* rows of a tile at most */
        T(busy >= (g->n + i - 1) / i || exclude, "%zu rows: %zu of %zu parts work", g->n, busy,
          parts[k]);
        g->ap[0] = -1;
        T(paw_retrieval_ap_part(c, g->x, g->n, g->dim, g->labels, exclude, parts[k], parts[k],
                                g->ap) == PAW_E_ARG && g->ap[0] < 0, "part %zu of %zu", parts[k],
          parts[k]);
        paw_destroy(c);
    }
    free(sum);
}

/* Every plan, thread count and instruction set gives the oracle's average precision to the bit. */
static void check_retrieval(const gallery *g, int exclude, const char *what)
{
    double *want = (double *)malloc(g->n * sizeof *want);
    size_t i, k, p, w;
    if (!want) abort();
    for (i = 0; i < g->n; ++i) want[i] = query_of(g, i, exclude);
    for (k = 0; k < 4; ++k) {
        if (!isa_runs(isas[k])) continue;
        for (p = 0; p < PLANS; ++p)
            for (w = 0; w < (p % 7 ? 1 : 4); ++w) {
                paw_ctx *c = context(widths[w], NULL);
                size_t wrong = 0;
                paw_err e = p ? paw__retrieval_ap(c, g->x, g->n, g->dim, g->labels, exclude,
                                                  &plans[p], 0, 1, g->ap)
                              : paw_retrieval_ap(c, g->x, g->n, g->dim, g->labels, exclude, g->ap);
                for (i = 0; i < g->n; ++i) wrong += !same(want[i], g->ap[i], 0);
                T(!e && !wrong, "%s, %zu x %zu, exclude %d, %s, plan %zu, %d threads: %zu differ; "
                  "%s", what, g->n, g->dim, exclude, paw_isa_name(isas[k]), p, widths[w], wrong,
                  paw_message(c));
                paw_destroy(c);
            }
    }
    (void)paw_isa_limit(PAW_ISA_AVX512);
    check_parts(g, exclude, want);
    free(want);
}
static void test_retrieval(void)
{
    static const size_t sizes[][2] = { { 1, 1 }, { 2, 3 }, { 37, 5 }, { 120, 16 }, { 301, 20 } };
    static const int classes[] = { 1, 4, 90, 100000 };
    size_t i, k;
    for (i = 0; i < sizeof sizes / sizeof *sizes; ++i)
        for (k = 0; k < 4; ++k) {
            gallery g = gallery_new(sizes[i][0], sizes[i][1], classes[k], k != 2);
            if (g.n > 30) { /* a zero row, and a row twice */
                memset(g.x + 7 * g.dim, 0, g.dim * sizeof *g.x);
                memcpy(g.x + 9 * g.dim, g.x + 8 * g.dim, g.dim * sizeof *g.x);
            }
            check_retrieval(&g, k & 1, "retrieval");
            if (i == 2) check_retrieval(&g, !(k & 1), "retrieval");
            gallery_free(&g);
        }
    { /* sums in several blocks, and in two ranges */
        static const size_t dims[] = { 383, 385, 1153 };
        for (i = 0; i < 3; ++i) {
            gallery g = gallery_new(50, dims[i], 3, 0);
            check_retrieval(&g, 0, "long rows");
            gallery_free(&g);
        }
    }
}
static void test_twins(void)
{
    gallery g = gallery_new(333, 24, 5, 0);
    size_t i, wrong = 0;
    for (i = 0; i < g.n; ++i) g.labels[i] = (int32_t)(i * 16 / g.n);
    for (i = 1; i < g.n; i += 2)
        memcpy(g.x + i * g.dim, g.x + (i - 1) * g.dim, g.dim * sizeof *g.x);
    T(!paw_retrieval_ap(ctx, g.x, g.n, g.dim, g.labels, 0, g.ap), "retrieval");
    for (i = 1; i < g.n; i += 2)
        wrong += g.labels[i] == g.labels[i - 1] && g.ap[i] != g.ap[i - 1];
    T(!wrong, "twins have equal precision: %zu differ", wrong);
    gallery_free(&g);
}
/* What a plan takes stays within the documented bound, however many rows and classes; the context's
   allocator sees that no row of all scores is held. */
static void test_retrieval_memory(void)
{
    static const size_t rows[] = { 1, 300, 10000, 50000, 300000, 2450000 };
    static const size_t dims[] = { 1, 192, 768, 1024, 65536 }, shares[] = { 1, 4, 1000 };
    meter f = { 0, 0 };
    paw_ctx *c = context(2, &f);
    gallery g = gallery_new(9000, 24, 30, 0);
    size_t i, j, k, held = f.bytes;
    for (i = 0; i < 6; ++i)
        for (j = 0; j < 5; ++j)
            for (k = 0; k < 3; ++k) {
                const size_t n = rows[i], d = paw__up16(dims[j]), m = n / shares[k] + 1;
                const size_t own = 2 * m + paw__buckets(m) + 2;
                const paw__plan p = paw__plan_of(n, n, d, own, 2);
                const size_t most = paw__max(PAW__TILE_FLOATS - paw__min(6 * n, PAW__TILE_FLOATS),
                                             PAW__TILE_FLOATS / 4);
                T(p.rows && p.columns && p.columns % 16 == 0 &&
                      paw__tiles_floats(&p, n, d, p.at_once ? 0 : own) <= most,
                  "%zu x %zu, classes of %zu: %zu x %zu takes %zu", n, d, m, p.rows, p.columns,
                  paw__tiles_floats(&p, n, d, own));
            }
    f.most = f.bytes;
    T(!paw_retrieval_ap(c, g.x, g.n, g.dim, g.labels, 0, g.ap), "retrieval");
    T(f.most - held < 24 * g.n + 4 * 32 * g.n + 208 * 4 * (g.n + 6000) && f.most > held,
      "%zu rows take %zu bytes", g.n, f.most - held);
    paw_destroy(c);
    gallery_free(&g);
}

/* ---- nearest neighbours ---- */

typedef struct {
    float score;
    size_t row;
} near_row;
static int by_nearness(const void *a, const void *b)
{
    const near_row *x = (const near_row *)a, *y = (const near_row *)b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}
/* all [n] rows, nearest first; returns how many there are */
static size_t sort_rows(const gallery *g, const float *query, size_t skip, near_row *all)
{
    size_t i, n = 0;
    for (i = 0; i < g->n; ++i) {
        if (i == skip) continue;
        all[n].score = cosine_of(g, query, i);
        all[n++].row = i;
    }
    qsort(all, n, sizeof *all, by_nearness);
    return n;
}
static paw_err topk(paw_ctx *c, const gallery *g, const float *queries, size_t nq, size_t k,
                    int exclude, size_t plan, size_t *rows, float *scores)
{
    paw__neighbours r;
    paw_err e;
    if (!plan) return paw_retrieval_topk(c, queries, nq, g->x, g->n, g->dim, k, exclude, rows,
                                         scores);
    e = paw__neighbours_of(c, queries, nq, g->x, g->n, g->dim, k, exclude, &r);
    r.rows = rows;
    r.scores = scores;
    return e ? e : paw__neighbours_run(c, &r, &plans[plan]);
}
static void check_topk(const gallery *g, const float *queries, size_t nq, size_t k, int exclude)
{
    near_row *all = (near_row *)malloc(g->n * sizeof *all);
    size_t *rows = (size_t *)malloc(nq * k * sizeof *rows), i, j, p, w, s;
    float *scores = (float *)malloc(nq * k * sizeof *scores);
    near_row *want = (near_row *)malloc(nq * k * sizeof *want);
    if (!all || !rows || !scores || !want) abort();
    for (i = 0; i < nq; ++i) {
        (void)sort_rows(g, queries + i * g->dim, exclude ? i : g->n, all);
        memcpy(want + i * k, all, k * sizeof *all);
    }
    for (s = 0; s < 4; ++s) {
        if (!isa_runs(isas[s])) continue;
        for (p = 0; p < PLANS; ++p)
            for (w = 0; w < (p % 7 ? 1 : 4); ++w) {
                paw_ctx *c = context(widths[w], NULL);
                const paw_err e = topk(c, g, queries, nq, k, exclude, p, rows, scores);
                size_t wrong = 0;
                for (j = 0; j < nq * k; ++j)
                    wrong += rows[j] != want[j].row || scores[j] != want[j].score;
                T(!e && !wrong, "top %zu of %zu, %zu queries, exclude %d, %s, plan %zu, "
                  "%d threads: %zu differ; %s", k, g->n, nq, exclude, paw_isa_name(isas[s]), p,
                  widths[w], wrong, paw_message(c));
                paw_destroy(c);
            }
    }
    (void)paw_isa_limit(PAW_ISA_AVX512);
    free(all);
    free(rows);
    free(scores);
    free(want);
}
static void test_topk(void)
{
    gallery g = gallery_new(137, 9, 6, 1), q = gallery_new(45, 9, 6, 1);
    gallery u = gallery_new(150, 40, 6, 0);
    check_topk(&g, q.x, q.n, 1, 0);
    check_topk(&g, q.x, q.n, 20, 0);
    check_topk(&g, q.x, q.n, 137, 0);
    check_topk(&g, g.x, g.n, 10, 0);
    check_topk(&g, g.x, g.n, 136, 1);
    check_topk(&u, u.x, u.n, 33, 1);
    check_topk(&u, u.x, 20, 5, 1);
    gallery_free(&g);
    gallery_free(&q);
    gallery_free(&u);
}
/* Votes in double with the library's own exp of floats, in the order of the neighbours. */
static void check_knn(const gallery *g, const float *queries, size_t nq, const paw_knn_opts *o,
                      int classes)
{
    const size_t k = o && o->k ? o->k : 20, cs = (size_t)classes;
    const float temperature = o && o->temperature > 0 ? o->temperature : 0.07f;
    near_row *all = (near_row *)malloc(g->n * sizeof *all);
    int32_t *predicted = (int32_t *)malloc(nq * sizeof *predicted);
    float *votes = (float *)malloc(nq * cs * sizeof *votes);
    double *sum = (double *)malloc(cs * sizeof *sum);
    size_t i, j, w, wrong, far;
    if (!all || !predicted || !votes || !sum) abort();
    for (w = 0; w < 4; ++w) {
        paw_ctx *c = context(widths[w], NULL);
        T(!paw_knn(c, queries, nq, g->x, g->labels, g->n, g->dim, classes, o, predicted, votes),
          "knn: %s", paw_message(c));
        for (i = 0, wrong = far = 0; i < nq; ++i) {
            size_t best = 0;
            (void)sort_rows(g, queries + i * g->dim, o && o->exclude_self ? i : g->n, all);
            memset(sum, 0, cs * sizeof *sum);
            for (j = 0; j < k; ++j)
                sum[g->labels[all[j].row]] +=
                    o && o->vote == PAW_VOTE_ONE ? 1.0 : (double)paw__exp_scalar(
                        (all[j].score - all[0].score) / temperature);
            for (j = 0; j < cs; ++j) {
                if (sum[j] > sum[best]) best = j;
                far += votes[i * cs + j] != (float)sum[j];
            }
            wrong += predicted[i] != (int32_t)best;
        }
        T(!wrong && !far, "%zu neighbours, %d threads: %zu of %zu queries, %zu votes differ", k,
          widths[w], wrong, nq, far);
        paw_destroy(c);
    }
    free(all);
    free(predicted);
    free(votes);
    free(sum);
}
static void test_knn(void)
{
    gallery g = gallery_new(160, 9, 7, 1), q = gallery_new(45, 9, 7, 1);
    static const float points[] = { 1, 0, 0.9f, 0.1f, 0.9f, 0.1f, 0, 1 };
    static const int32_t labels[] = { 3, 1, 1, 0 };
    paw_knn_opts o;
    int32_t got = -1;
    size_t i;
    memset(&o, 0, sizeof o);
    for (i = 0; i < g.n; ++i) ++g.labels[i];
    check_knn(&g, q.x, q.n, NULL, 7);
    o.k = 7;
    o.vote = PAW_VOTE_ONE;
    check_knn(&g, q.x, q.n, &o, 7);
    o.exclude_self = 1;
    check_knn(&g, g.x, g.n, &o, 7);
    o.vote = PAW_VOTE_EXP;
    o.temperature = 1e-30f; /* the nearest alone, and its ties */
    check_knn(&g, g.x, g.n, &o, 7);
    o.exclude_self = 0;
    o.k = 3;
    T(!paw_knn(ctx, points, 1, points, labels, 4, 2, 4, &o, &got, NULL) && got == 3, "cold: %d",
      got);
    o.temperature = 100;
    T(!paw_knn(ctx, points, 1, points, labels, 4, 2, 4, &o, &got, NULL) && got == 1, "hot: %d",
      got);
    gallery_free(&g);
    gallery_free(&q);
}
static void test_neighbour_errors(void)
{
    gallery g = gallery_new(20, 6, 2, 0), q = gallery_new(5, 6, 2, 0);
    size_t rows[40];
    float scores[40];
    int32_t got[20];
    paw_knn_opts o;
    memset(&o, 0, sizeof o);
    rows[0] = 77;
    got[0] = 77;
    T(paw_retrieval_topk(NULL, q.x, 5, g.x, 20, 6, 2, 0, rows, scores) == PAW_E_ARG, "context");
    T(paw_retrieval_topk(ctx, NULL, 5, g.x, 20, 6, 2, 0, rows, scores) == PAW_E_ARG, "queries");
    T(paw_retrieval_topk(ctx, q.x, 5, NULL, 20, 6, 2, 0, rows, scores) == PAW_E_ARG, "gallery");
    T(paw_retrieval_topk(ctx, q.x, 5, g.x, 20, 6, 0, 0, rows, scores) == PAW_E_ARG, "k 0");
    T(paw_retrieval_topk(ctx, q.x, 5, g.x, 20, 6, 21, 0, rows, scores) == PAW_E_ARG &&
      strstr(paw_message(ctx), "k = 21 of 20"), "k 21: %s", paw_message(ctx));
    T(paw_retrieval_topk(ctx, g.x, 20, g.x, 20, 6, 20, 1, rows, scores) == PAW_E_ARG &&
      strstr(paw_message(ctx), "k = 20 of 19"), "k n: %s", paw_message(ctx));
    T(paw_retrieval_topk(ctx, g.x, 20, q.x, 5, 6, 2, 1, rows, scores) == PAW_E_ARG, "not rows");
    T(!paw_retrieval_topk(ctx, NULL, 0, g.x, 20, 6, 2, 0, NULL, NULL), "no queries");
    T(paw_retrieval_topk(ctx, q.x, 5, g.x, 1u << 20, (size_t)-1 / 64, 2, 0, rows, scores) ==
      PAW_E_LIMIT, "overflow");
    q.x[3 * 6 + 1] = NAN;
    T(paw_retrieval_topk(ctx, q.x, 5, g.x, 20, 6, 2, 0, rows, scores) == PAW_E_NUM &&
      strstr(paw_message(ctx), "feature 1 of query 3"), "NaN: %s", paw_message(ctx));
    g.x[13 * 6 + 4] = INFINITY;
    T(paw_retrieval_topk(ctx, q.x, 3, g.x, 20, 6, 2, 0, rows, scores) == PAW_E_NUM &&
      strstr(paw_message(ctx), "feature 4 of row 13"), "infinite: %s", paw_message(ctx));
    g.labels[4] = 2;
    T(paw_knn(ctx, g.x, 2, g.x, g.labels, 13, 6, 2, NULL, got, NULL) == PAW_E_ARG, "k over rows");
    o.k = 3;
    g.labels[3] = 0;
    T(paw_knn(ctx, g.x, 2, g.x, g.labels, 13, 6, 2, &o, got, NULL) == PAW_E_ARG &&
      strstr(paw_message(ctx), "is none of 2 classes"), "label: %s", paw_message(ctx));
    T(paw_knn(ctx, g.x, 2, g.x, NULL, 13, 6, 2, &o, got, NULL) == PAW_E_ARG, "no labels");
    T(rows[0] == 77 && got[0] == 77, "results untouched");
    gallery_free(&g);
    gallery_free(&q);
}
static void test_retrieval_errors(void)
{
    gallery g = gallery_new(20, 6, 2, 0);
    const char *m;
    size_t i;
    for (i = 0; i < g.n; ++i) g.ap[i] = 5;
    T(paw_retrieval_ap(NULL, g.x, g.n, g.dim, g.labels, 0, g.ap) == PAW_E_ARG, "NULL context");
    T(paw_retrieval_ap(ctx, NULL, g.n, g.dim, g.labels, 0, g.ap) == PAW_E_ARG, "NULL features");
    T(paw_retrieval_ap(ctx, g.x, g.n, 0, g.labels, 0, g.ap) == PAW_E_ARG, "no features");
    T(!paw_retrieval_ap(ctx, NULL, 0, 3, NULL, 0, NULL), "no rows");
    g.x[13 * 6 + 4] = NAN;
    T(paw_retrieval_ap(ctx, g.x, g.n, g.dim, g.labels, 0, g.ap) == PAW_E_NUM, "NaN");
    m = paw_message(ctx);
    T(strstr(m, "row 13") && strstr(m, "feature 4"), "NaN: %s", m);
    g.x[13 * 6 + 4] = -INFINITY;
    T(paw_retrieval_ap(ctx, g.x, g.n, g.dim, g.labels, 0, g.ap) == PAW_E_NUM, "infinite");
    g.x[13 * 6 + 4] = 1e25f;
    T(paw_retrieval_ap(ctx, g.x, g.n, g.dim, g.labels, 0, g.ap) == PAW_E_NUM &&
      strstr(paw_message(ctx), "too large"), "overflow: %s", paw_message(ctx));
    T(g.ap[0] == 5 && g.ap[19] == 5, "result untouched");
    gallery_free(&g);
}
/* ---- summaries ---- */

static void test_summaries(void)
{
    static const double ap[] = { 1, 0.5, 0.25, (double)NAN, 0.75 };
    static const int32_t labels[] = { 0, 0, 2, 3, 2 }, bad[] = { 0, 4, 0, 0, 0 };
    static const float logits[] = { 1, 3, 2, 2, 2, 2, NAN, 5, 1, 4, NAN, 0 };
    static const int32_t want[] = { 1, 1, 1, 0 };
    double per[4] = { 9, 9, 9, 9 };
    paw_ap_summary s;
    s.ap = -1;
    T(paw_ap_mean(ap, bad, 5, 4, per, &s) == PAW_E_ARG && s.ap == -1 && per[0] == 9, "bad label");
    T(!paw_ap_mean(ap, labels, 5, 4, per, &s), "summary");
    T(s.ap == 0.625 && s.map == 0.625 && s.undefined == 1, "%g %g %zu", s.ap, s.map, s.undefined);
    T(per[0] == 0.75 && per[1] != per[1] && per[2] == 0.5 && per[3] != per[3], "per class");
    T(!paw_ap_mean(ap, labels, 3, 4, NULL, &s) && same(s.map, 0.5, 1e-15) &&
      same(s.ap, 1.75 / 3, 1e-15), "means differ: %g %g", s.map, s.ap);
    T(!paw_ap_mean(NULL, NULL, 0, 4, NULL, &s) && s.ap != s.ap && s.map != s.map && !s.undefined,
      "no queries");
    T(same(paw_chance(labels, 5, 4), (4 + 4 + 1) / 25.0, 1e-15), "chance");
    T(paw_chance(bad, 5, 4) != paw_chance(bad, 5, 4), "chance of a bad label");
    T(paw_chance(NULL, 0, 4) != paw_chance(NULL, 0, 4), "chance of nothing");
    T(paw_topk_correct(logits, want, 1, 3, 1) == 1, "highest");
    T(paw_topk_correct(logits + 3, want, 1, 3, 1) == 0, "of equals the lower index counts higher");
    T(paw_topk_correct(logits + 3, want, 1, 3, 2) == 1, "second");
    T(paw_topk_correct(logits + 6, want, 1, 3, 1) == 0, "NaN counts as highest");
    T(paw_topk_correct(logits, want, 4, 3, 2) == 4, "top 2");
    T(paw_topk_correct(logits + 9, want, 1, 3, 3) == 0, "a NaN label is wrong");
    T(paw_topk_correct(logits, bad + 1, 1, 3, 3) == 0, "label out of range");
    T(paw_topk_correct(logits, want, 4, 3, 0) == 0, "top 0");
}

/* ---- scikit-learn's results ---- */

static void *npy(const char *shared, const char *kind, const char *what, int as, size_t *count)
{
    char path[1200];
    paw_tensors *t = NULL;
    paw_tensor_info info;
    void *p = NULL;
    paw_err e;
    memset(&info, 0, sizeof info);
    snprintf(path, sizeof path, "%s/golden/probes/ap_%s_%s.npy", shared, kind, what);
    e = paw_tensors_open(ctx, path, &t);
    if (!e) e = paw_tensors_info(t, 0, &info);
    if (!e && (p = malloc(info.count * 8)) != NULL)
        e = paw_tensors_read(ctx, t, 0, as, p, info.count);
    paw_tensors_close(t);
    T(!e, "%s: %s", path, paw_message(ctx));
    *count = info.count;
    return p;
}
static void check_golden(const char *shared, const char *kind)
{
    size_t n = 0, nx = 0, ns = 0, nq = 0, i, j;
    int64_t *labels = (int64_t *)npy(shared, kind, "labels", PAW_I64, &n);
    float *s = (float *)npy(shared, kind, "similarity", PAW_F32, &ns);
    float *x = (float *)npy(shared, kind, "features", PAW_F32, &nx);
    double *want = (double *)npy(shared, kind, "per_query", PAW_F64, &nq);
    int32_t *label = (int32_t *)malloc((n + 1) * sizeof *label);
    uint8_t *relevant = (uint8_t *)malloc(n + 1);
    double *ap = (double *)malloc((n + 1) * sizeof *ap), worst = 0, off = 0;
    if (!label || !relevant || !ap) abort();
    if (!T(labels && s && x && want && ns == n * n && nq == n && n, "%s: sizes", kind)) return;
    for (i = 0; i < n; ++i) label[i] = (int32_t)labels[i];
    for (i = 0; i < n; ++i) {
        for (j = 0; j < n; ++j) relevant[j] = label[i] == label[j];
        T(!paw_average_precision(ctx, s + i * n, relevant, n, ap), "ap");
        if (!(fabs(*ap - want[i]) <= worst)) worst = fabs(*ap - want[i]);
    }
    T(worst <= 1e-12, "%s: largest difference %g", kind, worst);
    T(!paw_retrieval_ap(ctx, x, n, nx / n, label, 0, ap), "%s: %s", kind, paw_message(ctx));
    for (i = 0; i < n; ++i) off += (ap[i] - want[i]) / (double)n;
    T(fabs(off) <= 1e-5, "%s: mean from features is off by %g", kind, off); /* fp32 sums differ */
    printf("note %s: per query %.2g, mean from features %.2g off scikit-learn\n", kind, worst, off);
    free(labels);
    free(s);
    free(x);
    free(want);
    free(label);
    free(relevant);
    free(ap);
}

int main(void)
{
    const char *shared;
    ctx = context(0, NULL);
    test_ap();
    test_ap_exact();
    test_ap_errors();
    test_retrieval();
    test_twins();
    test_retrieval_memory();
    test_retrieval_errors();
    test_topk();
    test_knn();
    test_neighbour_errors();
    test_summaries();
    shared = t_shared();
    if (shared) {
        check_golden(shared, "plain");
        check_golden(shared, "ties");
    } else {
        T_SKIP("no ../shared: scikit-learn's results");
    }
    paw_destroy(ctx);
    return t_end("metrics");
}
