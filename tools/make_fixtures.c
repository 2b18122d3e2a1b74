/* make_fixtures.c - writes the small tensor files that tests/load.c reads: one state dict in every
 * container, and one hostile file for each way a container can lie; and the data sets that
 * tests/data.c reads, in the layouts of COCO, CIFAR-10, labelled folders and lists.
 * Build: cc -O2 -o make_fixtures tools/make_fixtures.c
 * Run:   make_fixtures FOLDER      (the folder is made where it is missing)
 * The same bytes on every machine. Element k of storage s holds ((7 k + 3 s) mod 23 - 11) / 4,
 * integers that times 4: exact in every type. Hostile names begin with the row they stand for. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#ifdef _WIN32
#include <direct.h>
#define make_folder(path) _mkdir(path)
#else
#define make_folder(path) mkdir(path, 0777)
#endif

typedef struct {
    unsigned char *p;
    size_t n, cap;
} Buf;

static const char *folder;
static int files;

static void die(const char *what)
{
    fprintf(stderr, "make_fixtures: %s: %s\n", what, strerror(errno));
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
static void put_le(Buf *b, uint64_t v, int bytes)
{
    unsigned char c;
    for (; bytes > 0; --bytes, v >>= 8) {
        c = (unsigned char)v;
        put(b, &c, 1);
    }
}
static void set_le(Buf *b, size_t at, uint64_t v, int bytes)
{
    for (; bytes > 0; --bytes, v >>= 8) b->p[at++] = (unsigned char)v;
}
static void op(Buf *b, int c) { put_le(b, (uint64_t)c, 1); }
static void puts_raw(Buf *b, const char *s) { put(b, s, strlen(s)); }
static void fill(Buf *b, int c, size_t n)
{
    for (; n; --n) op(b, c);
}
static void drop(Buf *b)
{
    free(b->p);
    memset(b, 0, sizeof *b);
}
static void save(const char *name, Buf *b) /* writes and empties */
{
    char path[1024];
    FILE *f;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "wb");
    if (!f || (b->n && fwrite(b->p, 1, b->n, f) != b->n) || fclose(f)) die(path);
    drop(b);
    ++files;
}

/* ---- storages: raw little-endian values ---- */

enum { F32, F64, F16, BF16, I64, I32, I16, I8, U8, BOOL, U16, U32, U64 };
static const char *const CLASSES[] = { "FloatStorage", "DoubleStorage", "HalfStorage",
    "BFloat16Storage", "LongStorage", "IntStorage", "ShortStorage", "CharStorage", "ByteStorage",
    "BoolStorage", "", "", "" };
static const int BYTES[] = { 4, 8, 2, 2, 8, 4, 2, 1, 1, 1, 2, 4, 8 };

static int quarter(int s, int k) { return (7 * k + 3 * s) % 23 - 11; }
static uint64_t bits(int type, int q) /* q / 4 as stored, or the integer q; unsigned: q + 11 */
{
    float f = (float)q / 4;
    double d = (double)q / 4;
    uint32_t u, half;
    uint64_t v;
    memcpy(&u, &f, 4);
    memcpy(&v, &d, 8);
    half = !(u << 1) ? 0 : (u >> 16 & 0x8000) | ((u >> 23 & 255) - 112) << 10 | (u >> 13 & 1023);
    switch (type) {
    case F32: return u;
    case F64: return v;
    case F16: return half;
    case BF16: return u >> 16;
    case BOOL: return q > 0;
    case U8: case U16: case U32: case U64: return (uint64_t)(q + 11);
    default: return (uint64_t)(int64_t)q;
    }
}
static void put_values(Buf *b, int type, int s, int from, int n)
{
    int k;
    for (k = from; k < from + n; ++k) put_le(b, bits(type, quarter(s, k)), BYTES[type]);
}

/* ---- pickle, protocol 2 as torch writes it ---- */

static void p_global(Buf *b, const char *module, const char *name)
{
    op(b, 'c');
    puts_raw(b, module);
    op(b, '\n');
    puts_raw(b, name);
    op(b, '\n');
}
static void p_text(Buf *b, const char *s)
{
    op(b, 'X');
    put_le(b, strlen(s), 4);
    puts_raw(b, s);
}
static void p_int(Buf *b, int64_t v)
{
    if (v >= 0 && v < 256) {
        op(b, 'K');
        put_le(b, (uint64_t)v, 1);
    } else if (v >= 0 && v < 65536) {
        op(b, 'M');
        put_le(b, (uint64_t)v, 2);
    } else if (v >= INT32_MIN && v <= INT32_MAX) {
        op(b, 'J');
        put_le(b, (uint64_t)v, 4);
    } else {
        op(b, 0x8a);
        op(b, 8);
        put_le(b, (uint64_t)v, 8);
    }
}
static void p_tuple(Buf *b, const int64_t *v, int n)
{
    int i;
    op(b, '(');
    for (i = 0; i < n; ++i) p_int(b, v[i]);
    op(b, 't');
}
static int legacy; /* persistent ids of the stream have a sixth item */
static void p_storage(Buf *b, const char *cls, const char *key, size_t key_len, int64_t count)
{
    op(b, '(');
    p_text(b, "storage");
    p_global(b, "torch", cls);
    op(b, 'X');
    put_le(b, key_len, 4);
    put(b, key, key_len);
    p_text(b, "cpu");
    p_int(b, count);
    if (legacy) op(b, 'N');
    op(b, 't');
    op(b, 'Q');
}
static void p_rebuild(Buf *b, const char *cls, const char *key, int64_t count, int64_t offset,
                      int ndim, const int64_t *shape, const int64_t *stride)
{
    p_global(b, "torch._utils", "_rebuild_tensor_v2");
    op(b, '(');
    p_storage(b, cls, key, strlen(key), count);
    p_int(b, offset);
    p_tuple(b, shape, ndim);
    p_tuple(b, stride, ndim);
    op(b, 0x89);
    p_global(b, "collections", "OrderedDict");
    puts_raw(b, ")Rt");
    op(b, 'R');
}
typedef struct {
    const char *name;
    int type, storage;
    int64_t count; /* of the storage */
    int64_t offset;
    int ndim;
    int64_t shape[4], stride[4];
} Row;
static const Row ROWS[] = {
    { "weight", F32, 0, 12, 0, 2, { 3, 4 }, { 4, 1 } },
    { "transposed", F32, 0, 12, 0, 2, { 4, 3 }, { 1, 4 } },
    { "column", F32, 0, 12, 2, 1, { 3 }, { 4 } },
    { "tail", F32, 1, 8, 3, 1, { 5 }, { 1 } },
    { "expanded", F32, 1, 8, 6, 2, { 3, 2 }, { 0, 1 } },
    { "permuted", F32, 2, 24, 0, 3, { 4, 2, 3 }, { 1, 12, 4 } },
    { "half", F16, 3, 6, 0, 2, { 2, 3 }, { 3, 1 } },
    { "bfloat", BF16, 4, 6, 0, 2, { 2, 3 }, { 3, 1 } },
    { "double", F64, 5, 4, 0, 2, { 2, 2 }, { 1, 2 } },
    { "scalar", I64, 6, 1, 0, 0, { 0 }, { 0 } },
    { "int32", I32, 7, 3, 0, 1, { 3 }, { 1 } },
    { "int16", I16, 8, 3, 0, 1, { 3 }, { 1 } },
    { "int8", I8, 9, 3, 0, 1, { 3 }, { 1 } },
    { "uint8", U8, 10, 3, 0, 1, { 3 }, { 1 } },
    { "bool", BOOL, 11, 5, 0, 1, { 5 }, { 1 } },
    { "empty", F32, 1, 8, 0, 2, { 0, 4 }, { 4, 1 } },
};
enum { N_ROWS = sizeof ROWS / sizeof ROWS[0], N_STORAGES = 12 };

