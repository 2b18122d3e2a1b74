/* make_corpus.c - writes seeds for tests/fuzz.c: a small file of each kind that the readers know,
 * and some that they must refuse. What tests/corpus holds grew from these by fuzzing.
 * Build: cc -O2 -o make_corpus tools/make_corpus.c -lm
 * Run:   make_corpus FOLDER [FIXTURES]
 *   Makes FOLDER/TARGET/NAME; with a folder of make_fixtures, what of it is under 16 KiB as well.
 * The same bytes on every machine. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wdouble-promotion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#endif
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

typedef struct {
    unsigned char *p;
    size_t n, cap;
} Buf;
static const char *folder;
static int files;

static void die(const char *what)
{
    fprintf(stderr, "make_corpus: %s: %s\n", what, strerror(errno));
    exit(1);
}
static void put(Buf *b, const void *p, size_t n)
{
    if (b->n + n > b->cap) {
        b->cap = (b->n + n) * 2;
        b->p = (unsigned char *)realloc(b->p, b->cap);
        if (!b->p) die("memory");
    }
    if (n) memcpy(b->p + b->n, p, n);
    b->n += n;
}
static void puts_raw(Buf *b, const char *s) { put(b, s, strlen(s)); }
static void put_be(Buf *b, uint32_t v, int bytes)
{
    while (bytes-- > 0) {
        const unsigned char c = (unsigned char)(v >> 8 * bytes);
        put(b, &c, 1);
    }
}
static void save(const char *target, const char *name, const void *p, size_t n)
{
    char path[1200];
    FILE *f;
    snprintf(path, sizeof path, "%s/%s", folder, target);
    if (mkdir(path, 0777) && errno != EEXIST) die(path);
    snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
    f = fopen(path, "wb");
    if (!f || (n && fwrite(p, 1, n, f) != n) || fclose(f)) die(path);
    ++files;
}
static void save_text(const char *target, const char *name, const char *s)
{
    save(target, name, s, strlen(s));
}

/* ---- PNG: every kind, row filters in turn, stored ---- */

