/* Rows of group E: annotations and lists. What a sound data set gives is in tests/data.c, as every
   prefix of each file is. See hostile.c. */
#ifndef PAW_TEST_HOSTILE_JSON_H
#define PAW_TEST_HOSTILE_JSON_H

#include <locale.h>

#define J_COCO "coco/annotations/person_keypoints_train2017.json"
#define J_ONE "{\"images\":[{\"id\":1,\"file_name\":\"a.png\"}],\"annotations\":["
#define J_KP                                                                                       \
    "\"keypoints\":[10,10,2,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,90,10,2,0,0,0,"  \
    "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"

/* Opens `folder` by build; must be refused with words, or give count items. */
static void j_open(paw_index_fn *build, const char *folder, paw_err want, const char *file,
                   const char *words, size_t count)
{
    paw_index x;
    paw_err e;
    memset(&x, 0, sizeof x);
    x.count = 77;
    h_begin();
    e = build(ctx, h_path(folder), NULL, &x);
    if (want) h_refused(e, want, file, words);
    else h_accepted(e, file);
    if (e) H(x.count == 77 && !x.items, "%s: output touched", words);
    else H(x.count == count, "%s: %zu items, not %zu", file, x.count, count);
    if (!e) paw_index_free(ctx, &x);
}
/* A COCO file of this text; items: of what is accepted. */
static void j_coco(const char *text, paw_err want, const char *words, size_t items)
{
    h_text(J_COCO, text);
    j_open(paw_index_coco_parts, "coco", want, "person_keypoints_train2017.json", words, items);
}
static void j_e1(void)
{
    static const struct {
        const char *open;
        char fill;
        const char *words;
    } rows[] = { { "{\"x\":", '[', "nested too deep" },
                 { "{\"x\":{\"y\":", '{', "expected a string" },
                 { "{\"images\":[{\"id\":1", '0', "number too long" },
                 { "{\"images\":[{\"file_name\":\"", 'f', "string too long" } };
    const size_t n = 1000000;
    char *big = (char *)malloc(n + 64);
    const char *path;
    size_t i;
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        strcpy(big, rows[i].open);
        memset(big + strlen(rows[i].open), rows[i].fill, n);
        h_write(J_COCO, big, strlen(rows[i].open) + n);
        j_open(paw_index_coco_parts, "coco", i == 1 ? PAW_E_FORMAT : PAW_E_LIMIT,
               "person_keypoints_train2017.json", rows[i].words, 0);
    }
    for (i = 0; i < n / 5; ++i) memcpy(big + 5 * i, "{\"a\":", 5);
    big[n] = 0;
    memcpy(big, "{\"x\":", 5);
    h_write(J_COCO, big, n);
    j_open(paw_index_coco_parts, "coco", PAW_E_LIMIT, "person_keypoints_train2017.json",
           "nested too deep", 0);
    free(big);
    path = h_text(J_COCO, "{\"images\":["); /* and 2 GB of NUL bytes, which are no JSON */
    if (truncate(path, (off_t)2 << 30)) H_SKIP("no sparse files here");
    else j_open(paw_index_coco_parts, "coco", PAW_E_FORMAT, "person_keypoints_train2017.json",
                "at byte 11: expected {", 0);
    remove(path);
    j_coco("", PAW_E_FORMAT, "at byte 0: expected {", 0);
    j_coco("[]", PAW_E_FORMAT, "at byte 0: expected {", 0);
    j_coco("{\"images\":[],\"annotations\":[]} x", PAW_E_FORMAT, "text after the end", 0);
    j_coco("{\"images\":[{\"id\":1,\"file_name\":\"a", PAW_E_FORMAT, "string without end", 0);
    j_coco("{\"images\":[{\"id\":1,\"file_name\":\"\\ud800\"}],\"annotations\":[]}", PAW_E_FORMAT,
           "bad escape", 0);
    j_coco("{\"images\":[{\"id\":1,\"file_name\":\"\\ud800\\u0041\"}],\"annotations\":[]}",
           PAW_E_FORMAT, "bad escape", 0);
    j_coco("{\"images\":[{\"id\":1,\"file_name\":\"\\u0000\"}],\"annotations\":[]}", PAW_E_FORMAT,
           "bad escape", 0);
    j_coco("{\"images\":[{\"id\":1,\"file_name\":\"\xff\"}],\"annotations\":[]}", PAW_E_FORMAT,
           "not UTF-8", 0);
    j_coco("\xef\xbb\xbf" J_ONE "{\"id\":1,\"image_id\":1," J_KP "}]}", PAW_OK, "", 2);
    j_coco("{\"images\":[],\"images\":[],\"annotations\":[]}", PAW_E_FORMAT, "duplicate", 0);
    j_coco("{\"images\":[{\"id\":1,\"file_name\":\"a\"},{\"id\":1,\"file_name\":\"b\"}],"
           "\"annotations\":[]}", PAW_E_FORMAT, "two images have the id 1", 0);
    j_coco(J_ONE "{\"id\":1,\"image_id\":1," J_KP "},{\"id\":1,\"image_id\":1," J_KP "}]}",
           PAW_E_FORMAT, "two annotations have the id 1", 0);
    j_coco(J_ONE "{\"id\":1,\"image_id\":1,\"image_id\":1," J_KP "}]}", PAW_E_FORMAT,
           "duplicate field", 0);
    j_coco("{\"images\":[{\"id\":1,\"file_name\":\"../a\"}],\"annotations\":[]}", PAW_E_FORMAT,
           "image 0: a path outside", 0);
    j_coco("{\"images\":[{\"id\":1,\"file_name\":\"/a\"}],\"annotations\":[]}", PAW_E_FORMAT,
           "a path outside", 0);
}
static void j_e2(void)
{
#define J_X(number) "{\"x\":" number ",\"images\":[],\"annotations\":[]}"
    j_coco(J_X("1e999"), PAW_E_FORMAT, "at byte 5: number too large", 0);
    j_coco(J_X("0x10"), PAW_E_FORMAT, "at byte 6: expected a comma", 0);
    j_coco(J_X("+1"), PAW_E_FORMAT, "at byte 5: expected a value", 0);
    j_coco(J_X("01"), PAW_E_FORMAT, "byte 5", 0);
    j_coco(J_X(".5"), PAW_E_FORMAT, "expected a value", 0);
    j_coco(J_X("1."), PAW_E_FORMAT, "expected a comma", 0);
    j_coco(J_X("nan"), PAW_E_FORMAT, "byte 5", 0);
    j_coco(J_X("NaN"), PAW_OK, "", 0); /* Python writes it; where it matters it is counted */
    j_coco(J_X("-Infinity"), PAW_OK, "", 0);
    j_coco(J_X("-0"), PAW_OK, "", 0);
    j_coco(J_X("5e-324"), PAW_OK, "", 0);
    j_coco(J_ONE "{\"id\":-0,\"image_id\":1.0e0," J_KP "}]}", PAW_OK, "", 2);
    j_coco(J_ONE "{\"id\":NaN,\"image_id\":1," J_KP "}]}", PAW_E_KEY, "no whole number", 0);
#undef J_X
}
static void j_e3(void)
{
    static const char *const names[] = { "1.5", "9007199254740993", "1e400", "-9007199254740993" };
    char text[600];
    size_t i;
    for (i = 0; i < 4; ++i) {
        snprintf(text, sizeof text, "{\"images\":[{\"id\":%s,\"file_name\":\"a\"}],"
                 "\"annotations\":[]}", names[i]);
        j_coco(text, i == 2 ? PAW_E_FORMAT : PAW_E_KEY, i == 2 ? "too large"
               : i ? "below 2^53" : "an id that is no whole number", 0);
    }
    j_coco("{\"images\":[{\"id\":-9007199254740991,\"file_name\":\"a\"}],\"annotations\":[]}",
           PAW_OK, "", 0);
    j_coco("{\"images\":[{\"id\":\"1\",\"file_name\":\"a\"}],\"annotations\":[]}", PAW_E_FORMAT,
           "expected a number", 0);
    j_coco("{\"images\":[{\"id\":1,\"file_name\":7}],\"annotations\":[]}", PAW_E_FORMAT,
           "expected a string", 0);
    j_coco("{\"images\":[{\"file_name\":\"a\"}],\"annotations\":[]}", PAW_E_KEY,
           "image 0: id or file", 0);
    j_coco("{\"images\":[{\"id\":1}],\"annotations\":[]}", PAW_E_KEY, "image 0: id or file", 0);
    j_coco("{\"images\":[]}", PAW_E_KEY, "no images, annotations", 0);
    j_coco(J_ONE "{\"image_id\":1," J_KP "}]}", PAW_E_KEY, "annotation 0: id or image_id missing",
           0);
    j_coco(J_ONE "{\"id\":1," J_KP "}]}", PAW_E_KEY, "annotation 0: id or image_id missing", 0);
    j_coco(J_ONE "{\"id\":1,\"image_id\":2," J_KP "}]}", PAW_E_KEY,
           "annotation 1 is of image 2, which is not listed", 0);
    h_text("coco/annotations/instances_val2017.json", J_ONE "{\"id\":1,\"image_id\":1,"
           "\"category_id\":4,\"bbox\":[1,2,45,45]}],\"categories\":[{\"id\":3,\"name\":\"x\"}]}");
    j_open(paw_index_coco_objects, "coco", PAW_E_KEY, "instances_val2017.json",
           "annotation 1 is of category 4, which is not listed", 0);
    h_text("coco/annotations/instances_val2017.json", J_ONE "{\"id\":1,\"image_id\":1,"
           "\"bbox\":[1,2,45,45]}],\"categories\":[{\"id\":3,\"name\":\"x\"}]}");
    j_open(paw_index_coco_objects, "coco", PAW_E_KEY, "instances_val2017.json",
           "annotation 0: id, image_id or category_id missing", 0);
}
static void j_e4(void)
{
    const char *args[] = { "part_retrieval", "--dataset", "list", "--root", NULL, "--random",
                           "deit_tiny", "--threads", "1", "--no-cache", "--json", "--quiet", NULL,
                           NULL };
    const bytes b = i_grey(40, 40, 0);
    char path[1300];
    paw_index x;
    const char *first = NULL;
    int status;
    (void)h_write("E4/a.png", b.p, b.n);
    free(b.p);
    snprintf(path, sizeof path, "%s", h_text("E4/list.csv", "path,label\na.png,x\nnone.png,x\n"
                                             "a.png,y\nnone.png,y\nother.png,y\n"));
    h_begin();
    if (h_accepted(paw_index_list(ctx, path, NULL, &x), "list.csv")) {
        H(paw_index_drop_missing(&x, &first) == 2 && first && strstr(first, "none.png") &&
          x.skipped[PAW_SKIP_MISSING] == 3 && x.count == 2 && x.candidates == 5, "%zu left",
          x.count);
        paw_index_free(ctx, &x);
    }
    args[4] = path;
    if ((status = h_program(args)) < 0) return;
    H(status == 1 && h_has("err", "2 image files are missing, the first is") &&
      h_has("out", "\"missing_files\": 2"), "status %d", status);
    args[12] = "--strict";
    status = h_program(args);
    H(status == 3 && h_has("err", "none.png") && !h_has("out", "{"), "--strict: status %d", status);
    h_text("E4/list.csv", "path,label\nnone.png,x\n");
    args[12] = NULL;
    status = h_program(args);
    H(status == 3 && h_has("err", "no items"), "none at all: status %d", status);
}
static const char *const j_cub[] = { "cub/images.txt", "cub/parts/parts.txt",
                                     "cub/train_test_split.txt", "cub/parts/part_locs.txt" };
