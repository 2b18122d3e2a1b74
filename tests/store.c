#define _XOPEN_SOURCE 700
/* Hashes, rounding to half and bfloat16, and the feature store: what it takes, what it refuses, two
   processes at once, a process killed at any moment. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "t.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static paw_ctx *ctx;
static char root[] = P_tmpdir "/paw-store-XXXXXX";

/* ---- hashes ---- */

static void test_hash(void)
{
    /* by libxxhash 0.8.1: bytes i * 7 + 3, seeds 0 and 2654435761 */
    static const struct {
        size_t n;
        uint64_t plain, seeded;
    } known[] = {
        { 0, 0xef46db3751d8e999u, 0xac75fda2929b17efu },
        { 1, 0x1f25c8d0bc1f4bb6u, 0x79cf94f5ace37fe1u },
        { 3, 0x31d2363f52e564c9u, 0x96d2a5e583ddd738u },
        { 4, 0x9bb64b7d66ee9fdau, 0x4a862fbb4b73776eu },
        { 8, 0xdab99d95c6f90092u, 0xc6e75e2cbd8e07eeu },
        { 31, 0xa2aa5f33cc4a6119u, 0x381822f33376d6b6u },
        { 32, 0x23c3c17ef790fd97u, 0x9abd315470ac276au },
        { 33, 0x50a7cfc7ba588784u, 0x72cdd3262f467933u },
        { 63, 0x5e3e54b431c7493cu, 0x634da7d265979e61u },
        { 64, 0x0eb64b3ef6eeb01fu, 0xbcb3847d70525180u },
        { 100, 0xa61f8d4c170fe531u, 0x86f549ede5ac87e2u },
        { 101, 0xbad4d3bf033bda4cu, 0x6c892ceebbc660aau },
    };
    static uint8_t bytes[200003];
    char path[sizeof root + 16];
    size_t i, n;
    for (i = 0; i < sizeof bytes; ++i) bytes[i] = (uint8_t)(i * 7 + 3);
    for (i = 0; i < sizeof known / sizeof known[0]; ++i) {
        T(paw_hash(bytes, known[i].n, 0) == known[i].plain, "hash of %zu bytes", known[i].n);
        T(paw_hash(bytes, known[i].n, 2654435761u) == known[i].seeded, "%zu bytes, seeded",
          known[i].n);
    }
    for (n = 0; n < 300; ++n) { /* in pieces */
        paw__hasher h;
        size_t at = 0, k;
        paw__hash_begin(&h, n);
        for (; at < n; at += k) {
            k = 1 + (size_t)(t_random() % 70);
            if (k > n - at) k = n - at;
            paw__hash_add(&h, bytes + at, k);
        }
        if (!T(paw__hash_end(&h) == paw_hash(bytes, n, n), "%zu bytes in pieces", n)) break;
    }
    snprintf(path, sizeof path, "%s/bytes", root);
    for (n = 65535; n < sizeof bytes; n += 67234) {
        uint64_t h = 0;
        FILE *f = fopen(path, "wb");
        if (!f || fwrite(bytes, 1, n, f) != n || fclose(f)) abort();
        T(paw_file_hash(ctx, path, 9, &h) == PAW_OK && h == paw_hash(bytes, n, 9), "file of %zu",
          n);
    }
    n = 0;
    T(paw_file_hash(ctx, root, 0, (uint64_t *)&n) == PAW_E_IO && !n, "a folder has no hash");
}
static paw_model *model_of(const paw_random_spec *spec, float eps, int dtype)
{
    paw_model_opts o;
    paw_tensors *t = NULL;
    paw_model *m = NULL;
    memset(&o, 0, sizeof o);
    o.norm_eps = eps;
    o.dtype = dtype;
    T(paw_tensors_random(ctx, spec, &t) == PAW_OK && paw_model_from_tensors(ctx, t, &o, &m) ==
      PAW_OK, "model: %s", paw_message(ctx));
    paw_tensors_close(t);
    return m;
}
static void test_model_hash(void)
{
    static const int recipes[] = { PAW_DINO, PAW_MOCOV3, PAW_BEIT, PAW_DEIT };
    const int isa = paw_isa();
    char path[sizeof root + 32];
    size_t i;
    for (i = 0; i < 4; ++i) {
        paw_random_spec s;
        paw_model *m, *again = NULL, *other;
        paw_tensors *t = NULL;
        uint64_t h;
        memset(&s, 0, sizeof s);
        s.recipe = recipes[i];
        s.image_px = 32;
        s.patch_px = 16;
        s.dim = 64;
        s.depth = 2;
        s.projected = recipes[i] == PAW_DINO || recipes[i] == PAW_MOCOV3 ? 24 : 0;
        s.seed = 3;
        m = model_of(&s, 0, PAW_F32);
        h = paw_model_hash(m);
        T(h != 0, "recipe %d: hash", s.recipe);
        paw_model_free(m);
        (void)paw_isa_limit(PAW_ISA_SCALAR);
        m = model_of(&s, 0, PAW_F32);
        T(paw_model_hash(m) == h, "%s: the same on any instruction set", paw_recipe_name(s.recipe));
        paw_model_free(m);
        (void)paw_isa_limit(isa);
        m = model_of(&s, 1e-5f, PAW_F32);
        T(paw_model_hash(m) != h, "%s: epsilon counts", paw_recipe_name(s.recipe));
        paw_model_free(m);
        m = model_of(&s, 0, PAW_BF16);
        T(paw_model_hash(m) != h, "%s: so does bf16", paw_recipe_name(s.recipe));
        paw_model_free(m);
        s.seed = 4;
        other = model_of(&s, 0, PAW_F32);
        T(paw_model_hash(other) != h, "%s: weights count", paw_recipe_name(s.recipe));
        paw_model_free(other);
        s.seed = 3;
        snprintf(path, sizeof path, "%s/m.safetensors", root);
        T(paw_tensors_random(ctx, &s, &t) == PAW_OK &&
          paw_model_convert(ctx, t, NULL, path) == PAW_OK &&
          paw_model_load(ctx, path, NULL, &again) == PAW_OK, "convert: %s", paw_message(ctx));
        T(paw_model_hash(again) == h, "%s: the same from any container", paw_recipe_name(s.recipe));
        paw_model_free(again);
        paw_tensors_close(t);
    }
    T(paw_model_hash(NULL) == 0, "no model");
}

