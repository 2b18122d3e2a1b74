#define _POSIX_C_SOURCE 200809L
/* kernels.c - every kernel at the shapes of ViT-Ti, S, B and L, on every instruction set.
 * Build: cc -O2 -I. -o kernels bench/kernels.c -lsleef -lm -lpthread
 * Run:   ./kernels --filter gemm_f32_fc1/197x768 --isa avx512
 * Prints a row a kernel, shape and instruction set, such as
 *   gemm_f32_fc1  197x768x3072  avx512  7.41 ms  125.5 GF/s  49% of 256 FMA */
#include "bench.h"
#include "small.h"
#include "train.h"

static const cli_option options[] = {
    BENCH_ISA_OPTION("all"),
    BENCH_THREADS_OPTION,
    {"--slow", "GFLOP", CLI_REAL, "0.1", 0, 1e6,
     "with --isa all, rows of scalar with more arithmetic are left out"},
    {"--image", "FILE", CLI_STR, NULL, 0, 0, "JPEG or PNG to decode as well"},
    BENCH_OPTIONS
};
CLI_PROGRAM("kernels", "[--filter SUBSTR] [options]",
            "Measures the kernels one by one, on data that stays in the caches where it fits.\n\n"
            BENCH_ABOUT
            "gemm: rows x k x columns with the epilogue of its place in a block (qkv: operands of\n"
            "the attention; proj, fc2: residual; fc1: GELU; head: plain rows). attention:\n"
            "heads x tokens x width. GB/s: bytes read and written once. Scalar rows are what the\n"
            "compiler makes of the plain text, a baseline. More than one thread: gemm, attention,\n"
            "norm, im2col, retrieval and resize. bf16: inputs are rounded in the measured time;\n"
            "where the CPU does not multiply bf16, weights are widened as they are read.\n");

/* ---- products ---- */

