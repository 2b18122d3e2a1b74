/* Metamorphic properties of the encoder, through the public interface, on tiny random models: what
   must come out when inputs, weights, batches, threads or instruction sets change in a known way.
   Properties that hold to the bit are compared by memcmp. */
#define _POSIX_C_SOURCE 200809L
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "t.h"

static paw_ctx *ctx; /* one thread */
static const char *about = ""; /* what the present models are */

static paw_ctx *context(int threads, int math, const paw_threads *hook)
{
    paw_config config;
    paw_ctx *c = NULL;
    memset(&config, 0, sizeof config);
    config.threads = threads;
    config.math = math;
    if (hook) config.hook = *hook;
    if (paw_create(&config, &c)) {
        printf("FAIL no context\n");
        exit(2);
    }
    return c;
}

/* ---- models ---- */

typedef struct {
    int recipe, image, patch, dim, heads, h, w; /* h, w: of the input */
} shape;

static int ends_with(const char *s, const char *tail)
{
    const size_t n = strlen(s), k = strlen(tail);
    return n >= k && !strcmp(s + n - k, tail);
}
/* Values of the tensor whose name ends so. */
static float *values(paw_tensors *t, const char *tail, size_t *count)
{
    size_t i;
    for (i = 0; i < t->count; ++i) {
        paw__tensor *x = (paw__tensor *)t->items[i];
        if (!ends_with(x->name, tail)) continue;
        if (count) *count = x->count;
        return (float *)x->data;
    }
    printf("FAIL no tensor ends with %s\n", tail);
    exit(2);
}
static void scale_values(paw_tensors *t, const char *tail, size_t from, size_t n, float by)
{
    float *v = values(t, tail, NULL);
    size_t i;
    for (i = from; i < from + n; ++i) v[i] *= by;
}
static void scale_all(paw_tensors *t, const char *tail, float by)
{
    size_t n;
    (void)values(t, tail, &n);
    scale_values(t, tail, 0, n, by);
}
/* Weights ten times as large as at the start of training, so that attention is far from even. */
static paw_tensors *tensors_of(const shape *s)
{
    paw_random_spec spec;
    paw_tensors *t = NULL;
    size_t i, j;
    memset(&spec, 0, sizeof spec);
    spec.recipe = s->recipe;
    spec.image_px = s->image;
    spec.patch_px = s->patch;
    spec.dim = s->dim;
    spec.heads = s->heads;
    spec.depth = 2;
    spec.seed = 7;
    if (paw_tensors_random(ctx, &spec, &t)) {
        printf("FAIL random tensors: %s\n", paw_message(ctx));
        exit(2);
    }
    for (i = 0; i < t->count; ++i) {
        paw__tensor *x = (paw__tensor *)t->items[i];
        const int table = ends_with(x->name, "pos_embed") || ends_with(x->name, "bias_table");
        float *v = (float *)x->data;
        for (j = 0; x->ndim >= 2 && j < x->count; ++j) v[j] *= table ? 40.0f : 10.0f;
    }
    return t;
}
static paw_model *model_from(const paw_tensors *t, int allow_nonfinite)
{
    paw_model_opts opts;
    paw_model *m = NULL;
    memset(&opts, 0, sizeof opts);
    opts.allow_nonfinite = allow_nonfinite;
    if (paw_model_from_tensors(ctx, t, &opts, &m)) {
        printf("FAIL %s: model: %s\n", about, paw_message(ctx));
        exit(2);
    }
    return m;
}
static paw_model *model_of(const shape *s)
{
    paw_tensors *t = tensors_of(s);
    paw_model *m = model_from(t, 0);
    paw_tensors_close(t);
    return m;
}

/* ---- everything that one model gives for n images ---- */

typedef struct {
    size_t n, tokens, dim, heads, count;
    float *all, *cls, *mean, *out, *blocks, *map; /* blocks [2, n, T, dim]; map of the last block */
} features;