/* ---- rounding ---- */

static double half_value(uint32_t h) /* by the definition of binary16 */
{
    const double sign = h & 0x8000u ? -1 : 1;
    const int e = (int)(h >> 10 & 31u), m = (int)(h & 1023u);
    if (e == 31) return m ? (double)NAN : sign * (double)HUGE_VAL;
    return sign * (e ? ldexp(1024 + m, e - 25) : ldexp(m, -24));
}
static void test_round(void)
{
    uint32_t h, bad = 0;
    long i;
    for (h = 0; h < 0x10000u; ++h) {
        const double v = half_value(h);
        const uint32_t r = paw__half_of((float)v);
        bad += v != v ? (r & 0x7fffu) <= 0x7c00u : r != h;
    }
    T(!bad, "every half is itself: %u are not", bad);
    for (bad = 0, h = 0; h < 0x7bffu; ++h) { /* midpoints go to even, neighbours to the nearer */
        const float mid = (float)((half_value(h) + half_value(h + 1)) / 2);
        bad += paw__half_of(mid) != h + (h & 1u);
        bad += paw__half_of(nextafterf(mid, 0)) != h;
        bad += paw__half_of(nextafterf(mid, 1e9f)) != h + 1;
        bad += paw__half_of(-mid) != (0x8000u | (h + (h & 1u)));
    }
    T(!bad, "halves: %u roundings are wrong", bad);
    T(paw__half_of(65519.9f) == 0x7bffu && paw__half_of(65520.0f) == 0x7c00u &&
      paw__half_of(HUGE_VALF) == 0x7c00u && paw__half_of(-1e30f) == 0xfc00u, "overflow of half");
    for (bad = 0, i = 0; i < 200000; ++i) {
        const uint32_t u = (uint32_t)t_random() & 0x7f7fffffu;
        const uint32_t lo = u >> 16, mid = u & 0xffffu;
        float x;
        memcpy(&x, &u, sizeof x);
        bad += paw__bf16_of(x) != lo + (mid > 0x8000u || (mid == 0x8000u && (lo & 1u)));
    }
    T(!bad, "bfloat16: %u of 200000 are wrong", bad);
    T((paw__bf16_of((float)NAN) & 0x7fffu) > 0x7f80u, "NaN stays");
}

