#define _XOPEN_SOURCE 700
/* fuzz.c - what reads files of strangers, on any bytes. A corpus replay under any compiler, and
 * with -DFUZZ_ENGINE a libFuzzer target (make fuzz).
 * Run: fuzz [--target NAME] [--runs N] [--seed N] [FILE...]
 *   Without files: every file of tests/corpus/TARGET as it is, then with each allocation and each
 *   read failing once, then N random changes of such files (200 unless given).
 *   With libFuzzer: fuzz FOLDER... --target=NAME -flag=value...
 * Beyond what the compiler's sanitizers see, each run asserts: a code of the enum and one line that
 * names the file; outputs untouched on failure; all memory given back; memory below the target's
 * bound; no file opened but those given; under 10 seconds of CPU; what was read keeps its promises.
 * Files are in memory: the functions of stdio that the readers use are ours here. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>

/* ---- files and memory as the library sees them ---- */

typedef struct {
    const char *suffix; /* the path ends in it */
    const uint8_t *p;
    size_t n, at;
} fz_file;
static fz_file fz_files[6];
static int fz_file_count, fz_inside; /* inside: a run is on */
static long fz_reads, fz_read_fails; /* the n-th fails, from 1; 0: none */
static struct {
    size_t live, peak, most;
    long blocks, taken, fails; /* the n-th allocation fails, from 1; 0: none */
} fz_mem;
static char fz_what[1024]; /* for messages */
static volatile sig_atomic_t fz_seconds;

static const char *fz_said(void);
static void fz_check(int ok, const char *claim)
{
    if (ok) return;
    fprintf(stderr, "fuzz: %s: broken: %s; last message: %s\n", fz_what, claim, fz_said());
    abort();
}
static void fz_tick(int number)
{
    (void)number;
    if (fz_inside && ++fz_seconds > 10) abort();
}
static fz_file *fz_find(const char *path)
{
    const size_t n = strlen(path);
    int i;
    for (i = 0; i < fz_file_count; ++i) {
        const size_t k = strlen(fz_files[i].suffix);
        if (n >= k && !strcmp(path + n - k, fz_files[i].suffix)) return &fz_files[i];
    }
    return NULL;
}
static fz_file *fz_mine(FILE *f)
{
    int i;
    for (i = 0; i < fz_file_count; ++i)
        if (f == (FILE *)(void *)&fz_files[i]) return &fz_files[i];
    return NULL;
}
static int fz_stat(const char *path, struct stat *st)
{
    const fz_file *f = fz_find(path);
    memset(st, 0, sizeof *st);
    errno = ENOENT;
    if (!f) return -1;
    st->st_mode = S_IFREG;
    st->st_size = (off_t)f->n;
    return 0;
}
static FILE *fz_open(const char *path, const char *mode)
{
    fz_file *f = fz_find(path);
    fz_check(f && !strcmp(mode, "rb"), "only the given files are opened, and read only");
    f->at = 0;
    return (FILE *)(void *)f;
}
static size_t fz_read(void *dst, size_t size, size_t n, FILE *file)
{
    fz_file *f = fz_mine(file);
    if (!f) return fread(dst, size, n, file);
    if (fz_read_fails && ++fz_reads == fz_read_fails) return 0;
    n *= size;
    if (f->at > f->n) return 0;
    if (n > f->n - f->at) n = f->n - f->at;
    memcpy(dst, f->p + f->at, n);
    f->at += n;
    return n / (size ? size : 1);
}
static int fz_seek(FILE *file, long at, int whence)
{
    fz_file *f = fz_mine(file);
    if (!f) return fseek(file, at, whence);
    f->at = (size_t)at;
    return whence == SEEK_SET ? 0 : -1;
}
static int fz_close(FILE *file) { return fz_mine(file) ? 0 : fclose(file); }
static void *fz_alloc(void *user, size_t bytes)
{
    size_t *p;
    (void)user;
    if (fz_mem.fails && ++fz_mem.taken == fz_mem.fails) return NULL;
    fz_check(bytes <= fz_mem.most && fz_mem.live + bytes <= fz_mem.most, "memory below the bound");
    p = (size_t *)calloc(1, bytes + 16);
    if (!p) return NULL;
    *p = bytes;
    fz_mem.live += bytes;
    ++fz_mem.blocks;
    if (fz_mem.live > fz_mem.peak) fz_mem.peak = fz_mem.live;
    return p + 16 / sizeof *p;
}
static void fz_release(void *user, void *block, size_t bytes)
{
    size_t *p = (size_t *)block;
    (void)user;
    if (!p) return;
    p -= 16 / sizeof *p;
    fz_check(bytes == *p, "freed as allocated");
    fz_mem.live -= *p;
    --fz_mem.blocks;
    free(p);
}

static FILE *fz_stderr; /* of the programs: one line is expected there */
#define stat(path, st) fz_stat(path, st)
#define fopen(path, mode) fz_open(path, mode)
#define fread(dst, size, n, f) fz_read(dst, size, n, f)
#define fseek(f, at, whence) fz_seek(f, at, whence)
#define fclose(f) fz_close(f)
#define setvbuf(f, buf, mode, size) (void)(f)
#define PARTAWARE_IMPLEMENTATION
#define PARTAWARE_STATIC
#include "partaware.h"
#undef stat
#undef fopen
#undef fread
#undef fseek
#undef fclose
#undef setvbuf
#undef stderr
#define stderr fz_stderr
#include "../examples/cli.h"
#undef stderr
#define stderr stderr
#include "fuzz.h"
#include "t.h"

