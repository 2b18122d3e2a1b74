/* Mutators that keep an input's framing valid while its content changes, so that what is fuzzed is
   behind the checksums and lengths: zip and PNG sums, safetensors and .npy header lengths, pickle
   opcodes with their operands, JSON values, rows of text. One in eight changes is to raw bytes, so
   that the framing is fuzzed too. Everything works without libFuzzer, on random changes alone. */
#ifndef PAW_TEST_FUZZ_H
#define PAW_TEST_FUZZ_H

typedef struct {
    uint8_t *p;
    size_t n, cap;
} fz_buf;

static uint64_t fz_state;
static size_t fz_below(size_t n) /* 0 for 0 */
{
    uint64_t z = (fz_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return n ? (size_t)((z ^ (z >> 31)) % n) : 0;
}
static void fz_put(fz_buf *b, const void *p, size_t n)
{
    if (!b->p || b->n + n > b->cap) {
        b->cap = 2 * (b->n + n) + 64;
        b->p = (uint8_t *)realloc(b->p, b->cap);
        if (!b->p) abort();
    }
    if (n) memmove(b->p + b->n, p, n);
    b->n += n;
}
static void fz_number(fz_buf *b, uint64_t v, int bytes, int big)
{
    int i;
    for (i = 0; i < bytes; ++i) {
        const uint8_t c = (uint8_t)(v >> 8 * (big ? bytes - 1 - i : i));
        fz_put(b, &c, 1);
    }
}
static uint64_t fz_le(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    while (bytes-- > 0) v = v << 8 | p[bytes];
    return v;
}
static void fz_free(fz_buf *b)
{
    free(b->p);
    memset(b, 0, sizeof *b);
}
/* Replaces n bytes at `at` by those at p, which are not of b. */
static void fz_splice(fz_buf *b, size_t at, size_t n, const void *p, size_t with)
{
    fz_buf out = { NULL, 0, 0 };
    fz_put(b, "", 0); /* there is a buffer */
    fz_put(&out, b->p, at);
    fz_put(&out, p, with);
    fz_put(&out, b->p + at + n, b->n - at - n);
    free(b->p);
    *b = out;
}
static uint64_t fz_odd_number(void) /* numbers at which code changes its mind */
{
    static const uint64_t some[] = { 0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 255, 256, 257, 511, 512,
        513, 1000, 4095, 4096, 32767, 32768, 65535, 65536, 65537, 0x7fffffff, 0x80000000u,
        0xffffffffu, (uint64_t)1 << 32, (uint64_t)1 << 53, INT64_MAX, (uint64_t)1 << 63,
        UINT64_MAX, UINT64_MAX / 2 + 2, UINT64_MAX / 4 + 1 };
    const uint64_t v = some[fz_below(sizeof some / sizeof some[0])];
    return fz_below(4) ? v : v + fz_below(5) - 2;
}

#ifdef FUZZ_ENGINE
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
#else
static size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most)
{
    size_t at = fz_below(size), k = 1 + fz_below(8);
    const uint64_t odd = fz_odd_number();
    switch (fz_below(5)) {
    case 0:
        if (size) data[at] ^= (uint8_t)(1u << fz_below(8));
        return size;
    case 1:
        if (size) data[at] = (uint8_t)fz_below(256);
        return size;
    case 2:
        if (k > size - at) k = size - at;
        memcpy(data + at, &odd, k);
        return size;
    case 3:
        if (k >= size - at) return size;
        memmove(data + at, data + at + k, size - at - k);
        return size - k;
    default:
        if (size + k > most) return size;
        memmove(data + at + k, data + at, size - at);
        for (; k; --k, ++size) data[at + k - 1] = (uint8_t)fz_below(256);
        return size;
    }
}
#endif
/* Any change to n bytes at `at`, which may become `room` more. */
static void fz_bytes(fz_buf *b, size_t at, size_t n, size_t room)
{
    uint8_t *p = (uint8_t *)malloc(n + room + 1);
    size_t k;
    if (!p) abort();
    if (n) memcpy(p, b->p + at, n);
    k = LLVMFuzzerMutate(p, n, n + room ? n + room : 1);
    fz_splice(b, at, n, p, k);
    free(p);
}
static void fz_raw(fz_buf *b, size_t most) { fz_bytes(b, 0, b->n, most > b->n ? most - b->n : 0); }
static size_t fz_words(const char *const *words)
{
    size_t n = 0;
    while (words && words[n]) ++n;
    return n;
}
static void fz_word(fz_buf *b, size_t from, size_t to, const char *const *words) /* puts one in */
{
    const size_t n = fz_words(words), at = from + fz_below(to - from + 1);
    const char *w = n ? words[fz_below(n)] : "";
    size_t k = fz_below(2) ? 0 : strlen(w);
    if (k > to - at) k = to - at;
    fz_splice(b, at, k, w, strlen(w));
}

