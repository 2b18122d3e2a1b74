/* Rows of groups A and B: safetensors, and torch's zips, streams and pickles. The files whose names
   begin with a row's id are written by tools/make_fixtures.c into fixtures/; the rest is built
   here. See hostile.c. */
#ifndef PAW_TEST_HOSTILE_FILES_H
#define PAW_TEST_HOSTILE_FILES_H

#include "streams.h"

static const struct {
    const char *file;
    paw_err code;
    const char *words;
} f_refused[] = {
    { "A1_empty.safetensors", PAW_E_FORMAT, "shorter than the header length field" },
    { "A1_seven.safetensors", PAW_E_FORMAT, "shorter than the header length field" },
    { "A2_huge.safetensors", PAW_E_LIMIT, "header of 9223372036854775808 bytes" },
    { "A2_past_end.safetensors", PAW_E_LIMIT, "header of 3 bytes in a file of 10" },
    { "A2_over_cap.safetensors", PAW_E_LIMIT, "header of 100000001 bytes" },
    { "A3_latin1.safetensors", PAW_E_FORMAT, "byte 10: not UTF-8" },
    { "A3_overlong.safetensors", PAW_E_FORMAT, "byte 10: not UTF-8" },
    { "A3_surrogate.safetensors", PAW_E_FORMAT, "bad escape" },
    { "A3_array.safetensors", PAW_E_FORMAT, "not a torch, safetensors or .npy file" },
    { "A3_space.safetensors", PAW_E_FORMAT, "not a torch, safetensors or .npy file" },
    { "A3_nul.safetensors", PAW_E_FORMAT, "text after the end" },
    { "A3_two.safetensors", PAW_E_FORMAT, "text after the end" },
    { "A3_open.safetensors", PAW_E_FORMAT, "expected a comma" },
    { "A3_comma.safetensors", PAW_E_FORMAT, "expected a string" },
    { "A5_deep.safetensors", PAW_E_LIMIT, "nested too deep" },
    { "A5_key.safetensors", PAW_E_LIMIT, "string too long" },
    { "A6_duplicate.safetensors", PAW_E_FORMAT, "duplicate tensor name 'a'" },
    { "A6_field.safetensors", PAW_E_FORMAT, "duplicate field" },
    { "A6_metadata.safetensors", PAW_E_FORMAT, "duplicate metadata key 'k'" },
    { "A7_overlap.safetensors", PAW_E_FORMAT, "tensor 'b' at byte 115: overlap" },
    { "A7_hole.safetensors", PAW_E_FORMAT, "tensor 'b' at byte 119: hole" },
    { "A7_tail.safetensors", PAW_E_FORMAT, "1 bytes of data belong to no tensor" },
    { "A7_reversed.safetensors", PAW_E_FORMAT, "tensor 'a': data_offsets outside" },
    { "A7_eof.safetensors", PAW_E_FORMAT, "tensor 'a': data_offsets outside 4 bytes" },
    { "A7_negative.safetensors", PAW_E_FORMAT, "expected a count" },
    { "A7_infinite.safetensors", PAW_E_FORMAT, "expected a whole number" },
    { "A7_fraction.safetensors", PAW_E_FORMAT, "expected a whole number" },
    { "A7_three.safetensors", PAW_E_FORMAT, "too many numbers" },
    { "A7_one.safetensors", PAW_E_FORMAT, "data_offsets" },
    { "A7_missing.safetensors", PAW_E_FORMAT, "missing" },
    { "A8_wrap.safetensors", PAW_E_FORMAT, "overflow" },
    { "A8_int64.safetensors", PAW_E_FORMAT, "overflow" },
    { "A8_digits.safetensors", PAW_E_FORMAT, "overflow" },
    { "A8_dims.safetensors", PAW_E_LIMIT, "too many numbers" },
    { "A9_length.safetensors", PAW_E_SHAPE, "tensor 'a' [2] of F32 needs 8 bytes, has 4" },
    { "A12_metadata.safetensors", PAW_E_FORMAT, "metadata that is not a string" },
    { "A15_many.safetensors", PAW_E_LIMIT, "more than 65536 tensors" },
    { "B1_system.pth", PAW_E_UNSUP, "refuses pickled global posix.system" },
    { "B1_eval.pth", PAW_E_UNSUP, "refuses pickled global builtins.eval" },
    { "B1_nested.pth", PAW_E_UNSUP, "refuses pickled global os.system" },
    { "B1_getattr.pth", PAW_E_UNSUP, "refuses pickled global builtins.getattr" },
    { "B1_dotted.pth", PAW_E_UNSUP, "refuses pickled global collections.OrderedDict.fromkeys" },
    { "B1_words.pth", PAW_E_UNSUP, "refuses pickled global torch.Size device" },
    { "B2_stack_global.pth", PAW_E_UNSUP, "refuses pickled global posix.system" },
    { "B2_inst.pth", PAW_E_UNSUP, "refuses opcode 0x69" },
    { "B2_obj.pth", PAW_E_UNSUP, "refuses opcode 0x6f" },
    { "B2_ext1.pth", PAW_E_UNSUP, "refuses opcode 0x82" },
    { "B2_setstate.pth", PAW_E_UNSUP, "refuses pickled global __main__.Evil" },
    { "B2_class_state.pth", PAW_E_UNSUP, "state for what is no plain object" },
    { "B2_call_text.pth", PAW_E_FORMAT, "a call of no known name" },
    { "B2_persid.pth", PAW_E_UNSUP, "refuses opcode 0x50" },
    { "B2_module.pth", PAW_E_UNSUP, "persistent id" },
    { "B3_underflow.pth", PAW_E_FORMAT, "stack underflow" },
    { "B3_stop.pth", PAW_E_FORMAT, "stack underflow" },
    { "B3_no_mark.pth", PAW_E_FORMAT, "no mark" },
    { "B3_under_mark.pth", PAW_E_FORMAT, "stack underflow" },
    { "B3_memo.pth", PAW_E_FORMAT, "memo entry that was never put" },
    { "B3_memo_far.pth", PAW_E_LIMIT, "memo too large" },
    { "B3_self.pth", PAW_E_LIMIT, "nested deeper than 256" },
    { "B3_odd.pth", PAW_E_FORMAT, "a key without value" },
    { "B3_append_int.pth", PAW_E_FORMAT, "no container" },
    { "B3_opcode.pth", PAW_E_FORMAT, "not an opcode: 0xff" },
    { "B3_no_stop.pth", PAW_E_FORMAT, "truncated" },
    { "B3_marks.pth", PAW_E_LIMIT, "nested too deep" },
    { "B3_deep.pth", PAW_E_LIMIT, "nested deeper than 256" },
    { "B3_laughs.pth", PAW_E_LIMIT, "too many values" },
    { "B4_long1.pth", PAW_E_LIMIT, "integer of more than 128 bits" },
    { "B4_unicode.pth", PAW_E_FORMAT, "4294967295 bytes wanted" },
    { "B4_unicode8.pth", PAW_E_FORMAT, "18446744073709551615 bytes wanted" },
    { "B4_frame.pth", PAW_E_FORMAT, "truncated" },
    { "B4_proto.pth", PAW_E_UNSUP, "protocol above 5" },
    { "B5_offset.pth", PAW_E_SHAPE, "tensor [4], stride [1], offset 9 leaves its storage of 12" },
    { "B5_offset_past.pth", PAW_E_SHAPE, "leaves its storage" },
    { "B5_offset_negative.pth", PAW_E_SHAPE, "negative offset" },
    { "B5_stride.pth", PAW_E_SHAPE, "tensor [3, 4], stride [4, 2]" },
    { "B5_negative.pth", PAW_E_SHAPE, "negative size or stride" },
    { "B5_dims.pth", PAW_E_SHAPE, "more than 8 dimensions" },
    { "B5_wrap.pth", PAW_E_SHAPE, "leaves its storage" },
    { "B5_shape_wrap.pth", PAW_E_SHAPE, "leaves its storage" },
    { "B6_parent.pth", PAW_E_FORMAT, "storage '../../etc/passwd' is not in the archive" },
    { "B6_absolute.pth", PAW_E_FORMAT, "storage '/etc/passwd' is not in the archive" },
    { "B6_nul.pth", PAW_E_FORMAT, "bad storage" },
    { "B7_more.pth", PAW_E_FORMAT, "storage '0': 13 elements of F32, but 48 bytes" },
    { "B7_less.pth", PAW_E_FORMAT, "storage '0': 11 elements of F32, but 48 bytes" },
    { "B7_wrap.pth", PAW_E_FORMAT, "but 48 bytes" },
    { "B7_negative.pth", PAW_E_FORMAT, "bad storage size" },
    { "B8_deflated.pth", PAW_E_UNSUP, "'archive/data/0' is compressed" },
    { "B8_deflated_pickle.pth", PAW_E_UNSUP, "'archive/data.pkl' is compressed" },
    { "B9_name.pth", PAW_E_FORMAT, "header and directory differ" },
    { "B9_size.pth", PAW_E_FORMAT, "header and directory differ in size" },
    { "B9_into_directory.pth", PAW_E_FORMAT, "data runs into the directory" },
    { "B9_overlap.pth", PAW_E_FORMAT, "entries overlap" },
    { "B9_twice.pth", PAW_E_FORMAT, "entries overlap" },
    { "B9_encrypted.pth", PAW_E_UNSUP, "encrypted" },
    { "B9_comment.pth", PAW_E_FORMAT, "two end records" },
    { "B9_fewer.pth", PAW_E_FORMAT, "unlisted entries" },
    { "B9_entries.pth", PAW_E_LIMIT, "65536 zip entries" },
    { "B9_wrap64.pth", PAW_E_FORMAT, "does not end where the end record begins" },
    { "B9_locator.pth", PAW_E_FORMAT, "bad zip64 locator" },
    { "B9_truncated.pth", PAW_E_FORMAT, "no end record" },
    { "B9_two_roots.pth", PAW_E_FORMAT, "two data.pkl" },
    { "B9_no_pickle.pth", PAW_E_UNSUP, "zip without data.pkl" },
    { "B9_byteorder.pth", PAW_E_UNSUP, "not little-endian" },
    { "B10_tar.pth", PAW_E_UNSUP, "torch.save it again" },
    { "B10_count.pth", PAW_E_FORMAT, "5 elements, the pickle has 4" },
    { "B10_huge.pth", PAW_E_FORMAT, "the pickle has 4" },
    { "B10_missing.pth", PAW_E_FORMAT, "storage '11' is not in the file" },
    { "B10_plain_pickle.pth", PAW_E_FORMAT, "not one that torch.save wrote" },
    { "B10_page.pth", PAW_E_FORMAT, "not a torch, safetensors or .npy file" },
};
static const char *f_fixture(const char *file)
{
    return h_join(h_build, h_join("fixtures", file));
}
/* Opens what must be refused: the code, the words, *out untouched. */
static void f_open(const char *path, paw_err code, const char *words)
{
    paw_tensors *const untouched = (paw_tensors *)(void *)&meter;
    paw_tensors *t = untouched;
    const char *name = strrchr(path, '/') + 1;
    paw_err e;
    h_begin();
    e = paw_tensors_open(ctx, path, &t);
    h_refused(e, code, name, words);
    if (!e) paw_tensors_close(t);
    else H(t == untouched, "%s: output touched", name);
}
/* Opens what must be accepted; NULL where it is not. */
static paw_tensors *f_good(const char *path)
{
    paw_tensors *t = NULL;
    paw_err e;
    h_begin();
    e = paw_tensors_open(ctx, path, &t);
    h_accepted(e, strrchr(path, '/') + 1);
    return e ? NULL : t;
}
/* Every file of the row in work. */
static void f_files(void)
{
    const size_t n = strlen(h_now->id);
    size_t i;
    if (access(f_fixture("good.pth"), R_OK)) {
        H_SKIP("no fixtures in %s: run make_fixtures", f_fixture(""));
        return;
    }
    for (i = 0; i < sizeof f_refused / sizeof *f_refused; ++i)
        if (!strncmp(f_refused[i].file, h_now->id, n) && f_refused[i].file[n] == '_')
            f_open(f_fixture(f_refused[i].file), f_refused[i].code, f_refused[i].words);
    H(access("paw_executed", F_OK) != 0, "a pickle ran a command");
}
/* A stream in memory instead of a file; its name in messages is "memory". */
static void f_stream(const char *object, size_t n, paw_err code, const char *words)
{
    memory m = legacy_stream(object, n, 6);
    paw_tensors *const untouched = (paw_tensors *)(void *)&meter;
    paw_tensors *t = untouched;
    paw_err e;
    h_begin();
    e = open_memory(ctx, &m, &t);
    if (code) h_refused(e, code, "memory", words);
    else h_accepted(e, "memory");
    if (!e) paw_tensors_close(t);
    else H(t == untouched, "stream: output touched");
    free(m.p);
}
/* A safetensors file of this header and of n bytes of data, 0, 1, 2, ...; returns its path. */
static const char *f_safetensors(const char *name, const char *header, size_t n)
{
    const size_t length = strlen(header);
    uint8_t *p = (uint8_t *)calloc(1, 8 + length + n);
    const char *path;
    size_t i;
    for (i = 0; i < 8; ++i) p[i] = (uint8_t)((uint64_t)length >> 8 * i);
    memcpy(p + 8, header, length);
    for (i = 0; i < n; ++i) p[8 + length + i] = (uint8_t)i;
    path = h_write(name, p, 8 + length + n);
    free(p);
    return path;
}

