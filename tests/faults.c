#define _XOPEN_SOURCE 700
/* Nothing is lost when something fails. Every function of the API runs with its n-th allocation
   failing, for every n, once and from then on; with every call on files and folders failing by EIO,
   ENOSPC, EINTR and half-done transfers; with workers that do not start; with the host's own
   floating-point modes. Then: the error's code and message, outputs as they were, the same call on
   the same objects giving what it always gives, no byte, file or folder left behind. A public
   function that no scenario calls fails, too. */
#include "faults.h"
#include "t.h"
#include <fenv.h>

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#if defined(__clang__)
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#endif
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wcast-align"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wdouble-promotion"
#endif
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#if defined(__clang__) /* its JPEG writer shifts bits out of an int; what it writes is input here */
#pragma clang attribute push(__attribute__((no_sanitize("shift"))), apply_to = function)
#endif
#include <stb/stb_image_write.h>
#if defined(__clang__)
#pragma clang attribute pop
#endif
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

enum { PX = 32, PATCH = 16, DIM = 64, TOKENS = 5, ROWS = 24, CLASSES = 3 };

static char root[] = P_tmpdir "/paw-faults-XXXXXX";
static const char *fixtures;
static paw_ctx *calm; /* nothing fails here: what the scenarios start from */
static paw_model *model, *small_bf16;
static paw_tensors *weights;
static paw_image photo;
static float chw[2 * 3 * PX * PX], rows[ROWS * TOKENS * DIM];
static int32_t labels[ROWS];

static void stop(const char *what) /* the summary is missing then, which counts as a failure */
{
    printf("FAIL %s\n", what);
    exit(1);
}
/* What is not under test, in the midst of what is. */
#define CALMLY(call)                                                                               \
    do {                                                                                           \
        fault.paused = 1;                                                                          \
        if (call) stop(paw_message(calm));                                                         \
        fault.paused = 0;                                                                          \
    } while (0)
static const char *at(const char *name)
{
    static char path[4][1200];
    static int turn;
    char *p = path[turn = (turn + 1) & 3];
    snprintf(p, sizeof path[0], "%s/%s", root, name);
    return p;
}

/* ---- which functions have been called ---- */

static const char *called[512];
static size_t called_count;
static void call(const char *name)
{
    size_t i;
    for (i = 0; i < called_count; ++i)
        if (called[i] == name || !strcmp(called[i], name)) return;
    if (called_count == 512) stop("more functions than the table holds");
    called[called_count++] = name;
}
#define USE(f) (call(#f), f)

/* ---- one attempt: the call fails as it must or succeeds, then the same call succeeds ---- */

static enum { CALM, NO_MEMORY, NO_DISK, NO_THREADS, ODD_MODE } mode;
static const char *scene = "";
static uint64_t result; /* hash of all that the scenario has computed */
static int complaints;  /* of this run */

