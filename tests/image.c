#define _XOPEN_SOURCE 700
/* Images: PNG of every kind against its samples, JPEG built by hand, hostile files, resize against
   plain double arithmetic, crops, and Pillow's own results where ../shared is. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "t.h"
#include <fenv.h>
#include <unistd.h>

static paw_ctx *ctx;

static paw_ctx *context(int threads, uint64_t max_pixels)
{
    paw_config cfg;
    paw_ctx *c = NULL;
    memset(&cfg, 0, sizeof cfg);
    cfg.threads = threads;
    cfg.max_pixels = max_pixels;
    if (paw_create(&cfg, &c)) abort();
    return c;
}

/* ---- a PNG writer: stored blocks, checksums computed bit by bit ---- */

typedef struct {
    uint8_t *p;
    size_t n, cap;
} bytes;
static void put(bytes *b, const void *p, size_t n)
{
    if (b->n + n > b->cap) {
        b->cap = (b->n + n) * 2;
        b->p = (uint8_t *)realloc(b->p, b->cap);
        if (!b->p) abort();
    }
    if (n) memcpy(b->p + b->n, p, n);
    b->n += n;
}
static void put8(bytes *b, unsigned v)
{
    const uint8_t x = (uint8_t)v;
    put(b, &x, 1);
}
static void put16(bytes *b, unsigned v)
{
    put8(b, v >> 8 & 255);
    put8(b, v & 255);
}
static void put32(bytes *b, uint32_t v)
{
    put16(b, v >> 16);
    put16(b, v & 65535);
}
static uint32_t crc_of(const uint8_t *p, size_t n)
{
    uint32_t x = 0xffffffffu;
    int k;
    for (; n; --n) {
        x ^= *p++;
        for (k = 0; k < 8; ++k) x = x & 1 ? x >> 1 ^ 0xedb88320u : x >> 1;
    }
    return ~x;
}
static void put_chunk(bytes *b, const char *type, const void *p, size_t n)
{
    const size_t at = b->n + 4;
    put32(b, (uint32_t)n);
    put(b, type, 4);
    put(b, p, n);
    put32(b, crc_of(b->p + at, n + 4));
}
static void deflate_stored(bytes *b, const uint8_t *p, size_t n)
{
    uint32_t s = 1, t = 0;
    size_t i = 0;
    put16(b, 0x7801);
    do {
        const size_t k = n - i < 65535 ? n - i : 65535;
        put8(b, i + k == n);
        put8(b, k & 255);
        put8(b, (unsigned)(k >> 8));
        put8(b, ~k & 255);
        put8(b, (unsigned)(~k >> 8 & 255));
        put(b, p + i, k);
        i += k;
    } while (i < n);
    for (i = 0; i < n; ++i) {
        s = (s + p[i]) % 65521;
        t = (t + s) % 65521;
    }
    put32(b, t << 16 | s);
}

typedef struct {
    int w, h, depth, type, interlaced, filter; /* filter -1: all in turn */
    int colours, split;                        /* split: bytes of an IDAT chunk, 0: one chunk */
    const uint8_t *palette;
    const uint16_t *samples; /* [h, w, channels] */
} picture;
static int channels_of(int type)
{
    return type == 2 ? 3 : type == 6 ? 4 : type == 4 ? 2 : 1;
}
static uint8_t predict(int filter, int a, int b, int c)
{
    const int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    if (filter == 1) return (uint8_t)a;
    if (filter == 2) return (uint8_t)b;
    if (filter == 3) return (uint8_t)((a + b) / 2);
    if (filter == 4) return (uint8_t)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
    return 0;
}
/* Every dx-th column from x0 of every dy-th row from y0, packed and filtered. */
static void put_pass(bytes *b, const picture *g, int x0, int y0, int dx, int dy)
{
    const int ch = channels_of(g->type), bpp = ch * g->depth < 8 ? 1 : ch * g->depth / 8;
    const int cols = g->w > x0 ? (g->w - x0 + dx - 1) / dx : 0;
    const int n = (cols * ch * g->depth + 7) / 8;
    uint8_t *row = (uint8_t *)calloc((size_t)n + 1, 1), *up = (uint8_t *)calloc((size_t)n + 1, 1);
    int x, y, k, i, turn = 0;
    if (!row || !up) abort();
    for (y = y0; y < g->h && cols; y += dy, ++turn) {
        const int filter = g->filter < 0 ? turn % 5 : g->filter;
        memset(row, 0, (size_t)n);
        for (x = x0, i = 0; x < g->w; x += dx)
            for (k = 0; k < ch; ++k, ++i) {
                const unsigned v = g->samples[(y * g->w + x) * ch + k];
                const int bit = i * g->depth;
                if (g->depth == 16) row[2 * i] = (uint8_t)(v >> 8);
                if (g->depth >= 8) row[i * g->depth / 8 + (g->depth == 16)] = (uint8_t)v;
                else row[bit / 8] = (uint8_t)(row[bit / 8] | v << (8 - g->depth - bit % 8));
            }
        put8(b, (unsigned)filter);
        for (i = 0; i < n; ++i)
            put8(b, (unsigned)(row[i] - predict(filter, i < bpp ? 0 : row[i - bpp], up[i],
                                                i < bpp ? 0 : up[i - bpp])) & 255);
        memcpy(up, row, (size_t)n);
    }
    free(row);
    free(up);
}
static bytes png_of(const picture *g)
{
    static const int adam7[7][4] = { { 0, 0, 8, 8 }, { 4, 0, 8, 8 }, { 0, 4, 4, 8 },
                                     { 2, 0, 4, 4 }, { 0, 2, 2, 4 }, { 1, 0, 2, 2 },
                                     { 0, 1, 1, 2 } };
    bytes out = { NULL, 0, 0 }, head = { NULL, 0, 0 }, raw = { NULL, 0, 0 }, z = { NULL, 0, 0 };
    size_t i;
    int k;
    put(&out, "\x89PNG\r\n\x1a\n", 8);
    put32(&head, (uint32_t)g->w);
    put32(&head, (uint32_t)g->h);
    put8(&head, (unsigned)g->depth);
    put8(&head, (unsigned)g->type);
    put16(&head, 0);
    put8(&head, (unsigned)g->interlaced);
    put_chunk(&out, "IHDR", head.p, head.n);
    put_chunk(&out, "tEXt", "k\0v", 3);
    if (g->colours) put_chunk(&out, "PLTE", g->palette, (size_t)g->colours * 3);
    if (g->samples && !g->interlaced) put_pass(&raw, g, 0, 0, 1, 1);
    for (k = 0; g->samples && g->interlaced && k < 7; ++k)
        put_pass(&raw, g, adam7[k][0], adam7[k][1], adam7[k][2], adam7[k][3]);
    deflate_stored(&z, raw.p, raw.n);
    for (i = 0; i < z.n; i += (size_t)g->split) {
        if (!g->split) {
            put_chunk(&out, "IDAT", z.p, z.n);
            break;
        }
        put_chunk(&out, "IDAT", z.p + i, z.n - i < (size_t)g->split ? z.n - i : (size_t)g->split);
    }
    put_chunk(&out, "IEND", "", 0);
    free(head.p);
    free(raw.p);
    free(z.p);
    return out;
}