/* ---- text: JSON values, rows and their fields ---- */

/* End of the JSON value at `at`, as far as brackets and quotes tell. */
static size_t fz_json_end(const fz_buf *b, size_t at, size_t to)
{
    int depth = 0, text = 0;
    for (; at < to; ++at) {
        const int c = b->p[at];
        if (text) {
            if (c == '\\') ++at;
            else text = c != '"';
        } else if (c == '"') {
            text = 1;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            if (!depth--) return at;
        } else if (c == ',' && !depth) {
            return at;
        }
    }
    return to;
}
static size_t fz_json_value(const fz_buf *b, size_t from, size_t to) /* begin of one, at random */
{
    size_t i, k = from + fz_below(to - from);
    for (i = k; i < to; ++i)
        if (strchr(":,[{", b->p[i])) return i + 1;
    return k;
}
static void fz_json(fz_buf *b, size_t from, size_t to)
{
    static const char *const values[] = { "0", "-1", "1e9", "1e400", "-0.0", "1.5", "null", "true",
        "[]", "{}", "\"\"", "\"a\"", "NaN", "-Infinity", "9007199254740992",
        "18446744073709551616", "18446744073709551615", "\"\\ud83d\\ude00\"", "\"\\u0000\"",
        "[[[[[[[[[[0]]]]]]]]]]",
        "2.2250738585072011e-308", "123456789012345678901234567890e-9", "4294967296", "16", NULL };
    char number[32];
    size_t at, n, k, m;
    if (from >= to) return;
    at = fz_json_value(b, from, to);
    n = fz_json_end(b, at, to) - at;
    k = fz_json_value(b, from, to);
    m = fz_json_end(b, k, to) - k;
    switch (fz_below(6)) {
    case 0: { /* with the comma behind it */
        fz_splice(b, at, n + (at + n < to && b->p[at + n] == ','), "", 0);
        break;
    }
    case 1: case 2: { /* another value of the text, instead or before */
        fz_buf v = { NULL, 0, 0 };
        fz_put(&v, b->p + k, m);
        if (fz_below(2)) {
            fz_put(&v, ",", 1);
            n = 0;
        }
        fz_splice(b, at, n, v.p, v.n);
        fz_free(&v);
        break;
    }
    case 3:
        snprintf(number, sizeof number, "%llu", (unsigned long long)fz_odd_number());
        fz_splice(b, at, n, number, strlen(number));
        break;
    case 4: fz_bytes(b, at, n, 32); break;
    default: {
        const char *v = values[fz_below(fz_words(values))];
        fz_splice(b, at, n, v, strlen(v));
    }
    }
}
static void fz_row(const fz_buf *b, size_t *from, size_t *to) /* a random row, newline included */
{
    size_t i = fz_below(b->n);
    for (*from = i; *from && b->p[*from - 1] != '\n'; --*from) continue;
    for (*to = i; *to < b->n && b->p[*to] != '\n'; ++*to) continue;
    if (*to < b->n) ++*to;
}
static void fz_rows(fz_buf *b, const char *const *words)
{
    fz_buf row = { NULL, 0, 0 };
    size_t from, to, at, end, i, k;
    if (!b->n) return;
    fz_row(b, &from, &to);
    fz_row(b, &at, &end);
    fz_put(&row, b->p + from, to - from);
    switch (fz_below(5)) {
    case 0: fz_splice(b, from, to - from, "", 0); break;
    case 1: fz_splice(b, at, 0, row.p, row.n); break;
    case 2: fz_splice(b, at, end - at, row.p, row.n); break;
    default: /* a field */
        for (i = from + fz_below(to - from); i > from && !strchr(" ,\t=", b->p[i - 1]);) --i;
        for (k = i; k < to && !strchr(" ,\t=\n", b->p[k]);) ++k;
        if (fz_below(3)) fz_bytes(b, i, k - i, 16);
        else fz_word(b, i, k, words);
    }
    fz_free(&row);
}

