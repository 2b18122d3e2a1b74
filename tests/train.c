/* train: heads on frozen features. Gradients against central differences of the protocol's own
   definition in double (keys and values there, nothing folded); the same head to the byte on any
   instruction set, any number of threads, in one run or resumed; files, divergence, bad arguments.
   The kernels one by one are in kernels.c. */
#define _DEFAULT_SOURCE
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "t.h"

#define U (1.0 / 16777216)
static char folder[] = P_tmpdir "/paw-train-XXXXXX";
static paw_ctx *ctx;

static const char *file_of(const char *name)
{
    static char path[4][256];
    static int k;
    k = (k + 1) % 4;
    snprintf(path[k], sizeof path[k], "%s/%s", folder, name);
    return path[k];
}
static paw_ctx *context(int threads)
{
    paw_config config;
    paw_ctx *c = NULL;
    memset(&config, 0, sizeof config);
    config.threads = threads;
    if (paw_create(&config, &c)) exit(2);
    return c;
}

/* ---- data: features of classes that can be told apart ---- */

typedef struct {
    size_t n, tokens, dim;
    int classes;
    float *x;
    uint16_t *half; /* x in a type of two bytes, aligned to no more; NULL: floats are trained on */
    int32_t *labels;
} data;
static paw_err rows_of(void *user, int epoch, const size_t *items, size_t n, const void **rows)
{
    const data *d = (const data *)user;
    const size_t row = d->tokens * d->dim;
    size_t i;
    (void)epoch;
    for (i = 0; i < n; ++i) rows[i] = d->x + items[i] * row;
    for (i = 0; d->half && i < n; ++i) rows[i] = d->half + 1 + items[i] * row;
    return PAW_OK;
}
static data data_new(size_t n, size_t tokens, size_t dim, int classes)
{
    data d;
    size_t i, k;
    d.n = n;
    d.tokens = tokens;
    d.dim = dim;
    d.classes = classes;
    d.half = NULL;
    d.x = (float *)calloc(n * tokens * dim, sizeof *d.x);
    d.labels = (int32_t *)calloc(n, sizeof *d.labels);
    if (!d.x || !d.labels) exit(2);
    for (i = 0; i < n; ++i) {
        d.labels[i] = (int32_t)(t_random() % (uint64_t)classes);
        for (k = 0; k < tokens * dim; ++k)
            d.x[i * tokens * dim + k] = t_uniform() + (k % dim % (size_t)classes ==
                                                       (size_t)d.labels[i] ? 0.7f : 0.0f);
    }
    return d;
}
static void data_free(data *d)
{
    free(d->x);
    free(d->half);
    free(d->labels);
}
static paw_features features_of(data *d)
{
    paw_features x;
    x.count = d->n;
    x.tokens = d->tokens;
    x.labels = d->labels;
    x.dtype = PAW_F32;
    x.get = rows_of;
    x.user = d;
    return x;
}

/* ---- the definition, protocol 5.2 to 5.4, in double ---- */

typedef struct {
    const data *d;
    size_t heads;
    int attentive, norm;
    double norm_eps;
    double *p[18]; /* in the order of paw_head_parameter */
} definition;

