#define _XOPEN_SOURCE 700
/* Data sets: folders, text tables, CUB part patches on made-up and hostile files, and the patches
   of the released code where ../shared is. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "t.h"
#include <unistd.h>

static paw_ctx *ctx;
static char root[] = P_tmpdir "/paw-data-XXXXXX";

typedef struct {
    long calls, fail_at, held;
} fault;
static void *fault_alloc(void *user, size_t bytes)
{
    fault *f = (fault *)user;
    void *p = ++f->calls == f->fail_at ? NULL : malloc(bytes);
    f->held += p != NULL;
    return p;
}
static void fault_free(void *user, void *p, size_t bytes)
{
    (void)bytes;
    ((fault *)user)->held -= p != NULL;
    free(p);
}

static const char *at(const char *name)
{
    static char path[2][1200];
    static int turn;
    char *p = path[turn ^= 1];
    snprintf(p, sizeof path[0], "%s/%s", root, name);
    return p;
}
static void write_bytes(const char *name, const char *text, size_t n)
{
    FILE *f = fopen(at(name), "wb");
    if (!f || fwrite(text, 1, n, f) != n || fclose(f)) abort();
}
static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* ---- folders ---- */

static void test_files(void)
{
    static const char *const names[] = { "b.JPG", "a b.jpeg", "\xff\xfe.png", "z.Png", "B.jpg" };
    static const char *const sorted[] = { "B.jpg", "a b.jpeg", "b.JPG", "z.Png", "\xff\xfe.png" };
    static const char *const others[] = { "c.gif", "jpg", ".jpg", "d.jpg.txt", "line\nbreak.jp" };
    paw_files f = { NULL, 9 };
    size_t i;
    mkdir(at("set"), 0700);
    T(paw_files_list(ctx, at("set"), &f) == PAW_E_IO && strstr(paw_message(ctx), root) &&
      strstr(paw_message(ctx), ".png"), "empty folder: %s", paw_message(ctx));
    T(paw_files_list(ctx, at("nothing"), &f) == PAW_E_IO && strstr(paw_message(ctx), "nothing"),
      "missing: %s", paw_message(ctx));
    T(paw_files_list(ctx, "/dev/null", &f) == PAW_E_IO, "device");
    T(paw_files_list(ctx, NULL, &f) == PAW_E_ARG && paw_files_list(ctx, root, NULL) == PAW_E_ARG &&
      paw_files_list(NULL, root, &f) == PAW_E_ARG && f.count == 9, "NULL");
    for (i = 0; i < 5; ++i) {
        char name[64];
        snprintf(name, sizeof name, "set/%s", names[i]);
        write_text(name, "x");
        snprintf(name, sizeof name, "set/%s", others[i]);
        write_text(name, "x");
    }
    mkdir(at("set/folder.jpg"), 0700);
    if (symlink("nowhere", at("set/dangling.png"))) abort();
    T(!paw_files_list(ctx, at("set/"), &f) && f.count == 5, "%zu files", f.count);
    for (i = 0; i < f.count && f.count == 5; ++i) {
        const char *slash = strrchr(f.paths[i], '/');
        T(slash && !strcmp(slash + 1, sorted[i]) && !strstr(f.paths[i], "//"), "%s", f.paths[i]);
    }
    paw_files_free(ctx, &f);
    T(!f.paths && !f.count, "freed list is empty");
    T(!paw_files_list(ctx, at("set/c.gif"), &f) && f.count == 1 &&
      !strcmp(f.paths[0], at("set/c.gif")), "one file, whatever its name");
    paw_files_free(ctx, &f);
    paw_files_free(ctx, NULL);
}

/* ---- numbers in tables ---- */

