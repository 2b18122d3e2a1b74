/* The kernels around the products: norm, GELU, softmax, dot, packing, position table, retrieval,
   and what happens to images. Include after bench.h, in kernels.c. */
#ifndef PAW_BENCH_SMALL_H
#define PAW_BENCH_SMALL_H

typedef struct {
    cli *app;
    bench *b;
    int isa, threads;
    paw__team team;
    double slow; /* FLOP; 0: no limit */
} kernels;

static float *noise(paw_ctx *c, size_t count, float low, float high) /* seeded, uniform */
{
    float *x = (float *)paw__alloc(c, count, sizeof *x);
    uint64_t s = 20240607;
    size_t i;
    for (i = 0; x && i < count; ++i) {
        s = s * 6364136223846793005u + 1442695040888963407u;
        x[i] = low + (float)(s >> 40) * ((high - low) / 16777216.0f);
    }
    return x;
}
static int row_wanted(const kernels *k, const bench_row *r)
{
    return bench_wanted(k->b, r) &&
           !(k->slow > 0 && r->isa == PAW_ISA_SCALAR && r->flops > k->slow);
}

enum { GELU, GELU_SLEEF, SOFTMAX, SOFTMAX_ROW, SOFTMAX_SLEEF, DOT, NORM, PACK_A, IM2COL, POSITION,
       RETRIEVAL, COSINE, BUCKET };
static const char *const small_names[] = {
    "gelu_f32", "gelu_f32_sleef", "softmax_f32", "softmax_row_f32", "softmax_row_f32_sleef",
    "dot_f32", "norm_f32", "pack_a_f32", "im2col_f32", "position_resize", "retrieval_ap",
    "cosine_f32", "bucket_f32"
};
typedef struct {
    const kernels *k;
    int kind;
    size_t rows, d;
    float *x, *y, *w;
    paw__norm norm;
    int32_t *labels;
    double *ap;
    volatile float sink;
    paw_err error; /* of the last call */
} small_job;

static void im2col(const small_job *j)
{
    paw__patches_job p;
    p.chw = j->x;
    p.h = p.w = (int)j->rows;
    p.patch = 16;
    p.rows = paw__panels_of(j->rows / 16 * (j->rows / 16), j->k->team.ops->mr);
    p.a = j->y;
    paw__team_for(&j->k->team, p.rows.count, paw__patches_item, &p);
}
static void small_call(void *arg)
{
    small_job *j = (small_job *)arg;
    const paw__ops *ops = j->k->team.ops;
    const paw__panels panels = paw__panels_of(j->rows, ops->mr);
    const size_t d = j->d, up = paw__up16(d);
    size_t i;
    if (j->kind == GELU) ops->gelu(j->x, j->rows * d, PAW_MATH_BUILTIN);
    if (j->kind == GELU_SLEEF) ops->gelu(j->x, j->rows * d, PAW_MATH_SLEEF);
    if (j->kind == DOT) j->sink = ops->dot(j->x, j->y, d);
    if (j->kind == NORM) paw__norm_run(&j->k->team, &j->norm, 1e-6f, j->x, j->rows, d, 1, j->y);
    if (j->kind == COSINE) ops->cosine(j->x, j->y, d, 1);
    if (j->kind == BUCKET) ops->bucket(j->x, d, 1, 700, 4095, j->y);
    if (j->kind == PACK_A) paw__pack_a(j->x, d, d, &panels, j->y);
    if (j->kind == IM2COL) im2col(j);
    if (j->kind == POSITION)
        paw__position_resize(j->x, 14, (int)d, (int)j->rows, (int)j->rows, PAW_POS_SIZE, j->y);
    if (j->kind == RETRIEVAL)
        j->error = paw_retrieval_ap(j->k->app->ctx, j->x, j->rows, d, j->labels, 0, j->ap);
    for (i = 0; i < panels.count; ++i) {
        float sums[PAW__MAX_MR], *x = j->x + paw__panel_first(&panels, i) * up;
        const int math = j->kind == SOFTMAX_SLEEF ? PAW_MATH_SLEEF : PAW_MATH_BUILTIN;
        if (j->kind != SOFTMAX && j->kind != SOFTMAX_SLEEF) break;
        ops->softmax(x, paw__panel_rows(&panels, i), d, 1.0f, math, sums);
        j->sink = sums[0];
    }
}
/* GELU works in place and leaves 6 to 8 as it is, a cosine of unit norms leaves all, so that
   numbers stay normal call after call. */
