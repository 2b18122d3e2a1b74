/* Rows of group D: images and masks. See hostile.c. */
#ifndef PAW_TEST_HOSTILE_IMAGES_H
#define PAW_TEST_HOSTILE_IMAGES_H

#include "pictures.h"

/* Decoded as an image and as a mask: the codes wanted, words in what is refused. */
static void i_bytes(const bytes *b, paw_err image, paw_err mask, const char *name,
                    const char *words)
{
    uint8_t *const untouched = (uint8_t *)&meter;
    paw_image img = { untouched, 1, 2 };
    paw_mask m = { NULL, 3, 4 };
    paw_err e;
    h_begin();
    e = paw_image_decode(ctx, b->p, b->n, name, &img);
    if (image) h_refused(e, image, name, words);
    else h_accepted(e, name);
    if (!e) paw_image_free(ctx, &img);
    else H(img.px == untouched && img.w == 1 && img.h == 2, "%s: output touched", name);
    h_begin();
    e = paw_mask_decode(ctx, b->p, b->n, name, &m);
    if (strstr(name, ".jpg")) words = "not a PNG file";
    if (mask) h_refused(e, mask, name, mask == image || *words == 'n' ? words : "");
    else h_accepted(e, name);
    if (!e) paw_mask_free(ctx, &m);
    else H(!m.px && m.w == 3 && m.h == 4, "%s: output touched", name);
}
static void i_file(const char *path, paw_err want, const char *words)
{
    paw_image img = { NULL, 1, 2 };
    paw_err e;
    h_begin();
    e = paw_image_load(ctx, path, &img);
    if (want) h_refused(e, want, strrchr(path, '/'), words);
    else h_accepted(e, path);
    if (!e) paw_image_free(ctx, &img);
    else H(!img.px && img.w == 1 && img.h == 2, "%s: output touched", path);
}
static paw_image i_decode(const bytes *b, const char *name) /* no pixels: refused */
{
    paw_image img = { NULL, 0, 0 };
    h_begin();
    h_accepted(paw_image_decode(ctx, b->p, b->n, name, &img), name);
    return img;
}
/* A picture of grey values 7 x + 13 y. */
static bytes i_grey(int w, int h, int split)
{
    uint16_t *s = (uint16_t *)malloc((size_t)(w * h) * sizeof *s);
    picture g;
    bytes b;
    int i;
    memset(&g, 0, sizeof g);
    for (i = 0; i < w * h; ++i) s[i] = (uint16_t)((7 * (i % w) + 13 * (i / w)) & 255);
    g.w = w;
    g.h = h;
    g.depth = 8;
    g.split = split;
    g.samples = s;
    b = png_of(&g);
    free(s);
    return b;
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
/* Sets a chunk before the first of the type `before`. */
static void i_insert(bytes *b, const char *before, const char *type, const void *p, size_t n)
{
    bytes out = { NULL, 0, 0 };
    size_t at = 8;
    while (memcmp(b->p + at + 4, before, 4)) at += 12 + (size_t)paw__be32(b->p + at);
    put(&out, b->p, at);
    put_chunk(&out, type, p, n);
    put(&out, b->p + at, b->n - at);
    free(b->p);
    *b = out;
}
/* zlib data that inflates to 1 + 258 * 8 * units zeros, 13 bytes a unit: 158 to 1. */
static bytes i_bomb(size_t units)
{
    static const char match[] = "1100010100000"; /* length 258, distance 1 */
    bytes b = { NULL, 0, 0 };
    uint32_t acc = 3, have = 3; /* last block, fixed codes; then the literal 0 */
    size_t i, k;
    put16(&b, 0x7801);
    for (i = 0; i < 8; ++i) acc |= (uint32_t)("00110000"[i] - '0') << have++;
    for (i = 0; i < 8 * units; ++i)
        for (k = 0; k < 13; ++k) {
            if (have == 32) {
                put8(&b, acc & 255);
                put8(&b, acc >> 8 & 255);
                put8(&b, acc >> 16 & 255);
                put8(&b, acc >> 24);
                acc = have = 0;
            }
            acc |= (uint32_t)(match[k] - '0') << have++;
        }
    for (; have > 0 && have < 64; have = have > 8 ? have - 8 : 0, acc >>= 8) put8(&b, acc & 255);
    put32(&b, 0); /* end of the block, and a sum that nobody gets to */
    put32(&b, 0);
    return b;
}

/* ---- D1 to D4: what is no image, or too large a one ---- */

static void i_d1(void)
{
    static const char *const odd[] = { "/dev/zero", "/dev/null" };
    const char *path;
    uint8_t *p = (uint8_t *)&meter;
    size_t i, n = 77;
    i_file(h_text("D1/empty.jpg", ""), PAW_E_FORMAT, "not a JPEG or PNG");
    i_file(h_text("D1/one.jpg", "\xff"), PAW_E_FORMAT, "not a JPEG or PNG");
    i_file(h_path("D1"), PAW_E_IO, "folder");
    for (i = 0; i < 2; ++i) i_file(odd[i], PAW_E_IO, "not a regular file");
    path = h_path("D1/pipe.png");
    H(!mkfifo(path, 0600), "mkfifo");
    i_file(path, PAW_E_IO, "not a regular file");
    path = h_path("D1/loop.png");
    H(!symlink("loop.png", path), "symlink");
    i_file(path, PAW_E_IO, "links that go in a circle");
    i_file(h_path("D1/missing.png"), PAW_E_IO, "no such file");
    path = h_text("D1/huge.png", "x");
    if (truncate(path, ((off_t)1 << 30) + 1)) H_SKIP("no sparse files here");
    else i_file(path, PAW_E_LIMIT, "1073741825 bytes, at most 1073741824");
    H(paw_file_read(ctx, path, &p, &n) && p == (uint8_t *)&meter && n == 77, "outputs touched");
}
static void i_d2(void)
{
    int level[12];
    bytes b;
    size_t whole, i;
    for (i = 0; i < 12; ++i) level[i] = (int)(i * 21);
    b = jpeg_of(32, 24, level, NULL, 1);
    whole = b.n;
    for (b.n = 3; b.n < whole; ++b.n)
        i_bytes(&b, PAW_E_FORMAT, PAW_E_FORMAT, "cut.jpg",
                "truncated JPEG: no end marker");
    free(b.p);
}
static void i_d3(void)
{
    static const struct {
        uint32_t w, h;
        unsigned interlaced;
        paw_err e;
        const char *words;
    } rows[] = { { 20000, 20000, 0, PAW_E_LIMIT, "20000 x 20000 pixels, over max_pixels" },
                 { 2000000, 1, 0, PAW_E_LIMIT, "a side may have 1048576" },
                 { 0x80000000u, 1, 0, PAW_E_FORMAT, "2147483648 x 1" },
                 { 9000, 9000, 1, PAW_E_FORMAT, "bytes of image data for 9000 x 9000" } };
    bytes b;
    size_t i;
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        b = png_header(rows[i].w, rows[i].h, 8, 0, rows[i].interlaced);
        i_bytes(&b, rows[i].e, rows[i].e, "large.png", rows[i].words);
        free(b.p);
    }
    b = jpeg_of(65496, 65496, NULL, NULL, 1);
    i_bytes(&b, PAW_E_LIMIT, PAW_E_FORMAT, "large.jpg", "65496 x 65496 pixels, over max_pixels");
    free(b.p);
    b = jpeg_of(4096, 4096, NULL, NULL, 600);
    i_bytes(&b, PAW_E_LIMIT, PAW_E_FORMAT, "scans.jpg", "600 scans over 4096 x 4096 pixels");
    free(b.p);
}
static void i_d4(void)
{
    static const int level[] = { 90 };
    bytes png = i_grey(8, 8, 0), jpg = jpeg_of(8, 8, level, NULL, 1);
    i_file(h_write("D4/a.JPEG", png.p, png.n), PAW_OK, "");
    i_file(h_write("D4/b.png", jpg.p, jpg.n), PAW_OK, "");
    i_file(h_text("D4/page.jpg", "<!DOCTYPE html><html><body>404 not found</body></html>"),
           PAW_E_FORMAT, "not a JPEG or PNG");
    i_file(h_text("D4/film.png", "GIF89a\1\0\1\0\0\0\0;"), PAW_E_FORMAT, "not a JPEG or PNG");
    free(png.p);
    free(jpg.p);
}

