/* Rows of group C: checkpoints that hold the wrong weights. See hostile.c. */
#ifndef PAW_TEST_HOSTILE_WEIGHTS_H
#define PAW_TEST_HOSTILE_WEIGHTS_H

#include "tiny.h"

static paw_model_opts w_opts(int recipe, int heads)
{
    paw_model_opts o;
    memset(&o, 0, sizeof o);
    o.recipe = recipe;
    o.heads = heads;
    return o;
}
/* Must be refused, naming words; takes t. Files in memory are called "copy". */
static void w_refused(paw_tensors *t, const paw_model_opts *o, paw_err want, const char *words)
{
    paw_model *const untouched = (paw_model *)(void *)&meter;
    paw_model *m = untouched;
    paw_err e;
    h_begin();
    e = paw_model_from_tensors(ctx, t, o, &m);
    h_refused(e, want, t->source, words);
    if (!e) paw_model_free(m);
    else H(m == untouched, "%s: output touched", words);
    paw_tensors_close(t);
}
static paw_model *w_model(paw_tensors *t, const paw_model_opts *o) /* takes t; NULL: refused */
{
    paw_model *m = NULL;
    h_begin();
    h_accepted(paw_model_from_tensors(ctx, t, o, &m), t->source);
    paw_tensors_close(t);
    return m;
}
/* A copy in which one tensor has another shape, values random. */
static paw_tensors *w_reshaped(const paw_tensors *t, const char *name, size_t rows, size_t cols)
{
    paw_tensors *copy = without(t, name);
    (void)add(copy, name, rows, cols);
    return copy;
}
static paw_err w_encode(const paw_model *m, int h, int w, float *cls)
{
    float *chw = (float *)malloc(sizeof(float) * 3 * (size_t)h * (size_t)w);
    paw_outputs out;
    paw_err e;
    size_t i;
    for (i = 0; i < 3 * (size_t)h * (size_t)w; ++i) chw[i] = (float)(i % 29) / 14 - 1;
    memset(&out, 0, sizeof out);
    out.cls = cls;
    e = paw_encode(m, ctx, chw, 1, h, w, &out);
    free(chw);
    return e;
}