static void chunk(Buf *b, const char *type, const Buf *data)
{
    uint32_t c = 0xffffffffu;
    size_t i, from;
    int k;
    put_be(b, (uint32_t)data->n, 4);
    from = b->n;
    puts_raw(b, type);
    put(b, data->p, data->n);
    for (i = from; i < b->n; ++i)
        for (c ^= b->p[i], k = 0; k < 8; ++k) c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
    put_be(b, ~c, 4);
}
static void png(const char *target, const char *name, int w, int h, int depth, int type, int laced)
{
    static const int channels[] = { 1, 0, 3, 1, 2, 0, 4 };
    static const int pass[8][4] = { { 0, 0, 1, 1 }, { 0, 0, 8, 8 }, { 4, 0, 8, 8 }, { 0, 4, 4, 8 },
                                    { 2, 0, 4, 4 }, { 0, 2, 2, 4 }, { 1, 0, 2, 2 },
                                    { 0, 1, 1, 2 } };
    Buf out = { NULL, 0, 0 }, x = { NULL, 0, 0 }, raw = { NULL, 0, 0 };
    uint32_t a = 1, s = 0;
    size_t i;
    int k, y;
    put(&out, "\x89PNG\r\n\x1a\n", 8);
    put_be(&x, (uint32_t)w, 4);
    put_be(&x, (uint32_t)h, 4);
    put_be(&x, (uint32_t)(depth << 8 | type), 2);
    put_be(&x, (uint32_t)laced, 3);
    chunk(&out, "IHDR", &x);
    x.n = 0;
    for (k = 0; k < 256 >> (8 - depth % 16) && type == 3; ++k) put_be(&x, (uint32_t)k * 65793, 3);
    if (type == 3) chunk(&out, "PLTE", &x);
    for (k = laced; k <= laced * 7; ++k) {
        const int pw = (w - pass[k][0] + pass[k][2] - 1) / pass[k][2];
        const int ph = (h - pass[k][1] + pass[k][3] - 1) / pass[k][3];
        for (y = 0; pw > 0 && y < ph; ++y) {
            put_be(&raw, (uint32_t)(y + k) % 5, 1);
            for (i = 0; i < (size_t)(pw * channels[type] * depth + 7) / 8; ++i)
                put_be(&raw, (uint32_t)(37 * i + 11 * (size_t)y) & 255, 1);
        }
    }
    x.n = 0;
    put(&x, "\x78\x01\x01", 3);
    put_be(&x, (uint32_t)((raw.n & 255) << 8 | raw.n >> 8), 2);
    put_be(&x, ~(uint32_t)((raw.n & 255) << 8 | raw.n >> 8), 2);
    put(&x, raw.p, raw.n);
    for (i = 0; i < raw.n; ++i) {
        a = (a + raw.p[i]) % 65521;
        s = (s + a) % 65521;
    }
    put_be(&x, s << 16 | a, 4);
    chunk(&out, "IDAT", &x);
    x.n = 0;
    chunk(&out, "IEND", &x);
    save(target, name, out.p, out.n);
    free(out.p);
    free(x.p);
    free(raw.p);
}
static void pngs(void)
{
    static const int kinds[][2] = { { 1, 0 }, { 2, 0 }, { 4, 0 }, { 8, 0 }, { 16, 0 }, { 8, 2 },
        { 16, 2 }, { 1, 3 }, { 2, 3 }, { 4, 3 }, { 8, 3 }, { 8, 4 }, { 16, 4 }, { 8, 6 },
        { 16, 6 } };
    size_t i;
    for (i = 0; i < 2 * sizeof kinds / sizeof *kinds; ++i) {
        const int *k = kinds[i / 2], mask = k[1] == 0 || k[1] == 3;
        char name[40];
        snprintf(name, sizeof name, "png_%d_%d_%d", k[0], k[1], (int)(i % 2));
        png("image", name, 9, 6, k[0], k[1], (int)(i % 2));
        if (mask || k[0] == 8) png("mask", name, 9, 6, k[0], k[1], (int)(i % 2));
    }
    png("image", "png_wide", 65536, 1, 1, 0, 0);
    png("image", "png_limit", 65537, 1, 1, 0, 0);
}

/* ---- JPEG: stb_image_write's, and one of the low frequencies alone, progressive ---- */

static void collect(void *user, void *p, int n) { put((Buf *)user, p, (size_t)n); }
static void segment(Buf *b, int marker, const void *p, size_t n)
{
    put_be(b, 0xff00 | (uint32_t)marker, 2);
    put_be(b, (uint32_t)n + 2, 2);
    put(b, p, n);
}
static void jpegs(void)
{
    static const unsigned char quant[65], dc[] = { 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                                   0, 0, 1 },
        frame[] = { 8, 0, 16, 0, 16, 1, 1, 0x11, 0 };
    unsigned char px[17 * 13 * 3], q[65];
    Buf b = { NULL, 0, 0 };
    size_t i;
    int k;
    for (i = 0; i < sizeof px; ++i) px[i] = (unsigned char)(i * i / 7);
    stbi_write_jpg_to_func(collect, &b, 17, 13, 3, px, 50);
    save("image", "jpeg_420", b.p, b.n);
    b.n = 0;
    stbi_write_jpg_to_func(collect, &b, 17, 13, 3, px, 95);
    save("image", "jpeg_444", b.p, b.n);
    b.n = 0;
    stbi_write_jpg_to_func(collect, &b, 17, 13, 1, px, 50);
    save("image", "jpeg_grey", b.p, b.n);
    memset(q, 8, sizeof q);
    q[0] = quant[0];
    for (k = 0; k < 3; ++k) { /* progressive, with restarts, with a comment and fill bytes */
        b.n = 0;
        put_be(&b, 0xffd8, 2);
        if (k == 2) segment(&b, 0xfe, "\xff\xd9 no end", 9);
        if (k == 2) put_be(&b, 0xffff, 2);
        segment(&b, 0xdb, q, sizeof q);
        segment(&b, 0xc4, dc, sizeof dc);
        if (k == 1) segment(&b, 0xdd, "\0\2", 2);
        segment(&b, 0xc2, frame, sizeof frame);
        segment(&b, 0xda, "\1\1\0\0\0\1", 6);
        put_be(&b, k == 1 ? 0x5f : 0x5b, 1);
        if (k == 1) put_be(&b, 0xffd05f, 3);
        segment(&b, 0xda, "\1\1\0\0\0\x10", 6);
        put_be(&b, 0x5f, 1);
        put_be(&b, 0xffd9, 2);
        save("image", k == 0 ? "jpeg_progressive" : k == 1 ? "jpeg_restart" : "jpeg_comment", b.p,
             b.n);
    }
    free(b.p);
}

