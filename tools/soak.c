/* soak.c - a whole journey, again and again: encode into a store, retrieve, train heads with a save
 * after each step, load them back, predict. tools/soak.sh kills it at random moments.
 * Usage: soak DATA DIR JOURNEYS   DATA: a folder of make_creatures
 * Each journey has its folder DIR/NUMBER; what a killed one left there is taken up again. A line
 * each: "journey N hash H rss KB encoded N epochs N"; 1 at the first failure. */
#define _POSIX_C_SOURCE 200809L
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHARD = 8, BATCH = 4, PX = 64, EPOCHS = 6 };
typedef struct {
    paw_ctx *c;
    paw_index index;
    paw_model *model;
    paw_model_info info;
    uint64_t *items; /* hashes */
    paw_store *store;
    float *x; /* [count, tokens * dim] */
    int32_t *labels;
    char folder[1024];
    paw_head *head;
    char head_path[1100];
    size_t row, encoded;
    int epochs;
} journey;

static int failed(journey *j, const char *what)
{
    fprintf(stderr, "soak: %s: %s\n", what, paw_message(j->c));
    return 1;
}
static long rss_kb(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long all, mine = 0;
    if (f && fscanf(f, "%ld %ld", &all, &mine) != 2) mine = 0;
    if (f) fclose(f);
    return mine * (sysconf(_SC_PAGESIZE) / 1024);
}

