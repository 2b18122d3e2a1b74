/* Checkpoints that nearly fit: degenerate statistics must be said, and heads of unusual widths must
   stay inside their buffers. Files are built in memory. What is missing or unknown: hostile.c. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "t.h"

static paw_ctx *ctx;

#include "tiny.h"

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
    t_seed += 128 * 0x9e3779b97f4a7c15u; /* the draws that the tolerance below was measured on */
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