static void w_c1(void)
{
    static const char *const names[] = { "model.pos_embed", "model.blocks.1.attn.qkv.weight",
        "model.blocks.0.mlp.fc2.bias", "model.norm.weight", "model.head.weight" };
    paw_model_opts o = w_opts(0, 0);
    paw_random_spec s;
    size_t i, at = 0;
    memset(&s, 0, sizeof s);
    s.recipe = PAW_DEIT;
    s.image_px = 32;
    s.patch_px = 16;
    s.dim = 64;
    s.depth = 2;
    s.classes = 3;
    for (i = 0; i < 2 * sizeof names / sizeof *names; ++i) {
        paw_tensors *t = NULL;
        paw_model *m = NULL;
        char words[160];
        paw__tensor *x;
        if (!H(!paw_tensors_random(ctx, &s, &t), "%s", paw_message(ctx))) return;
        if (!H(!paw_tensors_find(t, names[i / 2], &at), "%s", names[i / 2])) return;
        x = (paw__tensor *)t->items[at];
        x->data[x->count - 1] = i % 2 ? (float)INFINITY : (float)NAN;
        snprintf(words, sizeof words, "tensor '%s' holds a value that is not finite at index %zu",
                 names[i / 2], x->count - 1);
        o.allow_nonfinite = 1;
        H(!paw_model_from_tensors(ctx, t, &o, &m), "allowed: %s", paw_message(ctx));
        paw_model_free(m);
        o.allow_nonfinite = 0;
        w_refused(t, &o, PAW_E_NUM, words);
    }
}
static void w_c2(void)
{
    static const char *const names[] = { "blocks.0.norm1.weight", "blocks.1.mlp.fc2.bias",
        "norm.weight", "cls_token", "patch_embed.proj.bias", "pos_embed" };
    static const char *const wanted[] = { "norm1.weight", "attn.qkv.weight", "attn.qkv.bias",
        "attn.proj.weight", "attn.proj.bias", "norm2.weight", "norm2.bias", "mlp.fc2.weight" };
    const paw_model_opts o = w_opts(0, 1);
    paw_tensors *t = tiny(PAW_DINO, 32, 0), *most = without(t, "");
    char name[96];
    size_t i;
    for (i = 0; i < sizeof names / sizeof *names; ++i) {
        snprintf(name, sizeof name, "teacher.backbone.%s", names[i]);
        w_refused(without(t, name), &o, PAW_E_KEY, name);
    }
    w_refused(without(t, "teacher.backbone.blocks.1.mlp.fc2.bias"), &o, PAW_E_KEY,
              "nearest is 'teacher.backbone.blocks.1.mlp.fc1.bias'");
    for (i = 0; i < sizeof wanted / sizeof *wanted; ++i) {
        paw_tensors *next;
        snprintf(name, sizeof name, "teacher.backbone.blocks.1.%s", wanted[i]);
        next = without(most, name);
        paw_tensors_close(most);
        most = next;
    }
    w_refused(without(most, ""), &o, PAW_E_UNSUP, /* what is left of block 1 */
              "blocks.1.norm1.bias' is no part of a dino encoder of 1 blocks");
    (void)add(most, "teacher.backbone.blocks.1.norm1.weight", 32, 0);
    w_refused(most, &o, PAW_E_KEY, "; 6 more are missing: blocks.1.attn.qkv.bias, "
              "blocks.1.attn.proj.weight, blocks.1.attn.proj.bias, blocks.1.norm2.weight, "
              "blocks.1.norm2.bias, blocks.1.mlp.fc2.weight");
    paw_tensors_close(t);
}
static void w_c3(void)
{
    const paw_model_opts o = w_opts(0, 1);
    paw_tensors *t = tiny(PAW_DINO, 32, 0), *copy = without(t, "");
    paw_model *a, *b;
    (void)add(copy, "optimizer.state.0.exp_avg", 32, 32);
    (void)add(copy, "teacher.backbone.decoder_pred.weight", 32, 32);
    (void)add(copy, "epoch", 1, 0);
    b = w_model(copy, &o);
    copy = without(t, "");
    (void)add(copy, "teacher.backbone.blocks.0.attn.extra", 32, 0);
    w_refused(copy, &o, PAW_E_UNSUP, "tensor 'teacher.backbone.blocks.0.attn.extra' is no part");
    a = w_model(t, &o);
    H(a && b && paw_model_hash(a) == paw_model_hash(b), "strangers change the model");
    paw_model_free(a);
    paw_model_free(b);
}
static void w_c4(void)
{
    paw_model_opts o = w_opts(0, 5);
    paw_tensors *t = tiny(PAW_BEIT, 32, 0), *copy;
    w_refused(tiny(PAW_DINO, 32, 0), &o, PAW_E_SHAPE, "width 32 does not divide into 5 heads");
    o.heads = 0; /* by the rule, width / 64: 0 */
    copy = tiny(PAW_DINO, 32, 0);
    w_refused(without(copy, ""), &o, PAW_E_SHAPE, "width 32 does not divide into 0 heads");
    paw_tensors_close(copy);
    w_refused(w_reshaped(t, "model.rel_pos_bias.relative_position_bias_table", 12, 5), &o,
              PAW_E_SHAPE, "width 32 does not divide into 5 heads");
    o.heads = 4; /* the relative table has one */
    w_refused(t, &o, PAW_E_SHAPE, "relative_position_bias_table");
    t = tiny(PAW_DINO, 32, 0);
    o.heads = 2000;
    h_begin();
    {
        paw_model *m = NULL;
        H(paw_model_from_tensors(ctx, t, &o, &m) == PAW_E_ARG && !m, "2000 heads");
    }
    paw_tensors_close(t);
}
static void w_c5(void)
{
    static const char *const parts[] = { "q", "k", "v" };
    const paw_model_opts o = w_opts(0, 1), beit = w_opts(PAW_BEIT, 1);
    const char *const qkv = "teacher.backbone.blocks.0.attn.qkv.weight";
    const char *const table = "model.rel_pos_bias.relative_position_bias_table";
    paw_tensors *t = tiny(PAW_DINO, 32, 0), *copy;
    char name[96];
    size_t i;
    w_refused(w_reshaped(t, qkv, 32, 96), &o, PAW_E_SHAPE,
              "blocks.0.attn.qkv.weight' has shape [32, 96], not [96, 32]");
    w_refused(w_reshaped(t, "teacher.backbone.blocks.1.mlp.fc2.weight", 128, 32), &o, PAW_E_SHAPE,
              "blocks.1.mlp.fc2.weight' has shape [128, 32], not [32, 128]");
    copy = without(t, qkv);
    for (i = 0; i < 3; ++i) {
        snprintf(name, sizeof name, "teacher.backbone.blocks.0.attn.%s.weight", parts[i]);
        (void)add(copy, name, 32, 32);
    }
    w_refused(copy, &o, PAW_E_UNSUP, "blocks.0.attn.q.weight' is no part of a dino encoder");
    paw_tensors_close(t);
    t = tiny(PAW_BEIT, 32, 0); /* a grid of 2: 3 * 3 + 3 rows */
    w_refused(without(t, "model.blocks.0.attn.v_bias"), &beit, PAW_E_KEY,
              "'model.blocks.0.attn.v_bias'");
    w_refused(w_reshaped(t, table, 13, 1), &beit, PAW_E_SHAPE,
              "has shape [13, 1]; [(2 g - 1)^2 + 3, heads] was expected");
    w_refused(w_reshaped(t, table, 4, 1), &beit, PAW_E_SHAPE, "has shape [4, 1]");
    w_refused(w_reshaped(t, table, 12, 2), &beit, PAW_E_SHAPE,
              "has shape [12, 2], not [12, 1]");
    paw_tensors_close(t);
}
static void w_c6(void)
{
    static const size_t bad[] = { 1, 4, 7, 16777218 };
    paw_model_opts o = w_opts(0, 1);
    paw_tensors *t = tiny(PAW_DINO, 32, 0);
    paw_model *m;
    float a[32], b[32];
    size_t i;
    for (i = 0; i < 4; ++i) { /* [1, tokens, width] as a header alone: the values are never read */
        paw_tensors *copy = without(t, "teacher.backbone.pos_embed");
        paw__tensor *x;
        char words[64];
        size_t at = 0;
        (void)add(copy, "teacher.backbone.pos_embed", 1, 32);
        paw_tensors_find(copy, "teacher.backbone.pos_embed", &at);
        x = (paw__tensor *)copy->items[at];
        x->ndim = 3;
        x->shape[1] = bad[i];
        x->shape[2] = 32;
        snprintf(words, sizeof words, "has shape [1, %zu, 32]; [1, 1 + g * g, width]", bad[i]);
        w_refused(copy, &o, PAW_E_SHAPE, words);
    }
    o.position = PAW_POS_SIZE; /* other input sizes: resized by the mode that is asked for */
    m = w_model(without(t, ""), &o);
    H(m && !w_encode(m, 64, 48, a), "resized by size: %s", paw_message(ctx));
    paw_model_free(m);
    o.position = PAW_POS_SCALE;
    m = w_model(t, &o);
    H(m && !w_encode(m, 64, 48, b), "resized by scale: %s", paw_message(ctx));
    H(m && memcmp(a, b, sizeof a), "the mode counts");
    paw_model_free(m);
}
static void w_c7(void)
{
    static const int sizes[][2] = { { 225, 224 }, { 224, 225 }, { 15, 32 }, { 0, 16 }, { 8, 8 } };
    const paw_model_opts o = w_opts(0, 1);
    paw_model *m = w_model(tiny(PAW_DINO, 32, 0), &o);
    float cls[32];
    size_t i;
    if (!m) return;
    for (i = 0; i < 5; ++i) {
        char name[64];
        cls[0] = 7;
        snprintf(name, sizeof name, "input of %d x %d pixels", sizes[i][0], sizes[i][1]);
        h_begin();
        if (sizes[i][0]) h_refused(w_encode(m, sizes[i][0], sizes[i][1], cls), PAW_E_SHAPE, name,
                                   "is no multiple of the patch of 16");
        else H(w_encode(m, 0, 16, cls), "no pixels");
        H(cls[0] == 7, "%s: output touched", name);
    }
    h_begin();
    h_refused(w_encode(m, 16 * 513, 16, cls), PAW_E_LIMIT, "input of 8208 x 16",
              "more than 512 patches");
    paw_model_free(m);
}
static void w_c8(void)
{
    static const char *const strangers[] = { "blocks.0.ls1.gamma", "blocks.1.attn.q_norm.weight",
        "blocks.7.norm1.weight", "register_tokens" };
    const paw_model_opts o = w_opts(0, 1);
    paw_tensors *t = tiny(PAW_DINO, 32, 0);
    char name[96];
    size_t i;
    for (i = 0; i < sizeof strangers / sizeof *strangers; ++i) {
        paw_tensors *copy = without(t, "");
        snprintf(name, sizeof name, "teacher.backbone.%s", strangers[i]);
        (void)add(copy, name, 32, 0);
        w_refused(copy, &o, PAW_E_UNSUP, name);
    }
    paw_tensors_close(t);
    t = tiny(PAW_CAE, 32, 0);
    w_refused(without(t, "model.encoder.blocks.1.gamma_2"), &o, PAW_E_KEY,
              "'model.encoder.blocks.1.gamma_2'; nearest is 'model.encoder.blocks.1.gamma_1'");
    paw_tensors_close(t);
}
/* MAE, DINO and DeiT have the same encoder, so that a wrong name changes no number at the size of
   training; where families differ, their tensors tell. */