/* ---- promises ---- */

static paw_ctx *fz_ctx;
static const uint8_t *fz_input;
static size_t fz_size;
static int fz_ok; /* runs that succeeded; the replay counts them */

static const char *fz_said(void) { return paw_message(fz_ctx); }
static unsigned fz_hash(void) /* options of a run come from its input */
{
    return (unsigned)paw_hash(fz_input, fz_size, 0);
}
/* Judges what a reader returned; out: its n bytes of output, all 0x5a before. 1: success. */
static int fz_judge(paw_err e, const void *out, size_t n)
{
    static const char *const names[] = { "input", "set/", "resize: ", "crop: ", NULL };
    const char *s = paw_message(fz_ctx);
    const uint8_t *p = (const uint8_t *)out;
    size_t i;
    if (!e) {
        ++fz_ok;
        return 1;
    }
    fz_check(e < 0 && e > PAW_E_LAST_, "an error of the enum");
    fz_check(e != PAW_E_ARG, "good arguments");
    fz_check(e != PAW_E_OOM || (fz_mem.fails && fz_mem.taken >= fz_mem.fails), "memory was there");
    fz_check(*s && strlen(s) < sizeof fz_ctx->message - 1, "a message, whole");
    for (; *s; s += i) {
        fz_check((unsigned char)*s >= 32 && *s != 127, "a message of one line");
        i = paw__utf8((const uint8_t *)s, strlen(s));
        fz_check(i && (i != 2 || strncmp(s, "\xc2\xa0", 2) >= 0), "a message of UTF-8");
    }
    for (i = 0, s = NULL; names[i] && !s; ++i) s = strstr(paw_message(fz_ctx), names[i]);
    fz_check(e == PAW_E_OOM || s, "a message that names the file, or what was done to its pixels");
    for (i = 0; i < n; ++i) fz_check(p[i] == 0x5a, "output untouched");
    return 0;
}
static void fz_give(const char *suffix, const uint8_t *p, size_t n)
{
    fz_file *f = &fz_files[fz_file_count++];
    f->suffix = suffix;
    f->p = p;
    f->n = n;
}
static size_t fz_io_read(void *user, uint64_t offset, void *dst, size_t bytes)
{
    (void)user;
    fz_check(offset <= fz_size && bytes <= fz_size - offset, "reads inside the file");
    if (fz_read_fails && ++fz_reads == fz_read_fails) return bytes / 2;
    memcpy(dst, fz_input + offset, bytes);
    return bytes;
}

/* ---- tensors ---- */

static void fz_tensor(const paw_tensors *t, size_t i, size_t *budget)
{
    static const int as[] = { PAW_F32, PAW_F64, PAW_I64, PAW_U8 };
    static const size_t bytes[] = { 4, 8, 8, 1 };
    paw_tensor_info x;
    size_t n = 1, k, again = 0;
    fz_check(!paw_tensors_info(t, i, &x), "information on each tensor");
    fz_check(x.name && strlen(x.name) <= PAW__MAX_KEY, "a name");
    fz_check(x.ndim >= 0 && x.ndim <= PAW_MAX_DIMS, "0 to 8 dimensions");
    for (k = 0; k < (size_t)x.ndim; ++k) n *= x.shape[k];
    fz_check(n == x.count, "count is the product of the shape");
    fz_check(!paw_tensors_find(t, x.name, &again) && again == i, "found by its name");
    if (x.count > *budget) return;
    *budget -= x.count;
    for (k = 0; k < 4; ++k) {
        void *dst = malloc(x.count * bytes[k]); /* exact: a sanitizer sees one element too many */
        const paw_err e = paw_tensors_read(fz_ctx, t, i, as[k], dst, x.count);
        fz_judge(e, NULL, 0);
        fz_check(e == PAW_OK || e == PAW_E_NUM || e == PAW_E_UNSUP || e == PAW_E_IO,
                 "a tensor of the directory can be read");
        free(dst);
    }
}
static void fz_tensors(const uint8_t *p, size_t n)
{
    paw_tensors *t;
    paw_io io;
    size_t i, budget = 4096;
    (void)p;
    memset(&t, 0x5a, sizeof t);
    io.read = fz_io_read;
    io.bytes = n;
    io.user = NULL;
    if (!fz_judge(paw_tensors_open_io(fz_ctx, &io, "input", &t), &t, sizeof t)) return;
    for (i = 0; i < paw_tensors_count(t) && i < 64; ++i) fz_tensor(t, i, &budget);
    (void)paw_tensors_meta(t, "format");
    paw_tensors_close(t);
}
/* The input as data.pkl beside storages 0, 1, 2 of 48, 16 and 8 bytes. */
static void fz_pickles(const uint8_t *p, size_t n)
{
    static const char *const names[] = { "a/data.pkl", "a/data/0", "a/data/1", "a/data/2" };
    static const size_t sizes[] = { 0, 48, 16, 8 };
    const uint8_t *input = fz_input;
    fz_entry e[4];
    fz_buf b = { NULL, 0, 0 };
    size_t i, k;
    memset(e, 0, sizeof e);
    fz_put(&e[0].data, p, n);
    for (i = 0; i < 4; ++i) {
        fz_put(&e[i].name, names[i], strlen(names[i]));
        for (k = 0; k < sizes[i]; ++k) fz_number(&e[i].data, 40 + 7 * k, 1, 0);
    }
    fz_rezip(&b, e, 4, 0);
    fz_input = b.p;
    fz_size = b.n;
    fz_tensors(b.p, b.n);
    fz_input = input;
    fz_size = n;
    for (i = 0; i < 4; ++i) {
        fz_free(&e[i].data);
        fz_free(&e[i].name);
    }
    fz_free(&b);
}