/* ---- pickle ---- */

enum { FZ_TOKENS = 8192 };
static size_t fz_line(const uint8_t *p, size_t n, size_t from)
{
    const uint8_t *q = from < n ? (const uint8_t *)memchr(p + from, '\n', n - from) : NULL;
    return q ? (size_t)(q - p) + 1 : n;
}
static int fz_prefix(int op) /* bytes of the length that stands before an operand */
{
    return op && strchr("UC\x8a\x8c", op) ? 1 : op && strchr("TXB\x8b", op) ? 4
         : op && strchr("\x8d\x8e\x96", op) ? 8 : 0;
}
static size_t fz_op(const uint8_t *p, size_t n) /* bytes of the opcode at p with its operand */
{
    const int op = p[0], w = fz_prefix(op);
    size_t k = 1;
    if (w && n > (size_t)w) {
        const uint64_t len = fz_le(p + 1, w);
        k = len < n - 1 - (size_t)w ? 1 + (size_t)w + (size_t)len : n;
    } else if (op && strchr("pgILFSVP", op)) {
        k = fz_line(p, n, 1);
    } else if (op == 'c' || op == 'i') {
        k = fz_line(p, n, fz_line(p, n, 1));
    } else if (op && strchr("Kqh\x80", op)) {
        k = 2;
    } else if (op == 'M') {
        k = 3;
    } else if (op && strchr("Jrj", op)) {
        k = 5;
    } else if (op == 'G' || op == 0x95) {
        k = 9;
    }
    return k < n ? k : n;
}
static void fz_new_op(fz_buf *out, const char *const *words) /* with an operand to match */
{
    static const char plain[] = "(012N}])tldaesuRbQ.\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93"
                                "\x94";
    const size_t n = fz_words(words);
    const char *w = n ? words[fz_below(n)] : "0";
    uint8_t op;
    switch (fz_below(8)) {
    case 0: op = 'K'; fz_put(out, &op, 1); fz_number(out, fz_below(6), 1, 0); break;
    case 1: op = 'J'; fz_put(out, &op, 1); fz_number(out, fz_odd_number(), 4, 0); break;
    case 2:
        fz_number(out, 0x8a, 1, 0);
        fz_number(out, 8, 1, 0);
        fz_number(out, fz_odd_number(), 8, 0);
        break;
    case 3: op = fz_below(2) ? 'q' : 'h'; fz_put(out, &op, 1); fz_number(out, fz_below(4), 1, 0);
        break;
    case 4: fz_put(out, "\x8c", 1); fz_number(out, strlen(w), 1, 0); fz_put(out, w, strlen(w));
        break;
    case 5: { /* any opcode with an operand of bytes, all 0 or all digits */
        uint8_t rest[9];
        memset(rest, fz_below(2) ? 0 : '1', sizeof rest);
        rest[8] = '\n';
        op = (uint8_t)fz_below(256);
        fz_put(out, &op, 1);
        fz_put(out, rest, fz_below(sizeof rest + 1));
        break;
    }
    default: fz_put(out, plain + fz_below(sizeof plain - 1), 1);
    }
}
static void fz_pickle(fz_buf *b, const char *const *words)
{
    static size_t at[FZ_TOKENS + 1];
    fz_buf piece = { NULL, 0, 0 };
    size_t n = 0, i = 0, k, m;
    while (i < b->n && n < FZ_TOKENS) {
        at[n++] = i;
        i += fz_op(b->p + i, b->n - i);
    }
    at[n] = i;
    if (!n) return;
    i = fz_below(n);
    k = fz_below(n);
    m = k + 1 + fz_below(8);
    if (m > n) m = n;
    switch (fz_below(6)) {
    case 0: fz_splice(b, at[i], at[i + 1] - at[i], "", 0); break;
    case 1:
        fz_put(&piece, b->p + at[k], at[m] - at[k]);
        fz_splice(b, at[i], 0, piece.p, piece.n);
        break;
    case 2: case 3:
        fz_new_op(&piece, words);
        fz_splice(b, at[i], fz_below(2) ? at[i + 1] - at[i] : 0, piece.p, piece.n);
        break;
    default: { /* the operand; its length follows */
        const size_t w = (size_t)fz_prefix(b->p[at[i]]), head = at[i] + 1 + w;
        const size_t before = b->n;
        int c;
        if (head > at[i + 1]) break;
        fz_bytes(b, head, at[i + 1] - head, w ? 16 : 0);
        for (c = 0; c < (int)w; ++c)
            b->p[at[i] + 1 + (size_t)c] =
                (uint8_t)((uint64_t)(at[i + 1] - head + b->n - before) >> 8 * c);
    }
    }
    fz_free(&piece);
}

