#define _POSIX_C_SOURCE 200809L
/* convert.c - a published checkpoint as .safetensors with what the encoder needs, and no more.
 * Build: cc -O2 -I. -o convert examples/convert.c -lsleef -lm -lpthread
 * Run:   ./convert --weights dino_vitbase16_pretrain_full_checkpoint.pth --out dino.safetensors
 * Prints what was found: recipe, sizes, parameters. --list prints the tensors of any .pth,
 * .safetensors or .npy instead and writes nothing. Nothing in a .pth is ever executed. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "cli.h"

static const cli_option options[] = {
    CLI_MODEL_OPTIONS,
    { "--out", "FILE.safetensors", CLI_STR, NULL, 0, 0, "file to write" },
    { "--list", NULL, CLI_FLAG, NULL, 0, 0, "print the tensors of --weights and write nothing" },
    CLI_RUN_OPTIONS, CLI_RESULT_OPTIONS
};
CLI_PROGRAM("convert", "--weights FILE (--out FILE.safetensors | --list) [options]",
            "Converts a torch checkpoint to safetensors, or lists its tensors.\n");

static const char *dtype_name(int dtype)
{
    static const char *const names[] = { "float32", "float64", "float16", "bfloat16", "int64",
                                         "int32", "int16", "int8", "uint8", "bool", "uint16",
                                         "uint32", "uint64" };
    return dtype >= 0 && dtype < CLI_COUNT(names) ? names[dtype] : "other";
}
static int list(cli *app, const paw_tensors *t, cli_result *r)
{
    static const cli_column columns[] = { { "tensor", "tensor" }, { "dtype", "dtype" },
                                          { "shape", "shape" }, { "values", "values" } };
    static const cli_table table = { "tensors", columns, 4 };
    paw_tensor_info info;
    size_t i, total = 0;
    for (i = 0; i < paw_tensors_count(t); ++i) {
        char shape[256] = "scalar";
        int k;
        const paw_err e = paw_tensors_info(t, i, &info);
        if (e) return cli_fail(app, e);
        for (k = 0; k < info.ndim; ++k)
            snprintf(shape + (k ? strlen(shape) : 0), sizeof shape - (k ? strlen(shape) : 0),
                     "%s%lu", k ? " x " : "", (unsigned long)info.shape[k]);
        cli_cell(r, &table, cli_s(info.name));
        cli_cell(r, &table, cli_s(dtype_name(info.dtype)));
        cli_cell(r, &table, cli_s(shape));
        cli_cell(r, &table, cli_n(info.count));
        total += info.count;
    }
    cli_put(r, "file", cli_s(cli_base(cli_text(app, "--weights"))));
    cli_put(r, "tensor_count", cli_n(paw_tensors_count(t)));
    cli_put(r, "value_count", cli_n(total));
    return CLI_OK;
}
static int describe(cli *app, const paw_tensors *t, cli_result *r)
{
    const paw_model_opts o = cli_model_opts(app);
    paw_model *model = NULL;
    paw_model_info m;
    const paw_err e = paw_model_from_tensors(app->ctx, t, &o, &model);
    if (e) return cli_fail_input(app, e);
    paw_model_describe(model, &m);
    cli_say_rounded(app, &m);
    cli_put(r, "from", cli_s(cli_base(cli_text(app, "--weights"))));
    cli_put(r, "to", cli_s(cli_text(app, "--out")));
    cli_put(r, "recipe", cli_s(m.recipe));
    if (!strcmp(m.recipe, "dino") || !strcmp(m.recipe, "ibot"))
        cli_put(r, "network", cli_s(cli_text(app, "--network")));
    cli_put(r, "image_px", cli_n((size_t)m.image_px));
    cli_put(r, "patch_px", cli_n((size_t)m.patch_px));
    cli_put(r, "dim", cli_n((size_t)m.dim));
    cli_put(r, "depth", cli_n((size_t)m.depth));
    cli_put(r, "heads", cli_n((size_t)m.heads));
    cli_put(r, "mlp", cli_n((size_t)m.mlp));
    cli_put(r, "classes", cli_n((size_t)m.classes));
    cli_put(r, "projected", cli_n((size_t)m.projected));
    cli_put(r, "bottleneck", cli_n((size_t)m.bottleneck));
    cli_put(r, "predicted", cli_n((size_t)m.predicted));
    cli_put(r, "parameters", cli_n(m.parameters));
    paw_model_free(model);
    return CLI_OK;
}
static int convert(cli *app, const paw_tensors *t)
{
    const paw_model_opts o = cli_model_opts(app);
    const paw_err e = paw_model_convert(app->ctx, t, &o, cli_text(app, "--out"));
    if (!e) return CLI_OK;
    return e == PAW_E_IO ? (cli_fail(app, e), (int)CLI_RESOURCE) : cli_fail_input(app, e);
}

int main(int argc, char **argv)
{
    cli app;
    cli_result r = CLI_EMPTY_RESULT;
    paw_tensors *t = NULL;
    paw_err e = PAW_OK;
    int code;
    cli_start(&app, argc, argv, &program);
    code = cli_either(&app, "--out", "--list");
    if (!code && !cli_has(&app, "--weights"))
        code = cli_error(&app, CLI_USAGE, "--weights FILE is needed");
    if (!code) e = paw_tensors_open(app.ctx, cli_text(&app, "--weights"), &t);
    if (e) code = cli_fail_input(&app, e);
    if (!code) code = cli_has(&app, "--list") ? list(&app, t, &r) : describe(&app, t, &r);
    if (!code && cli_has(&app, "--out")) code = convert(&app, t);
    if (!code) code = cli_print(&app, &r);
    cli_result_free(&r);
    paw_tensors_close(t);
    return cli_end(&app, code);
}
