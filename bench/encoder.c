#define _POSIX_C_SOURCE 200809L
/* encoder.c - images a second of whole encoders with seeded random weights.
 * Build: cc -O2 -I. -o encoder bench/encoder.c -lsleef -lm -lpthread
 * Run:   ./encoder --case vitb_224 --isa avx512 --threads 1 --batch 1 --json
 * Prints a row a case: images/s, GFLOP/s, % of the FMA peak, and where the time goes. */
#include "bench.h"

#define CASES                                                                                      \
    "vitti_224|vits_224|vitb_224|vitl_224|vitti_448|vits_448|vitb_448|vitl_448|vitb_512|"          \
    "beitb_224|seg_512"
static const cli_option options[] = {
    {"--case", CASES, CLI_SET, "vitti_224,vits_224,vitb_224", 0, 0,
     "encoder and input side, with commas between"},
    BENCH_ISA_OPTION("best"),
    {"--dtype", "f32|bf16", CLI_CHOICE, "f32", 0, 0, "of weights and inputs of products"},
    BENCH_THREADS_OPTION,
    {"--batch", "N", CLI_INT, "0", 0, 4096, "images a call; 0: as many as threads, seg_512: 16"},
    {"--math", "builtin|sleef", CLI_CHOICE, "builtin", 0, 0, "exp and GELU"},
    {"--seed", "N", CLI_INT, "1", 0, 1e9, "of weights and pixels"},
    BENCH_OPTIONS
};
CLI_PROGRAM("encoder", "[--case NAME,...] [options]",
            "Measures paw_encode on seeded random weights and pixels.\n\n" BENCH_ABOUT
            "seg_512: an update of a segmentation head of 150 classes on four blocks of a frozen\n"
            "ViT-B, the encoder included; the section 'head' is its share.\n"
            "FLOP: of the products and the attention only, two a multiply-add. Bytes: weights of\n"
            "the products, pixels and features once a call.\n"
            "Sections: the share of the products, the attention and the norms, each timed alone\n"
            "with the same shapes, weights and threads, all blocks in turn; 'other' is what is\n"
            "left of the whole, and may be below 0 where the machine was noisy.\n");

typedef struct {
    const char *name;
    int recipe, dim, depth, px;
} encoder_case;
static const encoder_case cases[] = { /* in the order of CASES */
    {"vitti_224", PAW_DEIT, 192, 12, 224}, {"vits_224", PAW_DEIT, 384, 12, 224},
    {"vitb_224", PAW_DEIT, 768, 12, 224}, {"vitl_224", PAW_DEIT, 1024, 24, 224},
    {"vitti_448", PAW_DEIT, 192, 12, 448}, {"vits_448", PAW_DEIT, 384, 12, 448},
    {"vitb_448", PAW_DEIT, 768, 12, 448}, {"vitl_448", PAW_DEIT, 1024, 24, 448},
    {"vitb_512", PAW_DEIT, 768, 12, 512}, {"beitb_224", PAW_BEIT, 768, 12, 224},
    {"seg_512", PAW_DEIT, 768, 12, 512},
};

typedef struct {
    cli *app;
    paw_model *model;
    paw_model_info info;
    size_t batch;
    float *chw, *cls;
    paw_err error; /* of the last call */
    paw__run run;  /* of the sections */
    float *positions;
    int section, wide;
} encoder;