static const int both_blocks[2] = {0, 1};
static features features_of(const paw_model *m, int h, int w, size_t n)
{
    paw_model_info i;
    features f;
    paw_model_describe(m, &i);
    f.n = n;
    f.tokens = (size_t)(h / i.patch_px) * (size_t)(w / i.patch_px) + 1;
    f.dim = (size_t)i.dim;
    f.heads = (size_t)i.heads;
    f.count = n * (2 * f.dim + 3 * f.tokens * f.dim + f.heads * f.tokens * f.tokens);
    f.all = (float *)malloc((f.count + 1) * sizeof(float));
    f.cls = f.all;
    f.mean = f.cls + n * f.dim;
    f.out = f.mean + n * f.dim;
    f.blocks = f.out + n * f.tokens * f.dim;
    f.map = f.blocks + 2 * n * f.tokens * f.dim;
    return f;
}
static paw_err encode(const paw_model *m, paw_ctx *c, const float *chw, int h, int w, features *f)
{
    paw_outputs o;
    memset(&o, 0, sizeof o);
    memset(f->all, 0xff, f->count * sizeof(float));
    o.cls = f->cls;
    o.mean = f->mean;
    o.tokens = f->out;
    o.blocks = both_blocks;
    o.block_count = 2;
    o.block_outputs = f->blocks;
    o.attention_block = -1;
    o.attention = f->map;
    return paw_encode(m, c, chw, f->n, h, w, &o);
}
static features encoded(const paw_model *m, paw_ctx *c, const float *chw, int h, int w, size_t n)
{
    features f = features_of(m, h, w, n);
    const paw_err e = encode(m, c, chw, h, w, &f);
    T(e == PAW_OK, "%s: encode: %s", about, e ? paw_message(c) : "");
    return f;
}
static int same(const features *a, const features *b)
{
    return a->count == b->count && !memcmp(a->all, b->all, a->count * sizeof(float));
}
static int same_part(const float *a, const float *b, size_t n)
{
    return !memcmp(a, b, n * sizeof *a);
}
/* Largest difference, NaN where there is one. */
static double apart(const float *a, const float *b, size_t n)
{
    double worst = 0;
    size_t i;
    for (i = 0; i < n; ++i) {
        const double d = fabs((double)a[i] - (double)b[i]);
        if (d > worst || d != d) worst = d;
    }
    return worst;
}
static int finite_all(const float *v, size_t n)
{
    size_t i;
    for (i = 0; i < n; ++i)
        if (!(fabsf(v[i]) <= FLT_MAX)) return 0;
    return 1;
}
static float *images_of(const shape *s, size_t n)
{
    const size_t count = n * 3 * (size_t)s->h * (size_t)s->w;
    float *v = (float *)malloc((count + 1) * sizeof *v);
    size_t i;
    for (i = 0; i < count; ++i) v[i] = 2 * t_uniform();
    return v;
}

/* ---- the same bits whatever the batch, the threads, the instruction set, the scratch ---- */