static int small_open(small_job *j, const kernels *k, size_t in, size_t out)
{
    paw_ctx *c = k->app->ctx;
    const int gelu = j->kind == GELU || j->kind == GELU_SLEEF;
    size_t i;
    j->k = k;
    j->x = noise(c, in, gelu ? 6 : -1, gelu ? 8 : 1);
    j->y = noise(c, out, j->kind == COSINE ? 1 : -1, 1);
    j->w = noise(c, paw__up16(j->d), -1, 1);
    j->norm.w = j->norm.b = j->w;
    j->labels = (int32_t *)paw__calloc(c, j->rows, sizeof *j->labels);
    j->ap = (double *)paw__calloc(c, j->rows, sizeof *j->ap);
    if (!j->x || !j->y || !j->w || !j->labels || !j->ap) return cli_no_memory(k->app);
    for (i = 0; i < j->rows; ++i) j->labels[i] = (int32_t)(i % 100);
    return CLI_OK;
}
static void small_close(small_job *j)
{
    paw__free(j->x);
    paw__free(j->y);
    paw__free(j->w);
    paw__free(j->labels);
    paw__free(j->ap);
}
/* FLOP an element, as the kernel text has them: a multiply-add is two, comparisons none. */
static double small_work(int kind)
{
    return kind == NORM ? 8 : kind == GELU ? 39 : kind == SOFTMAX ? 23 : kind == DOT ? 2 : 0;
}
/* Sizes of the operands in floats, and what a call moves or computes. */
static void small_sizes(const small_job *j, bench_row *r, size_t *in, size_t *out)
{
    const size_t rows = j->rows, d = j->d, all = rows * paw__up16(d);
    const char *shape = "%zux%zu";
    *in = *out = all;
    r->reference = BENCH_TRIAD;
    r->bytes = 8.0 * (double)all;
    r->work = small_work(j->kind) * (double)all;
    if (j->kind == DOT) r->reference = BENCH_READ;
    if (j->kind == IM2COL) *out = *in = 3 * rows * rows;
    if (j->kind == IM2COL) r->bytes = 8.0 * (double)*in;
    if (j->kind == POSITION) {
        *in = 14 * 14 * d;
        *out = rows * rows * d;
        r->bytes = 4.0 * (double)(*in + *out);
        shape = "14:%zux%zu";
    }
    r->working = (size_t)r->bytes;
    if (j->kind == RETRIEVAL) {
        r->reference = BENCH_FLOPS;
        r->bytes = 4.0 * (double)all;
        r->flops = 2.0 * (double)rows * (double)rows * (double)d;
    }
    snprintf(r->shape, sizeof r->shape, shape, rows, d);
}
static int small_row(const kernels *k, int kind, size_t rows, size_t d)
{
    const int wide = kind == NORM || kind == IM2COL || kind == RETRIEVAL;
    small_job j;
    bench_row r = bench_row_of(small_names[kind], k->isa, wide ? k->threads : 1, small_call, &j);
    size_t in, out;
    int code;
    memset(&j, 0, sizeof j);
    j.kind = kind;
    j.rows = rows;
    j.d = d;
    small_sizes(&j, &r, &in, &out);
    if (kind == POSITION) r.isa = BENCH_NO_ISA;
    if (!row_wanted(k, &r)) return CLI_OK;
    code = small_open(&j, k, in, out);
    if (!code) code = bench_run(k->b, &r);
    if (!code && j.error) code = cli_fail(k->app, j.error);
    small_close(&j);
    return code;
}
typedef struct {
    int kind;
    size_t rows, d; /* IM2COL, POSITION: rows is the side, of the image or of the new grid */
} small_case;
static int small_rows(const kernels *k)
{
    static const small_case cases[] = {
        {NORM, 197, 192}, {NORM, 197, 768}, {NORM, 1025, 768}, {GELU, 197, 3072},
        {SOFTMAX, 197, 197}, {SOFTMAX, 1025, 1025},
#if !defined(PAW_NO_SLEEF)
        {GELU_SLEEF, 197, 3072}, {SOFTMAX_SLEEF, 197, 197},
#endif
        {DOT, 1, 768}, {DOT, 1, 65536}, {PACK_A, 197, 768}, {PACK_A, 1025, 768},
        {IM2COL, 224, 768}, {IM2COL, 448, 768}, {RETRIEVAL, 1024, 768},
        {COSINE, 1, 8192}, {BUCKET, 1, 8192},
    };
    size_t i;
    int code = CLI_OK;
    for (i = 0; !code && i < PAW__COUNT(cases); ++i)
        code = small_row(k, cases[i].kind, cases[i].rows, cases[i].d);
    return code;
}