static void j_cub_write(int file, const char *text)
{
    static const char *const sound[] = { "1 a/one.jpg\n2 b/two words.jpg\n3 c/three.jpg\n",
        "9 left wing\n11 right eye\n12 right leg\n14 tail\n", "1 1\n2 0\n3 1\n",
        "1 9 100.0 100.0 1\n1 11 154.0 172.0 1\n" };
    int i;
    for (i = 0; i < 4; ++i) h_text(j_cub[i], i == file ? text : sound[i]);
}
static void j_e5(void)
{
    static const struct {
        int file;
        const char *text;
        paw_err e;
        const char *words; /* after the file's name */
    } rows[] = { { 0, "1 a/one.jpg\r\n\r\n2 b.jpg\r\n3 c.jpg", PAW_OK, "" },
                 { 3, "1 9 1e2 100.0 1\r\n\r\n1 11 154 172.0 1.0", PAW_OK, "" },
                 { 0, "", PAW_E_FORMAT, ":0: no images" },
                 { 0, "1 a.jpg\n2\n", PAW_E_FORMAT, ":2: too few" },
                 { 0, "x a.jpg\n", PAW_E_FORMAT, ":1: not an integer" },
                 { 0, "1 a.jpg\n1 b.jpg\n", PAW_E_FORMAT, "lines 1 and 2" },
                 { 0, "1 /etc/passwd\n", PAW_E_FORMAT, ":1: a path outside" },
                 { 0, "1 a/../../b.jpg\n", PAW_E_FORMAT, ":1: a path outside" },
                 { 0, "1 a/..\n", PAW_E_FORMAT, "outside" },
                 { 0, "9999999999999999999 a.jpg\n", PAW_E_FORMAT, ":1: not an integer" },
                 { 1, "11\n", PAW_E_FORMAT, ":1: too few" },
                 { 1, "11 eye\n11 leg\n", PAW_E_FORMAT, ":2:" },
                 { 1, "11 eye\n99999999999 leg\n", PAW_E_LIMIT, ":2:" },
                 { 1, "11 eye\n9 w\n14 t\n1 b\n", PAW_E_KEY, "no part 12" },
                 { 2, "1 1\n2 0\n", PAW_E_KEY, ": no row for image id 3" },
                 { 2, "1 1\n2 0\n3 1\n4 1\n", PAW_E_KEY, ":4:" },
                 { 2, "1 1\n2 0\n2 1\n", PAW_E_FORMAT, ":3:" },
                 { 2, "1 1\n2 2\n", PAW_E_FORMAT, ":2:" },
                 { 2, "1 1 1\n", PAW_E_FORMAT, ":1: too many" },
                 { 3, "1 9 1 1 1\n1 11 1 1\n", PAW_E_FORMAT, ":2: too few" },
                 { 3, "1 9 1 1 1\n\n1 11 a 1 1\n", PAW_E_FORMAT, ":3: not a number" },
                 { 3, "1 9 1 1 1\n4 9 1 1 1\n", PAW_E_KEY, ":2: an image id" },
                 { 3, "1 8 1 1 1\n", PAW_E_KEY, ":1: a part id" },
                 { 3, "1 9 1 1 1\n2 9 1 1 1\n1 9 2 2 1\n", PAW_E_FORMAT, "lines 1 and 3" },
                 { 3, "1 9 1 1 1 7\n", PAW_E_FORMAT, ":1: too many" },
                 { 3, "1.5 9 1 1 1\n", PAW_E_FORMAT, ":1: not an integer" } };
    static const struct {
        const char *text;
        paw_err e;
        const char *words;
        size_t count;
    } lists[] = {
        { "path,label\r\na.jpg,x\r\n\r\nb.jpg,y", PAW_OK, "", 2 },
        { "", PAW_E_FORMAT, ": no rows", 0 },
        { "path,x,y,side,label\n", PAW_E_FORMAT, ": no rows", 0 },
        { "a.jpg,1,2,3\n", PAW_E_FORMAT, ":1: neither a header", 0 },
        { "path,x\n", PAW_E_KEY, ":1: a header without a column label", 0 },
        { "path,x,label\n", PAW_E_KEY, ":1: a header with some of", 0 },
        { "path,label,label\na,b,c\n", PAW_E_KEY, ":1: a header with path, x, y, side or label "
          "twice", 0 },
        { "label,Path,path\na,b,c\n", PAW_E_KEY, "twice", 0 },
        { "a.jpg,x\n\nb.jpg\n", PAW_E_FORMAT, ":3: 1 fields, the first row has 2", 0 },
        { "a.jpg,x\n,y\n", PAW_E_FORMAT, ":2: no path", 0 },
        { "a.jpg,x\nb.jpg,\n", PAW_E_FORMAT, ":2: no label", 0 },
        { "a.jpg,1,2,,x\n", PAW_E_FORMAT, ":1: some of x, y, side", 0 },
        { "a.jpg,\"x\n", PAW_E_FORMAT, ":1: a quoted field without end", 0 },
        { "a.jpg,x\n\"a\"b,x\n", PAW_E_FORMAT, ":2: text after a quoted field", 0 },
        { "a\"b.jpg,x\n", PAW_E_FORMAT, ":1: a quote inside a field", 0 } };
    char *big = (char *)malloc(1000000), words[128];
    size_t i, n;
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        const char *file = strrchr(j_cub[rows[i].file], '/') + 1;
        j_cub_write(rows[i].file, rows[i].text);
        snprintf(words, sizeof words, "%s%s", *rows[i].words == ':' ? file : "", rows[i].words);
        j_open(paw_index_cub, "cub", rows[i].e, rows[i].e == PAW_E_KEY ? "" : file, words, 2);
    }
    for (i = 0; i < sizeof lists / sizeof *lists; ++i) {
        h_text("list.csv", lists[i].text);
        snprintf(words, sizeof words, "%s%s", *lists[i].words == ':' ? "list.csv" : "",
                 lists[i].words);
        j_open(paw_index_list, "list.csv", lists[i].e, "list.csv", words, lists[i].count);
    }
    h_write("list.csv", "a\0.jpg,x\n", 9);
    j_open(paw_index_list, "list.csv", PAW_E_FORMAT, "list.csv", ":1: a NUL byte", 0);
    memset(big, ',', 70000);
    h_write("list.csv", big, 70000);
    j_open(paw_index_list, "list.csv", PAW_E_LIMIT, "list.csv", "over 256 fields", 0);
    memset(big, 'a', 70000);
    h_write("list.csv", big, 70000);
    j_open(paw_index_list, "list.csv", PAW_E_LIMIT, "list.csv", ":1: a row over 65535", 0);
    for (i = n = 0; n < 999000; ++i) /* many rows, each of a path and a label of its own */
        n += (size_t)sprintf(big + n, "%zu,%zu\n", i * 2654435761u % 1000003, i * 40503u % 100003);
    h_write("list.csv", big, n);
    j_open(paw_index_list, "list.csv", PAW_OK, "list.csv", "", i);
    free(big);
}
/* A locale that writes 0,5 is made where it is not there; none of it may be seen. */
static int j_comma(void)
{
    static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
                                         "it_IT.UTF-8" };
    char command[1500];
    size_t i;
    for (i = 0; i < 4; ++i)
        if (setlocale(LC_ALL, names[i])) return 1;
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 '%s' >'%s' 2>&1",
             h_path("de_DE.UTF-8"), h_path("localedef"));
    (void)!system(command);
    setenv("LOCPATH", h_dir, 1);
    return setlocale(LC_ALL, names[0]) != NULL;
}
static void j_e6(void)
{
    static const char *const meta[] = { "half", "0.5", NULL };
    const size_t shape[1] = { 2 };
    const float values[2] = { 0.5f, -1.25f };
    paw_tensor_view view;
    paw_head_opts o, back;
    paw_head *head = NULL;
    paw_index x;
    char half[16];
    int epochs;
    if (!j_comma()) {
        H_SKIP("no locale with a decimal comma, and localedef cannot make one");
        return;
    }
    snprintf(half, sizeof half, "%.1f", 0.5);
    H(!strcmp(half, "0,5"), "the locale writes %s", half);
    memset(&back, 0, sizeof back);
    h_text("list.csv", "path,x,y,side,label\na.png,10.5,2.25e1,7.5,x\n");
    h_begin();
    if (h_accepted(paw_index_list(ctx, h_path("list.csv"), NULL, &x), "list.csv")) {
        H(x.items[0].x == 10.5 && x.items[0].y == 22.5, "%g %g", x.items[0].x, x.items[0].y);
        paw_index_free(ctx, &x);
    }
    h_text("list.csv", "path,x,y,side,label\na.png,\"10,5\",2,7,x\n");
    j_open(paw_index_list, "list.csv", PAW_E_FORMAT, "list.csv:2:", "x or y is not a number", 0);
    j_cub_write(3, "1 9 100.5 100.25 1\n1 11 154.75 172.125 1\n");
    if (H(!paw_index_cub(ctx, h_path("cub"), NULL, &x), "%s", paw_message(ctx))) {
        H(x.count == 2 && x.items[0].x == 100.5 && x.items[1].y == 172.125, "CUB: %g",
          x.items[0].x);
        paw_index_free(ctx, &x);
    }
    j_coco("{\"x\":1.5,\"images\":[],\"annotations\":[]}", PAW_OK, "", 0);
    j_coco("{\"x\":1,5,\"images\":[],\"annotations\":[]}", PAW_E_FORMAT, "byte 7", 0);
    view.name = "a";
    view.ndim = 1;
    view.shape = shape;
    view.data = values;
    H(!paw_safetensors_save(ctx, h_path("x.safetensors"), &view, 1, meta) &&
      !paw_npy_save(ctx, h_path("x.npy"), values, 1, shape), "%s", paw_message(ctx));
    paw_head_recipe(PAW_PROBE_PART, PAW_LINEAR, &o);
    o.dim = 8;
    o.classes = 3;
    o.lr = 0.1;
    o.warmup = 1.5;
    H(!paw_head_create(ctx, &o, &head) && !paw_head_save(head, ctx, h_path("head"), NULL), "%s",
      paw_message(ctx));
    paw_head_free(head);
    head = NULL;
    if (H(!paw_head_load(ctx, h_path("head"), &head), "%s", paw_message(ctx))) {
        paw_head_describe(head, &back, &epochs);
        H(back.lr == 0.1 && back.warmup == 1.5 && back.weight_decay == o.weight_decay, "lr %g",
          back.lr);
        paw_head_free(head);
    }
    (void)setlocale(LC_ALL, "C");
}

static const h_row hostile_json[] = {
    { "E1", "1,000,000 deep, 2 GB, no end, half a surrogate, byte order mark, an id twice", j_e1,
      NULL, NULL },
    { "E2", "1e999, -0, 0x10, NaN, +1", j_e2, NULL, NULL },
    { "E3", "ids missing, fractional, above 2^53", j_e3, NULL, NULL },
    { "E4", "images listed but not there", j_e4, NULL, NULL },
    { "E5", "CR LF, no last newline, short rows, huge ids", j_e5, NULL, NULL },
    { "E6", "a locale whose numbers have a comma", j_e6, NULL, NULL },
};
#endif