static void test_reals(void)
{
    static const struct {
        const char *text;
        double v;
    } good[] = { { "312.0", 312.0 },  { "208.25", 208.25 }, { "-0.1", -0.1 }, { "1e3", 1000 },
                 { "1.5E-2", 0.015 }, { "0", 0 }, { "123456789012345678", 123456789012345678.0 },
                 { "inf", HUGE_VAL }, { "-inf", -HUGE_VAL }, { "1e999", HUGE_VAL },
                 { "9007199254740993", 9007199254740992.0 },
                 { "0.1000000000000000055511151231257827021181583404541015625", 0.1 } };
    static const char *const wrong[] = { "1,5", "0x10", "1.2.3", "e5", "-", "12a", "--1", "+" };
    size_t i;
    paw__table t;
    double v;
    for (i = 0; i < sizeof good / sizeof *good; ++i) {
        write_text("table", good[i].text);
        T(!paw__table_open(&t, ctx, root, "table") && paw__table_row(&t), "open");
        v = -7;
        T(!paw__table_real(&t, &v) && v == good[i].v && !paw__table_done(&t), "%s: %.17g",
          good[i].text, v);
        paw__table_close(&t);
    }
    for (i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
        write_text("table", wrong[i]);
        T(!paw__table_open(&t, ctx, root, "table") && paw__table_row(&t), "open");
        T(paw__table_real(&t, &v) == PAW_E_FORMAT && strstr(paw_message(ctx), "table:1:"), "%s: %s",
          wrong[i], paw_message(ctx));
        paw__table_close(&t);
    }
}

/* ---- CUB ---- */

static const char *const images_txt = "1 a/one.jpg\n2 b/two words.jpg\n3 c/three.jpg\n";
static const char *const parts_txt = "9 left wing\n11 right eye\n12 right leg\n14 tail\n1 back\n";
static const char *const split_txt = "1 1\n2 0\n3 1\n";
/* Image 1: 90 apart (3-4-5 times 18); image 2: a twin, and a point 94 away; image 3: alone. */
static const char *const locs_txt = "1 9 100.0 100.0 1\n1 11 154.0 172.0 1\n1 1 101 101 1\n"
                                    "2 9 50.5 60.5 1\n2 11 50.5 60.5 1\n2 12 50.5 154.5 1\n"
                                    "2 14 0.0 0.0 0\n3 14 10 10 1\n";