/* ---- texts ---- */

#define POINTS(x, y, v) /* 17 of them; nose, right wrist and left ankle apart */                   \
    #x "," #y "," #v ",0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"                     \
    #y "," #x "," #v ",0,0,0,0,0,0,0,0,0,0,0,0,300," #y "," #v ",0,0,0"
static void cocos(void)
{
    static const char head[] = "{\"info\":{\"x\":[1,null,true]},\"images\":[{\"id\":7,"
                               "\"file_name\":\"a.jpg\"},{\"id\":3,\"file_name\":"
                               "\"b/c.png\",\"w\":1e2}],";
    char text[4096];
    snprintf(text, sizeof text, "%s\"annotations\":[{\"id\":1,\"image_id\":7,\"keypoints\":[%s],"
             "\"num_keypoints\":3,\"bbox\":[1,2,50,60.5],\"area\":99.5,\"iscrowd\":0},{\"id\":2,"
             "\"image_id\":3,\"keypoints\":[%s]}]}", head, POINTS(100, 20, 2), POINTS(5, 900, 1));
    save_text("coco", "persons", text);
    snprintf(text, sizeof text, "%s\"annotations\":[{\"id\":5,\"image_id\":7,\"category_id\":2,"
             "\"bbox\":[1,2,50,60],\"iscrowd\":0},{\"id\":6,\"image_id\":3,\"category_id\":1,"
             "\"bbox\":[1.5,2,80,81]},{\"id\":8,\"image_id\":3,\"category_id\":1,\"bbox\":[1,2,9,"
             "81]},{\"id\":9,\"image_id\":3,\"category_id\":1,\"bbox\":[1,2,90,810]},{\"id\":10,"
             "\"image_id\":3,\"category_id\":1,\"iscrowd\":1,\"bbox\":[]}],\"categories\":[{\"id\":"
             "2,\"name\":\"dog\"},{\"id\":1,\"name\":\"c\\u00e9\\ud83d\\ude00\\n\"}]} \n", head);
    save_text("coco", "objects", text);
    save_text("coco", "persons_twice", "{\"images\":[{\"id\":7,\"file_name\":\"a.jpg\"}],"
              "\"annotations\":[{\"id\":1,\"image_id\":7,\"keypoints\":[" POINTS(100, 20, 2)
              "]},{\"id\":1,\"image_id\":7,\"keypoints\":[" POINTS(100, 20, 2) "]}]}");
    save_text("coco", "categories_twice", "{\"images\":[{\"id\":7,\"file_name\":\"a.jpg\"}],"
              "\"annotations\":[],\"categories\":[{\"id\":2,\"name\":\"dog\"},{\"id\":2,"
              "\"name\":\"cat\"}]}");
    save_text("coco", "objects_twice", "{\"images\":[{\"id\":7,\"file_name\":\"a.jpg\"}],"
              "\"annotations\":[{\"id\":5,\"image_id\":7,\"category_id\":2,\"bbox\":[1,2,50,60]}"
              ",{\"id\":5,\"image_id\":7,\"category_id\":2,\"bbox\":[1,2,50,60]}],"
              "\"categories\":[{\"id\":2,\"name\":\"dog\"}]}");
    snprintf(text, sizeof text, "\xef\xbb\xbf[{\"image_id\":7,\"category_id\":1,\"keypoints\":[%s],"
             "\"score\":0.875},{\"image_id\":7,\"score\":NaN,\"keypoints\":[%s]}]",
             POINTS(1.5, -2e1, 1), POINTS(0, 0, 0));
    save_text("coco", "results", text);
}
static void tables(void)
{
    save_text("cub", "small",
              "1 a/one.jpg\n2 a/two three.jpg\r\n\n3 b.jpg\n%%\n9 left eye\n11 right eye\n12 right "
              "leg\n14 tail\n1 back\n%%\n1 1\n2 0\n3 1\n%%\n1 11 10.0 20.5 1\n1 12 100 120 1\n1 9 "
              "10 400 1\n1 14 0.0 0.0 0\n2 11 5 5 1\n2 12 nan 1 1\n2 1 1 inf 1\n3 9 1 1 1\n3 14 "
              "200 200 1");
    save_text("cub", "mark", "\xef\xbb\xbf" "1 a.jpg\n%%\n1 a\n%%\n1 0\n%%\n1 1 3 4 1\n");
    save_text("csv", "header", "label,side,Path,y,x,more\ncat,30,a.jpg,20,10,z\n\"d \"\"o\"\" g\","
                               ",a.jpg,,,\n\n \t\ncat,1e2, b.jpg ,-7.5,0,\"\"\n");
    save_text("csv", "plain", "a.jpg,10,20,30,3\nb.jpg,1,2,3,12\nb.jpg,1,2,3,-3\na.jpg,,,,3");
    save_text("csv", "pairs", "\xef\xbb\xbf" "x.png,one\r\ny.png,two\r\nx.png,one\r\n");
    save_text("csv", "two", "path,label\n/a/b.png,1\n");
    save_text("config", "small",
              "# methods\nmethod.deit = deit.pth  # base\r\n data.cub=CUB 200\n\n"
              "options.probe = --epochs 1 --batch 2\nempty =\n");
    save_text("labels", "images", "a.JPEG 285\r\n\nb c.JPEG  7\n");
    save_text("labels", "values", "\xef\xbb\xbf" "0 nothing\n1 one\n\t\n5\tlast\n70000 x");
    save_text("labels", "order", "a\nb b\nc\nd\ne\r\n");
    save_text("labels", "twice", "a.JPEG 1\nb.JPEG 3\na.JPEG 2\n");
    save_text("labels", "two_names", "1 one\n2 two\n1 three\n");
    save("labels", "nul", "a.JPEG 1\n\0b.JPEG 2\n", 19);
    save_text("labels", "controls", "\x1b[31m\n\xc2\x9b" "2J 2000\n\xff 3\n");
    save_text("labels", "result",
              "{\n  \"cls\": {\n    \"AP\": 1.5,\n    \"column\": \"encoded\"\n}}");
}
#define save_pickle(name, s) save("pickle", name, s, sizeof s - 1)
static void pickles(void)
{
    save_pickle("ops", "\x80\2}q\0(X\1\0\0\0aI1\nU\1bL-3L\nX\1\0\0\0cF1.5\nS'd'\nVe\nM\1\2"
                "G\0\0\0\0\0\0\0\0\x8a\1\5\x8b\2\0\0\0\1\2K\1]K\2aNe\x88)\x89\x85h\0p3\ng3\n"
                "r\4\0\0\0j\4\0\0\0""00u.");
    save_pickle("untyped", "\x80\2}(X\1\0\0\0actorch._utils\n_rebuild_tensor_v3\n((X\7\0\0\0"
                "storagectorch.storage\nUntypedStorage\nX\1\0\0\0""0X\3\0\0\0cpuK0tQK\0(K\2K\2t"
                "(K\2K\1t\x89}ctorch\nbfloat16\ntRu.");
    save_pickle("pairs", "\x80\2ccollections\nOrderedDict\n(](](X\1\0\0\0aK\1e](X\1\0\0\0bK\2"
                "eetR.");
    save_pickle("parameter", "\x80\2]ctorch.nn.parameter\nParameter\n(ctorch._utils\n"
                "_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0""1X\3\0\0"
                "\0cpuK\4tQK\1(K\2t(K\1t\x89NtR\x88tRa.");
}