/* ---- checkpoints and heads ---- */

/* The encoder on one grey image, and every projection of its class feature. */
static void fz_encode(const paw_model *m)
{
    paw_model_info x;
    paw_outputs o;
    float *chw, *cls;
    size_t pixels, i;
    int which;
    paw_model_describe(m, &x);
    fz_check(x.dim > 0 && x.depth > 0 && x.heads > 0 && x.dim % x.heads == 0 && x.patch_px > 0 &&
             x.image_px % x.patch_px == 0 && x.tokens > 1, "a model's sizes");
    pixels = (size_t)x.image_px * (size_t)x.image_px;
    if (pixels > 1024 || (size_t)x.tokens * (size_t)x.dim * (size_t)x.depth > 16384) return;
    chw = (float *)malloc(3 * pixels * sizeof *chw);
    cls = (float *)malloc((size_t)x.dim * sizeof *cls);
    for (i = 0; i < 3 * pixels; ++i) chw[i] = 0.5f;
    memset(&o, 0, sizeof o);
    o.cls = cls;
    if (fz_judge(paw_encode(m, fz_ctx, chw, 1, x.image_px, x.image_px, &o), NULL, 0))
        for (which = PAW_PROJECTED; which <= PAW_PROJECTED_PATCH; ++which) {
            const int n = paw_project_dim(m, which);
            float *out = n > 0 ? (float *)malloc((size_t)n * sizeof *out) : NULL;
            if (out) fz_judge(paw_project(m, fz_ctx, which, cls, 1, out), NULL, 0);
            free(out);
        }
    free(chw);
    free(cls);
}
static void fz_model(const uint8_t *p, size_t n)
{
    paw_model_opts o;
    paw_tensors *t;
    paw_model *m;
    paw_io io;
    (void)p;
    io.read = fz_io_read;
    io.bytes = n;
    io.user = NULL;
    if (paw_tensors_open_io(fz_ctx, &io, "input", &t)) return;
    memset(&m, 0x5a, sizeof m);
    memset(&o, 0, sizeof o);
    o.dtype = fz_hash() & 1 ? PAW_BF16 : PAW_F32;
    o.network = !(fz_hash() & 14);
    o.allow_nonfinite = !(fz_hash() & 48);
    if (fz_judge(paw_model_from_tensors(fz_ctx, t, &o, &m), &m, sizeof m)) {
        fz_encode(m);
        paw_model_free(m);
    }
    paw_tensors_close(t);
}
static paw_err fz_get(void *user, int epoch, const size_t *items, size_t n, const void **rows)
{
    size_t i;
    (void)epoch;
    (void)items;
    for (i = 0; i < n; ++i) rows[i] = user;
    return PAW_OK;
}
static paw_err fz_told(void *user, const paw_progress *p) /* the first step ends the run */
{
    (void)p;
    ++*(int *)user;
    return PAW_E_IO;
}
/* A head of a stranger's settings predicts three items, and goes on with its training. */
static void fz_use_head(paw_head *h)
{
    static const int32_t labels[3] = { 0, 0, 0 };
    static float row[2 * 64];
    paw_features x;
    paw_head_opts o;
    float *logits;
    paw_err e;
    int epochs = 0, steps = 0;
    size_t i;
    memset(&o, 0, sizeof o);
    paw_head_describe(h, &o, &epochs);
    if (o.dim > 64 || o.classes > 256) return;
    for (i = 0; i < 2 * 64; ++i) row[i] = (float)(i % 5) - 2;
    memset(&x, 0, sizeof x);
    x.count = 3;
    x.tokens = o.kind == PAW_LINEAR ? 1 : 2;
    x.labels = labels;
    x.get = fz_get;
    x.user = row;
    logits = (float *)malloc(3 * (size_t)o.classes * sizeof *logits);
    e = paw_head_predict(h, fz_ctx, &x, logits);
    fz_check(!e || (e == PAW_E_OOM && fz_mem.fails), "a head that was read predicts");
    e = paw_head_train(h, fz_ctx, &x, fz_told, &steps);
    fz_check(e == PAW_E_IO || e == PAW_E_NUM || (!e && epochs >= o.epochs) ||
             (e == PAW_E_OOM && fz_mem.fails), "a head that was read trains, diverges or is done");
    fz_check(steps == (e == PAW_E_IO), "one step");
    free(logits);
}
static void fz_head(const uint8_t *p, size_t n)
{
    paw_tensor_view view;
    paw_dense dense;
    paw_head *h;
    size_t i;
    fz_give("input", p, n);
    memset(&dense, 0x5a, sizeof dense);
    if (fz_judge(paw_dense_load(fz_ctx, "input", &dense), &dense, sizeof dense))
        paw_dense_free(fz_ctx, &dense);
    memset(&h, 0x5a, sizeof h);
    if (!fz_judge(paw_head_load(fz_ctx, "input", &h), &h, sizeof h)) return;
    for (i = 0; !paw_head_parameter(h, i, &view, NULL); ++i)
        fz_check(view.name && view.data && view.ndim > 0, "a parameter");
    fz_use_head(h);
    paw_head_free(h);
}