static void cub(const char *images, const char *parts, const char *split, const char *locs)
{
    mkdir(at("parts"), 0700);
    write_text("images.txt", images ? images : images_txt);
    write_text("parts/parts.txt", parts ? parts : parts_txt);
    write_text("train_test_split.txt", split ? split : split_txt);
    write_text("parts/part_locs.txt", locs ? locs : locs_txt);
}
static int box_is(const paw_item *p, double x, double y, double h)
{
    return p->box[0] == x - h && p->box[1] == y - h && p->box[2] == x + h && p->box[3] == y + h;
}
static int adds_up(const paw_index *x)
{
    size_t n = x->count;
    int i;
    for (i = 0; i < PAW_SKIPS; ++i) n += x->skipped[i];
    return n == x->candidates;
}
static void check_made(const char *what)
{
    paw_index p;
    paw_err e;
    memset(&p, 0, sizeof p);
    e = paw_index_cub(ctx, root, NULL, &p);
    if (!T(!e && p.count == 5, "%s: %zu patches, %s", what, p.count, paw_message(ctx))) return;
    T(p.images == 3 && p.candidates == 7 && p.skipped[PAW_SKIP_INVISIBLE] == 1 &&
      p.skipped[PAW_SKIP_ALONE] == 1 && p.classes == 4 && adds_up(&p), "%s: counts", what);
    T(!strcmp(p.class_names[0], "right eye") && !strcmp(p.class_names[3], "tail"), "class names");
    T(p.items[0].image_id == 1 && p.items[0].part_id == 9 && p.items[0].label == 2 &&
      p.items[1].label == 0 && p.items[4].part_id == 12 && p.items[4].label == 1, "order");
    T(p.items[0].e == 45 && box_is(&p.items[0], 100, 100, 22), "90 apart: half %g",
      p.items[0].x - p.items[0].box[0]); /* 22.5 rounds to even */
    T(p.items[2].e == 47 && box_is(&p.items[2], 50.5, 60.5, 24), "94 apart: half %g",
      p.items[2].x - p.items[2].box[0]); /* 23.5; the twin at distance 0 does not count */
    T(p.items[0].train == 1 && p.items[2].train == 0, "split");
    T(!strcmp(p.items[2].path, at("images/b/two words.jpg")), "path %s", p.items[2].path);
    paw_index_free(ctx, &p);
    T(!p.items && !p.count && !p.owned_, "freed patches are empty");
}
static void test_cub(void)
{
    static const int one[] = { 14 }, twice[] = { 9, 9 }, none[] = { 99 }, two[] = { 12, 9 };
    paw_index_opts o;
    paw_index p;
    cub(NULL, NULL, NULL, NULL);
    check_made("plain");
    cub("3 c/three.jpg\r\n\r\n1 a/one.jpg\r\n2 b/two words.jpg", "\xef\xbb\xbf" "9 left wing\r\n"
        "11 right eye\n\n12\tright leg \n14 tail\n1 back", "1 1\r\n2 0\r\n3 1",
        "1 9 1e2 100.0 1\r\n1 11 154 172.0 1\r\n1 1 101 101 1\r\n3 14 10 10 1\n2 12 50.5 154.5 1\n"
        "2 11 50.5 60.5 1.0\n\n2 9 50.5 60.5 1\n  2 14 0.0 0.0 0");
    check_made("CR LF, blank rows, any order, no last newline");
    memset(&o, 0, sizeof o);
    o.protocol = PAW_PROTOCOL_PAPER;
    T(!paw_index_cub(ctx, root, &o, &p) && p.count == 5 && box_is(&p.items[0], 100, 100, 45) &&
      box_is(&p.items[2], 50.5, 60.5, 47), "paper");
    paw_index_free(ctx, &p);
    o.parts = two;
    o.part_count = 2;
    T(!paw_index_cub(ctx, root, &o, &p) && p.count == 2 && p.items[0].label == 1 &&
      p.items[1].label == 0 && p.candidates == 3 && p.skipped[PAW_SKIP_ALONE] == 1, "two parts");
    paw_index_free(ctx, &p);
    o.parts = one;
    o.part_count = 1;
    T(!paw_index_cub(ctx, root, &o, &p) && !p.count && p.skipped[PAW_SKIP_ALONE] == 1,
      "lone points are dropped");
    paw_index_free(ctx, &p);
    o.parts = NULL;
    o.part_count = -1;
    T(!paw_index_cub(ctx, root, &o, &p) && p.classes == 5 && p.candidates == 8 &&
      adds_up(&p), "every part");
    paw_index_free(ctx, &p);
    p.count = 77;
    o.part_count = 2;
    T(paw_index_cub(ctx, root, &o, &p) == PAW_E_ARG, "count without parts");
    o.parts = twice;
    T(paw_index_cub(ctx, root, &o, &p) == PAW_E_ARG, "a part twice");
    o.parts = none;
    o.part_count = 1;
    T(paw_index_cub(ctx, root, &o, &p) == PAW_E_KEY && strstr(paw_message(ctx), "99"), "no part");
    o.protocol = 2;
    T(paw_index_cub(ctx, root, &o, &p) == PAW_E_ARG, "protocol 2");
    T(paw_index_cub(ctx, NULL, NULL, &p) == PAW_E_ARG && p.count == 77, "NULL root");
}
/* The filter is open at both ends: 20 < e < 1000. */
static void test_cub_filter(void)
{
    static const struct {
        const char *locs;
        size_t count;
        int reason;
    } rows[] = { { "1 9 0 0 1\n1 11 40 0 1\n", 0, PAW_SKIP_NEAR },
                 { "1 9 0 0 1\n1 11 40.01 0 1\n", 2, -1 },
                 { "1 9 0 0 1\n1 11 2000 0 1\n", 0, PAW_SKIP_FAR },
                 { "1 9 0 0 1\n1 11 1999.9 0 1\n", 2, -1 },
                 { "1 9 0 0 1\n1 11 90 0 2\n", 0, PAW_SKIP_INVISIBLE },
                 { "1 9 nan 0 1\n1 11 0 0 1\n1 12 0 80 1\n", 2, PAW_SKIP_POSITION },
                 { "1 9 1e30 0 1\n1 11 inf 0 1\n", 0, PAW_SKIP_POSITION },
                 { "1 9 5 5 1\n1 11 5 5 1\n", 0, PAW_SKIP_ALONE } };
    size_t i;
    paw_index p;
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        cub(NULL, NULL, NULL, rows[i].locs);
        T(!paw_index_cub(ctx, root, NULL, &p), "filter %d: %s", (int)i, paw_message(ctx));
        T(p.count == rows[i].count && adds_up(&p) &&
          (rows[i].reason < 0 || p.skipped[rows[i].reason]), "filter %d: %zu of %zu", (int)i,
          p.count, p.candidates);
        paw_index_free(ctx, &p);
    }
}
static void test_cub_hostile(void)
{
    static const struct {
        int file; /* 0 images, 1 parts, 2 split, 3 locations */
        const char *text;
        paw_err e;
        const char *says;
    } rows[] = { { 0, "", PAW_E_FORMAT, "images.txt:0: no images" },
                 { 0, "1 a.jpg\n2\n", PAW_E_FORMAT, "images.txt:2: too few" },
                 { 0, "x a.jpg\n", PAW_E_FORMAT, "images.txt:1: not an integer" },
                 { 0, "1 a.jpg\n1 b.jpg\n", PAW_E_FORMAT, "lines 1 and 2" },
                 { 0, "1 /etc/passwd\n", PAW_E_FORMAT, "images.txt:1: a path outside" },
                 { 0, "1 a/../../b.jpg\n", PAW_E_FORMAT, "images.txt:1: a path outside" },
                 { 0, "1 a/..\n", PAW_E_FORMAT, "outside" },
                 { 0, "9999999999999999999 a.jpg\n", PAW_E_FORMAT, "images.txt:1: not an integer" },
                 { 1, "11\n", PAW_E_FORMAT, "parts.txt:1: too few" },
                 { 1, "11 eye\n11 leg\n", PAW_E_FORMAT, "parts.txt:2:" },
                 { 1, "11 eye\n99999999999 leg\n", PAW_E_LIMIT, "parts.txt:2:" },
                 { 1, "11 eye\n9 w\n14 t\n1 b\n", PAW_E_KEY, "no part 12" },
                 { 1, "11 eye\n", PAW_E_KEY, "1 parts, 4 wanted" },
                 { 2, "1 1\n2 0\n", PAW_E_KEY, "split.txt: no row for image id 3" },
                 { 2, "1 1\n2 0\n3 1\n4 1\n", PAW_E_KEY, "split.txt:4:" },
                 { 2, "1 1\n2 0\n2 1\n", PAW_E_FORMAT, "split.txt:3:" },
                 { 2, "1 1\n2 2\n", PAW_E_FORMAT, "split.txt:2:" },
                 { 2, "1 1 1\n", PAW_E_FORMAT, "split.txt:1: too many" },
                 { 3, "1 9 1 1 1\n1 11 1 1\n", PAW_E_FORMAT, "part_locs.txt:2: too few" },
                 { 3, "1 9 1 1 1\n\n1 11 a 1 1\n", PAW_E_FORMAT, "part_locs.txt:3: not a number" },
                 { 3, "1 9 1 1 1\n4 9 1 1 1\n", PAW_E_KEY, "part_locs.txt:2: an image id" },
                 { 3, "1 8 1 1 1\n", PAW_E_KEY, "part_locs.txt:1: a part id" },
                 { 3, "1 9 1 1 1\n2 9 1 1 1\n1 9 2 2 1\n", PAW_E_FORMAT, "lines 1 and 3" },
                 { 3, "1 9 1 1 1 7\n", PAW_E_FORMAT, "part_locs.txt:1: too many" },
                 { 3, "1.5 9 1 1 1\n", PAW_E_FORMAT, "part_locs.txt:1: not an integer" } };
    static const char *const files[] = { "images.txt", "parts/parts.txt", "train_test_split.txt",
                                         "parts/part_locs.txt" };
    paw_index p;
    size_t i;
    paw_err e;
    memset(&p, 0, sizeof p);
    p.count = 77;
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        cub(NULL, NULL, NULL, NULL);
        write_text(files[rows[i].file], rows[i].text);
        e = paw_index_cub(ctx, root, NULL, &p);
        T(e == rows[i].e && strstr(paw_message(ctx), rows[i].says) && p.count == 77,
          "hostile %d: %d %s", (int)i, e, paw_message(ctx));
    }
    cub(NULL, NULL, NULL, NULL);
    write_bytes("images.txt", "1 a\0b.jpg\n", 10);
    T(paw_index_cub(ctx, root, NULL, &p) == PAW_E_FORMAT, "NUL in a path");
    for (i = 0; i < 4; ++i) {
        cub(NULL, NULL, NULL, NULL);
        remove(at(files[i]));
        e = paw_index_cub(ctx, root, NULL, &p);
        T(e == PAW_E_IO && strstr(paw_message(ctx), files[i]) &&
          strstr(paw_message(ctx), "no such file"), "missing: %s", paw_message(ctx));
    }
}
static void test_memory(void)
{
    fault f = { 0, 0, 0 };
    paw_config cfg;
    paw_ctx *c = NULL;
    paw_index p;
    paw_files l;
    long n, tries, held;
    memset(&cfg, 0, sizeof cfg);
    cfg.threads = 1;
    cfg.mem.alloc = fault_alloc;
    cfg.mem.free = fault_free;
    cfg.mem.user = &f;
    if (paw_create(&cfg, &c)) abort();
    held = f.held;
    cub(NULL, NULL, NULL, NULL);
    f.calls = 0;
    T(!paw_index_cub(c, root, NULL, &p), "patches");
    tries = f.calls;
    paw_index_free(c, &p);
    for (n = 1; n <= tries; ++n) {
        f.calls = 0;
        f.fail_at = n;
        T(paw_index_cub(c, root, NULL, &p) == PAW_E_OOM && f.held == held,
          "patches: allocation %ld of %ld", n, tries);
    }
    f.calls = f.fail_at = 0;
    T(!paw_files_list(c, at("set"), &l), "files");
    tries = f.calls;
    paw_files_free(c, &l);
    for (n = 1; n <= tries; ++n) {
        f.calls = 0;
        f.fail_at = n;
        T(paw_files_list(c, at("set"), &l) == PAW_E_OOM && f.held == held,
          "files: allocation %ld of %ld", n, tries);
    }
    f.fail_at = 0;
    paw_destroy(c);
    T(tries && !f.held, "all freed");
}
static void test_patch_image(void)
{
    uint8_t px[60 * 40 * 3];
    paw_image in, out;
    paw_item p;
    size_t i;
    for (i = 0; i < sizeof px; ++i) px[i] = (uint8_t)t_random();
    in.px = px;
    in.w = 60;
    in.h = 40;
    memset(&p, 0, sizeof p);
    p.kind = PAW_ITEM_BOX;
    p.box[0] = -12;
    p.box[2] = 32;
    p.box[1] = 4.5;
    p.box[3] = 48.5;
    T(!paw_item_image(ctx, &p, &in, 24, 0, &out) && out.w == 24 && out.h == 24, "patch image: %s",
      paw_message(ctx));
    T(!out.px[24 * 3 * 12] && out.px[24 * 3 * 12 + 36], "black outside, image inside");
    paw_image_free(ctx, &out);
    p.box[3] = 50.5;
    T(!paw_item_image(ctx, &p, &in, 24, 0, &out) && out.w == 24 && out.h == 24, "not a square");
    paw_image_free(ctx, &out);
    p.box[3] = 4.5;
    T(paw_item_image(ctx, &p, &in, 24, 0, &out) == PAW_E_ARG, "side 0");
    T(paw_item_image(ctx, NULL, &in, 24, 0, &out) == PAW_E_ARG, "NULL");
}

