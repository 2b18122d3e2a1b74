#define _POSIX_C_SOURCE 200809L
/* load.c - how long paw_model_load takes, next to copying as many bytes in memory.
 * Build: cc -O2 -I. -o load bench/load.c -lsleef -lm -lpthread
 * Run:   ./load              (writes a seeded ViT-B of 343 MB in two formats, removed at the end)
 *        ./load --weights FILE.pth
 * Prints rows for load, first feature, read and memcpy; all but the last with their ratio to
 * memcpy, first_feature with the highest memory use of a process that does nothing else. */
#include "bench.h"
#include "torch.h"
#include <sys/resource.h>
#include <sys/wait.h>

static const cli_option options[] = {
    {"--weights", "FILE", CLI_STR, NULL, 0, 0, "checkpoint to load instead; it stays as it is"},
    {"--tmp", "DIR", CLI_STR, "build/bench", 0, 0, "folder for the seeded ones, made if needed"},
    {"--keep", NULL, CLI_FLAG, NULL, 0, 0, "leave the seeded ones there"},
    BENCH_THREADS_OPTION,
    BENCH_OPTIONS
};
CLI_PROGRAM("load", "[--weights FILE | --tmp DIR] [options]",
            "Measures paw_model_load of a file that is in the page cache: reading, checking and\n"
            "packing; first_feature: the same and one image encoded. GB/s counts the bytes of\n"
            "the file once. Peak RSS is that of a process which does only this.\n\n" BENCH_ABOUT
            "Here it is % of memcpy, on one thread; ratio: how many times longer than memcpy.\n");