/* ---- data sets ---- */

static void fz_index(paw_err e, paw_index *x)
{
    size_t i, sum;
    int k;
    if (!fz_judge(e, x, sizeof *x)) return;
    for (sum = x->count, i = 0; i < PAW_SKIPS; ++i) sum += x->skipped[i];
    fz_check(sum == x->candidates, "candidates are items and skipped");
    for (k = 0; k < x->classes; ++k) fz_check(x->class_names[k] != NULL, "names of classes");
    for (i = 0; i < x->count; ++i) {
        const paw_item *t = &x->items[i];
        fz_check(t->path && t->label >= 0 && t->label < x->classes, "an item with path and label");
        fz_check(!i || t[-1].image_id <= t->image_id, "items in image order");
        if (t->kind != PAW_ITEM_BOX) continue;
        fz_check(fabs(t->x) <= 2e9 && fabs(t->y) <= 2e9 && t->e >= 0, "a place");
        fz_check(t->box[0] < t->box[2] && t->box[1] < t->box[3] && fabs(t->box[0]) < 4e9 &&
                 fabs(t->box[1]) < 4e9 && t->box[2] < 4e9 && t->box[3] < 4e9, "a box");
    }
    paw_index_free(fz_ctx, x);
}
/* The same file behind so many blanks that the reader's window ends inside it is read the same. */
static void fz_window(const uint8_t *p, size_t n, const paw_index_opts *o, paw_err before)
{
    const size_t blanks = PAW__JSON_WINDOW - (fz_hash() >> 8) % (n + 1);
    uint8_t *q = (uint8_t *)malloc(blanks + n);
    paw_index x;
    paw_err e;
    memset(q, ' ', blanks);
    memcpy(q + blanks, p, n);
    fz_file_count = 0;
    fz_give(".json", q, blanks + n);
    e = paw_index_coco_parts(fz_ctx, "set", o, &x);
    fz_check(e == before || fz_mem.fails || fz_read_fails, "the place of the window matters not");
    if (!e) paw_index_free(fz_ctx, &x);
    free(q);
}
static void fz_coco(const uint8_t *p, size_t n)
{
    paw_index_opts o;
    paw_index x;
    paw_poses poses;
    paw_err e;
    memset(&o, 0, sizeof o);
    o.protocol = fz_hash() & 1 ? PAW_PROTOCOL_PAPER : PAW_PROTOCOL_CODE;
    o.part_count = fz_hash() & 2 ? -1 : 0;
    fz_give(".json", p, n);
    memset(&x, 0x5a, sizeof x);
    e = paw_index_coco_parts(fz_ctx, "set", &o, &x);
    fz_index(e, &x);
    if (!(fz_hash() >> 3 & 31) && n < 1024 && (n < 3 || memcmp(p, "\xef\xbb\xbf", 3)))
        fz_window(p, n, &o, e);
    fz_file_count = 0;
    fz_give(".json", p, n);
    o.part_count = 0;
    memset(&x, 0x5a, sizeof x);
    fz_index(paw_index_coco_objects(fz_ctx, "set", &o, &x), &x);
    memset(&poses, 0x5a, sizeof poses);
    if (!fz_judge(paw_poses_load(fz_ctx, "set/p.json", fz_hash() & 4 ? "set" : NULL, &poses),
                  &poses, sizeof poses))
        return;
    paw_poses_free(fz_ctx, &poses);
}
/* images.txt, parts.txt, train_test_split.txt and part_locs.txt, with rows %% between. */
static void fz_cub(const uint8_t *p, size_t n)
{
    static const char *const names[] = { "/images.txt", "/parts.txt", "/train_test_split.txt",
                                         "/part_locs.txt" };
    static const char *const splits[] = { NULL, "train", "test", NULL };
    const uint8_t *end = p + n;
    paw_index_opts o;
    paw_index x;
    int i;
    for (i = 0; i < 4; ++i) {
        const uint8_t *q = p;
        while (i < 3 && end - q >= 3 && memcmp(q, "%%\n", 3)) ++q;
        if (i == 3 || end - q < 3) q = end;
        fz_give(names[i], p, (size_t)(q - p));
        p = end - q >= 3 ? q + 3 : end;
    }
    memset(&o, 0, sizeof o);
    o.protocol = fz_hash() & 1 ? PAW_PROTOCOL_PAPER : PAW_PROTOCOL_CODE;
    o.split = splits[fz_hash() >> 1 & 3];
    memset(&x, 0x5a, sizeof x);
    fz_index(paw_index_cub(fz_ctx, "set", &o, &x), &x);
    o.part_count = -1;
    memset(&x, 0x5a, sizeof x);
    fz_index(paw_index_cub(fz_ctx, "set", &o, &x), &x);
}
/* Every number in the text is the double that the C library reads from the same characters. */
static void fz_numbers(const char *p, size_t n)
{
    char text[1024];
    size_t i, k;
    double v, want;
    for (i = 0; i < n; i += k ? k : 1) {
        k = paw__number(p + i, n - i < sizeof text ? n - i : sizeof text - 1, &v);
        if (!k) continue;
        memcpy(text, p + i, k);
        text[k] = 0;
        want = strtod(text, NULL);
        fz_check(!memcmp(&v, &want, sizeof v), "the nearest double");
    }
}
static void fz_csv(const uint8_t *p, size_t n)
{
    paw_index x;
    fz_numbers((const char *)p, n);
    fz_give("set/list.csv", p, n);
    memset(&x, 0x5a, sizeof x);
    fz_index(paw_index_list(fz_ctx, "set/list.csv", NULL, &x), &x);
}