/* ---- the released code's patches ---- */

static void check_labels(const char *shared, const paw_index *p)
{
    static const size_t want[4] = { 139, 162, 159, 241 };
    size_t per[4] = { 0, 0, 0, 0 }, i, wrong = 0;
    paw_tensors *t = NULL;
    int64_t labels[1000];
    char path[1200];
    paw_err e;
    snprintf(path, sizeof path, "%s/golden/cub_deit_tiny/labels.npy", shared);
    e = paw_tensors_open(ctx, path, &t);
    if (!e) e = paw_tensors_read(ctx, t, 0, PAW_I64, labels, p->count);
    paw_tensors_close(t);
    if (!T(!e, "labels: %s", paw_message(ctx))) return;
    for (i = 0; i < p->count; ++i) {
        wrong += labels[i] != p->items[i].label;
        ++per[p->items[i].label];
    }
    T(!wrong, "%zu labels differ", wrong);
    T(!memcmp(per, want, sizeof per), "per class: %zu %zu %zu %zu", per[0], per[1], per[2], per[3]);
}
static void test_golden(void)
{
    const char *shared = t_shared();
    char path[1200], line[256];
    size_t i = 0, wrong = 0;
    paw_index p;
    paw_image in, out;
    FILE *f;
    if (!shared) {
        T_SKIP("no ../shared: the released code's patches");
        return;
    }
    snprintf(path, sizeof path, "%s/golden/cub_deit_tiny/patches.csv", shared);
    f = fopen(path, "r");
    snprintf(path, sizeof path, "%s/data/cub", shared);
    if (!T(!paw_index_cub(ctx, path, NULL, &p), "cub: %s", paw_message(ctx))) return;
    T(p.count == 701 && p.images == 300, "%zu patches of %zu images", p.count, p.images);
    if (!f || !fgets(line, sizeof line, f)) {
        T_SKIP("no patches.csv");
    } else {
        while (fgets(line, sizeof line, f) && i < p.count) {
            const paw_item *q = &p.items[i++];
            char want[256];
            snprintf(want, sizeof want, "%lld,%d,%.9g,%.9g,%.9g\n", (long long)q->image_id,
                     (int)q->part_id, q->x, q->y, q->e);
            wrong += strcmp(want, line) != 0;
        }
        T(i == 701 && !wrong, "%zu of %zu rows differ", wrong, i);
        fclose(f);
        check_labels(shared, &p);
    }
    for (i = 0; i < p.count; i += 100) {
        if (!T(!paw_image_load(ctx, p.items[i].path, &in), "%s", paw_message(ctx))) continue;
        T(!paw_item_image(ctx, &p.items[i], &in, 224, 0, &out) && out.w == 224 && out.h == 224,
          "patch %zu: %s", i, paw_message(ctx));
        paw_image_free(ctx, &out);
        paw_image_free(ctx, &in);
    }
    paw_index_free(ctx, &p);
}