/* ---- D5: kinds. PNG of every depth and colour type: tests/image.c ---- */

typedef struct {
    int comps, h[4], v[4], chroma[4]; /* sampling factors; level of components 1 to 3 */
    int restart, progressive, adobe;  /* MCUs between markers; adobe: transform, -1: none */
} i_kind;
/* Blocks of one level each in component 0, random by place; the others constant. */
static int i_level(int x, int y) { return 40 + (x * 37 + y * 59) % 176; }
static void i_jpeg_tables(bytes *b, const i_kind *k, int w, int h)
{
    static const uint8_t dc[] = { 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                  0, 1, 2, 3, 4, 5, 6, 7, 8 };
    static const uint8_t ac[] = { 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    uint8_t quant[65], frame[18] = { 8 }, scan[16], app[12] = "Adobe\0d\0\0\0\0";
    int i;
    memset(quant, 8, sizeof quant);
    quant[0] = 0;
    put16(b, 0xffd8);
    app[11] = (uint8_t)k->adobe;
    if (k->adobe >= 0) put_segment(b, 0xee, app, sizeof app);
    put_segment(b, 0xdb, quant, sizeof quant);
    put_segment(b, 0xc4, dc, sizeof dc);
    put_segment(b, 0xc4, ac, sizeof ac);
    frame[1] = (uint8_t)(h >> 8);
    frame[2] = (uint8_t)h;
    frame[3] = (uint8_t)(w >> 8);
    frame[4] = (uint8_t)w;
    frame[5] = scan[0] = (uint8_t)k->comps;
    for (i = 0; i < k->comps; ++i) {
        frame[6 + 3 * i] = scan[1 + 2 * i] = (uint8_t)(i + 1);
        frame[7 + 3 * i] = (uint8_t)(k->h[i] << 4 | k->v[i]);
        frame[8 + 3 * i] = 0;
        scan[2 + 2 * i] = 0;
    }
    put_segment(b, k->progressive ? 0xc2 : 0xc0, frame, (size_t)(6 + 3 * k->comps));
    if (k->restart) {
        const uint8_t every[2] = { 0, (uint8_t)k->restart };
        put_segment(b, 0xdd, every, 2);
    }
    i = 1 + 2 * k->comps;
    scan[i] = 0;
    scan[i + 1] = k->progressive ? 0 : 63;
    scan[i + 2] = 0;
    put_segment(b, 0xda, scan, (size_t)i + 3);
}
static bytes i_jpeg(const i_kind *k, int w, int h) /* sides: multiples of the MCU's */
{
    const int mw = 8 * k->h[0], mh = 8 * k->v[0];
    bytes b = { NULL, 0, 0 };
    uint32_t acc = 0;
    int have = 0, last[4] = { 128, 128, 128, 128 }, mcu = 0, x, y, i, u, n;
    i_jpeg_tables(&b, k, w, h);
    for (y = 0; y < h / mh; ++y)
        for (x = 0; x < w / mw; ++x, ++mcu) {
            if (k->restart && mcu && mcu % k->restart == 0) {
                if (have) put_bits(&b, &acc, &have, 127, 8 - have);
                put16(&b, 0xffd0u | (unsigned)(mcu / k->restart - 1) % 8);
                for (i = 0; i < 4; ++i) last[i] = 128;
            }
            for (i = 0; i < k->comps; ++i)
                for (u = 0; u < k->h[i] * k->v[i]; ++u) {
                    const int want = i ? k->chroma[i] : i_level(x * k->h[0] + u % k->h[0],
                                                                y * k->v[0] + u / k->h[0]);
                    const int d = want - last[i];
                    for (n = 0; abs(d) >> n; ++n) continue;
                    put_bits(&b, &acc, &have, (unsigned)n, 4);
                    if (n) put_bits(&b, &acc, &have, (unsigned)(d < 0 ? d + (1 << n) - 1 : d), n);
                    if (!k->progressive) put_bits(&b, &acc, &have, 0, 1);
                    last[i] = want;
                }
        }
    if (have) put_bits(&b, &acc, &have, 127, 8 - have);
    put16(&b, 0xffd9);
    return b;
}
/* What Pillow's convert("RGB") makes of levels, to one level. */
static void i_rgb(const i_kind *k, int y, double rgb[3])
{
    const int *c = k->chroma;
    int i;
    if (k->comps == 1) rgb[0] = rgb[1] = rgb[2] = y;
    else if (k->adobe == 0) { /* RGB, or inverted CMYK */
        rgb[0] = y;
        rgb[1] = c[1];
        rgb[2] = c[2];
    } else {
        rgb[0] = y + 1.402 * (c[2] - 128);
        rgb[1] = y - 0.344136 * (c[1] - 128) - 0.714136 * (c[2] - 128);
        rgb[2] = y + 1.772 * (c[1] - 128);
    }
    for (i = 0; i < 3; ++i) {
        rgb[i] = rgb[i] < 0 ? 0 : rgb[i] > 255 ? 255 : rgb[i];
        if (k->comps == 4) rgb[i] = (k->adobe == 2 ? 255 - rgb[i] : rgb[i]) * c[3] / 255;
    }
}
static void i_d5(void)
{
    static const struct {
        const char *name;
        i_kind k;
    } kinds[] = {
        { "grey", { 1, { 1 }, { 1 }, { 0 }, 0, 0, -1 } },
        { "4:4:4", { 3, { 1, 1, 1 }, { 1, 1, 1 }, { 0, 90, 170 }, 0, 0, -1 } },
        { "4:2:0", { 3, { 2, 1, 1 }, { 2, 1, 1 }, { 0, 140, 100 }, 0, 0, -1 } },
        { "4:1:1", { 3, { 4, 1, 1 }, { 1, 1, 1 }, { 0, 100, 150 }, 0, 0, -1 } },
        { "4:4:0", { 3, { 1, 1, 1 }, { 2, 1, 1 }, { 0, 120, 130 }, 0, 0, -1 } },
        { "restart markers", { 3, { 2, 1, 1 }, { 1, 1, 1 }, { 0, 120, 160 }, 1, 0, -1 } },
        { "restart markers of 3", { 1, { 1 }, { 1 }, { 0 }, 3, 0, -1 } },
        { "progressive", { 3, { 2, 1, 1 }, { 2, 1, 1 }, { 0, 110, 140 }, 0, 1, -1 } },
        { "Adobe RGB", { 3, { 1, 1, 1 }, { 1, 1, 1 }, { 0, 33, 210 }, 0, 0, 0 } },
        { "Adobe CMYK", { 4, { 1, 1, 1, 1 }, { 1, 1, 1, 1 }, { 0, 60, 200, 180 }, 0, 0, 0 } },
        { "Adobe YCCK", { 4, { 1, 1, 1, 1 }, { 1, 1, 1, 1 }, { 0, 110, 150, 170 }, 0, 0, 2 } },
    };
    const uint8_t alpha[3] = { 0, 128, 255 };
    uint16_t samples[27];
    uint8_t colours[9];
    paw_image a, b;
    picture g;
    bytes f;
    size_t i;
    int x, y, ch;
    for (i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
        const i_kind *k = &kinds[i].k;
        double worst = 0, rgb[3];
        f = i_jpeg(k, 64, 32);
        a = i_decode(&f, kinds[i].name);
        free(f.p);
        if (!a.px) continue;
        for (y = 0; y < 32; ++y)
            for (x = 0; x < 64; ++x)
                for (ch = 0; ch < 3; ++ch) {
                    double off;
                    i_rgb(k, i_level(x / 8, y / 8), rgb);
                    off = fabs(rgb[ch] - a.px[(y * 64 + x) * 3 + ch]);
                    worst = off > worst ? off : worst;
                }
        H(a.w == 64 && a.h == 32 && worst <= 2, "%s: off by %g", kinds[i].name, worst);
        paw_image_free(ctx, &a);
    }
    memset(&g, 0, sizeof g); /* transparency is dropped, not blended */
    g.w = g.h = 3;
    g.depth = 8;
    g.type = 3;
    g.colours = 3;
    g.palette = colours;
    g.samples = samples;
    for (i = 0; i < 9; ++i) colours[i] = (uint8_t)(20 * i + 3);
    for (i = 0; i < 27; ++i) samples[i] = (uint16_t)(i % 3);
    f = png_of(&g);
    a = i_decode(&f, "palette");
    i_insert(&f, "IDAT", "tRNS", alpha, sizeof alpha);
    b = i_decode(&f, "palette with tRNS");
    H(a.px && b.px && !memcmp(a.px, b.px, 27) && a.px[3] == 63, "tRNS changes colours");
    free(f.p);
    paw_image_free(ctx, &a);
    paw_image_free(ctx, &b);
    for (i = 0; i < 2; ++i) {
        const int type = i ? 6 : 4;
        uint16_t s[36];
        for (x = 0; x < 36; ++x) s[x] = (uint16_t)(x % channels_of(type) == channels_of(type) - 1
                                                       ? 0 : 5 * x);
        g.type = type;
        g.colours = 0;
        g.samples = s;
        f = png_of(&g);
        a = i_decode(&f, "alpha of 0");
        H(a.px && a.px[3] == s[channels_of(type)], "alpha blends: %d", a.px ? a.px[3] : -1);
        free(f.p);
        paw_image_free(ctx, &a);
    }
}

/* ---- D6, D7: PNG that wants too much, or lies ---- */

static void i_d6(void)
{
    static uint8_t zeros[100000];
    static const struct {
        size_t bytes;
        const char *words;
    } lengths[] = { { 11, "damaged image data" }, { 13, "damaged image data" },
                    { 0, "damaged image data" }, { sizeof zeros, "damaged image data" } };
    const bytes bomb = i_bomb(76923); /* 1 MB that wants 158 MB */
    bytes out = { NULL, 0, 0 }, z = { NULL, 0, 0 }, text = { NULL, 0, 0 }, split;
    paw_image a, b;
    size_t i, head;
    put(&out, "\x89PNG\r\n\x1a\n", 8);
    put_chunk(&out, "IHDR", "\0\0\0\3\0\0\0\3\10\0\0\0\0", 13);
    head = out.n;
    for (i = 0; i < 4; ++i) { /* 3 x 3 needs 12 */
        out.n = head;
        z.n = 0;
        deflate_stored(&z, zeros, lengths[i].bytes);
        put_chunk(&out, "IDAT", z.p, z.n);
        put_chunk(&out, "IEND", "", 0);
        i_bytes(&out, PAW_E_FORMAT, PAW_E_FORMAT, "size.png", lengths[i].words);
    }
    out.n = head;
    put_chunk(&out, "IDAT", bomb.p, bomb.n);
    put_chunk(&out, "IEND", "", 0);
    i_bytes(&out, PAW_E_FORMAT, PAW_E_FORMAT, "bomb.png", "damaged image data");
    out.n = head;
    put_chunk(&out, "IEND", "", 0);
    i_bytes(&out, PAW_E_FORMAT, PAW_E_FORMAT, "none.png", "end without image data");
    out.n = head;
    put_chunk(&out, "IDAT", "\x78\x9c\xff\xff\xff", 5);
    put_chunk(&out, "IEND", "", 0);
    i_bytes(&out, PAW_E_FORMAT, PAW_E_FORMAT, "deflate.png", "damaged image data");
    out.n = head;
    put_chunk(&out, "EVIL", "", 0);
    i_bytes(&out, PAW_E_UNSUP, PAW_E_UNSUP, "critical.png", "unknown critical chunk");
    free(out.p);
    out = i_grey(9, 7, 0);
    put(&text, "comment\0\0", 9); /* bombs beside the image are passed over */
    put(&text, bomb.p, bomb.n);
    i_insert(&out, "IDAT", "zTXt", text.p, text.n);
    i_insert(&out, "IDAT", "iCCP", text.p, text.n);
    i_bytes(&out, PAW_OK, PAW_OK, "text.png", "");
    free(out.p);
    out = i_grey(9, 7, 0);
    out.p[out.n - 20] ^= 1; /* the data's sum: Pillow reads such an image too */
    i_bytes(&out, PAW_OK, PAW_E_FORMAT, "sum.png", "");
    out.p[out.n - 20] ^= 1;
    out.n -= 12;
    i_bytes(&out, PAW_E_FORMAT, PAW_E_FORMAT, "end.png", "truncated");
    free(out.p);
    out = i_grey(200, 190, 0);
    split = i_grey(200, 190, 1); /* 38,000 chunks */
    a = i_decode(&out, "one chunk");
    b = i_decode(&split, "chunks of one byte");
    H(a.px && b.px && !memcmp(a.px, b.px, 200 * 190 * 3), "other pixels");
    paw_image_free(ctx, &a);
    paw_image_free(ctx, &b);
    free(out.p);
    free(split.p);
    free(z.p);
    free(text.p);
    free(bomb.p);
}
static void i_d7(void)
{
    bytes still = i_grey(9, 7, 0), film = i_grey(9, 7, 0);
    paw_image a = i_decode(&still, "still"), b;
    i_insert(&film, "IDAT", "acTL", "\0\0\0\2\0\0\0\0", 8);
    i_insert(&film, "IDAT", "fcTL", "\0\0\0\0\0\0\0\11\0\0\0\7\0\0\0\0\0\0\0\0\0\1\0\12\0\0", 26);
    i_insert(&film, "IEND", "fcTL", "\0\0\0\1\0\0\0\11\0\0\0\7\0\0\0\0\0\0\0\0\0\1\0\12\0\0", 26);
    i_insert(&film, "IEND", "fdAT", "\0\0\0\2\x78\x9c\xff\xff\xff", 9);
    b = i_decode(&film, "APNG");
    H(a.px && b.px && a.w == b.w && !memcmp(a.px, b.px, 9 * 7 * 3), "not the first frame");
    paw_image_free(ctx, &a);
    paw_image_free(ctx, &b);
    free(still.p);
    free(film.p);
}

/* ---- D8, D9: odd sizes, odd crops ---- */

static void i_d8(void)
{
    static const struct {
        uint32_t w, h;
        unsigned depth, type, interlace;
        const char *words;
    } rows[] = { { 0, 5, 8, 2, 0, "0 x 5" }, { 5, 0, 8, 2, 0, "5 x 0" },
                 { 5, 5, 3, 0, 0, "depth 3" }, { 5, 5, 4, 2, 0, "depth 4" },
                 { 5, 5, 16, 3, 0, "depth 16" }, { 5, 5, 8, 1, 0, "colour type 1" },
                 { 5, 5, 8, 7, 0, "colour type 7" }, { 5, 5, 8, 0, 2, "no such kind" },
                 { 5, 5, 8, 3, 0, "without a palette" } };
    bytes b;
    paw_image in, out = { NULL, 0, 0 };
    paw_item item;
    size_t i;
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        b = png_header(rows[i].w, rows[i].h, rows[i].depth, rows[i].type, rows[i].interlace);
        i_bytes(&b, PAW_E_FORMAT, PAW_E_FORMAT, "header.png", rows[i].words);
        free(b.p);
    }
    b = jpeg_of(8, 8, NULL, NULL, 1);
    for (i = 2; b.p[i + 1] != 0xc0; ++i) continue;
    b.p[i + 5] = b.p[i + 6] = 0;
    i_bytes(&b, PAW_E_FORMAT, PAW_E_FORMAT, "height.jpg", "damaged JPEG");
    free(b.p);
    memset(&item, 0, sizeof item);
    item.kind = PAW_ITEM_IMAGE;
    item.path = "long.png";
    for (i = 0; i < 2; ++i) {
        b = i_grey(1, i ? 5000 : 1, 0);
        in = i_decode(&b, i ? "1 x 5000" : "1 x 1");
        free(b.p);
        h_begin();
        H(in.px && !paw_item_image(ctx, &item, &in, 224, PAW_FRAME_FULL, &out) && out.w == 224 &&
          out.h == 224 && h_within("to 224 x 224", 0), "%s", paw_message(ctx));
        paw_image_free(ctx, &out);
        h_begin(); /* Resize(256) makes 256 x 1,280,000 of the long one */
        if (!i) H(!paw_item_image(ctx, &item, &in, 224, PAW_FRAME_CENTER, &out), "centre");
        else h_refused(paw_item_image(ctx, &item, &in, 224, PAW_FRAME_CENTER, &out), PAW_E_LIMIT,
                       "long.png: resize: 1 x 5000 to short side 256",
                       "long side 1280000, at most 1048576");
        paw_image_free(ctx, &out);
        paw_image_free(ctx, &in);
    }
}
static void i_d9(void)
{
    static const char list[] = "path,x,y,side,label\na.png,20,20,30,x\na.png,0,0,20,y\n"
                               "a.png,500,20,30,x\na.png,-90,-90,30,y\na.png,30,30,30,y\n";
    static const char *const bad[] = { "a.png,20,20,0,x", "a.png,20,20,-5,x", "a.png,nan,20,5,x",
                                       "a.png,20,1e999,5,x", "a.png,20,20,inf,x" };
    const char *args[] = { "part_retrieval", "--dataset", "list", "--root", NULL, "--random",
                           "deit_tiny", "--threads", "1", "--no-cache", "--json", "--quiet", NULL };
    const double zero = 0;
    double box[][4] = { { 60, 10, 90, 40 }, { 5, 5, 5, 25 }, { 9, 9, 4, 4 }, { 0, 0, 0, 9 },
                        { 0, 0, 9, 0 } };
    bytes b = i_grey(60, 40, 0);
    paw_image in = i_decode(&b, "a.png"), out = { NULL, 5, 6 };
    paw_item item;
    char path[1300];
    size_t i;
    int x, y, black = 0, wrong = 0, status;
    memset(&item, 0, sizeof item);
    item.kind = PAW_ITEM_BOX;
    item.box[0] = -12;
    item.box[1] = 4.5; /* to even: 4 */
    item.box[2] = 12;
    item.box[3] = 28;
    H(!paw_item_image(ctx, &item, &in, 24, 0, &out) && out.w == 24 && out.h == 24, "half outside");
    for (y = 0; out.px && y < 24; ++y)
        for (x = 0; x < 24; ++x) {
            const int v = out.px[(y * 24 + x) * 3];
            if (x < 12) black += v == 0;
            else wrong += v != ((7 * (x - 12) + 13 * (y + 4)) & 255);
        }
    H(black == 12 * 24 && !wrong, "black outside, %d pixels wrong inside", wrong);
    paw_image_free(ctx, &out);
    out.w = 5;
    box[3][2] = zero / zero;
    box[4][3] = 1 / zero;
    for (i = 0; i < 5; ++i) {
        memcpy(item.box, box[i], sizeof box[i]);
        item.path = "a.png";
        h_begin();
        h_refused(paw_item_image(ctx, &item, &in, 24, 0, &out), i ? PAW_E_ARG : PAW_E_SHAPE,
                  "a.png: ", i ? "" : "outside the 60 x 40");
        H(!out.px && out.w == 5, "box %d: output touched", (int)i);
    }
    paw_image_free(ctx, &in);
    (void)h_write("D9/a.png", b.p, b.n);
    free(b.p);
    snprintf(path, sizeof path, "%s", h_text("D9/list.csv", list));
    args[4] = path;
    if ((status = h_program(args)) < 0) return;
    H(status == 1 && h_has("err", "outside the 60 x 40") && h_has("out", "\"items\": 3"),
      "boxes outside are counted: status %d", status);
    for (i = 0; i < 5; ++i) {
        char text[100];
        paw_index index;
        index.count = 77;
        snprintf(text, sizeof text, "path,x,y,side,label\na.png,1,1,5,x\n%s\n", bad[i]);
        h_begin();
        h_refused(paw_index_list(ctx, h_text("D9/list.csv", text), NULL, &index), PAW_E_FORMAT,
                  "list.csv:3:", "");
        H(index.count == 77, "output touched");
    }
}

