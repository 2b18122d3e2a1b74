#define _POSIX_C_SOURCE 200809L
/* embed.c - features of images, or of a ready tensor, as .npy files.
 * Build: cc -O2 -I. -o embed examples/embed.c -lsleef -lm -lpthread
 * Run:   ./embed --random deit_tiny --images photos --out features --save cls,mean
 * Prints the files with their shapes, such as  cls.npy  63 x 192, and every setting.
 * files.txt names the rows. Files get their names only when all of them are whole. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "cli.h"

static const cli_option options[] = {
    CLI_MODEL_OPTIONS, CLI_RANDOM_OPTION,
    { "--images", "DIR|FILE...", CLI_LIST, NULL, 0, 0, "JPEG and PNG files, or folders of them" },
    { "--tensor", "FILE.npy", CLI_STR, NULL, 0, 0, "normalised input [n, 3, h, w] instead, as is" },
    { "--out", "DIR", CLI_STR | CLI_REQUIRED, NULL, 0, 0, "folder for the files, made if needed" },
    { "--save", CLI_KIND_WORDS, CLI_SET, "cls", 0, 0, "what to write, with commas between" },
    { "--layer", "K", CLI_INT, NULL, -1, 127,
      "block, from 0 (-1: last), of attention and blocks; else the last and all" },
    { "--size", "PX", CLI_INT, NULL, 1, 4096, "input side; else the checkpoint's" },
    { "--fit", "center|squash", CLI_CHOICE, "center", 0, 0,
      "center: short side to 256/224 of the size, then the centre; squash: both sides to it" },
    CLI_SKIP_OPTION, CLI_ENCODE_OPTIONS, CLI_RUN_OPTIONS, CLI_RESULT_OPTIONS
};
CLI_PROGRAM("embed", "(--weights FILE | --random deit_tiny) (--images DIR|FILE... | "
            "--tensor FILE.npy) --out DIR [options]",
            "Writes features of a frozen encoder as NumPy files, one per kind.\n");

typedef struct {
    cli *app;
    paw_model_info info;
    cli_paths names; /* of images, or of the items of --tensor */
    float *tensor; /* of --tensor, else NULL */
    size_t rows, skipped;
    int resize;
    cli_encoder job;
    cli_npy out[CLI_KINDS]; /* ndim 0: not asked for */
    cli_file list;
} embed;

static int fill(void *user, size_t item, float *chw)
{
    embed *s = (embed *)user;
    const size_t pixels = 3 * (size_t)s->job.h * (size_t)s->job.w;
    if (!s->tensor)
        return cli_image_input(s->app, s->names.paths[item], s->resize, s->job.h, chw, &s->skipped);
    memcpy(chw, s->tensor + item * pixels, pixels * sizeof *chw);
    return CLI_OK;
}
static int take(void *user, const size_t *items, size_t n, const float *const *x)
{
    embed *s = (embed *)user;
    int k, code = CLI_OK;
    size_t i;
    for (k = 0; !code && k < CLI_KINDS; ++k)
        if (s->out[k].ndim) code = cli_npy_write(s->app, &s->out[k], x[k], n);
    for (i = 0; i < n; ++i) cli_put_line(s->list.f, s->names.paths[items[i]]);
    s->rows += n;
    return code;
}
/* Sizes of the input, and the blocks that are asked for. */
static int open_input(embed *s)
{
    const char *path = cli_text(s->app, "--tensor");
    int code = CLI_OK;
    const int size = cli_has(s->app, "--size") ? cli_int(s->app, "--size") : s->info.image_px;
    s->job.unit = "images";
    s->job.fill = fill;
    s->job.take = take;
    s->job.user = s;
    s->job.want = cli_set(s->app, "--save");
    s->job.one_block = cli_has(s->app, "--layer");
    s->job.layer = s->job.one_block ? cli_int(s->app, "--layer") : -1;
    s->job.h = s->job.w = size;
    s->resize = cli_choice(s->app, "--fit") ? 0 : (size * 256 + 112) / 224;
    if (s->job.layer >= s->info.depth)
        return cli_error(s->app, CLI_USAGE, "--layer %d: the blocks are 0 to %d", s->job.layer,
                         s->info.depth - 1);
    if (!path && size % s->info.patch_px)
        return cli_error(s->app, CLI_USAGE, "--size %d is no multiple of the patch of %d", size,
                         s->info.patch_px);
    if (path) code = cli_read_tensor(s->app, path, &s->tensor, &s->names, &s->job.h, &s->job.w);
    s->job.count = s->names.count;
    return code;
}
/* Refuses what the checkpoint does not have; opens the rest. */
static int open_outputs(embed *s)
{
    const char *folder = cli_text(s->app, "--out");
    char word[64], name[80];
    int k, code = CLI_OK;
    for (k = 0; k < CLI_KINDS; ++k) {
        if (!(s->job.want & CLI_BIT(k))) continue;
        s->out[k].ndim = cli_shape(&s->job, k, s->job.count, s->out[k].shape);
        if (s->out[k].ndim) continue;
        (void)cli_word(CLI_KIND_WORDS, k, word, sizeof word);
        return cli_error(s->app, CLI_INPUT, "%s: this %s checkpoint has no %s output",
                         cli_text(s->app, "--weights") ? cli_text(s->app, "--weights") : "--random",
                         s->info.recipe, word);
    }
    code = cli_make_folder(s->app, folder);
    if (!code) code = cli_file_open(s->app, &s->list, folder, "files.txt");
    for (k = 0; !code && cli_word(CLI_KIND_WORDS, k, word, sizeof word); ++k) {
        snprintf(name, sizeof name, "%s.npy", word);
        if (s->out[k].ndim) code = cli_npy_open(s->app, &s->out[k], folder, name);
    }
    return code;
}
static int finish(embed *s)
{
    cli_result r = CLI_EMPTY_RESULT;
    int k, code = CLI_OK;
    for (k = 0; !code && k < CLI_KINDS; ++k) {
        if (!s->out[k].ndim) continue;
        code = cli_npy_keep(s->app, &s->out[k], s->rows);
        cli_put_npy(&r, &s->out[k]);
    }
    if (!code) code = cli_file_keep(s->app, &s->list);
    cli_put(&r, "images", cli_n(s->rows));
    cli_put(&r, "skipped", cli_n(s->skipped));
    cli_put(&r, "fit", cli_s(s->tensor ? "none: tensor as is" : cli_text(s->app, "--fit")));
    cli_put_settings(s->app, &r, &s->info, s->job.h);
    if (!code) code = cli_print(s->app, &r);
    cli_result_free(&r);
    return !code && s->skipped ? CLI_PARTIAL : code;
}
int main(int argc, char **argv)
{
    cli app;
    embed s;
    paw_model *model = NULL;
    int k, code;
    cli_start(&app, argc, argv, &program);
    memset(&s, 0, sizeof s);
    s.app = &app;
    code = cli_either(&app, "--images", "--tensor");
    if (!code) code = cli_images(&app, "--images", &s.names);
    if (!code) code = cli_load(&app, &model, &s.info);
    s.job.model = model;
    if (!code) code = open_input(&s);
    if (!code) code = open_outputs(&s);
    if (!code) code = cli_encode(&app, &s.job);
    if (!code && !s.rows) code = cli_error(&app, CLI_INPUT, "none of the images can be read");
    if (!code) code = finish(&s);
    for (k = 0; k < CLI_KINDS; ++k) cli_file_drop(&s.out[k].file);
    cli_file_drop(&s.list);
    cli_paths_free(&s.names);
    free(s.tensor);
    paw_model_free(model);
    return cli_end(&app, code);
}
