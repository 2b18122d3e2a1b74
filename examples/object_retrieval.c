#define _POSIX_C_SOURCE 200809L
/* object_retrieval.c - does an object find objects of its class? Table 2 of the paper.
 * Build: cc -O2 -I. -o object_retrieval examples/object_retrieval.c -lsleef -lm -lpthread
 * Run:   ./object_retrieval --dataset cifar10 --root cifar-10-batches-bin --weights dino.pth
 *        ./object_retrieval --dataset folder --root imagenet/val --weights dino.pth --report DIR
 * The paper's protocol is not in its code: CIFAR-10 is the test split at 224 pixels; COCO takes
 * instances of val2017 whose boxes are nearly square and not small. Both are marked as proposals.
 * Features are kept in --cache: a second run, or one after a kill, encodes only what is missing. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "cli.h"
#include "report.h"

static const cli_option options[] = {
    { "--dataset", "cifar10|coco|folder|list", CLI_CHOICE, "cifar10", 0, 0,
      "CIFAR-10; objects of COCO; a sub-folder a class; CSV of path, label" },
    CLI_DATA_OPTIONS,
    { "--ratio", "X", CLI_REAL, "1.25", 1, 1000, "COCO: longer by shorter side of a box, at most" },
    { "--min-side", "PX", CLI_REAL, "40", 1, 10000, "COCO: shorter side of a box, at least" },
    CLI_MODEL_OPTIONS, CLI_RANDOM_OPTION, REPORT_FEATURE_OPTION, REPORT_OPTION, CLI_ITEM_OPTIONS,
    CLI_STORE_OPTIONS, CLI_ENCODE_OPTIONS, CLI_RUN_OPTIONS, CLI_RESULT_OPTIONS
};
CLI_PROGRAM("object_retrieval", "--root DIR (--weights FILE | --random deit_tiny) [options]",
            "Retrieves objects by cosine similarity and prints the average precision.\n");

enum { CIFAR10, COCO, FOLDER, LIST };
static paw_index_fn *const datasets[] = { paw_index_cifar10, paw_index_coco_objects,
                                          paw_index_folders, paw_index_list };
static const int tables[] = { REPORT_CIFAR10, REPORT_COCO_OBJECTS, REPORT_NO_PAPER,
                              REPORT_NO_PAPER };

int main(int argc, char **argv)
{
    static const char proposal[] = "protocol not fully specified by the paper: this is a proposal";
    const char *notes[] = { NULL, NULL, NULL };
    char boxes[128];
    cli app;
    report_retrieval d;
    paw_model *model = NULL;
    int code, set;
    cli_start(&app, argc, argv, &program);
    memset(&d, 0, sizeof d);
    d.app = d.items.app = &app;
    d.title = "Object retrieval";
    d.lead = "Every object queries all objects by cosine similarity; a hit is of the same class. A "
             "frozen encoder that knows objects ranks the hits first.";
    set = cli_choice(&app, "--dataset");
    d.paper = tables[set];
    if (d.paper != REPORT_NO_PAPER) notes[0] = proposal;
    snprintf(boxes, sizeof boxes, "boxes: no crowd, sides at most %s : 1, shorter side at least %s",
             cli_text(&app, "--ratio"), cli_text(&app, "--min-side"));
    if (set == COCO) notes[1] = boxes;
    if (set == CIFAR10) notes[1] = "images: 32 x 32, enlarged by Pillow's bicubic filter";
    code = cli_items_open(&app, &d.items, datasets);
    if (!code) code = cli_load(&app, &model, &d.info);
    if (!code) code = report_encode(&d, model);
    if (!code) code = report_finish(&d, notes);
    report_retrieval_free(&d);
    paw_model_free(model);
    return cli_end(&app, code);
}