static int store_open(journey *j)
{
    static const char *const about[] = { "size", "64", NULL };
    paw_store_spec spec;
    memset(&spec, 0, sizeof spec);
    spec.dir = j->folder;
    spec.name = "tokens";
    spec.about = about;
    spec.weights = paw_model_hash(j->model);
    spec.items = j->items;
    spec.count = j->index.count;
    spec.ndim = 2;
    spec.shape[0] = (size_t)j->info.tokens;
    spec.shape[1] = (size_t)j->info.dim;
    spec.shard_rows = SHARD;
    return paw_store_open(j->c, &spec, &j->store) ? failed(j, "store") : 0;
}
static int encode_shard(journey *j, size_t shard, paw_reader *reader)
{
    const size_t first = shard * SHARD, px = 3 * (size_t)PX * PX;
    const size_t n = j->index.count - first < SHARD ? j->index.count - first : SHARD;
    float *chw = (float *)malloc(SHARD * px * sizeof *chw);
    float *rows = (float *)malloc(SHARD * j->row * sizeof *rows);
    size_t i, k;
    int bad = !chw || !rows;
    for (i = 0; !bad && i < n; ++i) {
        paw_image image;
        bad = paw_reader_item(j->c, reader, &j->index.items[first + i], PX, PAW_FRAME_AUTO, &image);
        if (bad) break;
        paw_normalize(&image, paw_stats_find("imagenet"), chw + i * px);
        paw_image_free(j->c, &image);
    }
    for (i = 0; !bad && i < n; i += k) {
        paw_outputs out;
        memset(&out, 0, sizeof out);
        k = n - i < BATCH ? n - i : BATCH;
        out.tokens = rows + i * j->row;
        bad = paw_encode(j->model, j->c, chw + i * px, k, PX, PX, &out);
    }
    if (!bad) bad = paw_store_write(j->c, j->store, shard, rows);
    free(chw);
    free(rows);
    j->encoded += n;
    return bad ? failed(j, "encode") : 0;
}
static int encode(journey *j)
{
    paw_reader reader;
    paw_store_info info;
    size_t i, *rows;
    int bad = 0;
    memset(&reader, 0, sizeof reader);
    paw_store_describe(j->store, &info);
    for (i = 0; !bad && i < info.shards; ++i)
        if (!paw_store_has(j->store, i)) bad = encode_shard(j, i, &reader);
    paw_reader_free(j->c, &reader);
    rows = (size_t *)malloc(j->index.count * sizeof *rows);
    for (i = 0; rows && i < j->index.count; ++i) rows[i] = i;
    if (!rows || (!bad && paw_store_read(j->c, j->store, rows, j->index.count, PAW_F32, j->x)))
        bad = failed(j, "read");
    free(rows);
    return bad;
}
static paw_err get(void *user, int epoch, const size_t *items, size_t n, const void **rows)
{
    const journey *j = (const journey *)user;
    size_t i;
    (void)epoch;
    for (i = 0; i < n; ++i) rows[i] = j->x + items[i] * j->row;
    return PAW_OK;
}
static paw_err told(void *user, const paw_progress *p) /* a kill costs a step at most */
{
    journey *j = (journey *)user;
    j->epochs += p->step == p->steps;
    return paw_head_save(j->head, j->c, j->head_path, NULL);
}
static int train(journey *j, int kind, uint64_t *hash)
{
    const size_t n = j->index.count, classes = (size_t)j->index.classes;
    const char *name = kind == PAW_LINEAR ? "linear" : "attentive";
    float *logits = (float *)malloc(n * classes * sizeof *logits);
    paw_head *back = NULL;
    paw_features x;
    paw_head_opts o;
    FILE *f;
    int bad = !logits;
    memset(&x, 0, sizeof x);
    x.count = n;
    x.tokens = kind == PAW_LINEAR ? 1 : (size_t)j->info.tokens;
    x.labels = j->labels;
    x.get = get;
    x.user = j;
    snprintf(j->head_path, sizeof j->head_path, "%s/%s.safetensors", j->folder, name);
    paw_head_recipe(PAW_PROBE_PART, kind, &o);
    o.dim = (size_t)j->info.dim;
    o.classes = (int)classes;
    o.batch = 16;
    o.epochs = EPOCHS;
    o.warmup = 0;
    if ((f = fopen(j->head_path, "rb")) != NULL) fclose(f);
    if (!bad) bad = f ? paw_head_load(j->c, j->head_path, &j->head)
                      : paw_head_create(j->c, &o, &j->head);
    if (!bad) bad = paw_head_train(j->head, j->c, &x, told, j);
    if (!bad) bad = paw_head_load(j->c, j->head_path, &back);
    if (!bad) bad = paw_head_predict(back, j->c, &x, logits);
    if (bad) (void)failed(j, name);
    else *hash = paw_hash(logits, n * classes * sizeof *logits, *hash);
    paw_head_free(back);
    paw_head_free(j->head);
    j->head = NULL;
    free(logits);
    return bad;
}
static int retrieve(journey *j, uint64_t *hash)
{
    const size_t n = j->index.count, dim = (size_t)j->info.dim;
    float *cls = (float *)malloc(n * dim * sizeof *cls);
    double *ap = (double *)malloc(n * sizeof *ap);
    size_t i;
    int bad = !cls || !ap;
    for (i = 0; !bad && i < n; ++i) memcpy(cls + i * dim, j->x + i * j->row, dim * sizeof *cls);
    if (!bad && paw_retrieval_ap(j->c, cls, n, dim, j->labels, 1, ap)) bad = failed(j, "retrieve");
    if (!bad) *hash = paw_hash(ap, n * sizeof *ap, *hash);
    free(cls);
    free(ap);
    return bad;
}
static int run(journey *j, const char *dir, long number)
{
    uint64_t hash = 0;
    int bad;
    snprintf(j->folder, sizeof j->folder, "%s/%ld", dir, number);
    j->encoded = 0;
    j->epochs = 0;
    bad = store_open(j) || encode(j) || retrieve(j, &hash) || train(j, PAW_LINEAR, &hash) ||
          train(j, PAW_ATTENTIVE, &hash);
    paw_store_close(j->store);
    j->store = NULL;
    if (bad) return 1;
    printf("journey %ld hash %016llx rss %ld encoded %lu epochs %d\n", number,
           (unsigned long long)hash, rss_kb(), (unsigned long)j->encoded, j->epochs);
    return fflush(stdout) != 0;
}
static int open_all(journey *j, const char *data)
{
    static const int every_part = -1;
    paw_index_opts which;
    paw_random_spec spec;
    paw_tensors *t = NULL;
    size_t i;
    paw_err e;
    memset(&which, 0, sizeof which);
    memset(&spec, 0, sizeof spec);
    which.part_count = every_part;
    spec.recipe = PAW_MAE;
    spec.image_px = PX;
    spec.patch_px = 8;
    spec.dim = 192;
    spec.depth = 6;
    spec.seed = 1;
    e = paw_index_cub(j->c, data, &which, &j->index);
    if (!e) e = paw_tensors_random(j->c, &spec, &t);
    if (!e) e = paw_model_from_tensors(j->c, t, NULL, &j->model);
    paw_tensors_close(t);
    if (e) return failed(j, data);
    paw_model_describe(j->model, &j->info);
    j->row = (size_t)j->info.tokens * (size_t)j->info.dim;
    j->items = (uint64_t *)malloc(j->index.count * sizeof *j->items);
    j->labels = (int32_t *)malloc(j->index.count * sizeof *j->labels);
    j->x = (float *)malloc(j->index.count * j->row * sizeof *j->x);
    if (!j->items || !j->labels || !j->x) return failed(j, "no memory");
    for (i = 0; i < j->index.count; ++i) j->labels[i] = j->index.items[i].label;
    return paw_index_hash(j->c, &j->index, j->items) ? failed(j, data) : 0;
}

int main(int argc, char **argv)
{
    const long journeys = argc == 4 ? atol(argv[3]) : 0;
    journey j;
    long i;
    int bad;
    memset(&j, 0, sizeof j);
    if (journeys < 1) {
        fprintf(stderr, "usage: soak DATA DIR JOURNEYS\n");
        return 2;
    }
    if (paw_create(NULL, &j.c)) return 1;
    bad = open_all(&j, argv[1]);
    for (i = 0; !bad && i < journeys; ++i) bad = run(&j, argv[2], i);
    paw_index_free(j.c, &j.index);
    paw_model_free(j.model);
    free(j.items);
    free(j.labels);
    free(j.x);
    paw_destroy(j.c);
    return bad;
}
