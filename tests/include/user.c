/* Another file of the same program: declarations only. The answer is a tiny model's class token. */
#include "partaware.h"
#include <stdio.h>
#include <string.h>

static paw_err answer(paw_ctx *c, float *cls)
{
    static float image[3 * 32 * 32];
    paw_random_spec spec;
    paw_outputs out;
    paw_tensors *t = NULL;
    paw_model *m = NULL;
    paw_err e;
    memset(&spec, 0, sizeof spec);
    memset(&out, 0, sizeof out);
    spec.recipe = PAW_DEIT;
    spec.image_px = 32;
    spec.patch_px = 16;
    spec.dim = 64;
    spec.depth = 1;
    spec.heads = 1;
    spec.classes = 3;
    out.cls = cls;
    e = paw_tensors_random(c, &spec, &t);
    if (!e) e = paw_model_from_tensors(c, t, NULL, &m);
    if (!e) e = paw_encode(m, c, image, 1, 32, 32, &out);
    paw_model_free(m);
    paw_tensors_close(t);
    return e;
}

int main(void)
{
    float cls[64];
    paw_ctx *c = NULL;
    paw_err e = paw_create(NULL, &c);
    int i;
    if (!e) e = answer(c, cls);
    if (e) fprintf(stderr, "%s\n", paw_message(c));
    for (i = 0; i < 64 && !e; ++i) printf("%a ", (double)cls[i]);
    printf("\n");
    paw_destroy(c);
    return e != PAW_OK;
}