/* ---- the store ---- */

enum { ROWS = 23, DIM = 5, TOKENS = 3, SHARD = 4, SHARDS = 6, ROW = DIM * TOKENS };
static uint64_t items[ROWS];
static float values[ROWS * ROW];
static const char *settings[] = { "recipe", "deit", "size", "224 \"px\"", NULL };
static char folder[sizeof root + 8];

static paw_store_spec spec_of(int dtype)
{
    paw_store_spec o;
    memset(&o, 0, sizeof o);
    o.dir = folder;
    o.name = "tokens";
    o.about = settings;
    o.weights = 77;
    o.items = items;
    o.count = ROWS;
    o.ndim = 2;
    o.shape[0] = TOKENS;
    o.shape[1] = DIM;
    o.dtype = dtype;
    o.shard_rows = SHARD;
    return o;
}
static paw_store *open_store(const paw_store_spec *o)
{
    paw_store *s = NULL;
    T(paw_store_open(ctx, o, &s) == PAW_OK, "open: %s", paw_message(ctx));
    return s;
}
static size_t write_missing(paw_store *s)
{
    size_t i, n = 0;
    paw_store_info d;
    paw_store_describe(s, &d);
    for (i = 0; i < d.shards; ++i) {
        if (paw_store_has(s, i)) continue;
        ++n;
        if (paw_store_write(ctx, s, i, values + i * SHARD * ROW))
            T(0, "write: %s", paw_message(ctx));
    }
    return n;
}
static float rounded(float x, int dtype)
{
    uint32_t u = paw__bf16_of(x) << 16;
    float f;
    memcpy(&f, &u, sizeof f);
    return dtype == PAW_F32 ? x : dtype == PAW_F16 ? (float)half_value(paw__half_of(x)) : f;
}
/* Wrong values among all rows, read in a mixed order, as floats and as they are kept. */
static size_t wrong(const paw_store *s, int dtype)
{
    size_t order[2 * ROWS], i, k, bad = 0;
    uint16_t kept[2 * ROWS * ROW];
    float out[2 * ROWS * ROW];
    for (i = 0; i < ROWS; ++i) order[i] = i;
    for (; i < 2 * ROWS; ++i) order[i] = (size_t)(t_random() % ROWS);
    if (paw_store_read(ctx, s, order, 2 * ROWS, PAW_F32, out)) return 2 * ROWS * ROW;
    for (i = 0; i < 2 * ROWS; ++i)
        for (k = 0; k < ROW; ++k) {
            const float want = rounded(values[order[i] * ROW + k], dtype), got = out[i * ROW + k];
            bad += memcmp(&want, &got, sizeof got) && !(want != want && got != got);
        }
    if (dtype == PAW_F32) return bad;
    if (paw_store_read(ctx, s, order, 2 * ROWS, dtype, kept)) return 2 * ROWS * ROW;
    for (i = 0; i < 2 * ROWS; ++i)
        for (k = 0; k < ROW; ++k) {
            const float x = values[order[i] * ROW + k];
            bad += kept[i * ROW + k] != (dtype == PAW_F16 ? paw__half_of(x) : paw__bf16_of(x));
        }
    return bad;
}
static void list(const char *path, char names[64][80], size_t *n)
{
    DIR *dir = opendir(path);
    const struct dirent *d;
    for (*n = 0; dir && (d = readdir(dir)) != NULL;)
        if (d->d_name[0] != '.' && *n < 64) snprintf(names[(*n)++], 80, "%.79s", d->d_name);
    if (dir) closedir(dir);
}
static void remove_all(const char *path)
{
    char names[64][80], full[6400];
    size_t n, i;
    list(path, names, &n);
    for (i = 0; i < n; ++i) {
        snprintf(full, sizeof full, "%.1200s/%.79s", path, names[i]);
        if (remove(full)) remove_all(full);
    }
    (void)rmdir(path);
}
static void shard_path(const paw_store *s, size_t shard, char path[1200])
{
    paw__store_path(s, shard, path, 1200);
}