/* ---- images ---- */

static void fz_pixels(paw_err e, paw_image *out)
{
    float chw[3 * 16 * 16];
    size_t i;
    if (!fz_judge(e, out, sizeof *out)) return;
    fz_check(out->px && out->w > 0 && out->h > 0, "an image");
    for (i = 0; out->w == 16 && out->h == 16 && i < 1; ++i) {
        size_t k;
        paw_normalize(out, paw_stats_find("imagenet"), chw);
        for (k = 0; k < 3 * 16 * 16; ++k) fz_check(fabsf(chw[k]) < 3, "normalised pixels");
    }
    paw_image_free(fz_ctx, out);
}
/* Decodes, and takes the image through each way that an encoder's input goes. */
static void fz_picture(const uint8_t *p, size_t n)
{
    paw_image in, out;
    paw_item item;
    double side;
    int i;
    memset(&in, 0x5a, sizeof in);
    if (!fz_judge(paw_image_decode(fz_ctx, p, n, "input", &in), &in, sizeof in)) return;
    fz_check(in.w > 0 && in.h > 0 && in.w * in.h <= 65536, "an image below max_pixels");
    memset(&item, 0, sizeof item);
    item.path = "input";
    item.kind = fz_hash() & 1 ? PAW_ITEM_BOX : PAW_ITEM_IMAGE;
    side = 1 + fz_hash() % 97;
    item.box[0] = in.w / 2.0 - side / 3;
    item.box[1] = in.h / 2.0 - side / 5;
    item.box[2] = item.box[0] + side;
    item.box[3] = item.box[1] + side;
    for (i = PAW_FRAME_AUTO; i <= PAW_FRAME_CENTER; ++i) {
        memset(&out, 0x5a, sizeof out);
        fz_pixels(paw_item_image(fz_ctx, &item, &in, 16, i, &out), &out);
    }
    if (in.w < 64 * in.h && in.h < 64 * in.w) { /* else a side could go over the limit */
        memset(&out, 0x5a, sizeof out);
        fz_pixels(paw_image_resize_short(fz_ctx, &in, 16, &out), &out);
    }
    memset(&out, 0x5a, sizeof out);
    fz_pixels(paw_image_resize(fz_ctx, &in, 16, 16, fz_hash() >> 1 & 1, &out), &out);
    memset(&out, 0x5a, sizeof out);
    fz_pixels(paw_image_crop(fz_ctx, &in, item.box, &out), &out);
    paw_image_free(fz_ctx, &in);
}
static void fz_mask(const uint8_t *p, size_t n)
{
    static paw_label_map map;
    paw_mask in, out;
    memset(&in, 0x5a, sizeof in);
    if (!fz_judge(paw_mask_decode(fz_ctx, p, n, "input", &in), &in, sizeof in)) return;
    fz_check(in.w > 0 && in.h > 0 && in.w * in.h <= 65536, "a mask below max_pixels");
    memset(&out, 0x5a, sizeof out);
    if (fz_judge(paw_mask_resize(fz_ctx, &in, 9, 7, 1, &out), &out, sizeof out))
        paw_mask_free(fz_ctx, &out);
    paw_label_map_offset(19, 1, &map);
    fz_judge(paw_mask_classes(fz_ctx, &map, 0, "input", &in), NULL, 0);
    paw_mask_free(fz_ctx, &in);
}

/* ---- text files of the programs ---- */

static const cli_option fz_options[] = { { "--names", "FILE", CLI_STR, NULL, 0, 0, "" },
                                         { "--root", "DIR", CLI_STR, NULL, 0, 0, "" } };