typedef struct {
    cli *app;
    const char *path;
    float *from, *to; /* as many bytes as the file has */
    size_t bytes;
    double peak_rss, packed; /* bytes */
    paw_err error;           /* of the last call */
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

/* The files are no cache: every run writes them, so that a stale one cannot be measured. */
static int write_seeded(cli *app, const char *safetensors, const char *torch)
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
    if (!e) e = paw_model_convert(app->ctx, t, NULL, safetensors);
    if (!e) e = torch_save(app->ctx, t, torch);
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

static paw_err features(paw_ctx *c, const char *path, float *cls, size_t most,
                        paw_model_info *info)
{
    paw_model *m = NULL;
    paw_outputs out;
    float *chw;
    size_t k, n;
    paw_err e = paw_model_load(c, path, NULL, &m);
    if (e) return e;
    paw_model_describe(m, info);
    n = 3 * (size_t)info->image_px * (size_t)info->image_px;
    memset(&out, 0, sizeof out);
    out.cls = cls;
    chw = (float *)paw__alloc(c, n, sizeof *chw);
    for (k = 0; chw && k < n; ++k) chw[k] = (float)(k * 2654435761u >> 7 & 255) / 64 - 2;
    if (!chw) e = PAW_E_OOM;
    else if ((size_t)info->dim > most) e = paw__fail(c, PAW_E_LIMIT, "%s: too wide", path);
    else e = paw_encode(m, c, chw, 1, info->image_px, info->image_px, &out);
    paw__free(chw);
    paw_model_free(m);
    return e;
}
static void feature_call(void *arg)
{
    load *s = (load *)arg;
    float cls[4096];
    paw_model_info info;
    s->error = features(s->app->ctx, s->path, cls, 4096, &info);
}
static int check(load *s)
{
    float a[4096], b[4096];
    paw_model_info info;
    size_t i;
    int same;
    paw_err e = features(s->app->ctx, s->path, a, 4096, &info);
    if (!e) e = features(s->app->ctx, s->path, b, 4096, &info);
    if (e) return cli_fail(s->app, e);
    same = !memcmp(a, b, (size_t)info.dim * sizeof *a);
    for (i = 0; i < (size_t)info.dim; ++i) same = same && a[i] - a[i] == 0;
    return same ? CLI_OK
                : cli_error(s->app, BENCH_REFUSED, "self-check failed: %s does not load twice to "
                            "the same finite features; nothing was measured", s->path);
}

/* In a process of its own, started before this one holds the copies: from checkpoint to feature. */
static void measure_memory(load *s)
{
    double result[2] = {0, 0}; /* peak, packed */
    int ends[2];
    pid_t child;
    if (pipe(ends)) return;
    child = fork();
    if (!child) {
        float cls[4096];
        paw_config config;
        paw_ctx *c = NULL;
        paw_model_info info;
        struct rusage use;
        memset(&config, 0, sizeof config);
        config.threads = paw_threads_used(s->app->ctx);
        if (!paw_create(&config, &c) && !features(c, s->path, cls, 4096, &info) &&
            !getrusage(RUSAGE_SELF, &use)) {
            result[0] = (double)use.ru_maxrss * 1024;
            result[1] = (double)info.packed_bytes;
        }
        _exit(write(ends[1], result, sizeof result) != (ssize_t)sizeof result);
    }
    (void)close(ends[1]);
    if (child > 0 && read(ends[0], result, sizeof result) == (ssize_t)sizeof result) {
        s->peak_rss = result[0];
        s->packed = result[1];
    }
    (void)close(ends[0]);
    if (child > 0) (void)waitpid(child, NULL, 0);
}

static int run_row(bench *b, load *s, const char *name, bench_fn *fn, int reference)
{
    const int library = fn == load_call || fn == feature_call;
    const int threads = library ? paw_threads_used(s->app->ctx) : 1;
    bench_row r = bench_row_of(name, BENCH_NO_ISA, threads, fn, s);
    int code;
    snprintf(r.shape, sizeof r.shape, "%.40s", cli_base(s->path));
    r.bytes = (double)s->bytes;
    r.reference = reference;
    r.working = 2 * s->bytes;
    r.peak_rss = fn == feature_call ? s->peak_rss : 0;
    r.packed = fn == feature_call ? s->packed : 0;
    code = bench_run(b, &r);
    return !code && s->error ? cli_fail(s->app, s->error) : code;
}
/* The rows of one file; memcpy after the last one's. */
static int measure(bench *b, load *s, int last)
{
    int code;
    measure_memory(s);
    code = open_file(s);
    if (!code) code = check(s);
    if (!code && !b->app) bench_start(b, s->app);
    if (!code) code = run_row(b, s, "model_load", load_call, BENCH_COPY);
    if (!code) code = run_row(b, s, "first_feature", feature_call, BENCH_COPY);
    if (!code) code = run_row(b, s, "file_read", read_call, BENCH_COPY);
    if (!code && last) code = run_row(b, s, "memcpy", copy_call, BENCH_NONE);
    paw__free(s->from);
    paw__free(s->to);
    s->from = s->to = NULL;
    return code;
}
int main(int argc, char **argv)
{
    cli app;
    bench b;
    load s;
    char seeded[2][1100];
    const char *given;
    int code = CLI_OK;
    cli_start(&app, argc, argv, &program);
    memset(&s, 0, sizeof s);
    memset(&b, 0, sizeof b);
    s.app = &app;
    given = cli_text(&app, "--weights");
    snprintf(seeded[0], sizeof seeded[0], "%.1000s/seeded_vitb.safetensors",
             cli_text(&app, "--tmp"));
    snprintf(seeded[1], sizeof seeded[1], "%.1000s/seeded_vitb.pth", cli_text(&app, "--tmp"));
    s.path = given ? given : seeded[0];
    if (!given) code = make_folders(&app, cli_text(&app, "--tmp"));
    if (!given && !code) code = write_seeded(&app, seeded[0], seeded[1]);
    if (!code) code = measure(&b, &s, given != NULL);
    s.path = seeded[1];
    if (!given && !code) code = measure(&b, &s, 1);
    if (b.app) code = bench_end(&b, code);
    if (!given && !cli_has(&app, "--keep")) {
        (void)remove(seeded[0]);
        (void)remove(seeded[1]);
    }
    return cli_end(&app, code);
}