static void test_round_trip(void)
{
    static const int types[] = { PAW_F32, PAW_F16, PAW_BF16 };
    int k, memory;
    for (k = 0; k < 3; ++k)
        for (memory = 0; memory < 2; ++memory) {
            paw_store_spec o = spec_of(types[k]);
            size_t row = ROWS - 1;
            float one[ROW];
            paw_store_info d;
            paw_store *s;
            remove_all(folder);
            if (memory) o.dir = NULL;
            s = open_store(&o);
            paw_store_describe(s, &d);
            T(d.rows == ROWS && d.row_count == ROW && d.shards == SHARDS && !d.ready && !d.torn &&
              !d.stale && d.shard_rows == SHARD && d.dtype == types[k], "what it says");
            T(paw_store_read(ctx, s, &row, 1, PAW_F32, one) == PAW_E_KEY, "nothing there yet");
            T(write_missing(s) == SHARDS && !wrong(s, types[k]), "type %d memory %d", k, memory);
            T(write_missing(s) == 0 && !paw_store_has(s, SHARDS), "all there");
            T(paw_store_write(ctx, s, 1, values + SHARD * ROW) == PAW_OK && !wrong(s, types[k]),
              "written twice");
            row = ROWS;
            T(paw_store_read(ctx, s, &row, 1, PAW_F32, one) == PAW_E_ARG, "past the end");
            row = 0;
            one[0] = 77;
            T(paw_store_read(ctx, s, &row, 1, types[(k + 1) % 3] ? types[(k + 1) % 3] : PAW_F64,
                             one) == PAW_E_ARG && strstr(paw_message(ctx), "type") && one[0] == 77,
              "neither floats nor what is kept");
            paw_store_close(s);
            s = open_store(&o);
            paw_store_describe(s, &d);
            T(d.ready == (memory ? 0u : SHARDS) && !d.torn && !d.stale, "it outlives its handle");
            T(memory || !wrong(s, types[k]), "read again");
            paw_store_close(s);
        }
}
/* One fault in the file of shard 2, by what: it is found, said, made good and nothing is left. */
static void test_faults(void)
{
    static const char *const what[] = { "cut by a byte", "a byte more", "empty", "value changed",
                                        "header changed", "cut in the header", "from elsewhere",
                                        "renamed", "a folder" };
    const paw_store_spec o = spec_of(PAW_F32);
    int k;
    for (k = 0; k < 9; ++k) {
        char path[1200], other[1200], names[64][80];
        uint8_t *b = NULL;
        size_t n = 0, count;
        paw_store_info d;
        paw_store *s;
        FILE *f;
        remove_all(folder);
        s = open_store(&o);
        (void)write_missing(s);
        shard_path(s, 2, path);
        shard_path(s, 3, other);
        if (paw_file_read(ctx, k == 6 ? other : path, &b, &n)) abort();
        if (k == 3) b[n - 7] ^= 1;
        if (k == 4) b[20] ^= 1;
        if (k == 7) { /* sound bytes under another content's name */
            remove(path);
            path[strlen(path) - 5] ^= 1;
        }
        if (k == 8 && (remove(path) || mkdir(path, 0700))) abort();
        if (k != 8) {
            const size_t keep = k == 0 ? n - 1 : k == 2 ? 0 : k == 5 ? 40 : n;
            f = fopen(path, "wb");
            if (!f || fwrite(b, 1, keep, f) != keep || (k == 1 && fputc(0, f) < 0) || fclose(f))
                abort();
        }
        paw_file_free(ctx, b);
        paw_store_close(s);
        s = open_store(&o);
        paw_store_describe(s, &d);
        T(d.torn == 1 && d.ready == SHARDS - 1 && !paw_store_has(s, 2), "%s: torn %zu ready %zu",
          what[k], d.torn, d.ready);
        if (k == 8)
            T(paw_store_write(ctx, s, 2, values + 2 * SHARD * ROW) == PAW_E_IO,
              "a folder in the way");
        if (k == 8) (void)rmdir(path);
        T(write_missing(s) == 1 && !wrong(s, PAW_F32), "%s: made good", what[k]);
        paw_store_close(s);
        s = open_store(&o);
        paw_store_describe(s, &d);
        list(d.folder, names, &count);
        T(d.ready == SHARDS && !d.torn && count == SHARDS + 1, "%s: nothing left behind: %zu files",
          what[k], count);
        paw_store_close(s);
    }
}
static void test_keys(void)
{
    static const char *other[] = { "recipe", "deit", "size", "448", NULL };
    const paw_store_spec base = spec_of(PAW_F32);
    paw_store_spec o = base;
    paw_store_info d;
    paw_store *s, *t;
    uint64_t key;
    int k;
    remove_all(folder);
    s = open_store(&o);
    (void)write_missing(s);
    paw_store_describe(s, &d);
    key = d.key;
    for (k = 0; k < 6; ++k) { /* every setting has its own folder */
        o = base;
        if (k == 0) o.about = other;
        if (k == 1) o.weights = 78;
        if (k == 2) o.name = "cls";
        if (k == 3) o.dtype = PAW_F16;
        if (k == 4) o.shape[0] = DIM, o.shape[1] = TOKENS;
        if (k == 5) o.shard_rows = 5;
        t = open_store(&o);
        paw_store_describe(t, &d);
        T(d.key != key && !d.ready && !d.stale && !d.torn, "setting %d", k);
        paw_store_close(t);
    }
    o = base; /* the first rows of a list share its whole shards */
    o.count = SHARD * 2 + 1;
    t = open_store(&o);
    paw_store_describe(t, &d);
    T(d.key == key && d.ready == 2 && d.shards == 3 && d.stale == 1, "a shorter list: %zu",
      d.ready);
    T(write_missing(t) == 1, "its last shard");
    paw_store_close(t);
    paw_store_close(s);
    s = open_store(&base);
    paw_store_describe(s, &d);
    T(d.ready == SHARDS && d.stale == 1, "the longer list is untouched");
    paw_store_close(s);
    items[9] ^= 1; /* a picture changes: its shard only */
    s = open_store(&base);
    paw_store_describe(s, &d);
    T(d.key == key && d.ready == SHARDS - 1 && !paw_store_has(s, 9 / SHARD) && d.stale == 2,
      "a changed item: %zu", d.ready);
    T(write_missing(s) == 1 && !wrong(s, PAW_F32), "its shard is written");
    paw_store_close(s);
    items[9] ^= 1;
    o = base;
    o.fresh = 1;
    s = open_store(&o);
    paw_store_describe(s, &d);
    T(!d.ready && write_missing(s) == SHARDS, "fresh takes nothing");
    paw_store_close(s);
}
static void test_manifest(void)
{
    static const char *names[ROWS];
    paw_store_spec o = spec_of(PAW_F16);
    char path[1200];
    uint8_t *b = NULL;
    size_t n = 0, i;
    paw_tensors *t = NULL;
    paw_tensor_info info;
    paw_store_info d;
    paw_store *s;
    for (i = 0; i < ROWS; ++i) names[i] = i ? "a/b \"c\"\n.jpg" : "\xff.jpg";
    remove_all(folder);
    o.names = names;
    s = open_store(&o);
    (void)write_missing(s);
    paw_store_describe(s, &d);
    snprintf(path, sizeof path, "%s/manifest.json", d.folder);
    T(paw_file_read(ctx, path, &b, &n) == PAW_OK && paw_hash(b, n, 0) == d.key,
      "the key is the manifest's hash");
    T(b && strstr((char *)b, "\"size\": \"224 \\\"px\\\"\"") &&
      strstr((char *)b, "\"row_shape\": [3, 5]") && strstr((char *)b, "\"dtype\": \"float16\"") &&
      strstr((char *)b, "\"weights\": \"000000000000004d\"") &&
      strstr((char *)b, "\"numerics\": "), "manifest");
    paw_file_free(ctx, b);
    b = NULL;
    snprintf(path, sizeof path, "%s/rows-%016llx.json", d.folder,
             (unsigned long long)paw_hash(items, sizeof items, d.key));
    T(paw_file_read(ctx, path, &b, &n) == PAW_OK && strstr((char *)b, "\", null],\n") &&
      strstr((char *)b, "\"a/b \\\"c\\\"\\u000a.jpg\"]\n]\n"), "rows");
    paw_file_free(ctx, b);
    shard_path(s, SHARDS - 1, path);
    T(paw_tensors_open(ctx, path, &t) == PAW_OK && paw_tensors_info(t, 0, &info) == PAW_OK &&
      info.ndim == 3 && info.shape[0] == ROWS % SHARD && info.shape[1] == TOKENS &&
      info.dtype == PAW_F16, "a shard is an .npy");
    paw_tensors_close(t);
    paw_store_close(s);
}
static void test_refuses(void)
{
    static const char *latin[] = { "name", "caf\xe9", NULL };
    paw_store_spec o = spec_of(PAW_F16);
    float row[SHARD * ROW], one[ROW];
    const size_t zero = 0;
    char path[1200];
    paw_store *s = NULL;
    FILE *f;
    remove_all(folder);
    o.name = "a/b";
    T(paw_store_open(ctx, &o, &s) == PAW_E_ARG && !s, "a name is no path");
    o = spec_of(PAW_I64);
    T(paw_store_open(ctx, &o, &s) == PAW_E_ARG && !s && strstr(paw_message(ctx), "dtype 4"),
      "other types: %s", paw_message(ctx));
    o = spec_of(PAW_F16);
    o.items = NULL;
    T(paw_store_open(ctx, &o, &s) == PAW_E_ARG && !s, "on disk without items");
    o.dir = NULL;
    s = open_store(&o);
    T(write_missing(s) == SHARDS && !wrong(s, PAW_F16), "in memory without items");
    paw_store_close(s);
    s = NULL;
    o = spec_of(PAW_F16);
    o.shape[1] = 0;
    T(paw_store_open(ctx, &o, &s) == PAW_E_LIMIT && !s, "empty rows");
    o.shape[0] = o.shape[1] = (size_t)1 << 40;
    T(paw_store_open(ctx, &o, &s) == PAW_E_LIMIT && !s, "rows that overflow");
    o = spec_of(PAW_F16);
    o.about = latin;
    T(paw_store_open(ctx, &o, &s) == PAW_E_ARG && !s, "settings are UTF-8");
    o = spec_of(PAW_F16);
    f = fopen(folder, "wb");
    if (!f || fclose(f)) abort();
    T(paw_store_open(ctx, &o, &s) == PAW_E_IO && !s && strstr(paw_message(ctx), folder),
      "a file where the folder should be: %s", paw_message(ctx));
    remove(folder);
    s = open_store(&o);
    memcpy(row, values, sizeof row);
    row[ROW + 2] = 70000.0f;
    T(paw_store_write(ctx, s, 0, row) == PAW_E_NUM && strstr(paw_message(ctx), "70000 of row 1"),
      "too large for half: %s", paw_message(ctx));
    T(!paw_store_has(s, 0), "and nothing is written");
    row[ROW + 2] = (float)NAN;
    T(paw_store_write(ctx, s, 0, row) == PAW_OK, "NaN is kept");
    T(paw_store_write(ctx, s, SHARDS, row) == PAW_E_ARG && strstr(paw_message(ctx), "shard"),
      "no such shard: %s", paw_message(ctx));
    shard_path(s, 0, path);
    remove(path);
    T(paw_store_read(ctx, s, &zero, 1, PAW_F32, one) == PAW_E_IO &&
          strstr(paw_message(ctx), "shard 0"),
      "a shard that goes away while in use: %s", paw_message(ctx));
    paw_store_close(s);
    o.count = 0;
    s = open_store(&o);
    T(paw_store_read(ctx, s, NULL, 0, PAW_F16, NULL) == PAW_OK, "no rows");
    paw_store_close(s);
    paw_store_close(NULL);
}
static void test_full_disk(void)
{
    const paw_store_spec o = spec_of(PAW_F32);
    char names[64][80];
    size_t n, i, tmp = 0;
    paw_store_info d;
    paw_store *s;
    remove_all(folder);
    s = open_store(&o);
    paw_store_describe(s, &d);
    if (!geteuid() && chmod(d.folder, 0500) == 0) {
        T_SKIP("a folder that cannot be written: root may write everywhere");
    } else {
        T(chmod(d.folder, 0500) == 0 && paw_store_write(ctx, s, 0, values) == PAW_E_IO &&
          !paw_store_has(s, 0), "a folder that cannot be written");
    }
    (void)chmod(d.folder, 0700);
    T(paw_store_write(ctx, s, 0, values) == PAW_OK, "then it can");
    list(d.folder, names, &n);
    for (i = 0; i < n; ++i) tmp += strstr(names[i], ".tmp") != NULL;
    T(!tmp, "no temporary file stays");
    paw_store_close(s);
}
/* ---- processes ---- */

