#define _POSIX_C_SOURCE 200809L
/* pose.c - where does one linear layer on frozen features see the joints? Table 10 of the paper.
 * Build: cc -O2 -I. -o pose examples/pose.c -lsleef -lm -lpthread
 * Run:   ./pose --root COCO --weights mae_pretrain_vit_base.pth --out DIR
 * Trains heat maps on person crops, prints COCO's AP and AR; --out gets results for pycocotools,
 * skeletons and a report. The paper has no code for this: the recipe is a proposal. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "cli.h"
#include "report.h"

static const cli_option options[] = {
    { "--root", "DIR", CLI_STR | CLI_REQUIRED, NULL, 0, 0,
      "COCO: annotations/person_keypoints_{train2017,val2017}.json, train2017/, val2017/" },
    CLI_MODEL_OPTIONS, CLI_RANDOM_OPTION, CLI_DENSE_OPTIONS("61000", "512", "5e-4"),
    { "--no-augment", NULL, CLI_FLAG, NULL, 0, 0, "train on plain crops, encoded once" },
    { "--no-flip-test", NULL, CLI_FLAG, NULL, 0, 0, "score the crop without its mirror image" },
    CLI_RUN_OPTIONS, CLI_RESULT_OPTIONS
};
CLI_PROGRAM("pose", "--root DIR (--weights FILE | --random deit_tiny) [options]",
            "Trains a linear pose head on a frozen encoder and scores it.\n"
            "Of few persons --batch is all of them, --iters 210 passes, 1000 at least.\n");

enum { H = 256, W = 192, MAP_H = 64, MAP_W = 48, HEAT = PAW_KEYPOINTS * MAP_H * MAP_W };
typedef struct {
    cli *app;
    cli_dense d;
    paw_poses split[2]; /* train, val: all annotations */
    size_t *use[2];     /* those with key points, no crowds */
    paw_reader reader;
    const paw_stats *stats;
    paw_pose *found; /* [val] */
    report page;
} pose;