enum { HEAD, QKV, PROJ, FC1, FC2 };
typedef struct {
    paw__team team;
    paw__linear linear;
    paw__product g;
    paw__qkv qkv;
    float *a, *w, *out, *partial, *bias, *wide;
    uint16_t *w16;
} product_job;
static void product_call(void *arg)
{
    product_job *j = (product_job *)arg;
    paw__product g = j->g;
    if (j->w16) paw__narrow_run(&j->team, j->a, g.rows.rows, g.k);
    paw__product_run(&j->team, &g, j->partial);
}
static int product_narrow(product_job *j, paw_ctx *c, size_t in, size_t n)
{
    size_t i;
    j->w16 = (uint16_t *)paw__alloc(c, in * n, sizeof *j->w16);
    j->wide = (float *)paw__alloc(c, (size_t)c->threads * PAW__WIDE_COUNT, sizeof(float));
    if (!j->w16 || !j->wide) return 0;
    for (i = 0; i < n; i += 16) paw__narrow_panel(j->w + i * in, in, j->w16 + i * in);
    j->linear.w16 = j->w16;
    return 1;
}
/* Any floats are a packed operand where no size needs padding. */
static int product_open(product_job *j, const kernels *k, int kind, size_t rows, size_t in,
                        size_t n, int bf16)
{
    paw_ctx *c = k->app->ctx;
    const size_t padded = paw__up16(rows);
    memset(j, 0, sizeof *j);
    j->team = k->team;
    j->a = noise(c, rows * in, -1, 1);
    j->w = noise(c, in * n, -0.02f, 0.02f);
    j->bias = noise(c, n, -1, 1);
    j->out = (float *)paw__calloc(c, padded * n, sizeof(float));
    j->partial = (float *)paw__calloc(c, paw__partial_count(in, n) + 1, sizeof(float));
    if (!j->a || !j->w || !j->bias || !j->out || !j->partial) return cli_no_memory(k->app);
    j->linear.n = j->linear.n_padded = n;
    j->linear.k = j->linear.k_padded = in;
    j->linear.w = j->w;
    j->linear.bias = j->bias;
    if (bf16 && !product_narrow(j, c, in, n)) return cli_no_memory(k->app);
    j->g = paw__product_of(&j->team, &j->linear, j->a, rows);
    j->g.to = kind == QKV   ? PAW__TO_QKV
              : kind == FC1 ? PAW__TO_A
              : kind == HEAD ? PAW__TO_ROWS : PAW__TO_RESIDUAL;
    j->g.act = kind == FC1 ? PAW__GELU : PAW__NO_ACT;
    j->g.out = j->out;
    j->g.ld = n;
    j->g.wide = j->wide;
    j->g.qkv = &j->qkv;
    j->qkv.tokens = rows;
    j->qkv.padded = padded;
    j->qkv.dh = 64;
    j->qkv.heads = n / 192;
    j->qkv.q = j->out;
    j->qkv.k = j->out + padded * (n / 3);
    j->qkv.v = j->out + padded * (n / 3) * 2;
    return CLI_OK;
}
static int product_of_dtype(const kernels *k, int kind, size_t rows, size_t in, size_t n, int bf16)
{
    static const char *const names[][5] = {
        { "gemm_f32_head", "gemm_f32_qkv", "gemm_f32_proj", "gemm_f32_fc1", "gemm_f32_fc2" },
        { "gemm_bf16_head", "gemm_bf16_qkv", "gemm_bf16_proj", "gemm_bf16_fc1", "gemm_bf16_fc2" },
    };
    product_job j;
    bench_row r = bench_row_of(names[bf16][kind], k->isa, k->threads, product_call, &j);
    int code;
    snprintf(r.shape, sizeof r.shape, "%zux%zux%zu", rows, in, n);
    r.flops = 2.0 * (double)rows * (double)in * (double)n;
    r.bytes = 4.0 * ((double)rows * (double)(in + n) + (double)in * (double)n);
    r.reference = bf16 && paw_bf16_native() ? BENCH_DOTS : BENCH_FLOPS;
    if (!row_wanted(k, &r)) return CLI_OK;
    code = product_open(&j, k, kind, rows, in, n, bf16);
    if (!code) code = bench_run(k->b, &r);
    paw__free(j.a);
    paw__free(j.w);
    paw__free(j.bias);
    paw__free(j.out);
    paw__free(j.partial);
    paw__free(j.wide);
    paw__free(j.w16);
    return code;
}
static int product_row(const kernels *k, int kind, size_t rows, size_t in, size_t n)
{
    const int code = product_of_dtype(k, kind, rows, in, n, 0);
    return code ? code : product_of_dtype(k, kind, rows, in, n, 1);
}
static int products(const kernels *k)
{
    static const size_t dims[] = { 192, 384, 768, 1024 }, rows[] = { 197, 1025 };
    static const size_t heads[] = { 1, 16, 128 };
    size_t i, m;
    int code = CLI_OK;
    for (m = 0; m < PAW__COUNT(rows); ++m)
        for (i = 0; i < PAW__COUNT(dims); ++i) {
            const size_t d = dims[i];
            if (!code) code = product_row(k, QKV, rows[m], d, 3 * d);
            if (!code) code = product_row(k, PROJ, rows[m], d, d);
            if (!code) code = product_row(k, FC1, rows[m], d, 4 * d);
            if (!code) code = product_row(k, FC2, rows[m], 4 * d, d);
        }
    for (i = 0; !code && i < PAW__COUNT(heads); ++i)
        code = product_row(k, HEAD, heads[i], 768, 4096);
    return code;
}

/* ---- attention ---- */

