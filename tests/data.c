#define _XOPEN_SOURCE 700
/* Data sets: folders, text tables, CUB part patches on made-up and hostile files, and the patches
   of the released code where ../shared is. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "t.h"
#include <unistd.h>

static paw_ctx *ctx;
static char root[] = P_tmpdir "/paw-data-XXXXXX";

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
    FILE *f;
    remove(at(name)); /* a file cut short and written again is flushed by some file systems */
    f = fopen(at(name), "wb");
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
static void test_cub_files(void) /* missing ones; their content: hostile.c */
{
    static const char *const files[] = { "images.txt", "parts/parts.txt", "train_test_split.txt",
                                         "parts/part_locs.txt" };
    paw_index p;
    size_t i;
    paw_err e;
    memset(&p, 0, sizeof p);
    p.count = 77;
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
/* ---- COCO, made up ---- */

static void folders_for(const char *file) /* the folders on the way to file, below root */
{
    char path[256];
    size_t i;
    snprintf(path, sizeof path, "%s", file);
    for (i = 0; path[i]; ++i)
        if (path[i] == '/') {
            path[i] = 0;
            mkdir(at(path), 0700);
            path[i] = '/';
        }
}
static void write_at(const char *file, const char *text)
{
    folders_for(file);
    write_text(file, text);
}
#define KP_TRAIN "annotations/person_keypoints_train2017.json"
#define IN_VAL "annotations/instances_val2017.json"

/* An annotation of the three wanted points, the others not labelled: x, y, visibility each. */
static char *person(char *to, long long id, long long image, const char *nose, const char *wrist,
                    const char *ankle)
{
    int i;
    to += sprintf(to, "{\"id\":%lld,\"image_id\":%lld,\"category_id\":1,\"keypoints\":[", id,
                  image);
    for (i = 1; i <= 17; ++i)
        to += sprintf(to, "%s%s", i > 1 ? "," : "",
                      i == 1 ? nose : i == 11 ? wrist : i == 16 ? ankle : "0,0,0");
    return to + sprintf(to, "]}");
}
static void coco_persons(char *text)
{
    char *s = text;
    s += sprintf(s, "\xef\xbb\xbf{\"annotations\": [");
    s = person(s, 903, 7, "10.5,20,2", "100.5,20,2", "7,7,1"); /* nose and wrist are 90 apart */
    s += sprintf(s, ",");
    s = person(s, 12, 4, "10,10,2", "10,110,2", "10,60,-1"); /* 100; negative visibility */
    s += sprintf(s, ",");
    s = person(s, 900000, 4, "20,10,2", "20,500,2", "500,10,2"); /* far ids: other persons */
    s += sprintf(s, ",");
    s = person(s, 13, 4, "30,10,2", "0,0,0", "0,0,0"); /* one point only */
    s += sprintf(s, "], \"other\": {\"a\": [1, {\"b\": null}]}, \"images\": ["
                    "{\"file_name\":\"b\\u002fseven.png\",\"id\":7,\"height\":1},"
                    "{\"id\":4,\"file_name\":\"four.png\"},"
                    "{\"id\":5,\"file_name\":\"five.png\",\"flickr_url\":\"x\"}]}\n");
}
static void test_coco_parts(void)
{
    static const int wrists[] = { 11, 1 };
    static const int bad[] = { 18 };
    char text[4096];
    paw_index_opts o;
    paw_index x;
    coco_persons(text);
    write_at(KP_TRAIN, text);
    if (!T(!paw_index_coco_parts(ctx, root, NULL, &x), "%s", paw_message(ctx))) return;
    T(x.count == 7 && x.images == 3 && x.candidates == 12 && adds_up(&x) && x.classes == 3 &&
      x.skipped[PAW_SKIP_INVISIBLE] == 4 && x.skipped[PAW_SKIP_PERSON] == 1, "code: %zu", x.count);
    T(!strcmp(x.class_names[1], "right_wrist"), "class names");
    T(x.items[0].image_id == 4 && x.items[0].entry == 12 && x.items[0].part_id == 1 &&
      x.items[1].part_id == 11 && x.items[1].label == 1 && x.items[2].entry == 900000 &&
      x.items[5].image_id == 7 && x.items[5].entry == 903, "order");
    T(x.items[0].e == 50 && box_is(&x.items[0], 10, 10, 25) && x.items[2].e == 240 &&
      x.items[5].e == 45 && box_is(&x.items[5], 10.5, 20, 22), "code: within the person");
    T(x.items[0].train == 1 && x.items[0].kind == PAW_ITEM_BOX, "train");
    T(!strcmp(x.items[5].path, at("train2017/b/seven.png")), "path %s", x.items[5].path);
    paw_index_free(ctx, &x);
    memset(&o, 0, sizeof o);
    o.protocol = PAW_PROTOCOL_PAPER; /* now the two noses, 10 apart, are too near */
    T(!paw_index_coco_parts(ctx, root, &o, &x) && x.count == 5 && x.skipped[PAW_SKIP_NEAR] == 2 &&
      x.items[0].part_id == 11 && box_is(&x.items[0], 10, 110, 50) && adds_up(&x),
      "paper: %zu", x.count);
    paw_index_free(ctx, &x);
    o.protocol = PAW_PROTOCOL_CODE;
    o.parts = wrists;
    o.part_count = 2;
    mkdir(at("images"), 0700);
    mkdir(at("images/train2017"), 0700);
    T(!paw_index_coco_parts(ctx, root, &o, &x) && x.count == 6 && x.items[0].label == 1 &&
      x.classes == 2 && !strcmp(x.items[0].path, at("images/train2017/four.png")), "two parts");
    {
        const char *first = NULL;
        T(paw_index_drop_missing(&x, &first) == 2 && first && strstr(first, "four.png") &&
          !x.count && x.skipped[PAW_SKIP_MISSING] == 6 && adds_up(&x), "missing: %s",
          first ? first : "none");
    }
    paw_index_free(ctx, &x);
    o.parts = NULL;
    o.part_count = -1;
    T(!paw_index_coco_parts(ctx, root, &o, &x) && x.classes == 17 && adds_up(&x), "every part");
    paw_index_free(ctx, &x);
    rmdir(at("images/train2017"));
    o.parts = bad;
    o.part_count = 1;
    T(paw_index_coco_parts(ctx, root, &o, &x) == PAW_E_KEY && strstr(paw_message(ctx), "18"),
      "no part: %s", paw_message(ctx));
    o.parts = NULL;
    o.part_count = 0;
    o.split = "../train2017";
    T(paw_index_coco_parts(ctx, root, &o, &x) == PAW_E_ARG, "split with a slash");
    o.split = "val2018";
    T(paw_index_coco_parts(ctx, root, &o, &x) == PAW_E_IO &&
      strstr(paw_message(ctx), "person_keypoints_val2018.json: no such file"), "no file");
}
/* Rows: the annotations of one image 1; the messages that must come of them. More: hostile.c. */
static void test_coco_rows(void)
{
#define WRAP(a) "{\"images\":[{\"id\":1,\"file_name\":\"a.png\"}],\"annotations\":[" a "]}"
#define P17 "10,10,2,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
#define KP(w, a) "\"keypoints\":[" P17 w ",0,0,0,0,0,0,0,0,0,0,0,0," a ",0,0,0]"
    static const struct {
        const char *text;
        paw_err e;
        const char *says;
        size_t count; /* items where it is accepted */
        int reason;   /* and what else is counted; -1: nothing */
    } rows[] = {
        { "{}", PAW_E_KEY, "no images, annotations", 0, -1 },
        { "{\"images\":[],\"annotations\":[]}", PAW_OK, "", 0, -1 },
        { "{\"images\":{},\"annotations\":[]}", PAW_E_FORMAT, "at byte 10: expected [", 0, -1 },
        { "{\"images\":[{\"id\":1,\"id\":1,\"file_name\":\"a\"}],\"annotations\":[]}", PAW_E_FORMAT,
          "duplicate field", 0, -1 },
        { "{\"images\":[{\"id\":1,\"file_name\":\"\\q\"}],\"annotations\":[]}", PAW_E_FORMAT,
          "bad escape", 0, -1 },
        { WRAP("7"), PAW_E_FORMAT, "expected {", 0, -1 },
        { WRAP("{\"id\":1.0,\"image_id\":1e0," KP("90.5,10,2.0", "0,0,0") "}"), PAW_OK, "", 2, -1 },
        { WRAP("{\"id\":-1,\"image_id\":1," KP("90,10,2", "5,5,-2") "}"), PAW_OK, "", 2,
          PAW_SKIP_INVISIBLE },
        { WRAP("{\"id\":1,\"image_id\":1," KP("90,10,2", "0,0,0,0") "}"), PAW_OK, "", 0,
          PAW_SKIP_MALFORMED },
        { WRAP("{\"id\":1,\"image_id\":1}"), PAW_OK, "", 0, PAW_SKIP_MALFORMED },
        { WRAP("{\"id\":1,\"image_id\":1,\"keypoints\":[\"1\"]}"), PAW_E_FORMAT,
          "expected a number", 0, -1 },
    };
    size_t i;
    paw_index x;
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        paw_err e;
        write_at(KP_TRAIN, rows[i].text);
        memset(&x, 0, sizeof x);
        x.count = 77;
        e = paw_index_coco_parts(ctx, root, NULL, &x);
        T(e == rows[i].e && (!e || (strstr(paw_message(ctx), rows[i].says) &&
                                    strstr(paw_message(ctx), "person_keypoints_train2017.json"))),
          "%.70s: %d %s", rows[i].text, e, e ? paw_message(ctx) : "");
        if (e) T(x.count == 77, "%.70s: output touched", rows[i].text);
        else T(x.count == rows[i].count && adds_up(&x) &&
               (rows[i].reason < 0 || x.skipped[rows[i].reason]), "%.70s: %zu items", rows[i].text,
               x.count);
        if (!e) paw_index_free(ctx, &x);
    }
}
/* Every prefix of a file is malformed or lacks something; values that cross the window's end are
   read as if there was none; nesting is bounded. */
