/* write isas: prints the instruction sets that this machine can run, one line.
   write FOLDER: tiny random models as FOLDER/RECIPE.safetensors, and two inputs as .npy. */
#include "partaware.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const paw_ctx *c)
{
    fprintf(stderr, "write: %s\n", paw_message(c));
    return 1;
}
static int write_model(paw_ctx *c, const char *folder, int recipe)
{
    char path[1024];
    paw_random_spec s;
    paw_model_opts o;
    paw_tensors *t = NULL;
    paw_err e;
    memset(&s, 0, sizeof s);
    memset(&o, 0, sizeof o);
    s.recipe = o.recipe = recipe;
    s.image_px = 64;
    s.patch_px = 16;
    s.dim = 128;
    s.depth = 2;
    s.classes = recipe == PAW_DEIT ? 11 : 0;
    s.projected = recipe == PAW_MOCOV3 || recipe == PAW_DINO || recipe == PAW_IBOT ? 24 : 0;
    s.seed = 3;
    snprintf(path, sizeof path, "%s/%s.safetensors", folder, paw_recipe_name(recipe));
    e = paw_tensors_random(c, &s, &t);
    if (!e) e = paw_model_convert(c, t, &o, path);
    paw_tensors_close(t);
    return e ? fail(c) : 0;
}
static int write_input(paw_ctx *c, const char *folder, const char *name, size_t n, size_t h,
                       size_t w)
{
    char path[1024];
    const size_t shape[4] = { n, 3, h, w }, count = n * 3 * h * w;
    float *x = (float *)malloc(count * sizeof *x);
    uint32_t seed = 1;
    size_t i;
    int bad;
    if (!x) return 1;
    for (i = 0; i < count; ++i) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / 4194304.0f - 2.0f;
    }
    snprintf(path, sizeof path, "%s/%s.npy", folder, name);
    bad = paw_npy_save(c, path, x, 4, shape) ? fail(c) : 0;
    free(x);
    return bad;
}

int main(int argc, char **argv)
{
    paw_ctx *c = NULL;
    int i, bad = 0;
    if (argc != 2 || paw_create(NULL, &c)) return 2;
    if (!strcmp(argv[1], "isas")) {
        for (i = 0; i <= PAW_ISA_AVX512; ++i)
            if (paw_isa_supported(i)) printf("%s ", paw_isa_name(i));
        printf("\n");
    } else {
        for (i = 1; i < PAW_RECIPES && !bad; ++i) bad = write_model(c, argv[1], i);
        bad = bad || write_input(c, argv[1], "square", 5, 64, 64);
        bad = bad || write_input(c, argv[1], "wide", 3, 48, 96);
    }
    paw_destroy(c);
    return bad;
}