#define BATCH 8
static void same_in_singles(const shape *s, const paw_model *m, const float *chw,
                            const features *all, paw_ctx *c)
{
    const size_t px = 3 * (size_t)s->h * (size_t)s->w, td = all->tokens * all->dim;
    const size_t tt = all->heads * all->tokens * all->tokens;
    features f = features_of(m, s->h, s->w, 1);
    size_t i, wrong = 0;
    for (i = 0; i < BATCH; ++i) {
        wrong += encode(m, c, chw + i * px, s->h, s->w, &f) != PAW_OK;
        wrong += !same_part(f.cls, all->cls + i * f.dim, f.dim);
        wrong += !same_part(f.mean, all->mean + i * f.dim, f.dim);
        wrong += !same_part(f.out, all->out + i * td, td);
        wrong += !same_part(f.blocks, all->blocks + i * td, td);
        wrong += !same_part(f.blocks + td, all->blocks + (BATCH + i) * td, td);
        wrong += !same_part(f.map, all->map + i * tt, tt);
    }
    T(!wrong, "%s: %zu parts of %d single images, %d threads, differ from the batch", about, wrong,
      BATCH, paw_threads_used(c));
    free(f.all);
}
static void backwards(void *user, int n, paw_task *fn, void *arg)
{
    *(int *)user += n;
    while (n-- > 0) fn(arg, n);
}
static void same_by_threads(const shape *s, const paw_model *m, const float *chw,
                            const features *all)
{
    static const int counts[] = {2, 5};
    paw_threads hook;
    paw_ctx *c;
    features f;
    int calls = 0;
    size_t i;
    for (i = 0; i < PAW__COUNT(counts); ++i) {
        c = context(counts[i], PAW_MATH_BUILTIN, NULL);
        f = encoded(m, c, chw, s->h, s->w, BATCH);
        T(same(&f, all), "%s: %d threads differ from one", about, counts[i]);
        same_in_singles(s, m, chw, all, c);
        free(f.all);
        paw_destroy(c);
    }
    hook.parallel_for = backwards;
    hook.user = &calls;
    c = context(3, PAW_MATH_BUILTIN, &hook);
    f = encoded(m, c, chw, s->h, s->w, BATCH);
    T(same(&f, all), "%s: the caller's parallel_for differs from one thread", about);
    T(calls > 3, "%s: the caller's parallel_for ran %d tasks", about, calls);
    free(f.all);
    paw_destroy(c);
}
static void same_by_isa(const shape *s, const paw_model *m, const float *chw, const features *all)
{
    const int best = paw_isa();
    int isa;
    for (isa = PAW_ISA_SCALAR; isa <= PAW_ISA_AVX512; ++isa) {
        features f;
        if (!paw_isa_supported(isa)) continue;
        (void)paw_isa_limit(isa);
        f = encoded(m, ctx, chw, s->h, s->w, BATCH);
        T(same(&f, all), "%s: %s differs from %s, tokens by %.3g, maps by %.3g", about,
          paw_isa_name(isa), paw_isa_name(best), apart(f.out, all->out, BATCH * f.tokens * f.dim),
          apart(f.map, all->map, BATCH * f.heads * f.tokens * f.tokens));
        free(f.all);
    }
    (void)paw_isa_limit(best);
}
/* Scratch is reused: what an earlier call left there, of any size, must not matter. */
static void same_after_garbage(const shape *s, const paw_model *m, const float *chw,
                               const features *all)
{
    features f;
    size_t i;
    memset(ctx->scratch, 0xff, ctx->scratch_count * sizeof *ctx->scratch);
    f = encoded(m, ctx, chw, s->h, s->w, BATCH);
    T(same(&f, all), "%s: NaN in the scratch shows", about);
    free(f.all);
    for (i = 0; i < ctx->scratch_count; ++i) ctx->scratch[i] = 1e30f;
    f = encoded(m, ctx, chw, s->h, s->w, BATCH);
    T(same(&f, all), "%s: large numbers in the scratch show", about);
    free(f.all);
}

/* ---- what the outputs are to each other ---- */

