/* What trains heads: a whole step of the attentive probe, attention pooling and its gradient,
   cross-entropy, optimisers, upsampling. Include after small.h, in kernels.c. */
#ifndef PAW_BENCH_TRAIN_H
#define PAW_BENCH_TRAIN_H

/* ---- a step: rows x tokens x dim, 4 classes ---- */

typedef struct {
    const kernels *k;
    paw_head *head;
    paw__pass pass;
    float *x;
    const void **rows;
    int32_t *labels;
    double loss;
    paw_err error;
} step_job;
static void step_call(void *arg)
{
    step_job *j = (step_job *)arg;
    const paw_err e = paw__head_step(&j->k->team, j->head, &j->pass, j->rows, j->labels, 1e-3,
                                     &j->loss);
    if (e) j->error = e;
}
/* Scores, pooling and their gradients; values, projection and classes forward and twice back. */
static double step_flops(double n, double tokens, double dim, double heads, double classes)
{
    return n * (8 * tokens * dim * heads + 12 * dim * dim + 6 * dim * classes);
}
static void narrow_row(int dtype, const float *from, size_t count, char *to)
{
    size_t i;
    for (i = 0; i < count; ++i) {
        const uint32_t half = dtype == PAW_F16 ? paw__half_of(from[i]) : paw__bf16_of(from[i]);
        const uint16_t low = (uint16_t)half;
        memcpy(to + i * sizeof low, &low, sizeof low);
    }
}
static int step_row(const kernels *k, int dtype, size_t n, size_t tokens, size_t dim)
{
    paw_ctx *c = k->app->ctx;
    step_job j;
    bench_row r = bench_row_of(dtype == PAW_F32   ? "attentive_step_f32"
                               : dtype == PAW_F16 ? "attentive_step_f16" : "attentive_step_bf16",
                               k->isa, k->threads, step_call, &j);
    paw_head_opts o;
    const size_t bytes = paw__dtype_bytes(dtype);
    size_t i;
    int code = CLI_OK;
    snprintf(r.shape, sizeof r.shape, "%zux%zux%zu", n, tokens, dim);
    r.reference = BENCH_FLOPS;
    r.flops = step_flops((double)n, (double)tokens, (double)dim, (double)(dim / 64), 4);
    if (!row_wanted(k, &r)) return CLI_OK;
    memset(&j, 0, sizeof j);
    j.k = k;
    paw_head_recipe(PAW_PROBE_PART, PAW_ATTENTIVE, &o);
    o.dim = dim;
    o.classes = 4;
    j.x = noise(c, n * tokens * dim, -1, 1);
    j.rows = (const void **)paw__alloc(c, n, sizeof *j.rows);
    j.labels = (int32_t *)paw__alloc(c, n, sizeof *j.labels);
    if (!j.x || !j.rows || !j.labels) code = cli_no_memory(k->app);
    if (!code) j.error = paw_head_create(c, &o, &j.head);
    if (!code && !j.error) j.error = paw__pass_open(j.head, c, n, tokens, n, &j.pass);
    j.pass.dtype = dtype;
    for (i = 0; !code && i < n; ++i) {
        const float *from = j.x + i * tokens * dim;
        char *row = (char *)j.x + i * tokens * dim * bytes; /* halves over floats that are read */
        j.rows[i] = row;
        if (dtype != PAW_F32) narrow_row(dtype, from, tokens * dim, row);
        j.labels[i] = (int32_t)(i % 4);
    }
    if (!code && !j.error) code = bench_run(k->b, &r);
    if (!code && j.error) code = cli_fail(k->app, j.error);
    paw_head_free(j.head);
    paw__free(j.pass.block);
    paw__free(j.x);
    paw__free(j.rows);
    paw__free(j.labels);
    return code;
}

/* ---- its kernels, one by one ---- */

enum { POOL, POOL_BACK, POOL_F16, POOL_BACK_F16, XENT, SGD, ADAMW, BATCH_NORM, BATCH_NORM_BACK,
       BLEND, AXPY, ARGMAX };
