/* Metrics: average precision against brute force in double and scikit-learn's own values where
   ../shared is; retrieval for every tile, thread count and option; ties, NaN, memory. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "t.h"

static paw_ctx *ctx;

typedef struct {
    long calls, fail_at, held;
} fault;
static void *fault_alloc(void *user, size_t bytes)
{
    fault *f = (fault *)user;
    void *p = ++f->calls == f->fail_at ? NULL : malloc(bytes);
    f->held += p != NULL;
    return p;
}
static void fault_free(void *user, void *p, size_t bytes)
{
    (void)bytes;
    ((fault *)user)->held -= p != NULL;
    free(p);
}
static paw_ctx *context(int threads, fault *f)
{
    paw_config cfg;
    paw_ctx *c = NULL;
    memset(&cfg, 0, sizeof cfg);
    cfg.threads = threads;
    if (f) {
        cfg.mem.alloc = fault_alloc;
        cfg.mem.free = fault_free;
        cfg.mem.user = f;
    }
    if (paw_create(&cfg, &c)) abort();
    return c;
}

/* For every relevant item: precision among the items that score at least as high. */
static double brute_ap(const float *s, const uint8_t *relevant, size_t n)
{
    double sum = 0, hits = 0;
    size_t i, j;
    for (i = 0; i < n; ++i) {
        double seen = 0, good = 0;
        if (!relevant[i]) continue;
        for (j = 0; j < n; ++j)
            if (s[j] >= s[i]) {
                ++seen;
                good += relevant[j] != 0;
            }
        sum += good / seen;
        ++hits;
    }
    return sum / hits; /* NaN where nothing is relevant */
}
static int same(double a, double b, double most)
{
    return a != a ? b != b : fabs(a - b) <= most;
}
static void check_ap(const float *s, const uint8_t *relevant, size_t n, double want,
                     const char *what)
{
    double ap = -1;
    const paw_err e = paw_average_precision(ctx, s, relevant, n, &ap);
    T(!e && same(want, ap, 1e-12), "%s: %.17g, expected %.17g", what, ap, want);
}
static void test_ap(void)
{
    static const float s[] = { 0.9f, 0.8f, 0.8f, 0.1f }, flat[] = { 2, 2, 2, 2 };
    static const float zeros[] = { 0.0f, -0.0f, -1.0f, -0.0f };
    static const uint8_t r[] = { 1, 0, 1, 1 }, none[] = { 0, 0, 0, 0 }, all[] = { 1, 7, 1, 255 };
    static const uint8_t last[] = { 0, 0, 1, 0 };
    float scores[400];
    uint8_t relevant[400];
    int round;
    check_ap(s, r, 4, (1 + 2.0 / 3 + 0.75) / 3, "the protocol's vector");
    check_ap(s, all, 4, 1, "all relevant");
    check_ap(s, none, 4, (double)NAN, "none relevant");
    check_ap(flat, last, 4, 0.25, "equal scores: prevalence");
    check_ap(zeros, r, 4, (2 * (2.0 / 3) + 0.75) / 3, "0 and -0 are equal");
    check_ap(s, r, 1, 1, "one item");
    check_ap(NULL, NULL, 0, (double)NAN, "no item");
    for (round = 0; round < 60; ++round) {
        const size_t n = 1 + (size_t)(t_random() % 400);
        const float step = round % 3 ? (float)(1 + t_random() % 50) : 1e30f;
        size_t i;
        for (i = 0; i < n; ++i) {
            scores[i] = round % 3 ? floorf(t_uniform() * step) / step : t_uniform() * step;
            relevant[i] = t_random() % 4 == 0;
        }
        check_ap(scores, relevant, n, brute_ap(scores, relevant, n), "random");
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
/* Integers make every product exact, so that ties are ties in any order of summation. */
static double brute_query(const gallery *g, size_t q, int exclude)
{
    float *s = (float *)malloc(g->n * sizeof *s);
    uint8_t *relevant = (uint8_t *)malloc(g->n);
    double ap;
    size_t i, k, kept = 0;
    if (!s || !relevant) abort();
    for (i = 0; i < g->n; ++i) {
        double xy = 0, xx = 0, yy = 0;
        float m;
        if (i == q && exclude) continue;
        for (k = 0; k < g->dim; ++k) {
            const double a = (double)g->x[q * g->dim + k], b = (double)g->x[i * g->dim + k];
            xy += a * b;
            xx += a * a;
            yy += b * b;
        }
        m = (float)xx * (float)yy;
        s[kept] = (float)xy / sqrtf(m > 1e-16f ? m : 1e-16f);
        relevant[kept++] = g->labels[i] == g->labels[q];
    }
    ap = brute_ap(s, relevant, kept);
    free(s);
    free(relevant);
    return ap;
}
static void test_retrieval(void)
{
    static const size_t sizes[][2] = { { 1, 1 }, { 2, 3 }, { 37, 5 }, { 120, 16 }, { 301, 20 } };
    size_t i, k;
    int exclude;
    for (i = 0; i < sizeof sizes / sizeof *sizes; ++i)
        for (exclude = 0; exclude < 2; ++exclude) {
            gallery g = gallery_new(sizes[i][0], sizes[i][1], 4, 1);
            size_t wrong = 0;
            paw_err e;
            if (g.n > 30) { /* a zero row, and a row twice */
                memset(g.x + 7 * g.dim, 0, g.dim * sizeof *g.x);
                memcpy(g.x + 9 * g.dim, g.x + 8 * g.dim, g.dim * sizeof *g.x);
            }
            e = paw_retrieval_ap(ctx, g.x, g.n, g.dim, g.labels, exclude, g.ap);
            T(!e, "retrieval: %s", paw_message(ctx));
            for (k = 0; k < g.n; ++k)
                wrong += !same(brute_query(&g, k, exclude), g.ap[k], 1e-12);
            T(!wrong, "%zu x %zu, exclude %d: %zu queries differ", g.n, g.dim, exclude, wrong);
            gallery_free(&g);
        }
}
/* Threads change the tiling of the work, never a bit of the result. */
static void test_retrieval_threads(void)
{
    static const int threads[] = { 1, 2, 3, 7 };
    gallery g = gallery_new(333, 24, 5, 0);
    double *first = (double *)malloc(g.n * sizeof *first);
    size_t i, wrong = 0;
    if (!first) abort();
    for (i = 0; i < 4; ++i) {
        paw_ctx *c = context(threads[i], NULL);
        T(!paw_retrieval_ap(c, g.x, g.n, g.dim, g.labels, 0, g.ap), "retrieval");
        if (!i) memcpy(first, g.ap, g.n * sizeof *first);
        T(!memcmp(first, g.ap, g.n * sizeof *first), "same with %d threads", threads[i]);
        paw_destroy(c);
    }
    for (i = 0; i < g.n; ++i) g.labels[i] = (int32_t)(i * 16 / g.n);
    for (i = 1; i < g.n; i += 2)
        memcpy(g.x + i * g.dim, g.x + (i - 1) * g.dim, g.dim * sizeof *g.x);
    T(!paw_retrieval_ap(ctx, g.x, g.n, g.dim, g.labels, 0, g.ap), "retrieval");
    for (i = 1; i < g.n; i += 2)
        wrong += g.labels[i] == g.labels[i - 1] && g.ap[i] != g.ap[i - 1];
    T(!wrong, "twins have equal precision: %zu differ", wrong);
    free(first);
    gallery_free(&g);
}
/* The diagonal of the products is the squares, to the bit, wherever a tile begins; sizes around the
   blocks of a sum. */
static void test_gallery(size_t n, size_t dim)
{
    gallery g = gallery_new(n, dim, 3, 0);
    const size_t ld = (n + 15) / 16 * 16, k = (dim + 15) / 16 * 16;
    float *a = (float *)calloc(n * ld, sizeof *a), *b = (float *)calloc(n * ld, sizeof *b);
    float *packed = (float *)calloc(n * k, sizeof *packed);
    float *partial = (float *)calloc(paw__partial_count(k, ld) + 1, sizeof *partial);
    size_t i, j, first, squares = 0, skewed = 0;
    paw__gallery h;
    if (!a || !b || !packed || !partial) abort();
    T(!paw__gallery_open(ctx, g.x, n, dim, &h), "open");
    paw__gallery_rows(ctx, &h, 0, n, packed, partial, a);
    for (first = 0; first < n; first += 7)
        paw__gallery_rows(ctx, &h, first, n - first < 7 ? n - first : 7, packed, partial,
                          b + first * ld);
    T(!memcmp(a, b, n * ld * sizeof *a), "%zu x %zu: products do not depend on the tile", n, dim);
    for (i = 0; i < n; ++i) {
        squares += paw__gallery_square(g.x + i * dim, dim) != a[i * ld + i];
        for (j = 0; j < n; ++j) skewed += a[i * ld + j] != a[j * ld + i];
    }
    T(!squares, "%zu x %zu: %zu squares are not the diagonal", n, dim, squares);
    T(!skewed, "%zu x %zu: %zu products are not symmetric", n, dim, skewed);
    paw__gallery_close(&h);
    free(a);
    free(b);
    free(packed);
    free(partial);
    gallery_free(&g);
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
static void test_memory(void)
{
    gallery g = gallery_new(20, 6, 2, 0);
    fault f = { 0, 0, 0 };
    paw_ctx *c = context(1, &f);
    const long held = f.held;
    long n, tries;
    f.calls = 0;
    T(!paw_retrieval_ap(c, g.x, g.n, g.dim, g.labels, 0, g.ap), "retrieval");
    tries = f.calls;
    for (n = 1; n <= tries; ++n) {
        f.calls = 0;
        f.fail_at = n;
        T(paw_retrieval_ap(c, g.x, g.n, g.dim, g.labels, 0, g.ap) == PAW_E_OOM && f.held == held,
          "allocation %ld of %ld", n, tries);
    }
    f.calls = 0;
    f.fail_at = 1;
    T(paw_average_precision(c, g.x, (const uint8_t *)"\1\0\1", 3, g.ap) == PAW_E_OOM, "ap");
    f.fail_at = 0;
    paw_destroy(c);
    T(tries && !f.held, "all freed");
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
    test_ap_errors();
    test_gallery(75, 37);
    test_gallery(33, 384);
    test_gallery(20, 1153);
    test_retrieval();
    test_retrieval_threads();
    test_retrieval_errors();
    test_memory();
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