static void outputs_agree(const shape *s, const paw_model *m, const features *f)
{
    const size_t t = f->tokens, d = f->dim, n = f->n;
    double *row = (double *)malloc(d * sizeof *row), off = 0, least = 1, sum_off = 0;
    size_t i, j, k, wrong = 0;
    (void)s;
    for (i = 0; i < n; ++i) {
        wrong += !same_part(f->cls + i * d, f->out + i * t * d, d);
        for (k = 0; k < d; ++k) {
            double sum = 0;
            float mean;
            for (j = 1; j < t; ++j) sum += (double)f->out[(i * t + j) * d + k];
            mean = (float)(sum / (double)(t - 1));
            wrong += !same_part(&mean, f->mean + i * d + k, 1);
        }
    }
    T(!wrong, "%s: %zu class tokens or means are not those of the tokens", about, wrong);
    for (i = 0; i < n * t; ++i) { /* the last block's stream, normed in double */
        paw__ref_norm(f->blocks + (n * t + i) * d, d, m->norm.w, m->norm.b, (double)m->eps, row,
                      NULL, NULL);
        for (k = 0; k < d; ++k) off = fmax(off, fabs(row[k] - (double)f->out[i * d + k]));
    }
    T(off < 1e-5, "%s: norm of the last block is off the tokens by %.3g", about, off);
    for (i = 0; i < n * f->heads * t; ++i) {
        double sum = 0;
        for (j = 0; j < t; ++j) {
            sum += (double)f->map[i * t + j];
            least = fmin(least, (double)f->map[i * t + j]);
        }
        sum_off = fmax(sum_off, fabs(sum - 1));
    }
    T(sum_off < 2e-6 && least >= 0, "%s: attention rows sum to 1 +- %.3g, least %.3g", about,
      sum_off, least);
    free(row);
}
/* The map of block 0 where 0 is asked for, of the last where -1 or its index is. */
static void map_blocks(const shape *s, const paw_model *m, const float *chw, const features *f)
{
    const size_t n = f->heads * f->tokens * f->tokens;
    float *map = (float *)malloc(n * sizeof *map);
    paw_outputs o;
    memset(&o, 0, sizeof o);
    o.attention = map;
    o.attention_block = 1;
    T(paw_encode(m, ctx, chw, 1, s->h, s->w, &o) == PAW_OK && same_part(map, f->map, n),
      "%s: attention of block 1 is not that of -1", about);
    o.attention_block = 0;
    T(paw_encode(m, ctx, chw, 1, s->h, s->w, &o) == PAW_OK && !same_part(map, f->map, n),
      "%s: attention of block 0 is that of block 1", about);
    free(map);
}
static void sleef_close(const shape *s, const paw_model *m, const float *chw, const features *f)
{
#if defined(PAW_NO_SLEEF)
    (void)s;
    (void)m;
    (void)chw;
    (void)f;
#else
    paw_ctx *c = context(1, PAW_MATH_SLEEF, NULL);
    features g = encoded(m, c, chw, s->h, s->w, BATCH);
    const double tokens = apart(f->out, g.out, BATCH * f->tokens * f->dim);
    const double map = apart(f->map, g.map, BATCH * f->heads * f->tokens * f->tokens);
    T(tokens < 2e-5 && map < 1e-5, "%s: SLEEF is off by %.3g in tokens, %.3g in maps", about,
      tokens, map);
    T(!same(&g, f), "%s: SLEEF gives the very bits of the built-in functions", about);
    free(g.all);
    paw_destroy(c);
#endif
}

static void check_shape(const shape *s)
{
    char text[160];
    paw_model *m;
    float *chw;
    features f;
    snprintf(text, sizeof text, "%s %d/%d dim %d heads %d, input %d x %d",
             paw_recipe_name(s->recipe), s->image, s->patch, s->dim, s->heads, s->h, s->w);
    about = text;
    m = model_of(s);
    chw = images_of(s, BATCH);
    f = encoded(m, ctx, chw, s->h, s->w, BATCH);
    T(finite_all(f.all, f.count), "%s: not finite", about);
    same_in_singles(s, m, chw, &f, ctx);
    same_by_threads(s, m, chw, &f);
    same_by_isa(s, m, chw, &f);
    same_after_garbage(s, m, chw, &f);
    outputs_agree(s, m, &f);
    map_blocks(s, m, chw, &f);
    sleef_close(s, m, chw, &f);
    free(f.all);
    free(chw);
    paw_model_free(m);
}

/* ---- permutations ---- */

