#define _POSIX_C_SOURCE 200809L
/* probe.c - how much can a small head read from frozen features? Table 1 and any labelled folder.
 * Build: cc -O2 -I. -o probe examples/probe.c -lsleef -lm -lpthread
 * Run:   ./probe --root imagenet --weights dino_vitbase16_pretrain.pth --augment
 *        ./probe --root my_images --weights mae_pretrain_vit_base.pth --probe part --head attentive
 * The folder holds train/CLASS/IMAGE and val/CLASS/IMAGE (or test/). Without --augment each image
 * is encoded once and kept in --cache; with it, random crops and flips are encoded anew in each
 * epoch, as published, and the program says how long before it starts. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "cli.h"
#include "report.h"

static const cli_option options[] = {
    { "--dataset", "folders|cifar10", CLI_CHOICE, "folders", 0, 0,
      "SPLIT/CLASS/IMAGE; CIFAR-10, binary version" },
    { "--root", "DIR", CLI_STR | CLI_REQUIRED, NULL, 0, 0, "folder of the data set" },
    { "--train-split", "NAME", CLI_STR, "train", 0, 0, "what is learnt from" },
    { "--test-split", "NAME", CLI_STR, NULL, 0, 0, "what is tested on (default val; CIFAR test)" },
    { "--limit", "N", CLI_INT, NULL, 1, 1e9, "only the first N images of each split" },
    { "--probe", "part|imagenet", CLI_CHOICE, "imagenet", 0, 0,
      "how the head is trained: protocol 5.1 to 5.3, or 5.4" },
    { "--head", "linear|attentive", CLI_CHOICE, "linear", 0, 0,
      "on the class token, or on all tokens" },
    { "--augment", NULL, CLI_FLAG, NULL, 0, 0, "random crops and flips, encoded in each epoch" },
    CLI_MODEL_OPTIONS, CLI_RANDOM_OPTION, REPORT_PROBE_OPTIONS, REPORT_OPTION, CLI_ITEM_OPTIONS,
    CLI_STORE_OPTIONS, CLI_ENCODE_OPTIONS, CLI_RUN_OPTIONS, CLI_RESULT_OPTIONS
};
CLI_PROGRAM("probe", "--root DIR (--weights FILE | --random deit_tiny) [options]",
            "Trains a linear or attentive head on frozen features of labelled images.\n");

int main(int argc, char **argv)
{
    cli app;
    report_probe p;
    paw_model *model = NULL;
    int code, cifar;
    cli_start(&app, argc, argv, &program);
    memset(&p, 0, sizeof p);
    p.app = p.set[0].app = p.set[1].app = &app;
    p.title = "Probing";
    p.lead = "A small head learns the classes on frozen features. What it can read out is what the "
             "encoder knows.";
    cifar = cli_choice(&app, "--dataset");
    p.open = cifar ? paw_index_cifar10 : paw_index_folders;
    p.train = cli_text(&app, "--train-split");
    p.test = cli_text(&app, "--test-split");
    if (!p.test) p.test = cifar ? "test" : "val";
    p.frame = PAW_FRAME_AUTO;
    p.augment = cli_has(&app, "--augment");
    p.recipe = cli_choice(&app, "--probe") ? "imagenet (protocol 5.4)" : "part (protocol 5.1-5.3)";
    p.paper_at = "acc_paper: Table 1, ViT-B, ImageNet-1K; the head's code was not released";
    paw_head_recipe(cli_choice(&app, "--probe"), cli_choice(&app, "--head"), &p.o);
    code = cli_load(&app, &model, &p.info);
    if (!code) code = report_probe_open(&p, model);
    if (!code && !cli_is_random(&app) && p.o.classes == 1000)
        p.paper = cli_paper_value("ImageNet-1K", p.o.kind ? "attentive_top1" : "linear_top1",
                                  p.info.recipe);
    if (!code) code = report_probe_finish(&p);
    report_probe_free(&p);
    paw_model_free(model);
    return cli_end(&app, code);
}
