#define _POSIX_C_SOURCE 200809L
/* image_classification.c - top-1 and top-5 of a checkpoint that has a classifier (DeiT).
 * Build: cc -O2 -I. -o image_classification examples/image_classification.c -lsleef -lm -lpthread
 * Run:   ./image_classification --weights deit_tiny_patch16_224.pth --images val --labels val.txt
 * val.txt: lines "name.JPEG index". Prints images, top1 and top5 in percent, and every setting.
 * Short side to 256, bicubic, then the central 224 x 224, as the papers evaluate. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "cli.h"

static const cli_option options[] = {
    CLI_MODEL_OPTIONS, CLI_RANDOM_OPTION,
    { "--images", "DIR|FILE...", CLI_LIST | CLI_REQUIRED, NULL, 0, 0, "images, folders of them" },
    { "--labels", "FILE", CLI_STR | CLI_REQUIRED, NULL, 0, 0, "lines \"file name, class from 0\"" },
    { "--resize", "PX", CLI_INT, "256", 1, 8192, "short side before the central crop" },
    { "--predictions", "FILE.csv", CLI_STR, NULL, 0, 0, "also write the best 5 of each image" },
    CLI_SKIP_OPTION, CLI_ENCODE_OPTIONS, CLI_RUN_OPTIONS, CLI_RESULT_OPTIONS
};
CLI_PROGRAM("image_classification",
            "(--weights FILE | --random deit_tiny) --images DIR --labels FILE [options]",
            "Classifies images with the checkpoint's own head and counts the correct ones.\n");

typedef struct {
    cli *app;
    paw_model_info info;
    cli_paths paths;
    cli_labels labels;
    int32_t *label; /* of each path, -1: none */
    size_t images, top1, top5, skipped, unlabelled;
    cli_file predictions;
} classification;

static int fill(void *user, size_t item, float *chw)
{
    classification *s = (classification *)user;
    if (s->label[item] < 0) return CLI_SKIP;
    return cli_image_input(s->app, s->paths.paths[item], cli_int(s->app, "--resize"),
                           s->info.image_px, chw, &s->skipped);
}
/* A line of --predictions: the best class is found and left out, 5 times. */
static void predict(classification *s, size_t item, const float *logits)
{
    int best[5], rank, k, j;
    cli_csv_text(s->predictions.f, cli_base(s->paths.paths[item]));
    fprintf(s->predictions.f, ",%d", (int)s->label[item]);
    for (rank = 0; rank < 5 && rank < s->info.classes; ++rank) {
        best[rank] = -1;
        for (k = 0; k < s->info.classes; ++k) {
            for (j = 0; j < rank && best[j] != k; ++j) {}
            if (j == rank && (best[rank] < 0 || logits[k] > logits[best[rank]])) best[rank] = k;
        }
        fprintf(s->predictions.f, ",%d,%.6g", best[rank], (double)logits[best[rank]]);
    }
    fputc('\n', s->predictions.f);
}
static int take(void *user, const size_t *items, size_t n, const float *const *x)
{
    classification *s = (classification *)user;
    const int classes = s->info.classes;
    size_t i;
    for (i = 0; i < n; ++i) {
        const float *logits = x[CLI_LOGITS] + i * (size_t)classes;
        s->top1 += paw_topk_correct(logits, &s->label[items[i]], 1, classes, 1);
        s->top5 += paw_topk_correct(logits, &s->label[items[i]], 1, classes, 5);
        if (s->predictions.f) predict(s, items[i], logits);
    }
    s->images += n;
    return CLI_OK;
}
/* Images, their labels, and the file of predictions. */
static int open_all(classification *s)
{
    const char *predictions = cli_text(s->app, "--predictions");
    size_t i;
    int code;
    if (!s->info.classes)
        return cli_error(s->app, CLI_INPUT, "this %s checkpoint has no classifier", s->info.recipe);
    if (cli_int(s->app, "--resize") < s->info.image_px)
        return cli_error(s->app, CLI_USAGE, "--resize is below the input of %d", s->info.image_px);
    code = cli_images(s->app, "--images", &s->paths);
    if (!code)
        code = cli_labels_read(s->app, cli_text(s->app, "--labels"), s->info.classes, &s->labels);
    s->label = (int32_t *)cli_alloc(s->paths.count, sizeof *s->label);
    if (!code && !s->label) code = cli_no_memory(s->app);
    for (i = 0; !code && i < s->paths.count; ++i) {
        s->label[i] = cli_labels_find(&s->labels, s->paths.paths[i]);
        s->unlabelled += s->label[i] < 0;
    }
    if (!code && s->unlabelled == s->paths.count)
        code = cli_error(s->app, CLI_INPUT, "%s names none of the images",
                         cli_text(s->app, "--labels"));
    if (!code && predictions) code = cli_file_open(s->app, &s->predictions, NULL, predictions);
    if (!code && predictions)
        fputs("file,label,first,score,second,score,third,score,fourth,score,fifth,score\n",
              s->predictions.f);
    return code;
}
static int finish(classification *s)
{
    const size_t missing = cli_labels_unused(&s->labels), n = s->images;
    cli_result r = CLI_EMPTY_RESULT;
    int code = CLI_OK;
    if (!n) return cli_error(s->app, CLI_INPUT, "none of the images can be read");
    if (s->predictions.f) code = cli_file_keep(s->app, &s->predictions);
    cli_put(&r, "images", cli_n(n));
    cli_put(&r, "top1", cli_r(100 * (double)s->top1 / (double)n, 2));
    cli_put(&r, "top5", cli_r(100 * (double)s->top5 / (double)n, 2));
    cli_put(&r, "skipped", cli_n(s->skipped));
    cli_put(&r, "images_without_label", cli_n(s->unlabelled));
    cli_put(&r, "labels_without_image", cli_n(missing));
    cli_put(&r, "resize", cli_n((size_t)cli_int(s->app, "--resize")));
    cli_put_settings(s->app, &r, &s->info, s->info.image_px);
    if (!code) code = cli_print(s->app, &r);
    cli_result_free(&r);
    if (s->skipped + s->unlabelled + missing)
        cli_say(s->app, "left out: %lu unreadable, %lu images without label, %lu labels without "
                "image", (unsigned long)s->skipped, (unsigned long)s->unlabelled,
                (unsigned long)missing);
    return !code && s->skipped + s->unlabelled + missing ? CLI_PARTIAL : code;
}

int main(int argc, char **argv)
{
    cli app;
    classification s;
    paw_model *model = NULL;
    int code;
    cli_start(&app, argc, argv, &program);
    memset(&s, 0, sizeof s);
    s.app = &app;
    code = cli_load(&app, &model, &s.info);
    if (!code) code = open_all(&s);
    if (!code) {
        cli_encoder job = { model, "images", s.paths.count, s.info.image_px, s.info.image_px,
                            CLI_BIT(CLI_LOGITS), -1, 0, fill, take, &s, 0 };
        code = cli_encode(&app, &job);
    }
    if (!code) code = finish(&s);
    cli_file_drop(&s.predictions);
    cli_paths_free(&s.paths);
    cli_labels_free(&s.labels);
    free(s.label);
    paw_model_free(model);
    return cli_end(&app, code);
}