/* ---- zip: entries are taken out by their headers and put into a new archive ---- */

enum { FZ_ENTRIES = 24 };
typedef struct {
    fz_buf name, data, extra;
    unsigned method, flags;
} fz_entry;
static size_t fz_unzip(const fz_buf *b, fz_entry *e)
{
    size_t at = 0, n = 0;
    while (n < FZ_ENTRIES && b->n - at >= 30 && fz_le(b->p + at, 4) == 0x04034b50u) {
        const uint8_t *h = b->p + at;
        const size_t name = (size_t)fz_le(h + 26, 2), extra = (size_t)fz_le(h + 28, 2);
        const uint8_t *x = h + 30 + name;
        size_t size = (size_t)fz_le(h + 18, 4);
        const size_t wide = size == 0xffffffffu ? 28 : 0; /* the sizes stand in the extra field */
        if (name > b->n - at - 30 || extra > b->n - at - 30 - name || extra < wide) break;
        if (wide) size = (size_t)fz_le(x + 4, 8);
        if (size > b->n - at - 30 - name - extra) break;
        memset(&e[n], 0, sizeof e[n]);
        fz_put(&e[n].name, h + 30, name);
        fz_put(&e[n].data, x + extra, size);
        e[n].method = (unsigned)fz_le(h + 8, 2);
        e[n++].flags = (unsigned)fz_le(h + 6, 2);
        at += 30 + name + extra + size;
    }
    return n;
}
static void fz_zip_head(fz_buf *b, const fz_entry *e, int wide)
{
    const size_t size = wide ? 0xffffffffu : e->data.n;
    fz_number(b, e->flags, 2, 0);
    fz_number(b, e->method, 2, 0);
    fz_number(b, 0, 4, 0);
    fz_number(b, paw__crc32(e->data.p, e->data.n), 4, 0);
    fz_number(b, size, 4, 0);
    fz_number(b, size, 4, 0);
    fz_number(b, e->name.n, 2, 0);
    fz_number(b, e->extra.n + (wide ? 28 : 0), 2, 0);
}
static void fz_zip_extra(fz_buf *b, const fz_entry *e, size_t header, int wide)
{
    if (wide) {
        fz_put(b, "\1\0\30", 4);
        fz_number(b, e->data.n, 8, 0);
        fz_number(b, e->data.n, 8, 0);
        fz_number(b, header, 8, 0);
    }
    fz_put(b, e->extra.p, e->extra.n);
}
/* zip64: 0 none; 1 its end records beside small ones; 2 the small ones saturated; 3 sizes and
   offsets of the entries too */
