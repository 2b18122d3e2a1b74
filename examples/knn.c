#define _POSIX_C_SOURCE 200809L
/* knn.c - classes by the votes of the nearest neighbours, from the features of object_retrieval.
 * Build: cc -O2 -I. -o knn examples/knn.c -lsleef -lm -lpthread
 * Run:   ./knn --dataset folder --root imagenet --weights dino.pth --k 10,20,100
 *        ./knn --dataset cifar10 --root cifar-10-batches-bin --split all --weights dino.pth
 * Training items classify test items, or all others an item where there is one split only. Votes
 * weigh exp(cosine / temperature), as in DINO's eval_knn.py. The paper has no such figures. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "cli.h"
#include "report.h"

static const cli_option options[] = {
    { "--dataset", "cifar10|coco|folder|list", CLI_CHOICE, "cifar10", 0, 0,
      "CIFAR-10; objects of COCO; a sub-folder a class; CSV of path, label" },
    CLI_DATA_OPTIONS,
    { "--k", "N,...", CLI_STR, "10,20,100,200", 0, 0, "numbers of neighbours" },
    { "--temperature", "X", CLI_REAL, "0.07", 1e-3, 1e3, "of the votes: exp(cosine / X)" },
    { "--vote", "exp|one", CLI_CHOICE, "exp", 0, 0, "one: every neighbour counts the same" },
    CLI_MODEL_OPTIONS, CLI_RANDOM_OPTION, REPORT_FEATURE_OPTION, REPORT_OPTION, CLI_ITEM_OPTIONS,
    CLI_STORE_OPTIONS, CLI_ENCODE_OPTIONS, CLI_RUN_OPTIONS, CLI_RESULT_OPTIONS
};
CLI_PROGRAM("knn", "--root DIR (--weights FILE | --random deit_tiny) [options]",
            "Classifies by the nearest neighbours among frozen features.\n");

static paw_index_fn *const datasets[] = { paw_index_cifar10, paw_index_coco_objects,
                                          paw_index_folders, paw_index_list };
enum { MAX_K = 16 };
typedef struct {
    report_retrieval d;
    size_t k[MAX_K], ks, gallery, queries; /* gallery 0: every item by all others */
    int32_t *labels, *predicted;           /* gallery's, then the queries' */
} knn;