static void p_row(Buf *b, const Row *r)
{
    char key[16];
    snprintf(key, sizeof key, "%d", r->storage);
    p_rebuild(b, CLASSES[r->type], key, r->count, r->offset, r->ndim, r->shape, r->stride);
}
/* What the official files hold beside the weights; none of it may disturb. */
static void p_args(Buf *b)
{
    p_text(b, "args");
    p_global(b, "argparse", "Namespace");
    puts_raw(b, ")\x81}(");
    p_text(b, "lr");
    op(b, 'G');
    put(b, "\x3f\xb9\x99\x99\x99\x99\x99\x9a", 8);
    p_text(b, "output_dir");
    p_global(b, "pathlib", "PosixPath");
    op(b, '(');
    p_text(b, "out");
    puts_raw(b, "tR");
    puts_raw(b, "ub");
}
static void p_best(Buf *b) /* a NumPy scalar */
{
    p_text(b, "best");
    p_global(b, "numpy.core.multiarray", "scalar");
    p_global(b, "numpy", "dtype");
    p_text(b, "f8");
    op(b, 0x89);
    op(b, 0x88);
    op(b, 0x87);
    op(b, 'R');
    op(b, '(');
    p_int(b, 3);
    p_text(b, "<");
    puts_raw(b, "NNN");
    p_int(b, -1);
    p_int(b, -1);
    p_int(b, 0);
    puts_raw(b, "tb");
    p_global(b, "_codecs", "encode");
    p_text(b, "12345678");
    p_text(b, "latin1");
    op(b, 0x86);
    op(b, 'R');
    op(b, 0x86);
    op(b, 'R');
}
static void p_optimizer(Buf *b)
{
    p_text(b, "optimizer");
    puts_raw(b, "}(");
    p_text(b, "state");
    op(b, '}');
    p_int(b, 0);
    op(b, '}');
    p_text(b, "exp_avg");
    p_row(b, &ROWS[0]);
    puts_raw(b, "ss");
    p_text(b, "param_groups");
    puts_raw(b, "]}(");
    p_text(b, "betas");
    puts_raw(b, "F0.9\nF0.95\n");
    op(b, 0x86);
    p_text(b, "params");
    puts_raw(b, "](I0\nK\1L2L\neu");
    op(b, 'a');
    op(b, 'u');
}
static void p_small(Buf *b)
{
    int i;
    op(b, 0x80);
    op(b, 2);
    puts_raw(b, "}q");
    op(b, 0);
    op(b, '(');
    p_args(b);
    p_best(b);
    p_optimizer(b);
    p_text(b, "model");
    p_global(b, "collections", "OrderedDict");
    puts_raw(b, ")R(");
    for (i = 0; i < N_ROWS; ++i) {
        p_text(b, ROWS[i].name);
        p_row(b, &ROWS[i]);
    }
    puts_raw(b, "u}");
    p_text(b, "_metadata");
    puts_raw(b, "}sb");
    p_text(b, "list");
    op(b, ']');
    p_global(b, "torch._utils", "_rebuild_parameter");
    op(b, '(');
    p_row(b, &ROWS[3]);
    op(b, 0x88);
    puts_raw(b, "}tR");
    puts_raw(b, "au.");
}

/* ---- zip, stored, data aligned to 64 bytes as torch does ---- */

enum { MAX_ENTRIES = 64 };
typedef struct {
    Buf b;
    struct {
        char name[64];
        size_t header, data, size, dir;
        uint32_t crc;
    } e[MAX_ENTRIES];
    int n;
    size_t end; /* of the end record */
} Zip;

