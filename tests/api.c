/* The contract of the API: misuse returns codes and leaves outputs alone; features are the same
   bytes for every thread count, batch, parallel_for and instruction set. Everything on tiny random
   models of all recipes. */
#define _POSIX_C_SOURCE 200809L
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "t.h"

/* ---- an allocator that counts ---- */

typedef struct {
    long live;
    size_t bytes;
} counter;

static void *counted_alloc(void *user, size_t bytes)
{
    counter *k = (counter *)user;
    void *p = malloc(bytes);
    if (!p) return NULL;
    __atomic_add_fetch(&k->live, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&k->bytes, bytes, __ATOMIC_SEQ_CST);
    return p;
}
static void counted_free(void *user, void *p, size_t bytes)
{
    counter *k = (counter *)user;
    __atomic_sub_fetch(&k->live, 1, __ATOMIC_SEQ_CST);
    __atomic_sub_fetch(&k->bytes, bytes, __ATOMIC_SEQ_CST);
    free(p);
}
static paw_config counted(counter *k, int threads)
{
    paw_config g;
    memset(&g, 0, sizeof g);
    memset(k, 0, sizeof *k);
    g.mem.alloc = counted_alloc;
    g.mem.free = counted_free;
    g.mem.user = k;
    g.threads = threads;
    return g;
}
/* ---- tiny models, and everything they compute in one buffer ---- */

#define IMAGES 3
#define PX 48
#define DIM 96
#define DEPTH 2
#define HEADS 3

static paw_random_spec spec_of(int recipe)
{
    paw_random_spec s;
    memset(&s, 0, sizeof s);
    s.recipe = recipe;
    s.image_px = PX;
    s.patch_px = 16;
    s.dim = DIM;
    s.depth = DEPTH;
    s.heads = HEADS;
    s.classes = recipe == PAW_DEIT ? 7 : 0;
    s.projected = recipe == PAW_MOCOV3 || recipe == PAW_DINO || recipe == PAW_IBOT ? 24 : 0;
    s.seed = 5;
    return s;
}
static paw_model_opts opts_of(int recipe)
{
    paw_model_opts o;
    memset(&o, 0, sizeof o);
    o.recipe = recipe;
    o.heads = HEADS;
    return o;
}
static paw_model *model_of(paw_ctx *c, int recipe, int dtype)
{
    const paw_random_spec s = spec_of(recipe);
    paw_model_opts o = opts_of(recipe);
    paw_tensors *t = NULL;
    paw_model *m = NULL;
    paw_err e = paw_tensors_random(c, &s, &t);
    o.dtype = dtype;
    if (!e) e = paw_model_from_tensors(c, t, &o, &m);
    T(e == PAW_OK, "%s: %s", paw_recipe_name(recipe), paw_message(c));
    paw_tensors_close(t);
    return m;
}

typedef struct {
    int h, w;
    size_t tokens, count, per_image;
    float *in, *out; /* out: [image][cls mean tokens block 0 attention projections] */
} run;