/* ---- checkpoints and heads: safetensors of single bytes, all of it small enough to change ---- */

typedef struct {
    Buf head, data;
} Tensors;
static void tensor(Tensors *t, const char *prefix, const char *name, const char *shape)
{
    char text[256];
    size_t n = 1, i;
    const char *s;
    for (s = shape; *s; s += *s == ',') {
        n *= (size_t)strtoul(s, (char **)(uintptr_t)&s, 10);
    }
    snprintf(text, sizeof text, "%s\"%s%s\":{\"dtype\":\"U8\",\"shape\":[%s],\"data_offsets\":"
             "[%lu,%lu]}", t->head.n > 1 ? "," : "", prefix, name, shape,
             (unsigned long)t->data.n, (unsigned long)(t->data.n + n));
    puts_raw(&t->head, text);
    for (i = 0; i < n; ++i) put_be(&t->data, (uint32_t)(i * 7 % 5), 1);
}
/* rows: "name shape;...", shapes with commas; a name that begins with '/' is below the root */
static void tensors(Tensors *t, const char *prefix, const char *rows)
{
    char name[96], shape[32];
    int used = 0;
    for (; sscanf(rows, "%95s %31[0-9,];%n", name, shape, &used) == 2; rows += used)
        tensor(t, *name == '/' ? "" : prefix, *name == '/' ? name + 1 : name, shape);
}
static void save_tensors(const char *target, const char *name, Tensors *t)
{
    Buf b = { NULL, 0, 0 };
    int i;
    puts_raw(&t->head, "}");
    for (i = 0; i < 8; ++i) put_be(&b, (uint32_t)((uint64_t)t->head.n >> 8 * i) & 255, 1);
    put(&b, t->head.p, t->head.n);
    put(&b, t->data.p, t->data.n);
    save(target, name, b.p, b.n);
    free(b.p);
    free(t->head.p);
    free(t->data.p);
    memset(t, 0, sizeof *t);
}
#define ENCODER                                                                                    \
    "cls_token 1,1,4;patch_embed.proj.weight 4,3,1,1;patch_embed.proj.bias 4;"                     \
    "blocks.0.norm1.weight 4;blocks.0.norm1.bias 4;blocks.0.attn.qkv.weight 12,4;"                 \
    "blocks.0.attn.proj.weight 4,4;blocks.0.attn.proj.bias 4;blocks.0.norm2.weight 4;"             \
    "blocks.0.norm2.bias 4;blocks.0.mlp.fc1.weight 4,4;blocks.0.mlp.fc1.bias 4;"                   \
    "blocks.0.mlp.fc2.weight 4,4;blocks.0.mlp.fc2.bias 4;norm.weight 4;norm.bias 4;"