static void fz_rezip(fz_buf *b, const fz_entry *e, size_t n, int zip64)
{
    size_t header[FZ_ENTRIES], dir, i;
    b->n = 0;
    for (i = 0; i < n; ++i) {
        header[i] = b->n;
        fz_put(b, "PK\3\4\0\0", 6);
        fz_zip_head(b, &e[i], zip64 == 3);
        fz_put(b, e[i].name.p, e[i].name.n);
        fz_zip_extra(b, &e[i], header[i], zip64 == 3);
        fz_put(b, e[i].data.p, e[i].data.n);
    }
    dir = b->n;
    for (i = 0; i < n; ++i) {
        fz_put(b, "PK\1\2\0\0\0\0", 8);
        fz_zip_head(b, &e[i], zip64 == 3);
        fz_number(b, 0, 8, 0);
        fz_number(b, 0, 2, 0);
        fz_number(b, zip64 == 3 ? 0xffffffffu : header[i], 4, 0);
        fz_put(b, e[i].name.p, e[i].name.n);
        fz_zip_extra(b, &e[i], header[i], zip64 == 3);
    }
    i = b->n;
    if (zip64) {
        fz_put(b, "PK\6\6", 4);
        fz_number(b, 44, 8, 0);
        fz_number(b, 0, 8, 0);
        fz_number(b, 0, 4, 0);
        fz_number(b, n, 8, 0);
        fz_number(b, n, 8, 0);
        fz_number(b, i - dir, 8, 0);
        fz_number(b, dir, 8, 0);
        fz_put(b, "PK\6\7\0\0\0\0", 8);
        fz_number(b, i, 8, 0);
        fz_number(b, 1, 4, 0);
    }
    fz_put(b, "PK\5\6\0\0\0\0", 8);
    fz_number(b, zip64 > 1 ? 0xffff : n, 2, 0);
    fz_number(b, zip64 > 1 ? 0xffff : n, 2, 0);
    fz_number(b, zip64 > 1 ? 0xffffffffu : i - dir, 4, 0);
    fz_number(b, zip64 > 1 ? 0xffffffffu : dir, 4, 0);
    fz_number(b, 0, 2, 0);
}
static void fz_zip_change(fz_entry *e, size_t *n, const char *const *words)
{
    const size_t i = fz_below(*n), k = fz_below(*n);
    fz_entry *x = &e[i];
    const int pickle = x->data.n > 1 && x->data.p[0] == 0x80;
    switch (fz_below(12)) {
    case 0: fz_bytes(&x->name, 0, x->name.n, 8); break;
    case 1: fz_bytes(&x->extra, 0, x->extra.n, 40); break;
    case 2: x->method = (unsigned)fz_below(3) * 4; break;
    case 3: x->flags ^= 1u << fz_below(16); break;
    case 4: { /* one less, or one more */
        fz_entry y = e[*n - 1];
        if (fz_below(2) && *n > 1) {
            e[*n - 1] = *x;
            e[i] = y;
            --*n;
            fz_free(&e[*n].name);
            fz_free(&e[*n].data);
            fz_free(&e[*n].extra);
        } else if (*n < FZ_ENTRIES) {
            memset(&e[*n], 0, sizeof e[*n]);
            fz_put(&e[*n].name, x->name.p, x->name.n);
            fz_put(&e[*n].data, e[k].data.p, e[k].data.n);
            fz_bytes(&e[*n].name, 0, e[*n].name.n, 4);
            ++*n;
        }
        break;
    }
    default:
        if (pickle) fz_pickle(&x->data, words);
        else fz_bytes(&x->data, 0, x->data.n, 64);
    }
}
static int fz_zip(fz_buf *b, const char *const *words) /* 0: not a zip */
{
    static fz_entry e[FZ_ENTRIES];
    size_t n = fz_unzip(b, e), i;
    if (!n) return 0;
    fz_zip_change(e, &n, words);
    fz_rezip(b, e, n, fz_below(6) ? 0 : 1 + (int)fz_below(3));
    for (i = 0; i < n; ++i) {
        fz_free(&e[i].name);
        fz_free(&e[i].data);
        fz_free(&e[i].extra);
    }
    return 1;
}