static void w_c9(void)
{
    const paw_model_opts dino = w_opts(PAW_DINO, 1), beit = w_opts(PAW_BEIT, 1);
    const paw_model_opts cae = w_opts(PAW_CAE, 1), found = w_opts(0, 1);
    paw_tensors *t = tiny(PAW_MAE, 32, 0);
    paw_model *m = w_model(without(t, ""), &dino), *own = w_model(without(t, ""), &found);
    paw_model_info info;
    float a[32], b[32];
    H(m && own && !w_encode(m, 32, 32, a) && !w_encode(own, 32, 32, b) && !memcmp(a, b, sizeof a),
      "MAE read as DINO: the same features");
    paw_model_describe(own, &info);
    H(own && !strcmp(info.recipe, "mae"), "found: %s", info.recipe);
    paw_model_free(m);
    paw_model_free(own);
    w_refused(without(t, ""), &beit, PAW_E_KEY, "relative_position_bias_table");
    w_refused(t, &cae, PAW_E_UNSUP, "'model.blocks.0.attn.qkv.bias' is no part of a cae encoder");
    t = tiny(PAW_BEIT, 32, 0);
    w_refused(t, &dino, PAW_E_KEY, "'model.pos_embed'");
    w_refused(tiny(PAW_CAE, 32, 0), &dino, PAW_E_UNSUP, "is no part of a dino encoder");
}
static void w_c10(void)
{
    const paw_model_opts o = w_opts(0, 1);
    paw_tensors *t = tiny(PAW_DINO, 32, 0);
    paw_model *m;
    float cls[32], biggest = 0;
    double sum = 0;
    size_t i, k;
    for (k = 0; k < t->count; ++k) { /* a residual stream far beyond half precision's 65504 */
        paw__tensor *x = (paw__tensor *)t->items[k];
        if (strstr(x->name, "mlp.fc2.bias"))
            for (i = 0; i < x->count; ++i) x->data[i] = 60000.0f * (float)((int)(i % 5) - 2);
    }
    m = w_model(t, &o);
    if (H(m && !w_encode(m, 32, 32, cls), "%s", paw_message(ctx)))
        for (i = 0; i < 32; ++i) {
            biggest = fabsf(cls[i]) > biggest ? fabsf(cls[i]) : biggest;
            sum += (double)cls[i];
        }
    H(sum - sum == 0 && biggest > 0.5f, "normed features of a stream of 240,000: %g",
      (double)biggest);
    paw_model_free(m);
    t = tiny(PAW_DINO, 32, 0);
    for (k = 0; k < t->count; ++k) { /* and one beyond fp32's 3e38 */
        paw__tensor *x = (paw__tensor *)t->items[k];
        if (strstr(x->name, "mlp.fc2.bias"))
            for (i = 0; i < x->count; ++i) x->data[i] = i % 2 ? 3e38f : -3e38f;
    }
    m = w_model(t, &o);
    H(m && !w_encode(m, 32, 32, cls) && !(cls[0] - cls[0] == 0), "not finite is not hidden: %g",
      (double)cls[0]);
    paw_model_free(m);
}

static const h_row hostile_weights[] = {
    { "C1", "a NaN or an infinity among the weights", w_c1, NULL, NULL },
    { "C2", "tensors less", w_c2, NULL, NULL },
    { "C3", "tensors that nobody asked for", w_c3, NULL,
      "authors' files hold optimisers and decoders: what is no part of the encoder is passed over, "
      "and convert --list shows it; a stranger among the blocks is refused" },
    { "C4", "a width that does not divide into the heads; wrong heads", w_c4, NULL, NULL },
    { "C5", "transposed, split, fused weights; half a bias; a relative table of wrong length", w_c5,
      NULL, NULL },
    { "C6", "position tables that are not square, or of another size", w_c6, NULL, NULL },
    { "C7", "images that are no multiple of the patch", w_c7, NULL, NULL },
    { "C8", "layer scale and registers", w_c8, NULL, NULL },
    { "C9", "one family's weights read as another's", w_c9, NULL,
      "no statistics are guessed from: a family that the tensors fit computes the same, one that "
      "they do not fit is refused, and every result names the family" },
    { "C10", "activations that overflow", w_c10, NULL,
      "nothing is counted inside the encoder; retrieval, k-NN and probes refuse such features by "
      "their row (F4)" },
};
#endif