static void test_coco_stream(void)
{
    char text[4096], *big;
    size_t n, i, k, wrong = 0;
    paw_index x, want;
    coco_persons(text);
    n = strlen(text) - 1; /* without the newline */
    for (i = 0; i < n; ++i) {
        write_bytes(KP_TRAIN, text, i);
        wrong += paw_index_coco_parts(ctx, root, NULL, &x) != PAW_E_FORMAT;
    }
    T(!wrong, "%zu of %zu prefixes accepted", wrong, n);
    write_bytes(KP_TRAIN, text, n);
    if (!T(!paw_index_coco_parts(ctx, root, NULL, &want), "%s", paw_message(ctx))) return;
    big = (char *)malloc(PAW__JSON_WINDOW + n);
    for (i = 0; i < n; ++i) { /* byte i of the text stands where the window ends */
        memcpy(big, text, 3);
        memset(big + 3, ' ', PAW__JSON_WINDOW - i);
        memcpy(big + 3 + PAW__JSON_WINDOW - i, text + 3, n - 3);
        write_bytes(KP_TRAIN, big, PAW__JSON_WINDOW + n - i);
        if (paw_index_coco_parts(ctx, root, NULL, &x)) {
            ++wrong;
            continue;
        }
        wrong += x.count != want.count || list_crc(&x, 0) != list_crc(&want, 0);
        paw_index_free(ctx, &x);
    }
    T(!wrong, "%zu of %zu places of the window's end change the result", wrong, n);
    paw_index_free(ctx, &want);
    free(big);
    big = (char *)malloc(1000064);
    for (k = 0; k < 3; ++k) {
        static const char *const says[] = { "nested too deep", "number too long",
                                            "string too long" };
        const char *open = k == 0 ? "{\"x\":" : k == 1 ? "{\"images\":[{\"id\":1"
                                                       : "{\"images\":[{\"file_name\":\"";
        strcpy(big, open);
        memset(big + strlen(open), k ? '0' : '[', 1000000);
        write_bytes(KP_TRAIN, big, strlen(open) + 1000000);
        T(paw_index_coco_parts(ctx, root, NULL, &x) == PAW_E_LIMIT &&
          strstr(paw_message(ctx), says[k]), "%s: %s", says[k], paw_message(ctx));
    }
    free(big);
}
/* Points of one image are compared with each other: their number is bounded. */
static void test_coco_crowded(void)
{
    const size_t persons = PAW__MAX_IMAGE_POINTS / 2 + 1;
    char *text = (char *)malloc(512 * persons + 512), *s = text;
    size_t i, n;
    paw_index x;
    for (n = persons - 1; n <= persons; ++n) {
        const int ok = n < persons;
        paw_err e;
        s = text + sprintf(text, "{\"images\":[{\"id\":1,\"file_name\":\"a.png\"}],"
                                 "\"annotations\":[");
        for (i = 0; i < n; ++i) {
            if (i) *s++ = ',';
            s = person(s, (long long)i * 3000, 1, "10,10,2", "60,10,2", "0,0,0");
        }
        strcpy(s, "]}");
        write_at(KP_TRAIN, text);
        e = paw_index_coco_parts(ctx, root, NULL, &x);
        T(e == (ok ? PAW_OK : PAW_E_LIMIT) && (!ok || x.count == 2 * n) &&
          (ok || strstr(paw_message(ctx), "a.png: 4098 key points")), "%zu persons: %d %s", n, e,
          e ? paw_message(ctx) : "");
        if (!e) paw_index_free(ctx, &x);
    }
    free(text);
}
static void test_coco_objects(void)
{
#define BOX(id, box, more) "{\"id\":" id ",\"image_id\":1,\"category_id\":3,\"bbox\":" box more "}"
#define OBJ(a) "{\"images\":[{\"id\":1,\"file_name\":\"a.png\"}],\"annotations\":[" a "],"         \
               "\"categories\":[{\"id\":90,\"name\":\"z\"},{\"id\":3,\"name\":\"car\"}]}"
    static const struct {
        const char *text;
        paw_err e;
        const char *says;
        size_t count;
        int reason;
    } rows[] = {
        { OBJ(BOX("1", "[10.5,20,40,50]", "")), PAW_OK, "", 1, -1 },
        { OBJ(BOX("1", "[10.5,20,40,50.1]", "")), PAW_OK, "", 0, PAW_SKIP_RATIO },
        { OBJ(BOX("1", "[10.5,20,39.9,40]", "")), PAW_OK, "", 0, PAW_SKIP_SMALL },
        { OBJ(BOX("1", "[10.5,20,45,45]", ",\"iscrowd\":1")), PAW_OK, "", 0, PAW_SKIP_CROWD },
        { OBJ(BOX("1", "[10.5,20,45]", "")), PAW_OK, "", 0, PAW_SKIP_MALFORMED },
        { OBJ(BOX("1", "[1,2,-45,-45]", "")), PAW_OK, "", 0, PAW_SKIP_MALFORMED },
        { OBJ(BOX("1", "[1,2,NaN,45]", "")), PAW_OK, "", 0, PAW_SKIP_MALFORMED },
        { OBJ(BOX("1", "[1,2,1e30,1e30]", "")), PAW_OK, "", 0, PAW_SKIP_MALFORMED },
        { OBJ(BOX("1", "[1,2,45,45]", "") "," BOX("1", "[1,2,45,45]", "")), PAW_E_FORMAT,
          "two annotations have the id 1", 0, -1 },
        { OBJ("{\"id\":1,\"image_id\":1,\"bbox\":[1,2,45,45]}"), PAW_E_KEY,
          "annotation 0: id, image_id or category_id missing", 0, -1 },
        { OBJ("{\"id\":1,\"image_id\":1,\"category_id\":4,\"bbox\":[1,2,45,45]}"), PAW_E_KEY,
          "annotation 1 is of category 4, which is not listed", 0, -1 },
        { OBJ("{\"id\":1,\"image_id\":6,\"category_id\":3,\"bbox\":[1,2,45,45]}"), PAW_E_KEY,
          "annotation 1 is of image 6, which is not listed", 0, -1 },
        { "{\"images\":[],\"annotations\":[]}", PAW_E_KEY, "or categories", 0, -1 },
        { "{\"images\":[],\"annotations\":[],\"categories\":[{\"id\":1,\"name\":\"a\"},"
          "{\"id\":1,\"name\":\"b\"}]}", PAW_E_FORMAT, "two categories have the id 1", 0, -1 },
        { "{\"images\":[],\"annotations\":[],\"categories\":[{\"id\":1}]}", PAW_E_KEY,
          "category 0: id or name missing", 0, -1 } };
    size_t i;
    paw_index_opts o;
    paw_index x;
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        paw_err e;
        write_at(IN_VAL, rows[i].text);
        e = paw_index_coco_objects(ctx, root, NULL, &x);
        T(e == rows[i].e && (!e || strstr(paw_message(ctx), rows[i].says)), "objects %d: %d %s",
          (int)i, e, e ? paw_message(ctx) : "");
        if (e) continue;
        T(x.count == rows[i].count && x.candidates == 1 && adds_up(&x) && x.classes == 2 &&
          (rows[i].reason < 0 || x.skipped[rows[i].reason] == 1), "objects %d: counts", (int)i);
        if (x.count)
            T(x.items[0].label == 0 && x.items[0].part_id == 3 && !x.items[0].train &&
              !strcmp(x.class_names[0], "car") && x.items[0].box[2] == 50.5 &&
              x.items[0].box[3] == 70 && x.items[0].x == 30.5, "objects: item");
        paw_index_free(ctx, &x);
    }
    memset(&o, 0, sizeof o);
    o.max_ratio = 2;
    o.min_side = 10;
    write_at(IN_VAL, OBJ(BOX("1", "[0,0,10,20]", "") "," BOX("2", "[0,0,9,9]", "")));
    T(!paw_index_coco_objects(ctx, root, &o, &x) && x.count == 1 && adds_up(&x), "options");
    paw_index_free(ctx, &x);
    o.max_ratio = -1;
    T(paw_index_coco_objects(ctx, root, &o, &x) == PAW_E_ARG, "negative ratio");
}