/* ---- PNG ---- */

static uint8_t palette[768];
static uint16_t *random_samples(int w, int h, int type, int depth, int colours)
{
    const size_t n = (size_t)(w * h * channels_of(type));
    uint16_t *s = (uint16_t *)malloc(n * sizeof *s + 1);
    const unsigned top = type == 3 ? (unsigned)colours : 1u << depth;
    size_t i;
    if (!s) abort();
    for (i = 0; i < n; ++i) s[i] = (uint16_t)(t_random() % top);
    return s;
}
/* What Pillow's convert("RGB") gives for one pixel. */
static void expected(const picture *g, int i, uint8_t rgb[3])
{
    const uint16_t *s = g->samples + i * channels_of(g->type);
    int k;
    for (k = 0; k < 3; ++k) {
        if (g->type == 3) rgb[k] = palette[s[0] * 3 + k];
        else if (g->type == 2 || g->type == 6)
            rgb[k] = (uint8_t)(g->depth == 16 ? s[k] >> 8 : s[k]);
        else if (g->type == 4) rgb[k] = (uint8_t)(g->depth == 16 ? s[0] >> 8 : s[0]);
        else if (g->depth == 16) rgb[k] = (uint8_t)(s[0] > 255 ? 255 : s[0]);
        else rgb[k] = (uint8_t)(s[0] * (255 / ((1 << g->depth) - 1)));
    }
}
static void check_png(const picture *g)
{
    bytes b = png_of(g);
    const int is_mask = g->type == 0 || g->type == 3;
    int i, wrong = 0;
    paw_image img;
    paw_mask mask;
    uint8_t rgb[3];
    paw_err e = paw_image_decode(ctx, b.p, b.n, "made", &img);
    if (T(!e && img.w == g->w && img.h == g->h, "type %d depth %d %d x %d: %d %s", g->type,
          g->depth, g->w, g->h, e, paw_message(ctx))) {
        for (i = 0; i < g->w * g->h; ++i) {
            expected(g, i, rgb);
            wrong += memcmp(rgb, img.px + 3 * i, 3) != 0;
        }
        T(!wrong, "type %d depth %d interlaced %d filter %d: %d pixels differ", g->type, g->depth,
          g->interlaced, g->filter, wrong);
        paw_image_free(ctx, &img);
        T(!img.px && !img.w, "freed image is empty");
    }
    e = paw_mask_decode(ctx, b.p, b.n, "made", &mask);
    T(e == (is_mask ? PAW_OK : PAW_E_SHAPE), "mask of type %d: %d", g->type, e);
    if (!e) {
        for (i = wrong = 0; i < g->w * g->h; ++i) wrong += mask.px[i] != g->samples[i];
        T(!wrong, "mask depth %d: %d labels differ", g->depth, wrong);
        paw_mask_free(ctx, &mask);
    }
    free(b.p);
}
static void test_png_kinds(void)
{
    static const int kinds[15][2] = { { 0, 1 }, { 0, 2 }, { 0, 4 },  { 0, 8 }, { 0, 16 },
                                      { 2, 8 }, { 2, 16 }, { 3, 1 }, { 3, 2 }, { 3, 4 },
                                      { 3, 8 }, { 4, 8 }, { 4, 16 }, { 6, 8 }, { 6, 16 } };
    static const int sizes[4][2] = { { 1, 1 }, { 3, 2 }, { 13, 17 }, { 40, 9 } };
    size_t k, s;
    int i;
    for (i = 0; i < 768; ++i) palette[i] = (uint8_t)t_random();
    for (k = 0; k < 15; ++k)
        for (s = 0; s < 4; ++s)
            for (i = 0; i < 7; ++i) {
                picture g;
                uint16_t *samples;
                memset(&g, 0, sizeof g);
                g.type = kinds[k][0];
                g.depth = kinds[k][1];
                g.w = sizes[s][0];
                g.h = sizes[s][1];
                g.interlaced = i == 6;
                g.filter = i < 5 ? i : -1;
                g.split = i == 5 ? 1 : 0;
                g.colours = g.type == 3 ? (g.depth == 8 ? 200 : 1 << g.depth) : 0;
                g.palette = palette;
                samples = random_samples(g.w, g.h, g.type, g.depth, g.colours);
                g.samples = samples;
                check_png(&g);
                free(samples);
            }
}
static picture small_picture(int type, const uint16_t *samples)
{
    picture g;
    memset(&g, 0, sizeof g);
    g.w = 9;
    g.h = 7;
    g.depth = 8;
    g.type = type;
    g.filter = -1;
    g.colours = type == 3 ? 5 : 0;
    g.palette = palette;
    g.samples = samples;
    return g;
}
/* Message is one line that names the file. */
static int message_ok(const char *name)
{
    const char *m = paw_message(ctx);
    return strstr(m, name) && !strchr(m, '\n');
}
static void check_bad(bytes *b, paw_err image, paw_err mask, const char *what)
{
    paw_image img = { (uint8_t *)palette, 1, 2 };
    paw_mask m = { NULL, 3, 4 };
    paw_err e = paw_image_decode(ctx, b->p, b->n, "evil", &img);
    T(e == image && (!e || message_ok("evil")), "%s: image %d %s", what, e, paw_message(ctx));
    if (!e) paw_image_free(ctx, &img);
    else T(img.px == palette && img.w == 1 && img.h == 2, "%s: output touched", what);
    e = paw_mask_decode(ctx, b->p, b->n, "evil", &m);
    T(e == mask && (!e || message_ok("evil")), "%s: mask %d %s", what, e, paw_message(ctx));
    if (!e) paw_mask_free(ctx, &m);
    else T(!m.px && m.w == 3 && m.h == 4, "%s: output touched", what);
}
/* A PNG with the given header and a handful of data. */
static bytes png_header(uint32_t w, uint32_t h, unsigned depth, unsigned type, unsigned interlace)
{
    bytes out = { NULL, 0, 0 }, head = { NULL, 0, 0 }, z = { NULL, 0, 0 };
    put(&out, "\x89PNG\r\n\x1a\n", 8);
    put32(&head, w);
    put32(&head, h);
    put8(&head, depth);
    put8(&head, type);
    put16(&head, 0);
    put8(&head, interlace);
    put_chunk(&out, "IHDR", head.p, head.n);
    deflate_stored(&z, head.p, head.n);
    put_chunk(&out, "IDAT", z.p, z.n);
    put_chunk(&out, "IEND", "", 0);
    free(head.p);
    free(z.p);
    return out;
}
static void test_png_headers(void)
{
    static const struct {
        uint32_t w, h;
        unsigned depth, type, interlace;
        paw_err e;
    } rows[] = { { 0, 5, 8, 2, 0, PAW_E_FORMAT },         { 5, 0, 8, 2, 0, PAW_E_FORMAT },
                 { 5, 5, 3, 0, 0, PAW_E_FORMAT },         { 5, 5, 4, 2, 0, PAW_E_FORMAT },
                 { 5, 5, 16, 3, 0, PAW_E_FORMAT },        { 5, 5, 8, 1, 0, PAW_E_FORMAT },
                 { 5, 5, 8, 7, 0, PAW_E_FORMAT },         { 5, 5, 8, 0, 2, PAW_E_FORMAT },
                 { 20000, 20000, 8, 0, 0, PAW_E_LIMIT },  { 2000000, 1, 8, 0, 0, PAW_E_LIMIT },
                 { 0x80000000u, 1, 8, 0, 0, PAW_E_FORMAT }, { 9000, 9000, 8, 0, 1, PAW_E_FORMAT },
                 { 5, 5, 8, 3, 0, PAW_E_FORMAT } };
    size_t i;
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        bytes b = png_header(rows[i].w, rows[i].h, rows[i].depth, rows[i].type, rows[i].interlace);
        char what[32];
        snprintf(what, sizeof what, "header %d", (int)i);
        check_bad(&b, rows[i].e, rows[i].e, what);
        free(b.p);
    }
}
static void test_png_damage(void)
{
    uint16_t *s = random_samples(9, 7, 0, 8, 0);
    picture g = small_picture(0, s);
    bytes b = png_of(&g), cut;
    size_t i;
    int ok = 1, masks = 1;
    paw_image img;
    paw_mask m;
    for (i = 0; i < b.n; ++i) { /* every length; the copy is exact so that an overread is seen */
        cut.p = (uint8_t *)malloc(i + 1);
        cut.n = i;
        if (!cut.p) abort();
        memcpy(cut.p, b.p, i);
        ok &= paw_image_decode(ctx, cut.p, cut.n, "cut", &img) == PAW_E_FORMAT;
        masks &= paw_mask_decode(ctx, cut.p, cut.n, "cut", &m) == PAW_E_FORMAT;
        free(cut.p);
    }
    T(ok && masks, "every truncation is refused");
    for (i = 0, masks = 1; i < b.n; ++i) { /* every byte of a mask is under a checksum */
        b.p[i] = (uint8_t)(b.p[i] ^ 1u << (i % 8));
        if (!paw_image_decode(ctx, b.p, b.n, "flip", &img)) paw_image_free(ctx, &img);
        if (!paw_mask_decode(ctx, b.p, b.n, "flip", &m)) {
            masks = 0;
            paw_mask_free(ctx, &m);
        }
        b.p[i] = (uint8_t)(b.p[i] ^ 1u << (i % 8));
    }
    T(masks, "every changed byte of a mask is found");
    b.p[b.n - 20] ^= 1; /* the data's checksum: an image is read, as Pillow does */
    check_bad(&b, PAW_OK, PAW_E_FORMAT, "checksum");
    put(&b, "tail", 4);
    b.p[b.n - 24] ^= 1;
    check_bad(&b, PAW_OK, PAW_OK, "bytes after the end");
    free(b.p);
    s[30] = 5; /* the palette has 0 to 4 */
    for (i = 0; i < 63; ++i)
        if (i != 30) s[i] %= 5;
    g = small_picture(3, s);
    b = png_of(&g);
    check_bad(&b, PAW_E_FORMAT, PAW_E_FORMAT, "index beyond the palette");
    free(b.p);
    g = small_picture(3, s);
    g.colours = 0;
    b = png_of(&g);
    check_bad(&b, PAW_E_FORMAT, PAW_E_FORMAT, "no palette");
    free(b.p);
    g = small_picture(0, s);
    g.filter = 5;
    b = png_of(&g);
    check_bad(&b, PAW_E_FORMAT, PAW_E_FORMAT, "filter 5");
    free(b.p);
    free(s);
}
/* Too much, too little and far too much data for the size in the header. */
static void test_png_bombs(void)
{
    static uint8_t zeros[100000];
    bytes out = { NULL, 0, 0 }, z = { NULL, 0, 0 };
    const size_t lengths[4] = { 11, 13, 0, sizeof zeros };
    size_t i, head;
    put(&out, "\x89PNG\r\n\x1a\n", 8);
    put_chunk(&out, "IHDR", "\0\0\0\3\0\0\0\3\10\0\0\0\0", 13);
    head = out.n;
    for (i = 0; i < 4; ++i) { /* 3 x 3 needs 12 */
        out.n = head;
        z.n = 0;
        deflate_stored(&z, zeros, lengths[i]);
        put_chunk(&out, "IDAT", z.p, z.n);
        put_chunk(&out, "IEND", "", 0);
        check_bad(&out, PAW_E_FORMAT, PAW_E_FORMAT, "data size");
    }
    out.n = head;
    put_chunk(&out, "IEND", "", 0);
    check_bad(&out, PAW_E_FORMAT, PAW_E_FORMAT, "no data");
    out.n = head;
    put_chunk(&out, "IDAT", "\x78\x9c\xff\xff\xff", 5);
    put_chunk(&out, "IEND", "", 0);
    check_bad(&out, PAW_E_FORMAT, PAW_E_FORMAT, "not deflate");
    out.n = head;
    put_chunk(&out, "EVIL", "", 0);
    check_bad(&out, PAW_E_UNSUP, PAW_E_UNSUP, "critical chunk");
    free(out.p);
    free(z.p);
}