static const char *const train_names[] = {
    "pool_f32", "pool_back_f32", "pool_f16", "pool_back_f16", "xent_f32", "sgd_f32", "adamw_f32",
    "batch_norm_f32", "batch_norm_back_f32", "blend_f32", "axpy_f32", "argmax_f32"
};
typedef struct {
    const kernels *k;
    int kind;
    size_t rows, d;
    float *x, *y, *z, *w;
    paw__pooling pool;
    paw__update update;
    int32_t labels[PAW__MAX_MR];
    double loss;
    volatile size_t sink;
} train_job;
static void train_call(void *arg)
{
    train_job *j = (train_job *)arg;
    const paw__ops *ops = j->k->team.ops;
    const size_t n = j->rows * j->d;
    size_t i;
    if (j->kind <= POOL_BACK_F16)
        ops->pool(&j->pool, j->kind == POOL_BACK || j->kind == POOL_BACK_F16);
    if (j->kind == SGD) ops->sgd(&j->update, j->x, j->y, j->z, n);
    if (j->kind == ADAMW) ops->adamw(&j->update, j->x, j->y, j->w, j->z, n);
    for (i = 0; j->kind == XENT && i < j->rows; i += (size_t)ops->mr)
        ops->xent(j->x + i * j->d, j->d, (int)paw__min((size_t)ops->mr, j->rows - i), j->d,
                  j->labels, 1e-3f, &j->loss);
    for (i = 0; i < n && j->kind >= BLEND; i += j->d) {
        if (j->kind == BLEND) ops->blend(j->x + i, 0.25f, j->z + i, 0.75f, j->d, j->y + i);
        if (j->kind == AXPY) ops->axpy(1e-6f, j->x + i, j->d, j->y + i);
        if (j->kind == ARGMAX) j->sink = ops->argmax(j->x + i, j->d);
    }
    for (i = 0; j->kind == BATCH_NORM && i < j->d; i += 16)
        ops->batch_norm(j->x + i, j->d, j->rows, 1e-5f, 0, j->w + i, j->w + j->d + i, j->y + i);
    for (i = 0; j->kind == BATCH_NORM_BACK && i < j->d; i += 16)
        ops->batch_norm_back(j->x + i, j->z + i, j->d, j->rows, 1e-5f, j->w + j->d + i, j->y + i);
}
static int train_row(const kernels *k, int kind, size_t rows, size_t d)
{
    paw_ctx *c = k->app->ctx;
    const size_t heads = paw__max(1, d / 64), padded = paw__up16(rows), n = padded * d;
    static const double streams[] = { 0, 0, 0, 0, 2, 5, 7, 2, 3, 3, 3, 1 }; /* read or written */
    const int pool = kind <= POOL_BACK_F16, narrow = kind == POOL_F16 || kind == POOL_BACK_F16;
    float *scratch = NULL, *kept = NULL, *p = NULL;
    train_job j;
    bench_row r = bench_row_of(train_names[kind], k->isa, 1, train_call, &j);
    int code;
    snprintf(r.shape, sizeof r.shape, "%zux%zu", rows, d);
    r.reference = pool ? BENCH_FLOPS : BENCH_TRIAD;
    r.flops = pool ? 4.0 * (double)rows * (double)d * (double)heads : 0;
    r.bytes = pool ? 0 : 4.0 * (double)(rows * d) * streams[kind];
    r.working = (size_t)r.bytes;
    if (!row_wanted(k, &r)) return CLI_OK;
    memset(&j, 0, sizeof j);
    j.k = k;
    j.kind = kind;
    j.rows = rows;
    j.d = d;
    j.x = noise(c, n, -1, 1);
    j.y = noise(c, n, -1, 1);
    j.z = noise(c, n, -1, 1);
    j.w = noise(c, n, 0.5f, 1);
    if (pool) scratch = noise(c, paw__pool_scratch(padded, d, heads), -1, 1);
    if (pool) kept = noise(c, heads * d, 0, 1);
    if (pool) p = noise(c, paw__up16(heads) * rows + 2 * padded, 0, 1e-2f);
    if (narrow && j.x) narrow_row(PAW_F16, j.x, n, (char *)j.x);
    j.pool.dtype = narrow ? PAW_F16 : PAW_F32;
    j.pool.x = j.pool.next = j.x;
    j.pool.tokens = rows;
    j.pool.dim = d;
    j.pool.heads = heads;
    j.pool.eps = 1e-6f;
    j.pool.u = j.z;
    j.pool.scratch = scratch;
    j.pool.p = p;
    j.pool.moments = p ? p + paw__up16(heads) * rows : NULL;
    j.pool.pooled = j.pool.du = j.y;
    j.pool.grad = j.w;
    j.pool.kept = kept;
    j.pool.head_step = j.pool.kept_head = d;
    j.pool.step = j.pool.kept_step = 16;
    j.update.lr = j.update.step = 1e-6f;
    j.update.trust = j.update.keep = j.update.root = 1;
    j.update.beta1 = j.update.momentum = 0.9f;
    j.update.beta2 = 0.999f;
    j.update.eps = 1e-8f;
    code = j.x && j.y && j.z && j.w && (!pool || (scratch && p && kept)) ? CLI_OK
                                                                         : cli_no_memory(k->app);
    if (!code) code = bench_run(k->b, &r);
    paw__free(j.x);
    paw__free(j.y);
    paw__free(j.z);
    paw__free(j.w);
    paw__free(scratch);
    paw__free(kept);
    paw__free(p);
    return code;
}
static int train_rows(const kernels *k)
{
    static const small_case cases[] = {
        {POOL, 197, 768}, {POOL_BACK, 197, 768}, {POOL, 197, 192}, {POOL_BACK, 197, 192},
        {POOL_F16, 197, 768}, {POOL_BACK_F16, 197, 768},
        {XENT, 1024, 16}, {XENT, 1024, 160}, {XENT, 1024, 1008}, {SGD, 768, 768},
        {ADAMW, 768, 768}, {BATCH_NORM, 1024, 768}, {BATCH_NORM_BACK, 1024, 768},
        {BLEND, 32, 160}, {AXPY, 32, 160}, {ARGMAX, 32, 160},
    };
    size_t i;
    int code = step_row(k, PAW_F32, 1024, 197, 768);
    if (!code) code = step_row(k, PAW_F32, 1024, 197, 192);
    if (!code) code = step_row(k, PAW_F16, 1024, 197, 768);
    if (!code) code = step_row(k, PAW_BF16, 1024, 197, 768);
    for (i = 0; !code && i < PAW__COUNT(cases); ++i)
        code = train_row(k, cases[i].kind, cases[i].rows, cases[i].d);
    return code;
}
#endif