static int dtype_of(const cli *app) { return cli_choice(app, "--dtype") ? PAW_BF16 : PAW_F32; }
static int make_model(cli *app, const encoder_case *k, paw_model **out)
{
    paw_random_spec spec;
    paw_model_opts opts;
    paw_tensors *t = NULL;
    paw_err e;
    memset(&opts, 0, sizeof opts);
    opts.dtype = dtype_of(app);
    memset(&spec, 0, sizeof spec);
    spec.recipe = k->recipe;
    spec.image_px = k->px;
    spec.patch_px = 16;
    spec.dim = k->dim;
    spec.depth = k->depth;
    spec.seed = (uint64_t)cli_int(app, "--seed");
    e = paw_tensors_random(app->ctx, &spec, &t);
    if (!e) e = paw_model_from_tensors(app->ctx, t, &opts, out);
    paw_tensors_close(t);
    return e ? cli_fail(app, e) : CLI_OK;
}
static float *make_pixels(cli *app, size_t count) /* about the range of normalised images */
{
    float *x = (float *)paw__alloc(app->ctx, count, sizeof *x);
    uint64_t s = (uint64_t)cli_int(app, "--seed") + 1;
    size_t i;
    for (i = 0; x && i < count; ++i) {
        s = s * 6364136223846793005u + 1442695040888963407u;
        x[i] = (float)(s >> 40) * (4.0f / 16777216.0f) - 2.0f;
    }
    return x;
}
static void encode(void *arg)
{
    encoder *s = (encoder *)arg;
    const int px = s->info.image_px;
    paw_outputs out;
    memset(&out, 0, sizeof out);
    out.cls = s->cls;
    s->error = paw_encode(s->model, s->app->ctx, s->chw, s->batch, px, px, &out);
}
static void close_encoder(encoder *s)
{
    paw_model_free(s->model);
    paw__free(s->chw);
    paw__free(s->cls);
}
static int open_encoder(encoder *s, cli *app, const encoder_case *k, size_t batch)
{
    int code;
    memset(s, 0, sizeof *s);
    s->app = app;
    s->batch = batch;
    if ((code = make_model(app, k, &s->model))) return code;
    paw_model_describe(s->model, &s->info);
    s->chw = make_pixels(app, batch * 3 * (size_t)k->px * (size_t)k->px);
    s->cls = (float *)paw__calloc(app->ctx, batch * (size_t)k->dim, sizeof *s->cls);
    return s->chw && s->cls ? CLI_OK : cli_no_memory(app);
}

/* ---- self-check: the class features of a small encoder equal those of scalar, to the bit; where
   the CPU multiplies bf16 itself, as cosines of 0.9999 ---- */

static int same(const cli *app, const float *want, const float *got, size_t n)
{
    double ww = 0, wg = 0, gg = 0;
    size_t i;
    if (dtype_of(app) == PAW_F32 || !paw_bf16_native()) return !memcmp(want, got, n * sizeof *want);
    for (i = 0; i < n; ++i) {
        ww += (double)want[i] * (double)want[i];
        wg += (double)want[i] * (double)got[i];
        gg += (double)got[i] * (double)got[i];
    }
    return wg >= 0.9999 * sqrt(ww * gg);
}
static int check_recipe(cli *app, int isa, int recipe)
{
    const encoder_case small = {"", recipe, 192, 2, 64};
    const size_t n = 3 * 192;
    float want[3 * 192];
    encoder s;
    int code = open_encoder(&s, app, &small, 3);
    if (!code) {
        (void)paw_isa_limit(PAW_ISA_SCALAR);
        encode(&s);
        memcpy(want, s.cls, n * sizeof *want);
        memset(s.cls, 0, n * sizeof *want);
        (void)paw_isa_limit(isa);
        if (!s.error) encode(&s);
        if (s.error) code = cli_fail(app, s.error);
        else if (!same(app, want, s.cls, n)) code = bench_refuse(app, isa, "encoder");
    }
    close_encoder(&s);
    return code;
}
static int check(cli *app, unsigned isas)
{
    int isa, code = CLI_OK;
    if (cli_choice(app, "--math") == PAW_MATH_SLEEF) return CLI_OK; /* promises no bits */
    for (isa = PAW_ISA_SCALAR; !code && isa <= PAW_ISA_AVX512; ++isa) {
        if (!(isas >> isa & 1)) continue;
        code = check_recipe(app, isa, PAW_DEIT);
        if (!code) code = check_recipe(app, isa, PAW_BEIT);
    }
    return code;
}

/* ---- sections: the steps of paw__block_run one by one, each over all blocks ---- */

enum { PATCHES, NORM, QKV, ATTENTION, PROJ, FC1, FC2, OTHER, SECTIONS };
static const char *const section_names[SECTIONS] = {
    "patches", "norm", "qkv", "attention", "proj", "fc1_gelu", "fc2", "other"
};