/* ---- JPEG: grey blocks of one level each ---- */

static void put_bits(bytes *b, uint32_t *acc, int *have, unsigned v, int n)
{
    *acc = *acc << n | (v & ((1u << n) - 1));
    for (*have += n; *have >= 8; *have -= 8) {
        put8(b, *acc >> (*have - 8) & 255);
        if ((*acc >> (*have - 8) & 255) == 255) put8(b, 0);
    }
}
static void put_segment(bytes *b, unsigned marker, const void *p, size_t n)
{
    put16(b, 0xff00 | marker);
    put16(b, (unsigned)n + 2);
    put(b, p, n);
}
/* level [h / 8, w / 8] in 0..255. DC codes: category k of 0..8 is k in 4 bits; AC: end of block
   is 0 in 1 bit. */
static bytes jpeg_of(int w, int h, const int *level, const char *comment, size_t scans)
{
    static const uint8_t dc[] = { 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                  0, 1, 2, 3, 4, 5, 6, 7, 8 };
    static const uint8_t ac[] = { 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    uint8_t quant[65], frame[9] = { 8, 0, 0, 0, 0, 1, 1, 0x11, 0 };
    bytes b = { NULL, 0, 0 };
    memset(quant, 8, sizeof quant);
    quant[0] = 0;
    frame[1] = (uint8_t)(h >> 8);
    frame[2] = (uint8_t)h;
    frame[3] = (uint8_t)(w >> 8);
    frame[4] = (uint8_t)w;
    put16(&b, 0xffd8);
    if (comment) put_segment(&b, 0xe1, comment, strlen(comment));
    put_segment(&b, 0xdb, quant, sizeof quant);
    put_segment(&b, 0xc4, dc, sizeof dc);
    put_segment(&b, 0xc4, ac, sizeof ac);
    put_segment(&b, 0xc0, frame, sizeof frame);
    for (; scans; --scans) {
        uint32_t acc = 0;
        int have = 0, i, last = 128;
        put_segment(&b, 0xda, "\1\1\0\0\77\0", 6);
        for (i = 0; level && i < w / 8 * (h / 8); ++i) {
            const int d = level[i] - last;
            int k = 0;
            while (abs(d) >> k) ++k;
            put_bits(&b, &acc, &have, (unsigned)k, 4);
            if (k) put_bits(&b, &acc, &have, (unsigned)(d < 0 ? d + (1 << k) - 1 : d), k);
            put_bits(&b, &acc, &have, 0, 1);
            last = level[i];
        }
        if (have) put_bits(&b, &acc, &have, 127, 8 - have);
    }
    put16(&b, 0xffd9);
    return b;
}
static void test_jpeg(void)
{
    enum { W = 40, H = 24 };
    int level[W / 8 * (H / 8)], i, x, y, wrong = 0;
    bytes b;
    paw_image img;
    paw_err e;
    for (i = 0; i < W / 8 * (H / 8); ++i) level[i] = (int)(t_random() % 256);
    level[0] = 255;
    level[1] = 0;
    b = jpeg_of(W, H, level, "a thumbnail \xff\xd8\xff\xd9 inside", 1);
    e = paw_image_decode(ctx, b.p, b.n, "made.png", &img); /* by content, not by name */
    if (T(!e && img.w == W && img.h == H, "jpeg: %s", paw_message(ctx))) {
        for (y = 0; y < H; ++y)
            for (x = 0; x < W; ++x)
                for (i = 0; i < 3; ++i)
                    wrong += img.px[(y * W + x) * 3 + i] != level[y / 8 * (W / 8) + x / 8];
        T(!wrong, "jpeg: %d bytes differ", wrong);
        paw_image_free(ctx, &img);
    }
    for (i = 2; (size_t)i < b.n; ++i) {
        uint8_t *cut = (uint8_t *)malloc((size_t)i);
        if (!cut) abort();
        memcpy(cut, b.p, (size_t)i);
        e = paw_image_decode(ctx, cut, (size_t)i, "cut.jpg", &img);
        if (!e) paw_image_free(ctx, &img);
        if (e != PAW_E_FORMAT) break;
        free(cut);
    }
    T((size_t)i == b.n, "jpeg cut at %d of %zu is refused", i, b.n);
    put(&b, "\0\0trailing \xff\xd8 bytes", 18);
    check_bad(&b, PAW_OK, PAW_E_FORMAT, "jpeg with a tail");
    for (i = 2, wrong = 0; (size_t)i < b.n; ++i) { /* damage adds up: an answer, whichever */
        b.p[i] ^= (uint8_t)(1u << (t_random() % 8));
        e = paw_image_decode(ctx, b.p, b.n, "flip", &img);
        if (!e) paw_image_free(ctx, &img);
        wrong += e && e != PAW_E_FORMAT && e != PAW_E_LIMIT && e != PAW_E_UNSUP;
    }
    T(!wrong, "changed jpegs: %d other answers", wrong);
    free(b.p);
}
static void test_jpeg_hostile(void)
{
    static uint8_t table[17 + 4080];
    bytes b = jpeg_of(65496, 65496, NULL, NULL, 1);
    size_t at;
    check_bad(&b, PAW_E_LIMIT, PAW_E_FORMAT, "jpeg of 65496 x 65496");
    free(b.p);
    b = jpeg_of(4096, 4096, NULL, NULL, 600);
    check_bad(&b, PAW_E_LIMIT, PAW_E_FORMAT, "jpeg of 600 scans");
    free(b.p);
    memset(table + 1, 255, 16); /* 4080 codes: past the decoder's tables */
    b.p = NULL;
    b.n = b.cap = 0;
    put16(&b, 0xffd8);
    put_segment(&b, 0xc4, table, sizeof table);
    put16(&b, 0xffd9);
    check_bad(&b, PAW_E_FORMAT, PAW_E_FORMAT, "jpeg with 4080 codes");
    free(b.p);
    b = jpeg_of(8, 8, NULL, NULL, 1);
    for (at = 2; b.p[at + 1] != 0xc0; ++at) {}
    b.p[at + 1] = 0xc9;
    check_bad(&b, PAW_E_UNSUP, PAW_E_FORMAT, "arithmetic jpeg");
    b.p[at + 1] = 0xc1;
    b.p[at + 4] = 12;
    check_bad(&b, PAW_E_UNSUP, PAW_E_FORMAT, "12-bit jpeg");
    b.p[at + 4] = 8;
    b.p[at + 5] = b.p[at + 6] = 0;
    check_bad(&b, PAW_E_FORMAT, PAW_E_FORMAT, "jpeg of height 0");
    free(b.p);
}

/* ---- files ---- */

static void write_file(const char *path, const void *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(p, 1, n, f) != n || fclose(f)) abort();
}
static void test_files(void)
{
    static const char html[] = "<!DOCTYPE html><html><body>404 not found</body></html>";
    char dir[] = P_tmpdir "/paw-image-XXXXXX", path[64];
    uint8_t *p = (uint8_t *)dir;
    size_t n = 77;
    paw_image img;
    paw_mask mask;
    if (!T(mkdtemp(dir) != NULL, "mkdtemp")) return;
    T(paw_file_read(ctx, dir, &p, &n) == PAW_E_IO && strstr(paw_message(ctx), dir), "folder: %s",
      paw_message(ctx));
    T(paw_file_read(ctx, "/dev/zero", &p, &n) == PAW_E_IO, "device: %s", paw_message(ctx));
    snprintf(path, sizeof path, "%s/fifo", dir);
    T(!mkfifo(path, 0600) && paw_file_read(ctx, path, &p, &n) == PAW_E_IO, "fifo");
    remove(path);
    snprintf(path, sizeof path, "%s/loop", dir);
    T(!symlink(path, path) && paw_file_read(ctx, path, &p, &n) == PAW_E_IO, "symlink loop");
    remove(path);
    T(paw_file_read(ctx, path, &p, &n) == PAW_E_IO && strstr(paw_message(ctx), path), "missing");
    T(p == (uint8_t *)dir && n == 77, "outputs untouched");
    T(paw_file_read(ctx, NULL, &p, &n) == PAW_E_ARG && paw_file_read(NULL, path, &p, &n) ==
      PAW_E_ARG, "NULL arguments");
    snprintf(path, sizeof path, "%s/a page.jpg", dir);
    write_file(path, html, sizeof html - 1);
    T(paw_image_load(ctx, path, &img) == PAW_E_FORMAT && strstr(paw_message(ctx), path) &&
      strstr(paw_message(ctx), "not a JPEG or PNG"), "html: %s", paw_message(ctx));
    T(paw_mask_load(ctx, path, &mask) == PAW_E_FORMAT, "html mask");
    T(!paw_file_read(ctx, path, &p, &n) && n == sizeof html - 1 && !memcmp(p, html, n), "content");
    paw_file_free(ctx, p);
    write_file(path, "", 0);
    T(!paw_file_read(ctx, path, &p, &n) && p && n == 0, "an empty file is read");
    paw_file_free(ctx, p);
    T(paw_image_load(ctx, path, &img) == PAW_E_FORMAT, "empty image");
    write_file(path, "\xff", 1);
    T(paw_image_load(ctx, path, &img) == PAW_E_FORMAT, "one byte");
    if (truncate(path, 1 << 30) || truncate(path, ((off_t)1 << 30) + 1)) T_SKIP("no sparse file");
    else T(paw_file_read(ctx, path, &p, &n) == PAW_E_LIMIT, "over 1 GiB: %s", paw_message(ctx));
    remove(path);
    rmdir(dir);
}