static int total_projected(const paw_model *m)
{
    int which, sum = 0;
    for (which = PAW_PROJECTED; which <= PAW_PROJECTED_PATCH; ++which)
        sum += paw_project_dim(m, which);
    return sum;
}
static run run_new(const paw_model *m, int h, int w)
{
    run r;
    size_t i;
    r.h = h;
    r.w = w;
    r.tokens = 1 + (size_t)(h / 16) * (size_t)(w / 16);
    r.per_image = 2 * DIM + 2 * r.tokens * DIM + HEADS * r.tokens * r.tokens +
                  (size_t)total_projected(m);
    r.count = IMAGES * r.per_image;
    r.in = (float *)malloc(IMAGES * 3 * (size_t)h * (size_t)w * sizeof(float));
    r.out = (float *)malloc(r.count * sizeof(float));
    if (!r.in || !r.out) abort();
    t_seed = 11;
    for (i = 0; i < IMAGES * 3 * (size_t)h * (size_t)w; ++i) r.in[i] = 2 * t_uniform();
    return r;
}
static void run_free(run *r)
{
    free(r->in);
    free(r->out);
}
/* Encodes n images from the first-th on, and spreads what came per image. */
static paw_err run_batch(const paw_model *m, paw_ctx *c, const run *r, size_t first, size_t n)
{
    const size_t row = r->tokens * DIM, map = HEADS * r->tokens * r->tokens;
    const int block = 0;
    float *all = (float *)calloc(n * (2 * DIM + 2 * row + map), sizeof(float)), *p;
    paw_outputs o;
    paw_err e;
    size_t i;
    int which;
    if (!all) abort();
    memset(&o, 0, sizeof o);
    o.cls = all;
    o.mean = o.cls + n * DIM;
    o.tokens = o.mean + n * DIM;
    o.blocks = &block;
    o.block_count = 1;
    o.block_outputs = o.tokens + n * row;
    o.attention_block = -1;
    o.attention = o.block_outputs + n * row;
    e = paw_encode(m, c, r->in + first * 3 * (size_t)(r->h * r->w), n, r->h, r->w, &o);
    for (i = 0; i < n && !e; ++i) {
        p = r->out + (first + i) * r->per_image;
        memcpy(p, o.cls + i * DIM, DIM * sizeof *p), p += DIM;
        memcpy(p, o.mean + i * DIM, DIM * sizeof *p), p += DIM;
        memcpy(p, o.tokens + i * row, row * sizeof *p), p += row;
        memcpy(p, o.block_outputs + i * row, row * sizeof *p), p += row;
        memcpy(p, o.attention + i * map, map * sizeof *p), p += map;
    }
    for (which = PAW_PROJECTED; which <= PAW_PROJECTED_PATCH && !e; ++which) {
        const size_t d = (size_t)paw_project_dim(m, which);
        float *rows = (float *)calloc(n * d + 1, sizeof(float));
        size_t at = 2 * DIM + 2 * row + map;
        int before;
        if (!rows) abort();
        for (before = PAW_PROJECTED; before < which; ++before)
            at += (size_t)paw_project_dim(m, before);
        if (d) e = paw_project(m, c, which, o.cls, n, rows);
        for (i = 0; i < n && d && !e; ++i)
            memcpy(r->out + (first + i) * r->per_image + at, rows + i * d, d * sizeof *rows);
        free(rows);
    }
    free(all);
    return e;
}
static paw_err run_all(const paw_model *m, paw_ctx *c, run *r, size_t batch)
{
    size_t i;
    paw_err e = PAW_OK;
    memset(r->out, 0xff, r->count * sizeof *r->out);
    for (i = 0; i < IMAGES && !e; i += batch)
        e = run_batch(m, c, r, i, paw__min(batch, IMAGES - i));
    return e;
}
static int same(const run *r, const float *want)
{
    return !memcmp(r->out, want, r->count * sizeof *want);
}

/* ---- parallel_for hooks ---- */

typedef struct {
    int calls, widest;
} hook_log;

static void hook_backwards(void *user, int n, paw_task *fn, void *arg)
{
    hook_log *log = (hook_log *)user;
    ++log->calls;
    if (n > log->widest) log->widest = n;
    while (n) fn(arg, --n);
}
typedef struct {
    paw_task *fn;
    void *arg;
    int index;
} hook_job;
static void *hook_thread(void *p)
{
    hook_job *j = (hook_job *)p;
    j->fn(j->arg, j->index);
    return NULL;
}
static void hook_together(void *user, int n, paw_task *fn, void *arg)
{
    pthread_t thread[64];
    hook_job job[64];
    int i;
    ++((hook_log *)user)->calls;
    for (i = 0; i < n; ++i) {
        job[i].fn = fn;
        job[i].arg = arg;
        job[i].index = i;
        if (pthread_create(&thread[i], NULL, hook_thread, &job[i])) abort();
    }
    for (i = 0; i < n; ++i) pthread_join(thread[i], NULL);
}

/* ---- same bytes ---- */