/* Image with patches of the grid moved: patch i of the result is patch order[i]. */
static void move_patches(const shape *s, const float *from, const size_t *order, float *to)
{
    const size_t p = (size_t)s->patch, h = (size_t)s->h, w = (size_t)s->w, gw = w / p;
    size_t i, c, y;
    for (i = 0; i < h / p * gw; ++i)
        for (c = 0; c < 3; ++c)
            for (y = 0; y < p; ++y)
                memcpy(to + (c * h + i / gw * p + y) * w + i % gw * p,
                       from + (c * h + order[i] / gw * p + y) * w + order[i] % gw * p,
                       p * sizeof *to);
}
/* Largest difference of a's tokens, moved by order, from b's; the same for the maps' entries. */
static double apart_moved(const features *a, const features *b, const size_t *order)
{
    const size_t t = a->tokens, d = a->dim;
    double worst = apart(a->out, b->out, d);
    size_t h, i, j;
    for (i = 1; i < t; ++i)
        worst = fmax(worst, apart(a->out + (order[i - 1] + 1) * d, b->out + i * d, d));
    for (h = 0; h < a->heads; ++h)
        for (i = 0; i < t; ++i)
            for (j = 0; j < t; ++j) {
                const size_t mi = i ? order[i - 1] + 1 : 0, mj = j ? order[j - 1] + 1 : 0;
                const float x = a->map[(h * t + mi) * t + mj], y = b->map[(h * t + i) * t + j];
                worst = fmax(worst, fabs((double)x - (double)y));
            }
    return worst;
}
/* Without position tables the encoder sees a set: moved patches are moved tokens, and nothing else
   changes. With them it must not. */