/* ---- D10: key points ---- */

static void i_d10(void)
{
#define I_KP(points)                                                                               \
    "{\"images\":[{\"id\":1,\"file_name\":\"a.png\"}],"                                            \
    "\"annotations\":[{\"id\":1,\"image_id\":1,\"keypoints\":" points "}]}"
#define I_17(wrist) I_KP("[10,10,2" I_Z6 ",0,0,0,0,0,0,0,0,0," wrist I_Z6 "]")
#define I_Z6 ",0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0"
    static const struct {
        const char *text;
        size_t count;
        int reason;
    } rows[] = {
        { I_17("90,10,2"), 2, PAW_SKIP_INVISIBLE },
        { I_17("0,0,2"), 0, PAW_SKIP_POSITION },
        { I_17("NaN,1,2"), 0, PAW_SKIP_POSITION },
        { I_17("1,-Infinity,2"), 0, PAW_SKIP_POSITION },
        { I_17("1e30,1,2"), 0, PAW_SKIP_POSITION },
        { I_17("90,10,-1"), 0, PAW_SKIP_INVISIBLE },
        { I_KP("[1,2,2]"), 0, PAW_SKIP_MALFORMED },
        { I_KP("[1,2,2,3]"), 0, PAW_SKIP_MALFORMED },
        { I_KP("[]"), 0, PAW_SKIP_MALFORMED },
        { I_KP("null"), 0, PAW_SKIP_MALFORMED },
    };
    size_t i, k, n;
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        paw_index x;
        h_write("D10/annotations/person_keypoints_train2017.json", rows[i].text,
                strlen(rows[i].text));
        h_begin();
        if (!h_accepted(paw_index_coco_parts(ctx, h_path("D10"), NULL, &x), "key points")) continue;
        for (k = 0, n = x.count; k < PAW_SKIPS; ++k) n += x.skipped[k];
        H(x.count == rows[i].count && x.skipped[rows[i].reason] && n == x.candidates,
          "row %d: %zu items, %zu counted", (int)i, x.count, n);
        paw_index_free(ctx, &x);
    }