static const cli_program fz_program = { "paper", "", "", fz_options, 2 };
static void fz_app(cli *app)
{
    memset(app, 0, sizeof *app);
    app->program = &fz_program;
    app->ctx = fz_ctx;
    app->value[0] = "set/my.txt";
    app->value[1] = "set";
    rewind(fz_stderr);
}
/* Judges the exit code and what stands on stderr. 1: success. */
static int fz_exit(int code)
{
    static char said[4096];
    const char *end;
    memset(said, 0, sizeof said);
    fflush(fz_stderr);
    rewind(fz_stderr);
    if (!code) {
        ++fz_ok;
        return 1;
    }
    said[fread(said, 1, sizeof said - 1, fz_stderr)] = 0;
    end = strchr(said, '\n');
    fz_check(code == CLI_INPUT || (code == CLI_RESOURCE && fz_mem.fails), "an exit code");
    fz_check(end != NULL && end > said, "one line");
    fz_check(code == CLI_RESOURCE || strstr(said, "set/my.txt"), "a line that names the file");
    fz_check(paw__utf8_all(said, (size_t)(end - said)) && !strstr(said, "\xc2\x9b"),
             "a line of UTF-8 that commands no terminal");
    return 0;
}
static void fz_config(const uint8_t *p, size_t n)
{
    static const char *const keys[] = { "method", CLI_PAPER_METHODS, "data", "cub|cifar10",
                                        "options", "pose", NULL };
    cli_config config;
    cli app;
    int i;
    fz_app(&app);
    fz_give("set/my.txt", p, n);
    if (fz_exit(cli_config_read(&app, "set/my.txt", keys, &config))) {
        fz_check(config.count >= 0 && config.count <= CLI_COUNT(config.key), "64 rows at most");
        for (i = 0; i < config.count; ++i)
            fz_check(!strpbrk(config.key[i], "=#\n\r") && !strpbrk(config.value[i], "#\n\r"),
                     "keys and values");
        (void)cli_config_get(&config, "method", "deit");
    }
    free(config.text);
}
/* The same file as labels of images, as names of classes, as a result that paper looks through. */
static void fz_labels(const uint8_t *p, size_t n)
{
    static char path[] = "a/b.JPEG";
    cli_labels labels;
    cli_seg seg;
    cli app;
    char *text;
    size_t i;
    int k, code;
    fz_app(&app);
    fz_give("set/my.txt", p, n);
    memset(&labels, 0, sizeof labels);
    if (fz_exit(cli_labels_read(&app, "set/my.txt", 1000, &labels))) {
        for (i = 0; i < labels.count; ++i)
            fz_check(*labels.items[i].name && labels.items[i].label >= 0 &&
                     labels.items[i].label < 1000, "names and classes");
        fz_check(cli_labels_find(&labels, path) < 1000, "a label, or none");
    }
    cli_labels_free(&labels);
    fz_app(&app);
    memset(&seg, 0, sizeof seg);
    seg.app = &app;
    seg.p.classes = 5;
    seg.map = (paw_label_map *)malloc(sizeof *seg.map);
    if (!seg.map) abort();
    paw_label_map_offset(5, 1, seg.map);
    if (fz_exit(cli_seg_names(&seg)))
        for (k = 0; k < 5; ++k)
            fz_check(*seg.names[k] && !strpbrk(seg.names[k], "\n\r"), "a name for each class");
    cli_seg_close(&seg);
    fz_app(&app);
    if ((text = cli_text_read(&app, "set/my.txt", &code)) != NULL) {
        const double v = cli_find_number(text, "\"column\": \"encoded\"|<\"AP\"");
        fz_check(v != v || strstr(text, "\"AP\""), "a number behind its key");
    }
    fz_exit(code);
    free(text);
}

/* ---- targets ---- */

static const char *const st_words[] = { "\"__metadata__\":{\"format\":\"pt\"},",
    "\"dtype\":\"F32\"", "\"dtype\":\"BF16\"", "\"shape\":[2,3]", "\"data_offsets\":[0,24]",
    "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},", "\"I64\"", "\"BOOL\"",
    "\\ud800", "\\u00e9", NULL };
static const char *const pickle_words[] = { "0", "1", "2", "cpu", "storage", "torch",
    "FloatStorage", "LongStorage", "UntypedStorage", "bfloat16", "torch._utils",
    "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter", "collections", "OrderedDict",
    "argparse", "Namespace", "numpy", "dtype", "little_endian", "model", NULL };
static const char *const npy_words[] = { "'descr': '<f4', ", "'fortran_order': True, ", "False",
    "'shape': (2, 3), ", "(3,)", "()", "'<f8'", "'|b1'", "'>f4'", "'<i8'", "[('a', '<f4')]", "3L",
    "'|u1'", "'<f2'", "{", "}", NULL };
static const char *const json_words[] = { "\"images\":[", "\"annotations\":[", "\"categories\":[",
    "\"id\":1", "\"image_id\":1", "\"file_name\":\"a.jpg\"", "\"bbox\":[1,2,99,98]",
    "\"keypoints\":[", "\"iscrowd\":0", "\"category_id\":1", "\"score\":0.5", "\"num_keypoints\":3",
    "\"area\":9.5", "\"name\":\"cat\"", "../", "NaN", "-Infinity", "\xef\xbb\xbf", NULL };