static uint32_t crc32_of(const unsigned char *p, size_t n)
{
    uint32_t c = 0xffffffffu;
    int k;
    for (; n; --n)
        for (c ^= *p++, k = 0; k < 8; ++k) c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
    return ~c;
}
static void z_add(Zip *z, const char *name, const void *p, size_t size)
{
    const size_t len = strlen(name), head = z->b.n + 30 + len;
    const size_t pad = (64 - (head + 4) % 64) % 64;
    int i = z->n++;
    snprintf(z->e[i].name, sizeof z->e[i].name, "%s", name);
    z->e[i].header = z->b.n;
    z->e[i].size = size;
    z->e[i].crc = crc32_of((const unsigned char *)p, size);
    put(&z->b, "PK\3\4", 4);
    put_le(&z->b, 0, 2 * 5);
    put_le(&z->b, z->e[i].crc, 4);
    put_le(&z->b, size, 4);
    put_le(&z->b, size, 4);
    put_le(&z->b, len, 2);
    put_le(&z->b, pad + 4, 2);
    puts_raw(&z->b, name);
    put(&z->b, "FB", 2);
    put_le(&z->b, pad, 2);
    fill(&z->b, 'Z', pad);
    z->e[i].data = z->b.n;
    put(&z->b, p, size);
}
static void z_end(Zip *z, int zip64, uint64_t entries)
{
    size_t dir = z->b.n, size;
    int i;
    for (i = 0; i < z->n; ++i) {
        z->e[i].dir = z->b.n;
        put(&z->b, "PK\1\2", 4);
        put_le(&z->b, 0, 2 * 6);
        put_le(&z->b, z->e[i].crc, 4);
        put_le(&z->b, z->e[i].size, 4);
        put_le(&z->b, z->e[i].size, 4);
        put_le(&z->b, strlen(z->e[i].name), 2);
        put_le(&z->b, 0, 2 * 4 + 4);
        put_le(&z->b, z->e[i].header, 4);
        puts_raw(&z->b, z->e[i].name);
    }
    size = z->b.n - dir;
    if (zip64) {
        put(&z->b, "PK\6\6", 4);
        put_le(&z->b, 44, 8);
        put_le(&z->b, 0, 2 * 2 + 4 * 2);
        put_le(&z->b, entries, 8);
        put_le(&z->b, entries, 8);
        put_le(&z->b, size, 8);
        put_le(&z->b, dir, 8);
        put(&z->b, "PK\6\7", 4);
        put_le(&z->b, 0, 4);
        put_le(&z->b, dir + size, 8);
        put_le(&z->b, 1, 4);
    }
    z->end = z->b.n;
    put(&z->b, "PK\5\6", 4);
    put_le(&z->b, 0, 4);
    put_le(&z->b, zip64 ? 0xffff : entries, 2);
    put_le(&z->b, zip64 ? 0xffff : entries, 2);
    put_le(&z->b, zip64 ? 0xffffffffu : size, 4);
    put_le(&z->b, zip64 ? 0xffffffffu : dir, 4);
    put_le(&z->b, 0, 2);
}
static void z_storages(Zip *z)
{
    char name[32];
    int i, s;
    for (s = 0; s < N_STORAGES; ++s)
        for (i = 0; i < N_ROWS; ++i)
            if (ROWS[i].storage == s) {
                Buf v = { NULL, 0, 0 };
                put_values(&v, ROWS[i].type, s, 0, (int)ROWS[i].count);
                snprintf(name, sizeof name, "archive/data/%d", s);
                z_add(z, name, v.p, v.n);
                drop(&v);
                break;
            }
}
static void z_small(Zip *z, int zip64)
{
    Buf p = { NULL, 0, 0 };
    memset(z, 0, sizeof *z);
    p_small(&p);
    z_add(z, "archive/data.pkl", p.p, p.n);
    z_add(z, "archive/byteorder", "little", 6);
    z_storages(z);
    z_add(z, "archive/version", "3\n", 2);
    z_end(z, zip64, (uint64_t)z->n);
    drop(&p);
}
/* A pickle as data.pkl beside one storage of 12 floats under key 0. */
static void z_pickle(const char *name, Buf *p)
{
    Zip z;
    Buf v = { NULL, 0, 0 };
    memset(&z, 0, sizeof z);
    z_add(&z, "archive/data.pkl", p->p, p->n);
    put_values(&v, F32, 0, 0, 12);
    z_add(&z, "archive/data/0", v.p, v.n);
    z_end(&z, 0, 2);
    save(name, &z.b);
    drop(&v);
    drop(p);
}
static Buf pickle(const char *s, size_t n)
{
    Buf b = { NULL, 0, 0 };
    op(&b, 0x80);
    op(&b, 4);
    put(&b, s, n);
    return b;
}
#define Z_PICKLE(name, text)                                                                       \
    do {                                                                                           \
        Buf b_ = pickle(text, sizeof text - 1);                                                    \
        z_pickle(name, &b_);                                                                       \
    } while (0)

/* ---- good files ---- */