#define QKV "blocks.0.attn.qkv.bias 12;pos_embed 1,5,4;"
#define SPLIT "blocks.0.attn.q_bias 4;blocks.0.attn.v_bias 4;blocks.0.gamma_1 4;blocks.0.gamma_2 4;"
#define DINO_HEAD                                                                                  \
    "/teacher.head.mlp.0.weight 4,4;/teacher.head.mlp.0.bias 4;/teacher.head.mlp.2.weight 3,4;"    \
    "/teacher.head.last_layer.weight_g 5,1;/teacher.head.last_layer.weight_v 5,3;"
#define MOCO_HEAD                                                                                  \
    "head.0.weight 4,4;head.1.running_var 4;head.1.running_mean 4;head.1.weight 4;head.1.bias 4;"  \
    "head.3.weight 3,4;head.4.running_var 3;head.4.running_mean 3;"                                \
    "/predictor.0.weight 3,3;/predictor.1.running_var 3;/predictor.1.running_mean 3;"
static void checkpoints(void)
{
    static const struct {
        const char *name, *prefix, *rows;
    } models[] = {
        { "deit", "model.", ENCODER QKV "head.weight 3,4;head.bias 3;" },
        { "mae", "model.", ENCODER QKV },
        { "moco", "module.base_encoder.", ENCODER QKV MOCO_HEAD },
        { "dino", "teacher.backbone.", ENCODER QKV DINO_HEAD },
        { "ibot", "teacher.backbone.",
          ENCODER QKV DINO_HEAD "/teacher.head.last_layer2.weight 2,3;" },
        { "beit", "model.", ENCODER SPLIT "rel_pos_bias.relative_position_bias_table 12,2;" },
        { "cae", "model.encoder.", ENCODER SPLIT "pos_embed 1,5,4;" },
    };
    Tensors t = { { NULL, 0, 0 }, { NULL, 0, 0 } };
    size_t i;
    for (i = 0; i < sizeof models / sizeof *models; ++i) {
        puts_raw(&t.head, "{\"__metadata__\":{\"partaware.heads\":\"2\"}");
        tensors(&t, models[i].prefix, models[i].rows);
        save_tensors("model", models[i].name, &t);
    }
    puts_raw(&t.head, "{");
    tensors(&t, "", "decode_head.conv_seg.weight 3,4,1,1;decode_head.conv_seg.bias 3;");
    save_tensors("head", "dense", &t);
    puts_raw(&t.head, "{\"__metadata__\":{\"steps\":\"99999999999999999999999\"}");
    tensors(&t, "", "decode_head.conv_seg.weight 3,4,1,1;decode_head.conv_seg.bias 3;");
    save_tensors("head", "found_steps", &t);
}

