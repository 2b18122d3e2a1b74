/* Encodes two small inputs with random models of three families, on the scalar and on the widest
   instruction set, and prints a hash of all features: the same from every compiler, set of flags
   and machine. Built by tools/matrix.sh, also as C++.
   SMOKE_USER: declarations only, the implementation is in another file. SMOKE_TWICE: included
   before and after it, too. SMOKE_HEADER: the header by another path. */
#ifndef SMOKE_HEADER
#define SMOKE_HEADER "partaware.h"
#endif
#ifdef SMOKE_TWICE
#include SMOKE_HEADER
#endif
#ifndef SMOKE_USER
#define PARTAWARE_IMPLEMENTATION
#endif
#include SMOKE_HEADER
#ifdef SMOKE_TWICE
#include SMOKE_HEADER
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, PATCH = 8, DIM = 72, TOKENS = 1 + (SIDE / PATCH) * (SIDE / PATCH), IMAGES = 2 };
static const int recipes[] = { PAW_DEIT, PAW_BEIT, PAW_DINO };

static uint64_t hash(uint64_t h, const float *x, size_t n)
{
    size_t i;
    for (i = 0; i < n; ++i) {
        uint32_t bits;
        int k;
        memcpy(&bits, x + i, sizeof bits);
        for (k = 0; k < 4; ++k) h = (h ^ ((bits >> (8 * k)) & 255u)) * UINT64_C(0x100000001b3);
    }
    return h;
}
static paw_err encode(paw_ctx *c, int recipe, const float *chw, float *tokens)
{
    paw_random_spec spec;
    paw_tensors *t = NULL;
    paw_model *m = NULL;
    paw_outputs out;
    paw_err e;
    memset(&spec, 0, sizeof spec);
    memset(&out, 0, sizeof out);
    spec.recipe = recipe;
    spec.image_px = SIDE;
    spec.patch_px = PATCH;
    spec.dim = DIM;
    spec.depth = 2;
    spec.heads = 3;
    spec.seed = 5;
    out.tokens = tokens;
    e = paw_tensors_random(c, &spec, &t);
    if (!e) {
        paw_model_opts opts;
        memset(&opts, 0, sizeof opts);
        opts.recipe = recipe;
        opts.heads = spec.heads;
        e = paw_model_from_tensors(c, t, &opts, &m);
    }
    if (!e) e = paw_encode(m, c, chw, IMAGES, SIDE, SIDE, &out);
    paw_model_free(m);
    paw_tensors_close(t);
    return e;
}

int main(void)
{
    static float chw[IMAGES * 3 * SIDE * SIDE], tokens[IMAGES * TOKENS * DIM];
    const int widest = paw_isa();
    uint64_t seen[2];
    uint32_t seed = 1;
    paw_config config;
    paw_ctx *c = NULL;
    size_t i, k;
    memset(&config, 0, sizeof config);
    config.threads = 2;
    if (paw_create(&config, &c)) return 1;
    for (i = 0; i < sizeof chw / sizeof *chw; ++i) {
        seed = seed * 1664525u + 1013904223u;
        chw[i] = (float)(seed >> 8) / 4194304.0f - 2.0f;
    }
    for (k = 0; k < 2; ++k) {
        (void)paw_isa_limit(k ? PAW_ISA_SCALAR : widest);
        seen[k] = UINT64_C(0xcbf29ce484222325);
        for (i = 0; i < sizeof recipes / sizeof *recipes; ++i) {
            if (encode(c, recipes[i], chw, tokens)) return puts(paw_message(c)), 1;
            seen[k] = hash(seen[k], tokens, sizeof tokens / sizeof *tokens);
        }
    }
    paw_destroy(c);
    if (seen[0] != seen[1]) return puts("scalar differs"), 1;
    printf("%08lx%08lx %s\n", (unsigned long)(seen[0] >> 32),
           (unsigned long)(seen[0] & 0xffffffffu), paw_isa_name(widest));
    return 0;
}