static const char *const cub_words[] = { "1", "11", "12", "9", "14", "nan", "-inf", "1.0", "0.0",
    "a/b.jpg", "../x", "%%\n", "\r\n", "\xef\xbb\xbf", "9999999999", "2147483648", "-1", NULL };
static const char *const csv_words[] = { "path", "x", "y", "side", "label", "PATH,LABEL\n", "\"",
    "\"\"", "a.jpg,10,20,30,cat\n", ",,,", "\r\n", "1e8", "-7", "\xef\xbb\xbf", "\"a,b\"", NULL };
static const char *const label_words[] = { "a.JPEG 285\n", " 0", "\t", "0 nothing\n", "5 last\n",
    "-1", "99999999999999999999", "\xef\xbb\xbf", "\xc2\x9b", "\"AP\": 1e-9,",
    "\"column\": \"encoded\"", "\r\n", NULL };
static const char *const config_words[] = { "method.deit = a.pth\n", "data.cub = CUB\n", " = ",
    "#", "\r\n", "options.probe = --epochs 1\n", "=", "==", NULL };

typedef struct {
    const char *name;
    void (*run)(const uint8_t *p, size_t n);
    int (*frame)(fz_buf *b, const char *const *words); /* keeps the framing; NULL: text */
    const char *const *words;
    size_t most; /* bytes of memory in use, beside 1,024 for each byte of input */
} fz_target;
static int fz_as_pickle(fz_buf *b, const char *const *words)
{
    fz_pickle(b, words);
    return 1;
}
static int fz_as_tensors(fz_buf *b, const char *const *words)
{
    return fz_zip(b, pickle_words) || fz_safetensors(b, words);
}
static int fz_as_json(fz_buf *b, const char *const *words)
{
    if (fz_below(3)) fz_json(b, 0, b->n);
    else fz_word(b, 0, b->n, words);
    return 1;
}
static int fz_as_rows(fz_buf *b, const char *const *words)
{
    fz_rows(b, words);
    return 1;
}
static int fz_as_image(fz_buf *b, const char *const *words)
{
    (void)words;
    return fz_image(b);
}
#define MB ((size_t)1 << 20)
static const fz_target fz_targets[] = {
    { "safetensors", fz_tensors, fz_safetensors, st_words, MB },
    { "zip", fz_tensors, fz_zip, pickle_words, MB },
    { "legacy", fz_tensors, fz_as_pickle, pickle_words, MB },
    { "pickle", fz_pickles, fz_as_pickle, pickle_words, MB },
    { "npy", fz_tensors, fz_npy, npy_words, MB },
    { "coco", fz_coco, fz_as_json, json_words, MB },
    { "cub", fz_cub, fz_as_rows, cub_words, MB },
    { "csv", fz_csv, fz_as_rows, csv_words, MB },
    { "mask", fz_mask, fz_as_image, NULL, 4 * MB },
    { "image", fz_picture, fz_as_image, NULL, 16 * MB },
    { "model", fz_model, fz_as_tensors, st_words, MB },
    { "head", fz_head, fz_as_tensors, st_words, 4 * MB },
    { "config", fz_config, fz_as_rows, config_words, MB },
    { "labels", fz_labels, fz_as_rows, label_words, MB },
};
enum { FZ_TARGETS = sizeof fz_targets / sizeof fz_targets[0] };
static void fz_run(const fz_target *t, const uint8_t *p, size_t n)
{
    uint8_t *copy = (uint8_t *)malloc(n); /* exact: a sanitizer sees one byte too many */
    paw_config config;
    if (n) memcpy(copy, p, n);
    memset(&config, 0, sizeof config);
    config.mem.alloc = fz_alloc;
    config.mem.free = fz_release;
    config.threads = 1;
    config.max_pixels = 65536;
    fz_mem.taken = fz_reads = 0;
    fz_mem.peak = 0;
    fz_mem.most = t->most + 1024 * n;
    fz_file_count = 0;
    fz_seconds = 0;
    fz_input = copy;
    fz_size = n;
    fz_inside = 1;
    if (!paw_create(&config, &fz_ctx)) {
        t->run(copy, n);
        paw_destroy(fz_ctx);
    }
    fz_inside = 0;
    fz_check(!fz_mem.blocks && !fz_mem.live, "all memory given back");
    free(copy);
}
static void fz_mutate(const fz_target *t, fz_buf *b, size_t most)
{
    int i, times = 1 + (int)fz_below(4);
    for (i = 0; i < times; ++i)
        if (!fz_below(8) || !b->n || !t->frame(b, t->words)) fz_raw(b, most);
}
static const fz_target *fz_target_of(const char *name)
{
    size_t i;
    for (i = 0; i < FZ_TARGETS; ++i)
        if (!strcmp(fz_targets[i].name, name)) return &fz_targets[i];
    fprintf(stderr, "fuzz: no target '%s'; there are", name);
    for (i = 0; i < FZ_TARGETS; ++i) fprintf(stderr, " %s", fz_targets[i].name);
    fprintf(stderr, "\n");
    exit(2);
}
static void fz_begin(void)
{
    struct itimerval second;
    struct sigaction on;
    memset(&on, 0, sizeof on);
    on.sa_handler = fz_tick;
    on.sa_flags = SA_RESTART;
    sigaction(SIGVTALRM, &on, NULL); /* CPU time: a stopped or crowded machine is no finding */
    second.it_interval.tv_sec = second.it_value.tv_sec = 1;
    second.it_interval.tv_usec = second.it_value.tv_usec = 0;
    setitimer(ITIMER_VIRTUAL, &second, NULL);
    fz_stderr = tmpfile();
    if (!fz_stderr) abort();
}