static int parse(cli *app, knn *s)
{
    const char *w = cli_text(app, "--k");
    char *end;
    for (s->ks = 0; s->ks < MAX_K; ++w) {
        s->k[s->ks] = strtoul(w, &end, 10);
        if (!isdigit((unsigned char)*w) || !s->k[s->ks] || (*end && *end != ',')) break;
        ++s->ks;
        w = end;
        if (!*w) return CLI_OK;
    }
    return cli_error(app, CLI_USAGE, "--k '%s' is not a list of up to %d numbers",
                     cli_text(app, "--k"), MAX_K);
}
/* Rows of x with the gallery first; labels follow. */
static float *split(knn *s, const report_feature *f)
{
    const paw_index *x = &s->d.items.index;
    float *out = (float *)cli_alloc(x->count * f->dim, sizeof *out);
    size_t i, at = 0;
    int query;
    for (query = 0; out && query < 2; ++query)
        for (i = 0; i < x->count; ++i) {
            if ((s->gallery && !x->items[i].train) != query) continue;
            memcpy(out + at * f->dim, f->x + i * f->dim, f->dim * sizeof *out);
            s->labels[at++] = x->items[i].label;
        }
    return out;
}
static int classify(knn *s, cli_result *r)
{
    static const cli_column columns[] = { { "feature, k", "k" }, { "top-1", "top1" },
                                          { "top-5", "top5" } };
    static const cli_table table = { NULL, columns, 3 };
    const int classes = s->d.items.index.classes;
    const size_t n = s->gallery ? s->gallery : s->queries;
    cli *app = s->d.app;
    float *votes = (float *)cli_alloc(s->queries * (size_t)classes, sizeof *votes), *x = NULL;
    const int32_t *truth = s->labels + s->gallery;
    const double percent = 100.0 / (double)s->queries;
    int top, feature, code = votes ? CLI_OK : cli_no_memory(app);
    size_t j;
    for (feature = 0; !code && feature < REPORT_FEATURES; ++feature) {
        const report_feature *f = &s->d.f[feature];
        if (f->x && !(x = split(s, f))) code = cli_no_memory(app);
        for (j = 0; f->x && !code && j < s->ks; ++j) {
            const paw_knn_opts o = { s->k[j], cli_choice(app, "--vote"),
                                     (float)cli_real(app, "--temperature"), !s->gallery };
            char name[64];
            paw_err e;
            if (s->k[j] > n - !s->gallery) continue;
            e = paw_knn(app->ctx, x + s->gallery * f->dim, s->queries, x, s->labels, n, f->dim,
                        classes, &o, s->predicted, votes);
            if (e && (code = cli_fail(app, e)) != CLI_OK) break;
            snprintf(name, sizeof name, "%s, %lu", f->name, (unsigned long)o.k);
            cli_cell(r, &table, cli_s(name));
            for (top = 1; top <= 5; top += 4)
                cli_cell(r, &table, o.k < (size_t)top ? cli_none() :
                         cli_r(percent * (double)paw_topk_correct(votes, truth, s->queries, classes,
                                                                  top), 2));
        }
        if (f->x) free(x);
    }
    free(votes);
    return code;
}
static int run(knn *s)
{
    const char *folder = cli_text(s->d.app, "--report");
    const paw_index *x = &s->d.items.index;
    cli_result r = CLI_EMPTY_RESULT;
    int code;
    size_t i;
    for (i = 0; i < x->count; ++i) s->gallery += x->items[i].train != 0;
    if (s->gallery == x->count) s->gallery = 0;
    s->queries = x->count - s->gallery;
    s->labels = (int32_t *)cli_alloc(x->count, sizeof *s->labels);
    s->predicted = (int32_t *)cli_alloc(s->queries, sizeof *s->predicted);
    code = s->labels && s->predicted ? classify(s, &r) : cli_no_memory(s->d.app);
    if (!code && !r.count) code = cli_error(s->d.app, CLI_USAGE, "--k: more than there are");
    cli_put(&r, "gallery", cli_n(s->gallery ? s->gallery : x->count - 1));
    cli_put(&r, "queries", cli_n(s->queries));
    cli_put(&r, "split_by", cli_s(s->gallery ? "training items" : "leave one out"));
    cli_put(&r, "vote", cli_s(cli_text(s->d.app, "--vote")));
    cli_put(&r, "temperature", cli_r(cli_real(s->d.app, "--temperature"), -1));
    report_put_settings(&s->d, &r);
    cli_put(&r, "notes[]", cli_s("the paper has no k-NN figures"));
    if (!code && folder) code = report_write_rows(&s->d, &r, folder);
    if (!code) code = cli_print(s->d.app, &r);
    cli_result_free(&r);
    return code ? code : s->d.items.bad_count || s->d.items.missing ? CLI_PARTIAL : CLI_OK;
}
int main(int argc, char **argv)
{
    cli app;
    knn s;
    paw_model *model = NULL;
    int code;
    cli_start(&app, argc, argv, &program);
    memset(&s, 0, sizeof s);
    s.d.app = s.d.items.app = &app;
    s.d.title = "Nearest neighbours";
    s.d.lead = "Items get the class that their nearest neighbours among frozen features vote for.";
    code = parse(&app, &s);
    if (!code) code = cli_items_open(&app, &s.d.items, datasets);
    if (!code) code = cli_load(&app, &model, &s.d.info);
    if (!code) code = report_encode(&s.d, model);
    if (!code) code = cli_first(&app);
    if (!code) code = run(&s);
    free(s.labels);
    free(s.predicted);
    report_retrieval_free(&s.d);
    paw_model_free(model);
    return cli_end(&app, code);
}