typedef struct {
    paw__team team;
    paw__qkv qkv;
    paw__attention t;
    float *scratch;
} attention_job;
static void attention_call(void *arg)
{
    attention_job *j = (attention_job *)arg;
    paw__attention_run(&j->team, &j->t, j->scratch);
}
static int attention_row(const kernels *k, const char *name, int side, int biased, int math)
{
    const size_t heads = 12, dh = 64, tokens = (size_t)(side * side) + 1, up = paw__up16(tokens);
    const size_t od = heads * dh, table = (size_t)((2 * side - 1) * (2 * side - 1) + 3) * heads;
    paw_ctx *c = k->app->ctx;
    attention_job j;
    bench_row r = bench_row_of(name, k->isa, k->threads, attention_call, &j);
    float *bias = NULL, *x = NULL;
    int code = CLI_OK;
    snprintf(r.shape, sizeof r.shape, "%zux%zux%zu", heads, tokens, dh);
    r.flops = 4.0 * (double)tokens * (double)tokens * (double)od;
    r.bytes = 16.0 * (double)tokens * (double)od;
    r.reference = BENCH_FLOPS;
    if (!row_wanted(k, &r)) return CLI_OK;
    memset(&j, 0, sizeof j);
    j.team = k->team;
    x = noise(c, 4 * od * up, -1, 1);
    j.scratch = noise(c, (size_t)k->threads * paw__attention_scratch(up), 0, 1);
    if (biased) bias = noise(c, table, -1, 1);
    j.qkv.q = x;
    if (x) j.qkv.k = x + od * up, j.qkv.v = x + 2 * od * up, j.t.out = x + 3 * od * up;
    j.qkv.tokens = tokens;
    j.qkv.padded = up;
    j.qkv.dh = dh;
    j.qkv.heads = heads;
    j.t.in = &j.qkv;
    j.t.scale = 0.125f;
    j.t.bias = bias;
    j.t.gh = j.t.gw = side;
    j.t.math = math;
    if (!x || !j.scratch || (biased && !bias)) code = cli_no_memory(k->app);
    if (!code) code = bench_run(k->b, &r);
    paw__free(x);
    paw__free(j.scratch);
    paw__free(bias);
    return code;
}
static int attentions(const kernels *k)
{
    int code = attention_row(k, "attention_f32", 14, 0, PAW_MATH_BUILTIN);
    if (!code) code = attention_row(k, "attention_f32", 28, 0, PAW_MATH_BUILTIN);
    if (!code) code = attention_row(k, "attention_f32", 32, 0, PAW_MATH_BUILTIN);
    if (!code) code = attention_row(k, "attention_f32_bias", 14, 1, PAW_MATH_BUILTIN);
#if !defined(PAW_NO_SLEEF)
    if (!code) code = attention_row(k, "attention_f32_sleef", 14, 0, PAW_MATH_SLEEF);
#endif
    return code;
}

/* ---- self-check: a small block through every kernel, bit for bit as scalar has it ---- */

enum { T = 19, D = 128, H = 1280, N = 48, Q = 40 }; /* H: long enough for sums in two ranges */
typedef struct {
    float norm[T * D], map[2 * T * T], product[T * N], gelu[64], softmax[N], sum, dot;
    double ap[Q];
} checked;