/* ---- A ---- */

static void f_a1(void) /* whatever it is called: no container begins so */
{
    char name[32];
    size_t n;
    f_files();
    for (n = 0; n < 8; ++n) {
        snprintf(name, sizeof name, "A1_%zu.pth", n);
        f_open(h_write(name, "\2\0\0\0\0\0\0", n), PAW_E_FORMAT,
               "not a torch, safetensors or .npy file");
    }
}
static void f_a4(void)
{
    paw_tensors *t = f_good(f_fixture("A4_spaces.safetensors"));
    float v[4];
    H(t && !paw_tensors_read(ctx, t, 0, PAW_F32, v, 4), "its values");
    paw_tensors_close(t);
}
static void f_a5(void)
{
    const size_t n = 10000000;
    char *text = (char *)malloc(n + 8);
    f_files();
    memset(text, 'k', n);
    memcpy(text, "{\"", 2);
    strcpy(text + n, "\":{}}");
    f_open(f_safetensors("A5_key.safetensors", text, 0), PAW_E_LIMIT, "string too long");
    free(text);
}
static void f_a10(void)
{
    paw_tensors *t = f_good(f_fixture("A10_dtype.safetensors"));
    paw_tensor_info info;
    float v[4] = { 7, 7, 7, 7 };
    if (!t) return;
    H(!paw_tensors_info(t, 0, &info) && info.dtype == PAW_DTYPE_OTHER, "its type");
    h_begin();
    h_refused(paw_tensors_read(ctx, t, 0, PAW_F32, v, 4), PAW_E_UNSUP, "A10_dtype", "'a'");
    H(v[0] == 7 && v[3] == 7, "output touched");
    paw_tensors_close(t);
}
static void f_a11(void)
{
    paw_tensors *t = f_good(f_fixture("A11_empty.safetensors"));
    paw_tensor_info info;
    float v = 7;
    if (!t) return;
    H(!paw_tensors_info(t, 0, &info) && !info.ndim && info.count == 1, "rank 0");
    H(!paw_tensors_read(ctx, t, 0, PAW_F32, &v, 1) && v == -11, "its value %g", (double)v);
    H(!paw_tensors_info(t, 1, &info) && info.ndim == 2 && !info.count, "size 0");
    H(!paw_tensors_read(ctx, t, 1, PAW_F32, NULL, 0), "nothing to read");
    paw_tensors_close(t);
}
static void f_a13(void) /* UBSan sees a dereferenced float */
{
    paw_tensors *t = f_good(f_fixture("A13_misaligned.safetensors"));
    float v[2] = { 7, 7 };
    H(t && !paw_tensors_read(ctx, t, 1, PAW_F32, v, 2) && v[0] != 7, "its values");
    paw_tensors_close(t);
}
/* Another process cuts the file while it is open: reads fail, nothing is mapped. */
static void f_a14(void)
{
    const char *path = f_safetensors("A14_cut.safetensors", "{\"a\":{\"dtype\":\"F32\",\"shape\":"
                                     "[262144],\"data_offsets\":[0,1048576]}}", 1048576);
    paw_tensors *t = f_good(path);
    float *v = (float *)malloc(1048576);
    if (!t) return;
    H(!truncate(path, 4096), "cut");
    h_begin();
    h_refused(paw_tensors_read(ctx, t, 0, PAW_F32, v, 262144), PAW_E_IO, "A14_cut", "byte");
    paw_tensors_close(t);
    free(v);
}