/* ---- CIFAR-10 ---- */

static void cifar(const char *name, const int *labels, size_t n, size_t bytes)
{
    static uint8_t records[4 * 3073];
    size_t i, k;
    for (i = 0; i < n; ++i) {
        records[i * 3073] = (uint8_t)labels[i];
        for (k = 0; k < 3072; ++k)
            records[i * 3073 + 1 + k] = (uint8_t)(k / 1024 * 64 + i + k % 32);
    }
    folders_for(name);
    write_bytes(name, (const char *)records, bytes);
}
static void test_cifar(void)
{
    static const int labels[] = { 9, 0, 3 }, wrong[] = { 1, 10 };
    size_t i, accepted = 0;
    paw_index_opts o;
    paw_reader r;
    paw_image img;
    paw_index x;
    memset(&o, 0, sizeof o);
    memset(&r, 0, sizeof r);
    cifar("cifar/test_batch.bin", labels, 3, 3 * 3073);
    if (!T(!paw_index_cifar10(ctx, at("cifar"), NULL, &x), "%s", paw_message(ctx))) return;
    T(x.count == 3 && x.images == 3 && x.classes == 10 && x.items[0].label == 9 &&
      x.items[2].entry == 2 && x.items[2].image_id == 2 && !x.items[2].train && adds_up(&x) &&
      !strcmp(x.class_names[9], "truck") && x.items[0].kind == PAW_ITEM_RECORD, "test");
    T(!paw_reader_item(ctx, &r, &x.items[2], 32, PAW_FRAME_AUTO, &img) && img.w == 32 &&
      img.px[0] == 2 && img.px[1] == 66 && img.px[2] == 130 && img.px[3] == 3 &&
      img.px[32 * 3] == 2, "planes to pixels: %s", paw_message(ctx));
    paw_image_free(ctx, &img);
    T(!paw_reader_item(ctx, &r, &x.items[0], 224, PAW_FRAME_AUTO, &img) && img.w == 224 &&
      img.h == 224 && r.decoded == 2, "enlarged");
    paw_image_free(ctx, &img);
    x.items[0].entry = 3;
    T(paw_reader_item(ctx, &r, &x.items[0], 32, 0, &img) == PAW_E_FORMAT &&
      strstr(paw_message(ctx), "no record 3"), "record behind the end");
    paw_reader_free(ctx, &r);
    paw_index_free(ctx, &x);
    o.split = "train";
    T(paw_index_cifar10(ctx, at("cifar"), &o, &x) == PAW_E_IO &&
      strstr(paw_message(ctx), "data_batch_1.bin"), "no training file");
    cifar("cifar/data_batch_1.bin", labels, 2, 2 * 3073);
    cifar("cifar/data_batch_3.bin", labels, 1, 3073);
    o.split = "all";
    T(!paw_index_cifar10(ctx, at("cifar"), &o, &x) && x.count == 6 && x.items[0].train &&
      x.items[2].train && x.items[2].image_id == 2 && !x.items[2].entry && !x.items[3].train,
      "all");
    paw_index_free(ctx, &x);
    o.split = "val";
    T(paw_index_cifar10(ctx, at("cifar"), &o, &x) == PAW_E_ARG, "split");
    for (i = 0; i < 2 * 3073; i += i < 3200 ? 1 : 97) {
        cifar("cifar/test_batch.bin", labels, 2, i);
        accepted += i != 3073 && paw_index_cifar10(ctx, at("cifar"), NULL, &x) != PAW_E_FORMAT;
    }
    T(!accepted, "%zu truncated files accepted", accepted);
    cifar("cifar/test_batch.bin", wrong, 2, 2 * 3073);
    T(paw_index_cifar10(ctx, at("cifar"), NULL, &x) == PAW_E_FORMAT &&
      strstr(paw_message(ctx), "test_batch.bin: record 1 has label 10"), "%s", paw_message(ctx));
    remove(at("cifar/test_batch.bin"));
    remove(at("cifar/data_batch_1.bin"));
    remove(at("cifar/data_batch_3.bin"));
    rmdir(at("cifar"));
}