static void good_legacy(const char *name, int64_t miscount, int with_all)
{
    Buf b = { NULL, 0, 0 };
    int i, s;
    legacy = 1;
    put(&b, "\x80\2\x8a\nl\xfc\x9c" "F\xf9 j\xa8P\x19.\x80\2M\xe9\3.\x80\2}(", 25);
    p_text(&b, "protocol_version");
    p_int(&b, 1001);
    p_text(&b, "little_endian");
    op(&b, 0x88);
    puts_raw(&b, "u.");
    p_small(&b);
    puts_raw(&b, "\x80\2](");
    for (s = 0; s < N_STORAGES - !with_all; ++s) {
        char key[16];
        snprintf(key, sizeof key, "%d", s);
        p_text(&b, key);
    }
    puts_raw(&b, "e.");
    for (s = 0; s < N_STORAGES; ++s)
        for (i = 0; i < N_ROWS; ++i)
            if (ROWS[i].storage == s) {
                put_le(&b, (uint64_t)(ROWS[i].count + (s == 5 ? miscount : 0)), 8);
                put_values(&b, ROWS[i].type, s, 0, (int)ROWS[i].count);
                break;
            }
    legacy = 0;
    save(name, &b);
}
static void st_file(const char *name, const char *header, size_t n, size_t data)
{
    Buf b = { NULL, 0, 0 };
    put_le(&b, n, 8);
    put(&b, header, n);
    put_values(&b, I8, 0, 0, (int)data);
    save(name, &b);
}
static void st_text(const char *name, const char *header, size_t data)
{
    st_file(name, header, strlen(header), data);
}
static void good_safetensors(void)
{
    static const char *const types[] = { "F32", "F64", "F16", "BF16", "I64", "I32", "I16", "I8",
        "U8", "BOOL", "U16", "U32", "U64" };
    Buf h = { NULL, 0, 0 }, d = { NULL, 0, 0 }, b = { NULL, 0, 0 };
    char s[160];
    size_t from;
    int i;
    puts_raw(&h, "{\"__metadata__\":{\"format\":\"pt\",\"note\":\"a \\\"b\\\" \\u00e9\\n\"}");
    for (i = 0; i < 13; ++i) {
        from = d.n;
        put_values(&d, i, i, 0, 6);
        snprintf(s, sizeof s, ",\n \"t.%s\" : {\"dtype\":\"%s\",\"shape\":[2, 3],"
                 "\"data_offsets\":[%d,%d]}", types[i], types[i], (int)from, (int)d.n);
        puts_raw(&h, s);
    }
    puts_raw(&h, "}");
    while (h.n % 8) op(&h, ' ');
    put_le(&b, h.n, 8);
    put(&b, h.p, h.n);
    put(&b, d.p, d.n);
    save("good.safetensors", &b);
    drop(&h);
    drop(&d);
}
static void npy(const char *name, int major, const char *dict, int type, int n)
{
    Buf b = { NULL, 0, 0 };
    const size_t head = major == 1 ? 10 : 12, len = strlen(dict);
    const size_t pad = 63 - (head + len) % 64;
    put(&b, "\x93NUMPY", 6);
    op(&b, major);
    op(&b, 0);
    put_le(&b, len + pad + 1, major == 1 ? 2 : 4);
    puts_raw(&b, dict);
    fill(&b, ' ', pad);
    op(&b, '\n');
    put_values(&b, type, type, 0, n);
    save(name, &b);
}
static void good_npy(void)
{
    static const char *const codes[] = { "<f4", "<f8", "<f2", "", "<i8", "<i4", "<i2", "|i1", "|u1",
        "|b1", "<u2", "<u4", "<u8" };
    char dict[120], name[32];
    int i;
    for (i = 0; i < 13; ++i) {
        if (!codes[i][0]) continue;
        snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (2, 3), }",
                 codes[i]);
        snprintf(name, sizeof name, "good_%s.npy", codes[i] + 1);
        npy(name, 1 + i % 3, dict, i, 6);
    }
    npy("good_fortran.npy", 1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 2), }", F32,
        12);
    npy("good_order.npy", 2, "{\"shape\": (5L,), \"fortran_order\": False, \"descr\": \"<f4\"}",
        F32, 5);
    npy("good_scalar.npy", 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (), }", F64, 1);
    npy("good_none.npy", 1, "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 0), }", F32, 0);
}
static void good(void)
{
    Zip z;
    z_small(&z, 0);
    save("good.pth", &z.b);
    z_small(&z, 1);
    save("good_zip64.pth", &z.b);
    good_legacy("good_legacy.pth", 0, 1);
    good_safetensors();
    good_npy();
}

/* ---- hostile safetensors ---- */