static void note(const void *p, size_t n) { result = paw_hash(p, n, result); }
static void complain(const char *what, const char *about)
{
    if (!complaints++)
        printf("note %s, allocation %ld%s, operation %ld (errno %d%s): %s: %.300s\n", scene,
               fault.fail_alloc, fault.from_then_on ? " on" : "", fault.fail_op, fault.error,
               fault.half ? ", half done" : "", what, about);
}
static void fill(void *p, size_t n)
{
    if (n) memset(p, 0xa5, n);
}
static int filled(const void *p, size_t n)
{
    const uint8_t *b = (const uint8_t *)p;
    while (n && b[n - 1] == 0xa5) --n;
    return !n;
}
static void fell(const paw_ctx *c, paw_err e, const char *what, const void *out, size_t n)
{
    const char *says = c ? paw_message(c) : "out of memory: no context";
    char text[600];
    snprintf(text, sizeof text, "%d %.120s: %.400s", e, what, says);
    if (!__atomic_load_n(&fault.hit, __ATOMIC_RELAXED)) stop(text);
    if (mode == NO_MEMORY && (e != PAW_E_OOM || !strstr(says, "out of memory")))
        complain("not told as out of memory", text);
    if (mode == NO_DISK && e != PAW_E_IO) complain("not told as a failure of the disk", text);
    if (mode == NO_THREADS) complain("fewer threads are no failure", text);
    if (mode == NO_DISK && !strstr(says, root) && !strstr(says, fixtures))
        complain("the message names no file", text);
    /* Values are read in place. */
    if (!filled(out, n) && (mode != NO_DISK || !strstr(what, "(paw_tensors_read)")))
        complain("an output was touched", text);
    fault_disarm();
}
#define TRYN(c, out, bytes, call)                                                                  \
    do {                                                                                           \
        paw_err e_;                                                                                \
        fill(out, bytes);                                                                          \
        if ((e_ = call) != PAW_OK) {                                                               \
            fell(c, e_, #call, out, bytes);                                                        \
            if ((e_ = call) != PAW_OK) stop(#call " fails when nothing does");                     \
        }                                                                                          \
    } while (0)
#define TRY(c, out, call) TRYN(c, out, sizeof *(out), call)
#define TRY0(c, call) TRYN(c, NULL, 0, call)

/* ---- what the scenarios work on ---- */

static void random_spec(paw_random_spec *s, int recipe)
{
    memset(s, 0, sizeof *s);
    s->recipe = recipe;
    s->image_px = PX;
    s->patch_px = PATCH;
    s->dim = DIM;
    s->depth = 2;
    s->seed = 3;
    s->projected = recipe == PAW_MOCOV3 || recipe == PAW_DINO || recipe == PAW_IBOT ? 32 : 0;
    s->classes = recipe == PAW_DEIT ? 5 : 0;
}
static paw_model *model_of(int recipe, int dtype)
{
    paw_random_spec s;
    paw_model_opts o;
    paw_tensors *t = NULL;
    paw_model *m = NULL;
    memset(&o, 0, sizeof o);
    o.dtype = dtype;
    random_spec(&s, recipe);
    if (paw_tensors_random(calm, &s, &t) || paw_model_from_tensors(calm, t, &o, &m))
        stop(paw_message(calm));
    paw_tensors_close(t);
    return m;
}
static void write_text(const char *name, const char *text)
{
    char path[1200];
    size_t i;
    FILE *f;
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (i = strlen(root) + 1; path[i]; ++i)
        if (path[i] == '/') {
            path[i] = 0;
            mkdir(path, 0700);
            path[i] = '/';
        }
    f = fopen(path, "wb");
    if (!f || fwrite(text, 1, strlen(text), f) != strlen(text) || fclose(f)) stop(path);
}
static void draw(const char *name, int w, int h, int comp, int jpeg)
{
    static uint8_t px[96 * 96 * 3];
    size_t i;
    for (i = 0; i < sizeof px; ++i)
        px[i] = (uint8_t)(comp == 1 ? 1 + i / 7 % 3 : (i * i / 5 + i * 3) & 255);
    write_text(name, ""); /* its folders */
    if (jpeg ? !stbi_write_jpg(at(name), w, h, comp, px, 90)
             : !stbi_write_png(at(name), w, h, comp, px, w * comp))
        stop(name);
}
static void person(char *to, int id, int image)
{
    int i;
    to += sprintf(to, "{\"id\":%d,\"image_id\":%d,\"category_id\":1,\"iscrowd\":0,\"area\":900,"
                  "\"num_keypoints\":17,\"bbox\":[5,6,70,80],\"keypoints\":[", id, image);
    for (i = 0; i < 17; ++i)
        to += sprintf(to, "%s%d,%d,2", i ? "," : "", 5 + 4 * i + 50 * (i % 2), 80 - 4 * i);
    sprintf(to, "]}");
}
static void make_files(void)
{
    static char one[2000], two[2000], text[5000], record[3073 * 2 + 1];
    size_t i;
    draw("photo.jpg", 96, 80, 3, 1);
    draw("photo.png", 96, 80, 3, 0);
    draw("mask.png", 96, 80, 1, 0);
    draw("images/a/one.jpg", 90, 90, 3, 1);
    draw("images/b/two.jpg", 96, 96, 3, 1);
    write_text("images.txt", "1 a/one.jpg\n2 b/two.jpg\n");
    write_text("parts/parts.txt", "9 left wing\n11 right eye\n12 right leg\n14 tail\n");
    write_text("train_test_split.txt", "1 1\n2 0\n");
    write_text("parts/part_locs.txt", "1 9 10 10 1\n1 11 64 82 1\n2 9 5 5 1\n2 11 5 75 1\n");
    person(one, 1, 7);
    person(two, 2, 4);
    snprintf(text, sizeof text,
             "{\"annotations\":[%s,%s],\"images\":[{\"id\":7,\"file_name\":\"seven.jpg\"},"
             "{\"id\":4,\"file_name\":\"four.jpg\"}],\"categories\":[{\"id\":1,\"name\":\"p\"}]}",
             one, two);
    write_text("annotations/person_keypoints_train2017.json", text);
    write_text("annotations/instances_val2017.json", text);
    draw("train2017/seven.jpg", 96, 96, 3, 1);
    draw("train2017/four.jpg", 96, 96, 3, 1);
    draw("val2017/seven.jpg", 96, 96, 3, 1);
    memset(record, 7, sizeof record - 1);
    write_text("test_batch.bin", record);
    draw("set/train/bee/1.jpg", 40, 40, 3, 1);
    draw("set/train/ant/2.png", 40, 44, 3, 0);
    draw("set/val/bee/3.png", 40, 48, 3, 0);
    write_text("list.csv", "path,x,y,side,label\nset/train/bee/1.jpg,20,20,21,x\n"
                           "set/train/ant/2.png,10,10,11,y\nnone.jpg,,,,y\n");
    draw("seg/img/d/x.png", 64, 48, 3, 0);
    draw("seg/ann/d/x.png", 64, 48, 1, 0);
    for (i = 0; i < sizeof chw / sizeof *chw; ++i) chw[i] = t_uniform() * (i % 9 ? 1 : 1e-40f);
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) rows[i] = t_uniform() * (i % 9 ? 1 : 1e-40f);
    for (i = 0; i < ROWS; ++i) labels[i] = (int32_t)(i % CLASSES);
}

/* ---- the scenarios: c is the context in which something fails ---- */

static void s_context(paw_ctx *unused)
{
    paw_config config;
    paw_ctx *c;
    int i;
    (void)unused;
    memset(&config, 0, sizeof config);
    config.mem.alloc = fault_alloc;
    config.mem.free = fault_free;
    config.threads = 2;
    TRY(NULL, &c, USE(paw_create)(&config, &c));
    i = USE(paw_threads_used)(c) == 2 && !*USE(paw_message)(c) &&
        USE(paw_version)() == PAW_VERSION && USE(paw_strerror)(PAW_E_OOM) != NULL &&
        USE(paw_isa_supported)(USE(paw_isa_limit)(USE(paw_isa)())) &&
        USE(paw_isa_name)(paw_isa()) != NULL && USE(paw_bf16_native)() < 2 &&
        USE(paw_recipe_name)(PAW_MAE) != NULL && USE(paw_skip_text)(0) != NULL;
    note(&i, sizeof i);
    USE(paw_destroy)(c);
}
static void s_tensors(paw_ctx *c)
{
    static const char *const meta[] = { "who", "us", NULL };
    static const char *const files[] = { "good.pth", "good_legacy.pth", "good.safetensors" };
    const size_t shape[2] = { 3, 8 };
    static double values[1 << 16];
    size_t f, i, found;
    paw_tensors *t;
    paw_tensor_view v;
    for (f = 0; f < 5; ++f) {
        char path[1200];
        if (f < 3) snprintf(path, sizeof path, "%s/%s", fixtures, files[f]);
        if (f == 3) {
            v.name = "rows";
            v.ndim = 2;
            v.shape = shape;
            v.data = rows;
            snprintf(path, sizeof path, "%s/t.safetensors", root);
            TRY0(c, USE(paw_safetensors_save)(c, path, &v, 1, meta));
        }
        if (f == 4) {
            char head[256];
            snprintf(path, sizeof path, "%s/t.npy", root);
            TRY0(c, USE(paw_npy_save)(c, path, rows, 2, shape));
            note(head, USE(paw_npy_header)("<f4", 2, shape, head));
        }
        TRY(c, &t, USE(paw_tensors_open)(c, path, &t));
        if (f == 3) note(USE(paw_tensors_meta)(t, "who"), 3);
        for (i = 0; i < USE(paw_tensors_count)(t); ++i) {
            static const int as[] = { PAW_F32, PAW_F64 };
            paw_tensor_info x;
            TRY(c, &x, USE(paw_tensors_info)(t, i, &x));
            TRY(c, &found, USE(paw_tensors_find)(t, x.name, &found));
            if (x.dtype == PAW_DTYPE_OTHER || x.count * sizeof *values > sizeof values) continue;
            TRYN(c, values, x.count * (i % 2 ? 8 : 4),
                 USE(paw_tensors_read)(c, t, i, as[i % 2], values, x.count));
            note(values, x.count * (i % 2 ? 8 : 4));
        }
        USE(paw_tensors_close)(t);
    }
}
static size_t from_memory(void *user, uint64_t offset, void *dst, size_t bytes)
{
    const paw_image *b = (const paw_image *)user; /* any bytes with a size */
    memcpy(dst, b->px + offset, bytes);
    return bytes;
}
static void s_io(paw_ctx *c)
{
    paw_image file;
    uint8_t *bytes;
    size_t size;
    paw_tensors *t;
    paw_io io;
    TRY(c, &bytes, USE(paw_file_read)(c, at("m.safetensors"), &bytes, &size));
    file.px = bytes;
    io.read = from_memory;
    io.bytes = size;
    io.user = &file;
    TRY(c, &t, USE(paw_tensors_open_io)(c, &io, root, &t));
    note(&size, sizeof size);
    paw_tensors_close(t);
    USE(paw_file_free)(c, bytes);
}
static void s_model(paw_ctx *c)
{
    paw_model *m;
    paw_model_info info;
    uint64_t hash;
    TRY0(c, USE(paw_model_convert)(c, weights, NULL, at("c.safetensors")));
    TRY(c, &m, USE(paw_model_load)(c, at("c.safetensors"), NULL, &m));
    hash = USE(paw_model_hash)(m);
    note(&hash, sizeof hash);
    USE(paw_model_describe)(m, &info);
    note(&info.dim, sizeof info.dim);
    USE(paw_model_free)(m);
}
static int recipe;
static void s_recipe(paw_ctx *c)
{
    static float out[2 * 4096];
    paw_random_spec spec;
    paw_model_opts o;
    paw_tensors *t;
    paw_model *m;
    paw_outputs x;
    int which;
    memset(&o, 0, sizeof o);
    memset(&x, 0, sizeof x);
    o.dtype = recipe % 2 ? PAW_F32 : PAW_BF16;
    random_spec(&spec, recipe);
    TRY(c, &t, USE(paw_tensors_random)(c, &spec, &t));
    TRY(c, &m, USE(paw_model_from_tensors)(c, t, &o, &m));
    paw_tensors_close(t);
    x.cls = out;
    TRYN(c, out, 2 * DIM * sizeof *out, USE(paw_encode)(m, c, chw, 2, PX, PX, &x));
    note(out, 2 * DIM * sizeof *out);
    for (which = PAW_PROJECTED; which <= PAW_PROJECTED_PATCH; ++which) {
        const size_t dim = (size_t)USE(paw_project_dim)(m, which);
        if (!dim) continue;
        if (2 * dim > PAW__COUNT(out)) stop("a projector is wider than thought");
        TRYN(c, out, 2 * dim * sizeof *out, USE(paw_project)(m, c, which, rows, 2, out));
        note(out, 2 * dim * sizeof *out);
    }
    paw_model_free(m);
}
static void s_encode(paw_ctx *c)
{
    static const int block[2] = { 0, 1 };
    static float out[2 * DIM * (2 + 3 * TOKENS) + 2 * TOKENS * TOKENS];
    paw_outputs x;
    memset(&x, 0, sizeof x);
    x.cls = out;
    x.mean = x.cls + 2 * DIM;
    x.tokens = x.mean + 2 * DIM;
    x.block_outputs = x.tokens + 2 * TOKENS * DIM;
    x.attention = x.block_outputs + 4 * TOKENS * DIM;
    x.blocks = block;
    x.block_count = 2;
    x.attention_block = -1;
    TRYN(c, out, sizeof out, paw_encode(model, c, chw, 2, PX, PX, &x));
    note(out, sizeof out);
    TRYN(c, out, sizeof out, paw_encode(small_bf16, c, chw, 2, PX, PX, &x));
    TRYN(c, out, DIM * sizeof *out, USE(paw_embed)(model, c, &photo, NULL, out));
    note(out, DIM * sizeof *out);
}
static void image_note(paw_ctx *c, paw_image *x)
{
    note(x->px, (size_t)x->w * (size_t)x->h * 3);
    USE(paw_image_free)(c, x);
}
static void s_images(paw_ctx *c)
{
    static const double box[4] = { -3.5, 4, 40, 50.5 };
    static float out[3 * 24 * 24];
    paw_image x;
    paw_mask m, n;
    uint8_t *bytes;
    size_t size;
    static paw_label_map map;
    TRY(c, &x, USE(paw_image_load)(c, at("photo.jpg"), &x));
    image_note(c, &x);
    CALMLY(paw_file_read(calm, at("photo.png"), &bytes, &size));
    TRY(c, &x, USE(paw_image_decode)(c, bytes, size, root, &x));
    image_note(c, &x);
    paw_file_free(calm, bytes);
    TRY(c, &x, USE(paw_image_resize)(c, &photo, 31, 57, PAW_BILINEAR, &x));
    image_note(c, &x);
    TRY(c, &x, USE(paw_image_resize_short)(c, &photo, 32, &x));
    image_note(c, &x);
    TRY(c, &x, USE(paw_image_resize_linear)(c, &photo, 31, 107, &x));
    image_note(c, &x);
    TRY(c, &x, USE(paw_image_crop)(c, &photo, box, &x));
    image_note(c, &x);
    TRY(c, &x, USE(paw_image_center_crop)(c, &photo, 24, 24, &x));
    USE(paw_normalize)(&x, USE(paw_stats_find)("half"), out);
    image_note(c, &x);
    note(out, sizeof out);
    TRY(c, &m, USE(paw_mask_load)(c, at("mask.png"), &m));
    TRY(c, &n, USE(paw_mask_resize)(c, &m, 50, 60, 1, &n));
    USE(paw_mask_free)(c, &m);
    USE(paw_label_map_values)(CLASSES, (const uint8_t *)"\1\2\3", &map);
    note(&map, sizeof map);
    USE(paw_label_map_offset)(CLASSES, 1, &map);
    TRY0(c, USE(paw_mask_classes)(c, &map, 0, root, &n));
    note(n.px, 50 * 60 * sizeof *n.px);
    paw_mask_free(c, &n);
    CALMLY(paw_file_read(calm, at("mask.png"), &bytes, &size));
    TRY(c, &m, USE(paw_mask_decode)(c, bytes, size, root, &m));
    note(m.px, 96 * 80 * sizeof *m.px);
    paw_mask_free(c, &m);
    paw_file_free(calm, bytes);
}
static void s_files(paw_ctx *c)
{
    paw_files f;
    uint64_t hash;
    size_t i;
    TRY(c, &f, USE(paw_files_list)(c, at("set/train/bee"), &f));
    for (i = 0; i < f.count; ++i) note(f.paths[i], strlen(f.paths[i]));
    USE(paw_files_free)(c, &f);
    TRY(c, &hash, USE(paw_file_hash)(c, at("photo.jpg"), 5, &hash));
    note(&hash, sizeof hash);
}
static void s_index(paw_ctx *c)
{
    static const struct {
        const char *name;
        paw_index_fn *open;
        const char *root, *split;
    } sets[] = { { "paw_index_cub", paw_index_cub, "", NULL },
                 { "paw_index_coco_parts", paw_index_coco_parts, "", NULL },
                 { "paw_index_coco_objects", paw_index_coco_objects, "", NULL },
                 { "paw_index_cifar10", paw_index_cifar10, "", NULL },
                 { "paw_index_folders", paw_index_folders, "set", NULL },
                 { "paw_index_folders", paw_index_folders, "set", "val" },
                 { "paw_index_list", paw_index_list, "list.csv", NULL } };
    static uint64_t hashes[64];
    size_t k, i;
    for (k = 0; k < PAW__COUNT(sets); ++k) {
        const char *missing;
        paw_index_opts o;
        paw_index x;
        memset(&o, 0, sizeof o);
        o.split = sets[k].split;
        o.max_ratio = 2;
        call(sets[k].name);
        TRY(c, &x, sets[k].open(c, at(sets[k].root), &o, &x));
        fault.paused = 1; /* it answers with a count: what cannot be looked at is missing */
        i = USE(paw_index_drop_missing)(&x, &missing);
        fault.paused = 0;
        note(&i, sizeof i);
        for (i = 0; i < x.count; ++i) {
            note(x.items[i].path, strlen(x.items[i].path));
            note(&x.items[i].label, sizeof x.items[i].label);
            note(x.items[i].box, sizeof x.items[i].box);
        }
        if (!x.count || x.count > PAW__COUNT(hashes)) stop(sets[k].name);
        TRYN(c, hashes, x.count * sizeof *hashes, USE(paw_index_hash)(c, &x, hashes));
        note(hashes, x.count * sizeof *hashes);
        USE(paw_index_free)(c, &x);
    }
}
static void s_reader(paw_ctx *c)
{
    paw_index parts, records;
    paw_reader r;
    paw_image x;
    size_t i;
    memset(&r, 0, sizeof r);
    CALMLY(paw_index_cub(calm, root, NULL, &parts));
    CALMLY(paw_index_cifar10(calm, root, NULL, &records));
    for (i = 0; i < parts.count; ++i) {
        TRY(c, &x, USE(paw_reader_item)(c, &r, &parts.items[i], PX, PAW_FRAME_AUTO, &x));
        image_note(c, &x);
        TRY(c, &x, USE(paw_reader_augment)(c, &r, &parts.items[i], PX, 1, 2, i, &x));
        image_note(c, &x);
    }
    TRY(c, &x, USE(paw_item_image)(c, &parts.items[0], &photo, PX, PAW_FRAME_CENTER, &x));
    image_note(c, &x);
    TRY(c, &x, paw_reader_item(c, &r, &records.items[0], PX, PAW_FRAME_AUTO, &x));
    image_note(c, &x);
    USE(paw_reader_free)(c, &r);
    paw_index_free(calm, &parts);
    paw_index_free(calm, &records);
}
static void s_store(paw_ctx *c)
{
    static const char *const about[] = { "size", "32", NULL };
    static const char *names[ROWS];
    static uint64_t items[ROWS];
    static size_t order[ROWS];
    static float out[ROWS * DIM];
    paw_store_spec spec;
    paw_store *s;
    size_t i;
    int kind;
    memset(&spec, 0, sizeof spec);
    for (i = 0; i < ROWS; ++i) {
        items[i] = i * 77;
        order[i] = ROWS - 1 - i;
        names[i] = "x";
    }
    spec.name = "cls";
    spec.about = about;
    spec.items = items;
    spec.names = names;
    spec.count = ROWS;
    spec.ndim = 1;
    spec.shape[0] = DIM;
    spec.shard_rows = 10;
    for (kind = 0; kind < 4; ++kind) { /* new, there, with another item, in memory */
        paw_store_info info;
        spec.dir = kind < 3 ? at("store") : NULL;
        spec.dtype = kind == 3 ? PAW_F16 : PAW_F32;
        if (kind == 2) items[ROWS - 1] = 5;
        TRY(c, &s, USE(paw_store_open)(c, &spec, &s));
        USE(paw_store_describe)(s, &info);
        for (i = 0; i < info.shards; ++i)
            if (!USE(paw_store_has)(s, i) || kind == 1)
                TRY0(c, USE(paw_store_write)(c, s, i, rows + i * 10 * DIM));
        TRYN(c, out, 0, USE(paw_store_read)(c, s, order, ROWS, PAW_F32, out));
        note(out, sizeof out);
        TRYN(c, out, 0, paw_store_read(c, s, order, ROWS, info.dtype, out));
        note(out, sizeof out);
        USE(paw_store_close)(s);
    }
}
static void s_dense(paw_ctx *c)
{
    static const int block[1] = { 1 };
    static const char *const meta[] = { "who", "us", NULL };
    static float x[2 * 4 * DIM];
    static uint16_t classes[2 * PX * PX];
    paw_seg_test t = { 1, PX, PX / 2, block, 1 };
    paw_dense h, back;
    double loss;
    size_t i;
    for (i = 0; i < PAW__COUNT(classes); ++i) classes[i] = (uint16_t)(i / 9 % CLASSES);
    TRY(c, &h, USE(paw_dense_create)(c, CLASSES, DIM, 1, &h));
    TRYN(c, x, sizeof x, USE(paw_dense_features)(model, c, block, 1, chw, 2, PX, PX, x));
    note(x, sizeof x);
    for (i = 0; i < 2; ++i) {
        const double lr = USE(paw_seg_rate)(1e-2, 1, 4, (double)i);
        note(&lr, sizeof lr);
        TRY(c, &loss, USE(paw_seg_step)(&h, c, x, 2, 2, 2, classes, PX, PX, lr, &loss));
        note(&loss, sizeof loss);
    }
    TRY0(c, USE(paw_dense_save)(c, at("d.safetensors"), &h, meta));
    USE(paw_dense_free)(c, &h);
    TRY(c, &back, USE(paw_dense_load)(c, at("d.safetensors"), &back));
    note(back.weight, CLASSES * DIM * sizeof *back.weight);
    TRYN(c, classes, sizeof classes / 2,
         USE(paw_seg_predict)(&back, 1, model, c, &t, chw, PX, PX, PX, PX, classes));
    note(classes, sizeof classes / 2);
    TRYN(c, classes, 20 * 20 * sizeof *classes,
         USE(paw_seg_predict_features)(&back, c, x, 2, 2, PATCH, PX, PX, 20, 20, classes));
    note(classes, 20 * 20 * sizeof *classes);
    paw_dense_free(c, &back);
}
static void s_segmentation(paw_ctx *c)
{
    static uint16_t classes[PX * PX];
    static float out[3 * PX * PX];
    static const uint16_t truth[4] = { 0, 1, 2, PAW_IGNORED }, found[4] = { 0, 2, 2, 1 };
    uint64_t counts[3 * CLASSES] = { 0 };
    double iou[CLASSES], acc[CLASSES];
    paw_seg_summary sum;
    paw_seg_preset p = *USE(paw_seg_preset_at)(0);
    paw_seg_files f;
    paw_mask mask;
    size_t order[ROWS];
    int w, h;
    note(USE(paw_seg_preset_find)("lip19")->name, 5);
    TRY(c, &f, USE(paw_seg_files_list)(c, at("seg/img"), at("seg/ann"), &f));
    note(f.masks[0], strlen(f.masks[0]));
    USE(paw_seg_files_free)(c, &f);
    p.classes = 4;
    p.crop = PX;
    p.train_scale[0] = 128;
    p.train_scale[1] = 64;
    CALMLY(paw_mask_load(calm, at("mask.png"), &mask));
    TRYN(c, out, sizeof out,
         USE(paw_seg_augment)(c, &p, paw_stats_find("half"), &photo, &mask, 1, 2, out, classes));
    note(out, sizeof out);
    note(classes, sizeof classes);
    paw_mask_free(calm, &mask);
    TRYN(c, NULL, 0, USE(paw_seg_count)(c, truth, found, 4, CLASSES, counts));
    TRY(c, &sum, USE(paw_seg_score)(counts, CLASSES, iou, acc, &sum));
    note(&sum.miou, sizeof sum.miou);
    USE(paw_seg_size)(64, 48, 40, 30, &w, &h);
    note(&w, sizeof w);
    USE(paw_shuffle)(1, 2, order, ROWS);
    note(order, sizeof order);
}
static void s_pose(paw_ctx *c)
{
    enum { G = 2, UP = 4, H = G * UP };
    static float x[G * G * DIM], heat[17 * H * H], target[17 * (H * H + 1)], in[3 * PX * PX];
    paw_poses p;
    paw_pose_crop crop;
    paw_pose found;
    paw_pose_score score;
    paw_dense h;
    double loss;
    TRY(c, &p, USE(paw_poses_load)(c, at("annotations/person_keypoints_train2017.json"),
                                   at("train2017"), &p));
    note(p.items[0].points, sizeof p.items[0].points);
    USE(paw_pose_crop_random)(&p.items[0], PX, PX, 1, 2, &crop);
    USE(paw_pose_crop_of)(p.items[0].box, PX, PX, &crop);
    USE(paw_pose_input)(&photo, &crop, paw_stats_find("half"), PX, PX, in);
    note(in, sizeof in);
    USE(paw_pose_target)(&p.items[0], &crop, H, H, target, target + 17 * H * H);
    CALMLY(paw_dense_create(calm, 17, DIM, 1, &h));
    memcpy(x, rows, sizeof x);
    TRY(c, &loss, USE(paw_pose_step)(&h, c, x, 1, G, G, UP, target, 1e-2, &loss));
    memset(heat, 0, sizeof heat);
    TRYN(c, NULL, 0, USE(paw_pose_heat)(&h, c, x, G, G, UP, 1, heat));
    note(heat, sizeof heat);
    found = p.items[0];
    USE(paw_pose_decode)(heat, H, H, &crop, 0.5, &found);
    note(&loss, sizeof loss);
    loss = USE(paw_oks)(&p.items[0], &found);
    TRY(c, &score, USE(paw_pose_evaluate)(c, p.items, p.count, &found, 1, &score));
    note(&score, sizeof score);
    note(&loss, sizeof loss);
    paw_dense_free(calm, &h);
    USE(paw_poses_free)(c, &p);
}
static void s_retrieval(paw_ctx *c)
{
    static uint8_t relevant[ROWS] = { 1, 0, 1 };
    static double ap[ROWS], per_class[CLASSES];
    static size_t near[ROWS * 4], confusion[CLASSES * CLASSES];
    static float scores[ROWS * 4], votes[ROWS * CLASSES];
    static int32_t predicted[ROWS];
    paw_knn_opts o;
    paw_ap_summary sum;
    double one;
    size_t right;
    memset(&o, 0, sizeof o);
    o.k = 4;
    TRY(c, &one, USE(paw_average_precision)(c, rows, relevant, ROWS, &one));
    note(&one, sizeof one);
    TRYN(c, ap, sizeof ap, USE(paw_retrieval_ap)(c, rows, ROWS, DIM, labels, 1, ap));
    note(ap, sizeof ap);
    TRYN(c, ap, 0, USE(paw_retrieval_ap_part)(c, rows, ROWS, DIM, labels, 0, 1, 2, ap));
    note(ap, sizeof ap);
    TRYN(c, per_class, 0, USE(paw_ap_mean)(ap, labels, ROWS, CLASSES, per_class, &sum));
    note(&sum, sizeof sum);
    TRYN(c, near, sizeof near,
         USE(paw_retrieval_topk)(c, rows, ROWS, rows, ROWS, DIM, 4, 1, near, scores));
    note(near, sizeof near);
    note(scores, sizeof scores);
    TRYN(c, votes, sizeof votes, USE(paw_knn)(c, rows, ROWS, rows, labels, ROWS, DIM, CLASSES, &o,
                                              predicted, votes));
    note(votes, sizeof votes);
    one = USE(paw_chance)(labels, ROWS, CLASSES);
    note(&one, sizeof one);
    right = USE(paw_topk_correct)(votes, labels, ROWS, CLASSES, 1);
    note(&right, sizeof right);
    right = USE(paw_zero_rows)(rows, ROWS, DIM);
    note(&right, sizeof right);
    memset(confusion, 0, sizeof confusion);
    USE(paw_confusion)(votes, labels, ROWS, CLASSES, confusion);
    note(confusion, sizeof confusion);
    result ^= USE(paw_hash)(rows, 8, 1);
}
static size_t row_size;
static paw_err get(void *user, int epoch, const size_t *items, size_t n, const void **out)
{
    size_t i;
    (void)user;
    (void)epoch;
    for (i = 0; i < n; ++i) out[i] = rows + items[i] * row_size;
    return PAW_OK;
}
static int kind;
static void s_heads(paw_ctx *c)
{
    static float logits[ROWS * CLASSES];
    const void *some[4];
    const float *gradient;
    paw_tensor_view v;
    paw_features x;
    paw_head_opts o;
    paw_head *h, *back;
    double loss;
    size_t i;
    int done;
    USE(paw_head_recipe)(kind < 2 ? PAW_PROBE_PART : PAW_PROBE_IMAGENET, kind % 2, &o);
    o.dim = DIM;
    o.classes = CLASSES;
    o.heads = 2;
    o.batch = 10;
    o.epochs = 2;
    o.warmup = 0;
    if (kind == 3) o.optimizer = PAW_ADAMW;
    memset(&x, 0, sizeof x);
    x.count = ROWS;
    x.tokens = kind % 2 ? TOKENS : 1;
    row_size = x.tokens * DIM;
    x.labels = labels;
    x.get = get;
    for (i = 0; i < 4; ++i) some[i] = rows + i * row_size;
    TRY(c, &h, USE(paw_head_create)(c, &o, &h));
    TRY(c, &loss, USE(paw_head_step)(h, c, some, PAW_F32, labels, 4, x.tokens, 1e-3, &loss));
    note(&loss, sizeof loss);
    TRY0(c, USE(paw_head_train)(h, c, &x, NULL, NULL));
    TRY0(c, USE(paw_head_save)(h, c, at("h.safetensors"), NULL));
    USE(paw_head_free)(h);
    TRY(c, &back, USE(paw_head_load)(c, at("h.safetensors"), &back));
    (void)USE(paw_head_bn_eval)(back, PAW_BN_RUNNING);
    USE(paw_head_describe)(back, &o, &done);
    note(&done, sizeof done);
    TRY(c, &v, USE(paw_head_parameter)(back, 0, &v, &gradient));
    TRYN(c, logits, sizeof logits, USE(paw_head_predict)(back, c, &x, logits));
    note(logits, sizeof logits);
    paw_head_free(back);
}

/* ---- the loops ---- */

static const struct {
    const char *name;
    void (*run)(paw_ctx *c);
    int arg;
} scenarios[] = { { "context", s_context, 0 },
                  { "tensors", s_tensors, 0 },
                  { "io", s_io, 0 },
                  { "model", s_model, 0 },
                  { "deit", s_recipe, PAW_DEIT },
                  { "mocov3", s_recipe, PAW_MOCOV3 },
                  { "dino", s_recipe, PAW_DINO },
                  { "ibot", s_recipe, PAW_IBOT },
                  { "beit", s_recipe, PAW_BEIT },
                  { "mae", s_recipe, PAW_MAE },
                  { "cae", s_recipe, PAW_CAE },
                  { "encode", s_encode, 0 },
                  { "images", s_images, 0 },
                  { "files", s_files, 0 },
                  { "index", s_index, 0 },
                  { "reader", s_reader, 0 },
                  { "store", s_store, 0 },
                  { "dense", s_dense, 0 },
                  { "segmentation", s_segmentation, 0 },
                  { "pose", s_pose, 0 },
                  { "retrieval", s_retrieval, 0 },
                  { "part linear", s_heads, 0 },
                  { "part attentive", s_heads, 1 },
                  { "imagenet linear", s_heads, 2 },
                  { "imagenet attentive", s_heads, 3 } };
static uint64_t expected;
static long kept_open;

static void remove_below(const char *name) /* a folder that a scenario writes */
{
    char path[1500];
    const struct dirent *d;
    DIR *dir = opendir(at(name));
    snprintf(path, sizeof path, "%s", at(name));
    while (dir && (d = readdir(dir)) != NULL) {
        char below[2000];
        if (d->d_name[0] == '.') continue;
        snprintf(below, sizeof below, "%s/%s", name, d->d_name);
        remove_below(below);
    }
    if (dir) closedir(dir);
    remove(path);
}
/* What is left of a temporary file below the root. */
static int temporary(const char *folder)
{
    const struct dirent *d;
    DIR *dir = opendir(folder);
    int found = 0;
    while (dir && (d = readdir(dir)) != NULL) {
        char below[2000];
        const size_t n = strlen(d->d_name);
        if (d->d_name[0] == '.') continue;
        snprintf(below, sizeof below, "%s/%s", folder, d->d_name);
        found |= n > 4 && !strcmp(d->d_name + n - 4, ".tmp");
        if (!strncmp(d->d_name, "store", 5) || !strncmp(d->d_name, "cls-", 4))
            found |= temporary(below);
    }
    if (dir) closedir(dir);
    return found;
}
/* One run of a scenario under the fault that is set; 1 where the fault struck. */
static int run_once(size_t k, int threads)
{
    const long live = fault.live;
    paw_config config;
    paw_ctx *c = NULL;
    remove_below("store");
    memset(&config, 0, sizeof config);
    config.mem.alloc = fault_alloc;
    config.mem.free = fault_free;
    config.threads = threads;
    scene = scenarios[k].name;
    recipe = kind = scenarios[k].arg;
    result = 0;
    fault.hit = 0;
    fault.past = 0;
    fault.threads = 0;
    fault.allocs = fault.ops = -1000; /* the context is not part of it */
    if (paw_create(&config, &c)) stop("no context");
    fault.allocs = fault.ops = 0;
    scenarios[k].run(c);
    if (mode == NO_THREADS && fault.hit && paw_threads_used(c) != fault.fail_thread)
        complain("not told how many threads there are", "");
    fault_disarm();
    paw_destroy(c);
    if (mode == CALM) expected = result;
    if (result != expected) complain("another result", "");
    if (fault.live != live) complain("memory is left", "");
    if (fault.open != kept_open) complain("a file or folder is left open", "");
    if (fault.past) complain("memory taken past the context's allocator", "");
    if (mode == NO_DISK && temporary(root)) complain("a temporary file is left", "");
    fault.live = live;
    fault.open = kept_open;
    return __atomic_load_n(&fault.hit, __ATOMIC_RELAXED);
}
/* Every failure in every way; under AddressSanitizer, which looks at the way out of it and takes
   ten times as long, every failure in one way, by turns. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BY_TURNS
#endif
#endif
#if defined(BY_TURNS)
enum { MEMORY_STEP = 3, DISK_STEP = 5 };
#else
enum { MEMORY_STEP = 1, DISK_STEP = 1 };
#endif
static void run_memory(size_t k, int way)
{
    static const int threads[3] = { 1, 1, 3 };
    long n, failed = 0;
    mode = NO_MEMORY;
    complaints = 0;
    fault.from_then_on = way == 1;
    for (n = 1 + way % MEMORY_STEP;; n += MEMORY_STEP, ++failed) {
        fault.fail_alloc = n;
        if (!run_once(k, threads[way])) break;
    }
    fault.from_then_on = 0;
    T(!complaints && (failed || !k), "%s, %d threads: %d complaints over %ld failing allocations%s",
      scene, threads[way], complaints, failed, way == 1 ? ", and all after" : "");
    printf("note %s: %ld allocations failed in turn\n", scene, failed);
}
static void run_disk(size_t k, int way)
{
    static const int errors[5] = { EIO, ENOSPC, EINTR, EIO, EINTR };
    long n, failed = 0;
    mode = NO_DISK;
    complaints = 0;
    fault.error = errors[way];
    fault.half = way > 2;
    for (n = 1 + way % DISK_STEP;; n += DISK_STEP, ++failed) {
        fault.fail_op = n;
        if (!run_once(k, 1)) break;
    }
    T(!complaints, "%s: %d complaints over %ld failing operations (%s%s)", scene, complaints,
      failed, strerror(errors[way]), way > 2 ? ", half done" : "");
    if (!way && failed) printf("note %s: %ld operations on files failed in turn\n", scene, failed);
    fault.half = fault.error = 0;
}
static void run_threads(size_t k)
{
    long n;
    mode = NO_THREADS;
    complaints = 0;
    for (n = 1; n <= 3; ++n) {
        fault.fail_thread = n;
        (void)run_once(k, 4);
    }
    T(!complaints, "%s: %d complaints with fewer threads", scene, complaints);
}

/* The clock that dates files jumps, back and forth. */
static void run_clock(size_t k)
{
    mode = ODD_MODE;
    complaints = 0;
    for (fault.clock = -4e8; fault.clock < 1e9; fault.clock += 8e8) (void)run_once(k, 1);
    fault.clock = 0;
    T(!complaints, "%s: %d complaints when the clock jumps", scene, complaints);
}
/* The host rounds another way and flushes denormals: the same bits, and its mode is as it was. */
static void run_modes(size_t k)
{
    static const int rounding[] = { FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
    size_t i;
    mode = ODD_MODE;
    complaints = 0;
    for (i = 0; i < 6; ++i) {
        int kept;
        fesetround(rounding[i % 3]);
#if defined(PAW__X86)
        _mm_setcsr(_mm_getcsr() | 0x8040u); /* flush to zero, denormals are zero */
        (void)run_once(k, i < 3 ? 1 : 3);
        kept = fegetround() == rounding[i % 3] && (_mm_getcsr() & 0x8040u) == 0x8040u;
        _mm_setcsr(0x1f80u);
#else
        (void)run_once(k, i < 3 ? 1 : 3);
        kept = fegetround() == rounding[i % 3];
#endif
        fesetround(FE_TONEAREST);
        if (!kept) complain("the host's mode is another", "");
    }
    T(!complaints, "%s: %d complaints with other floating-point modes", scene, complaints);
}

/* Every function that the header declares has been called by a scenario. */
static void test_coverage(void)
{
    FILE *f = fopen("partaware.h", "rb");
    char line[256], name[64];
    int in_api = 0, functions = 0;
    while (f && fgets(line, sizeof line, f)) {
        const char *p;
        size_t i, n;
        if (strstr(line, "==== >>api ")) in_api = 1;
        if (strstr(line, "==== >>platform ")) break;
        if (!in_api || strncmp(line, "PAW_DEF ", 8) || !(p = strpbrk(line, "(;"))) continue;
        for (n = 0; p > line && (p[-1] == '_' || (p[-1] >= '0' && p[-1] <= '9') ||
                                 (p[-1] >= 'a' && p[-1] <= 'z')); --p)
            ++n;
        snprintf(name, sizeof name, "%.*s", (int)n, p);
        for (i = 0; i < called_count && strcmp(called[i], name); ++i) {}
        T(i < called_count, "%s is called by no scenario", name);
        ++functions;
    }
    T(f && functions > 120, "%d functions found in partaware.h", functions);
    if (f) fclose(f);
    printf("note %d functions of the header, each called while its allocations and files failed\n",
           functions);
}

int main(int argc, char **argv)
{
    const int only = argc > 2 ? atoi(argv[2]) : -1; /* for whoever looks at one scenario */
    paw_random_spec spec;
    size_t k;
    int way;
    fixtures = argc > 1 ? argv[1] : "build/fixtures";
    if (!mkdtemp(root) || paw_create(NULL, &calm)) stop("no folder or no context");
    make_files();
    random_spec(&spec, PAW_DINO);
    if (paw_tensors_random(calm, &spec, &weights) ||
        paw_model_convert(calm, weights, NULL, at("m.safetensors")) ||
        paw_image_load(calm, at("photo.png"), &photo))
        stop(paw_message(calm));
    model = model_of(PAW_DINO, PAW_F32);
    small_bf16 = model_of(PAW_BEIT, PAW_BF16);
    kept_open = fault.open;
    for (k = 0; k < PAW__COUNT(scenarios); ++k) {
        if (only >= 0 && k != (size_t)only) continue;
        mode = CALM;
        complaints = 0;
        (void)run_once(k, 1);
        T(!complaints, "%s: nothing fails", scene);
        for (way = 0; way < 3; ++way) run_memory(k, way);
        for (way = 0; way < 5; ++way) run_disk(k, way);
        run_threads(k);
        run_modes(k);
        run_clock(k);
    }
    if (only < 0) test_coverage();
    paw_model_free(model);
    paw_model_free(small_bf16);
    paw_tensors_close(weights);
    paw_image_free(calm, &photo);
    paw_destroy(calm);
    remove_below("");
    return t_end("faults");
}