static paw_ctx *ctx_threads(int threads)
{
    paw_config g;
    paw_ctx *c = NULL;
    memset(&g, 0, sizeof g);
    g.threads = threads;
    T(paw_create(&g, &c) == PAW_OK, "context of %d threads", threads);
    T(paw_threads_used(c) == threads, "%d threads", paw_threads_used(c));
    return c;
}
static void same_by_threads(const paw_model *m, run *r, const float *want, const char *recipe)
{
    int threads;
    for (threads = 2; threads <= 7; ++threads) {
        paw_ctx *c = ctx_threads(threads);
        T(run_all(m, c, r, IMAGES) == PAW_OK && same(r, want), "%s %dx%d: %d threads", recipe,
          r->h, r->w, threads);
        paw_destroy(c);
    }
}
static void same_by_batch(const paw_model *m, run *r, const float *want, const char *recipe)
{
    paw_ctx *c = ctx_threads(2);
    size_t batch;
    for (batch = 1; batch < IMAGES; ++batch)
        T(run_all(m, c, r, batch) == PAW_OK && same(r, want), "%s %dx%d: batches of %d", recipe,
          r->h, r->w, (int)batch);
    paw_destroy(c);
}
static void same_by_isa(const paw_model *m, run *r, const float *want, const char *recipe)
{
    paw_ctx *c = ctx_threads(2);
    const int best = paw_isa();
    int isa;
    for (isa = 0; isa < best; ++isa) {
        if (!paw_isa_supported(isa)) continue;
        T(paw_isa_limit(isa) == isa, "%s cannot be chosen", paw_isa_name(isa));
        T(run_all(m, c, r, IMAGES) == PAW_OK && same(r, want), "%s %dx%d: %s", recipe, r->h, r->w,
          paw_isa_name(isa));
    }
    T(paw_isa_limit(best) == best, "back to %s", paw_isa_name(best));
    paw_destroy(c);
}
static void same_by_hook(const paw_model *m, run *r, const float *want, const char *recipe)
{
    paw_config g;
    paw_ctx *c = NULL;
    hook_log log = { 0, 0 };
    memset(&g, 0, sizeof g);
    g.threads = 4;
    g.hook.parallel_for = hook_backwards;
    g.hook.user = &log;
    T(paw_create(&g, &c) == PAW_OK, "context with a hook");
    T(run_all(m, c, r, IMAGES) == PAW_OK && same(r, want), "%s: hook, backwards", recipe);
    T(log.calls > 0 && log.widest <= 4, "hook: %d calls, %d wide", log.calls, log.widest);
    paw_destroy(c);
    log.calls = 0;
    g.hook.parallel_for = hook_together;
    T(paw_create(&g, &c) == PAW_OK, "context with a hook");
    T(run_all(m, c, r, IMAGES) == PAW_OK && same(r, want), "%s: hook, together", recipe);
    T(log.calls > 0, "hook unused");
    paw_destroy(c);
}
/* Weights packed while one instruction set is active serve all of them. */
static void same_by_load(run *r, const float *want, int recipe, int dtype)
{
    paw_ctx *c = ctx_threads(1);
    const int best = paw_isa();
    paw_model *m;
    paw_isa_limit(PAW_ISA_SCALAR);
    m = model_of(c, recipe, dtype);
    paw_isa_limit(best);
    if (m)
        T(run_all(m, c, r, IMAGES) == PAW_OK && same(r, want), "%s: loaded as scalar",
          paw_recipe_name(recipe));
    paw_model_free(m);
    paw_destroy(c);
}
static void check_same(int recipe, int dtype)
{
    static const int sizes[][2] = { { PX, PX }, { 64, 32 } };
    const char *name = paw_recipe_name(recipe);
    paw_ctx *c = ctx_threads(1);
    paw_model *m = model_of(c, recipe, dtype);
    const int native = dtype == PAW_BF16 && paw_bf16_native(); /* other products than elsewhere */
    size_t s;
    for (s = 0; m && s < sizeof sizes / sizeof sizes[0]; ++s) {
        run r = run_new(m, sizes[s][0], sizes[s][1]);
        float *want = (float *)malloc(r.count * sizeof *want);
        size_t i, bad = 0;
        if (!want) abort();
        if (T(run_all(m, c, &r, IMAGES) == PAW_OK, "%s %dx%d: %s", name, r.h, r.w,
              paw_message(c))) {
            for (i = 0; i < r.count; ++i) bad += !(fabs((double)r.out[i]) < 1e6);
            T(!bad, "%s %dx%d: %d numbers not written or not finite", name, r.h, r.w, (int)bad);
            memcpy(want, r.out, r.count * sizeof *want);
            same_by_threads(m, &r, want, name);
            same_by_batch(m, &r, want, name);
            if (!native) same_by_isa(m, &r, want, name);
            same_by_hook(m, &r, want, name);
            if (!s) same_by_load(&r, want, recipe, dtype);
        }
        free(want);
        run_free(&r);
    }
    paw_model_free(m);
    paw_destroy(c);
}