#undef I_KP
#undef I_Z6
#undef I_17
}

/* ---- D11 to D13: masks ---- */

static void i_seg_set(const bytes *image, const bytes *mask) /* D11/set, one sample a split */
{
    static const char *const splits[] = { "train", "val" };
    char name[64];
    int i;
    for (i = 0; i < 2; ++i) {
        snprintf(name, sizeof name, "D11/set/img/%s/a.png", splits[i]);
        (void)h_write(name, image->p, image->n);
        snprintf(name, sizeof name, "D11/set/ann/%s/a.png", splits[i]);
        (void)h_write(name, mask->p, mask->n);
    }
}
static void i_d11(void)
{
    static paw_label_map map;
    const char *args[] = { "segmentation", "--root", NULL, "--preset", "folder", "--classes", "2",
                           "--offset", "0", "--crop", "32", "--iters", "1", "--random",
                           "deit_tiny", "--threads", "1", "--quiet", "--unknown", "refuse", NULL };
    uint16_t px[6] = { 0, 1, 2, 255, 1, 700 }, keep[6], rgb[27] = { 0 };
    paw_mask m = { px, 3, 2 };
    bytes b, wide;
    picture g;
    char root[1300];
    int status;
    memcpy(keep, px, sizeof px);
    paw_label_map_offset(2, 0, &map);
    h_begin();
    h_refused(paw_mask_classes(ctx, &map, 0, "mask.png", &m), PAW_E_FORMAT, "mask.png",
              "value 2 at column 2, row 0 is none of the 2 classes; values of none x pixels: "
              "2 x 1, 700 x 1");
    H(!memcmp(px, keep, sizeof px), "the mask was changed");
    h_begin();
    h_accepted(paw_mask_classes(ctx, &map, 1, "mask.png", &m), "unknown: ignored");
    H(px[0] == 0 && px[1] == 1 && px[2] == PAW_IGNORED && px[3] == PAW_IGNORED &&
      px[5] == PAW_IGNORED, "unknown values are not ignored");
    memset(&g, 0, sizeof g);
    g.w = g.h = 3;
    g.depth = 8;
    g.type = 2;
    g.samples = rgb;
    b = png_of(&g);
    i_bytes(&b, PAW_OK, PAW_E_SHAPE, "colours.png", "");
    free(b.p);
    g.depth = 16;
    g.type = 0;
    rgb[4] = 60000;
    b = png_of(&g);
    h_begin();
    h_accepted(paw_mask_decode(ctx, b.p, b.n, "16 bits", &m), "16 bits");
    H(m.px && m.px[4] == 60000, "16 bits are cut");
    paw_mask_free(ctx, &m);
    free(b.p);
    b = i_grey(48, 48, 0);
    i_seg_set(&b, &b); /* 256 values */
    snprintf(root, sizeof root, "%s", h_path("D11/set"));
    args[2] = root;
    if ((status = h_program(args)) < 0) {
        free(b.p);
        return;
    }
    H(status == 3 && h_has("err", "is none of the 2 classes"), "refused: status %d", status);
    args[19] = "ignore";
    status = h_program(args);
    H(status == 0, "--unknown ignore: status %d", status);
    wide = i_grey(64, 48, 0);
    i_seg_set(&b, &wide);
    status = h_program(args);
    H(status == 3 && h_has("err", "48 x 48 pixels, its mask has 64 x 48"), "size: status %d",
      status);
    free(wide.p);
    free(b.p);
}
static void i_d12(void)
{
    static const uint16_t none[4] = { PAW_IGNORED, PAW_IGNORED, PAW_IGNORED, PAW_IGNORED };
    static const uint16_t truth[4] = { 0, 0, 1, PAW_IGNORED }, found[4] = { 0, 1, 1, 2 };
    uint64_t counts[3 * 4] = { 0 };
    double iou[4], acc[4];
    paw_seg_summary s;
    h_begin();
    H(!paw_seg_count(ctx, none, found, 4, 4, counts), "all ignored: %s", paw_message(ctx));
    memset(&s, 0, sizeof s);
    H(!paw_seg_score(counts, 4, iou, acc, &s), "a score of nothing");
    H(!s.pixels && !s.classes_iou && !s.classes_acc && s.miou != s.miou && s.macc != s.macc &&
      s.aacc != s.aacc && iou[0] != iou[0], "all ignored: %g", s.miou);
    H(!paw_seg_count(ctx, truth, found, 4, 4, counts), "%s", paw_message(ctx));
    H(!paw_seg_score(counts, 4, iou, acc, &s), "a score");
    H(s.pixels == 3 && s.classes_iou == 2 &&
      s.classes_acc == 2 && iou[2] != iou[2] && iou[3] != iou[3] && fabs(s.miou - 0.5) < 1e-12 &&
      fabs(s.macc - 0.75) < 1e-12, "absent classes: mIoU %g over %d", s.miou, s.classes_iou);
    {
        const uint16_t wrong[1] = { 4 };
        h_says(paw_seg_count(ctx, wrong, found, 1, 4, counts), PAW_E_ARG, "", "4");
        H(counts[0] == 1, "counts touched");
    }
    h_within("counts", 0);
}
static void i_d13(void)
{
    uint16_t s[63];
    uint8_t colours[15];
    picture g;
    bytes b;
    int i;
    memset(&g, 0, sizeof g);
    for (i = 0; i < 63; ++i) s[i] = (uint16_t)(i % 5);
    for (i = 0; i < 15; ++i) colours[i] = (uint8_t)i;
    s[30] = 5; /* the palette has 0 to 4 */
    g.w = 9;
    g.h = 7;
    g.depth = 8;
    g.type = 3;
    g.colours = 5;
    g.palette = colours;
    g.samples = s;
    b = png_of(&g);
    i_bytes(&b, PAW_E_FORMAT, PAW_E_FORMAT, "index.png", "palette");
    free(b.p);
    g.colours = 0;
    b = png_of(&g);
    i_bytes(&b, PAW_E_FORMAT, PAW_E_FORMAT, "none.png", "palette");
    free(b.p);
}