/* ---- files of make_fixtures, by kind; the pickle of an archive alone as well ---- */

static void fixture(const char *from, const char *name)
{
    static unsigned char p[16384];
    char path[1200];
    const char *dot = strrchr(name, '.');
    size_t n;
    FILE *f;
    snprintf(path, sizeof path, "%s/%s", from, name);
    if (*name == '.' || !dot || !(f = fopen(path, "rb"))) return;
    n = fread(p, 1, sizeof p, f);
    fclose(f);
    if (n == sizeof p) return;
    if (!strcmp(dot, ".pth") && n > 30 && !memcmp(p, "PK\3\4", 4)) {
        const size_t head = 30u + p[26] + p[28] + 256u * p[29];
        const size_t size = p[18] + 256u * p[19] + 65536u * p[20];
        save("zip", name, p, n);
        if (head < n && size <= n - head) save("pickle", name, p + head, size);
    } else {
        save(!strcmp(dot, ".npy") ? "npy" : !strcmp(dot, ".pth") ? "legacy" : "safetensors", name,
             p, n);
    }
}
int main(int argc, char **argv)
{
    DIR *dir;
    struct dirent *d;
    if (argc < 2) {
        fprintf(stderr, "usage: make_corpus FOLDER [FIXTURES]\n");
        return 2;
    }
    folder = argv[1];
    if (mkdir(folder, 0777) && errno != EEXIST) die(folder);
    pngs();
    jpegs();
    cocos();
    tables();
    pickles();
    checkpoints();
    dir = argc > 2 ? opendir(argv[2]) : NULL;
    if (argc > 2 && !dir) die(argv[2]);
    while (dir && (d = readdir(dir)) != NULL) fixture(argv[2], d->d_name);
    if (dir) closedir(dir);
    printf("make_corpus: %d files in %s\n", files, folder);
    return 0;
}