/* ---- images: bytes of pixels read, or decoded, a second ---- */

typedef struct {
    paw_ctx *c;
    paw_image image;
    uint8_t *file; /* to decode; NULL: image is resized */
    size_t bytes;
    int w, h;
    paw_err error; /* of the last call */
} image_job;
static void image_call(void *arg)
{
    image_job *j = (image_job *)arg;
    paw_image out;
    j->error = j->file ? paw_image_decode(j->c, j->file, j->bytes, "--image", &out)
                       : paw_image_resize(j->c, &j->image, j->w, j->h, PAW_BICUBIC, &out);
    if (!j->error) paw_image_free(j->c, &out);
}
static int image_row(const kernels *k, image_job *j, const char *name, const char *shape)
{
    bench_row r = bench_row_of(name, BENCH_NO_ISA, j->file ? 1 : k->threads, image_call, j);
    int code;
    snprintf(r.shape, sizeof r.shape, "%s", shape);
    r.images = 1;
    r.bytes = 3.0 * j->image.w * j->image.h;
    code = bench_run(k->b, &r);
    return !code && j->error ? cli_fail(k->app, j->error) : code;
}
static int resize_row(const kernels *k, int w, int h, int to_w, int to_h)
{
    const size_t count = 3 * (size_t)w * (size_t)h;
    image_job j;
    char shape[48];
    size_t i;
    int code;
    memset(&j, 0, sizeof j);
    j.c = k->app->ctx;
    j.image.w = w;
    j.image.h = h;
    j.w = to_w;
    j.h = to_h;
    j.image.px = (uint8_t *)paw__alloc(j.c, count, 1);
    if (!j.image.px) return cli_no_memory(k->app);
    for (i = 0; i < count; ++i) j.image.px[i] = (uint8_t)((i * 2654435761u) >> 13);
    snprintf(shape, sizeof shape, "%dx%d:%dx%d", w, h, to_w, to_h);
    code = image_row(k, &j, "resize_bicubic", shape);
    paw__free(j.image.px);
    return code;
}
static int decode_row(const kernels *k, const char *path)
{
    image_job j;
    char shape[48];
    paw_err e;
    int code;
    memset(&j, 0, sizeof j);
    j.c = k->app->ctx;
    e = paw_file_read(j.c, path, &j.file, &j.bytes);
    if (!e) e = paw_image_decode(j.c, j.file, j.bytes, path, &j.image);
    snprintf(shape, sizeof shape, "%dx%d", j.image.w, j.image.h);
    code = e ? cli_fail(k->app, e) : image_row(k, &j, "decode", shape);
    paw_image_free(j.c, &j.image);
    paw_file_free(j.c, j.file);
    return code;
}
/* What no instruction set changes. */
static int image_rows(const kernels *k)
{
    const char *path = cli_text(k->app, "--image");
    int code = small_row(k, POSITION, 28, 768);
    if (!code) code = small_row(k, POSITION, 32, 768);
    if (!code) code = resize_row(k, 500, 375, 341, 256);
    if (!code) code = resize_row(k, 2048, 1536, 341, 256);
    if (!code) code = resize_row(k, 60, 60, 224, 224);
    if (!code && path) code = decode_row(k, path);
    return code;
}
#endif