static int fill(void *user, size_t item, uint64_t at, float *chw, void *target)
{
    pose *s = (pose *)user;
    const size_t i = s->use[0][item];
    const paw_pose *p = &s->split[0].items[i];
    paw_pose_crop crop;
    int code = cli_pose_image(s->app, &s->reader, s->split[0].paths[i]);
    if (code) return code;
    if (cli_has(s->app, "--no-augment")) paw_pose_crop_of(p->box, W, H, &crop);
    else paw_pose_crop_random(p, W, H, (uint64_t)cli_int(s->app, "--seed"), at, &crop);
    paw_pose_input(&s->reader.image, &crop, s->stats, W, H, chw);
    paw_pose_target(p, &crop, MAP_W, MAP_H, (float *)target, (float *)target + HEAT);
    return CLI_OK;
}
static paw_err step(void *user, paw_dense *head, size_t n, double lr, double *loss)
{
    pose *s = (pose *)user;
    return paw_pose_step(head, s->app->ctx, s->d.x, n, H / s->d.info.patch_px,
                         W / s->d.info.patch_px, s->d.info.patch_px * MAP_H / H,
                         (float *)(void *)s->d.target, lr, loss);
}
/* Heat maps of the crop, and of its mirror image unless told not to, to a found person. */
static int find(pose *s, size_t item, float *chw, float *x, float *heat)
{
    const paw_pose *t = &s->split[1].items[s->use[1][item]];
    const int patch = s->d.info.patch_px, gh = H / patch, gw = W / patch;
    const int views = cli_has(s->app, "--no-flip-test") ? 1 : 2;
    paw_pose_crop crop;
    size_t i;
    int k, code = cli_pose_image(s->app, &s->reader, s->split[1].paths[s->use[1][item]]);
    memset(heat, 0, HEAT * sizeof *heat);
    for (k = views; !code && k-- > 0;) { /* the mirror image first: crop ends as it is decoded */
        paw_pose_crop_of(t->box, W, H, &crop);
        crop.flip = k;
        paw_pose_input(&s->reader.image, &crop, s->stats, W, H, chw);
        code = cli_dense_encode(&s->d, chw, 1, x);
        if (!code && paw_pose_heat(&s->d.head[0], s->app->ctx, x, gh, gw, MAP_H / gh, k, heat))
            code = cli_fail(s->app, PAW_E_OOM);
    }
    for (i = 0; i < HEAT; ++i) heat[i] /= (float)views;
    if (!code) paw_pose_decode(heat, MAP_W, MAP_H, &crop, 1, &s->found[item]);
    s->found[item].image_id = t->image_id;
    s->found[item].area = t->box[2] * t->box[3]; /* what similar means, when repeats are dropped */
    return code;
}
static int evaluate(void *user, size_t n)
{
    pose *s = (pose *)user;
    float *chw = (float *)cli_alloc(3 * H * W, sizeof *chw);
    float *x = (float *)cli_alloc(s->d.tokens * s->d.width, sizeof *x);
    float *heat = (float *)cli_alloc(HEAT, sizeof *heat);
    cli_progress progress;
    size_t i;
    int code = chw && x && heat ? CLI_OK : cli_no_memory(s->app);
    cli_progress_start(&progress, s->app, "persons", n);
    for (i = 0; !code && i < n; cli_progress_show(&progress, ++i))
        if (!(code = cli_interrupted())) code = find(s, i, chw, x, heat);
    cli_progress_end(&progress);
    free(chw);
    free(x);
    free(heat);
    return code;
}
static int finish(pose *s)
{
    cli_result r = CLI_EMPTY_RESULT;
    int code = report_poses(&s->page, s->app, &s->reader, s->split + 1, s->use[1], s->found,
                            s->d.val);
    if (!code)
        code = cli_pose_put(s->app, &r, &s->split[1], s->found, s->d.val, &s->d.info);
    cli_put(&r, "flip_test", cli_s(cli_has(s->app, "--no-flip-test") ? "no" : "yes"));
    cli_put(&r, "augmentation", cli_s(cli_has(s->app, "--no-augment") ? "none" : "ours"));
    cli_dense_put(&r, &s->d);
    cli_put_settings(s->app, &r, &s->d.info, H);
    cli_put_width(s->app, &r, &s->d.info, cli_paper_value("COCO-pose", "AP", s->d.info.recipe));
    cli_put(&r, "notes[]", cli_s("the recipe is a proposal: the paper publishes none (256 x 192, "
                                 "heat maps of 64 x 48, annotated boxes)"));
    if (!code && cli_text(s->app, "--out"))
        code = report_dense(s->app, "Linear pose", &r, &s->d, &s->page);
    if (!code) code = cli_print(s->app, &r);
    cli_result_free(&r);
    return code;
}

int main(int argc, char **argv)
{
    cli app;
    pose s;
    int k, code = CLI_OK;
    memset(&s, 0, sizeof s);
    cli_start(&app, argc, argv, &program);
    s.app = &app;
    s.stats = paw_stats_find(cli_text(&app, "--stats"));
    cli_dense_calls(&s.d, &s, fill, step, evaluate);
    for (k = 0; !code && k < 2; ++k)
        code = cli_pose_open(&app, k ? "val2017" : "train2017", &s.split[k], &s.use[k],
                             k ? &s.d.val : &s.d.train, k ? NULL : &s.d.data);
    if (!code && !(s.found = (paw_pose *)cli_alloc(s.d.val, sizeof *s.found)))
        code = cli_no_memory(&app);
    s.d.outputs = PAW_KEYPOINTS;
    s.d.h = H;
    s.d.w = W;
    s.d.block_count = -1;
    s.d.milestones = 1;
    s.d.target_bytes = (HEAT + PAW_KEYPOINTS) * sizeof(float);
    if (!code) code = cli_dense_open(&app, &s.d, cli_has(&app, "--no-augment") ? "" : "random");
    if (!code) code = cli_dense_run(&s.d);
    if (!code && !cli_has(&app, "--dry-run")) code = finish(&s);
    if (s.d.app) cli_dense_close(&s.d);
    for (k = 0; k < 2; free(s.use[k++])) paw_poses_free(app.ctx, &s.split[k]);
    paw_image_free(app.ctx, &s.reader.image);
    report_free(&s.page);
    free(s.found);
    return cli_end(&app, code);
}