/* ---- B ---- */

static size_t f_repeat(void *user, uint64_t offset, void *dst, size_t n) /* a pickle without end */
{
    static const char unit[] = "N0";
    const memory *m = (const memory *)user;
    size_t i;
    for (i = 0; i < n; ++i)
        ((char *)dst)[i] = offset + i < m->n ? (char)m->p[offset + i] : unit[(offset + i) % 2];
    return n;
}
static void f_b3(void)
{
    const size_t puts = 4000001;
    memory m = { NULL, 0, -1 }, head;
    paw_tensors *t = NULL;
    paw_io io;
    size_t i;
    f_files();
    m.p = (uint8_t *)malloc(5 * puts + 1 + sizeof TENSOR);
    m.p[m.n++] = 'N';
    for (i = 0; i < puts; ++i) {
        m.p[m.n++] = 'r';
        m.p[m.n++] = (uint8_t)i;
        m.p[m.n++] = (uint8_t)(i >> 8);
        m.p[m.n++] = (uint8_t)(i >> 16);
        m.p[m.n++] = 0;
    }
    memcpy(m.p + m.n, TENSOR "\x86", sizeof TENSOR); /* a tuple of the two */
    f_stream((const char *)m.p, m.n + sizeof TENSOR, PAW_OK, "");
    memset(m.p + m.n - 4, 0x7f, 4); /* a place that the file has no values for */
    f_stream((const char *)m.p, m.n + sizeof TENSOR, PAW_E_LIMIT, "memo too large");
    free(m.p);
    head = legacy_stream("", 0, 6);
    for (i = 0; i + 2 < head.n && memcmp(head.p + i, ".\x80\2]", 4);) ++i;
    head.n = i; /* all before the object's end */
    io.read = f_repeat;
    io.bytes = (uint64_t)1 << 40;
    io.user = &head;
    h_begin();
    h_says(paw_tensors_open_io(ctx, &io, "endless.pth", &t), PAW_E_LIMIT, "endless.pth",
           "too many values");
    h_within("endless.pth", PAW__MAX_NODES * sizeof(paw__node));
    H(!t, "output touched");
    free(head.p);
}
static void f_b10(void) /* the old stream, under the same rules; the damage of it is in load.c */
{
    paw_tensors *t;
    f_files();
    t = f_good(f_fixture("good_legacy.pth"));
    H(t && paw_tensors_count(t) == 18, "all of its tensors");
    paw_tensors_close(t);
    f_stream(PICKLE("cposix\nsystem\nU\x12touch paw_executed\x85R"), PAW_E_UNSUP,
             "refuses pickled global posix.system");
    f_stream(PICKLE("]q\0h\0a" TENSOR "\x86"), PAW_E_LIMIT, "nested deeper than 256");
    f_stream(PICKLE("ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE("torch\nFloatStorage", "\6", "N")
                    "K\4(K\3t(K\1ttR"), PAW_E_SHAPE, "leaves its storage");
    H(access("paw_executed", F_OK) != 0, "a pickle ran a command");
}
static void f_b11(void)
{
    paw_tensors *t = f_good(f_fixture("B11_after_stop.pth"));
    float v[4] = { 0, 0, 0, 0 };
    if (!t) return;
    H(paw_tensors_count(t) == 1, "one pickle's tensors");
    H(!paw_tensors_read(ctx, t, 0, PAW_F32, v, 4) && v[0] == -2.75f && v[3] == 2.5f,
      "the first pickle counts (%g)", (double)v[3]);
    paw_tensors_close(t);
}
/* A DINO of width 64 as safetensors with all values of a type, F32, F64 or BF16. */
static const char *f_b12_file(int dtype, const char *name)
{
    static const size_t bytes[] = { 4, 8, 2, 2 };
    paw_random_spec spec;
    paw_tensors *t = NULL;
    char *head = (char *)malloc(65536);
    uint8_t *file = NULL;
    const char *path;
    size_t i, k, n = 0, at = 8;
    memset(&spec, 0, sizeof spec);
    spec.recipe = PAW_DINO;
    spec.image_px = 32;
    spec.patch_px = 16;
    spec.dim = 64;
    spec.depth = 1;
    spec.seed = 3;
    if (!head || paw_tensors_random(ctx, &spec, &t)) abort();
    for (i = 0; i < t->count; ++i) {
        const paw__tensor *x = (const paw__tensor *)t->items[i];
        at += (size_t)sprintf(head + at, "%c\"%s\":{\"dtype\":\"%s\",\"shape\":[", i ? ',' : '{',
                              x->name, name);
        for (k = 0; k < (size_t)x->ndim; ++k)
            at += (size_t)sprintf(head + at, "%s%lu", k ? "," : "", (unsigned long)x->shape[k]);
        at += (size_t)sprintf(head + at, "],\"data_offsets\":[%lu,%lu]}", (unsigned long)n,
                              (unsigned long)(n + bytes[dtype] * x->count));
        n += bytes[dtype] * x->count;
    }
    head[at++] = '}';
    for (k = 0; k < 8; ++k) head[k] = (char)((at - 8) >> 8 * k);
    file = (uint8_t *)malloc(at + n);
    if (!file) abort();
    memcpy(file, head, at);
    for (i = 0; i < t->count; ++i) {
        const paw__tensor *x = (const paw__tensor *)t->items[i];
        for (k = 0; k < x->count; ++k, at += bytes[dtype]) {
            uint32_t u;
            double d;
            memcpy(&u, &x->data[k], 4);
            u &= 0xffff0000u; /* exact in every one of the types */
            d = paw__bits_f32(u);
            if (dtype == PAW_F32) memcpy(file + at, &u, 4);
            if (dtype == PAW_F64) memcpy(file + at, &d, 8);
            if (dtype == PAW_BF16) memcpy(file + at, (uint8_t *)&u + 2, 2);
        }
    }
    path = h_write(h_join("B12", name), file, at);
    paw_tensors_close(t);
    free(head);
    free(file);
    return path;
}
/* Its class token of a fixed image; rounded: float64 tensors that the model counts. */
static void f_b12_class(int dtype, const char *name, size_t rounded, float cls[64])
{
    static float chw[3 * 32 * 32];
    paw_model *m = NULL;
    paw_model_info info;
    paw_outputs out;
    char path[1300];
    size_t i;
    snprintf(path, sizeof path, "%s", f_b12_file(dtype, name));
    memset(&out, 0, sizeof out);
    for (i = 0; i < sizeof chw / sizeof *chw; ++i) chw[i] = (float)(i % 17) / 8 - 1;
    out.cls = cls;
    h_begin();
    if (h_accepted(paw_model_load(ctx, path, NULL, &m), name))
        H(!paw_encode(m, ctx, chw, 1, 32, 32, &out), "%s: %s", name, paw_message(ctx));
    paw_model_describe(m, &info);
    H(info.rounded == rounded, "%s: %lu tensors are rounded", name, (unsigned long)info.rounded);
    paw_model_free(m);
}
/* A program says it in one line. */
static void f_b12_program(const char *name, int rounded)
{
    const char *args[] = { "convert", "--weights", NULL, "--out", NULL, "--quiet", NULL };
    char from[1300], to[1300], *err;
    int status;
    snprintf(from, sizeof from, "%s", h_path(h_join("B12", name)));
    snprintf(to, sizeof to, "%s", h_path("B12/converted"));
    args[2] = from;
    args[4] = to;
    if ((status = h_program(args)) < 0) return;
    err = h_read(h_path("err"), NULL);
    H(status == 0 && err && (rounded ? strstr(err, from) && strstr(err, ": 18 tensors are float") &&
                                       strchr(err, '\n') == strrchr(err, '\n') : !*err),
      "%s: status %d, '%s'", name, status, err);
    free(err);
}
static void f_b12(void) /* F16, integers and booleans: by value, from the good files */
{
    static const char *const ints[] = { "model.int32", "model.int16", "model.int8", "model.uint8",
                                        "model.scalar", "model.bool", "model.half" };
    float one[64], other[64], v[8];
    paw_tensors *t = f_good(f_fixture("good.pth"));
    size_t i, at = 0;
    for (i = 0; t && i < sizeof ints / sizeof *ints; ++i) {
        paw_tensor_info info;
        if (!H(!paw_tensors_find(t, ints[i], &at), "%s", ints[i])) continue;
        paw_tensors_info(t, at, &info);
        H(info.count <= 8 && !paw_tensors_read(ctx, t, at, PAW_F32, v, info.count), "%s as float",
          ints[i]);
    }
    paw_tensors_close(t);
    memset(one, 0, sizeof one);
    f_b12_class(PAW_F32, "F32", 0, one);
    H(one[0] != one[1], "features");
    memset(other, 0, sizeof other);
    f_b12_class(PAW_F64, "F64", 18, other);
    H(!memcmp(one, other, sizeof one), "F64: other features");
    memset(other, 0, sizeof other);
    f_b12_class(PAW_BF16, "BF16", 0, other);
    H(!memcmp(one, other, sizeof one), "BF16: other features");
    f_b12_program("F64", 1);
    f_b12_program("BF16", 0);
}
/* One network under each prefix that the authors' files have: the same model. Both in one file: the
   teacher, and the student by opts.network. */