static void check_product(const paw__team *team, float *w, size_t in, size_t n, const float *a,
                          int to, int act, float *out, paw__qkv *qkv, float *partial)
{
    paw__linear l;
    paw__product g;
    memset(&l, 0, sizeof l);
    l.n_padded = n;
    l.k_padded = in;
    l.w = l.bias = w;
    g = paw__product_of(team, &l, a, T);
    g.to = to;
    g.act = act;
    g.out = out;
    g.ld = n;
    g.qkv = qkv;
    paw__product_run(team, &g, partial);
}
/* x: [T, D] and weights; m: memory for the rest */
static void check_block(const paw__team *team, float *x, float *m, checked *out)
{
    float *w = x + T * D, *a = m, *h = a + T * D, *partial = h + T * H;
    paw__norm norm;
    paw__attention t;
    paw__qkv qkv;
    norm.w = w;
    norm.b = w + D;
    paw__norm_run(team, &norm, 1e-6f, x, T, D, 0, out->norm);
    paw__norm_run(team, &norm, 1e-6f, x, T, D, 1, a);
    memset(&t, 0, sizeof t);
    qkv.tokens = T;
    qkv.padded = paw__up16(T);
    qkv.dh = 64;
    qkv.heads = 2;
    qkv.q = h;
    qkv.k = h + T * D;
    qkv.v = qkv.k + qkv.padded * D;
    paw__qkv_clear_padding(&qkv);
    check_product(team, w, D, 3 * D, a, PAW__TO_QKV, PAW__NO_ACT, NULL, &qkv, partial);
    t.in = &qkv;
    t.scale = 0.125f;
    t.out = a;
    t.map = out->map;
    paw__attention_run(team, &t, partial);
    check_product(team, w, D, H, a, PAW__TO_A, PAW__GELU, h, NULL, partial);
    check_product(team, w, H, N, h, PAW__TO_ROWS, PAW__NO_ACT, out->product, NULL, partial);
    memcpy(out->gelu, x, sizeof out->gelu);
    team->ops->gelu(out->gelu, 64, PAW_MATH_BUILTIN);
    memcpy(out->softmax, x, sizeof out->softmax);
    team->ops->softmax(out->softmax, 1, N - 3, 0.125f, PAW_MATH_BUILTIN, &out->sum);
    out->dot = team->ops->dot(x, w, D);
}
static int check_isa(cli *app, int isa, float *x, float *m, checked out[2])
{
    int32_t labels[Q];
    paw__team team;
    int i, e = 0;
    for (i = 0; i < Q; ++i) labels[i] = i % 4;
    for (i = 0; !e && i < 2; ++i) {
        (void)paw_isa_limit(i ? isa : PAW_ISA_SCALAR);
        team.c = app->ctx;
        team.ops = paw__ops_now();
        team.slot = 0;
        team.wide = 0;
        check_block(&team, x, m, &out[i]);
        e = paw_retrieval_ap(app->ctx, x, Q, 48, labels, 0, out[i].ap);
    }
    if (e) return cli_fail(app, e);
#define CHECK(part)                                                                                \
    if (memcmp(&out[0].part, &out[1].part, sizeof out[0].part))                                    \
        return bench_refuse(app, isa, #part);
    CHECK(norm) CHECK(map) CHECK(product) CHECK(gelu) CHECK(softmax) CHECK(dot) CHECK(ap)
#undef CHECK
    return CLI_OK;
}
static int check(cli *app, unsigned isas)
{
    const size_t scratch = paw__partial_count(H, N) + paw__attention_scratch(paw__up16(T));
    float *x = noise(app->ctx, T * D + D * H, -1, 1);
    float *m = noise(app->ctx, T * D + T * H + scratch, -1, 1);
    checked *out = (checked *)paw__calloc(app->ctx, 2, sizeof *out);
    int isa, code = x && m && out ? CLI_OK : cli_no_memory(app);
    for (isa = PAW_ISA_SCALAR; !code && isa <= PAW_ISA_AVX512; ++isa)
        if (isas >> isa & 1) code = check_isa(app, isa, x, m, out);
    paw__free(x);
    paw__free(m);
    paw__free(out);
    return code;
}

int main(int argc, char **argv)
{
    cli app;
    bench b;
    kernels k;
    unsigned isas = 0;
    int code;
    cli_start(&app, argc, argv, &program);
    code = bench_isas(&app, &isas);
    if (!code) code = check(&app, isas);
    if (code) return cli_end(&app, code);
    bench_start(&b, &app);
    memset(&k, 0, sizeof k);
    k.app = &app;
    k.b = &b;
    k.threads = paw_threads_used(app.ctx);
    k.slow = strcmp(cli_text(&app, "--isa"), "all") ? 0 : 1e9 * cli_real(&app, "--slow");
    k.team.c = app.ctx;
    k.team.wide = k.threads > 1;
    for (k.isa = PAW_ISA_AVX512; !code && k.isa >= PAW_ISA_SCALAR; --k.isa) {
        if (!(isas >> k.isa & 1)) continue;
        (void)paw_isa_limit(k.isa);
        k.team.ops = paw__ops_now();
        code = products(&k);
        if (!code) code = attentions(&k);
        if (!code) code = small_rows(&k);
        if (!code) code = train_rows(&k);
    }
    if (!code) code = image_rows(&k);
    return cli_end(&app, bench_end(&b, code));
}