static void section_product(const paw__run *r, const paw__team *team, const paw__vit_block *b,
                            int section, paw__activations *v)
{
    const int fc1 = section == FC1;
    paw__product g = paw__layer(r, team, fc1 ? &b->fc1 : &b->qkv, v->a);
    g.to = fc1 ? PAW__TO_A : PAW__TO_QKV;
    g.act = !fc1 ? PAW__NO_ACT : r->c->math == PAW_MATH_SLEEF ? PAW__GELU_SLEEF : PAW__GELU;
    g.out = v->hidden;
    g.qkv = &v->qkv;
    paw__product_run(team, &g, v->partial);
}
static void section_attention(const paw__run *r, const paw__team *team, paw__activations *v)
{
    paw__attention t;
    memset(&t, 0, sizeof t);
    t.in = &v->qkv;
    t.scale = 1.0f / sqrtf((float)(r->m->dim / r->m->heads));
    t.bias = r->rel;
    t.gh = r->gh;
    t.gw = r->gw;
    t.math = r->c->math;
    t.out = v->a;
    paw__attention_run(team, &t, r->scratch);
}
static void section_norm(const paw__run *r, const paw__team *team, const paw__norm *n, int to_a,
                         paw__activations *v)
{
    paw__norm_run(team, n, r->m->eps, v->x, r->tokens, (size_t)r->m->dim, to_a, v->a);
}
static void section_image(const paw__run *r, const paw__team *team, int section)
{
    paw__activations v;
    int i;
    (void)paw__activations_of(r, r->slots + (size_t)team->slot * r->slot_count, &v);
    if (section == PATCHES) paw__embed_tokens(r, team, r->chw, &v);
    if (section == NORM) section_norm(r, team, &r->m->norm, 0, &v);
    for (i = 0; i < r->m->depth; ++i) {
        const paw__vit_block *b = &r->m->blocks[i];
        if (section == NORM) section_norm(r, team, &b->norm1, 1, &v);
        if (section == NORM) section_norm(r, team, &b->norm2, 1, &v);
        if (section == QKV || section == FC1) section_product(r, team, b, section, &v);
        if (section == QKV) paw__qkv_clear_padding(&v.qkv);
        if (section == ATTENTION) section_attention(r, team, &v);
        if (section == PROJ) paw__residual(r, team, &b->proj, v.a, b->gamma1, &v);
        if (section == FC2) paw__residual(r, team, &b->fc2, v.hidden, b->gamma2, &v);
    }
}
static void section_item(void *arg, size_t item, int slot)
{
    const encoder *s = (const encoder *)arg;
    paw__team team;
    (void)item;
    team.c = s->app->ctx;
    team.ops = s->run.ops;
    team.slot = slot;
    team.wide = 0;
    section_image(&s->run, &team, s->section);
}
/* One image on all threads, or one on each, as paw_encode has it. */
static void section_call(void *arg)
{
    encoder *s = (encoder *)arg;
    paw__team team;
    if (!s->wide) {
        paw__for(s->app->ctx, (size_t)s->app->ctx->threads, section_item, s);
        return;
    }
    team.c = s->app->ctx;
    team.ops = s->run.ops;
    team.slot = 0;
    team.wide = 1;
    section_image(&s->run, &team, s->section);
}
static int open_sections(encoder *s)
{
    paw__run *r = &s->run;
    paw__activations unused;
    size_t threads = (size_t)s->app->ctx->threads, per_slot;
    memset(r, 0, sizeof *r);
    r->c = s->app->ctx;
    r->m = s->model;
    r->ops = paw__ops_now();
    r->chw = s->chw;
    r->h = r->w = s->info.image_px;
    r->gh = r->gw = r->h / s->info.patch_px;
    r->tokens = (size_t)s->info.tokens;
    r->padded = paw__up16(r->tokens);
    r->slot_count = paw__up16(paw__activations_of(r, NULL, &unused));
    per_slot = r->slot_count + paw__attention_scratch(r->padded) + PAW__WIDE_COUNT;
    r->slots = (float *)paw__calloc(r->c, threads, per_slot * sizeof *r->slots);
    if (!r->slots) return cli_no_memory(s->app);
    r->wide = r->slots + threads * r->slot_count;
    r->scratch = r->wide + threads * PAW__WIDE_COUNT;
    return paw__run_positions(r, &s->positions) ? cli_no_memory(s->app) : CLI_OK;
}
/* image: seconds that the whole takes for as many images as section_call runs */
static int measure_sections(const bench *b, encoder *s, double image, bench_row *row)
{
    bench_row part = bench_row_of("", row->isa, row->threads, section_call, s);
    int code = open_sections(s);
    row->section = section_names;
    row->sections = SECTIONS;
    row->share[OTHER] = 1;
    for (s->section = 0; !code && s->section < OTHER; ++s->section) {
        if ((code = bench_time(b, &part, b->repetitions < 3 ? b->repetitions : 3))) break;
        row->share[s->section] = bench_median(part.wall, part.repetitions, NULL, NULL) / image;
        row->share[OTHER] -= row->share[s->section];
    }
    paw__free(s->run.slots);
    paw__free(s->positions);
    return code;
}