/* ---- labelled folders ---- */

static void test_folders(void)
{
    static const char *const files[] = { "f/train/bee/2.jpg", "f/train/bee/1.PNG",
                                         "f/train/ant/x.jpeg", "f/train/bee/note.txt",
                                         "f/val/bee/9.jpg", "f/val/cat/1.jpg", "f/val/cat/.ds" };
    size_t i;
    paw_index_opts o;
    paw_index x;
    memset(&o, 0, sizeof o);
    for (i = 0; i < sizeof files / sizeof *files; ++i) write_at(files[i], "x");
    if (T(!paw_index_folders(ctx, at("f"), NULL, &x), "%s", paw_message(ctx))) {
        T(x.count == 5 && x.classes == 3 && x.images == 5 && x.skipped[PAW_SKIP_NAME] == 1 &&
          adds_up(&x), "splits: %zu", x.count);
        T(!strcmp(x.class_names[0], "ant") && x.items[0].label == 0 && x.items[0].train &&
          !strcmp(x.items[1].path, at("f/train/bee/1.PNG")) && x.items[1].label == 1 &&
          x.items[3].label == 1 && !x.items[3].train && x.items[4].label == 2 &&
          x.items[4].image_id == 4 && x.items[4].kind == PAW_ITEM_IMAGE, "labels of both splits");
        paw_index_free(ctx, &x);
    }
    o.split = "val";
    T(!paw_index_folders(ctx, at("f"), &o, &x) && x.count == 2 && x.classes == 3 &&
      x.items[0].label == 1 && !x.items[0].train, "one split, labels of both");
    paw_index_free(ctx, &x);
    T(!paw_index_folders(ctx, at("f/train"), NULL, &x) && x.count == 3 && x.classes == 2 &&
      x.items[0].label == 0 && !x.items[0].train, "classes below the root");
    paw_index_free(ctx, &x);
    o.split = "other";
    T(paw_index_folders(ctx, at("f"), &o, &x) == PAW_E_IO &&
      strstr(paw_message(ctx), "no sub-folder 'other'"), "%s", paw_message(ctx));
    T(paw_index_folders(ctx, at("f/val/cat"), NULL, &x) == PAW_E_IO &&
      strstr(paw_message(ctx), "no sub-folders"), "%s", paw_message(ctx));
    T(paw_index_folders(ctx, at("nothing"), NULL, &x) == PAW_E_IO, "no root");
    remove(at("f/val/cat/1.jpg"));
    remove(at("f/val/bee/9.jpg"));
    T(paw_index_folders(ctx, at("f/val"), NULL, &x) == PAW_E_IO &&
      strstr(paw_message(ctx), "no .jpg"), "empty classes: %s", paw_message(ctx));
    for (i = 0; i < sizeof files / sizeof *files; ++i) remove(at(files[i]));
    rmdir(at("f/train/bee"));
    rmdir(at("f/train/ant"));
    rmdir(at("f/val/bee"));
    rmdir(at("f/val/cat"));
    rmdir(at("f/train"));
    rmdir(at("f/val"));
    rmdir(at("f"));
}

