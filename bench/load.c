#define _POSIX_C_SOURCE 200809L
/* load.c - how long paw_model_load takes, next to copying as many bytes in memory.
 * Build: cc -O2 -I. -o load bench/load.c -lsleef -lm -lpthread
 * Run:   ./load                      (writes a seeded ViT-B of 343 MB, and removes it at the end)
 *        ./load --weights FILE.pth
 * Prints rows for load, read and memcpy; the first two with their ratio to memcpy. */
#include "bench.h"

static const cli_option options[] = {
    {"--weights", "FILE", CLI_STR, NULL, 0, 0, "checkpoint to load instead; it stays as it is"},
    {"--tmp", "DIR", CLI_STR, "build/bench", 0, 0, "folder for the seeded one, made if needed"},
    {"--keep", NULL, CLI_FLAG, NULL, 0, 0, "leave the seeded one there"},
    BENCH_THREADS_OPTION,
    BENCH_OPTIONS
};
CLI_PROGRAM("load", "[--weights FILE | --tmp DIR] [options]",
            "Measures paw_model_load of a file that is in the page cache: reading, checking and\n"
            "packing. GB/s counts the bytes of the file once.\n\n" BENCH_ABOUT
            "Here it is % of memcpy, on one thread; ratio: how many times longer than memcpy.\n");

typedef struct {
    cli *app;
    const char *path;
    float *from, *to; /* as many bytes as the file has */
    size_t bytes;
    paw_err error; /* of the last call */
} load;

static void load_call(void *arg)
{
    load *s = (load *)arg;
    paw_model *m = NULL;
    if (!(s->error = paw_model_load(s->app->ctx, s->path, NULL, &m))) paw_model_free(m);
}
static void read_call(void *arg)
{
    load *s = (load *)arg;
    FILE *f = fopen(s->path, "rb");
    if (!f || fread(s->from, 1, s->bytes, f) != s->bytes)
        s->error = paw__fail(s->app->ctx, PAW_E_IO, "%s: cannot be read", s->path);
    if (f) fclose(f);
}
static void copy_call(void *arg)
{
    load *s = (load *)arg;
    memcpy(s->to, s->from, s->bytes);
    __asm__ volatile("" : : "r"(s->to) : "memory");
}

/* The file is no cache: every run writes it, so that a stale one cannot be measured. */
static int write_seeded(cli *app, const char *path)
{
    paw_random_spec spec;
    paw_tensors *t = NULL;
    paw_err e;
    memset(&spec, 0, sizeof spec);
    spec.recipe = PAW_DEIT;
    spec.image_px = 224;
    spec.patch_px = 16;
    spec.dim = 768;
    spec.depth = 12;
    spec.seed = 1;
    e = paw_tensors_random(app->ctx, &spec, &t);
    if (!e) e = paw_model_convert(app->ctx, t, NULL, path);
    paw_tensors_close(t);
    return e ? cli_fail(app, e) : CLI_OK;
}
static int make_folders(cli *app, const char *path)
{
    char part[1024];
    size_t i;
    int code = CLI_OK;
    for (i = 1; !code && path[i - 1] && i < sizeof part; ++i) {
        if (path[i] && path[i] != '/') continue;
        snprintf(part, sizeof part, "%.*s", (int)i, path);
        code = cli_make_folder(app, part);
    }
    return code;
}
static int open_file(load *s)
{
    struct stat info;
    if (stat(s->path, &info) || !S_ISREG(info.st_mode) || info.st_size <= 0)
        return cli_error(s->app, CLI_INPUT, "%s: not a file with content", s->path);
    s->bytes = (size_t)info.st_size;
    s->from = (float *)paw__calloc(s->app->ctx, s->bytes, 1);
    s->to = (float *)paw__calloc(s->app->ctx, s->bytes, 1);
    return s->from && s->to ? CLI_OK : cli_no_memory(s->app);
}

/* ---- self-check: the file loads, twice to the same class features ---- */

static int features(load *s, float *cls, size_t most, size_t *dim)
{
    paw_model *m = NULL;
    paw_model_info i;
    paw_outputs out;
    float *chw = NULL;
    size_t k, n;
    paw_err e = paw_model_load(s->app->ctx, s->path, NULL, &m);
    if (e) return cli_fail(s->app, e);
    paw_model_describe(m, &i);
    n = 3 * (size_t)i.image_px * (size_t)i.image_px;
    *dim = (size_t)i.dim;
    memset(&out, 0, sizeof out);
    out.cls = cls;
    chw = (float *)paw__alloc(s->app->ctx, n, sizeof *chw);
    for (k = 0; chw && k < n; ++k) chw[k] = (float)(k * 2654435761u >> 7 & 255) / 64 - 2;
    if (!chw || *dim > most) e = PAW_E_OOM;
    else e = paw_encode(m, s->app->ctx, chw, 1, i.image_px, i.image_px, &out);
    paw__free(chw);
    paw_model_free(m);
    return e ? cli_fail(s->app, e) : CLI_OK;
}
static int check(load *s)
{
    float a[4096], b[4096];
    size_t i, dim = 0;
    int same, code = features(s, a, 4096, &dim);
    if (!code) code = features(s, b, 4096, &dim);
    if (code) return code;
    same = !memcmp(a, b, dim * sizeof *a);
    for (i = 0; i < dim; ++i) same = same && a[i] - a[i] == 0;
    return same ? CLI_OK
                : cli_error(s->app, BENCH_REFUSED, "self-check failed: %s does not load twice to "
                            "the same finite features; nothing was measured", s->path);
}

static int run_row(bench *b, load *s, const char *name, bench_fn *fn, int reference)
{
    const int threads = fn == load_call ? paw_threads_used(s->app->ctx) : 1;
    bench_row r = bench_row_of(name, BENCH_NO_ISA, threads, fn, s);
    int code;
    snprintf(r.shape, sizeof r.shape, "%.40s", cli_base(s->path));
    r.bytes = (double)s->bytes;
    r.reference = reference;
    r.working = 2 * s->bytes;
    code = bench_run(b, &r);
    return !code && s->error ? cli_fail(s->app, s->error) : code;
}
static int measure(load *s)
{
    bench b;
    int code = open_file(s);
    if (!code) code = check(s);
    if (code) return code;
    bench_start(&b, s->app);
    code = run_row(&b, s, "model_load", load_call, BENCH_COPY);
    if (!code) code = run_row(&b, s, "file_read", read_call, BENCH_COPY);
    if (!code) code = run_row(&b, s, "memcpy", copy_call, BENCH_NONE);
    return bench_end(&b, code);
}
int main(int argc, char **argv)
{
    cli app;
    load s;
    char path[1100];
    const char *given;
    int code = CLI_OK;
    cli_start(&app, argc, argv, &program);
    memset(&s, 0, sizeof s);
    s.app = &app;
    given = cli_text(&app, "--weights");
    snprintf(path, sizeof path, "%.1000s/seeded_vitb.safetensors", cli_text(&app, "--tmp"));
    s.path = given ? given : path;
    if (!given) code = make_folders(&app, cli_text(&app, "--tmp"));
    if (!given && !code) code = write_seeded(&app, path);
    if (!code) code = measure(&s);
    if (!given && !cli_has(&app, "--keep")) (void)remove(path);
    paw__free(s.from);
    paw__free(s.to);
    return cli_end(&app, code);
}
