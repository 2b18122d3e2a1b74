#define _POSIX_C_SOURCE 200809L
/* segmentation.c - what does one linear layer on frozen features segment? Tables 3, 5, 7, 8, 9.
 * Build: cc -O2 -I. -o segmentation examples/segmentation.c -lsleef -lm -lpthread
 * Run:   ./segmentation --preset lip19 --root LIP --weights mae_pretrain_vit_base.pth --out DIR
 * Trains 1x1 convolutions (one for each --lr) on block outputs, prints mIoU, mAcc and aAcc with
 * every setting, and writes heads that can be resumed, overlays and a report to --out. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "cli.h"
#include "report.h"

static const cli_option options[] = {
    CLI_SEG_OPTIONS, CLI_MODEL_OPTIONS, CLI_RANDOM_OPTION,
    CLI_DENSE_OPTIONS("160000", "16", "4e-4"),
    { "--last-layer", NULL, CLI_FLAG, NULL, 0, 0, "features of the last block alone" },
    { "--no-augment", NULL, CLI_FLAG, NULL, 0, 0, "train on squashed images, encoded once" },
    { "--average", "all|labelled", CLI_CHOICE, "all", 0, 0, "pixels the loss is averaged over" },
    CLI_RUN_OPTIONS, CLI_RESULT_OPTIONS
};
CLI_PROGRAM("segmentation", "--root DIR (--preset NAME | --classes N) (--weights FILE | --random "
            "deit_tiny) [options]",
            "Trains a linear segmentation head on a frozen encoder and scores it.\n");

typedef struct {
    cli_seg s;
    cli_dense d;
    uint64_t *counts; /* [heads][3][classes] */
    report page;      /* overlays */
} segmentation;

