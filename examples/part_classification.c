#define _POSIX_C_SOURCE 200809L
/* part_classification.c - which part is this patch of? A head on frozen features; Table 4, right.
 * Build: cc -O2 -I. -o part_classification examples/part_classification.c -lsleef -lm -lpthread
 * Run:   ./part_classification --root CUB_200_2011 --weights mae_pretrain_vit_base.pth --runs 3
 *        ./part_classification --dataset coco --root COCO --head attentive --weights cae_base.pth
 * Trains the released code's head (batch 1024, SGD, 90 epochs, half a cosine) and prints the
 * accuracy after the last epoch and of the best one, which the code chooses on the test set.
 * Features are kept in --cache; a head can be kept with --save and tested with --apply. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "cli.h"
#include "report.h"

static const cli_option options[] = {
    { "--dataset", "cub|coco", CLI_CHOICE, "cub", 0, 0, "CUB-200-2011; key points of COCO" },
    { "--root", "DIR", CLI_STR | CLI_REQUIRED, NULL, 0, 0, "folder of the data set" },
    { "--limit", "N", CLI_INT, NULL, 1, 1e9, "only the first N images of each split" },
    { "--head", "linear|attentive", CLI_CHOICE, "linear", 0, 0,
      "on the class token, or on all tokens" },
    CLI_PARTS_OPTIONS, CLI_MODEL_OPTIONS, CLI_RANDOM_OPTION, REPORT_PROBE_OPTIONS, REPORT_OPTION,
    CLI_ITEM_OPTIONS, CLI_STORE_OPTIONS, CLI_ENCODE_OPTIONS, CLI_RUN_OPTIONS, CLI_RESULT_OPTIONS
};
CLI_PROGRAM("part_classification", "--root DIR (--weights FILE | --random deit_tiny) [options]",
            "Trains a linear or attentive head on frozen features of part patches.\n");

int main(int argc, char **argv)
{
    cli app;
    report_probe p;
    paw_model *model = NULL;
    int code, coco;
    cli_start(&app, argc, argv, &program);
    memset(&p, 0, sizeof p);
    p.app = p.set[0].app = p.set[1].app = &app;
    p.title = "Part classification";
    p.lead = "A small head learns on frozen features which part a patch shows. What it reads out "
             "is what the encoder knows about parts.";
    coco = cli_choice(&app, "--dataset");
    p.open = coco ? paw_index_coco_parts : paw_index_cub;
    p.train = coco ? "train2017" : "train";
    p.test = coco ? "val2017" : "test";
    p.frame = PAW_FRAME_CENTER; /* as released: training sees the central 87.5 % */
    p.recipe = "part (protocol 5.1 to 5.3)";
    p.paper_at = "acc_paper: Table 4, ViT-B, all of the data set, best epoch";
    paw_head_recipe(PAW_PROBE_PART, cli_choice(&app, "--head"), &p.o);
    code = cli_load_for_parts(&app, &model, &p.info);
    if (!code) code = report_probe_open(&p, model);
    if (!code && !cli_has(&app, "--parts") && !cli_is_random(&app))
        p.paper = cli_paper_value(coco ? "COCO-part" : "CUB-200-2011",
                                  p.o.kind ? "attentive_acc" : "linear_acc", p.info.recipe);
    if (!code) code = report_probe_finish(&p);
    report_probe_free(&p);
    paw_model_free(model);
    return cli_end(&app, code);
}
