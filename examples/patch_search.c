#define _POSIX_C_SOURCE 200809L
/* patch_search.c - which patches does an encoder find alike? Figures 2 and 4 of the paper.
 * Build: cc -O2 -I. -o patch_search examples/patch_search.c -lsleef -lm -lpthread
 * Run:   ./patch_search --images imagenet/val --weights dino.pth --query 3:24 a.jpg:16 --report DIR
 * Every image gives 49 windows, 7 x 7, of its centre enlarged four times. A query is an image (its
 * number from 0, or its file name) and a window. DIR gets a sheet for every query and feature in
 * the paper's layout, IMAGE_PATCH_FEATURE.png, and report.html: encoded and projected side by side,
 * every window of a query's image to click on, and how far the neighbours follow the colour. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "cli.h"
#include "report.h"

static const cli_option options[] = {
    { "--images", "DIR|FILE...", CLI_LIST | CLI_REQUIRED, NULL, 0, 0,
      "JPEG and PNG files, or folders of them, or one folder of class folders" },
    { "--limit", "N", CLI_INT, NULL, 1, 1e9, "only the first N images" },
    { "--query", "IMAGE:PATCH...", CLI_LIST, NULL, 0, 0,
      "images by number or name, patches 0 to 48; else the middle of three images" },
    { "--top", "N", CLI_INT, "24", 1, 84, "neighbours on a sheet; the released code has 84" },
    { "--other-images", NULL, CLI_FLAG, NULL, 0, 0, "leave out windows of the query's own image" },
    { "--feature", "cls|mean|projected|bottleneck", CLI_SET, NULL, 0, 0,
      "what to compare, with commas between; else cls, mean, and projected where there is one" },
    { "--sample", "N", CLI_INT, "200", 1, 100000, "queries that the colour is measured on" },
    REPORT_OPTION, CLI_SKIP_OPTION, CLI_MODEL_OPTIONS, CLI_RANDOM_OPTION, CLI_STORE_OPTIONS,
    CLI_ENCODE_OPTIONS, CLI_RUN_OPTIONS, CLI_RESULT_OPTIONS
};
CLI_PROGRAM("patch_search", "--images DIR (--weights FILE | --random deit_tiny) [options]",
            "Finds the patches nearest to a patch, and says whether they share its colour.\n");

static const char *const names[] = { "cls", "mean", "projected", "bottleneck" };
static const int kinds[] = { CLI_CLS, CLI_MEAN, CLI_COSINE, CLI_BOTTLENECK };
typedef struct {
    search s;
    unsigned set;        /* bit i: names[i] */
    search_hits queries; /* positions asked for; hits[i]: of names[i] */
    search_hits hits[SEARCH_FEATURES];
    search_colour_result colour[SEARCH_FEATURES];
} program_state;

static int features(program_state *p, const paw_model *model, unsigned *want)
{
    int k;
    p->set = cli_set(p->s.app, "--feature");
    if (!p->set) p->set = 3u | (p->s.info.projected ? 4u : 0u);
    for (k = 0, *want = 0; k < SEARCH_FEATURES; ++k) {
        const int head = cli_head(kinds[k]);
        if (!(p->set >> k & 1)) continue;
        *want |= CLI_BIT(kinds[k]);
        if (head >= 0 && !paw_project_dim(model, head))
            return cli_error(p->s.app, CLI_INPUT, "this %s checkpoint has no %s output",
                             p->s.info.recipe, names[k]);
    }
    return CLI_OK;
}
/* Neighbours of the queries, and of the sample whose colour is measured. */
static int find(program_state *p)
{
    cli *app = p->s.app;
    const size_t n = p->s.f.good, sample = (size_t)cli_int(app, "--sample");
    float *hue = (float *)cli_alloc(n * SEARCH_HUE, sizeof *hue);
    search_hits h;
    size_t i;
    int k, code = hue ? search_colour(&p->s) : cli_no_memory(app);
    if (!code && paw_store_read(app->ctx, p->s.hue, p->s.f.rows, n, PAW_F32, hue))
        code = cli_fail(app, PAW_E_IO);
    memset(&h, 0, sizeof h);
    if (!code) code = search_hits_new(app, &h, sample < n ? sample : n, 24);
    for (i = 0; !code && i < h.count; ++i) /* spread over images and windows */
        h.query[i] = (i * n / h.count + paw_hash(&i, sizeof i, 1) % (n / h.count)) % n;
    for (k = 0; !code && k < SEARCH_FEATURES; ++k) {
        if (!(p->set >> k & 1)) continue;
        code = search_hits_new(app, &p->hits[k], p->queries.count, p->queries.k);
        if (code) break;
        memcpy(p->hits[k].query, p->queries.query, p->queries.count * sizeof *p->queries.query);
        code = search_nearest(&p->s, kinds[k], cli_has(app, "--other-images"), &p->hits[k]);
        if (!code) code = search_nearest(&p->s, kinds[k], 1, &h);
        if (!code) code = search_colour_of(&p->s, &h, hue, &p->colour[k]);
    }
    search_hits_free(&h);
    free(hue);
    return code;
}
static int finish(program_state *p)
{
    const char *folder = cli_text(p->s.app, "--report");
    cli_result r = CLI_EMPTY_RESULT;
    size_t zeros = 0;
    int k, code = CLI_OK;
    for (k = 0; k < SEARCH_FEATURES; ++k) {
        if (!(p->set >> k & 1)) continue;
        search_put(&p->s, &r, names[k], &p->colour[k]);
        report_say_zeros(p->s.app, names[k], p->s.zeros[kinds[k]], p->s.f.good);
        zeros += p->s.zeros[kinds[k]];
    }
    search_put_settings(&p->s, zeros, &r);
    if (folder)
        code = search_write(&p->s, &r, folder, names, kinds, p->hits, p->colour, p->set,
                            &p->queries);
    if (!code) code = cli_print(p->s.app, &r);
    cli_result_free(&r);
    return !code && p->s.f.good < p->s.f.job.count ? CLI_PARTIAL : code;
}

int main(int argc, char **argv)
{
    cli app;
    program_state p;
    paw_model *model = NULL;
    unsigned want = 0;
    int k, code;
    cli_start(&app, argc, argv, &program);
    memset(&p, 0, sizeof p);
    p.s.app = &app;
    code = search_open(&p.s);
    if (!code) code = search_check_queries(&p.s);
    if (!code) code = cli_load(&app, &model, &p.s.info);
    p.s.px = p.s.info.image_px;
    if (!code) code = features(&p, model, &want);
    if (!code) code = search_encode(&p.s, model, want);
    if (!code) code = cli_first(&app);
    if (!code) code = search_queries(&p.s, (size_t)cli_int(&app, "--top"), &p.queries);
    if (!code) code = find(&p);
    if (!code) code = finish(&p);
    search_hits_free(&p.queries);
    for (k = 0; k < SEARCH_FEATURES; ++k) search_hits_free(&p.hits[k]);
    search_free(&p.s);
    paw_model_free(model);
    return cli_end(&app, code);
}