#define ONE "\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]}"
static void hostile_header(void)
{
    Buf b = { NULL, 0, 0 };
    save("A1_empty.safetensors", &b);
    put(&b, "\2\0\0\0\0\0\0", 7);
    save("A1_seven.safetensors", &b);
    put_le(&b, (uint64_t)1 << 63, 8);
    puts_raw(&b, "{}");
    save("A2_huge.safetensors", &b);
    put_le(&b, 3, 8);
    puts_raw(&b, "{}");
    save("A2_past_end.safetensors", &b);
    put_le(&b, 100000001, 8);
    puts_raw(&b, "{}");
    save("A2_over_cap.safetensors", &b);
    st_text("A3_latin1.safetensors", "{\"\xe9\":1}", 0);
    st_text("A3_overlong.safetensors", "{\"\xc0\xaf\":1}", 0);
    st_text("A3_surrogate.safetensors", "{\"\\ud800\":1}", 0);
    st_text("A3_array.safetensors", "[1]", 0);
    st_text("A3_space.safetensors", " {}", 0);
    st_file("A3_nul.safetensors", "{}\0", 3, 0);
    st_text("A3_two.safetensors", "{}{}", 0);
    st_text("A3_open.safetensors", "{" ONE, 4);
    st_text("A3_comma.safetensors", "{" ONE ",}", 4);
    st_text("A4_spaces.safetensors", "{" ONE "}     ", 4);
    puts_raw(&b, "{\"a\":{\"x\":");
    fill(&b, '[', 100000);
    fill(&b, ']', 100000);
    puts_raw(&b, "}}");
    op(&b, 0);
    st_text("A5_deep.safetensors", (const char *)b.p, 0);
    b.n = 0;
    puts_raw(&b, "{\"");
    fill(&b, 'k', 1000000);
    puts_raw(&b, "\":{}}");
    op(&b, 0);
    st_text("A5_key.safetensors", (const char *)b.p, 0);
    drop(&b);
}
static void st_one(const char *name, const char *dtype, const char *shape, const char *range,
                   size_t data)
{
    char s[256];
    snprintf(s, sizeof s, "{\"a\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}}", dtype,
             shape, range);
    st_text(name, s, data);
}
static void hostile_entries(void)
{
    Buf b = { NULL, 0, 0 };
    char s[96];
    int i;
    st_text("A6_duplicate.safetensors", "{" ONE "," ONE "}", 4);
    st_text("A6_field.safetensors",
            "{\"a\":{\"dtype\":\"I8\",\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4);
    st_text("A6_metadata.safetensors", "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}," ONE "}", 4);
    st_text("A7_overlap.safetensors",
            "{" ONE ",\"b\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[2,6]}}", 6);
    st_text("A7_hole.safetensors",
            "{" ONE ",\"b\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[6,8]}}", 8);
    st_text("A7_tail.safetensors", "{" ONE "}", 5);
    st_one("A7_reversed.safetensors", "I8", "[4]", "[4,0]", 4);
    st_one("A7_eof.safetensors", "I8", "[8]", "[0,8]", 4);
    st_one("A7_negative.safetensors", "I8", "[4]", "[-4,0]", 4);
    st_one("A7_infinite.safetensors", "I8", "[4]", "[0,1e400]", 4);
    st_one("A7_fraction.safetensors", "I8", "[4]", "[0,1.5]", 4);
    st_one("A7_three.safetensors", "I8", "[4]", "[0,4,4]", 4);
    st_one("A7_one.safetensors", "I8", "[4]", "[0]", 4);
    st_text("A7_missing.safetensors", "{\"a\":{\"dtype\":\"I8\",\"shape\":[4]}}", 4);
    st_one("A8_wrap.safetensors", "I8", "[4294967296,4294967296]", "[0,0]", 0);
    st_one("A8_int64.safetensors", "F32", "[9223372036854775807,2]", "[0,4]", 4);
    st_one("A8_digits.safetensors", "I8", "[18446744073709551620]", "[0,4]", 4);
    st_one("A8_dims.safetensors", "I8", "[1,1,1,1,1,1,1,1,1]", "[0,1]", 1);
    st_one("A9_length.safetensors", "F32", "[2]", "[0,4]", 4);
    st_one("A10_dtype.safetensors", "F8_E4M3", "[4]", "[0,4]", 4);
    st_text("A11_empty.safetensors",
            "{\"s\":{\"dtype\":\"I8\",\"shape\":[],\"data_offsets\":[0,1]},\"z\":"
            "{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[1,1]}}", 1);
    st_text("A12_metadata.safetensors", "{\"__metadata__\":{\"k\":1}," ONE "}", 4);
    st_text("A13_misaligned.safetensors",
            "{\"b\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]},\"f\":"
            "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]}} ", 9);
    puts_raw(&b, "{");
    for (i = 0; i < 65537; ++i) {
        snprintf(s, sizeof s, "%s\"%d\":{\"dtype\":\"I8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                 i ? "," : "", i);
        puts_raw(&b, s);
    }
    puts_raw(&b, "}");
    op(&b, 0);
    st_text("A15_many.safetensors", (const char *)b.p, 0);
    drop(&b);
}

/* ---- hostile pickles ---- */

static void hostile_code(void)
{
    Z_PICKLE("B1_system.pth", "cposix\nsystem\nX\x12\0\0\0touch paw_executed\x85R.");
    Z_PICKLE("B1_eval.pth", "cbuiltins\neval\nX\1\0\0\0" "1\x85R.");
    Z_PICKLE("B1_nested.pth",
             "ccollections\nOrderedDict\n(cos\nsystem\nX\x12\0\0\0touch paw_executed\x85RtR.");
    Z_PICKLE("B1_getattr.pth", "cbuiltins\ngetattr\n.");
    Z_PICKLE("B1_dotted.pth", "ccollections\nOrderedDict.fromkeys\n.");
    Z_PICKLE("B1_words.pth", "ctorch\nSize device\n.");
    Z_PICKLE("B2_stack_global.pth", "\x8c\5posix\x8c\6system\x93\x8c\2id\x85R.");
    Z_PICKLE("B2_inst.pth", "(X\2\0\0\0idiposix\nsystem\n.");
    Z_PICKLE("B2_obj.pth", "(ccollections\nOrderedDict\nX\2\0\0\0ido.");
    Z_PICKLE("B2_ext1.pth", "\x82\1.");
    Z_PICKLE("B2_setstate.pth", "c__main__\nEvil\n)\x81}X\1\0\0\0k" "Nsb.");
    Z_PICKLE("B2_class_state.pth", "ccollections\nOrderedDict\n}b.");
    Z_PICKLE("B2_call_text.pth", "X\2\0\0\0id)R.");
    Z_PICKLE("B2_persid.pth", "Psomething\n.");
    Z_PICKLE("B2_module.pth", "(X\6\0\0\0moduleNNNNtQ.");
}
static void hostile_stack(void)
{
    Buf b;
    int i;
    Z_PICKLE("B3_underflow.pth", "a.");
    Z_PICKLE("B3_stop.pth", ".");
    Z_PICKLE("B3_no_mark.pth", "t.");
    Z_PICKLE("B3_under_mark.pth", "N(a.");
    Z_PICKLE("B3_memo.pth", "h\7.");
    Z_PICKLE("B3_memo_far.pth", "Nr\0\x09\x3d\0.");
    Z_PICKLE("B3_self.pth", "]q\0h\0a.");
    Z_PICKLE("B3_odd.pth", "}(Nu.");
    Z_PICKLE("B3_append_int.pth", "K\1Na.");
    Z_PICKLE("B3_opcode.pth", "\xff.");
    Z_PICKLE("B3_no_stop.pth", "}");
    b = pickle("", 0);
    fill(&b, '(', 100000);
    z_pickle("B3_marks.pth", &b);
    b = pickle("", 0);
    fill(&b, ']', 100000);
    fill(&b, 'a', 99999);
    op(&b, '.');
    z_pickle("B3_deep.pth", &b);
    b = pickle("]q\0", 3);
    for (i = 1; i < 60; ++i) { /* 2^60 paths */
        op(&b, ']');
        op(&b, 'q');
        op(&b, i);
        put(&b, "(h", 2);
        op(&b, i - 1);
        op(&b, 'h');
        op(&b, i - 1);
        op(&b, 'e');
    }
    op(&b, '.');
    z_pickle("B3_laughs.pth", &b);
    b = pickle("\x8a\xff", 2);
    fill(&b, 1, 255);
    op(&b, '.');
    z_pickle("B4_long1.pth", &b);
    Z_PICKLE("B4_unicode.pth", "X\xff\xff\xff\xff" "a.");
    Z_PICKLE("B4_unicode8.pth", "\x8d\xff\xff\xff\xff\xff\xff\xff\xff" "a.");
    Z_PICKLE("B4_frame.pth", "\x95\0\0\0\0\0\0\0\x7f}.");
    Z_PICKLE("B4_proto.pth", "\x80\x09}.");
}
/* One tensor "a" over the storage of 12 floats. */
static void z_tensor(const char *name, const char *key, size_t key_len, int64_t count,
                     int64_t offset, int ndim, const int64_t *shape, const int64_t *stride)
{
    Buf b = pickle("}", 1);
    p_text(&b, "a");
    p_global(&b, "torch._utils", "_rebuild_tensor_v2");
    op(&b, '(');
    p_storage(&b, "FloatStorage", key, key_len, count);
    p_int(&b, offset);
    p_tuple(&b, shape, ndim);
    p_tuple(&b, stride, ndim);
    puts_raw(&b, "\x89}tRs.second pickle");
    z_pickle(name, &b);
}
static void hostile_tensors(void)
{
    const int64_t s4[] = { 4 }, s1[] = { 1 }, neg[] = { -1 }, s34[] = { 3, 4 }, far[] = { 4, 2 };
    const int64_t wide[] = { (int64_t)1 << 62, 4 }, zero[] = { 0, 0 };
    const int64_t two[] = { 3, 3 }, wrap[] = { INT64_MAX, INT64_MAX };
    int64_t many[40], steps[40];
    int i;
    for (i = 0; i < 40; ++i) many[i] = steps[i] = 1;
    z_tensor("B5_offset.pth", "0", 1, 12, 9, 1, s4, s1);
    z_tensor("B5_offset_past.pth", "0", 1, 12, INT64_MAX, 1, s4, s1);
    z_tensor("B5_offset_negative.pth", "0", 1, 12, -1, 1, s4, s1);
    z_tensor("B5_stride.pth", "0", 1, 12, 0, 2, s34, far);
    z_tensor("B5_negative.pth", "0", 1, 12, 3, 1, s4, neg);
    z_tensor("B5_dims.pth", "0", 1, 12, 0, 40, many, steps);
    z_tensor("B5_wrap.pth", "0", 1, 12, 0, 2, two, wrap);
    z_tensor("B5_shape_wrap.pth", "0", 1, 12, 0, 2, wide, zero);
    z_tensor("B6_parent.pth", "../../etc/passwd", 16, 12, 0, 1, s4, s1);
    z_tensor("B6_absolute.pth", "/etc/passwd", 11, 12, 0, 1, s4, s1);
    z_tensor("B6_nul.pth", "0\0x", 3, 12, 0, 1, s4, s1);
    z_tensor("B7_more.pth", "0", 1, 13, 0, 1, s4, s1);
    z_tensor("B7_less.pth", "0", 1, 11, 0, 1, s4, s1);
    z_tensor("B7_wrap.pth", "0", 1, ((int64_t)1 << 62) + 12, 0, 1, s4, s1);
    z_tensor("B7_negative.pth", "0", 1, -12, 0, 1, s4, s1);
    z_tensor("B11_after_stop.pth", "0", 1, 12, 0, 1, s4, s1);
}

/* ---- hostile archives ---- */

static void set_size(Zip *z, int i, size_t size) /* in both headers */
{
    set_le(&z->b, z->e[i].dir + 20, size, 4);
    set_le(&z->b, z->e[i].dir + 24, size, 4);
    set_le(&z->b, z->e[i].header + 18, size, 4);
    set_le(&z->b, z->e[i].header + 22, size, 4);
}
static void hostile_sizes(void)
{
    Zip z;
    z_small(&z, 0); /* entry 2 is data/0 */
    set_le(&z.b, z.e[2].header + 8, 8, 2);
    set_le(&z.b, z.e[2].dir + 10, 8, 2);
    save("B8_deflated.pth", &z.b);
    z_small(&z, 0);
    set_le(&z.b, z.e[0].header + 8, 8, 2);
    set_le(&z.b, z.e[0].dir + 10, 8, 2);
    save("B8_deflated_pickle.pth", &z.b);
    z_small(&z, 0);
    z.b.p[z.e[2].header + 30 + 13] = '9';
    save("B9_name.pth", &z.b);
    z_small(&z, 0);
    set_le(&z.b, z.e[2].header + 18, 44, 4);
    save("B9_size.pth", &z.b);
    z_small(&z, 0);
    set_size(&z, 2, 4096);
    save("B9_into_directory.pth", &z.b);
    z_small(&z, 0);
    set_size(&z, 2, 100);
    save("B9_overlap.pth", &z.b);
}
static void hostile_directory(void)
{
    const size_t keep = 22; /* bytes of the end record */
    Zip z;
    z_small(&z, 0);
    memcpy(z.b.p + z.e[3].dir, z.b.p + z.e[2].dir, 46 + strlen(z.e[2].name));
    save("B9_twice.pth", &z.b);
    z_small(&z, 0);
    set_le(&z.b, z.e[2].dir + 8, 1, 2);
    save("B9_encrypted.pth", &z.b);
    z_small(&z, 0);
    set_le(&z.b, z.end + 20, keep, 2);
    put(&z.b, z.b.p + z.end, keep);
    set_le(&z.b, z.b.n - 2, 0, 2);
    save("B9_comment.pth", &z.b);
    z_small(&z, 0);
    set_le(&z.b, z.end + 10, 3, 2);
    set_le(&z.b, z.end + 8, 3, 2);
    save("B9_fewer.pth", &z.b);
    memset(&z, 0, sizeof z);
    z_add(&z, "archive/data.pkl", "}.", 2);
    z_end(&z, 1, 65536);
    save("B9_entries.pth", &z.b);
    z_small(&z, 1);
    set_le(&z.b, z.end - 76 + 40, UINT64_MAX - 10, 8);
    save("B9_wrap64.pth", &z.b);
    z_small(&z, 1);
    set_le(&z.b, z.end - 20 + 8, UINT64_MAX - 10, 8);
    save("B9_locator.pth", &z.b);
    z_small(&z, 0);
    z.b.n -= 1;
    save("B9_truncated.pth", &z.b);
}
static void hostile_archives(void)
{
    Zip z;
    Buf b = { NULL, 0, 0 };
    memset(&z, 0, sizeof z);
    z_add(&z, "archive/data.pkl", "}.", 2);
    z_add(&z, "other/data.pkl", "}.", 2);
    z_end(&z, 0, 2);
    save("B9_two_roots.pth", &z.b);
    memset(&z, 0, sizeof z);
    z_add(&z, "a.npy", "x", 1);
    z_end(&z, 0, 1);
    save("B9_no_pickle.pth", &z.b);
    memset(&z, 0, sizeof z);
    z_add(&z, "archive/data.pkl", "}.", 2);
    z_add(&z, "archive/byteorder", "big", 3);
    z_end(&z, 0, 2);
    save("B9_byteorder.pth", &z.b);
    puts_raw(&b, "sys_info");
    fill(&b, 0, 249);
    puts_raw(&b, "ustar");
    fill(&b, 0, 762);
    save("B10_tar.pth", &b);
    good_legacy("B10_count.pth", 1, 1);
    good_legacy("B10_huge.pth", (int64_t)1 << 61, 1);
    good_legacy("B10_missing.pth", 0, 0);
    put(&b, "\x80\2}.", 4);
    save("B10_plain_pickle.pth", &b);
    puts_raw(&b, "<!DOCTYPE html><html>404</html>");
    save("B10_page.pth", &b);
}
static void hostile_npy(void)
{
    Buf b = { NULL, 0, 0 };
    npy("N_version.npy", 4, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", F32, 2);
    npy("N_object.npy", 1, "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", F32, 2);
    npy("N_big_endian.npy", 1, "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", F32, 2);
    npy("N_struct.npy", 1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }",
        F32, 2);
    npy("N_short.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", F32, 2);
    npy("N_long.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", F32, 2);
    npy("N_wrap.npy", 1,
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", F32, 2);
    npy("N_digits.npy", 1,
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", F32, 2);
    npy("N_negative.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", F32, 2);
    npy("N_number.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2), }", F32, 2);
    npy("N_twice.npy", 1, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}",
        F32, 1);
    npy("N_code.npy", 1, "__import__('os').system('touch paw_executed')", F32, 1);
    put(&b, "\x93NUMPY\2\0", 8);
    put_le(&b, 70000, 4);
    fill(&b, ' ', 70000);
    save("N_header.npy", &b);
}

/* ---- data sets: below FOLDER/sets ---- */

static void folders_of(const char *name) /* makes the folders on the way to name */
{
    char path[1024];
    size_t i = (size_t)snprintf(path, sizeof path, "%s/", folder);
    snprintf(path + i, sizeof path - i, "%s", name);
    for (; path[i]; ++i)
        if (path[i] == '/') {
            path[i] = 0;
            if (make_folder(path) && errno != EEXIST) die(path);
            path[i] = '/';
        }
}
static void put_be32(Buf *b, uint32_t v)
{
    int i;
    for (i = 24; i >= 0; i -= 8) op(b, (int)(v >> i & 255));
}
static void png_chunk(Buf *b, const char *type, const Buf *data)
{
    const size_t from = b->n + 4;
    uint32_t crc = 0xffffffffu;
    size_t i;
    int k;
    put_be32(b, (uint32_t)data->n);
    puts_raw(b, type);
    put(b, data->p, data->n);
    for (i = from; i < b->n; ++i)
        for (crc ^= b->p[i], k = 0; k < 8; ++k) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    put_be32(b, ~crc);
}
/* Value of colour c at x, y: waves whose length and direction tell the class. */
static int shade(int class_, int seed, int x, int y, int c)
{
    const int t = (x * (2 + class_) + y * (7 - class_) + seed * 13 + c * 29) % 128;
    return 2 * (t < 64 ? t : 127 - t) + c * 40 * (class_ % 2);
}
static void png(const char *name, int w, int h, int class_, int seed) /* not compressed */
{
    Buf b = { NULL, 0, 0 }, d = { NULL, 0, 0 };
    uint32_t low = 1, high = 0;
    const size_t row = 1 + 3 * (size_t)w;
    int x, y, c;
    put(&b, "\x89PNG\r\n\x1a\n", 8);
    put_be32(&d, (uint32_t)w);
    put_be32(&d, (uint32_t)h);
    put(&d, "\x08\x02\0\0\0", 5);
    png_chunk(&b, "IHDR", &d);
    d.n = 0;
    put(&d, "\x78\x01", 2);
    for (y = 0; y < h; ++y) { /* a stored block a row */
        const size_t from = d.n + 5;
        op(&d, y == h - 1);
        put_le(&d, row, 2);
        put_le(&d, ~(uint64_t)row, 2);
        op(&d, 0);
        for (x = 0; x < w; ++x)
            for (c = 0; c < 3; ++c) op(&d, shade(class_, seed, x, y, c));
        for (x = 0; x < (int)row; ++x) {
            low = (low + d.p[from + (size_t)x]) % 65521;
            high = (high + low) % 65521;
        }
    }
    put_be32(&d, high << 16 | low);
    png_chunk(&b, "IDAT", &d);
    d.n = 0;
    png_chunk(&b, "IEND", &d);
    drop(&d);
    folders_of(name);
    save(name, &b);
}
static void coco_points(Buf *b, int person, int shift) /* every fourth shows no wrist */
{
    static const int at[17][2] = { { 30, 20 }, { 28, 16 }, { 32, 16 }, { 0, 0 }, { 0, 0 }, { 0, 0 },
        { 0, 0 }, { 0, 0 }, { 0, 0 }, { 0, 0 }, { 85, 40 }, { 0, 0 }, { 0, 0 }, { 0, 0 }, { 0, 0 },
        { 55, 125 }, { 0, 0 } };
    char text[64];
    int i;
    for (i = 0; i < 17; ++i) {
        const int v = i == 10 && person % 4 == 3 ? 0 : at[i][0] ? 2 : 0;
        snprintf(text, sizeof text, "%s%d, %d, %d", i ? ", " : "",
                 v ? at[i][0] + shift + person : 0, v ? at[i][1] - person : 0, v);
        puts_raw(b, text);
    }
}
/* Two persons an image; the last image of the list is not written. */
static void coco(const char *split, int images, int first)
{
    Buf b = { NULL, 0, 0 }, o = { NULL, 0, 0 };
    char name[128], text[512];
    int i, k;
    puts_raw(&b, "{\"info\": {\"year\": 2017}, \"images\": [");
    for (i = 0; i < images; ++i) {
        const int id = first + 7 * ((i * 5) % images); /* not in order */
        snprintf(text, sizeof text, "%s{\"file_name\": \"%012d.png\", \"height\": 150, "
                 "\"width\": 200, \"id\": %d}", i ? ", " : "", id, id);
        puts_raw(&b, text);
        snprintf(name, sizeof name, "sets/coco/%s/%012d.png", split, id);
        if (i < images - 1) png(name, 200, 150, i % 3, id);
    }
    puts_raw(&b, "], \"annotations\": [");
    put(&o, b.p, b.n);
    for (k = 0; k < 2 * images; ++k) {
        const int id = 1000 + 37 * k, image = first + 7 * (k % images);
        snprintf(text, sizeof text, "%s{\"segmentation\": [[1.5, 2.25, 3, 4e0]], \"iscrowd\": 0, "
                 "\"keypoints\": [", k ? ", " : "");
        puts_raw(&b, text);
        coco_points(&b, k, k < images ? 0 : k % 2 ? 20 : 60);
        snprintf(text, sizeof text, "], \"image_id\": %d, \"category_id\": 1, \"id\": %d}", image,
                 id);
        puts_raw(&b, text);
        snprintf(text, sizeof text, "%s{\"image_id\": %d, \"category_id\": %d, \"id\": %d, "
                 "\"iscrowd\": %d, \"bbox\": [%d.25, 20.5, %d, 48]}", k ? ", " : "", image,
                 k % 2 ? 18 : 3, id, k % 5 == 4, 10 + 5 * k, 40 + 4 * k);
        puts_raw(&o, text);
    }
    puts_raw(&b, "], \"categories\": [{\"id\": 1, \"name\": \"person\"}]}\n");
    puts_raw(&o, "], \"categories\": [{\"id\": 3, \"name\": \"car\"}, "
                 "{\"id\": 18, \"name\": \"dog\"}]}\n");
    snprintf(name, sizeof name, "sets/coco/annotations/person_keypoints_%s.json", split);
    folders_of(name);
    save(name, &b);
    snprintf(name, sizeof name, "sets/coco/annotations/instances_%s.json", split);
    save(name, &o);
}
static void cifar(const char *name, int records, int seed)
{
    Buf b = { NULL, 0, 0 };
    int i, k;
    for (i = 0; i < records; ++i) {
        op(&b, i % 10);
        for (k = 0; k < 3072; ++k)
            op(&b, shade(i % 10, seed + i, k % 32, k / 32 % 32, k / 1024));
    }
    folders_of(name);
    save(name, &b);
}
static void labelled_folders(void)
{
    static const char *const classes[] = { "ant", "bee", "cat" };
    Buf b = { NULL, 0, 0 };
    char name[128], text[256];
    int i;
    puts_raw(&b, "path,x,y,side,label\r\n");
    for (i = 0; i < 15; ++i) {
        snprintf(name, sizeof name, "sets/folders/%s/%s/%02d.png", i < 9 ? "train" : "val",
                 classes[i % 3], i);
        png(name, 64 + 4 * i, 96 - 2 * i, i % 3, i);
        if (i % 2) snprintf(text, sizeof text, "%s,%d,24,%d,%s\r\n", name + 5, 20 + i, 20 + i,
                            classes[i % 3]);
        else snprintf(text, sizeof text, "\"%s\",,,,%s\r\n", name + 5, classes[i % 3]);
        puts_raw(&b, text);
    }
    save("sets/list.csv", &b);
    puts_raw(&b, "not an image\n");
    save("sets/folders/val/bee/notes.txt", &b);
}

int main(int argc, char **argv)
{
    if (argc != 2 || !strcmp(argv[1], "--help")) {
        fprintf(argc == 2 ? stdout : stderr, "usage: make_fixtures FOLDER\n");
        return argc == 2 ? 0 : 2;
    }
    folder = argv[1];
    if (make_folder(folder) && errno != EEXIST) die(folder);
    good();
    hostile_header();
    hostile_entries();
    hostile_code();
    hostile_stack();
    hostile_tensors();
    hostile_sizes();
    hostile_directory();
    hostile_archives();
    hostile_npy();
    coco("train2017", 6, 100);
    coco("val2017", 4, 200);
    cifar("sets/cifar/data_batch_1.bin", 20, 0);
    cifar("sets/cifar/test_batch.bin", 20, 50);
    labelled_folders();
    printf("make_fixtures: %d files in %s\n", files, folder);
    return 0;
}