/* ---- D14: names ---- */

static int i_json_whole(const char *text, size_t n) /* one JSON value and nothing else */
{
    paw__json j;
    paw__json_begin(&j, ctx, "out", text, n);
    return !paw__json_skip(&j) && !paw__json_end(&j);
}
/* Fields of the first row and of every other, quotes respected; 0: they differ. */
static int i_csv_fields(const char *s)
{
    int fields = 1, first = 0, quoted = 0;
    for (; *s; ++s) {
        if (*s == '"') quoted = !quoted;
        if (quoted) continue;
        fields += *s == ',';
        if (*s != '\n') continue;
        if (first && fields != first) return 0;
        first = fields;
        fields = 1;
    }
    return quoted ? 0 : first;
}
/* UTF-8, and nothing in it that a terminal obeys but the ends of lines. */
static int i_plain(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t k;
    for (; *p; p += k) {
        k = paw__utf8(p, strlen((const char *)p));
        if (!k || (*p < 32 && *p != '\n') || *p == 127 || (k == 2 && *p == 0xc2 && p[1] < 0xa0))
            return 0;
    }
    return 1;
}
static void i_d14(void)
{
    static const char *const names[] = { "\xc3\xa9t\xc3\xa9.png", "two words.png",
        "line\nbreak.png", "\xff\xfe raw.png", "<script>alert(1)<b>.png", "quo\"te,comma.png",
        "-n.png", "%s%n.png" };
    static const char *const classes[] = { "a<i>\"b\",c\n\x1b[7m\xc2\x9b" "7m", "\xff raw" };
    const char *args[] = { "object_retrieval", "--dataset", "folder", "--root", NULL, "--random",
                           "deit_tiny", "--threads", "1", "--no-cache", "--quiet", "--json",
                           "--report", NULL, NULL };
    const bytes b = i_grey(24, 24, 0);
    char name[700], root[1300], report[1300], *text;
    paw_files f;
    size_t i, n;
    int status;
    for (i = 0; i < sizeof names / sizeof *names; ++i) {
        snprintf(name, sizeof name, "D14/flat/%s", names[i]);
        (void)h_write(name, b.p, b.n);
        snprintf(name, sizeof name, "D14/set/%s/%s", classes[i % 2], names[i]);
        (void)h_write(name, b.p, b.n);
    }
    if (H(!paw_files_list(ctx, h_path("D14/flat"), &f), "%s", paw_message(ctx))) {
        H(f.count == sizeof names / sizeof *names, "%zu names", f.count);
        for (i = 0; i < f.count; ++i) {
            const char *base = strrchr(f.paths[i], '/') + 1;
            for (n = 0; n < f.count && strcmp(names[n], base);) ++n;
            H(n < f.count, "a name is not byte-exact: %s", base);
            i_file(f.paths[i], PAW_OK, "");
        }
        paw_files_free(ctx, &f);
    }
    text = (char *)malloc(6000);
    memset(text, 'x', 5999);
    text[5999] = 0;
    text[0] = '/';
    {
        paw_image img = { NULL, 1, 2 };
        h_begin();
        h_says(paw_image_load(ctx, text, &img), PAW_E_IO, "/xxxx", "");
        H(strlen(paw_message(ctx)) < 8192 && !img.px, "a name of 6000 bytes");
        h_within("a name of 6000 bytes", 0);
    }
    free(text);
    h_begin();
    {
        paw_image img;
        h_says(paw_image_load(ctx, h_path("D14/none\n\x1b[31mred.png"), &img), PAW_E_IO,
               "none??[31mred.png", "no such file"); /* control bytes do not reach the terminal */
    }
    h_within("a name of control bytes", 0);
    snprintf(root, sizeof root, "%s", h_path("D14/set"));
    snprintf(report, sizeof report, "%s", h_path("D14/report"));
    args[4] = root;
    args[13] = report;
    free(b.p);
    if ((status = h_program(args)) < 0) return;
    H(status == 0, "status %d", status);
    text = h_read(h_path("out"), &n);
    H(text && i_json_whole(text, n), "JSON: %s", paw_message(ctx));
    free(text);
    text = h_read(h_path("D14/report/report.html"), NULL);
    H(text && strstr(text, "</html>") && !strstr(text, "<script") && !strstr(text, "<i>\"b\""),
      "names are markup in the report");
    free(text);
    args[11] = "--csv";
    args[12] = NULL;
    H(!h_program(args), "CSV");
    text = h_read(h_path("out"), NULL);
    H(text && i_csv_fields(text) > 2, "CSV rows differ in length");
    free(text);
    args[11] = NULL;
    H(!h_program(args), "as text");
    text = h_read(h_path("out"), NULL);
    H(text && strstr(text, "? raw") && i_plain(text), "names command the terminal");
    free(text);
}