static void check_patch_order(const shape *s)
{
    const size_t n = (size_t)(s->h / s->patch) * (size_t)(s->w / s->patch);
    const char *table = s->recipe == PAW_BEIT ? "relative_position_bias_table" : "pos_embed";
    size_t *order = (size_t *)malloc(n * sizeof *order), i, count;
    float *chw = images_of(s, 1), *moved = images_of(s, 1), *pos;
    int pass;
    for (i = 0; i < n; ++i) order[i] = i;
    for (i = n - 1; i > 0; --i) {
        const size_t j = (size_t)(t_random() % (i + 1)), k = order[i];
        order[i] = order[j];
        order[j] = k;
    }
    move_patches(s, chw, order, moved);
    for (pass = 0; pass < 2; ++pass) {
        paw_tensors *t = tensors_of(s);
        paw_model *m;
        features a, b;
        double off;
        pos = values(t, table, &count);
        if (!pass) memset(pos, 0, count * sizeof *pos);
        m = model_from(t, 0);
        a = encoded(m, ctx, chw, s->h, s->w, 1);
        b = encoded(m, ctx, moved, s->h, s->w, 1);
        off = apart_moved(&a, &b, order);
        if (!pass) T(off < 2e-5, "%s: moved patches are not moved tokens, off by %.3g", about, off);
        else T(off > 1e-2, "%s: the position table makes no difference: %.3g", about, off);
        free(a.all);
        free(b.all);
        paw_model_free(m);
        paw_tensors_close(t);
    }
    free(order);
    free(chw);
    free(moved);
}
/* Equal patches without positions: every patch token has the same bits, whatever its row. */
static void check_equal_patches(const shape *s)
{
    const char *table = s->recipe == PAW_BEIT ? "relative_position_bias_table" : "pos_embed";
    const size_t px = (size_t)s->h * (size_t)s->w;
    paw_tensors *t = tensors_of(s);
    paw_model *m;
    float *chw = images_of(s, 1);
    features f;
    size_t i, n, wrong = 0;
    scale_all(t, table, 0.0f);
    m = model_from(t, 0);
    for (i = 0; i < 3 * px; ++i) chw[i] = (float)(i / px) - 0.7f;
    f = encoded(m, ctx, chw, s->h, s->w, 1);
    for (n = 2; n < f.tokens; ++n) wrong += !same_part(f.out + f.dim, f.out + n * f.dim, f.dim);
    T(!wrong, "%s: %zu of %zu equal patches have other tokens", about, wrong, f.tokens - 1);
    free(f.all);
    free(chw);
    paw_model_free(m);
    paw_tensors_close(t);
}
static void swap_floats(float *a, float *b, size_t n)
{
    size_t i;
    for (i = 0; i < n; ++i) {
        const float x = a[i];
        a[i] = b[i];
        b[i] = x;
    }
}
/* Heads 0 and 1 of both blocks change places: the maps do too, the features stay. */
static void check_head_order(const shape *s)
{
    const size_t d = (size_t)s->dim, dh = d / (size_t)s->heads;
    paw_tensors *t = tensors_of(s);
    paw_model *m = model_from(t, 0), *swapped;
    float *chw = images_of(s, 1);
    features a = encoded(m, ctx, chw, s->h, s->w, 1), b;
    size_t i, tt = a.tokens * a.tokens;
    int block;
    double off;
    for (block = 0; block < 2; ++block) {
        static const char *const names[] = {"qkv.weight", "qkv.bias", "proj.weight"};
        char name[3][64];
        float *w, *bias, *proj;
        for (i = 0; i < 3; ++i)
            snprintf(name[i], sizeof name[i], "blocks.%d.attn.%s", block, names[i]);
        w = values(t, name[0], NULL);
        bias = values(t, name[1], NULL);
        proj = values(t, name[2], NULL);
        for (i = 0; i < 3; ++i) swap_floats(w + i * d * d, w + (i * d + dh) * d, dh * d);
        for (i = 0; i < 3; ++i) swap_floats(bias + i * d, bias + i * d + dh, dh);
        for (i = 0; i < d; ++i) swap_floats(proj + i * d, proj + i * d + dh, dh);
    }
    swapped = model_from(t, 0);
    b = encoded(swapped, ctx, chw, s->h, s->w, 1);
    off = apart(a.out, b.out, a.tokens * d);
    T(off < 2e-5, "%s: swapped heads change the tokens by %.3g", about, off);
    off = fmax(apart(a.map, b.map + tt, tt), apart(a.map + tt, b.map, tt));
    T(off < 1e-5, "%s: swapped heads have not swapped their maps: %.3g", about, off);
    T(apart(a.map, b.map, tt) > 1e-4, "%s: heads 0 and 1 are alike", about);
    free(a.all);
    free(b.all);
    free(chw);
    paw_model_free(m);
    paw_model_free(swapped);
    paw_tensors_close(t);
}

/* ---- powers of two pass through products without rounding ---- */

static void check_powers(const shape *s)
{
    const size_t d = (size_t)s->dim;
    const int scales = s->recipe == PAW_BEIT || s->recipe == PAW_CAE;
    paw_tensors *t = tensors_of(s);
    paw_model *m = model_from(t, 0), *scaled;
    float *chw = images_of(s, 1);
    features a = encoded(m, ctx, chw, s->h, s->w, 1), b;
    size_t i;
    scale_values(t, "blocks.0.attn.qkv.weight", 0, d * d, 4.0f); /* q up, k down: logits stay */
    scale_values(t, "blocks.0.attn.qkv.weight", d * d, d * d, 0.25f);
    if (scales) {
        scale_all(t, "blocks.0.attn.q_bias", 4.0f);
        scale_all(t, "blocks.1.gamma_1", 0.5f);
        scale_all(t, "blocks.1.attn.proj.weight", 2.0f);
        scale_all(t, "blocks.1.attn.proj.bias", 2.0f);
    } else {
        scale_values(t, "blocks.0.attn.qkv.bias", 0, d, 4.0f);
        scale_values(t, "blocks.0.attn.qkv.bias", d, d, 0.25f);
    }
    scaled = model_from(t, 0);
    b = encoded(scaled, ctx, chw, s->h, s->w, 1);
    T(same(&a, &b), "%s: scaling by powers of two that cancel shows", about);
    paw_model_free(scaled);
    free(b.all);
    for (i = 0; i < t->count; ++i) { /* the final norm doubled: the tokens double */
        const char *name = ((paw__tensor *)t->items[i])->name;
        if (strstr(name, "blocks.")) continue;
        if (ends_with(name, "norm.weight") || ends_with(name, "norm.bias"))
            scale_all(t, name, 2.0f);
    }
    scaled = model_from(t, 0);
    b = encoded(scaled, ctx, chw, s->h, s->w, 1);
    for (i = 0; i < a.tokens * d; ++i) a.out[i] *= 2;
    T(same_part(a.out, b.out, a.tokens * d), "%s: a doubled final norm does not double", about);
    free(a.all);
    free(b.all);
    free(chw);
    paw_model_free(m);
    paw_model_free(scaled);
    paw_tensors_close(t);
}