#ifdef FUZZ_ENGINE
static const fz_target *fz_the_target;
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    int i;
    for (i = 1; i < *argc; ++i)
        if (!strncmp((*argv)[i], "--target=", 9)) fz_the_target = fz_target_of((*argv)[i] + 9);
    if (!fz_the_target) fz_target_of("(none)");
    fz_begin();
    return 0;
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fz_run(fz_the_target, data, size);
    return 0;
}
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    fz_buf b = { NULL, 0, 0 };
    fz_state = seed;
    fz_put(&b, data, size);
    fz_mutate(fz_the_target, &b, most);
    if (b.n <= most && b.n) {
        memcpy(data, b.p, b.n);
        size = b.n;
    } else {
        size = LLVMFuzzerMutate(data, size, most);
    }
    fz_free(&b);
    return size;
}
#else
static int fz_load(const char *path, fz_buf *b)
{
    uint8_t part[4096];
    FILE *f = fopen(path, "rb");
    size_t n;
    b->n = 0;
    if (!f) return 0;
    while ((n = fread(part, 1, sizeof part, f)) > 0) fz_put(b, part, n);
    fclose(f);
    return 1;
}
/* The input with each of its first allocations and reads failing. */
static void fz_faults(const fz_target *t, const fz_buf *b)
{
    long k;
    for (k = 1; k <= 200; ++k) {
        fz_mem.fails = k;
        fz_run(t, b->p, b->n);
        if (fz_mem.taken < k) break;
    }
    fz_mem.fails = 0;
    for (k = 1; k <= 50; ++k) {
        fz_read_fails = k;
        fz_run(t, b->p, b->n);
        if (fz_reads < k) break;
    }
    fz_read_fails = 0;
}
static int fz_by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}
static size_t fz_names(const char *folder, char **names, size_t most)
{
    DIR *dir = opendir(folder);
    struct dirent *d;
    size_t n = 0;
    while (dir && n < most && (d = readdir(dir)) != NULL) {
        const size_t len = strlen(folder) + strlen(d->d_name) + 2;
        if (d->d_name[0] == '.' || !(names[n] = (char *)malloc(len))) continue;
        snprintf(names[n++], len, "%s/%s", folder, d->d_name);
    }
    if (dir) closedir(dir);
    qsort(names, n, sizeof *names, fz_by_name);
    return n;
}
static void fz_replay(const fz_target *t, const char *corpus, long runs)
{
    static char *names[4096];
    fz_buf b = { NULL, 0, 0 };
    char folder[1024];
    size_t n, i;
    long k;
    snprintf(folder, sizeof folder, "%s/%s", corpus, t->name);
    n = fz_names(folder, names, sizeof names / sizeof names[0]);
    fz_ok = 0;
    for (i = 0; i < n; ++i) {
        if (!T(fz_load(names[i], &b), "%s can be read", names[i])) continue;
        snprintf(fz_what, sizeof fz_what, "%s", names[i]);
        fz_run(t, b.p, b.n);
        fz_faults(t, &b);
        T(1, "%s", names[i]); /* what is broken aborts */
    }
    T(fz_ok > 0, "%s: a file of %zu is read whole", folder, n);
    for (k = 0; k < runs && n; ++k) {
        fz_load(names[fz_below(n)], &b);
        fz_mutate(t, &b, 65536);
        fz_run(t, b.p, b.n);
    }
    for (i = 0; i < n; ++i) free(names[i]);
    fz_free(&b);
}
int main(int argc, char **argv)
{
    const char *corpus = "tests/corpus";
    const fz_target *only = NULL;
    fz_buf b = { NULL, 0, 0 };
    long runs = 200;
    int i, files = 0;
    fz_begin();
    for (i = 1; i < argc; ++i) {
        if (!strcmp(argv[i], "--target") && i + 1 < argc) only = fz_target_of(argv[++i]);
        else if (!strcmp(argv[i], "--corpus") && i + 1 < argc) corpus = argv[++i];
        else if (!strcmp(argv[i], "--runs") && i + 1 < argc) runs = atol(argv[++i]);
        else if (!strcmp(argv[i], "--seed") && i + 1 < argc) fz_state = (uint64_t)atol(argv[++i]);
        else if (only && T(fz_load(argv[i], &b), "%s can be read", argv[i])) {
            ++files;
            fz_run(only, b.p, b.n);
            printf("%s: %s\n", argv[i], fz_ok ? "read" : "refused");
        }
    }
    for (i = 0; !files && i < FZ_TARGETS; ++i)
        if (!only || only == &fz_targets[i]) fz_replay(&fz_targets[i], corpus, runs);
    fz_free(&b);
    return t_end("fuzz");
}
#endif