static pid_t start(int rounds) /* a child that writes every shard, again and again */
{
    const pid_t pid = fork();
    paw_store_spec o = spec_of(PAW_F32);
    paw_store *s = NULL;
    size_t i;
    if (pid) return pid;
    if (paw_create(NULL, &ctx)) _exit(4); /* the parent's threads are not here */
    o.fresh = 1;
    while (rounds--) {
        if (paw_store_open(ctx, &o, &s)) _exit(1);
        for (i = 0; i < SHARDS; ++i)
            if (paw_store_write(ctx, s, i, values + i * SHARD * ROW)) _exit(2);
        if (wrong(s, PAW_F32)) _exit(3);
        paw_store_close(s);
    }
    _exit(0);
}
static void test_processes(void)
{
    const paw_store_spec o = spec_of(PAW_F32);
    char names[64][80];
    paw_store_info d;
    paw_store *s;
    pid_t child[3];
    size_t n;
    int k, status, bad = 0, killed = 0;
    remove_all(folder);
    for (k = 0; k < 3; ++k) child[k] = start(20);
    for (k = 0; k < 3; ++k) {
        bad += child[k] < 0 || waitpid(child[k], &status, 0) != child[k] || !WIFEXITED(status) ||
               WEXITSTATUS(status);
    }
    T(!bad, "three processes write one store: %d fail", bad);
    s = open_store(&o);
    paw_store_describe(s, &d);
    list(d.folder, names, &n);
    T(d.ready == SHARDS && !d.torn && !d.stale && n == SHARDS + 1 && !wrong(s, PAW_F32),
      "what they leave: %zu files", n);
    paw_store_close(s);
    remove_all(folder);
    bad = 0;
    for (k = 0; k < 50; ++k) { /* killed at any moment: what has its name is whole */
        const pid_t pid = start(1000);
        struct timespec t = { 0, 0 };
        t.tv_nsec = (long)(t_random() % 8000000u);
        (void)nanosleep(&t, NULL);
        killed += !kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        s = open_store(&o);
        paw_store_describe(s, &d);
        bad += d.torn != 0 || d.stale != 0;
        paw_store_close(s);
    }
    T(!bad && killed == 50, "killed %d times: torn files %d times", killed, bad);
    s = open_store(&o);
    (void)write_missing(s);
    T(!wrong(s, PAW_F32), "and carried on");
    paw_store_close(s);
}
int main(void)
{
    size_t i;
    if (!mkdtemp(root) || paw_create(NULL, &ctx)) return 1;
    snprintf(folder, sizeof folder, "%s/store", root);
    for (i = 0; i < ROWS; ++i) items[i] = t_random();
    for (i = 0; i < ROWS * ROW; ++i) values[i] = 8 * t_uniform();
    values[7] = (float)NAN;
    test_hash();
    test_model_hash();
    test_round();
    test_round_trip();
    test_faults();
    test_keys();
    test_manifest();
    test_refuses();
    test_full_disk();
    test_processes();
    paw_destroy(ctx);
    remove_all(root);
    return t_end("store");
}