/* ---- COCO: what tools/check_coco.py counts, written from the protocol alone ---- */

static uint32_t list_crc(const paw_index *x, int objects)
{
    const size_t cap = x->count * 96 + 1;
    char *text = (char *)malloc(cap);
    size_t i, n = 0;
    uint32_t crc;
    for (i = 0; i < x->count; ++i) {
        const paw_item *t = &x->items[i];
        n += (size_t)snprintf(text + n, cap - n, "%lld,%lld,", (long long)t->image_id,
                              (long long)t->entry);
        if (objects) n += (size_t)snprintf(text + n, cap - n, "%d\n", (int)t->label);
        else n += (size_t)snprintf(text + n, cap - n, "%d,%.9g,%.9g,%.0f\n", (int)t->part_id, t->x,
                                   t->y, t->box[2] - t->x);
    }
    crc = paw__crc32((const uint8_t *)text, n);
    free(text);
    return crc;
}
static void test_coco_golden(void)
{
    static const struct {
        const char *split;
        int protocol;
        size_t images, count, class_count[3], invisible, person, close;
        uint32_t crc;
    } rows[] = {
        { "train2017", PAW_PROTOCOL_CODE, 28, 79, { 25, 32, 22 }, 316, 30, 16, 0xb6d9cce4u },
        { "train2017", PAW_PROTOCOL_PAPER, 28, 74, { 23, 31, 20 }, 316, 30, 21, 0xced32a69u },
        { "val2017", PAW_PROTOCOL_CODE, 32, 51, { 17, 20, 14 }, 188, 34, 6, 0xbe7678ebu },
        { "val2017", PAW_PROTOCOL_PAPER, 32, 46, { 15, 17, 14 }, 188, 34, 11, 0x6e5c96e2u }
    };
    const char *shared = t_shared(), *first = NULL;
    char path[1200];
    size_t i, k;
    if (shared) snprintf(path, sizeof path, "%s/data/coco_kp/annotations", shared);
    if (!shared || access(path, F_OK)) {
        T_SKIP("no ../shared/data/coco_kp: counts of real COCO files");
        return;
    }
    snprintf(path, sizeof path, "%s/data/coco_kp", shared);
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        size_t per[3] = { 0, 0, 0 };
        paw_index_opts o;
        paw_reader r;
        paw_image img;
        paw_index x;
        memset(&o, 0, sizeof o);
        memset(&r, 0, sizeof r);
        o.protocol = rows[i].protocol;
        o.split = rows[i].split;
        if (!T(!paw_index_coco_parts(ctx, path, &o, &x), "%s", paw_message(ctx))) continue;
        for (k = 0; k < x.count; ++k) ++per[x.items[k].label];
        T(x.images == rows[i].images && x.count == rows[i].count && adds_up(&x) &&
          !memcmp(per, rows[i].class_count, sizeof per), "%s %d: %zu patches: %zu %zu %zu",
          rows[i].split, rows[i].protocol, x.count, per[0], per[1], per[2]);
        T(x.skipped[PAW_SKIP_INVISIBLE] == rows[i].invisible &&
          x.skipped[PAW_SKIP_PERSON] == rows[i].person &&
          x.skipped[PAW_SKIP_NEAR] == rows[i].close, "%s %d: skipped", rows[i].split,
          rows[i].protocol);
        T(list_crc(&x, 0) == rows[i].crc, "%s %d: other patches: crc %08x", rows[i].split,
          rows[i].protocol, (unsigned)list_crc(&x, 0));
        T(!paw_index_drop_missing(&x, &first) && !first && x.count == rows[i].count,
          "%s: every image is there", rows[i].split);
        for (k = 0; k < x.count; k += 16) {
            if (T(!paw_reader_item(ctx, &r, &x.items[k], 64, PAW_FRAME_AUTO, &img), "%s",
                  paw_message(ctx)))
                paw_image_free(ctx, &img);
        }
        paw_reader_free(ctx, &r);
        paw_index_free(ctx, &x);
    }
}

static void clean(void)
{
    paw_files f;
    size_t i;
    static const char *const rest[] = { "set/c.gif", "set/jpg", "set/.jpg", "set/d.jpg.txt",
                                        "set/line\nbreak.jp", "set/folder.jpg", "set/dangling.png",
                                        "set", "parts/parts.txt", "parts/part_locs.txt", "parts",
                                        "images.txt", "train_test_split.txt", "table" };
    if (!paw_files_list(ctx, at("set"), &f)) {
        for (i = 0; i < f.count; ++i) remove(f.paths[i]);
        paw_files_free(ctx, &f);
    }
    for (i = 0; i < sizeof rest / sizeof *rest; ++i) remove(at(rest[i]));
    T(!rmdir(root), "the scratch folder is empty");
}

int main(void)
{
    if (paw_create(NULL, &ctx) || !mkdtemp(root)) abort();
    test_files();
    test_reals();
    test_cub();
    test_cub_filter();
    test_cub_hostile();
    test_memory();
    test_patch_image();
    test_golden();
    test_coco_golden();
    clean();
    paw_destroy(ctx);
    return t_end("data");
}