static paw_tensors *f_b13_tensors(const char *const *prefixes, int n)
{
    paw_tensors *all = NULL, *t = NULL;
    paw_random_spec spec;
    size_t i;
    int k;
    memset(&spec, 0, sizeof spec);
    spec.recipe = PAW_DINO;
    spec.image_px = 32;
    spec.patch_px = 16;
    spec.dim = 64;
    spec.depth = 1;
    if (!H(!paw__tensors_memory(ctx, "prefixes.pth", &all), "%s", paw_message(ctx))) return NULL;
    for (k = 0; k < n; ++k) {
        spec.seed = (uint64_t)k;
        if (!H(!paw_tensors_random(ctx, &spec, &t), "%s", paw_message(ctx))) break;
        for (i = 0; i < t->count; ++i) {
            const paw__tensor *x = (const paw__tensor *)t->items[i];
            char name[200];
            float *data = NULL;
            snprintf(name, sizeof name, "%s%s", prefixes[k], strstr(x->name, "backbone.") + 9);
            if (H(!paw__tensors_add(ctx, all, name, x->ndim, x->shape, &data), "%s", name))
                memcpy(data, x->data, x->count * sizeof *data);
        }
        paw_tensors_close(t);
    }
    return all;
}
static uint64_t f_b13_hash(const char *const *prefixes, int n, int network, int recipe)
{
    paw_tensors *t = f_b13_tensors(prefixes, n);
    paw_model_opts o;
    paw_model *m = NULL;
    uint64_t hash = 0;
    memset(&o, 0, sizeof o);
    o.network = network;
    o.recipe = recipe;
    h_begin();
    if (h_accepted(paw_model_from_tensors(ctx, t, &o, &m), prefixes[0])) hash = paw_model_hash(m);
    paw_model_free(m);
    paw_tensors_close(t);
    return hash;
}
static void f_b13(void)
{
    static const char *const prefixes[] = { "teacher.backbone.", "teacher.module.backbone.", "",
        "student.module.backbone.", "student.backbone.", "state_dict.module.base_encoder.",
        "module.base_encoder.", "model.encoder.", "model.", "state_dict." };
    static const char *const both[] = { "teacher.backbone.", "student.module.backbone." };
    static const char *const unknown[] = { "network.trunk." };
    const uint64_t want = f_b13_hash(prefixes, 1, PAW_TEACHER, PAW_DINO);
    paw_model *m = NULL;
    paw_model_opts o;
    paw_tensors *t;
    size_t i;
    for (i = 0; i < sizeof prefixes / sizeof *prefixes; ++i)
        H(f_b13_hash(prefixes + i, 1, !strncmp(prefixes[i], "student", 7), PAW_DINO) == want,
          "'%s': another model", prefixes[i]);
    H(f_b13_hash(both, 2, PAW_TEACHER, 0) == want, "both: the teacher");
    H(f_b13_hash(both, 2, PAW_STUDENT, 0) != want, "both: the student");
    t = f_b13_tensors(both, 1);
    memset(&o, 0, sizeof o);
    o.network = PAW_STUDENT;
    h_begin();
    h_refused(paw_model_from_tensors(ctx, t, &o, &m), PAW_E_KEY, "prefixes.pth", "no student");
    paw_tensors_close(t);
    t = f_b13_tensors(unknown, 1);
    h_begin();
    h_refused(paw_model_from_tensors(ctx, t, NULL, &m), PAW_E_KEY, "prefixes.pth",
              "none of the known prefixes");
    H(!m, "output touched");
    paw_tensors_close(t);
}

