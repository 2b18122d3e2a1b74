/* Random checkpoints of 32 x 32 pixels in memory, and copies of them that lack a tensor. After
   partaware.h, t.h and a context called ctx. */
#ifndef PAW_TEST_TINY_H
#define PAW_TEST_TINY_H

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
#endif
