/* PNG and JPEG files of any kind, built byte by byte. */
#ifndef PAW_TEST_PICTURES_H
#define PAW_TEST_PICTURES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
#endif
