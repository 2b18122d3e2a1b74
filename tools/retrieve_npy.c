#define _POSIX_C_SOURCE 200809L
/* retrieve_npy.c - average precision of every row of a feature file as a query.
 * Build: cc -O2 -I. -o retrieve_npy tools/retrieve_npy.c -lsleef -lm -lpthread
 * Run:   ./retrieve_npy --features F.npy --labels L.npy
 * Prints a line a query, seventeen digits; nan where a query has no relevant row. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "../examples/cli.h"

static const cli_option options[] = {
    {"--features", "FILE", CLI_STR | CLI_REQUIRED, NULL, 0, 0, "rows of features, .npy"},
    {"--labels", "FILE", CLI_STR | CLI_REQUIRED, NULL, 0, 0, "a whole number a row, .npy"},
    {"--exclude-query", NULL, CLI_FLAG, NULL, 0, 0, "a query is not among what it finds"},
    CLI_RUN_OPTIONS
};
CLI_PROGRAM("retrieve_npy", "--features FILE --labels FILE [options]",
            "Prints the average precision of every row, to be compared with other programs'.\n");

/* The one array of a file as floats or whole numbers; ndim: what it must have. */
static int read_array(cli *app, const char *path, int ndim, int as, size_t size,
                      paw_tensor_info *info, void **data)
{
    paw_tensors *t = NULL;
    paw_err e = paw_tensors_open(app->ctx, path, &t);
    int code = CLI_OK;
    if (!e) e = paw_tensors_info(t, 0, info);
    if (!e && info->ndim != ndim)
        code = cli_error(app, CLI_INPUT, "%s: %d dimensions, not %d", path, info->ndim, ndim);
    if (!e && !code && !(*data = cli_alloc(info->count, size))) code = cli_no_memory(app);
    if (!e && !code) e = paw_tensors_read(app->ctx, t, 0, as, *data, info->count);
    paw_tensors_close(t);
    return e ? cli_fail_input(app, e) : code;
}
static int run(cli *app, float *x, const int64_t *wide, size_t n, size_t dim)
{
    int32_t *labels = (int32_t *)cli_alloc(n, sizeof *labels);
    double *ap = (double *)cli_alloc(n, sizeof *ap);
    int code = labels && ap ? CLI_OK : cli_no_memory(app);
    paw_err e = PAW_OK;
    size_t i;
    for (i = 0; !code && i < n; ++i) {
        if (wide[i] < INT32_MIN || wide[i] > INT32_MAX)
            code = cli_error(app, CLI_INPUT, "%s: label of row %zu is out of range",
                             cli_text(app, "--labels"), i);
        else labels[i] = (int32_t)wide[i];
    }
    if (!code)
        e = paw_retrieval_ap(app->ctx, x, n, dim, labels, cli_has(app, "--exclude-query"), ap);
    if (e) code = cli_fail_input(app, e);
    for (i = 0; !code && i < n; ++i) printf("%.17g\n", ap[i]);
    free(labels);
    free(ap);
    return code;
}
int main(int argc, char **argv)
{
    paw_tensor_info x, y;
    void *features = NULL, *labels = NULL;
    cli app;
    int code;
    cli_start(&app, argc, argv, &program);
    code = read_array(&app, cli_text(&app, "--features"), 2, PAW_F32, sizeof(float), &x, &features);
    if (!code)
        code = read_array(&app, cli_text(&app, "--labels"), 1, PAW_I64, sizeof(int64_t), &y,
                          &labels);
    if (!code && x.shape[0] != y.count)
        code = cli_error(&app, CLI_INPUT, "%zu rows of features, %zu labels", x.shape[0], y.count);
    if (!code)
        code = run(&app, (float *)features, (const int64_t *)labels, y.count, x.shape[1]);
    free(features);
    free(labels);
    return cli_end(&app, code);
}