static const h_row hostile_images[] = {
    { "D1", "nothing, one byte, folders, pipes, devices, link loops, 1 GiB", i_d1, NULL,
      "the cap is 1 GiB of file and 100 million pixels, not 256 MB" },
    { "D2", "a JPEG cut short", i_d2, NULL,
      "no lenient mode: a half-grey image would change results unseen; --skip-bad leaves such "
      "images out and counts them" },
    { "D3", "20,000 x 20,000 PNG, 65,500 x 65,500 JPEG", i_d3, NULL, NULL },
    { "D4", "PNG named .JPEG, JPEG named .png, a web page named .jpg", i_d4, NULL, NULL },
    { "D5", "every kind of PNG and JPEG", i_d5, NULL, NULL },
    { "D6", "PNG whose data, text or profile explodes; wrong sums; no end; 1-byte chunks", i_d6,
      NULL, "an image with a wrong sum is read without a warning: the library prints nothing" },
    { "D7", "animations", i_d7, NULL, NULL },
    { "D8", "1 x 1, 1 x 5,000, no width", i_d8, NULL,
      "Resize(256) of 1 x 5,000 would be 328 million pixels: E_LIMIT, as any image over the cap" },
    { "D9", "crops outside, half outside, of no side, around NaN", i_d9, NULL,
      "a side or centre in a list that is no number is an error with its line" },
    { "D10", "key points that are NaN, infinite, 1e30, (0, 0), of the wrong number", i_d10, NULL,
      NULL },
    { "D11", "masks with unknown classes, of another size, in colours, of 16 bits", i_d11, NULL,
      "the message has value, column and row of the first unknown pixel instead of a histogram" },
    { "D12", "masks where all is ignored, classes that never occur", i_d12, NULL, NULL },
    { "D13", "an index behind the palette", i_d13, NULL, NULL },
    { "D14", "file names of any bytes", i_d14, NULL, NULL },
};
#endif