static const h_row hostile_files[] = {
    { "A1", "files of 0 to 7 bytes", f_a1, NULL, NULL },
    { "A2", "header length 2^63, past the end, over 100 MB", f_files, NULL, NULL },
    { "A3", "header not UTF-8, not an object, space before, NUL behind", f_files, NULL, NULL },
    { "A4", "header padded with spaces", f_a4, NULL, NULL },
    { "A5", "JSON nested 100,000 deep, a key of 10 MB", f_a5, NULL, NULL },
    { "A6", "a name twice", f_files, NULL, NULL },
    { "A7", "offsets that overlap, leave holes, run backwards, lie outside, are no counts", f_files,
      NULL, NULL },
    { "A8", "shapes whose product wraps", f_files, NULL, NULL },
    { "A9", "length and shape that differ", f_files, NULL, NULL },
    { "A10", "an unknown type, unused", f_a10, NULL, NULL },
    { "A11", "rank 0, sizes of 0", f_a11, NULL, NULL },
    { "A12", "metadata that is no text", f_files, NULL, NULL },
    { "A13", "misaligned floats", f_a13, NULL, NULL },
    { "A14", "file cut by another process while it is open", f_a14, NULL, NULL },
    { "A15", "65,537 tensors", f_files, NULL, NULL },
    { "B1", "pickles that call system and eval", f_files, NULL, NULL },
    { "B2", "the same by every other opcode", f_files, NULL, NULL },
    { "B3", "stack, marks and memo abused; containers that hold themselves; no end", f_b3, NULL,
      NULL },
    { "B4", "integers of 255 bytes, texts of 4 GB", f_files, NULL, NULL },
    { "B5", "views that leave their storage", f_files, NULL, NULL },
    { "B6", "storages named like paths", f_files, NULL, NULL },
    { "B7", "storage sizes that differ", f_files, NULL, NULL },
    { "B8", "compressed entries", f_files, NULL,
      "nothing is inflated: what is not stored is refused by its header, so that no ratio counts" },
    { "B9", "directories that lie, overlap, wrap, hide in comments", f_files, NULL, NULL },
    { "B10", "streams of torch before 1.6, tars of torch before 0.1.10", f_b10, NULL, NULL },
    { "B11", "bytes and pickles behind the first", f_b11, NULL, NULL },
    { "B12", "weights as BF16, F16, F64, integers", f_b12, NULL, NULL },
    { "B13", "every prefix; student and teacher in one file", f_b13, NULL,
      "with both in the file the teacher is read, as the paper does; network says otherwise" },
};
#endif