/* ---- resize ---- */

static paw_image random_image(int w, int h)
{
    paw_image img;
    size_t i, n = (size_t)w * (size_t)h * 3;
    img.w = w;
    img.h = h;
    img.px = (uint8_t *)malloc(n);
    if (!img.px) abort();
    for (i = 0; i < n; ++i) /* many extremes: they make the filters overshoot */
        img.px[i] = (uint8_t)(t_random() % 3 ? t_random() : t_random() % 2 * 255);
    return img;
}
static double kernel(int filter, double x)
{
    x = fabs(x);
    if (filter == PAW_BILINEAR) return x < 1 ? 1 - x : 0;
    if (x < 1) return 1.5 * x * x * x - 2.5 * x * x + 1;
    return x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
}
/* One line of n samples, `step` apart, resampled to m in double over the whole line. */
static void resample_line(const double *in, int n, int step, int filter, double *out, int m)
{
    const double scale = (double)n / m, wide = scale < 1 ? 1 : scale;
    int i, j;
    for (i = 0; i < m; ++i) {
        const double centre = (i + 0.5) * scale;
        double sum = 0, weight = 0;
        for (j = 0; j < n; ++j) {
            const double k = kernel(filter, (j + 0.5 - centre) / wide);
            sum += k * in[j * step];
            weight += k;
        }
        sum /= weight;
        out[i * step] = sum < 0 ? 0 : sum > 255 ? 255 : floor(sum + 0.5);
    }
}
/* Largest difference from double arithmetic with 8-bit intermediates. */
static int resize_error(const paw_image *in, const paw_image *got, int filter)
{
    const size_t wide = (size_t)(got->w > in->w ? got->w : in->w);
    const size_t high = (size_t)(got->h > in->h ? got->h : in->h);
    double *a = (double *)calloc(wide * high, sizeof *a), *b = (double *)calloc(wide * high, 8);
    int x, y, k, worst = 0;
    if (!a || !b) abort();
    for (k = 0; k < 3; ++k) {
        for (y = 0; y < in->h; ++y) {
            for (x = 0; x < in->w; ++x) a[x] = in->px[(y * in->w + x) * 3 + k];
            if (in->w == got->w) memcpy(b + (size_t)y * wide, a, wide * sizeof *a);
            else resample_line(a, in->w, 1, filter, b + (size_t)y * wide, got->w);
        }
        for (x = 0; x < got->w; ++x) {
            if (in->h == got->h)
                for (y = 0; y < got->h; ++y) a[(size_t)y * wide] = b[(size_t)y * wide + (size_t)x];
            else resample_line(b + x, in->h, (int)wide, filter, a, got->h);
            for (y = 0; y < got->h; ++y) {
                const int d = (int)a[(size_t)y * wide] - got->px[(y * got->w + x) * 3 + k];
                worst = abs(d) > worst ? abs(d) : worst;
            }
        }
    }
    free(a);
    free(b);
    return worst;
}
static void test_resize(void)
{
    static const int sizes[][4] = { { 30, 20, 17, 11 }, { 17, 11, 40, 50 }, { 50, 40, 50, 13 },
                                    { 50, 40, 7, 40 },  { 1, 1, 5, 7 },     { 90, 3, 2, 60 },
                                    { 200, 150, 1, 1 }, { 64, 64, 64, 64 }, { 33, 70, 32, 71 } };
    paw_ctx *three = context(3, 0);
    size_t i;
    int filter;
    for (i = 0; i < sizeof sizes / sizeof *sizes; ++i)
        for (filter = PAW_BILINEAR; filter <= PAW_BICUBIC; ++filter) {
            const int w = sizes[i][2], h = sizes[i][3];
            paw_image in = random_image(sizes[i][0], sizes[i][1]), out, same;
            paw_err e = paw_image_resize(ctx, &in, w, h, filter, &out);
            if (T(!e && out.w == w && out.h == h, "resize: %s", paw_message(ctx))) {
                T(resize_error(&in, &out, filter) <= 1, "%d x %d to %d x %d, filter %d: off by %d",
                  in.w, in.h, w, h, filter, resize_error(&in, &out, filter));
                T(!paw_image_resize(three, &in, w, h, filter, &same) &&
                  !memcmp(out.px, same.px, (size_t)(w * h * 3)), "same with three threads");
                paw_image_free(three, &same);
                paw_image_free(ctx, &out);
            }
            memset(in.px, 201, (size_t)(in.w * in.h * 3));
            if (!paw_image_resize(ctx, &in, w, h, filter, &out)) {
                int k, flat = 1;
                for (k = 0; k < w * h * 3; ++k) flat &= out.px[k] == 201;
                T(flat, "a flat image stays flat");
                paw_image_free(ctx, &out);
            }
            free(in.px);
        }
    paw_destroy(three);
}
static void test_resize_rules(void)
{
    static const int rows[][5] = { { 500, 334, 224, 335, 224 }, { 97, 61, 224, 356, 224 },
                                   { 61, 97, 224, 224, 356 },   { 224, 300, 224, 224, 300 },
                                   { 40, 40, 7, 7, 7 },         { 1, 300, 10, 10, 3000 },
                                   { 300, 224, 224, 300, 224 } };
    paw_image in, out = { NULL, 5, 6 }, none = { NULL, 0, 0 };
    paw_ctx *small = context(1, 1000);
    size_t i;
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        in = random_image(rows[i][0], rows[i][1]);
        T(!paw_image_resize_short(ctx, &in, rows[i][2], &out) && out.w == rows[i][3] &&
          out.h == rows[i][4], "short side: %d x %d", out.w, out.h);
        if (out.w == in.w && out.h == in.h)
            T(!memcmp(in.px, out.px, (size_t)(in.w * in.h * 3)), "copied");
        paw_image_free(ctx, &out);
        free(in.px);
    }
    in = random_image(20, 10);
    T(paw_image_resize(ctx, &in, 0, 5, 0, &out) == PAW_E_ARG, "width 0");
    T(paw_image_resize(ctx, &in, 5, -1, 0, &out) == PAW_E_ARG, "height -1");
    T(paw_image_resize(ctx, &in, 5, 5, 2, &out) == PAW_E_ARG, "filter 2");
    T(paw_image_resize(ctx, &none, 5, 5, 1, &out) == PAW_E_ARG, "no image");
    T(paw_image_resize(ctx, &in, 5, 5, 1, &in) == PAW_E_ARG, "in place");
    T(paw_image_resize_short(ctx, &in, 0, &out) == PAW_E_ARG, "short side 0");
    T(paw_image_resize_short(ctx, &in, 2000000000, &out) == PAW_E_LIMIT, "huge short side");
    T(paw_image_resize(ctx, &in, 2147483647, 2147483647, 1, &out) == PAW_E_LIMIT, "huge");
    T(paw_image_resize(small, &in, 50, 50, 1, &out) == PAW_E_LIMIT, "over max_pixels");
    T(paw_image_resize(small, &in, 200, 1, 1, &out) == PAW_E_LIMIT, "first pass over max_pixels");
    T(!out.px && !out.w, "output untouched");
    free(in.px);
    paw_destroy(small);
}