static void affine(const double *x, const double *w, const double *b, size_t n, double *out)
{
    size_t i;
    for (i = 0; i < n; ++i) out[i] = x[i] * w[i] + b[i];
}
static void apply(const double *w, const double *b, const double *x, size_t rows, size_t cols,
                  double *out)
{
    size_t r, c;
    for (r = 0; r < rows; ++r)
        for (out[r] = b ? b[r] : 0, c = 0; c < cols; ++c) out[r] += w[r * cols + c] * x[c];
}
/* What goes into the batch norm for one item: z [dim] */
static void attend(const definition *f, const float *tokens, double *z)
{
    const size_t dim = f->d->dim, t = f->d->tokens, dh = dim / f->heads;
    double *m = (double *)calloc((2 * t + 8) * dim + t, sizeof *m);
    double *q = m, *n = m + dim, *hat = n + dim, *o = hat + dim, *x = o + dim, *k = x + dim;
    double *v = k + t * dim, *p = v + t * dim;
    size_t i, c, h;
    paw__ref_standard(f->p[0], dim, 1, 1e-6, hat);
    affine(hat, f->p[1], f->p[2], dim, n);
    apply(f->p[9], f->p[10], n, dim, dim, q);
    for (i = 0; i < t; ++i) {
        for (c = 0; c < dim; ++c) x[c] = (double)tokens[i * dim + c];
        paw__ref_standard(x, dim, 1, 1e-6, hat);
        affine(hat, f->p[3], f->p[4], dim, n);
        apply(f->p[11], NULL, n, dim, dim, k + i * dim);
        affine(hat, f->p[5], f->p[6], dim, n);
        apply(f->p[12], f->p[13], n, dim, dim, v + i * dim);
    }
    for (h = 0; h < f->heads; ++h) {
        for (i = 0; i < t; ++i)
            for (p[i] = 0, c = h * dh; c < (h + 1) * dh; ++c)
                p[i] += q[c] / sqrt((double)dh) * k[i * dim + c];
        paw__ref_softmax(p, t);
        for (c = h * dh; c < (h + 1) * dh; ++c)
            for (o[c] = 0, i = 0; i < t; ++i) o[c] += p[i] * v[i * dim + c];
    }
    apply(f->p[14], f->p[15], o, dim, dim, z);
    free(m);
}
static double loss_of(const definition *f)
{
    const data *d = f->d;
    const size_t dim = d->dim, n = d->n, classes = (size_t)d->classes;
    const double *w = f->p[f->attentive ? 16 : 0], *b = f->p[f->attentive ? 17 : 1];
    double *z = (double *)calloc(n * dim + 2 * classes, sizeof *z), *y = z + n * dim, loss = 0;
    size_t i, c;
    for (i = 0; i < n; ++i) {
        if (f->attentive) attend(f, d->x + i * d->tokens * dim, z + i * dim);
        for (c = 0; !f->attentive && c < dim; ++c) z[i * dim + c] = (double)d->x[i * dim + c];
    }
    for (c = 0; (f->norm || f->attentive) && c < dim; ++c)
        paw__ref_standard(z + c, n, dim, f->norm_eps, z + c);
    for (i = 0; i < n; ++i) {
        double sum = 0;
        apply(w, b, z + i * dim, classes, dim, y);
        for (c = 0; c < classes; ++c) sum += exp(y[c]);
        loss += log(sum) - y[d->labels[i]];
    }
    free(z);
    return loss / (double)n;
}

/* ---- gradients ---- */

/* A chain of roundings reaches a gradient through tokens, width, heads and rows: fewer than 12 *
   (tokens + width + rows + 40) of them, each of U of the largest gradient of its tensor; the
   variance of few rows in batch norm magnifies by less than 8. Central differences of the double
   loss are good to 1e-8. */
