#define _POSIX_C_SOURCE 200809L
/* part_retrieval.c - does a patch around a part find the same part? Table 4 of the paper.
 * Build: cc -O2 -I. -o part_retrieval examples/part_retrieval.c -lsleef -lm -lpthread
 * Run:   ./part_retrieval --root CUB_200_2011 --weights deit_base_patch16_224.pth --report DIR
 * Prints the average precision of the class token, of the mean of the patch tokens and of the
 * projector's output, the level of chance, and every setting. --report draws the neighbours. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "cli.h"
#include "report.h"

static const cli_option options[] = {
    CLI_PATCH_OPTIONS, CLI_MODEL_OPTIONS, CLI_RANDOM_OPTION,
    { "--feature", "all|cls|mean|projected", CLI_CHOICE, "all", 0, 0, "what to compare" },
    { "--report", "DIR", CLI_STR, NULL, 0, 0, "also write DIR/report.html, one page with images" },
    CLI_ENCODE_OPTIONS, CLI_RUN_OPTIONS, CLI_RESULT_OPTIONS
};
CLI_PROGRAM("part_retrieval", "--root DIR (--weights FILE | --random deit_tiny) [options]",
            "Retrieves part patches by cosine similarity and prints the average precision.\n");

/* Table 4, CUB-200-2011, AP in percent: encoded, projected (0: none). */
static const struct {
    const char *recipe;
    double ap[2];
} paper[] = { { "deit", { 35.0, 0 } },    { "mocov3", { 50.8, 28.4 } }, { "dino", { 48.9, 31.7 } },
              { "ibot", { 49.3, 31.2 } }, { "beit", { 27.9, 0 } },      { "mae", { 28.5, 0 } },
              { "cae", { 58.0, 0 } } };

enum { CLS, MEAN, PROJECTED, FEATURES };
static const int kinds[] = { CLI_CLS, CLI_MEAN, CLI_COSINE };
typedef struct {
    cli *app;
    paw_model_info info;
    paw_index list;
    cli_patch_source source;
    report_feature f[FEATURES];
    int32_t *labels;
    size_t per_class[CLI_MAX_PARTS];
} retrieval;

static int fill(void *user, size_t item, float *chw)
{
    return cli_patch_fill(&((retrieval *)user)->source, item, chw);
}
static int take(void *user, const size_t *items, size_t n, const float *const *x)
{
    retrieval *s = (retrieval *)user;
    int k;
    for (k = 0; k < FEATURES; ++k) {
        const size_t dim = s->f[k].dim; /* no item is skipped, so that items follow each other */
        if (s->f[k].x) memcpy(s->f[k].x + items[0] * dim, x[kinds[k]], n * dim * sizeof(float));
    }
    return CLI_OK;
}
/* The released code has another epsilon for CAE here (protocol, section 9, item 20). */
static int load(retrieval *s, paw_model **model)
{
    int code = cli_load(s->app, model, &s->info);
    if (code || strcmp(s->info.recipe, "cae") || cli_choice(s->app, "--protocol") ||
        cli_has(s->app, "--eps"))
        return code;
    s->app->eps = 1e-5;
    paw_model_free(*model);
    *model = NULL;
    return cli_load(s->app, model, &s->info);
}
static int encode(retrieval *s, const paw_model *model)
{
    static const char *const names[] = { "cls", "mean", "projected" };
    const int only = cli_choice(s->app, "--feature") - 1;
    const int px = s->source.px = s->info.image_px;
    const size_t n = s->list.count;
    cli_encoder job = { model, "patches", n, px, px, 0, -1, 0, fill, take, s };
    size_t i, shape[5];
    int k;
    if (only == PROJECTED && !s->info.projected)
        return cli_error(s->app, CLI_INPUT, "this %s checkpoint has no projector", s->info.recipe);
    for (k = 0; k < FEATURES; ++k) {
        s->f[k].name = names[k];
        if ((only >= 0 && only != k) || !cli_shape(&job, kinds[k], n, shape)) continue;
        job.want |= CLI_BIT(kinds[k]);
        s->f[k].dim = shape[1];
        s->f[k].x = cli_rows(&job, kinds[k], n);
        s->f[k].ap = (double *)cli_alloc(n, sizeof(double));
        if (!s->f[k].x || !s->f[k].ap) return cli_no_memory(s->app);
    }
    s->labels = (int32_t *)cli_alloc(n, sizeof *s->labels);
    if (!s->labels) return cli_no_memory(s->app);
    for (i = 0; i < n; ++i) ++s->per_class[s->labels[i] = s->list.items[i].label];
    return cli_encode(s->app, &job);
}
/* Scores, the table and the page. */
static int finish(retrieval *s)
{
    const char *folder = cli_text(s->app, "--report");
    const double *published = NULL;
    report_retrieval d = { s->app, &s->source, &s->list, s->f, FEATURES, 0, s->per_class, 0 };
    report_columns columns;
    cli_result r = CLI_EMPTY_RESULT;
    size_t i, n = s->list.count;
    int k, code = CLI_OK;
    for (k = 0; !code && k < FEATURES; ++k)
        if (s->f[k].x) code = report_score(s->app, &s->f[k], s->labels, n, s->list.classes);
    if (code) return code;
    for (k = 0; k < FEATURES; ++k)
        if (s->f[k].x && (!s->f[d.best].x || (k == MEAN && s->f[MEAN].sum.ap > s->f[CLS].sum.ap)))
            d.best = k;
    for (i = 0; i < sizeof paper / sizeof paper[0]; ++i)
        if (!strcmp(paper[i].recipe, s->info.recipe)) published = paper[i].ap;
    if (cli_is_random(s->app) || s->list.classes != 4 ||
        strcmp(s->list.class_names[0], "right eye"))
        published = NULL;
    d.chance = paw_chance(s->labels, n, s->list.classes);
    report_put_features(&r, &columns, &d, published);
    cli_put_patches(s->app, &r, &s->list, s->per_class, 100 * d.chance);
    cli_put_settings(s->app, &r, &s->info, s->source.px);
    cli_put(&r, "notes[]", cli_s("encoded: the better of cls and mean, chosen on these data"));
    if (published) cli_put(&r, "notes[]", cli_s("paper: Table 4, ViT-B, all 11,788 images of CUB"));
    if (s->f[PROJECTED].x)
        cli_put(&r, "notes[]", cli_s("projected: Gram form, the same cosine as of the output"));
    if (folder) code = report_write_retrieval(&d, &r, folder);
    if (!code) code = cli_print(s->app, &r);
    cli_result_free(&r);
    return code;
}

int main(int argc, char **argv)
{
    cli app;
    retrieval s;
    paw_model *model = NULL;
    int k, code;
    cli_start(&app, argc, argv, &program);
    memset(&s, 0, sizeof s);
    s.app = s.source.app = &app;
    s.source.list = &s.list;
    code = cli_patches(&app, &s.list);
    if (!code) code = load(&s, &model);
    if (!code) code = encode(&s, model);
    if (!code) code = finish(&s);
    for (k = 0; k < FEATURES; ++k) {
        free(s.f[k].x);
        free(s.f[k].ap);
    }
    free(s.labels);
    cli_patch_source_free(&s.source);
    paw_index_free(app.ctx, &s.list);
    paw_model_free(model);
    return cli_end(&app, code);
}