static int fill(void *user, size_t item, uint64_t at, float *chw, void *target)
{
    return cli_seg_sample(&((segmentation *)user)->s, item, at, chw, (uint16_t *)target);
}
static paw_err step(void *user, paw_dense *head, size_t n, double lr, double *loss)
{
    segmentation *g = (segmentation *)user;
    const int px = g->s.p.crop, side = px / g->d.info.patch_px;
    head->mean_labelled = cli_choice(g->s.app, "--average");
    return paw_seg_step(head, g->s.app->ctx, g->d.x, n, side, side,
                        (uint16_t *)(void *)g->d.target, px, px, lr, loss);
}
/* Scores all heads on images 0 to n - 1 of the validation split. */
static int evaluate(void *user, size_t n)
{
    segmentation *g = (segmentation *)user;
    const size_t classes = (size_t)g->s.p.classes, drawn = (size_t)cli_int(g->s.app, "--overlays");
    const paw_seg_test t = { !strcmp(cli_text(g->s.app, "--eval"), "slide"), g->s.p.crop,
                             g->s.p.stride, g->d.blocks, g->d.block_count };
    cli_progress progress;
    size_t i, k;
    int code = CLI_OK;
    cli_progress_start(&progress, g->s.app, "images scored", n);
    memset(g->counts, 0, g->d.heads * 3 * classes * sizeof *g->counts);
    for (i = 0; !code && i < n; cli_progress_show(&progress, ++i)) {
        paw_image seen;
        paw_mask truth;
        float *chw = NULL;
        uint16_t *labels;
        size_t pixels;
        paw_err e = PAW_OK;
        if ((code = cli_interrupted()) || (code = cli_seg_input(&g->s, i, &chw, &seen, &truth)))
            break;
        pixels = (size_t)truth.w * (size_t)truth.h;
        labels = (uint16_t *)cli_alloc(g->d.heads * pixels, sizeof *labels);
        if (!labels) code = cli_no_memory(g->s.app);
        else e = paw_seg_predict(g->d.head, g->d.heads, g->d.model, g->s.app->ctx, &t, chw, seen.h,
                                 seen.w, truth.h, truth.w, labels);
        for (k = 0; !code && !e && k < g->d.heads; ++k)
            e = paw_seg_count(g->s.app->ctx, truth.px, labels + k * pixels, pixels, (int)classes,
                              g->counts + k * 3 * classes);
        if (e) code = cli_fail(g->s.app, e);
        if (!code && cli_text(g->s.app, "--out") && !cli_has(g->s.app, "--dry-run") && drawn &&
            i % ((n + drawn - 1) / drawn) == 0)
            code = report_seg(&g->page, &g->s, i, &seen, &truth, labels);
        free(chw);
        free(labels);
        paw_image_free(g->s.app->ctx, &seen);
        paw_mask_free(g->s.app->ctx, &truth);
    }
    cli_progress_end(&progress);
    return code;
}
static int finish(segmentation *g)
{
    cli *app = g->s.app;
    cli_result r = CLI_EMPTY_RESULT;
    size_t k;
    int code = CLI_OK;
    for (k = 0; k < g->d.heads; ++k)
        cli_seg_put(&r, &g->s, g->d.names[k], g->counts + k * 3 * (size_t)g->s.p.classes,
                    cli_is_random(app) ? NULL : g->d.info.recipe);
    cli_seg_put_classes(&r, &g->s, g->counts);
    cli_put(&r, "data", cli_s(g->s.name));
    cli_put(&r, "evaluation", cli_s(cli_has(app, "--resize-exact") ? "squashed to crop x crop"
                                    : cli_choice(app, "--eval") ? "whole" : "slide"));
    cli_put(&r, "augmentation", cli_s(cli_has(app, "--no-augment") ? "none" : "official"));
    cli_put(&r, "labels", cli_s(g->s.p.values ? "list of the preset" : "value - offset"));
    cli_put(&r, "offset", cli_n((size_t)cli_int(app, "--offset")));
    cli_put(&r, "stride", cli_n((size_t)g->s.p.stride));
    for (k = 0; k < 4; ++k)
        cli_put(&r, k < 2 ? "train_scale[]" : "test_scale[]",
                cli_n((size_t)(k < 2 ? g->s.p.train_scale : g->s.p.test_scale)[k % 2]));
    cli_put(&r, "average", cli_s(cli_text(app, "--average")));
    cli_dense_put(&r, &g->d);
    cli_put_settings(app, &r, &g->d.info, g->s.p.crop);
    cli_put(&r, "notes[]", cli_s("percent; ignored pixels (background) count nowhere, as in the "
                                 "released code"));
    cli_put_width(app, &r, &g->d.info, cli_seg_paper(&g->s, "mIoU", g->d.info.recipe));
    if (cli_text(app, "--out"))
        code = report_dense(app, "Linear segmentation", &r, &g->d, &g->page);
    if (!code) code = cli_print(app, &r);
    cli_result_free(&r);
    return code;
}

int main(int argc, char **argv)
{
    cli app;
    segmentation g;
    char about[200];
    int code;
    cli_start(&app, argc, argv, &program);
    memset(&g, 0, sizeof g);
    cli_dense_calls(&g.d, &g, fill, step, evaluate);
    code = cli_seg_open(&app, &g.s);
    g.d.outputs = g.s.p.classes;
    g.d.h = g.d.w = g.s.p.crop;
    g.d.target_bytes = (size_t)g.s.p.crop * (size_t)g.s.p.crop * sizeof(uint16_t);
    g.d.train = g.s.files[0].count;
    g.d.val = g.s.files[1].count;
    if (!code) code = cli_seg_about(&g.s, &g.d.data, about);
    if (!code) code = cli_dense_open(&app, &g.d, about);
    if (!code) code = cli_seg_histogram(&g.s);
    if (!code && !(g.counts = (uint64_t *)cli_alloc(g.d.heads * 3, (size_t)g.s.p.classes * 8)))
        code = cli_no_memory(&app);
    if (!code) code = cli_dense_run(&g.d);
    if (!code && !cli_has(&app, "--dry-run")) code = finish(&g);
    if (g.d.app) cli_dense_close(&g.d);
    cli_seg_close(&g.s);
    report_free(&g.page);
    free(g.counts);
    return cli_end(&app, code);
}