static void gradients(int attentive, int norm, size_t n, size_t tokens, size_t dim, size_t heads,
                      int classes)
{
    const double step = 1e-5;
    data d = data_new(n, attentive ? tokens : 1, dim, classes);
    paw_head_opts o;
    paw_head *h = NULL;
    definition f;
    paw_tensor_view v;
    const float *grad;
    const void **rows = (const void **)calloc(n, sizeof *rows);
    size_t *items = (size_t *)calloc(n, sizeof *items);
    double loss = 0, want;
    size_t i, k, count[18];
    memset(&f, 0, sizeof f);
    paw_head_recipe(norm ? PAW_PROBE_IMAGENET : PAW_PROBE_PART, attentive, &o);
    o.dim = dim;
    o.classes = classes;
    o.heads = (int)heads;
    if (!T(!paw_head_create(ctx, &o, &h), "create: %s", paw_message(ctx))) exit(1);
    f.d = &d;
    f.heads = heads;
    f.attentive = attentive;
    f.norm = norm;
    f.norm_eps = o.norm_eps;
    for (i = 0; !paw_head_parameter(h, i, &v, NULL); ++i) {
        float *p = (float *)(uintptr_t)v.data;
        for (count[i] = 1, k = 0; k < (size_t)v.ndim; ++k) count[i] *= v.shape[k];
        f.p[i] = (double *)calloc(count[i], sizeof(double));
        for (k = 0; k < count[i]; ++k)
            f.p[i][k] = (double)(p[k] = strstr(v.name, "norm") && strstr(v.name, "weight")
                                            ? 1 + 0.3f * t_uniform() : 0.5f * t_uniform());
    }
    for (i = 0; i < n; ++i) items[i] = i;
    rows_of(&d, 0, items, n, rows);
    want = loss_of(&f);
    T(!paw_head_step(h, ctx, rows, PAW_F32, d.labels, n, d.tokens, 0, &loss) &&
          fabs(loss - want) < 1e-5 * fmax(1, want), "loss %g, not %g: %s", loss, want,
      paw_message(ctx));
    for (i = 0; !paw_head_parameter(h, i, &v, &grad); ++i) {
        const double chain = 12.0 * (double)(tokens + dim + n + 40) * 8;
        double worst = 0, top = 0;
        if (!grad) continue;
        for (k = 0; k < count[i]; ++k) {
            const double at = f.p[i][k];
            double numeric;
            f.p[i][k] = at + step;
            numeric = loss_of(&f);
            f.p[i][k] = at - step;
            numeric = (numeric - loss_of(&f)) / (2 * step);
            f.p[i][k] = at;
            top = fmax(top, fabs(numeric));
            worst = fmax(worst, fabs(numeric - (double)grad[k]));
        }
        /* biases that the next norm takes out: the gradient is the noise of the sums above it */
        T(worst <= U * chain * fmax(top, 0.02) + 1e-8, "%s, %zu x %zu x %zu: gradient of %s off by "
          "%.3g, largest %.3g", attentive ? "attentive" : "linear", n, tokens, dim, v.name, worst,
          top);
    }
    for (i = 0; i < 18; ++i) free(f.p[i]);
    paw_head_free(h);
    free(rows);
    free(items);
    data_free(&d);
}
static void test_gradients(void)
{
    gradients(0, 0, 7, 1, 19, 1, 3);
    gradients(0, 1, 9, 1, 16, 1, 5);
    gradients(1, 0, 6, 5, 16, 2, 3);
    gradients(1, 0, 34, 7, 20, 5, 4); /* two groups of rows, width not a multiple of 16 */
    gradients(1, 0, 5, 17, 34, 17, 3); /* more heads than 16 */
}

/* ---- bytes ---- */