static void check_bf16(void)
{
    paw_ctx *c = ctx_threads(1);
    paw_model *m[2];
    paw_model_info info[2];
    run r[2];
    double xx = 0, xy = 0, yy = 0;
    size_t i;
    int k;
    for (k = 0; k < 2; ++k) {
        m[k] = model_of(c, PAW_BEIT, k ? PAW_BF16 : PAW_F32);
        paw_model_describe(m[k], &info[k]);
        r[k] = run_new(m[k], PX, PX);
        T(run_all(m[k], c, &r[k], IMAGES) == PAW_OK, "%s", paw_message(c));
    }
    T(info[0].dtype == PAW_F32 && info[1].dtype == PAW_BF16, "dtype described");
    /* Of DEPTH blocks all but one at half the size: 12 dim^2 weights each, and the patches'. */
    T(info[0].packed_bytes - info[1].packed_bytes == (DEPTH - 1) * 12 * DIM * DIM * 2,
      "packed: %zu and %zu bytes", info[0].packed_bytes, info[1].packed_bytes);
    for (i = 0; i < DIM; ++i) {
        const double x = (double)r[0].out[i], y = (double)r[1].out[i];
        xx += x * x;
        xy += x * y;
        yy += y * y;
    }
    T(xy > 0.999 * sqrt(xx * yy), "bf16: cosine %.6f to fp32", xy / sqrt(xx * yy));
    T(memcmp(r[0].out, r[1].out, DIM * sizeof(float)) != 0, "bf16 changes nothing");
    for (k = 0; k < 2; ++k) {
        run_free(&r[k]);
        paw_model_free(m[k]);
    }
    paw_destroy(c);
}
/* Several host threads share one model, each with a context. */
typedef struct {
    const paw_model *m;
    const float *want;
    run r;
    int ok;
} share_job;
static void *share_main(void *p)
{
    share_job *j = (share_job *)p;
    paw_config g;
    paw_ctx *c = NULL;
    int i;
    memset(&g, 0, sizeof g);
    g.threads = 2;
    j->ok = !paw_create(&g, &c);
    for (i = 0; i < 3 && j->ok; ++i) j->ok = !run_all(j->m, c, &j->r, 2) && same(&j->r, j->want);
    paw_destroy(c);
    return NULL;
}
static void check_shared_model(void)
{
    enum { HOSTS = 4 };
    paw_ctx *c = ctx_threads(1);
    paw_model *m = model_of(c, PAW_DINO, PAW_F32);
    share_job job[HOSTS];
    pthread_t thread[HOSTS];
    run r;
    int i;
    if (m) {
        r = run_new(m, PX, PX);
        T(run_all(m, c, &r, IMAGES) == PAW_OK, "%s", paw_message(c));
        for (i = 0; i < HOSTS; ++i) {
            job[i].m = m;
            job[i].want = r.out;
            job[i].r = run_new(m, PX, PX);
        }
        for (i = 0; i < HOSTS; ++i)
            if (pthread_create(&thread[i], NULL, share_main, &job[i])) abort();
        for (i = 0; i < HOSTS; ++i) {
            pthread_join(thread[i], NULL);
            T(job[i].ok, "host thread %d: an error, or other bytes", i);
            run_free(&job[i].r);
        }
        run_free(&r);
    }
    paw_model_free(m);
    paw_destroy(c);
}

/* ---- math modes ---- */

static void check_sleef(void)
{
#if defined(PAW_NO_SLEEF)
    T_SKIP("built without SLEEF");
#else
    paw_config g;
    paw_ctx *c = NULL, *b = ctx_threads(1);
    paw_model *m = model_of(b, PAW_BEIT, PAW_F32);
    memset(&g, 0, sizeof g);
    g.math = PAW_MATH_SLEEF;
    g.threads = 3;
    T(paw_create(&g, &c) == PAW_OK, "SLEEF context");
    if (m && c) {
        run r = run_new(m, PX, PX), k = run_new(m, PX, PX);
        double most = 0;
        size_t i;
        T(run_all(m, b, &r, IMAGES) == PAW_OK, "%s", paw_message(b));
        T(run_all(m, c, &k, IMAGES) == PAW_OK, "%s", paw_message(c));
        for (i = 0; i < r.count; ++i) {
            double d = fabs((double)r.out[i] - (double)k.out[i]);
            if (!(d <= most)) most = d;
        }
        T(most < 2e-5, "built-in and SLEEF differ by %g", most);
        T(most > 0, "PAW_MATH_SLEEF changes nothing: is it used?");
        run_free(&r);
        run_free(&k);
    }
    paw_model_free(m);
    paw_destroy(c);
    paw_destroy(b);
#endif
}