/* ---- lists ---- */

static void test_list(void)
{
    static const struct {
        const char *text;
        paw_err e;
        const char *says;
        size_t count;
    } rows[] = {
        { "a.jpg,10,20,31,x\n", PAW_OK, "", 1 },
        { "a.jpg,10,20,30,x", PAW_OK, "", 1 },
        { "\xef\xbb\xbfPath, Label\r\n\r\n\"a, \"\"b\"\".jpg\" , 3\r\n", PAW_OK, "", 1 },
        { "a.jpg,cat\nb.jpg,dog\n", PAW_OK, "", 2 },
        { "label,note,path\n1,\"two\nlines\",a.jpg\n", PAW_OK, "", 1 },
        { "a.jpg,,,,x\n", PAW_OK, "", 1 },
        { "a.jpg,1,two,3,x\n", PAW_E_FORMAT, "list.csv:1: x or y is not a number", 0 },
        { "a.jpg,1,1e30,3,x\n", PAW_E_FORMAT, "list.csv:1: x or y is not a number", 0 },
        { "a.jpg,1,nan,3,x\n", PAW_E_FORMAT, "list.csv:1: x or y is not a number", 0 },
        { "a.jpg,1,2,0.5,x\n", PAW_E_FORMAT, "list.csv:1: side is under one pixel", 0 },
        { "a.jpg,1,2,-3,x\n", PAW_E_FORMAT, "list.csv:1: side is under one pixel", 0 },
        { "a.jpg,1,2,1e999,x\n", PAW_E_FORMAT, "list.csv:1: side is not a number", 0 } };
    static const char whole[] = "path,x,y,side,label\r\n\"a b\",1.5,2e1,30,\"x\"\r\nb,,,,y\r\n";
    size_t i, n;
    paw_index x;
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        paw_err e;
        write_text("list.csv", rows[i].text);
        e = paw_index_list(ctx, at("list.csv"), NULL, &x);
        T(e == rows[i].e && (!e || strstr(paw_message(ctx), rows[i].says)), "list %d: %d %s",
          (int)i, e, e ? paw_message(ctx) : "");
        if (e) continue;
        T(x.count == rows[i].count && adds_up(&x), "list %d: %zu rows", (int)i, x.count);
        if (i == 0) /* an odd side: 31 pixels, wherever the corner is rounded to */
            T(x.items[0].box[0] == -6 && x.items[0].box[2] == 25 && x.items[0].box[1] == 4 &&
              x.items[0].box[3] == 35 && x.items[0].kind == PAW_ITEM_BOX, "box %g %g",
              x.items[0].box[0], x.items[0].box[1]);
        if (i == 2) T(!strcmp(x.items[0].path, at("a, \"b\".jpg")) && x.items[0].entry == 3, "%s",
                      x.items[0].path);
        if (i == 4) T(!strcmp(x.items[0].path, at("a.jpg")) && x.items[0].entry == 2, "columns");
        if (i == 5) T(x.items[0].kind == PAW_ITEM_IMAGE, "no box");
        paw_index_free(ctx, &x);
    }
    write_text("list.csv", "b.jpg,10\na.jpg,9\nb.jpg,-1\n/c.jpg,9\n");
    T(!paw_index_list(ctx, at("list.csv"), NULL, &x) && x.images == 3 && x.classes == 3 &&
      !strcmp(x.class_names[0], "-1") && !strcmp(x.class_names[2], "10") &&
      x.items[0].label == 2 && x.items[1].label == 0 && x.items[1].path == x.items[0].path &&
      x.items[1].entry == 3 && x.items[2].image_id == 1 && !strcmp(x.items[3].path, "/c.jpg"),
      "rows by image, labels by value");
    paw_index_free(ctx, &x);
    write_text("list.csv", "a.jpg,10\nb.jpg,9\nc.jpg,x\n");
    T(!paw_index_list(ctx, at("list.csv"), NULL, &x) && !strcmp(x.class_names[0], "10"),
      "labels by bytes");
    paw_index_free(ctx, &x);
    for (i = n = 0; i < sizeof whole; ++i) { /* every prefix: the rows so far, or the bad line */
        paw_err e;
        write_bytes("list.csv", whole, i);
        e = paw_index_list(ctx, at("list.csv"), NULL, &x);
        n += e ? (e != PAW_E_FORMAT && e != PAW_E_KEY) || !strstr(paw_message(ctx), "list.csv:")
               : x.count > 2 || !adds_up(&x);
        if (!e) paw_index_free(ctx, &x);
    }
    T(!n, "%zu prefixes of a list read wrong", n);
    remove(at("list.csv"));
    T(paw_index_list(ctx, at("list.csv"), NULL, &x) == PAW_E_IO, "no list");
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
    p.box[0] = 60;
    p.box[2] = 90;
    T(paw_item_image(ctx, &p, &in, 24, 0, &out) == PAW_E_SHAPE &&
      strstr(paw_message(ctx), "outside the 60 x 40"), "beside the image: %s", paw_message(ctx));
    p.box[0] = -12;
    p.box[2] = 32;
    p.box[3] = 4.5;
    T(paw_item_image(ctx, &p, &in, 24, 0, &out) == PAW_E_ARG, "side 0");
    T(paw_item_image(ctx, NULL, &in, 24, 0, &out) == PAW_E_ARG, "NULL");
}