static paw_err stop_after(void *user, const paw_progress *p)
{
    return p->step == p->steps && p->epoch + 1 == *(const int *)user ? PAW_E_UNSUP : PAW_OK;
}
static int same_file(const char *a, const char *b)
{
    uint8_t *x = NULL, *y = NULL;
    size_t n = 0, m = 1;
    const int same = !paw_file_read(ctx, a, &x, &n) && !paw_file_read(ctx, b, &y, &m) && n == m &&
                     !memcmp(x, y, n);
    paw_file_free(ctx, x);
    paw_file_free(ctx, y);
    return same;
}
static void bytes_of(int probe, int kind)
{
    static const int threads[] = {1, 2, 5};
    data d = data_new(70, kind ? 9 : 1, 48, 4);
    paw_features x = features_of(&d);
    paw_head_opts o;
    paw_head *h = NULL;
    const int half = 2;
    float first[280], logits[280];
    int isa, t, met = 0;
    paw_head_recipe(probe, kind, &o);
    o.dim = d.dim;
    o.classes = d.classes;
    o.heads = 3;
    o.batch = 48; /* two groups of items */
    o.epochs = 4;
    o.warmup = o.warmup > 0 ? 1 : 0;
    o.seed = 5;
    for (isa = PAW_ISA_SCALAR; isa <= PAW_ISA_AVX512; ++isa)
        for (t = 0; t < 3 && paw_isa_supported(isa); ++t) {
            paw_ctx *c = context(threads[t]);
            (void)paw_isa_limit(isa);
            T(!paw_head_create(c, &o, &h) && !paw_head_train(h, c, &x, NULL, NULL) &&
                  !paw_head_save(h, c, file_of(met ? "b" : "a"), NULL) &&
                  !paw_head_predict(h, c, &x, met ? logits : first), "train: %s", paw_message(c));
            if (met++)
                T(same_file(file_of("a"), file_of("b")) && !memcmp(first, logits, sizeof first),
                  "probe %d, kind %d: another head on %s, %d threads", probe, kind,
                  paw_isa_name(isa), threads[t]);
            paw_head_free(h);
            paw_destroy(c);
        }
    (void)paw_isa_limit(PAW_ISA_AVX512);
    h = NULL; /* stopped in the middle, kept, read, continued */
    T(!paw_head_create(ctx, &o, &h) &&
          paw_head_train(h, ctx, &x, stop_after, (void *)(uintptr_t)&half) == PAW_E_UNSUP, "stop");
    T(!paw_head_save(h, ctx, file_of("half"), NULL), "save: %s", paw_message(ctx));
    T(paw_head_predict(h, ctx, &x, NULL) == PAW_E_ARG && paw_head_bn_eval(h, 2) == PAW_E_ARG,
      "no logits, no such mode");
    paw_head_free(h);
    h = NULL;
    T(paw_head_bn_eval(NULL, 0) == PAW_E_ARG && paw_head_predict(NULL, ctx, &x, first) == PAW_E_ARG,
      "no head");
    T(!paw_head_load(ctx, file_of("half"), &h) && !paw_head_train(h, ctx, &x, NULL, NULL) &&
          !paw_head_save(h, ctx, file_of("b"), NULL) && same_file(file_of("a"), file_of("b")),
      "probe %d, kind %d: a resumed head differs: %s", probe, kind, paw_message(ctx));
    x.labels = NULL;
    T(!paw_head_predict(h, ctx, &x, logits) && !memcmp(first, logits, sizeof first),
      "resumed, without labels: %s", paw_message(ctx));
    T(paw_head_train(h, ctx, &x, NULL, NULL) == PAW_E_ARG && strstr(paw_message(ctx), "labels"),
      "trained without labels: %s", paw_message(ctx));
    if (probe == PAW_PROBE_PART) /* ImageNet's rates need more than twelve steps */
        T(paw_topk_correct(logits, d.labels, d.n, d.classes, 1) > d.n / 2,
          "nothing was learnt: %zu", paw_topk_correct(logits, d.labels, d.n, d.classes, 1));
    if (kind == PAW_ATTENTIVE) { /* one row: no statistics of its own, or the running ones */
        const size_t bytes = (size_t)d.classes * sizeof *logits;
        paw_tensor_view bias;
        size_t i = 0;
        memset(&bias, 0, sizeof bias);
        while (!paw_head_parameter(h, i, &bias, NULL)) ++i;
        x.count = 1;
        T(!strcmp(bias.name, "head.bias") && !paw_head_predict(h, ctx, &x, first) &&
              !memcmp(first, bias.data, bytes) && memcmp(first, logits, bytes), "a row alone");
        T(!paw_head_bn_eval(h, PAW_BN_RUNNING) && !paw_head_predict(h, ctx, &x, first) &&
              memcmp(first, bias.data, bytes), "a row alone, running statistics");
        x.count = d.n;
        T(!paw_head_predict(h, ctx, &x, logits) && !memcmp(first, logits, bytes),
          "a row alone differs from it among others");
    }
    paw_head_free(h);
    data_free(&d);
}