/* ---- misuse ---- */

static void check_statics(void)
{
    int i, isa, best = paw_isa();
    T(paw_version() == PAW_VERSION, "version %d", paw_version());
    T(!strcmp(paw_strerror(PAW_OK), "ok"), "PAW_OK is %s", paw_strerror(PAW_OK));
    for (i = -1; i > PAW_E_LAST_; --i)
        T(strcmp(paw_strerror(i), paw_strerror(-1000)), "code %d has no text", i);
    T(paw_strerror(1) && paw_strerror(-1000), "unknown codes have a text");
    T(paw_message(NULL) != NULL, "message of no context");
    T(!paw_recipe_name(-1) && !paw_recipe_name(PAW_RECIPES), "names outside the enum");
    T(!strcmp(paw_recipe_name(PAW_RECIPE_AUTO), "auto"), "name of AUTO");
    T(paw_stats_find("imagenet") && paw_stats_find("half") && !paw_stats_find("nope"), "stats");
    T(paw_threads_used(NULL) == 0, "threads of no context");
    paw_destroy(NULL);
    paw_model_free(NULL);
    paw_tensors_close(NULL);
    T(paw_isa_limit(-1) == PAW_ISA_SCALAR && paw_isa() == PAW_ISA_SCALAR, "limit -1");
    T(paw_isa_limit(1000) >= best && paw_isa_limit(best) == best, "limit raised again");
    T(!paw_isa_supported(-1) && !paw_isa_supported(4), "instruction sets outside the enum");
    T(paw_isa_supported(PAW_ISA_SCALAR), "scalar is always there");
    for (isa = 0; isa <= PAW_ISA_AVX512; ++isa) {
        const int active = paw_isa_limit(isa);
        T(active <= isa && active == paw_isa(), "limit %d gives %d", isa, active);
        T((active == isa) == paw_isa_supported(isa), "%s", paw_isa_name(isa));
    }
    paw_isa_limit(best);
}

