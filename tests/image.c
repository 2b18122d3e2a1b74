#define _XOPEN_SOURCE 700
/* Images: PNG of every kind against its samples, JPEG built by hand, damage, resize against plain
   double arithmetic, crops, and Pillow's own results where ../shared is. Hostile files stand in
   hostile.c. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "pictures.h"
#include "t.h"
#include <fenv.h>
#include <math.h>
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
/* ---- JPEG: grey blocks of one level each ---- */

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
/* Numbers that end early: zeros follow, whether the file has them or a marker stands there. */
static void test_jpeg_short_scan(void)
{
    enum { W = 64, H = 32, N = W / 8 * (H / 8) };
    int level[N], i, differ = 0, refused = 0;
    size_t from, at, n;
    bytes b;
    for (i = 0; i < N; ++i) level[i] = i % 3 ? (int)(t_random() % 256) : i % 2 * 255;
    b = jpeg_of(W, H, level, NULL, 1);
    n = b.n - 2;
    for (from = 2; memcmp(b.p + from, "\xff\xda", 2); ++from) continue;
    for (at = from + 10; at < n; ++at) {
        bytes cut = { NULL, 0, 0 };
        paw_image a, filled;
        if (b.p[at - 1] == 0xff) continue;
        put(&cut, b.p, at);
        put(&cut, "\xff\xd9", 2);
        refused += paw_image_decode(ctx, cut.p, cut.n, "cut", &a) != PAW_OK;
        cut.n = at;
        for (i = 0; i < N; ++i) put(&cut, "\0", 1);
        put(&cut, "\xff\xd9", 2);
        refused += paw_image_decode(ctx, cut.p, cut.n, "filled", &filled) != PAW_OK;
        free(cut.p);
        if (refused) break;
        differ += memcmp(a.px, filled.px, W * H * 3) != 0;
        paw_image_free(ctx, &a);
        paw_image_free(ctx, &filled);
    }
    T(at == n && !refused && !differ, "short scans: %d differ, to byte %zu of %zu", differ, at, n);
    free(b.p);
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
    test_png_damage();
    test_jpeg();
    test_jpeg_short_scan();
    test_resize();
    test_resize_rules();
    test_crop();
    test_center_crop();
    test_normalize();
    test_golden();
    paw_destroy(ctx);
    return t_end("image");
}