/* ---- rows ---- */

/* An image: patch product, and per block the products qkv, proj, fc1, fc2 and the two of the
   attention, 2 m n k each. Norms, softmax, GELU and additions do not count. */
static double flops_of(const paw_model_info *i)
{
    const double t = i->tokens, d = i->dim, patch = 3.0 * i->patch_px * i->patch_px;
    const double block = 2 * t * d * (3 * d + d + 2.0 * i->mlp) + 4 * t * t * d;
    return 2 * (t - 1) * patch * d + i->depth * block;
}
/* A call: weights of the products, pixels and features once. */
static double bytes_of(const paw_model_info *i, size_t batch)
{
    const double d = i->dim, patch = 3.0 * i->patch_px * i->patch_px;
    const double image = 3.0 * i->image_px * i->image_px + d;
    const double weights = i->depth * (4 * d * d + 2 * d * i->mlp);
    return 4 * (patch * d + (double)batch * image) + (i->dtype == PAW_BF16 ? 2 : 4) * weights;
}
static int run_case(bench *b, const encoder_case *k, int isa)
{
    const int threads = paw_threads_used(b->app->ctx), asked = cli_int(b->app, "--batch");
    const size_t batch = (size_t)(asked ? asked : threads);
    const int bf16 = dtype_of(b->app) == PAW_BF16;
    encoder s;
    bench_row row = bench_row_of(bf16 ? "encoder_bf16" : "encoder_f32", isa, threads, encode, &s);
    double image;
    int code;
    snprintf(row.shape, sizeof row.shape, batch > 1 ? "%s/batch:%zu" : "%s", k->name, batch);
    if (!bench_wanted(b, &row)) return CLI_OK;
    code = open_encoder(&s, b->app, k, batch);
    row.images = (double)batch;
    row.flops = (double)batch * flops_of(&s.info);
    row.bytes = bytes_of(&s.info, batch);
    row.reference = bf16 && paw_bf16_native() ? BENCH_DOTS : BENCH_FLOPS;
    if (!code) code = bench_measure(b, &row);
    if (!code && s.error) code = cli_fail(b->app, s.error);
    s.wide = threads > 1 && batch < (size_t)threads;
    image = code ? 1 : bench_median(row.wall, row.repetitions, NULL, NULL) / (double)batch;
    if (!s.wide) image *= threads;
    if (!code) code = measure_sections(b, &s, image, &row);
    if (!code) bench_print(b, &row);
    close_encoder(&s);
    return code;
}

/* ---- an update of a segmentation head ---- */