static void *never_alloc(void *user, size_t bytes)
{
    (void)user;
    (void)bytes;
    return NULL;
}
static void check_create(void)
{
    paw_config g;
    paw_ctx *const untouched = (paw_ctx *)(void *)&g;
    paw_ctx *c = untouched;
    T(paw_create(NULL, NULL) == PAW_E_ARG, "no place for the context");
#define BAD_CONFIG(change, want)                                                                   \
    memset(&g, 0, sizeof g);                                                                       \
    change;                                                                                        \
    T(paw_create(&g, &c) == (want) && c == untouched, "paw_create with " #change)
    BAD_CONFIG(g.threads = -1, PAW_E_ARG);
    BAD_CONFIG(g.math = 7, PAW_E_ARG);
    BAD_CONFIG(g.math = -1, PAW_E_ARG);
    BAD_CONFIG(g.mem.alloc = never_alloc, PAW_E_ARG);
    BAD_CONFIG((g.mem.alloc = never_alloc, g.mem.free = counted_free), PAW_E_OOM);
#undef BAD_CONFIG
    setenv("PAW_THREADS", "3", 1);
    T(paw_create(NULL, &c) == PAW_OK && paw_threads_used(c) == 3, "PAW_THREADS=3");
    paw_destroy(c);
    setenv("PAW_THREADS", "none", 1);
    T(paw_create(NULL, &c) == PAW_OK && paw_threads_used(c) >= 1, "PAW_THREADS=none");
    paw_destroy(c);
    unsetenv("PAW_THREADS");
}

static void check_spec(paw_ctx *c, const char *what, paw_random_spec s)
{
    paw_tensors *const untouched = (paw_tensors *)(void *)&s;
    paw_tensors *t = untouched;
    paw_err e = paw_tensors_random(c, &s, &t);
    if (!T(e < 0 && t == untouched, "random model with %s: %d", what, e) && e == PAW_OK)
        paw_tensors_close(t);
}
static void check_specs(paw_ctx *c)
{
    const paw_random_spec good = spec_of(PAW_DEIT);
    paw_random_spec s;
#define BAD_SPEC(change)                                                                           \
    s = good;                                                                                      \
    change;                                                                                        \
    check_spec(c, #change, s)
    BAD_SPEC(s.recipe = 0);
    BAD_SPEC(s.recipe = PAW_RECIPES);
    BAD_SPEC(s.recipe = -1);
    BAD_SPEC(s.dim = 0);
    BAD_SPEC(s.dim = -64);
    BAD_SPEC(s.dim = 1 << 30);
    BAD_SPEC(s.depth = -1);
    BAD_SPEC(s.depth = 1 << 30);
    BAD_SPEC(s.patch_px = -16);
    BAD_SPEC(s.patch_px = 13);
    BAD_SPEC(s.image_px = -48);
    BAD_SPEC(s.heads = 7);
    BAD_SPEC(s.heads = -3);
    BAD_SPEC(s.classes = -1);
#undef BAD_SPEC
    T(paw_tensors_random(c, &good, NULL) == PAW_E_ARG, "no place for the tensors");
}

static void check_tensors(paw_ctx *c)
{
    const paw_random_spec s = spec_of(PAW_DEIT);
    const paw_model_opts o = opts_of(PAW_DEIT), other = opts_of(PAW_BEIT);
    paw_model_opts odd = o;
    paw_model *const untouched = (paw_model *)(void *)&odd;
    paw_model *m = untouched;
    paw_tensors *t = NULL, *none = NULL;
    paw_tensor_info info;
    size_t i = 12345;
    float x[4] = { 9, 9, 9, 9 };
    if (!T(paw_tensors_random(c, &s, &t) == PAW_OK, "%s", paw_message(c))) return;
    T(paw_tensors_find(t, "no.such.tensor", &i) == PAW_E_KEY && i == 12345, "unknown name");
    T(paw_tensors_info(t, paw_tensors_count(t), &info) == PAW_E_ARG, "tensor after the last");
    T(paw_tensors_read(c, t, paw_tensors_count(t), PAW_F32, x, 4) < 0, "reads after the last");
    T(paw_tensors_read(c, t, 0, PAW_F32, x, 3) < 0 && x[0] == 9.0f, "another count");
    T(paw_tensors_read(c, t, 0, 99, x, 4) < 0 && x[0] == 9.0f, "unknown type");
    T(!paw_tensors_meta(t, "no such key"), "unknown meta key");
    T(paw_model_from_tensors(c, t, &other, &m) < 0 && m == untouched, "DeiT as BEiT");
    T(paw_message(c)[0] && !strchr(paw_message(c), '\n'), "message: %s", paw_message(c));
    odd.heads = 7;
    T(paw_model_from_tensors(c, t, &odd, &m) == PAW_E_SHAPE && m == untouched, "96 / 7 heads");
    odd = o;
    odd.recipe = PAW_RECIPES;
    T(paw_model_from_tensors(c, t, &odd, &m) == PAW_E_ARG && m == untouched &&
      strstr(paw_message(c), "model: NULL, recipe"), "unknown recipe: %s", paw_message(c));
    odd = o;
    odd.norm_eps = -1;
    T(paw_model_from_tensors(c, t, &odd, &m) == PAW_E_ARG && m == untouched, "negative epsilon");
    T(paw_model_from_tensors(c, t, &o, NULL) == PAW_E_ARG, "no place for the model");
    T(paw_tensors_open(c, "no/such/file.pth", &none) == PAW_E_IO && !none, "missing file");
    T(strstr(paw_message(c), "no/such/file.pth") != NULL, "message: %s", paw_message(c));
    T(paw_tensors_open(c, ".", &none) < 0 && !none, "a folder");
    T(paw_model_load(c, "no/such/file.pth", NULL, &m) == PAW_E_IO && m == untouched,
      "missing weights");
    T(paw_npy_save(c, "no/such/folder/x.npy", x, 1, &i) < 0, "unwritable place");
    paw_tensors_close(t);
}

#define CANARY 77.0f
typedef struct {
    float cls[DIM], block[10 * DIM], attention[HEADS * 100];
} encode_room;

static int untouched_room(const encode_room *r)
{
    const float *p = (const float *)(const void *)r;
    size_t i;
    for (i = 0; i < sizeof *r / sizeof *p; ++i)
        if (p[i] < CANARY || p[i] > CANARY) return 0;
    return 1;
}
static void check_encode_misuse(paw_ctx *c, const paw_model *m)
{
    static const int good_block = 0, high_block = DEPTH, low_block = -1;
    static encode_room room;
    float *p = (float *)(void *)&room;
    run r = run_new(m, PX, PX);
    paw_outputs good, o;
    size_t i;
    for (i = 0; i < sizeof room / sizeof *p; ++i) p[i] = CANARY;
    memset(&good, 0, sizeof good);
    good.cls = room.cls;
    good.blocks = &good_block;
    good.block_count = 1;
    good.block_outputs = room.block;
    good.attention_block = -1;
    good.attention = room.attention;
#define BAD_ENCODE(want, what, model, in, n, h, w)                                                 \
    do {                                                                                           \
        paw_err e_ = paw_encode(model, c, in, n, h, w, &o);                                        \
        T((want) ? e_ == (want) : e_ < 0, "paw_encode with %s: %d", what, e_);                     \
        T(untouched_room(&room), "paw_encode with %s: outputs written", what);                     \
        o = good;                                                                                  \
    } while (0)
    o = good;
    BAD_ENCODE(PAW_E_ARG, "no model", NULL, r.in, 1, PX, PX);
    BAD_ENCODE(PAW_E_ARG, "no input", m, NULL, 1, PX, PX);
    BAD_ENCODE(PAW_E_SHAPE, "height 47", m, r.in, 1, PX - 1, PX);
    BAD_ENCODE(PAW_E_SHAPE, "width 47", m, r.in, 1, PX, PX - 1);
    BAD_ENCODE(0, "height 0", m, r.in, 1, 0, PX);
    BAD_ENCODE(0, "width -16", m, r.in, 1, PX, -16);
    BAD_ENCODE(0, "a gigantic size", m, r.in, 1, 0x7ffffff0, 0x7ffffff0);
    BAD_ENCODE(0, "more images than memory", m, r.in, (size_t)-1, PX, PX);
    o.blocks = &high_block;
    BAD_ENCODE(PAW_E_ARG, "block 2 of 2", m, r.in, 1, PX, PX);
    o.blocks = &low_block;
    BAD_ENCODE(PAW_E_ARG, "block -1", m, r.in, 1, PX, PX);
    o.blocks = NULL;
    BAD_ENCODE(PAW_E_ARG, "blocks counted but not named", m, r.in, 1, PX, PX);
    o.block_count = -1;
    BAD_ENCODE(PAW_E_ARG, "a negative count of blocks", m, r.in, 1, PX, PX);
    o.attention_block = DEPTH;
    BAD_ENCODE(PAW_E_ARG, "attention of block 2 of 2", m, r.in, 1, PX, PX);
    o.attention_block = -2;
    BAD_ENCODE(PAW_E_ARG, "attention of block -2", m, r.in, 1, PX, PX);
    memset(&o, 0, sizeof o);
    BAD_ENCODE(PAW_E_ARG, "nothing asked", m, r.in, 1, PX, PX);
#undef BAD_ENCODE
    T(paw_encode(m, c, r.in, 1, PX, PX, NULL) == PAW_E_ARG, "no outputs");
    T(paw_encode(m, NULL, r.in, 1, PX, PX, &good) == PAW_E_ARG, "no context");
    T(paw_encode(m, c, r.in, 1, PX, PX, &good) == PAW_OK && !untouched_room(&room),
      "usable after all that: %s", paw_message(c));
    run_free(&r);
}
static void check_project_misuse(paw_ctx *c, const paw_model *m)
{
    float x[DIM], out[64];
    size_t i;
    int ok = 1;
    for (i = 0; i < DIM; ++i) x[i] = (float)i;
    for (i = 0; i < 64; ++i) out[i] = CANARY;
    T(paw_project_dim(m, PAW_LOGITS) == 7, "logits are %d wide", paw_project_dim(m, PAW_LOGITS));
    T(!paw_project_dim(m, -1) && !paw_project_dim(m, 99), "width of unknown projections");
    T(!paw_project_dim(m, PAW_PROJECTED), "DeiT has no projector");
    T(paw_project(m, c, PAW_PROJECTED, x, 1, out) < 0, "projection that the model lacks");
    T(paw_project(m, c, 99, x, 1, out) < 0, "unknown projection");
    T(paw_project(m, c, -1, x, 1, out) < 0, "unknown projection");
    T(paw_project(NULL, c, PAW_LOGITS, x, 1, out) == PAW_E_ARG, "no model");
    T(paw_project(m, c, PAW_LOGITS, NULL, 1, out) == PAW_E_ARG, "no input");
    T(paw_project(m, c, PAW_LOGITS, x, 1, NULL) == PAW_E_ARG, "no output");
    for (i = 0; i < 64; ++i) ok &= out[i] >= CANARY && out[i] <= CANARY;
    T(ok, "a failed projection wrote its output");
}
static void check_describe(const paw_model *m)
{
    paw_model_info i;
    paw_model_describe(m, &i);
    T(!strcmp(i.recipe, "deit"), "recipe %s", i.recipe);
    T(i.image_px == PX && i.patch_px == 16 && i.dim == DIM && i.depth == DEPTH &&
          i.heads == HEADS && i.mlp == 4 * DIM && i.tokens == 10 && i.classes == 7,
      "description: %d %d %d %d %d %d %d %d", i.image_px, i.patch_px, i.dim, i.depth, i.heads,
      i.mlp, i.tokens, i.classes);
    T(i.parameters > 100000 && i.packed_bytes >= 4 * i.parameters / 2, "%d parameters, %d bytes",
      (int)i.parameters, (int)i.packed_bytes);
}
static void check_misuse(void)
{
    paw_ctx *c = ctx_threads(2);
    paw_model *m;
    check_statics();
    check_create();
    check_specs(c);
    check_tensors(c);
    m = model_of(c, PAW_DEIT, PAW_F32);
    if (m) {
        check_encode_misuse(c, m);
        check_project_misuse(c, m);
        check_describe(m);
    }
    paw_model_free(m);
    paw_destroy(c);
}

/* Models and tensors outlive the context that made them. */
static void check_outlive(void)
{
    counter k;
    const paw_config g = counted(&k, 2);
    const paw_random_spec s = spec_of(PAW_CAE);
    const paw_model_opts o = opts_of(PAW_CAE);
    paw_ctx *c = NULL;
    paw_tensors *t = NULL;
    paw_model *m = NULL;
    T(paw_create(&g, &c) == PAW_OK && paw_tensors_random(c, &s, &t) == PAW_OK &&
          paw_model_from_tensors(c, t, &o, &m) == PAW_OK, "%s", c ? paw_message(c) : "");
    paw_destroy(c);
    paw_tensors_close(t);
    c = ctx_threads(2);
    if (m) {
        run r = run_new(m, PX, PX);
        T(run_all(m, c, &r, IMAGES) == PAW_OK, "%s", paw_message(c));
        run_free(&r);
    }
    paw_model_free(m);
    paw_destroy(c);
    T(!k.live && !k.bytes, "%ld blocks left", k.live);
}

/* ---- a store is read while another thread writes it ---- */

static void *store_main(void *store)
{
    const float row[4] = { 1, 2, 3, 4 };
    paw_ctx *c = NULL;
    size_t i;
    if (paw_create(NULL, &c)) abort();
    for (i = 0; i < 200; ++i)
        if (paw_store_write(c, (paw_store *)store, i, row)) abort();
    paw_destroy(c);
    return NULL;
}
static void check_shared_store(void)
{
    static const uint64_t items[200] = { 0 };
    paw_ctx *c = NULL;
    paw_store *store = NULL;
    paw_store_spec spec;
    paw_store_info info;
    pthread_t thread;
    float row[4];
    size_t i, bad = 0;
    memset(&spec, 0, sizeof spec);
    spec.name = "shared";
    spec.items = items;
    spec.count = 200;
    spec.ndim = 1;
    spec.shape[0] = 4;
    spec.shard_rows = 1;
    if (paw_create(NULL, &c) || paw_store_open(c, &spec, &store)) abort();
    if (pthread_create(&thread, NULL, store_main, store)) abort();
    for (i = 0; i < 200; ++i) {
        while (!paw_store_has(store, i)) paw_store_describe(store, &info);
        bad += paw_store_read(c, store, &i, 1, PAW_F32, row) || row[0] != 1 || row[3] != 4;
    }
    pthread_join(thread, NULL);
    paw_store_describe(store, &info);
    T(!bad && info.ready == 200, "%zu of 200 shards read wrong while others were written", bad);
    paw_store_close(store);
    paw_destroy(c);
}

int main(void)
{
    int recipe;
    check_shared_store();
    check_misuse();
    check_sleef();
    check_bf16();
    check_shared_model();
    check_outlive();
    for (recipe = 1; recipe < PAW_RECIPES; ++recipe) {
        check_same(recipe, PAW_F32);
        check_same(recipe, PAW_BF16);
        }
    return t_end("api");
}