/* Other shapes: narrow, one item, many heads and tokens, groups of rows and of statistics */
static void bytes_of_shape(size_t n, size_t tokens, size_t dim, int heads, size_t group)
{
    static const int threads[] = {1, 3};
    data d = data_new(n, tokens, dim, 3);
    paw_features x = features_of(&d);
    paw_head_opts o;
    int isa, t, met = 0;
    paw_head_recipe(PAW_PROBE_PART, PAW_ATTENTIVE, &o);
    o.dim = dim;
    o.classes = d.classes;
    o.heads = heads;
    o.batch = n;
    o.bn_group = group;
    o.epochs = 2;
    for (isa = PAW_ISA_SCALAR; isa <= PAW_ISA_AVX512; ++isa)
        for (t = 0; t < 2 && paw_isa_supported(isa); ++t) {
            paw_ctx *c = context(threads[t]);
            paw_head *h = NULL;
            (void)paw_isa_limit(isa);
            T(!paw_head_create(c, &o, &h) && !paw_head_train(h, c, &x, NULL, NULL) &&
                  !paw_head_save(h, c, file_of(met ? "b" : "a"), NULL),
              "train: %s", paw_message(c));
            if (met++)
                T(same_file(file_of("a"), file_of("b")), "%zu x %zu x %zu, %d heads: another head "
                  "on %s, %d threads", n, tokens, dim, heads, paw_isa_name(isa), threads[t]);
            paw_head_free(h);
            paw_destroy(c);
        }
    (void)paw_isa_limit(PAW_ISA_AVX512);
    data_free(&d);
}
static void test_shapes(void)
{
    bytes_of_shape(31, 19, 34, 17, 0);
    bytes_of_shape(2, 3, 7, 1, 0);
    bytes_of_shape(290, 3, 40, 8, 0);
    bytes_of_shape(13, 31, 64, 32, 5);
    bytes_of_shape(1, 5, 48, 3, 0);
}

/* Numbers that fit into dtype train the same head and give the same logits as halves and as floats,
   on every instruction set. */
static void types_of(int dtype, int kind, size_t dim, int heads)
{
    data d = data_new(40, kind ? 9 : 1, dim, 4);
    const size_t count = d.n * d.tokens * dim;
    uint16_t *half = (uint16_t *)calloc(count + 1, sizeof *half);
    paw_features x = features_of(&d);
    float first[160], logits[160];
    paw_head_opts o;
    paw_head *h = NULL;
    size_t i;
    int isa, met = 0;
    if (!half) exit(2);
    for (i = 0; i < count; ++i)
        half[1 + i] = (uint16_t)(dtype == PAW_F16 ? paw__half_of(d.x[i]) : paw__bf16_of(d.x[i]));
    paw__widen(dtype, half + 1, count, d.x);
    paw_head_recipe(PAW_PROBE_PART, kind, &o);
    o.dim = dim;
    o.classes = d.classes;
    o.heads = heads;
    o.batch = 37;
    o.epochs = dim > 1000 ? 1 : 2;
    for (isa = PAW_ISA_AVX512; isa >= PAW_ISA_SCALAR; --isa) {
        if (!paw_isa_supported(isa)) continue;
        (void)paw_isa_limit(isa);
        T(!paw_head_create(ctx, &o, &h) && !paw_head_train(h, ctx, &x, NULL, NULL) &&
              !paw_head_save(h, ctx, file_of(met ? "b" : "a"), NULL) &&
              !paw_head_predict(h, ctx, &x, met ? logits : first), "train: %s", paw_message(ctx));
        if (met)
            T(same_file(file_of("a"), file_of("b")) && !memcmp(first, logits, sizeof first),
              "type %d, kind %d, width %zu: another head than of floats on %s", dtype, kind, dim,
              paw_isa_name(isa));
        isa += !met++; /* the first one again: floats, then halves */
        d.half = half;
        x.dtype = dtype;
        paw_head_free(h);
        h = NULL;
    }
    (void)paw_isa_limit(PAW_ISA_AVX512);
    data_free(&d);
}
static void test_types(void)
{
    static const int types[] = {PAW_F16, PAW_BF16};
    int i, kind;
    for (i = 0; i < 2; ++i)
        for (kind = 0; kind < 2; ++kind) {
            types_of(types[i], kind, 48, 3);
            types_of(types[i], kind, 20, 5);
        }
    types_of(PAW_F16, PAW_ATTENTIVE, 1200, 4); /* sums of products kept between ranges of k */
}