/* ---- numbers that are not finite ---- */

/* A NaN in any tensor is refused by name; let in, it must show in the features. */
static void check_nan(const shape *s)
{
    float *chw = images_of(s, 1);
    paw_tensors *t = tensors_of(s);
    size_t i;
    for (i = 0; i < t->count; ++i) {
        paw__tensor *x = (paw__tensor *)t->items[i];
        float *v = (float *)x->data, old = v[x->count / 2];
        paw_model *m = NULL;
        features f;
        paw_err e;
        v[x->count / 2] = i & 1 ? NAN : INFINITY;
        e = paw_model_from_tensors(ctx, t, NULL, &m);
        T(e == PAW_E_NUM && !m && strstr(paw_message(ctx), x->name), "%s: NaN in %s: %s", about,
          x->name, e ? paw_message(ctx) : "accepted");
        paw_model_free(m);
        v[x->count / 2] = NAN;
        m = model_from(t, 1);
        f = encoded(m, ctx, chw, s->h, s->w, 1);
        T(!finite_all(f.out, f.tokens * f.dim), "%s: NaN in %s is lost on the way", about, x->name);
        free(f.all);
        paw_model_free(m);
        v[x->count / 2] = old;
    }
    paw_tensors_close(t);
    free(chw);
}
/* A pixel that is NaN makes every token NaN, by attention; other images stay as they were. */
static void check_nan_pixel(const shape *s)
{
    const size_t px = 3 * (size_t)s->h * (size_t)s->w;
    paw_model *m = model_of(s);
    float *chw = images_of(s, 3);
    features a = encoded(m, ctx, chw, s->h, s->w, 3), b;
    size_t i, clean = 0, td = a.tokens * a.dim;
    chw[px + px / 2] = NAN;
    b = encoded(m, ctx, chw, s->h, s->w, 3);
    T(same_part(a.out, b.out, td) && same_part(a.out + 2 * td, b.out + 2 * td, td),
      "%s: a NaN pixel changes its neighbours in the batch", about);
    for (i = 0; i < td; ++i) clean += b.out[td + i] == b.out[td + i];
    T(!clean, "%s: a NaN pixel leaves %zu of %zu values of its image", about, clean, td);
    free(a.all);
    free(b.all);
    free(chw);
    paw_model_free(m);
}

/* ---- other sizes ---- */

