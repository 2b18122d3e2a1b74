#define _POSIX_C_SOURCE 200809L
/* paper.c - every table of the paper with our column: give it checkpoints and data.
 * Build: cc -O2 -I. -o paper examples/paper.c -lsleef -lm -lpthread, beside the other examples
 * Run:   ./paper --config my.txt --out DIR
 *        ./paper --object a59.json b59.json --part a209.json b209.json --out DIR
 * Runs the programs beside it for each method and data set that my.txt names; writes report.html,
 * tables.md, .csv and .json: a cell is a number with its command, or why there is none. Rows:
 *   method.deit = deit_base_patch16_224.pth      options.segmentation = --iters 160000
 * data.cub = CUB_200_2011. The second form draws Figure 7 from results of segmentation --json. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "cli.h"
#include "report.h"

static const cli_option options[] = {
    { "--config", "FILE", CLI_STR, NULL, 0, 0,
      "rows method.NAME = FILE, data.NAME = DIR, options.PROGRAM = words" },
    { "--object", "FILE...", CLI_LIST, NULL, 0, 0,
      "instead: a chart of results of segmentation --json, on objects, one an encoder" },
    { "--part", "FILE...", CLI_LIST, NULL, 0, 0, "their results on parts, in the same order" },
    { "--out", "DIR", CLI_STR | CLI_REQUIRED, NULL, 0, 0, "tables, report, logs, feature cache" },
    { "--dry-run", NULL, CLI_FLAG, NULL, 0, 0, "which cells can run, and how long" },
    CLI_RUN_OPTIONS, CLI_RESULT_OPTIONS
};
#define ROOTS "cub|coco|cifar10|imagenet|ade20k|ade20k-object59|ade20k-part209|lip19|"             \
    "pascal-part193|pascal-object16"
#define PROGRAMS "part_retrieval|object_retrieval|part_classification|probe|segmentation|pose"
CLI_PROGRAM("paper", "(--config FILE | --object FILE... --part FILE...) --out DIR [options]",
            "Fills the tables of the paper with our numbers.\n\nmethods: " CLI_PAPER_METHODS "\n\n"
            "data: " ROOTS "\n\nprograms: " PROGRAMS "; --math,\n--max-pixels and --threads go "
            "over their options.PROGRAM\n\nA second run with the same --out goes on where the "
            "first stopped, and keeps results where command, weights and version are the same.\n");

#define AP "AP_encoded=\"column\": \"encoded\"|<\"AP\";AP_projected=\"projected\": {|\"AP\""
#define RATES "1e-05,0.0002,0.0003,0.0004,0.0005,0.001"
static const struct job {
    const char *root, *program, *words, *data, *cells; /* cells: metric=anchors;... */
    paw_index_fn *open; /* NULL: the program knows --dry-run */
    const char *splits;
} jobs[] = {
    { "cub", "part_retrieval", "--dataset cub", "CUB-200-2011", AP, paw_index_cub, "" },
    { "coco", "part_retrieval", "--dataset coco", "COCO-part", AP, paw_index_coco_parts, "" },
    { "cifar10", "object_retrieval", "--dataset cifar10", "CIFAR10", AP, paw_index_cifar10, "" },
    { "coco", "object_retrieval", "--dataset coco", "COCO-object", AP, paw_index_coco_objects, "" },
    { "cub", "part_classification", "--dataset cub --head linear", "CUB-200-2011",
      "linear_acc=\"last_acc_mean\"", paw_index_cub, "train|test" },
    { "cub", "part_classification", "--dataset cub --head attentive", "CUB-200-2011",
      "attentive_acc=\"last_acc_mean\"", paw_index_cub, "train|test" },
    { "coco", "part_classification", "--dataset coco --head linear", "COCO-part",
      "linear_acc=\"last_acc_mean\"", paw_index_coco_parts, "train2017|val2017" },
    { "coco", "part_classification", "--dataset coco --head attentive", "COCO-part",
      "attentive_acc=\"last_acc_mean\"", paw_index_coco_parts, "train2017|val2017" },
    { "imagenet", "probe", "--head linear --augment", "ImageNet-1K",
      "linear_top1=\"last_acc_mean\"", paw_index_folders, "train|val" },
    { "imagenet", "probe", "--head attentive --augment", "ImageNet-1K",
      "attentive_top1=\"last_acc_mean\"", paw_index_folders, "train|val" },
#define SEG "mIoU=\"mIoU\";mAcc=\"mAcc\";aAcc=\"aAcc\"", NULL, NULL
    { "ade20k", "segmentation", "--preset ade20k", "ADE20K-150", SEG },
    { "ade20k-object59", "segmentation", "--preset ade20k-object59", "ADE20K-Object-59", SEG },
    { "ade20k-part209", "segmentation", "--preset ade20k-part209", "ADE20K-Part-209", SEG },
    { "pascal-part193", "segmentation", "--preset pascal-part193", "Pascal-Part-193", SEG },
    { "pascal-object16", "segmentation", "--preset pascal-object16", "Pascal-Object-16", SEG },
    { "lip19", "segmentation", "--preset lip19 --lr " RATES, "LIP-19",
      "mIoU=\"0.0004\"|\"mIoU\";mAcc=\"0.0004\"|\"mAcc\";aAcc=\"0.0004\"|\"aAcc\";"
      "mIoU@lr=1e-5=\"1e-05\"|\"mIoU\";mIoU@lr=2e-4=\"0.0002\"|\"mIoU\";"
      "mIoU@lr=3e-4=\"0.0003\"|\"mIoU\";mIoU@lr=4e-4=\"0.0004\"|\"mIoU\";"
      "mIoU@lr=5e-4=\"0.0005\"|\"mIoU\";mIoU@lr=1e-3=\"0.001\"|\"mIoU\"", NULL, NULL },
    { "coco", "pose", "", "COCO-pose", "AP=\"AP\": {|\"ours\";AP50=\"AP50\": {|\"ours\";"
      "AR=\"AR\": {|\"ours\";AR50=\"AR50\": {|\"ours\"", NULL, NULL },
};
static report_run runs[CLI_COUNT(jobs)][7];
static char methods[7][16];