/* ---- safetensors, .npy ---- */

static int fz_safetensors(fz_buf *b, const char *const *words)
{
    uint64_t n = b->n >= 8 ? fz_le(b->p, 8) : 0, most = 0;
    size_t i;
    if (b->n < 8 || n > b->n - 8) return 0;
    if (fz_below(8)) {
        const size_t before = b->n;
        if (fz_below(4)) fz_json(b, 8, 8 + (size_t)n);
        else fz_word(b, 8, 8 + (size_t)n, words);
        n += b->n - before;
        for (i = 0; i < 8; ++i) b->p[i] = (uint8_t)(n >> 8 * i);
    } else {
        fz_bytes(b, 8 + (size_t)n, b->n - 8 - (size_t)n, 16);
    }
    if (fz_below(4)) return 1;
    for (i = 8; i + 1 < 8 + n; ++i) { /* as many bytes of data as the largest number before a ] */
        uint64_t v = 0;
        for (; i < 8 + n && b->p[i] >= '0' && b->p[i] <= '9' && v < 100000; ++i)
            v = v * 10 + (uint64_t)(b->p[i] - '0');
        if (i < 8 + n && b->p[i] == ']' && v > most && v < 4096) most = v;
    }
    b->n = 8 + (size_t)n;
    for (; most; --most) fz_put(b, "\0", 1);
    return 1;
}
static int fz_npy(fz_buf *b, const char *const *words)
{
    size_t wide, n, before = b->n;
    if (b->n < 12) return 0;
    wide = b->p[6] == 1 ? 2 : 4;
    n = (size_t)fz_le(b->p + 8, (int)wide);
    if (n > b->n - 8 - wide) return 0;
    if (!fz_below(6)) {
        fz_bytes(b, 8 + wide + n, b->n - 8 - wide - n, 32);
        return 1;
    }
    if (fz_below(2)) fz_bytes(b, 8 + wide, n, 8);
    else fz_word(b, 8 + wide, 8 + wide + n, words);
    n += b->n - before;
    b->p[8] = (uint8_t)n;
    b->p[9] = (uint8_t)(n >> 8);
    return 1;
}

/* ---- images ---- */

typedef struct {
    uint8_t type[4];
    fz_buf data;
} fz_chunk;
enum { FZ_CHUNKS = 32 };

