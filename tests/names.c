/* Checkpoints that nearly fit: what is missing, unknown, aliased or degenerate must be said, and
   heads of unusual widths must stay inside their buffers. Files are built in memory. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "t.h"

static paw_ctx *ctx;

static paw_tensors *tiny(int recipe, int dim, int projected)
{
    paw_random_spec s;
    paw_tensors *t = NULL;
    memset(&s, 0, sizeof s);
    s.recipe = recipe;
    s.image_px = 32;
    s.patch_px = 16;
    s.dim = dim;
    s.depth = 2;
    s.heads = 1;
    s.projected = projected;
    s.seed = 5;
    T(!paw_tensors_random(ctx, &s, &t), "random %s: %s", paw_recipe_name(recipe), paw_message(ctx));
    return t;
}
static float *add(paw_tensors *t, const char *name, size_t rows, size_t cols)
{
    const size_t shape[2] = {rows, cols};
    float *data = NULL;
    size_t i;
    T(!paw__tensors_add(ctx, t, name, cols ? 2 : 1, shape, &data), "add %s", name);
    for (i = 0; data && i < rows * (cols ? cols : 1); ++i) data[i] = 0.1f * t_uniform();
    return data;
}
/* A copy of t without one tensor. */
static paw_tensors *without(const paw_tensors *t, const char *name)
{
    paw_tensors *to = NULL;
    size_t i;
    T(!paw__tensors_memory(ctx, "copy", &to), "memory");
    for (i = 0; i < paw_tensors_count(t); ++i) {
        paw_tensor_info info;
        float *data;
        (void)paw_tensors_info(t, i, &info);
        if (!strcmp(info.name, name)) continue;
        T(!paw__tensors_add(ctx, to, info.name, info.ndim, info.shape, &data) &&
              !paw_tensors_read(ctx, t, i, PAW_F32, data, info.count), "copy %s", info.name);
    }
    return to;
}
static void refused(paw_tensors *t, paw_err want, const char *word, const char *what)
{
    paw_model *m = NULL;
    paw_model_opts o;
    paw_err e;
    memset(&o, 0, sizeof o);
    o.heads = 1;
    e = paw_model_from_tensors(ctx, t, &o, &m);
    T(e == want && !m && strstr(paw_message(ctx), word), "%s: %s, '%s'", what, paw_strerror(e),
      paw_message(ctx));
    paw_model_free(m);
    paw_tensors_close(t);
}
static void test_missing_and_unknown(void)
{
    static const char *const strangers[] = {
        "teacher.backbone.blocks.0.ls1.gamma", "teacher.backbone.blocks.1.attn.q_norm.weight",
        "teacher.backbone.blocks.7.norm1.weight", "teacher.backbone.register_tokens"};
    paw_tensors *t = tiny(PAW_DINO, 32, 0);
    size_t i;
    refused(without(t, "teacher.backbone.blocks.0.norm1.weight"), PAW_E_KEY,
            "blocks.0.norm1.weight", "no first block");
    refused(without(t, "teacher.backbone.blocks.1.mlp.fc2.bias"), PAW_E_KEY,
            "blocks.1.mlp.fc2.bias", "a bias less");
    refused(without(t, "teacher.backbone.norm.weight"), PAW_E_KEY, "norm.weight", "no final norm");
    for (i = 0; i < sizeof strangers / sizeof strangers[0]; ++i) {
        paw_tensors *copy = without(t, "");
        (void)add(copy, strangers[i], 32, 0);
        refused(copy, PAW_E_UNSUP, strangers[i], "a tensor of another family");
    }
    paw_tensors_close(t);
}
static void test_batch_norm(void)
{
    paw_tensors *t = tiny(PAW_MOCOV3, 32, 8);
    const char *name = "state_dict.module.base_encoder.head.4.running_var";
    paw_tensors *copy = without(t, name);
    float *var = add(copy, name, 64, 0);
    size_t i;
    for (i = 0; i < 64; ++i) var[i] = i == 3 ? -1.0f : 1.0f;
    refused(copy, PAW_E_NUM, "channel 3", "a negative variance");
    paw_tensors_close(t);
}
/* Prototypes of n x k: cosines of the logits against those of the short form, every projection. */
static void test_heads(size_t n, size_t k, size_t patch_rows)
{
    enum { ROWS = 6, DIM = 32 };
    paw_tensors *t = tiny(PAW_IBOT, DIM, 0);
    float x[ROWS * DIM], *y, *z;
    paw_model *m = NULL;
    size_t i, j, d;
    double worst = 0;
    for (i = 0; i < ROWS * DIM; ++i) x[i] = t_uniform();
    (void)add(t, "teacher.head.mlp.0.weight", k, DIM);
    (void)add(t, "teacher.head.last_layer.weight", n, k);
    (void)add(t, "teacher.head.last_layer2.weight", patch_rows, k);
    T(!paw_model_from_tensors(ctx, t, NULL, &m), "%zu x %zu: %s", n, k, paw_message(ctx));
    y = (float *)calloc(ROWS * n, sizeof *y);
    z = (float *)calloc(ROWS * (k > patch_rows ? k : patch_rows), sizeof *z);
    if (!m || !y || !z) abort();
    T(!paw_project(m, ctx, PAW_PROJECTED_PATCH, x, ROWS, z), "patch logits");
    T(!paw_project(m, ctx, PAW_PROJECTED, x, ROWS, y), "logits");
    T(!paw_project(m, ctx, PAW_PROJECTED_COSINE, x, ROWS, z), "short form");
    for (i = 0; i < ROWS; ++i)
        for (j = 0; j < i; ++j) {
            double a[3] = {0, 0, 0}, b[3] = {0, 0, 0}, off;
            for (d = 0; d < n; ++d) {
                a[0] += (double)y[i * n + d] * (double)y[j * n + d];
                a[1] += (double)y[i * n + d] * (double)y[i * n + d];
                a[2] += (double)y[j * n + d] * (double)y[j * n + d];
            }
            for (d = 0; d < k; ++d) {
                b[0] += (double)z[i * k + d] * (double)z[j * k + d];
                b[1] += (double)z[i * k + d] * (double)z[i * k + d];
                b[2] += (double)z[j * k + d] * (double)z[j * k + d];
            }
            off = fabs(a[0] / sqrt(a[1] * a[2]) - b[0] / sqrt(b[1] * b[2]));
            worst = off > worst ? off : worst;
        }
    /* Dropped pivots are below 1e-6 of the largest: cosines move by no more than some of them. */
    T(worst <= 1e-5, "%zu x %zu: cosines differ by %g", n, k, worst);
    free(y);
    free(z);
    paw_model_free(m);
    paw_tensors_close(t);
}
int main(void)
{
    paw_tensors *t;
    if (paw_create(NULL, &ctx)) return 1;
    test_missing_and_unknown();
    test_batch_norm();
    test_heads(500, 64, 20);
    test_heads(24, 96, 3000);
    test_heads(64, 256, 7);
    test_heads(3, 1000, 1200);
    t = tiny(PAW_DINO, 32, 0);
    (void)add(t, "teacher.head.mlp.0.weight", 1500, 32);
    (void)add(t, "teacher.head.last_layer.weight", 2, 1500);
    refused(t, PAW_E_LIMIT, "bottleneck", "a bottleneck that would take minutes");
    T(paw_project_dim(NULL, PAW_LOGITS) == 0, "no model, no width");
    T(paw_embed(NULL, ctx, NULL, NULL, NULL) == PAW_E_ARG, "embed without arguments");
    paw_destroy(ctx);
    return t_end("names");
}