/* ---- crop and normalise ---- */

static int crop_ok(const paw_image *in, int x0, int y0, const paw_image *out)
{
    int x, y, ok = 1;
    for (y = 0; y < out->h; ++y)
        for (x = 0; x < out->w; ++x) {
            const int sx = x0 + x, sy = y0 + y;
            const uint8_t *p = out->px + (y * out->w + x) * 3;
            if (sx < 0 || sy < 0 || sx >= in->w || sy >= in->h) ok &= !p[0] && !p[1] && !p[2];
            else ok &= !memcmp(p, in->px + (sy * in->w + sx) * 3, 3);
        }
    return ok;
}
static void test_crop(void)
{
    static const double box[][4] = { { 0, 0, 20, 10 },       { 0.5, 1.5, 7.5, 8.5 },
                                     { -0.5, -1.5, 2.5, 3.5 }, { 12.5, 3.49, 33.51, 44 },
                                     { 100, 100, 104, 103 }, { -50, -50, -45, -40 },
                                     { -5, 2, 40, 3 },       { 4.5000001, 2, 9, 5 },
                                     { 0.49999999999999994, 0, 5, 5 } };
    static const int want[][4] = { { 0, 0, 20, 10 },      { 0, 2, 8, 8 },   { 0, -2, 2, 4 },
                                   { 12, 3, 34, 44 },     { 100, 100, 104, 103 },
                                   { -50, -50, -45, -40 }, { -5, 2, 40, 3 }, { 5, 2, 9, 5 },
                                   { 0, 0, 5, 5 } };
    static const int modes[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
    static const double zero = 0;
    double bad[][4] = { { 0, 0, 0.4, 5 },  { 5, 5, 2, 8 }, { 0, 0, 1e18, 5 }, { 0, 0, -1e300, 5 },
                        { 3, 2, 9, 2.5 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } };
    paw_image in = random_image(20, 10), out = { NULL, 5, 6 };
    size_t i, m;
    bad[5][1] = zero / zero;
    bad[6][2] = 1 / zero;
    for (m = 0; m < 4; ++m)
        for (i = 0; i < sizeof box / sizeof *box; ++i) {
            paw_err e;
            fesetround(modes[m]);
            e = paw_image_crop(ctx, &in, box[i], &out);
            fesetround(FE_TONEAREST);
            T(!e && out.w == want[i][2] - want[i][0] && out.h == want[i][3] - want[i][1] &&
              crop_ok(&in, want[i][0], want[i][1], &out), "crop %d: %d %d x %d", (int)i, e, out.w,
              out.h);
            if (!e) paw_image_free(ctx, &out);
        }
    out.w = 5;
    for (i = 0; i < sizeof bad / sizeof *bad; ++i)
        T(paw_image_crop(ctx, &in, bad[i], &out) == PAW_E_ARG && out.w == 5, "bad box %d", (int)i);
    bad[0][2] = bad[0][3] = 1e9;
    T(paw_image_crop(ctx, &in, bad[0], &out) == PAW_E_LIMIT, "a box of 1e18 pixels");
    free(in.px);
}
static void test_center_crop(void)
{
    static const int rows[][6] = { { 20, 10, 9, 5, 6, 2 },  { 21, 10, 10, 7, 6, 2 },
                                   { 20, 13, 9, 10, 6, 2 }, { 4, 5, 9, 8, -2, -2 },
                                   { 5, 5, 12, 6, -4, 0 },  { 7, 7, 7, 7, 0, 0 } };
    paw_image out;
    size_t i;
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        paw_image in = random_image(rows[i][0], rows[i][1]);
        paw_err e = paw_image_center_crop(ctx, &in, rows[i][2], rows[i][3], &out);
        T(!e && out.w == rows[i][2] && out.h == rows[i][3] &&
          crop_ok(&in, rows[i][4], rows[i][5], &out), "centre crop %d", (int)i);
        if (!e) paw_image_free(ctx, &out);
        T(paw_image_center_crop(ctx, &in, 0, 3, &out) == PAW_E_ARG, "width 0");
        free(in.px);
    }
}
static void test_normalize(void)
{
    const paw_stats *s = paw_stats_find("imagenet");
    float chw[3 * 32 * 8];
    paw_image img;
    int i, k, wrong = 0;
    T(s && paw_stats_find("half") && !paw_stats_find("none") && !paw_stats_find(NULL), "names");
    img = random_image(32, 8);
    for (i = 0; i < 256; ++i) img.px[i * 3] = (uint8_t)i;
    paw_normalize(&img, s, chw);
    for (k = 0; k < 3; ++k)
        for (i = 0; i < 256; ++i) {
            volatile float v = img.px[i * 3 + k] / 255.0f;
            v = v - s->mean[k];
            v = v / s->std[k];
            wrong += v != chw[k * 256 + i];
        }
    T(!wrong, "normalised: %d differ", wrong);
    free(img.px);
}