/* ---- what must not happen quietly ---- */

/* Squares of a token beyond floats: no number may come of it, wherever moments are taken. */
static void test_overflow(void)
{
    static const int heads[] = {1, 3, 4}; /* beside the scores of 3 with 512 bits */
    int isa, k;
    for (k = 0; k < 3; ++k)
        for (isa = PAW_ISA_SCALAR; isa <= PAW_ISA_AVX512; ++isa) {
            data d = data_new(4, 5, 48, 3);
            paw_head_opts o;
            paw_head *h = NULL;
            const void *rows[4];
            size_t items[4] = {0, 1, 2, 3}, i;
            double loss = 0;
            if (paw_isa_supported(isa)) {
                (void)paw_isa_limit(isa);
                paw_head_recipe(PAW_PROBE_PART, PAW_ATTENTIVE, &o);
                o.dim = d.dim;
                o.classes = d.classes;
                o.heads = heads[k];
                for (i = 0; i < d.dim; ++i) d.x[2 * d.dim + i] *= 1e25f;
                rows_of(&d, 0, items, 4, rows);
                T(!paw_head_create(ctx, &o, &h) &&
                      paw_head_step(h, ctx, rows, PAW_F32, d.labels, 4, d.tokens, 0.1, &loss) ==
                          PAW_E_NUM, "%s, %d heads: a loss of %g from squares beyond floats",
                  paw_isa_name(isa), heads[k], loss);
                paw_head_free(h);
            }
            data_free(&d);
        }
    (void)paw_isa_limit(PAW_ISA_AVX512);
}
static void *at_most_1mb(void *user, size_t bytes)
{
    (void)user;
    return bytes > 1 << 20 ? NULL : malloc(bytes);
}
static void give_back(void *user, void *p, size_t bytes)
{
    (void)user;
    (void)bytes;
    free(p);
}
static void test_refusals(void)
{
    const paw_config config = {{at_most_1mb, give_back, NULL}, {NULL, NULL}, 1, 0, 0};
    paw_ctx *small = NULL;
    data d = data_new(20, 1, 16, 3);
    paw_features x = features_of(&d);
    paw_head_opts o;
    paw_head *h = NULL, *none = NULL;
    size_t counts[9] = {0}, n = 0, i;
    uint8_t *bytes = NULL;
    const void *row = d.x;
    float first[60] = {0};
    double loss = 0;
    const float logits[9] = {1, 0, 0, 0, 3, 3, NAN, 1, 2};
    const int32_t labels[3] = {0, 2, 1};
    FILE *f;
    paw_head_recipe(PAW_PROBE_PART, PAW_LINEAR, &o);
    T(paw_head_create(ctx, &o, &none) == PAW_E_ARG && !none &&
          strstr(paw_message(ctx), "kind 0, width 0"), "without a width: %s", paw_message(ctx));
    o.dim = 16;
    o.classes = 3;
    o.heads = 5;
    T(paw_head_create(ctx, &o, &none) == PAW_E_ARG, "5 heads of width 16");
    o.heads = 0;
    for (i = 0; i < 5; ++i) {
        paw_head_opts bad = o;
        if (i == 0) bad.momentum = (double)NAN;
        if (i == 1) bad.min_lr = -1;
        if (i == 2) bad.init_limit = 1e-9;
        if (i == 3) bad.bn_group = (size_t)-1;
        if (i == 4) bad.bn_eval = 2;
        T(paw_head_create(ctx, &bad, &none) == PAW_E_ARG && !none, "bad setting %zu", i);
    }
    o.lr = 1e9;
    for (i = 0; i < d.n * d.dim; ++i) d.x[i] *= 1e30f;
    T(!paw_head_create(ctx, &o, &h), "create");
    T(paw_head_train(h, ctx, &x, NULL, NULL) == PAW_E_NUM && strstr(paw_message(ctx), "epoch") &&
          strstr(paw_message(ctx), "learning rate"), "divergence: %s", paw_message(ctx));
    x.dtype = PAW_F64;
    T(paw_head_train(h, ctx, &x, NULL, NULL) == PAW_E_ARG &&
          paw_head_predict(h, ctx, &x, first) == PAW_E_ARG &&
          paw_head_step(h, ctx, &row, PAW_F64, d.labels, 1, 1, 0, &loss) == PAW_E_ARG &&
          paw_head_train(h, ctx, &x, NULL, NULL) && strstr(paw_message(ctx), "dtype 1, not F32") &&
          !(fabs((double)*first) > 0),
      "rows of doubles: %s", paw_message(ctx));
    x.dtype = PAW_F32;
    x.tokens = 2;
    T(paw_head_predict(h, ctx, &x, first) == PAW_E_ARG && strstr(paw_message(ctx), "of 2 tokens"),
      "a linear head on tokens: %s", paw_message(ctx));
    x.tokens = 1;
    d.labels[7] = 3;
    T(paw_head_train(h, ctx, &x, NULL, NULL) == PAW_E_ARG &&
          strstr(paw_message(ctx), "label 3 of row 7 is none of 3 classes"),
      "a label beyond the classes: %s", paw_message(ctx));
    paw_head_free(h);
    o.lr = 0.1;
    T(!paw_head_create(ctx, &o, &h) && !paw_head_save(h, ctx, file_of("a"), NULL) &&
          !paw_file_read(ctx, file_of("a"), &bytes, &n), "save");
    T(!paw_head_load(ctx, file_of("a"), &none), "the whole file: %s", paw_message(ctx));
    paw_head_free(none);
    none = NULL;
    for (i = 0; i < n; i += n / 40 + 1) { /* every 40th of the file */
        f = fopen(file_of("cut"), "wb");
        if (f) fwrite(bytes, 1, i, f);
        if (f) fclose(f);
        T(paw_head_load(ctx, file_of("cut"), &none) < 0 && !none, "a head of %zu bytes", i);
    }
    paw_file_free(ctx, bytes);
    {
        const size_t shape[2] = {3, 16};
        float w[48] = {0};
        paw_tensor_view v;
        v.name = "head.weight";
        v.ndim = 2;
        v.shape = shape;
        v.data = w;
        T(!paw_safetensors_save(ctx, file_of("other"), &v, 1, NULL) &&
              paw_head_load(ctx, file_of("other"), &none) == PAW_E_KEY &&
              strstr(paw_message(ctx), "settings"), "not ours: %s", paw_message(ctx));
    }
    T(!paw_create(&config, &small), "a context of little memory");
    h->o.init_limit = 1e-30; /* so that no draw would ever fit */
    T(!paw_head_save(h, ctx, file_of("other"), NULL) &&
          paw_head_load(ctx, file_of("other"), &none) == PAW_E_FORMAT && !none,
      "limit of a saved head: %s", paw_message(ctx));
    h->o.init_limit = 0;
    h->o.classes = 4096; /* memory must not follow what the file does not hold */
    h->o.dim = 4096;
    T(!paw_head_save(h, ctx, file_of("other"), NULL) &&
          paw_head_load(small, file_of("other"), &none) == PAW_E_SHAPE && !none,
      "sizes of a saved head: %s", paw_message(small));
    paw_destroy(small);
    paw_confusion(logits, labels, 3, 3, counts);
    T(counts[0] == 1 && counts[7] == 1 && counts[3] == 1, "confusion of ties and NaN");
    paw_head_free(h);
    data_free(&d);
}

int main(void)
{
    int probe, kind;
    if (!mkdtemp(folder)) return 2;
    ctx = context(2);
    test_gradients();
    for (probe = 0; probe < 2; ++probe)
        for (kind = 0; kind < 2; ++kind) bytes_of(probe, kind);
    test_shapes();
    test_types();
    test_overflow();
    test_refusals();
    remove(file_of("a"));
    remove(file_of("b"));
    remove(file_of("half"));
    remove(file_of("cut"));
    remove(file_of("other"));
    remove(folder);
    paw_destroy(ctx);
    return t_end("train");
}