/* Runs one program for one method, or estimates it. look: only takes what an earlier run did. */
static void run(cli *app, const cli_config *config, int j, int m, int look)
{
    const struct job *job = &jobs[j];
    const char *weights = cli_config_get(config, "method", methods[m]);
    const char *root = cli_config_get(config, "data", job->root);
    const char *more = cli_config_get(config, "options", job->program);
    report_run *o = &runs[j][m];
    char words[2000], id[32];
    if (cli_has(app, "--dry-run") && (look || job->open)) {
        if (!look) report_dry(app, weights, root, job->open, job->splits,
                              strstr(job->words, "attentive") != NULL,
                              strstr(job->words, "--augment") ? 90 : 0, o);
        return;
    }
    snprintf(id, sizeof id, "%s-%d", methods[m], j);
    snprintf(words, sizeof words, "%s%s%s%s%s", job->program, *job->words ? " " : "", job->words,
             more ? " " : "", more ? more : "");
    report_child(app, id, words, root, weights, job->open ? "--cache" : "--out", look, o);
}
static int finish(cli *app)
{
    cli_result r = CLI_EMPTY_RESULT;
    int i, j, m, code, failed = 0;
    for (i = 0; i < CLI_COUNT(cli_paper) * 7; ++i)
        for (m = i % 7, j = 0; j < CLI_COUNT(jobs); ++j) {
            const struct cli_paper_row *p = &cli_paper[i / 7];
            const char *anchors = report_cell(jobs[j].cells, p->metric);
            if (strcmp(jobs[j].data, p->data) || !anchors) continue;
            report_put_cell(&r, p, methods[m], m, &runs[j][m], anchors);
            failed |= runs[j][m].failed;
            break;
        }
    if (cli_has(app, "--dry-run")) report_cost(&r, runs[0], CLI_COUNT(jobs) * 7);
    code = report_cells(app, &r, cli_text(app, "--out"));
    if (!code) code = report_print_cells(app, &r);
    cli_result_free(&r);
    return code || !failed ? code : CLI_PARTIAL;
}
int main(int argc, char **argv)
{
    static const char *const keys[] = { "method", CLI_PAPER_METHODS, "data", ROOTS, "options",
                                        PROGRAMS, NULL };
    cli app;
    cli_config config;
    cli_progress progress;
    size_t todo = 0, done = 0;
    int i, j, m, code;
    cli_start(&app, argc, argv, &program);
    memset(&config, 0, sizeof config);
    if (!(code = cli_either(&app, "--config", "--object")) && cli_has(&app, "--object"))
        return cli_end(&app, report_figure(&app));
    if (!code) code = report_config(&app, keys, &config);
    if (!code) code = cli_make_folder(&app, cli_text(&app, "--out"));
    for (m = 0; !code && m < 7; ++m) {
        char wrong[300] = "";
        (void)cli_word(CLI_PAPER_METHODS, m, methods[m], sizeof methods[m]);
        report_check_method(&app, cli_config_get(&config, "method", methods[m]), methods[m], wrong);
        for (j = 0; j < CLI_COUNT(jobs); ++j) {
            report_why(&config, methods[m], wrong, jobs[j].root, &runs[j][m]);
            if (!runs[j][m].why) run(&app, &config, j, m, 1);
            todo += !runs[j][m].why && !runs[j][m].text;
        }
    }
    cli_progress_start(&progress, &app, "programs", todo);
    for (i = 0; !code && i < CLI_COUNT(jobs) * 7; ++i) {
        const report_run *o = &runs[j = i % CLI_COUNT(jobs)][m = i / CLI_COUNT(jobs)];
        if (o->why || o->text) continue;
        report_running(&progress, done, methods[m], jobs[j].data, jobs[j].program, jobs[j].words);
        run(&app, &config, j, m, 0);
        if (!(code = cli_interrupted())) cli_progress_show(&progress, ++done);
    }
    cli_progress_end(&progress);
    if (!code) code = finish(&app);
    free(config.text); /* the texts of the cells live as long as the process */
    return cli_end(&app, code);
}