static void fz_deflate(fz_buf *out, const uint8_t *p, size_t n) /* stored, not packed */
{
    uint32_t a = 1, b = 0;
    size_t i, k;
    fz_put(out, "\x78\x01", 2);
    do {
        k = n < 65535 ? n : 65535;
        fz_number(out, k == n, 1, 0);
        fz_number(out, k, 2, 0);
        fz_number(out, ~(uint64_t)k, 2, 0);
        fz_put(out, p, k);
        for (i = 0; i < k; ++i) {
            a = (a + p[i]) % 65521;
            b = (b + a) % 65521;
        }
        p += k;
        n -= k;
    } while (n);
    fz_number(out, (uint64_t)b << 16 | a, 4, 1);
}
/* Unpacks the image data, changes a row filter or samples, and stores it again. */
static void fz_png_samples(fz_chunk *x)
{
    fz_buf raw = { NULL, 0, 0 };
    int n = 0;
    char *p = stbi_zlib_decode_malloc((const char *)x->data.p, (int)x->data.n, &n);
    if (!p || n > 65536) n = 0;
    fz_put(&raw, p, (size_t)n);
    if (p) stbi_image_free(p);
    fz_bytes(&raw, 0, raw.n, 64);
    x->data.n = 0;
    fz_deflate(&x->data, raw.p, raw.n);
    fz_free(&raw);
}
static size_t fz_png_read(const fz_buf *b, fz_chunk *x)
{
    size_t at = 8, n = 0;
    while (n < FZ_CHUNKS && b->n > at && b->n - at >= 12) {
        const size_t len = paw__be32(b->p + at);
        if (len > b->n - at - 12) break;
        memset(&x[n], 0, sizeof x[n]);
        memcpy(x[n].type, b->p + at + 4, 4);
        fz_put(&x[n++].data, b->p + at + 8, len);
        at += 12 + len;
    }
    return n;
}
static void fz_png_change(fz_chunk *x, size_t *n)
{
    static const char types[] = "IHDRPLTEIDATIENDtRNStEXtABCD";
    fz_chunk *c = &x[fz_below(*n)], *d = &x[fz_below(*n)], t = *c;
    size_t k;
    switch (fz_below(8)) {
    case 0: /* header: sides, depth, type, interlace */
        if (x[0].data.n < 13) break;
        k = fz_below(5);
        if (k < 2) x[0].data.p[3 + 4 * k] = (uint8_t)fz_below(40);
        else if (k == 2) x[0].data.p[8] = (uint8_t)(1u << fz_below(5));
        else x[0].data.p[k == 3 ? 9 : 12] = (uint8_t)fz_below(k == 3 ? 7 : 2);
        break;
    case 1: memcpy(c->type, types + 4 * fz_below(sizeof types / 4), 4); break;
    case 2:
        *c = *d;
        *d = t;
        break;
    case 3: /* split in two */
        if (*n == FZ_CHUNKS) break;
        memmove(c + 1, c, (size_t)(x + *n - c) * sizeof *c);
        ++*n;
        memset(&c[1].data, 0, sizeof c[1].data);
        k = fz_below(c->data.n + 1);
        fz_put(&c[1].data, c->data.p + k, c->data.n - k);
        c->data.n = k;
        break;
    case 4:
        if (*n < 2) break;
        fz_free(&c->data);
        memmove(c, c + 1, (size_t)(x + *n - c - 1) * sizeof *c);
        --*n;
        break;
    default:
        if (!memcmp(c->type, "IDAT", 4) && fz_below(4)) fz_png_samples(c);
        else fz_bytes(&c->data, 0, c->data.n, 16);
    }
}
static void fz_png_write(fz_buf *b, fz_chunk *x, size_t n)
{
    size_t i;
    b->n = 0;
    fz_put(b, paw__png_signature, 8);
    for (i = 0; i < n; ++i) {
        fz_number(b, x[i].data.n, 4, 1);
        fz_put(b, x[i].type, 4);
        fz_put(b, x[i].data.p, x[i].data.n);
        fz_number(b, paw__crc32(b->p + b->n - x[i].data.n - 4, x[i].data.n + 4), 4, 1);
        fz_free(&x[i].data);
    }
}
/* A segment of a JPEG, its length with it; the coded data as bytes. */
static int fz_jpeg(fz_buf *b)
{
    size_t at[64], n = 0, i = 2, k, before = b->n;
    while (n < 64 && i + 4 <= b->n && b->p[i] == 0xff) {
        k = (size_t)b->p[i + 2] << 8 | b->p[i + 3];
        if (k < 2 || k > b->n - i - 2) break;
        at[n++] = i;
        i += 2 + k;
        if (b->p[at[n - 1] + 1] == 0xda) break;
    }
    if (!n) return 0;
    k = fz_below(n + 1);
    if (k == n) { /* what follows the last */
        fz_bytes(b, i, b->n - i, 32);
        return 1;
    }
    i = at[k];
    k = (size_t)b->p[i + 2] << 8 | b->p[i + 3];
    fz_bytes(b, i + 4, k - 2, 8);
    k += b->n - before;
    b->p[i + 2] = (uint8_t)(k >> 8);
    b->p[i + 3] = (uint8_t)k;
    return 1;
}
static int fz_image(fz_buf *b)
{
    static fz_chunk x[FZ_CHUNKS];
    size_t n = b->n >= 8 && b->p[0] == 137 ? fz_png_read(b, x) : 0;
    if (b->n >= 8 && b->p[0] == 0xff) return fz_jpeg(b);
    if (!n) return 0;
    fz_png_change(x, &n);
    fz_png_write(b, x, n);
    return 1;
}
#endif
