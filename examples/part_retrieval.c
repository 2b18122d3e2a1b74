#define _POSIX_C_SOURCE 200809L
/* part_retrieval.c - does a patch around a part find the same part? Table 4 of the paper.
 * Build: cc -O2 -I. -o part_retrieval examples/part_retrieval.c -lsleef -lm -lpthread
 * Run:   ./part_retrieval --root CUB_200_2011 --weights deit_base_patch16_224.pth --report DIR
 *        ./part_retrieval --dataset coco --root COCO --weights dino_vitbase16_pretrain_full.pth
 * Prints the average precision of the class token, of the mean of the patch tokens and of the
 * projector's output, the level of chance, and every setting. --report draws the neighbours.
 * Features are kept in --cache: a second run, or one after a kill, encodes only what is missing. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "cli.h"
#include "report.h"

static const cli_option options[] = {
    { "--dataset", "cub|coco|list", CLI_CHOICE, "cub", 0, 0,
      "CUB-200-2011; key points of COCO persons; CSV of path, x, y, side, label" },
    CLI_DATA_OPTIONS, CLI_PARTS_OPTIONS, CLI_MODEL_OPTIONS, CLI_RANDOM_OPTION,
    REPORT_FEATURE_OPTION, REPORT_OPTION, CLI_ITEM_OPTIONS, CLI_STORE_OPTIONS, CLI_ENCODE_OPTIONS,
    CLI_RUN_OPTIONS, CLI_RESULT_OPTIONS
};
CLI_PROGRAM("part_retrieval", "--root DIR (--weights FILE | --random deit_tiny) [options]",
            "Retrieves part patches by cosine similarity and prints the average precision.\n");

static paw_index_fn *const datasets[] = { paw_index_cub, paw_index_coco_parts, paw_index_list };
static const int tables[] = { REPORT_CUB, REPORT_COCO_PARTS, REPORT_NO_PAPER };

int main(int argc, char **argv)
{
    static const char *const notes[] = { NULL };
    cli app;
    report_retrieval d;
    paw_model *model = NULL;
    int code;
    cli_start(&app, argc, argv, &program);
    memset(&d, 0, sizeof d);
    d.app = d.items.app = &app;
    d.title = "Part retrieval";
    d.lead = "Every patch around a key point queries all patches by cosine similarity; a hit shows "
             "the same part. A frozen encoder that knows parts ranks the hits first.";
    d.paper = tables[cli_choice(&app, "--dataset")];
    if (cli_has(&app, "--parts")) d.paper = REPORT_NO_PAPER;
    code = cli_items_open(&app, &d.items, datasets);
    if (!code) code = cli_load_for_parts(&app, &model, &d.info);
    if (!code) code = report_encode(&d, model);
    if (!code) code = report_finish(&d, notes);
    report_retrieval_free(&d);
    paw_model_free(model);
    return cli_end(&app, code);
}