/* A large input, then a small one: the same as the small one alone. */
static void check_size_order(const shape *s)
{
    shape big = *s;
    paw_ctx *fresh = context(1, PAW_MATH_BUILTIN, NULL);
    paw_model *m = model_of(s);
    float *small_px = images_of(s, 1), *big_px;
    features a, b, c;
    big.h = 7 * s->patch;
    big.w = 5 * s->patch;
    big_px = images_of(&big, 1);
    a = encoded(m, fresh, small_px, s->h, s->w, 1);
    b = encoded(m, fresh, big_px, big.h, big.w, 1);
    c = encoded(m, fresh, small_px, s->h, s->w, 1);
    T(same(&a, &c), "%s: an input of another size in between shows", about);
    T(b.tokens == 36 && finite_all(b.all, b.count), "%s: input of 7 x 5 patches", about);
    free(a.all);
    free(b.all);
    free(c.all);
    free(small_px);
    free(big_px);
    paw_model_free(m);
    paw_destroy(fresh);
}
/* Every stored grid that loads must give finite features, or an error, on every other grid. */
static void check_grids(int recipe)
{
    int grid, g;
    for (grid = 1; grid <= 5; ++grid) {
        shape s = {0, 0, 4, 32, 2, 0, 0};
        paw_model *m = NULL;
        paw_tensors *t;
        s.recipe = recipe;
        s.image = grid * 4;
        t = tensors_of(&s);
        if (paw_model_from_tensors(ctx, t, NULL, &m)) { /* too small a table for the recipe */
            T(grid < 2, "%s: grid of %d refused: %s", paw_recipe_name(recipe), grid,
              paw_message(ctx));
            paw_tensors_close(t);
            continue;
        }
        for (g = 1; g <= 6; ++g) {
            float *chw;
            features f;
            paw_err e;
            s.h = g * 4;
            s.w = (7 - g) * 4;
            chw = images_of(&s, 1);
            f = features_of(m, s.h, s.w, 1);
            e = encode(m, ctx, chw, s.h, s.w, &f);
            T(e == PAW_OK ? finite_all(f.all, f.count) : e == PAW_E_UNSUP || e == PAW_E_SHAPE,
              "%s: grid %d on %d x %d: %s", paw_recipe_name(recipe), grid, g, 7 - g,
              e ? paw_message(ctx) : "not finite");
            free(f.all);
            free(chw);
        }
        paw_model_free(m);
        paw_tensors_close(t);
    }
}

static const shape shapes[] = { /* widths and heads that are no multiples of 16 among them */
    {PAW_DEIT, 64, 16, 64, 2, 64, 64},   {PAW_MOCOV3, 48, 16, 96, 3, 48, 32},
    {PAW_DINO, 56, 14, 96, 2, 70, 42},   {PAW_IBOT, 32, 8, 40, 5, 32, 24},
    {PAW_BEIT, 56, 14, 36, 3, 56, 56},   {PAW_BEIT, 64, 16, 128, 2, 48, 80},
    {PAW_MAE, 48, 16, 80, 1, 16, 16},    {PAW_CAE, 32, 8, 36, 3, 32, 32},
    {PAW_BEIT, 32, 8, 48, 1, 8, 8},
};

int main(void)
{
    size_t i;
    ctx = context(1, PAW_MATH_BUILTIN, NULL);
    printf("isa %s\n", paw_isa_name(paw_isa()));
    for (i = 0; i < PAW__COUNT(shapes); ++i) {
        const shape *s = &shapes[i];
        char text[64];
        check_shape(s);
        snprintf(text, sizeof text, "%s dim %d heads %d", paw_recipe_name(s->recipe), s->dim,
                 s->heads);
        about = text;
        if (s->h > s->patch) check_patch_order(s);
        if (s->h > s->patch) check_equal_patches(s);
        if (s->heads > 1 && s->recipe != PAW_BEIT && s->recipe != PAW_CAE) check_head_order(s);
        check_powers(s);
        check_nan(s);
        check_nan_pixel(s);
        check_size_order(s);
    }
    about = "grids";
    check_grids(PAW_DEIT);
    check_grids(PAW_DINO);
    check_grids(PAW_BEIT);
#if defined(PAW_NO_SLEEF)
    T_SKIP("SLEEF is not in this build");
#endif
    paw_destroy(ctx);
    return t_end("meta");
}