/* The frames against the steps they stand for. */
static int same_image(const paw_image *a, const paw_image *b)
{
    return a->w == b->w && a->h == b->h && !memcmp(a->px, b->px, (size_t)a->w * (size_t)a->h * 3);
}
static void test_frames(void)
{
    uint8_t px[90 * 70 * 3];
    paw_image in, crop, wide, want, out;
    paw_item t;
    size_t i;
    int kind, frame;
    for (i = 0; i < sizeof px; ++i) px[i] = (uint8_t)t_random();
    in.px = px;
    in.w = 90;
    in.h = 70;
    memset(&t, 0, sizeof t);
    t.box[0] = 10;
    t.box[1] = -3;
    t.box[2] = 61;
    t.box[3] = 48;
    for (kind = PAW_ITEM_IMAGE; kind <= PAW_ITEM_BOX; ++kind)
        for (frame = PAW_FRAME_AUTO; frame <= PAW_FRAME_CENTER; ++frame) {
            const int centre = frame == PAW_FRAME_CENTER || (!frame && kind == PAW_ITEM_IMAGE);
            paw_err e = paw_image_crop(ctx, &in, t.box, &crop);
            t.kind = kind;
            if (!e && centre) {
                e = paw_image_resize_short(ctx, kind == PAW_ITEM_BOX ? &crop : &in, 64, &wide);
                if (!e) e = paw_image_center_crop(ctx, &wide, 56, 56, &want);
                paw_image_free(ctx, &wide);
            } else if (!e) {
                e = paw_image_resize(ctx, kind == PAW_ITEM_BOX ? &crop : &in, 56, 56, PAW_BICUBIC,
                                     &want);
            }
            if (!T(!e, "steps: %s", paw_message(ctx))) return;
            T(!paw_item_image(ctx, &t, &in, 56, frame, &out) && same_image(&out, &want),
              "kind %d, frame %d", kind, frame);
            paw_image_free(ctx, &out);
            paw_image_free(ctx, &want);
            paw_image_free(ctx, &crop);
        }
    T(paw_item_image(ctx, &t, &in, 0, 0, &out) == PAW_E_ARG &&
      paw_item_image(ctx, &t, &in, 56, 3, &out) == PAW_E_ARG &&
      paw_item_image(ctx, &t, &in, INT_MAX, 0, &out) == PAW_E_ARG, "arguments");
    t.kind = PAW_ITEM_RECORD + 1;
    T(paw_item_image(ctx, &t, &in, 56, 0, &out) == PAW_E_ARG && strstr(paw_message(ctx), "kind"),
      "no such kind: %s", paw_message(ctx));
    T(paw_skip_text(PAW_SKIPS) == NULL && paw_skip_text(-1) == NULL &&
      !strcmp(paw_skip_text(PAW_SKIP_CROWD), "crowd"), "texts");
}
/* An image is decoded once while its items follow each other; failures leave the reader usable. */
static void test_reader(void)
{
    const char *shared = t_shared();
    char path[2][1200];
    paw_reader r;
    paw_item t;
    paw_image img;
    memset(&r, 0, sizeof r);
    memset(&t, 0, sizeof t);
    if (!shared) {
        T_SKIP("no ../shared: items of real images");
        return;
    }
    snprintf(path[0], sizeof path[0], "%s/golden/preprocess", shared);
    {
        paw_files f;
        if (!T(!paw_files_list(ctx, path[0], &f) && f.count > 1, "%s", paw_message(ctx))) return;
        snprintf(path[0], sizeof path[0], "%s", f.paths[0]);
        snprintf(path[1], sizeof path[1], "%s", f.paths[1]);
        paw_files_free(ctx, &f);
    }
    t.path = path[0];
    T(!paw_reader_item(ctx, &r, &t, 32, 0, &img) && img.w == 32, "%s", paw_message(ctx));
    paw_image_free(ctx, &img);
    T(!paw_reader_item(ctx, &r, &t, 48, 0, &img) && img.w == 48 && r.decoded == 1, "kept");
    paw_image_free(ctx, &img);
    t.path = "nothing.png";
    T(paw_reader_item(ctx, &r, &t, 32, 0, &img) == PAW_E_IO &&
      strstr(paw_message(ctx), "nothing.png: no such file"), "missing: %s", paw_message(ctx));
    write_text("table", "<html>");
    t.path = at("table");
    T(paw_reader_item(ctx, &r, &t, 32, 0, &img) == PAW_E_FORMAT, "no image");
    t.path = path[0];
    T(!paw_reader_item(ctx, &r, &t, 32, 0, &img) && r.decoded == 1, "still kept");
    paw_image_free(ctx, &img);
    t.path = path[1];
    T(!paw_reader_item(ctx, &r, &t, 32, 0, &img) && r.decoded == 2, "the next one");
    paw_image_free(ctx, &img);
    paw_reader_free(ctx, &r);
    T(!r.path && !r.image.px, "emptied");
    paw_reader_free(ctx, NULL);
    T(paw_reader_item(ctx, NULL, &t, 32, 0, &img) == PAW_E_ARG, "NULL");
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

typedef struct {
    const char *split;
    int protocol;
    size_t images, missing, count, class_count[3], invisible, person, close;
    uint32_t crc;
} coco_row;
static void check_coco(const char *folder, const coco_row *row)
{
    size_t per[3] = { 0, 0, 0 }, k, images = 0;
    const char *first = NULL;
    paw_index_opts o;
    paw_reader r;
    paw_image img;
    paw_index x;
    memset(&o, 0, sizeof o);
    memset(&r, 0, sizeof r);
    o.protocol = row->protocol;
    o.split = row->split;
    if (!T(!paw_index_coco_parts(ctx, folder, &o, &x), "%s", paw_message(ctx))) return;
    for (k = 0; k < x.count; ++k) ++per[x.items[k].label];
    T(x.images == row->images && x.count == row->count && adds_up(&x) &&
      !memcmp(per, row->class_count, sizeof per), "%s %d: %zu patches: %zu %zu %zu", row->split,
      row->protocol, x.count, per[0], per[1], per[2]);
    T(x.skipped[PAW_SKIP_INVISIBLE] == row->invisible && x.skipped[PAW_SKIP_NEAR] == row->close &&
      x.skipped[PAW_SKIP_PERSON] == row->person, "%s %d: skipped", row->split, row->protocol);
    T(list_crc(&x, 0) == row->crc, "%s %d: other patches: crc %08x", row->split, row->protocol,
      (unsigned)list_crc(&x, 0));
    T(paw_index_drop_missing(&x, &first) == row->missing && (first != NULL) == (row->missing > 0) &&
      x.count == row->count - x.skipped[PAW_SKIP_MISSING] && adds_up(&x), "%s: missing images",
      row->split);
    for (k = 0; k < x.count; ++k) {
        images += !k || x.items[k].path != x.items[k - 1].path;
        if (!T(!paw_reader_item(ctx, &r, &x.items[k], 16, PAW_FRAME_AUTO, &img), "%s",
               paw_message(ctx))) break;
        paw_image_free(ctx, &img);
    }
    T(r.decoded == images, "%zu images decoded %zu times", images, r.decoded);
    paw_reader_free(ctx, &r);
    paw_index_free(ctx, &x);
}
static void test_coco_golden(void)
{
    static const coco_row rows[] = {
        { "train2017", PAW_PROTOCOL_CODE, 28, 0, 79, { 25, 32, 22 }, 316, 30, 16, 0xb6d9cce4u },
        { "train2017", PAW_PROTOCOL_PAPER, 28, 0, 74, { 23, 31, 20 }, 316, 30, 21, 0xced32a69u },
        { "val2017", PAW_PROTOCOL_CODE, 32, 0, 51, { 17, 20, 14 }, 188, 34, 6, 0xbe7678ebu },
        { "val2017", PAW_PROTOCOL_PAPER, 32, 0, 46, { 15, 17, 14 }, 188, 34, 11, 0x6e5c96e2u }
    };
    const char *shared = t_shared();
    char path[1200];
    size_t i;
    if (shared) snprintf(path, sizeof path, "%s/data/coco_kp/annotations", shared);
    if (!shared || access(path, F_OK)) {
        T_SKIP("no ../shared/data/coco_kp: counts of real COCO files");
        return;
    }
    snprintf(path, sizeof path, "%s/data/coco_kp", shared);
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) check_coco(path, &rows[i]);
}
/* The data sets of make_fixtures. By the paper no patch of the missing image is left. */
static void test_fixtures(const char *fixtures)
{
    static const coco_row rows[] = {
        { "train2017", PAW_PROTOCOL_CODE, 6, 1, 33, { 12, 9, 12 }, 3, 0, 0, 0xcb5aa6bdu },
        { "train2017", PAW_PROTOCOL_PAPER, 6, 0, 13, { 3, 4, 6 }, 3, 0, 20, 0xe6de91b0u },
        { "val2017", PAW_PROTOCOL_CODE, 4, 1, 22, { 8, 6, 8 }, 2, 0, 0, 0xd00c4883u },
        { "val2017", PAW_PROTOCOL_PAPER, 4, 0, 8, { 2, 2, 4 }, 2, 0, 14, 0x20630d4eu }
    };
    static const struct {
        const char *path;
        paw_index_fn *build;
        size_t count, skipped;
        int classes;
    } sets[] = { { "coco", paw_index_coco_objects, 5, 3, 2 },
                 { "cifar", paw_index_cifar10, 20, 0, 10 },
                 { "folders", paw_index_folders, 15, 1, 3 },
                 { "list.csv", paw_index_list, 15, 0, 3 } };
    char path[1200];
    size_t i, k;
    if (!fixtures) {
        T_SKIP("no folder of fixtures given: run make_fixtures");
        return;
    }
    snprintf(path, sizeof path, "%s/sets/coco", fixtures);
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) check_coco(path, &rows[i]);
    for (i = 0; i < sizeof sets / sizeof *sets; ++i) {
        paw_reader r;
        paw_image img;
        paw_index x;
        memset(&r, 0, sizeof r);
        snprintf(path, sizeof path, "%s/sets/%s", fixtures, sets[i].path);
        if (!T(!sets[i].build(ctx, path, NULL, &x), "%s", paw_message(ctx))) continue;
        T(x.count == sets[i].count && x.candidates == x.count + sets[i].skipped && adds_up(&x) &&
          x.classes == sets[i].classes, "%s: %zu items", sets[i].path, x.count);
        if (!i) T(list_crc(&x, 1) == 0xdea3f7bau, "objects: crc %08x", (unsigned)list_crc(&x, 1));
        paw_index_drop_missing(&x, NULL);
        for (k = 0; k < x.count; ++k) {
            if (!T(!paw_reader_item(ctx, &r, &x.items[k], 14, PAW_FRAME_AUTO, &img) &&
                   img.w == 14 && img.h == 14, "%s: %s", sets[i].path, paw_message(ctx))) break;
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
                                        "images.txt", "train_test_split.txt", "table", "images",
                                        KP_TRAIN, IN_VAL, "annotations" };
    if (!paw_files_list(ctx, at("set"), &f)) {
        for (i = 0; i < f.count; ++i) remove(f.paths[i]);
        paw_files_free(ctx, &f);
    }
    for (i = 0; i < sizeof rest / sizeof *rest; ++i) remove(at(rest[i]));
    T(!rmdir(root), "the scratch folder is empty");
}

int main(int argc, char **argv)
{
    if (paw_create(NULL, &ctx) || !mkdtemp(root)) abort();
    test_files();
    test_reals();
    test_cub();
    test_cub_filter();
    test_cub_files();
    test_coco_parts();
    test_coco_rows();
    test_coco_stream();
    test_coco_crowded();
    test_coco_objects();
    test_cifar();
    test_folders();
    test_list();
    test_patch_image();
    test_frames();
    test_reader();
    test_golden();
    test_coco_golden();
    test_fixtures(argc > 1 ? argv[1] : NULL);
    clean();
    paw_destroy(ctx);
    return t_end("data");
}