/* ---- Pillow's results ---- */

static char folder[1200];
static const char *in_folder(const char *name)
{
    static char path[1400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}
/* The one array of an .npy as float; 0 on failure. */
static float *npy(const char *name, size_t *count, paw_tensor_info *info)
{
    paw_tensors *t = NULL;
    float *p = NULL;
    paw_err e = paw_tensors_open(ctx, in_folder(name), &t);
    if (!e) e = paw_tensors_info(t, 0, info);
    if (!e && (p = (float *)malloc(info->count * sizeof *p)) != NULL)
        e = paw_tensors_read(ctx, t, 0, PAW_F32, p, info->count);
    paw_tensors_close(t);
    T(!e, "%s: %s", name, paw_message(ctx));
    *count = info->count;
    return p;
}
/* Largest difference of an image from the array name [h, w, 3]; -1: another shape. */
static int image_error(const paw_image *img, const char *name)
{
    paw_tensor_info info;
    size_t n, i;
    float *p = npy(name, &n, &info);
    int worst = 0;
    if (!p || info.ndim != 3 || info.shape[0] != (size_t)img->h ||
        info.shape[1] != (size_t)img->w || info.shape[2] != 3)
        worst = -1;
    for (i = 0; worst >= 0 && i < n; ++i) {
        const int d = abs((int)p[i] - img->px[i]);
        if (d > worst) worst = d;
    }
    free(p);
    return worst;
}
static void check_and_free(paw_err e, paw_image *img, const char *base, const char *what)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%s.npy", base, what);
    if (!T(!e, "%s: %s", name, paw_message(ctx))) return;
    e = image_error(img, name);
    T(e == 0, "%s: off by %d", name, e);
    paw_image_free(ctx, img);
}
static void check_normalized(const paw_image *img, const char *base)
{
    char name[64];
    paw_tensor_info info;
    size_t n, i, wrong = 0, count = (size_t)img->w * (size_t)img->h * 3;
    float *want, *got = (float *)malloc(count * sizeof *got);
    if (!got) abort();
    snprintf(name, sizeof name, "%s.normalized.npy", base);
    want = npy(name, &n, &info);
    paw_normalize(img, paw_stats_find("imagenet"), got);
    for (i = 0; want && n == count && i < n; ++i) wrong += want[i] != got[i];
    T(want && n == count && !wrong, "%s: %zu of %zu differ", name, wrong, n);
    free(want);
    free(got);
}
static void check_golden(int k, const double box[4])
{
    char base[16], name[32];
    paw_image img, a, b;
    paw_err e;
    snprintf(base, sizeof base, "img%d", k);
    snprintf(name, sizeof name, "img%d.png", k);
    e = paw_image_load(ctx, in_folder(name), &img);
    if (!T(!e, "%s: %s", name, paw_message(ctx))) return;
    e = paw_image_resize_short(ctx, &img, 224, &a);
    check_and_free(e, &a, base, "resize224");
    e = paw_image_resize_short(ctx, &img, 256, &a);
    if (T(!e, "resize256") && T(!paw_image_center_crop(ctx, &a, 224, 224, &b), "centre crop")) {
        check_normalized(&b, base);
        check_and_free(PAW_OK, &b, base, "resize256_center224");
        paw_image_free(ctx, &a);
    }
    e = paw_image_crop(ctx, &img, box, &a);
    if (T(!e, "crop")) {
        e = paw_image_resize_short(ctx, &a, 224, &b);
        check_and_free(e, &b, base, "crop_resize224");
        check_and_free(PAW_OK, &a, base, "crop");
    }
    paw_image_free(ctx, &img);
}
static void check_mask(const char *base)
{
    char name[32];
    paw_tensor_info info;
    paw_mask m;
    float *p;
    size_t n = 0, i, wrong = 0;
    snprintf(name, sizeof name, "%s.png", base);
    if (!T(!paw_mask_load(ctx, in_folder(name), &m), "%s: %s", name, paw_message(ctx))) return;
    snprintf(name, sizeof name, "%s.npy", base);
    p = npy(name, &n, &info);
    T(p && info.shape[0] == (size_t)m.h && info.shape[1] == (size_t)m.w, "%s: %d x %d", name, m.w,
      m.h);
    for (i = 0; p && n == (size_t)m.w * (size_t)m.h && i < n; ++i) wrong += p[i] != m.px[i];
    T(!wrong, "%s: %zu labels differ", name, wrong);
    free(p);
    paw_mask_free(ctx, &m);
}
static void check_jpeg(const char *base, int most)
{
    char name[48];
    paw_image img;
    int worst;
    snprintf(name, sizeof name, "%s.jpg", base);
    if (!T(!paw_image_load(ctx, in_folder(name), &img), "%s: %s", name, paw_message(ctx))) return;
    snprintf(name, sizeof name, "%s.decoded.npy", base);
    worst = image_error(&img, name);
    T(worst >= 0 && worst <= most, "%s: off by %d, at most %d", name, worst, most);
    printf("note %s: largest difference from Pillow %d levels\n", name, worst);
    paw_image_free(ctx, &img);
}
static void test_golden(void)
{
    static const double boxes[4][4] = { { -13.5, 7.5, 50.5, 71.5 },
                                        { 38.800000000000004, 18.3, 82.80000000000001, 62.3 },
                                        { 134.0, 12.0, 178.0, 56.0 },
                                        { 200.0, 63.3, 244.0, 107.3 } };
    const char *shared = t_shared();
    paw_image img;
    int k;
    if (!shared) {
        T_SKIP("no ../shared: Pillow's results");
        return;
    }
    snprintf(folder, sizeof folder, "%s/golden/preprocess", shared);
    for (k = 0; k < 4; ++k) check_golden(k, boxes[k]);
    check_mask("palette_mask");
    check_mask("mask16");
    check_jpeg("photo", 4); /* measured: 3 */
    check_jpeg("photo_progressive", 4);
    if (T(!paw_image_load(ctx, in_folder("grey.png"), &img), "grey: %s", paw_message(ctx)))
        paw_image_free(ctx, &img);
}

int main(void)
{
    ctx = context(0, 0);
    test_png_kinds();
    test_png_headers();
    test_png_damage();
    test_png_bombs();
    test_jpeg();
    test_jpeg_hostile();
    test_files();
    test_resize();
    test_resize_rules();
    test_crop();
    test_center_crop();
    test_normalize();
    test_golden();
    paw_destroy(ctx);
    return t_end("image");
}
