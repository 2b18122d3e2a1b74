/* load.c - every container of tensors: values, refusals, damage, faults, round trips.
   argv[1]: the folder that tools/make_fixtures.c wrote (default build/fixtures). */
#define _XOPEN_SOURCE 700
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "streams.h"
#include "t.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *dir = "build/fixtures";
static char scratch[512]; /* folder for what is written here */

static const char *in_dir(const char *name)
{
    static char path[2][700];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}
static const char *in_scratch(const char *name)
{
    static char path[2][700];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", scratch, name);
    return path[turn];
}

/* ---- values: as tools/make_fixtures.c defines them ---- */

static double fixture(int dtype, int storage, size_t k) /* element k of a storage */
{
    const int q = (int)((7 * k + 3 * (size_t)storage) % 23) - 11;
    if (dtype == PAW_BOOL) return q > 0;
    if (dtype == PAW_U8 || (dtype >= PAW_U16 && dtype <= PAW_U64)) return q + 11;
    return dtype <= PAW_BF16 ? q / 4.0 : q;
}
typedef struct {
    const char *name;
    int dtype, storage, ndim;
    size_t shape[3], stride[3], offset;
} row;
static const row rows[] = {
    { "model.weight", PAW_F32, 0, 2, { 3, 4, 1 }, { 4, 1, 0 }, 0 },
    { "model.transposed", PAW_F32, 0, 2, { 4, 3, 1 }, { 1, 4, 0 }, 0 },
    { "model.column", PAW_F32, 0, 1, { 3, 1, 1 }, { 4, 0, 0 }, 2 },
    { "model.tail", PAW_F32, 1, 1, { 5, 1, 1 }, { 1, 0, 0 }, 3 },
    { "model.expanded", PAW_F32, 1, 2, { 3, 2, 1 }, { 0, 1, 0 }, 6 },
    { "model.permuted", PAW_F32, 2, 3, { 4, 2, 3 }, { 1, 12, 4 }, 0 },
    { "model.half", PAW_F16, 3, 2, { 2, 3, 1 }, { 3, 1, 0 }, 0 },
    { "model.bfloat", PAW_BF16, 4, 2, { 2, 3, 1 }, { 3, 1, 0 }, 0 },
    { "model.double", PAW_F64, 5, 2, { 2, 2, 1 }, { 1, 2, 0 }, 0 },
    { "model.scalar", PAW_I64, 6, 0, { 1, 1, 1 }, { 0, 0, 0 }, 0 },
    { "model.int32", PAW_I32, 7, 1, { 3, 1, 1 }, { 1, 0, 0 }, 0 },
    { "model.int16", PAW_I16, 8, 1, { 3, 1, 1 }, { 1, 0, 0 }, 0 },
    { "model.int8", PAW_I8, 9, 1, { 3, 1, 1 }, { 1, 0, 0 }, 0 },
    { "model.uint8", PAW_U8, 10, 1, { 3, 1, 1 }, { 1, 0, 0 }, 0 },
    { "model.bool", PAW_BOOL, 11, 1, { 5, 1, 1 }, { 1, 0, 0 }, 0 },
    { "model.empty", PAW_F32, 1, 2, { 0, 4, 1 }, { 4, 1, 0 }, 0 },
    { "optimizer.state.0.exp_avg", PAW_F32, 0, 2, { 3, 4, 1 }, { 4, 1, 0 }, 0 },
    { "list.0", PAW_F32, 1, 1, { 5, 1, 1 }, { 1, 0, 0 }, 3 },
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

/* Reads tensor i in every type; at(k) is the value wanted of element k in C order. */
static void check_values(paw_ctx *c, const paw_tensors *t, size_t i, const double *want, size_t n)
{
    float f[64];
    double d[64];
    int64_t l[64];
    uint8_t b[64];
    paw_tensor_info info;
    size_t k, bad = 0;
    int whole = 1, small = 1;
    paw_err e;
    paw_tensors_info(t, i, &info);
    for (k = 0; k < n; ++k) {
        whole &= want[k] == (double)(int)want[k];
        small &= want[k] >= 0;
    }
    T(paw_tensors_read(c, t, i, PAW_F32, f, n) == PAW_OK, "%s: %s", info.name, paw_message(c));
    T(paw_tensors_read(c, t, i, PAW_F64, d, n) == PAW_OK, "%s: %s", info.name, paw_message(c));
    for (k = 0; k < n; ++k) bad += d[k] != want[k] || (double)f[k] != want[k];
    T(!bad, "%s: %zu of %zu values as float differ", info.name, bad, n);
    e = paw_tensors_read(c, t, i, PAW_I64, l, n);
    T(e == (whole ? PAW_OK : PAW_E_NUM), "%s as i64: %d", info.name, e);
    for (k = 0; !e && k < n; ++k) bad += (double)l[k] != want[k];
    e = paw_tensors_read(c, t, i, PAW_U8, b, n);
    T(e == (whole && small ? PAW_OK : PAW_E_NUM), "%s as u8: %d", info.name, e);
    for (k = 0; !e && k < n; ++k) bad += (double)b[k] != want[k];
    T(!bad, "%s: %zu of %zu values as integer differ", info.name, bad, n);
}
static void check_rows(paw_ctx *c, const char *file)
{
    paw_tensors *t = NULL;
    double want[64];
    size_t i, k, at, n;
    paw_tensor_info info;
    int r;
    if (!T(paw_tensors_open(c, in_dir(file), &t) == PAW_OK, "%s: %s", file, paw_message(c))) return;
    T(paw_tensors_count(t) == N_ROWS, "%s: %zu tensors", file, paw_tensors_count(t));
    for (r = 0; r < N_ROWS; ++r) {
        const row *x = &rows[r];
        if (!T(paw_tensors_find(t, x->name, &i) == PAW_OK, "%s: no %s", file, x->name)) continue;
        paw_tensors_info(t, i, &info);
        n = x->shape[0] * x->shape[1] * x->shape[2];
        T(info.dtype == x->dtype && info.ndim == x->ndim && info.count == n &&
              !memcmp(info.shape, x->shape, sizeof *x->shape * (size_t)x->ndim),
          "%s: %s: type or shape", file, x->name);
        for (k = 0; k < n; ++k) {
            at = x->offset + k % x->shape[2] * x->stride[2] +
                 k / x->shape[2] % x->shape[1] * x->stride[1] +
                 k / x->shape[2] / x->shape[1] * x->stride[0];
            want[k] = fixture(x->dtype, x->storage, at);
        }
        check_values(c, t, i, want, n);
    }
    T(paw_tensors_find(t, "args", &i) == PAW_E_KEY, "%s: args is no tensor", file);
    paw_tensors_close(t);
}
static void check_safetensors(paw_ctx *c)
{
    paw_tensors *t = NULL;
    paw_tensor_info info;
    double want[6];
    size_t i, k;
    if (!T(paw_tensors_open(c, in_dir("good.safetensors"), &t) == PAW_OK, "%s", paw_message(c)))
        return;
    T(paw_tensors_count(t) == 13, "13 types");
    for (i = 0; i < paw_tensors_count(t); ++i) {
        paw_tensors_info(t, i, &info);
        T(info.dtype == (int)i && info.ndim == 2 && info.shape[0] == 2 && info.shape[1] == 3,
          "%s: type or shape", info.name);
        for (k = 0; k < 6; ++k) want[k] = fixture(info.dtype, info.dtype, k);
        check_values(c, t, i, want, 6);
    }
    T(paw_tensors_meta(t, "format") && !strcmp(paw_tensors_meta(t, "format"), "pt"), "metadata");
    T(paw_tensors_meta(t, "note") && !strcmp(paw_tensors_meta(t, "note"), "a \"b\" \xc3\xa9\n"),
      "escapes in metadata");
    T(!paw_tensors_meta(t, "none"), "metadata that is not there");
    paw_tensors_close(t);
}
static void check_npy(paw_ctx *c)
{
    static const struct {
        const char *file;
        int dtype, ndim;
        size_t shape[3];
        int fortran;
    } f[] = {
        { "good_f4.npy", PAW_F32, 2, { 2, 3, 1 }, 0 },
        { "good_f8.npy", PAW_F64, 2, { 2, 3, 1 }, 0 },
        { "good_f2.npy", PAW_F16, 2, { 2, 3, 1 }, 0 },
        { "good_i8.npy", PAW_I64, 2, { 2, 3, 1 }, 0 },
        { "good_i4.npy", PAW_I32, 2, { 2, 3, 1 }, 0 },
        { "good_i2.npy", PAW_I16, 2, { 2, 3, 1 }, 0 },
        { "good_i1.npy", PAW_I8, 2, { 2, 3, 1 }, 0 },
        { "good_u1.npy", PAW_U8, 2, { 2, 3, 1 }, 0 },
        { "good_b1.npy", PAW_BOOL, 2, { 2, 3, 1 }, 0 },
        { "good_u2.npy", PAW_U16, 2, { 2, 3, 1 }, 0 },
        { "good_u4.npy", PAW_U32, 2, { 2, 3, 1 }, 0 },
        { "good_u8.npy", PAW_U64, 2, { 2, 3, 1 }, 0 },
        { "good_fortran.npy", PAW_F32, 3, { 2, 3, 2 }, 1 },
        { "good_order.npy", PAW_F32, 1, { 5, 1, 1 }, 0 },
        { "good_scalar.npy", PAW_F64, 0, { 1, 1, 1 }, 0 },
        { "good_none.npy", PAW_F32, 2, { 3, 0, 1 }, 0 },
    };
    size_t i, k, n, at;
    for (i = 0; i < sizeof f / sizeof f[0]; ++i) {
        const size_t *s = f[i].shape;
        paw_tensors *t = NULL;
        paw_tensor_info info;
        double want[64];
        if (!T(paw_tensors_open(c, in_dir(f[i].file), &t) == PAW_OK, "%s", paw_message(c)))
            continue;
        n = s[0] * s[1] * s[2];
        paw_tensors_info(t, 0, &info);
        T(paw_tensors_count(t) == 1 && !*info.name && info.dtype == f[i].dtype &&
              info.ndim == f[i].ndim && info.count == n &&
              !memcmp(info.shape, s, sizeof *s * (size_t)info.ndim), "%s: header", f[i].file);
        for (k = 0; k < n; ++k) {
            at = f[i].fortran ? k / s[2] / s[1] + s[0] * (k / s[2] % s[1] + s[1] * (k % s[2])) : k;
            want[k] = fixture(f[i].dtype, f[i].dtype, at);
        }
        check_values(c, t, 0, want, n);
        paw_tensors_close(t);
    }
}

/* ---- hostile arrays: code, words, *out untouched; the other containers are in hostile.c ---- */

static const struct {
    const char *file;
    paw_err code;
    const char *words;
} hostile[] = {
    { "N_version.npy", PAW_E_UNSUP, "version 4.0" },
    { "N_object.npy", PAW_E_UNSUP, "'|O'" },
    { "N_big_endian.npy", PAW_E_UNSUP, "'>f4'" },
    { "N_struct.npy", PAW_E_UNSUP, "'[...]'" },
    { "N_short.npy", PAW_E_FORMAT, "shape [3] of F32 needs 12 bytes, 8 follow byte 128" },
    { "N_long.npy", PAW_E_FORMAT, "shape [1] of F32 needs 4 bytes, 8 follow" },
    { "N_wrap.npy", PAW_E_FORMAT, "overflow" },
    { "N_digits.npy", PAW_E_FORMAT, "malformed .npy header" },
    { "N_negative.npy", PAW_E_FORMAT, "malformed .npy header" },
    { "N_number.npy", PAW_E_FORMAT, "malformed .npy header" },
    { "N_twice.npy", PAW_E_FORMAT, "malformed .npy header" },
    { "N_code.npy", PAW_E_FORMAT, "malformed .npy header" },
    { "N_header.npy", PAW_E_LIMIT, ".npy header of 70000 bytes" },
};
static void check_hostile(paw_ctx *c)
{
    paw_tensors *const untouched = (paw_tensors *)(void *)&scratch;
    size_t i;
    for (i = 0; i < sizeof hostile / sizeof hostile[0]; ++i) {
        paw_tensors *t = untouched;
        paw_err e = paw_tensors_open(c, in_dir(hostile[i].file), &t);
        const char *m = paw_message(c);
        if (!T(e == hostile[i].code, "%s: code %d (%s)", hostile[i].file, e, m)) {
            if (!e) paw_tensors_close(t);
            continue;
        }
        T(t == untouched, "%s: out was touched", hostile[i].file);
        T(strstr(m, hostile[i].words) && strstr(m, hostile[i].file) && !strchr(m, '\n'),
          "%s: message '%s' lacks '%s'", hostile[i].file, m, hostile[i].words);
    }
    T(access("paw_executed", F_OK) != 0, "a header ran a command");
}

/* ---- damage: truncation at every byte, every bit flipped ---- */

/* Opens and reads all; small counts only, since a flipped shape may be any size. */
static paw_err open_and_read(paw_ctx *c, memory *m)
{
    paw_tensors *t = NULL;
    paw_tensor_info info;
    double d[256];
    size_t i;
    paw_err e = open_memory(c, m, &t), one;
    if (e) return e;
    for (i = 0; i < paw_tensors_count(t); ++i) {
        paw_tensors_info(t, i, &info);
        if (info.count > 256) continue;
        one = paw_tensors_read(c, t, i, (int)(i % 2), d, info.count);
        if (one) e = one;
    }
    paw_tensors_close(t);
    return e;
}
static memory load_memory_at(const char *path)
{
    memory m;
    FILE *f = fopen(path, "rb");
    long n;
    memset(&m, 0, sizeof m);
    m.reads_left = -1;
    if (!f) return m;
    fseek(f, 0, SEEK_END);
    n = ftell(f);
    rewind(f);
    m.p = (uint8_t *)malloc((size_t)n + 1);
    m.n = m.p ? fread(m.p, 1, (size_t)n, f) : 0;
    fclose(f);
    return m;
}
static memory load_memory(const char *file) { return load_memory_at(in_dir(file)); }
static const char *const good_files[] = { "good.pth", "good_zip64.pth", "good_legacy.pth",
    "good.safetensors", "good_f4.npy", "good_fortran.npy", "good_order.npy" };
enum { N_GOOD = sizeof good_files / sizeof good_files[0] };

static void check_damage(paw_ctx *c)
{
    size_t i, k, whole, opened, flips, wrong;
    int bit;
    for (i = 0; i < N_GOOD; ++i) {
        memory m = load_memory(good_files[i]);
        paw_err e;
        if (!T(m.n && open_and_read(c, &m) == PAW_OK, "%s: %s", good_files[i], paw_message(c))) {
            free(m.p);
            continue;
        }
        whole = m.n;
        for (m.n = opened = wrong = 0; m.n < whole; ++m.n) {
            uint8_t *cut = (uint8_t *)malloc(m.n ? m.n : 1), *keep = m.p; /* for the sanitizer */
            memcpy(cut, keep, m.n);
            m.p = cut;
            e = open_and_read(c, &m);
            m.p = keep;
            free(cut);
            opened += e == PAW_OK;
            wrong += e != PAW_E_FORMAT && e != PAW_E_LIMIT;
        }
        T(!opened, "%s: %zu truncated copies were accepted", good_files[i], opened);
        T(!wrong, "%s: %zu truncated copies failed with another code", good_files[i], wrong);
        for (k = opened = flips = wrong = 0; k < whole; ++k)
            for (bit = 0; bit < 8; ++bit, ++flips) {
                m.p[k] = (uint8_t)(m.p[k] ^ 1u << bit);
                e = open_and_read(c, &m);
                opened += e == PAW_OK;
                wrong += e == PAW_E_ARG || e == PAW_E_OOM || e == PAW_E_IO;
                m.p[k] = (uint8_t)(m.p[k] ^ 1u << bit);
            }
        T(opened < flips && !wrong, "%s: %zu of %zu flips with a code of another kind",
          good_files[i], wrong, flips);
        T(open_and_read(c, &m) == PAW_OK, "%s: whole again", good_files[i]);
        free(m.p);
    }
}

/* ---- pickles that the fixtures lack, in streams of the old form ---- */

static void check_pickles(paw_ctx *c)
{
    static const struct {
        const char *what, *object;
        size_t bytes;
        uint8_t count;
        const char *name; /* of a tensor that begins with first; NULL: refused with words */
        double first;
        const char *words;
    } cases[] = {
        { "a view", PICKLE("}U\1w" TENSOR_OF(STORAGE("torch\nFloatStorage", "\6", "(U\1vK\2K\3t"))
          "s"), 6, "w", 2, NULL },
        { "bytes as int16", PICKLE("}U\1w" TENSOR3("torch.storage\nUntypedStorage", "\x18") "s"),
          24, "w", 0x3f80, NULL },
        { "pairs", PICKLE("ccollections\nOrderedDict\n((l(U\1w" TENSOR "latR"), 6, "w", 0, NULL },
        { "NEWOBJ_EX", PICKLE("}U\1ocargparse\nNamespace\n)}\x92sU\1w" TENSOR "s"), 6, "w", 0,
          NULL },
        { "MEMOIZE", PICKLE("}U\1w" TENSOR "\x94sU\1vh\0s"), 6, "v", 0, NULL },
        { "quotes", PICKLE("}S'w'\n" TENSOR "s"), 6, "w", 0, NULL },
        { "a view beyond", PICKLE(STORAGE("torch\nFloatStorage", "\6", "(U\1vK\5K\2t")), 6, NULL, 0,
          "bad storage view" },
        { "floats as int16", PICKLE(TENSOR3("torch\nFloatStorage", "\6")), 6, NULL, 0,
          "bad arguments of a tensor" },
        { "a stride less", PICKLE("ctorch._utils\n_rebuild_tensor_v2\n("
          STORAGE("torch\nFloatStorage", "\6", "N") "K\0(K\3t)tR"), 6, NULL, 0,
          "size and stride differ" },
        { "no pairs", PICKLE("ccollections\nOrderedDict\n((lK\1atR"), 6, NULL, 0, "not pairs" },
        { "an empty call", PICKLE("ctorch\nSize\n)R"), 6, NULL, 0, "a call without arguments" },
        { "a called type", PICKLE("ctorch\nFloatStorage\n)R"), 6, NULL, 0, "a call of a storage" },
        { "a new tensor", PICKLE("ctorch._utils\n_rebuild_tensor_v2\n)\x81"), 6, NULL, 0,
          "a call of a storage" },
        { "a numbered global", PICKLE("K\1K\2\x93"), 6, NULL, 0, "whose name is no text" },
        { "a NUL", PICKLE("}U\2\0w" TENSOR "s"), 6, NULL, 0, "holds a NUL" },
        { "a NUL in a line", PICKLE("S'\0'\n"), 6, NULL, 0, "NUL in a line" },
        { "half a quote", PICKLE("S'w\n"), 6, NULL, 0, "bad quotes" },
        { "a number", PICKLE("K\1"), 6, NULL, 0, "belongs to no tensor" },
    };
    size_t i, at = 0;
    for (i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        memory m = legacy_stream(cases[i].object, cases[i].bytes, cases[i].count);
        paw_tensors *t = NULL;
        paw_tensor_info info;
        double v[3] = { -1, -1, -1 };
        const paw_err e = open_memory(c, &m, &t);
        if (!cases[i].name) {
            T(e && strstr(paw_message(c), cases[i].words), "%s: '%s'", cases[i].what,
              paw_message(c));
        } else if (T(!e && !paw_tensors_find(t, cases[i].name, &at), "%s: %s", cases[i].what,
                     paw_message(c))) {
            paw_tensors_info(t, at, &info);
            T(!paw_tensors_read(c, t, at, PAW_F64, v, info.count) && v[0] == cases[i].first,
              "%s: %g", cases[i].what, v[0]);
        }
        if (!e) paw_tensors_close(t);
        free(m.p);
    }
}

/* ---- faults: the n-th allocation, the n-th read ---- */

typedef struct {
    long left; /* allocations before one fails; negative: none does */
    size_t live;
} meter;
static void *meter_alloc(void *user, size_t bytes)
{
    meter *m = (meter *)user;
    if (m->left == 0) return NULL;
    if (m->left > 0) --m->left;
    m->live += bytes;
    return malloc(bytes);
}
static void meter_free(void *user, void *p, size_t bytes)
{
    ((meter *)user)->live -= bytes;
    free(p);
}
static void check_faults(void)
{
    paw_config config;
    meter meter_;
    paw_ctx *c = NULL;
    size_t i, base;
    long n;
    paw_err e;
    memset(&config, 0, sizeof config);
    config.threads = 1;
    config.mem.alloc = meter_alloc;
    config.mem.free = meter_free;
    config.mem.user = &meter_;
    meter_.left = -1;
    meter_.live = 0;
    if (!T(paw_create(&config, &c) == PAW_OK, "context")) return;
    base = meter_.live;
    for (i = 0; i < N_GOOD; ++i) {
        memory m = load_memory(good_files[i]);
        for (n = 0;; ++n) {
            meter_.left = n;
            e = open_and_read(c, &m);
            if (!T((e == PAW_E_OOM || !e) && meter_.live == base,
                   "%s: allocation %ld: code %d, %zu bytes leaked", good_files[i], n, e,
                   meter_.live - base) || !e)
                break;
        }
        T(n > 2, "%s: only %ld allocations", good_files[i], n);
        meter_.left = -1;
        for (n = 0;; ++n) {
            m.reads_left = n;
            e = open_and_read(c, &m);
            if (!T((e == PAW_E_IO || !e) && meter_.live == base,
                   "%s: read %ld: code %d, %zu bytes leaked", good_files[i], n, e,
                   meter_.live - base) || !e)
                break;
        }
        T(n > 1, "%s: only %ld reads", good_files[i], n);
        free(m.p);
    }
    paw_destroy(c);
    T(meter_.live == 0, "%zu bytes live after the context", meter_.live);
}

/* ---- weights are read in pieces: faults between them, values at their edges, other types ---- */

static paw_err model_cls(paw_ctx *c, const paw_tensors *t, float cls[72])
{
    static float chw[3 * 32 * 32];
    paw_outputs out;
    paw_model *m = NULL;
    size_t i;
    paw_err e = paw_model_from_tensors(c, t, NULL, &m);
    if (e) return e;
    for (i = 0; i < sizeof chw / sizeof *chw; ++i) chw[i] = (float)(i % 17) / 8 - 1;
    memset(&out, 0, sizeof out);
    out.cls = cls;
    e = paw_encode(m, c, chw, 1, 32, 32, &out);
    paw_model_free(m);
    return e;
}
static void put_float(memory *m, uint64_t offset, float v) { memcpy(m->p + offset, &v, sizeof v); }
/* NaN at the first, the last and some other values of every tensor is named by its index. */
static void check_not_finite(paw_ctx *c, memory *m, paw_tensors *t)
{
    size_t i, k, wrong = 0;
    for (i = 0; i < t->count; ++i) {
        const paw__tensor *x = (const paw__tensor *)t->items[i];
        for (k = 0; k < 12; ++k) {
            const size_t at = k == 0 ? 0 : k == 1 ? x->count - 1 : k * 2654435761u % x->count;
            char word[64];
            float keep, cls[72];
            memcpy(&keep, m->p + x->offset + 4 * at, sizeof keep);
            put_float(m, x->offset + 4 * at, k % 2 ? INFINITY : NAN);
            snprintf(word, sizeof word, "at index %zu", at);
            wrong += model_cls(c, t, cls) != PAW_E_NUM || !strstr(paw_message(c), x->name) ||
                     strcmp(strstr(paw_message(c), "at index"), word) != 0;
            put_float(m, x->offset + 4 * at, keep);
        }
    }
    T(t->count > 20 && !wrong, "%zu values that are not finite were not named; last '%s'", wrong,
      paw_message(c));
}
/* The file ends earlier than when it was opened, or a read fails: E_IO. */
static void check_shrunk(paw_ctx *c, memory *m, paw_tensors *t)
{
    const size_t whole = m->n;
    float cls[72];
    size_t wrong = 0;
    long n;
    paw_err e = PAW_OK;
    for (m->n = whole - 1; m->n > whole / 64; m->n -= whole / 64)
        wrong += model_cls(c, t, cls) != PAW_E_IO;
    m->n = whole;
    T(!wrong, "%zu shrunk files were loaded, or failed with another code", wrong);
    for (n = 0; n == 0 || e; ++n) {
        m->reads_left = n;
        e = model_cls(c, t, cls);
        if (!T(e == PAW_E_IO || !e, "read %ld: %s", n, paw_message(c))) break;
    }
    m->reads_left = -1;
    T(n > (long)t->count + 5, "only %ld reads of %zu tensors: none in pieces", n, t->count);
}
static void check_pieces(paw_ctx *c)
{
    const char *path = in_scratch("pieces.safetensors");
    paw_random_spec spec;
    paw_tensors *random = NULL, *t = NULL;
    float want[72], got[72];
    memory m, half;
    size_t i, k;
    paw_err e;
    memset(&spec, 0, sizeof spec);
    spec.recipe = PAW_DEIT;
    spec.image_px = 32;
    spec.patch_px = 16;
    spec.dim = 72; /* three heads of 24: padded to 32 */
    spec.depth = 2;
    spec.heads = 3;
    spec.seed = 9;
    e = paw_tensors_random(c, &spec, &random);
    if (!e) e = paw_model_convert(c, random, NULL, path);
    paw_tensors_close(random);
    if (!T(!e, "%s: %s", path, paw_message(c))) return;
    m = load_memory_at(path);
    if (T(open_memory(c, &m, &t) == PAW_OK, "%s", paw_message(c))) {
        check_not_finite(c, &m, t);
        check_shrunk(c, &m, t);
        half = m; /* the upper halves of the values: the same numbers as BF16 */
        half.p = (uint8_t *)malloc(m.n);
        for (i = 0; i < t->count; ++i) {
            paw__tensor *x = (paw__tensor *)t->items[i];
            for (k = 0; k < x->count; ++k) {
                memset(m.p + x->offset + 4 * k, 0, 2);
                memcpy(half.p + x->offset + 2 * k, m.p + x->offset + 4 * k + 2, 2);
            }
        }
        T(!model_cls(c, t, want), "rounded: %s", paw_message(c));
        for (i = 0; i < t->count; ++i) { /* strides that say what is so anyway */
            paw__tensor *x = (paw__tensor *)t->items[i];
            size_t step = 1;
            int d;
            x->strided = 1;
            for (d = x->ndim; d-- > 0; step *= x->shape[d]) x->stride[d] = step;
        }
        T(!model_cls(c, t, got) && !memcmp(want, got, sizeof want), "strided: other features");
        for (i = 0; i < t->count; ++i) {
            paw__tensor *x = (paw__tensor *)t->items[i];
            x->strided = 0;
            x->dtype = PAW_BF16;
            x->end = x->offset + 2 * x->count;
        }
        t->io.user = &half;
        T(!model_cls(c, t, got) && !memcmp(want, got, sizeof want), "BF16: other features");
        free(half.p);
        paw_tensors_close(t);
    }
    free(m.p);
    remove(path);
}

/* ---- writing ---- */

static void check_round_trip(paw_ctx *c)
{
    static const size_t s0[] = { 2, 3 }, s2[] = { 0, 7 };
    static const float a[6] = { 0.0f, -0.0f, 1e-45f, 3.4e38f, -1.5f, 2.0f }, b[1] = { 7.0f };
    static const char *const meta[] = { "recipe", "deit", "q\"\\\n\x01", "\xc3\xa9 \"x\"", NULL };
    paw_tensor_view v[3] = { { "x.a", 2, s0, a }, { "x \"b\"\t", 0, NULL, b },
                             { "\xe2\x82\xac", 2, s2, NULL } };
    const char *path = in_scratch("round.safetensors");
    paw_tensors *t = NULL;
    float back[6];
    size_t i;
    uint8_t head[8];
    FILE *f;
    if (!T(paw_safetensors_save(c, path, v, 3, meta) == PAW_OK, "%s", paw_message(c))) return;
    f = fopen(path, "rb");
    T(f && fread(head, 1, 8, f) == 8 && head[0] % 8 == 0, "the data is aligned to 8 bytes");
    if (f) fclose(f);
    if (!T(paw_tensors_open(c, path, &t) == PAW_OK, "%s", paw_message(c))) return;
    T(paw_tensors_count(t) == 3, "three tensors");
    T(paw_tensors_find(t, "x.a", &i) == PAW_OK && i == 0 &&
          paw_tensors_read(c, t, i, PAW_F32, back, 6) == PAW_OK && !memcmp(a, back, sizeof a),
      "the same bits");
    T(paw_tensors_find(t, "x \"b\"\t", &i) == PAW_OK && i == 1 &&
          paw_tensors_read(c, t, i, PAW_F32, back, 1) == PAW_OK && back[0] == 7.0f, "a scalar");
    T(paw_tensors_find(t, "\xe2\x82\xac", &i) == PAW_OK && i == 2, "a name in UTF-8");
    T(paw_tensors_meta(t, "recipe") && !strcmp(paw_tensors_meta(t, "recipe"), "deit"), "metadata");
    T(paw_tensors_meta(t, meta[2]) && !strcmp(paw_tensors_meta(t, meta[2]), meta[3]),
      "its escapes");
    T(paw_tensors_read(c, t, 0, PAW_F32, back, 5) == PAW_E_SHAPE &&
          strstr(paw_message(c), "'x.a' [2, 3] has 6 elements, not 5"), "%s", paw_message(c));
    T(paw_tensors_read(c, t, 0, PAW_F16, back, 6) == PAW_E_ARG &&
      strstr(paw_message(c), "type 2"), "no such target: %s", paw_message(c));
    T(paw_tensors_read(c, t, 3, PAW_F32, back, 6) == PAW_E_ARG &&
      strstr(paw_message(c), "tensor 3"), "no such tensor: %s", paw_message(c));
    paw_tensors_close(t);
    v[1].name = "x.a";
    T(paw_safetensors_save(c, path, v, 3, NULL) == PAW_E_ARG, "the same name twice");
    v[1].name = "\xff";
    T(paw_safetensors_save(c, path, v, 3, NULL) == PAW_E_ARG, "a name that is not UTF-8");
    v[1].name = "__metadata__";
    T(paw_safetensors_save(c, path, v, 3, NULL) == PAW_E_ARG, "a reserved name");
    T(paw_tensors_open(c, path, &t) == PAW_OK, "the refused ones left the file alone");
    paw_tensors_close(t);
    T(paw_safetensors_save(c, path, NULL, 0, NULL) == PAW_OK &&
          paw_tensors_open(c, path, &t) == PAW_OK && !paw_tensors_count(t), "no tensors at all");
    paw_tensors_close(t);
    remove(path);
}
static void check_npy_save(paw_ctx *c)
{
    static const size_t s[] = { 2, 1, 3 };
    static const float a[6] = { 1, 2, 3, 4, 5, 6 };
    const size_t big[8] = { 99999, 99999, 1, 1, 1, 1, 1, 1 };
    const char *path = in_scratch("round.npy");
    paw_tensors *t = NULL;
    paw_tensor_info info;
    char head[256];
    float back[6];
    int n;
    for (n = 0; n < 4; ++n) {
        const size_t count = n == 3 ? 6 : n == 2 || n == 1 ? 2 : 1;
        T(paw_npy_save(c, path, a, n, s) == PAW_OK, "%s", paw_message(c));
        if (!T(paw_tensors_open(c, path, &t) == PAW_OK, "%s", paw_message(c))) return;
        paw_tensors_info(t, 0, &info);
        T(info.ndim == n && info.count == count &&
              paw_tensors_read(c, t, 0, PAW_F32, back, count) == PAW_OK &&
              !memcmp(a, back, count * sizeof *a), "npy of rank %d", n);
        paw_tensors_close(t);
    }
    T(paw_npy_header("<f4", 2, s, head) == 128 &&
          !memcmp(head + 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", 59) &&
          head[127] == '\n', "the header as NumPy writes it");
    T(paw_npy_header("<u2", 8, big, head) % 64 == 0, "a multiple of 64");
    T(paw_npy_header("<f4', 'x", 1, s, head) == 0, "no quotes in the type");
    T(paw_npy_header("<f4", 9, big, head) == 0, "no nine dimensions");
    remove(path);
}
static int exists(const char *path) { return access(path, F_OK) == 0; }
static void check_failed_writes(paw_ctx *c)
{
    static float a[65536];
    const size_t s = 65536;
    struct rlimit old, small;
    const char *path = in_scratch("full.npy");
    char temp[700];
    paw_tensors *t = NULL;
    snprintf(temp, sizeof temp, "%s.%ld-0.tmp", path, (long)getpid());
    T(paw_npy_save(c, path, a, 1, &s) == PAW_OK, "%s", paw_message(c));
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 100000;
    setrlimit(RLIMIT_FSIZE, &small);
    T(paw_npy_save(c, path, a, 1, &s) == PAW_E_IO && strstr(paw_message(c), "cannot write"),
      "a full disk: %s", paw_message(c));
    setrlimit(RLIMIT_FSIZE, &old);
    T(!exists(temp), "the temporary file is removed");
    T(paw_tensors_open(c, path, &t) == PAW_OK, "the old file is whole");
    paw_tensors_close(t);
    remove(path);
    T(paw_npy_save(c, in_scratch("none/x.npy"), a, 1, &s) == PAW_E_IO, "no such folder");
    T(paw_npy_save(c, scratch, a, 1, &s) == PAW_E_IO, "a folder in the way");
    snprintf(temp, sizeof temp, "%s.%ld-0.tmp", scratch, (long)getpid());
    T(!exists(temp), "nothing left beside the folder");
}

/* ---- files that are none, arguments that are none ---- */

static void check_arguments(paw_ctx *c)
{
    const char *fifo = in_scratch("fifo");
    paw_tensors *t = NULL;
    paw_io io;
    size_t i;
    memset(&io, 0, sizeof io);
    T(paw_tensors_open(c, scratch, &t) == PAW_E_IO && strstr(paw_message(c), "folder"), "a folder");
    T(paw_tensors_open(c, "/dev/zero", &t) == PAW_E_IO, "a device");
    T(paw_tensors_open(c, in_scratch("none"), &t) == PAW_E_IO &&
          strstr(paw_message(c), "no such file"), "no file");
    if (!mkfifo(fifo, 0600)) {
        T(paw_tensors_open(c, fifo, &t) == PAW_E_IO && strstr(paw_message(c), "not a regular file"),
          "a FIFO must not block");
        remove(fifo);
    }
    T(paw_tensors_open(NULL, "x", &t) == PAW_E_ARG && paw_tensors_open(c, NULL, &t) == PAW_E_ARG &&
          paw_tensors_open(c, "x", NULL) == PAW_E_ARG &&
          paw_tensors_open_io(c, &io, "x", &t) == PAW_E_ARG &&
          paw_tensors_open_io(c, NULL, "x", &t) == PAW_E_ARG, "open: NULL arguments");
    T(!paw_tensors_count(NULL) && paw_tensors_info(NULL, 0, NULL) == PAW_E_ARG &&
          paw_tensors_find(NULL, "a", &i) == PAW_E_ARG && !paw_tensors_meta(NULL, "a"),
      "queries: NULL arguments");
    T(paw_tensors_read(c, NULL, 0, PAW_F32, NULL, 0) == PAW_E_ARG, "read: NULL");
    T(paw_safetensors_save(c, NULL, NULL, 0, NULL) == PAW_E_ARG &&
          paw_npy_save(c, NULL, NULL, 0, NULL) == PAW_E_ARG, "save: NULL");
    paw_tensors_close(NULL);
    T(t == NULL, "out untouched by all of them");
}
static void check_memory_tensors(paw_ctx *c)
{
    const size_t s[] = { 2, 2 };
    paw_tensors *t = NULL;
    float *p = NULL, *q = NULL, back[4];
    size_t i;
    paw_ctx *other = NULL;
    paw_create(NULL, &other);
    if (!T(paw__tensors_memory(other, "random", &t) == PAW_OK, "memory")) return;
    T(paw__tensors_add(other, t, "b", 2, s, &p) == PAW_OK && p && p[0] == 0.0f && p[3] == 0.0f,
      "zeroed");
    T(paw__tensors_add(other, t, "a", 1, s, &q) == PAW_OK, "second");
    T(paw__tensors_add(other, t, "a", 1, s, &q) == PAW_E_ARG, "twice");
    T(paw__tensors_set_meta(other, t, "k", "v") == PAW_OK, "metadata");
    p[3] = 4.0f;
    paw_destroy(other); /* the tensors outlive it */
    T(paw_tensors_find(t, "b", &i) == PAW_OK && i == 0 &&
          paw_tensors_read(c, t, i, PAW_F32, back, 4) == PAW_OK && back[3] == 4.0f, "read back");
    T(paw_tensors_meta(t, "k") && !strcmp(t->source, "random"), "metadata, source");
    paw_tensors_close(t);
}

/* ---- numbers and JSON ---- */

static void check_numbers(void)
{
    static const char *const good[] = { "0", "-0", "1", "0.1", "312.0", "123456789012345678901234",
        "9007199254740993", "1e23", "1.7976931348623157e308", "4.9e-324", "2.4703282292062328e-324",
        "2.4703282292062327e-324", "2.2250738585072011e-308", "8.5e-7", "5e-324", "1E+2", "0e9",
        "0.000000000000000000000000000000000001", "6.02214076e23", "179769313486231580793e289" };
    static const char *const bad[] = { "", "-", "+1", ".5", "01", "e5", "NaN", "x" };
    double v, w;
    size_t i;
    for (i = 0; i < sizeof good / sizeof good[0]; ++i) {
        T(paw__number(good[i], strlen(good[i]), &v) == strlen(good[i]), "%s: whole", good[i]);
        w = strtod(good[i], NULL);
        T(!memcmp(&v, &w, sizeof v), "%s: %.17g", good[i], v);
    }
    for (i = 0; i < sizeof bad / sizeof bad[0]; ++i)
        T(!paw__number(bad[i], strlen(bad[i]), &v), "'%s' is no number", bad[i]);
    for (i = 0; i < 20000; ++i) {
        const uint64_t u = t_random();
        char s[40];
        memcpy(&v, &u, sizeof v);
        if (v - v != 0) continue;
        snprintf(s, sizeof s, "%.17g", v);
        if (!paw__number(s, strlen(s), &w) || memcmp(&v, &w, sizeof v)) break;
    }
    T(i == 20000, "17 digits give the same double");
}
static void check_json(paw_ctx *c)
{
    static const struct {
        const char *text;
        int ok, python;
    } cases[] = {
        { "{\"a\":[1,-2.5e3,true,false,null,\"\\u20ac\\ud83d\\ude00\"],\"b\":{}}", 1, 0 },
        { " [ ] ", 1, 0 }, { "3", 1, 0 }, { "", 0, 0 }, { "[1,]", 0, 0 }, { "[1 2]", 0, 0 },
        { "{\"a\"}", 0, 0 }, { "{\"a\":}", 0, 0 }, { "{a:1}", 0, 0 }, { "{,}", 0, 0 },
        { "[", 0, 0 }, { "]", 0, 0 }, { "[1}", 0, 0 }, { "\"\n\"", 0, 0 }, { "\"\\x\"", 0, 0 },
        { "\"\\u12\"", 0, 0 },
        { "\"\\udc00\"", 0, 0 }, { "\"\\ud800\\u0041\"", 0, 0 }, { "\"\\u0000\"", 0, 0 },
        { "01", 0, 0 }, { "1.", 0, 0 }, { "1e999", 0, 0 }, { "0x10", 0, 0 }, { "nul", 0, 0 },
        { "NaN", 0, 0 }, { "[NaN, Infinity, -Infinity]", 1, 1 }, { "1 2", 0, 0 }, { "tru", 0, 0 },
    };
    paw__json j;
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        paw_err e;
        char *copy = (char *)malloc(strlen(cases[i].text) + 1); /* exact, for the sanitizer */
        memcpy(copy, cases[i].text, strlen(cases[i].text));
        paw__json_begin(&j, c, "test", copy, strlen(cases[i].text));
        j.python = cases[i].python;
        e = paw__json_skip(&j);
        if (!e) e = paw__json_end(&j);
        T(e == (cases[i].ok ? PAW_OK : PAW_E_FORMAT), "JSON %s: %d", cases[i].text, e);
        free(copy);
    }
}

/* ---- the checkpoints of ../shared ---- */

static void check_same(paw_ctx *c, const paw_tensors *a, const paw_tensors *b)
{
    paw_tensor_info x, y;
    size_t i, k, differ = 0;
    for (i = 0; i < paw_tensors_count(a); ++i) {
        float *p, *q;
        paw_tensors_info(a, i, &x);
        if (paw_tensors_find(b, x.name, &k)) {
            ++differ;
            continue;
        }
        paw_tensors_info(b, k, &y);
        p = (float *)malloc(x.count * sizeof *p + 1);
        q = (float *)malloc(y.count * sizeof *q + 1);
        if (!p || !q || x.count != y.count || paw_tensors_read(c, a, i, PAW_F32, p, x.count) ||
            paw_tensors_read(c, b, k, PAW_F32, q, y.count) || memcmp(p, q, x.count * sizeof *p))
            ++differ;
        free(p);
        free(q);
    }
    T(!differ, "%zu tensors differ between the legacy stream and the zip", differ);
}
static void check_golden(paw_ctx *c, const char *shared)
{
    static const struct {
        const char *file;
        size_t count;
    } f[] = {
        { "deit/deit.pth", 32 }, { "deit/deit_zip.pth", 32 }, { "mocov3/mocov3.pth.tar", 102 },
        { "dino/dino_backbone.pth", 30 }, { "dino/dino_full.pth", 75 }, { "ibot/ibot.pth", 40 },
        { "beit/beit.pth", 40 }, { "mae/mae.pth", 30 }, { "cae/cae.pth", 73 },
        { "input_224.npy", 1 }, { "position/pos_table_14.npy", 1 }, { "probes/seg_labels.npy", 1 },
        { "preprocess/mask16.npy", 1 },
    };
    paw_tensors *t[13];
    char path[700];
    size_t i;
    for (i = 0; i < 13; ++i) {
        t[i] = NULL;
        snprintf(path, sizeof path, "%s/golden/%s", shared, f[i].file);
        T(paw_tensors_open(c, path, &t[i]) == PAW_OK, "%s", paw_message(c));
        T(paw_tensors_count(t[i]) == f[i].count, "%s: %zu tensors", f[i].file,
          paw_tensors_count(t[i]));
    }
    if (t[0] && t[1]) check_same(c, t[0], t[1]);
    for (i = 0; i < 13; ++i) paw_tensors_close(t[i]);
}
/* The names and shapes of one checkpoint in state_dicts.json against a file; returns how many. */
static size_t check_names(paw_ctx *c, paw__json *j, const paw_tensors *t)
{
    static const char *const fields[] = { "tensors" };
    char name[160] = "model.";
    paw_tensor_info info;
    uint64_t dim;
    size_t found = 0, at = 0;
    unsigned seen = 0;
    int n;
    paw__json_enter(j, '{');
    while (!paw__json_field(j, fields, 1, &seen)) {
        paw__json_enter(j, '[');
        for (; paw__json_next(j); ++found) { /* [name, [shape], type] */
            if (paw__json_enter(j, '[') || !paw__json_next(j) ||
                paw__json_string(j, name + 6, 128, NULL) || !paw__json_next(j) ||
                paw__json_enter(j, '[') ||
                !T(paw_tensors_find(t, name, &at) == PAW_OK, "no tensor %s", name))
                return 0;
            paw_tensors_info(t, at, &info);
            for (n = 0; paw__json_next(j); ++n)
                T(!paw__json_u64(j, &dim) && n < info.ndim && info.shape[n] == dim, "%s: shape",
                  name);
            T(n == info.ndim, "%s: rank", name);
            T(paw__json_next(j) && !paw__json_skip(j) && !paw__json_next(j), "%s: type", name);
        }
    }
    T(!j->e, "state_dicts.json: %s", paw_message(c));
    return found;
}
static void check_deit_tiny(paw_ctx *c, const char *shared)
{
    static const char *const models[] = { "deit_tiny_patch16_224" };
    char path[700];
    paw_tensors *t = NULL;
    paw__json j;
    char *text;
    size_t n = 0;
    unsigned seen = 0;
    FILE *f;
    snprintf(path, sizeof path, "%s/weights/deit_tiny_patch16_224.pth", shared);
    if (!T(paw_tensors_open(c, path, &t) == PAW_OK, "%s", paw_message(c))) return;
    snprintf(path, sizeof path, "%s/spec/state_dicts.json", shared);
    text = (char *)malloc(1u << 20);
    f = fopen(path, "rb");
    if (f && text) n = fread(text, 1, 1u << 20, f);
    if (f) fclose(f);
    paw__json_begin(&j, c, path, text, n);
    paw__json_enter(&j, '{');
    while (!paw__json_field(&j, models, 1, &seen)) {
        n = check_names(c, &j, t);
        T(n == paw_tensors_count(t), "%zu names, %zu tensors", n, paw_tensors_count(t));
    }
    T(seen, "deit_tiny_patch16_224 is in state_dicts.json");
    T(!paw__json_end(&j), "state_dicts.json: %s", paw_message(c));
    free(text);
    paw_tensors_close(t);
}

int main(int argc, char **argv)
{
    const char *shared = t_shared(), *tmp = getenv("TMPDIR");
    paw_ctx *c = NULL;
    if (argc > 1) dir = argv[1];
    snprintf(scratch, sizeof scratch, "%s/paw_load_XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!T(mkdtemp(scratch) != NULL, "a folder for scratch files")) return t_end("load");
    if (!T(paw_create(NULL, &c) == PAW_OK, "context")) return t_end("load");
    if (!T(exists(in_dir("good.pth")), "no fixtures in %s: run make_fixtures", dir)) {
        paw_destroy(c);
        rmdir(scratch);
        return t_end("load");
    }
    check_rows(c, "good.pth");
    check_rows(c, "good_zip64.pth");
    check_rows(c, "good_legacy.pth");
    check_safetensors(c);
    check_npy(c);
    check_hostile(c);
    check_damage(c);
    check_pickles(c);
    check_faults();
    check_pieces(c);
    check_round_trip(c);
    check_npy_save(c);
    check_failed_writes(c);
    check_arguments(c);
    check_memory_tensors(c);
    check_numbers();
    check_json(c);
    if (shared) {
        check_golden(c, shared);
        check_deit_tiny(c, shared);
    } else {
        T_SKIP("no ../shared: golden checkpoints not opened");
    }
    paw_destroy(c);
    T(!rmdir(scratch), "scratch files are left in %s", scratch);
    return t_end("load");
}