enum { SEG_CLASSES = 150, SEG_BLOCKS = 4 };
typedef struct {
    encoder e;
    paw_dense head;
    float *x;
    uint16_t *labels;
    int only_head;
} segmentation;
static void seg_call(void *arg)
{
    static const int blocks[SEG_BLOCKS] = { 3, 5, 7, 11 };
    segmentation *s = (segmentation *)arg;
    const int px = s->e.info.image_px, side = px / s->e.info.patch_px;
    double loss;
    paw_err e = PAW_OK;
    if (!s->only_head)
        e = paw_dense_features(s->e.model, s->e.app->ctx, blocks, SEG_BLOCKS, s->e.chw, s->e.batch,
                               px, px, s->x);
    if (!e) e = paw_seg_step(&s->head, s->e.app->ctx, s->x, s->e.batch, side, side, s->labels, px,
                             px, 1e-6, &loss);
    if (e) s->e.error = e;
}
static int run_seg(bench *b, const encoder_case *k, int isa)
{
    static const char *const names[] = { "head", "encoder" };
    const int threads = paw_threads_used(b->app->ctx), asked = cli_int(b->app, "--batch");
    const size_t batch = (size_t)(asked ? asked : 16), side = (size_t)k->px / 16;
    const size_t pixels = (size_t)k->px * (size_t)k->px, width = SEG_BLOCKS * (size_t)k->dim;
    segmentation s;
    bench_row row = bench_row_of("seg_update_f32", isa, threads, seg_call, &s);
    bench_row head = bench_row_of("", isa, threads, seg_call, &s);
    size_t i;
    int code;
    snprintf(row.shape, sizeof row.shape, "%s/batch:%zu", k->name, batch);
    if (!bench_wanted(b, &row)) return CLI_OK;
    memset(&s, 0, sizeof s);
    code = open_encoder(&s.e, b->app, k, batch);
    s.x = (float *)paw__calloc(b->app->ctx, batch * side * side, width * sizeof *s.x);
    s.labels = (uint16_t *)paw__calloc(b->app->ctx, batch * pixels, sizeof *s.labels);
    if (!code && (!s.x || !s.labels ||
                  paw_dense_create(b->app->ctx, SEG_CLASSES, width, 1, &s.head)))
        code = cli_no_memory(b->app);
    for (i = 0; !code && i < batch * pixels; ++i) s.labels[i] = (uint16_t)(i / 37 % SEG_CLASSES);
    row.images = (double)batch;
    row.flops = (double)batch * (flops_of(&s.e.info) +
                                 4.0 * (double)(side * side) * (double)width * SEG_CLASSES);
    row.bytes = bytes_of(&s.e.info, batch);
    row.reference = BENCH_FLOPS;
    if (!code) code = bench_measure(b, &row);
    s.only_head = 1;
    if (!code) code = bench_time(b, &head, b->repetitions < 3 ? b->repetitions : 3);
    if (!code && s.e.error) code = cli_fail(b->app, s.e.error);
    if (!code) {
        row.section = names;
        row.sections = 2;
        row.share[0] = bench_median(head.wall, head.repetitions, NULL, NULL) /
                       bench_median(row.wall, row.repetitions, NULL, NULL);
        row.share[1] = 1 - row.share[0];
        bench_print(b, &row);
    }
    paw_dense_free(b->app->ctx, &s.head);
    paw__free(s.x);
    paw__free(s.labels);
    close_encoder(&s.e);
    return code;
}
int main(int argc, char **argv)
{
    cli app;
    bench b;
    unsigned isas = 0;
    int isa, code;
    size_t i;
    cli_start(&app, argc, argv, &program);
    code = bench_isas(&app, &isas);
    if (!code) code = check(&app, isas);
    if (code) return cli_end(&app, code);
    bench_start(&b, &app);
    for (i = 0; !code && i < PAW__COUNT(cases); ++i)
        for (isa = PAW_ISA_AVX512; !code && isa >= PAW_ISA_SCALAR; --isa) {
            if (!(isas >> isa & 1) || !(cli_set(&app, "--case") >> i & 1)) continue;
            (void)paw_isa_limit(isa);
            code = strcmp(cases[i].name, "seg_512") ? run_case(&b, &cases[i], isa)
                                                    : run_seg(&b, &cases[i], isa);
        }
    return cli_end(&app, bench_end(&b, code));
}
