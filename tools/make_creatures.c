/* make_creatures.c - draws the labelled demo data set: jointed creatures and vehicles that share
 * part types (eye, leg, wing, tail, wheel, window, lamp), in the folder layout of CUB-200-2011.
 * Build: cc -O2 -o make_creatures tools/make_creatures.c      (needs stb: apt install libstb-dev)
 * Run:   make_creatures [--out DIR] [--images N] [--seed S] [--size PX] [--help]
 * Prints one summary: images, classes, and per part how many points are visible and kept.
 * Only integers reach a byte, so one seed gives the same files on every machine and compiler.
 * No full expression draws two random numbers: C leaves open which would come first. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#ifdef _WIN32
#include <direct.h>
#endif

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb/stb_image_write.h>

#define SS 3            /* drawn SS times too large, then box-filtered: 10 levels of coverage */
#define REF 384         /* all model coordinates are pixels of a REF x REF picture */
#define ONE 16384       /* 1.0 of a rotation matrix */
#define MAX_POINTS 256
#define MAX_MARKS 32
#define MAX_PATH 1024
#define KEEP_APART 40   /* the retrieval protocol drops points with half their gap <= 20 px */
#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

typedef int64_t i64;
typedef uint64_t u64;

enum { P_NONE, P_EYE, P_LEG, P_WING, P_TAIL, P_WHEEL, P_WINDOW, P_LAMP, P_HEAD, P_BODY, N_PARTS };
enum { T_PLAIN, T_STRIPES, T_SPOTS, T_BLEND, T_NOISE, T_GRAIN, T_SCALES, T_BARBS, T_GLASS };
enum { F_BIRD, F_LIZARD, F_PAW, F_HOOK };
enum { N_CLASSES = 6, UNTOUCHED = -1 };

static const char *const PART_NAMES[N_PARTS] = { "background", "eye", "leg", "wing", "tail",
    "wheel", "window", "lamp", "head", "body" };
static const char *const CLASS_NAMES[N_CLASSES] = { "Bird", "Lizard", "Dog", "Insect", "Car",
    "Plane" };

typedef struct { i64 r, g, b; } Rgb;
typedef struct { i64 x, y; } Pt;                    /* canvas position, 1/16 of a subpixel */
typedef struct { i64 a, b, c, d, x, y; } Xf;        /* model pixels to canvas; a..d times ONE */
typedef struct { Pt p[MAX_POINTS]; int n; } Path;
typedef struct { i64 x0, y0, x1, y1; } Box;
typedef struct { int part; Pt at; int visible; } Mark;

typedef struct {
    Rgb c0, c1;
    i64 period, alpha, lit, line;       /* line: outline width in 1/16 model pixels, 0 = none */
    u64 seed;
    int tex, part, bits;                /* bits: the power of two nearest below the period */
    i64 ox, oy, iu, iv, ju, jv;         /* canvas to 1/16 model pixels, for the texture */
} Mat;

typedef struct {
    u64 rng;
    i64 size, side, unit;               /* picture, canvas; canvas units per model pixel */
    unsigned char *canvas, *under, *rgb, *mask;
    i64 light_x, light_y;
    Rgb gain, haze;
    Mark marks[MAX_MARKS];
    int n_marks;
    int chosen[N_PARTS];                /* index into marks, or -1 */
    Box box;
} Pic;

/* ---- integers ---- */

static u64 mix64(u64 z) {
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static i64 rnd(Pic *s, i64 lo, i64 hi) {
    s->rng += UINT64_C(0x9e3779b97f4a7c15);
    return lo + (i64)(mix64(s->rng) % (u64)(hi - lo + 1));
}

static i64 min64(i64 a, i64 b) { return a < b ? a : b; }
static i64 max64(i64 a, i64 b) { return a > b ? a : b; }
static i64 clamp(i64 v, i64 lo, i64 hi) { return max64(lo, min64(v, hi)); }

static i64 floordiv(i64 a, i64 b) {
    i64 q = a / b;
    return a % b < 0 ? q - 1 : q;
}

static i64 wrap(i64 a, i64 b) { return a - floordiv(a, b) * b; }

static i64 isqrt(i64 v) {
    i64 r = 0, bit = 1048576;
    for (; bit > 0; bit /= 2) {
        if ((r + bit) * (r + bit) <= v) r += bit;
    }
    return r;
}

/* Bhaskara's rational sine, within 0.002 of the true one: exact everywhere, unlike libm's. */
static i64 isin(i64 tenths) {
    i64 t = wrap(tenths, 3600), x = t % 1800;
    i64 q = x * (1800 - x), v = 4 * q * ONE / (4050000 - q);
    return t < 1800 ? v : -v;
}

static i64 icos(i64 tenths) { return isin(tenths + 900); }

static i64 cell_hash(i64 x, i64 y, u64 seed) {
    u64 h = (u64)x * UINT64_C(0x9e3779b97f4a7c15) ^ (u64)y * UINT64_C(0xd1b54a32d192ed03);
    h = (h ^ seed ^ (h >> 31)) * UINT64_C(0xbf58476d1ce4e5b9);
    return (i64)((h ^ (h >> 29)) >> 8 & 0xffffff);
}

/* Value noise 0..255 on cells of 2^bits; the offset keeps the shifted numbers positive. */
static i64 noise(i64 x, i64 y, int bits, u64 seed) {
    const u64 ux = (u64)(x + ((i64)1 << 40)), uy = (u64)(y + ((i64)1 << 40));
    const u64 cell = ((u64)1 << bits) - 1;
    i64 ix = (i64)(ux >> bits), iy = (i64)(uy >> bits);
    i64 fx = (i64)(((ux & cell) << 8) >> bits), fy = (i64)(((uy & cell) << 8) >> bits);
    i64 a = cell_hash(ix, iy, seed) & 255, b = cell_hash(ix + 1, iy, seed) & 255;
    i64 c = cell_hash(ix, iy + 1, seed) & 255, d = cell_hash(ix + 1, iy + 1, seed) & 255;
    fx = fx * fx * (768 - 2 * fx) / 65536;
    fy = fy * fy * (768 - 2 * fy) / 65536;
    a = a * 256 + (b - a) * fx;
    c = c * 256 + (d - c) * fx;
    return (a * 256 + (c - a) * fy) / 65536;
}

/* Two octaves on lattices turned against each other, so that no grid shows. */
static i64 blotches(i64 x, i64 y, int bits, u64 seed) {
    i64 rough = noise(x * 4 + y * 3, y * 4 - x * 3, bits + 2, seed);
    i64 fine = noise(x * 3 - y * 4, y * 3 + x * 4, bits + 1, seed + 1);
    return clamp((rough * 2 + fine) - 256, 0, 256);
}

/* ---- colours ---- */

static Rgb rgb(i64 r, i64 g, i64 b) {
    Rgb c;
    c.r = clamp(r, 0, 255);
    c.g = clamp(g, 0, 255);
    c.b = clamp(b, 0, 255);
    return c;
}

static Rgb blend(Rgb a, Rgb b, i64 t) {
    return rgb(a.r + (b.r - a.r) * t / 256, a.g + (b.g - a.g) * t / 256,
        a.b + (b.b - a.b) * t / 256);
}

static Rgb gained(Rgb a, i64 t) { return rgb(a.r * t / 256, a.g * t / 256, a.b * t / 256); }

static Rgb hsv(i64 h, i64 sat, i64 val) {
    i64 k = wrap(h, 1536), f = k % 256, lo = val * (255 - sat) / 255;
    i64 up = lo + (val - lo) * f / 256, down = val - (val - lo) * f / 256;
    switch (k / 256) {
    case 0: return rgb(val, up, lo);
    case 1: return rgb(down, val, lo);
    case 2: return rgb(lo, val, up);
    case 3: return rgb(lo, down, val);
    case 4: return rgb(up, lo, val);
    default: return rgb(val, lo, down);
    }
}

static Mat plain(Rgb c, int part) {
    Mat m;
    memset(&m, 0, sizeof m);
    m.c0 = m.c1 = c;
    m.period = 16;
    m.alpha = 256;
    m.lit = 60;
    m.line = 20;
    m.part = part;
    return m;
}

static Mat textured(Rgb c0, Rgb c1, int tex, i64 period, int part) {
    Mat m = plain(c0, part);
    m.c1 = c1;
    m.tex = tex;
    m.period = period * 16;
    return m;
}

static Mat as_part(Mat m, int part) {
    m.part = part;
    return m;
}

static Mat darker(Mat m) {
    m.c0 = gained(m.c0, 165);
    m.c1 = gained(m.c1, 165);
    return m;
}

static Mat flat(Rgb c, int part) {
    Mat m = plain(c, part);
    m.line = 0;
    m.lit = 0;
    return m;
}

/* How much of c1 shows at model position (u, v), 0..256. */
static i64 texture(const Mat *m, i64 u, i64 v) {
    i64 p = m->period, row, cu, cv, r;
    switch (m->tex) {
    case T_STRIPES:
        u += (noise(u, v, m->bits, m->seed) - 128) * p / 400;
        return wrap(u, p) * 5 < p * 2 ? 256 : 0;
    case T_SPOTS:
    case T_SCALES:
        row = floordiv(v, p);
        u += (row & 1) * p / 2;
        cu = wrap(u, p) - p / 2;
        cv = wrap(v, p) - p / 2;
        if (m->tex == T_SCALES) {
            r = cu * cu + (cv + p / 4) * (cv + p / 4);
            return r * 2 > p * p ? 200 : r * 8 / (p * p) * 24;
        }
        cu += (cell_hash(floordiv(u, p), row, m->seed) & 255) * p / 1024 - p / 8;
        r = p / 5 + (cell_hash(row, floordiv(u, p), m->seed) & 255) * p / 1400;
        return cu * cu + cv * cv < r * r ? 256 : 0;
    case T_BLEND: return clamp(128 + v * 128 / p, 0, 256);
    case T_NOISE: return blotches(u, v, m->bits, m->seed);
    case T_GRAIN: return noise(u * 4 + v * 3, v * 4 - u * 3, m->bits + 2, m->seed);
    case T_BARBS: return wrap(u - (v < 0 ? -v : v), p) * 3 < p ? 130 : u * 128 / 2000;
    case T_GLASS:
        r = wrap(u * 2 + v, p);
        return r * 5 < p ? 230 : (r * 16 > p * 5 && r * 16 < p * 6) ? 190
            : clamp(50 - v / 8, 0, 110);
    default: return 0;
    }
}

/* ---- frames and paths ---- */

static Pt at(const Xf *f, i64 x, i64 y) {
    Pt p;
    p.x = f->x + (f->a * x + f->c * y) / ONE;
    p.y = f->y + (f->b * x + f->d * y) / ONE;
    return p;
}

/* The frame of a joint at (x, y), turned by tenths of a degree, scaled in percent. */
static Xf joint_scaled(const Xf *f, i64 x, i64 y, i64 turn, i64 sx, i64 sy) {
    i64 la = icos(turn) * sx / 100, lb = isin(turn) * sx / 100;
    i64 lc = -isin(turn) * sy / 100, ld = icos(turn) * sy / 100;
    Pt o = at(f, x, y);
    Xf n;
    n.a = (f->a * la + f->c * lb) / ONE;
    n.b = (f->b * la + f->d * lb) / ONE;
    n.c = (f->a * lc + f->c * ld) / ONE;
    n.d = (f->b * lc + f->d * ld) / ONE;
    n.x = o.x;
    n.y = o.y;
    return n;
}

static Xf joint(const Xf *f, i64 x, i64 y, i64 turn) {
    return joint_scaled(f, x, y, turn, 100, 100);
}

static Xf page(const Pic *s) {
    Xf f;
    f.a = f.d = s->side * 16 * ONE / REF;
    f.b = f.c = f.x = f.y = 0;
    return f;
}

static void add(Path *p, Pt q) {
    if (p->n < MAX_POINTS) p->p[p->n++] = q;
}

static Path polygon(const Xf *f, const short *xy, int n) {
    Path p;
    int k;
    p.n = 0;
    for (k = 0; k + 1 < n; k += 2) add(&p, at(f, xy[k], xy[k + 1]));
    return p;
}

static i64 catmull(i64 a, i64 b, i64 c, i64 d, i64 t) {
    i64 v = 2 * b * 512 + (c - a) * t * 64 + (2 * a - 5 * b + 4 * c - d) * t * t * 8
        + (3 * b - a - 3 * c + d) * t * t * t;
    return v / 1024;
}

static Path smooth(const Xf *f, const short *xy, int n) {
    Path c = polygon(f, xy, n), p;
    int k;
    p.n = 0;
    for (k = 0; k < c.n; k++) {
        Pt q0 = c.p[(k + c.n - 1) % c.n], q1 = c.p[k];
        Pt q2 = c.p[(k + 1) % c.n], q3 = c.p[(k + 2) % c.n];
        i64 t;
        for (t = 0; t < 8; t++) {
            Pt q;
            q.x = catmull(q0.x, q1.x, q2.x, q3.x, t);
            q.y = catmull(q0.y, q1.y, q2.y, q3.y, t);
            add(&p, q);
        }
    }
    return p;
}

static Path ellipse(const Xf *f, i64 x, i64 y, i64 rx, i64 ry) {
    Xf e = joint(f, x, y, 0);
    Path p;
    i64 t;
    p.n = 0;
    for (t = 0; t < 3600; t += 90) {
        Pt q;
        i64 cx = rx * icos(t) / 64, cy = ry * isin(t) / 64;
        q.x = e.x + (e.a * cx + e.c * cy) / (ONE * (i64)(ONE / 64));
        q.y = e.y + (e.b * cx + e.d * cy) / (ONE * (i64)(ONE / 64));
        add(&p, q);
    }
    return p;
}

/* A limb with round ends, radius ra at a and rb at b, all in canvas units. */
static Path capsule(Pt a, i64 ra, Pt b, i64 rb, i64 step) {
    i64 dx = b.x - a.x, dy = b.y - a.y, len = isqrt(dx * dx + dy * dy), t;
    Path p;
    p.n = 0;
    if (len == 0) dx = len = 1;
    for (t = -900; t <= 2700; t += step) {
        Pt c = t <= 900 ? b : a, q;
        i64 r = t <= 900 ? rb : ra, cs = icos(t), sn = isin(t);
        q.x = c.x + r * (cs * dx - sn * dy) / (len * ONE);
        q.y = c.y + r * (cs * dy + sn * dx) / (len * ONE);
        add(&p, q);
        if (t == 900) {
            q.x += a.x - b.x - (ra - rb) * dy / len;
            q.y += a.y - b.y + (ra - rb) * dx / len;
            add(&p, q);
        }
    }
    return p;
}

static Path limb(const Pic *s, const Xf *f, const i64 *v) {
    return capsule(at(f, v[0], v[1]), v[2] * s->unit, at(f, v[3], v[4]), v[5] * s->unit, 225);
}

/* ---- filling ---- */

static Box bounds(const Path *p) {
    Box b;
    int k;
    b.x0 = b.x1 = p->p[0].x;
    b.y0 = b.y1 = p->p[0].y;
    for (k = 1; k < p->n; k++) {
        b.x0 = min64(b.x0, p->p[k].x);
        b.x1 = max64(b.x1, p->p[k].x);
        b.y0 = min64(b.y0, p->p[k].y);
        b.y1 = max64(b.y1, p->p[k].y);
    }
    return b;
}

static void put(unsigned char *dst, Rgb c, i64 alpha) {
    dst[0] = (unsigned char)(dst[0] + (c.r - dst[0]) * alpha / 256);
    dst[1] = (unsigned char)(dst[1] + (c.g - dst[1]) * alpha / 256);
    dst[2] = (unsigned char)(dst[2] + (c.b - dst[2]) * alpha / 256);
}

static void span(Pic *s, const Mat *m, const Box *b, i64 y, i64 x0, i64 x1) {
    i64 hw = (b->x1 - b->x0) / 2 + 1, hh = (b->y1 - b->y0) / 2 + 1, x;
    const i64 slope = s->light_x * 65536 / hw;
    i64 shade_y = (y * 16 - b->y0 - hh) * s->light_y / hh;
    for (x = max64(x0, 0); x < min64(x1, s->side); x++) {
        i64 dx = x * 16 - m->ox, dy = y * 16 - m->oy, k = y * s->side + x;
        Rgb c = m->c0;
        if (m->tex != T_PLAIN) {
            i64 u = (m->iu * dx + m->iv * dy) / 1048576, v = (m->ju * dx + m->jv * dy) / 1048576;
            c = blend(c, m->c1, texture(m, u, v));
        }
        if (m->lit != 0) {
            i64 shade = shade_y + (x * 16 - b->x0 - hw) * slope / 65536;
            c = gained(c, clamp(262 - shade * m->lit / 256, 140, 330));
        }
        put(s->canvas + 3 * k, c, m->alpha);
        if (m->part != UNTOUCHED) s->under[k] = (unsigned char)m->part;
    }
}

static int crossings(const Path *p, i64 y, i64 *xs) {
    int k, j, n = 0;
    for (k = 0; k < p->n && n < MAX_POINTS; k++) {
        Pt a = p->p[k], b = p->p[(k + 1) % p->n];
        i64 x;
        if ((a.y <= y) == (b.y <= y)) continue;
        x = a.x + (y - a.y) * (b.x - a.x) / (b.y - a.y);
        for (j = n++; j > 0 && xs[j - 1] > x; j--) xs[j] = xs[j - 1];
        xs[j] = x;
    }
    return n;
}

static void fill(Pic *s, const Path *p, const Mat *m) {
    Box b = bounds(p);
    i64 y, xs[MAX_POINTS];
    for (y = max64(0, b.y0 / 16); y <= min64(s->side - 1, b.y1 / 16); y++) {
        int k, n = crossings(p, y * 16 + 8, xs);
        for (k = 0; k + 1 < n; k += 2) {
            span(s, m, &b, y, floordiv(xs[k] + 7, 16), floordiv(xs[k + 1] + 7, 16));
        }
    }
}

static void set_frame(Mat *m, const Xf *f) {
    i64 det = f->a * f->d - f->b * f->c, k = (i64)16 * ONE * 1048576;
    if (det == 0) det = 1;
    for (m->bits = 0; ((i64)2 << m->bits) <= m->period; m->bits++) {}
    m->ox = f->x;
    m->oy = f->y;
    /* k times a matrix entry stays below 2^62 up to a 1024 px picture with tripled joints. */
    m->iu = f->d * k / det;
    m->iv = -f->c * k / det;
    m->ju = -f->b * k / det;
    m->jv = f->a * k / det;
}

/* The outline goes first: filling over its inner half keeps neighbouring shapes crisp. */
static void paint(Pic *s, const Path *p, Mat m, const Xf *f) {
    set_frame(&m, f);
    if (m.line > 0) {
        Mat ink = flat(gained(m.c0, 80), m.part);
        i64 r = m.line * s->unit / 16;
        int k;
        for (k = 0; k < p->n; k++) {
            Path edge = capsule(p->p[k], r, p->p[(k + 1) % p->n], r, 450);
            fill(s, &edge, &ink);
        }
    }
    fill(s, p, &m);
}

static void paint_smooth(Pic *s, const Xf *f, const short *xy, int n, Mat m) {
    Path p = smooth(f, xy, n);
    paint(s, &p, m, f);
}

static void paint_polygon(Pic *s, const Xf *f, const short *xy, int n, Mat m) {
    Path p = polygon(f, xy, n);
    paint(s, &p, m, f);
}

static void paint_ellipse(Pic *s, const Xf *f, i64 x, i64 y, i64 rx, i64 ry, Mat m) {
    Path p = ellipse(f, x, y, rx, ry);
    Xf o = joint(f, x, y, 0);
    paint(s, &p, m, &o);
}

static void paint_limb(Pic *s, const Xf *f, i64 x0, i64 y0, i64 r0, i64 x1, i64 y1, i64 r1, Mat m) {
    i64 v[6];
    Path p;
    v[0] = x0;
    v[1] = y0;
    v[2] = r0;
    v[3] = x1;
    v[4] = y1;
    v[5] = r1;
    p = limb(s, f, v);
    paint(s, &p, m, f);
}

/* A stroke of half width w, in 1/16 model pixels. */
static void stroke(Pic *s, const Xf *f, i64 x0, i64 y0, i64 x1, i64 y1, i64 w, Mat m) {
    i64 r = w * s->unit / 16;
    Path p = capsule(at(f, x0, y0), r, at(f, x1, y1), r, 450);
    m.line = 0;
    m.lit = 0;
    paint(s, &p, m, f);
}

static void mark(Pic *s, int part, const Xf *f, i64 x, i64 y) {
    if (s->n_marks < MAX_MARKS) {
        Mark *k = &s->marks[s->n_marks++];
        k->part = part;
        k->at = at(f, x, y);
        k->visible = 0;
    }
}

/* ---- parts ---- */

static void draw_eye(Pic *s, const Xf *f, i64 x, i64 y, i64 r) {
    Xf e = joint(f, x, y, 0);
    i64 hue = rnd(s, 0, 1535), gx = rnd(s, -r / 6, r / 4), gy = rnd(s, -r / 6, r / 6);
    Mat white = plain(rgb(250, 250, 244), P_EYE);
    white.lit = 24;
    white.line = 24;
    paint_ellipse(s, &e, 0, 0, r, r - r / 12, white);
    paint_ellipse(s, &e, gx, gy, r * 62 / 100, r * 62 / 100, flat(hsv(hue, 190, 170), P_EYE));
    paint_ellipse(s, &e, gx, gy, r * 40 / 100, r * 40 / 100, flat(rgb(12, 10, 16), P_EYE));
    paint_ellipse(s, &e, gx + r / 4, gy - r / 4, max64(2, r / 5), max64(2, r / 5),
        flat(rgb(255, 255, 255), P_EYE));
    mark(s, P_EYE, &e, 0, 0);
}

static void draw_wheel(Pic *s, const Xf *f, i64 x, i64 y, i64 r, i64 spokes) {
    i64 turn = rnd(s, 0, 3599), k;
    Xf w = joint(f, x, y, turn);
    Xf still = joint(f, x, y, 0);
    Mat rim = plain(rgb(206, 210, 216), P_WHEEL), tyre = plain(rgb(42, 42, 46), P_WHEEL);
    Mat gap = plain(rgb(92, 96, 104), P_WHEEL);
    rim.line = 12;
    gap.line = 0;
    paint_ellipse(s, &still, 0, 0, r, r, tyre);
    paint_ellipse(s, &still, 0, 0, r * 70 / 100, r * 70 / 100, rim);
    paint_ellipse(s, &still, 0, 0, r * 58 / 100, r * 58 / 100, gap);
    for (k = 0; k < spokes; k++) {
        Xf a = joint(&w, 0, 0, 3600 * k / spokes);
        stroke(s, &a, 0, 0, r * 60 / 100, 0, r * 16 / 12, rim);
    }
    paint_ellipse(s, &still, 0, 0, r / 5, r / 5, rim);
    mark(s, P_WHEEL, &still, 0, 0);
}

static void draw_foot(Pic *s, const Xf *f, int kind, i64 r, Mat m) {
    static const short TOES[4][2] = { { -12, 7 }, { 10, 10 }, { 18, 6 }, { 22, -1 } };
    i64 k;
    if (kind == F_PAW) {
        paint_ellipse(s, f, 6, 2, r + 7, r, m);
        for (k = 0; k < 2; k++) {
            stroke(s, f, 8 + 6 * k, 4, 8 + 6 * k, r, 14, flat(gained(m.c0, 80), P_LEG));
        }
        return;
    }
    if (kind == F_HOOK) {
        paint_limb(s, f, 0, 0, r, 11, 4, 1, m);
        return;
    }
    for (k = 0; k < 8; k++) {       /* the second round covers the outlines inside the foot */
        const i64 wide = kind == F_LIZARD && k < 4 ? 3 : 2;
        if (k == 4) m.line = 0;
        paint_limb(s, f, 0, 0, wide, TOES[k % 4][0], TOES[k % 4][1], wide, m);
    }
}

typedef struct { i64 x, y, turn, upper, bend, lower, r0, r1; int kind; } Leg;

static Leg leg_of(i64 x, i64 y, i64 upper, i64 lower, i64 r0, i64 r1, int kind) {
    Leg l;
    l.x = x;
    l.y = y;
    l.upper = upper;
    l.lower = lower;
    l.r0 = r0;
    l.r1 = r1;
    l.kind = kind;
    l.turn = l.bend = 0;
    return l;
}

static void draw_leg(Pic *s, const Xf *f, Leg l, Mat m) {
    Xf hip = joint(f, l.x, l.y, l.turn);
    Xf knee = joint(&hip, 0, l.upper, l.bend);
    Xf foot = joint(&knee, 0, l.lower, -l.turn - l.bend);
    i64 mid = (l.r0 + l.r1) / 2;
    m.part = P_LEG;
    draw_foot(s, &foot, l.kind, l.r1, m);
    paint_limb(s, &knee, 0, 0, mid, 0, l.lower, l.r1, m);
    paint_limb(s, &hip, 0, 0, l.r0, 0, l.upper, mid, m);
    m.line = 0;
    paint_limb(s, &knee, 0, 0, mid, 0, l.lower / 2, mid, m);
    mark(s, P_LEG, &knee, 0, l.lower * 85 / 100);
}

static void swing(Pic *s, Leg *l, i64 turn, i64 bend, i64 loose) {
    l->turn = turn + rnd(s, -loose, loose);
    l->bend = bend + rnd(s, -loose / 2, loose / 2);
}

/* A tail swept along a bending spine; `fluff` swells its middle. */
static void draw_tail(Pic *s, Xf f, i64 step, i64 bend, i64 r0, i64 fluff, Mat m) {
    enum { LINKS = 12 };
    Pt left[LINKS + 1], right[LINKS + 1];
    Xf root = f;
    Path p;
    int k;
    p.n = 0;
    for (k = 0; k <= LINKS; k++) {
        i64 r = 2 + (r0 - 2) * (LINKS - k) / LINKS + fluff * 4 * k * (LINKS - k) / (LINKS * LINKS);
        left[k] = at(&f, 0, -r);
        right[k] = at(&f, 0, r);
        if (k == LINKS * 6 / 10) mark(s, P_TAIL, &f, 0, 0);
        f = joint(&f, step, 0, bend);
    }
    for (k = 0; k <= LINKS; k++) add(&p, left[k]);
    for (k = LINKS; k >= 0; k--) add(&p, right[k]);
    m.part = P_TAIL;
    paint(s, &p, m, &root);
}

static void draw_feather(Pic *s, const Xf *f, i64 turn, i64 length, i64 width, Mat m) {
    static const short VANE[] = { 0, 0, 20, -8, 55, -12, 86, -8, 97, 0, 86, 9, 50, 11, 18, 7 };
    Xf q = joint_scaled(f, 0, 0, turn, length, width);
    m.tex = T_BARBS;
    m.period = 16 * 9;
    paint_smooth(s, &q, VANE, COUNT(VANE), m);
    stroke(s, &q, 4, 0, 88, 0, 10, flat(gained(m.c0, 110), m.part));
}

static void draw_bird_wing(Pic *s, const Xf *f, i64 turn, Mat m, int near) {
    Xf w = joint(f, 0, 0, turn);
    i64 k;
    m.part = P_WING;
    for (k = 0; k < 7; k++) draw_feather(s, &w, 60 - (6 - k) * 75, 78 + k * 5, 105, m);
    for (k = 0; k < 5; k++) draw_feather(s, &w, 30 - (4 - k) * 95, 46 + k * 3, 100, darker(m));
    paint_ellipse(s, &w, 12, -6, 26, 19, m);
    if (near) mark(s, P_WING, &w, 62, -16);
}

static void draw_insect_wing(Pic *s, const Xf *f, i64 turn, i64 length, Rgb tint) {
    static const short BLADE[] = { 0, 0, 25, -13, 70, -24, 108, -16, 118, 2, 100, 20, 55, 20,
        15, 8 };
    static const short VEINS[] = { 0, 0, 60, -20, 0, 0, 108, -10, 0, 0, 114, 4, 0, 0, 96, 17,
        0, 0, 60, 18, 60, -20, 66, 2, 66, 2, 62, 18, 88, -6, 92, 16, 36, -5, 34, 10 };
    Xf w = joint_scaled(f, 0, 0, turn, length, length);
    Mat glass = textured(tint, rgb(255, 255, 255), T_NOISE, 22, P_WING);
    Mat vein = flat(gained(tint, 70), P_WING);
    int k;
    glass.alpha = 190;
    glass.line = 22;
    paint_smooth(s, &w, BLADE, COUNT(BLADE), glass);
    for (k = 0; k + 3 < COUNT(VEINS); k += 4) {
        stroke(s, &w, VEINS[k], VEINS[k + 1], VEINS[k + 2], VEINS[k + 3], 13, vein);
    }
    mark(s, P_WING, &w, 74, -2);
}

static void draw_window(Pic *s, const Xf *f, const short *xy, int n, i64 x, i64 y) {
    Xf o = joint(f, x, y, 0);
    Path p = polygon(f, xy, n);
    Mat m = textured(rgb(70, 118, 156), rgb(236, 246, 252), T_GLASS, 74, P_WINDOW);
    m.seed = 0;
    m.lit = 30;
    m.line = 28;
    paint(s, &p, m, &o);
    mark(s, P_WINDOW, f, x, y);
}

/* ---- objects: x runs forwards, y down, roughly within +-150 by +-100 ---- */

static Mat draw_skin(Pic *s, int part) {
    i64 hue = rnd(s, 0, 1535), sat = rnd(s, 90, 200), val = rnd(s, 150, 235);
    i64 turn = rnd(s, 90, 420), val2 = rnd(s, 70, 250), period = rnd(s, 15, 26);
    int tex = (int)rnd(s, T_STRIPES, T_NOISE);
    Mat m = textured(hsv(hue, sat, val), hsv(hue + turn, sat, val2), tex, period, part);
    if (tex == T_BLEND) m.period = 40 * 16;
    m.seed = (u64)rnd(s, 0, 1 << 30);
    return m;
}

static void draw_bird(Pic *s, const Xf *f) {
    static const short BODY[] = { -78, -2, -40, -26, 5, -34, 50, -38, 76, -8, 62, 32, 20, 52,
        -34, 42 };
    static const short BEAK[] = { 100, -60, 118, -58, 152, -44, 118, -40, 100, -42 };
    Mat skin = draw_skin(s, P_BODY), quill = draw_skin(s, P_WING), horn;
    i64 raise = rnd(s, 1880, 2450), fan = rnd(s, 60, 110), tilt = rnd(s, -220, 160), k;
    Xf shoulder = joint(f, 30, -14, 0), rump = joint(f, -58, 2, 1800 + tilt);
    Leg leg = leg_of(8, 42, 20, 32, 7, 3, F_BIRD);
    horn = plain(hsv(rnd(s, 60, 200), 210, 225), P_LEG);
    quill.c1 = gained(quill.c0, 150);
    for (k = -2; k <= 2; k++) draw_feather(s, &rump, k * fan, 98, 100, as_part(quill, P_TAIL));
    draw_feather(s, &rump, 0, 102, 100, as_part(quill, P_TAIL));
    mark(s, P_TAIL, &rump, 62, 0);
    if (raise > 2100) draw_bird_wing(s, &shoulder, raise + 330, darker(quill), 0);
    swing(s, &leg, -60, 120, 150);
    leg.x = 22;
    draw_leg(s, f, leg, darker(horn));
    swing(s, &leg, 60, 60, 150);
    leg.x = -6;
    draw_leg(s, f, leg, horn);
    paint_smooth(s, f, BODY, COUNT(BODY), skin);
    paint_smooth(s, f, BEAK, COUNT(BEAK), as_part(horn, P_HEAD));
    stroke(s, f, 112, -50, 146, -45, 12, flat(gained(horn.c0, 90), P_HEAD));
    paint_ellipse(s, f, 82, -54, 34, 31, as_part(skin, P_HEAD));
    draw_eye(s, f, 93, -60, 13);
    draw_bird_wing(s, &shoulder, raise, quill, 1);
}

static void draw_lizard(Pic *s, const Xf *f) {
    static const short BODY[] = { -72, 4, -40, -22, 0, -28, 45, -26, 76, -8, 66, 18, 10, 28,
        -42, 24 };
    static const short HEAD[] = { 60, -18, 84, -42, 112, -42, 142, -16, 144, 0, 110, 12, 66, 14 };
    static const short SPIKE[] = { -9, 6, 0, -12, 9, 6 };
    Mat skin = draw_skin(s, P_BODY), dorsal = skin;
    i64 tilt = rnd(s, -150, 250), bend = rnd(s, -130, 130), k, scales = rnd(s, 0, 2);
    Leg leg = leg_of(0, 14, 26, 32, 12, 7, F_LIZARD);
    if (scales == 0) {
        skin.tex = T_SCALES;
        skin.period = 16 * 12;
    }
    for (k = 0; k < 2; k++) {
        leg.x = k ? 62 : -34;
        swing(s, &leg, k ? -600 : 500, k ? 500 : -700, 150);
        draw_leg(s, f, leg, darker(skin));
    }
    draw_tail(s, joint(f, -52, 4, 1800 + tilt), 10, bend, 21, 0, skin);
    dorsal.c0 = dorsal.c1;
    dorsal.tex = T_PLAIN;
    for (k = -2; k <= 2; k++) {
        Xf o = joint(f, k * 23, -26 + k * k, k * 30);
        paint_polygon(s, &o, SPIKE, COUNT(SPIKE), dorsal);
    }
    paint_smooth(s, f, BODY, COUNT(BODY), skin);
    paint_smooth(s, f, HEAD, COUNT(HEAD), as_part(skin, P_HEAD));
    stroke(s, f, 104, 1, 142, -6, 18, flat(gained(skin.c0, 80), P_HEAD));
    stroke(s, f, 134, -16, 135, -16, 24, flat(gained(skin.c0, 80), P_HEAD));
    draw_eye(s, f, 102, -28, 14);
    for (k = 0; k < 2; k++) {
        leg.x = k ? 46 : -46;
        swing(s, &leg, k ? -450 : 550, k ? 450 : -650, 150);
        draw_leg(s, f, leg, skin);
    }
}

static void draw_dog_head(Pic *s, const Xf *f, Mat skin, Rgb dark) {
    static const short EAR[] = { -6, -4, 8, -2, 16, 20, 8, 42, -8, 44, -16, 20 };
    i64 nod = rnd(s, -150, 150), flop = rnd(s, -100, 450);
    Xf h = joint(f, 98, -62, nod), ear;
    Mat coat = as_part(skin, P_HEAD), nose = plain(rgb(28, 22, 24), P_HEAD);
    paint_limb(s, &h, 16, 8, 16, 42, 13, 12, coat);
    paint_ellipse(s, &h, 0, 0, 31, 27, coat);
    coat.line = 0;
    paint_limb(s, &h, 14, 8, 14, 42, 13, 11, coat);
    stroke(s, &h, 26, 20, 50, 18, 16, flat(dark, P_HEAD));
    paint_ellipse(s, &h, 53, 5, 8, 6, nose);
    draw_eye(s, &h, 9, -7, 12);
    ear = joint(&h, -16, -18, flop);
    coat = as_part(darker(skin), P_HEAD);
    paint_smooth(s, &ear, EAR, COUNT(EAR), coat);
}

static void draw_dog(Pic *s, const Xf *f) {
    static const short BODY[] = { -90, -6, -62, -32, 0, -28, 52, -38, 84, -14, 72, 22, 30, 27,
        -25, 19, -72, 28 };
    Mat skin = draw_skin(s, P_BODY);
    i64 hue = rnd(s, 60, 210), tilt = rnd(s, 150, 650), bend = rnd(s, -70, 90), k;
    i64 fluff = rnd(s, 0, 9);
    Leg leg = leg_of(0, 8, 40, 40, 16, 9, F_PAW);
    if (rnd(s, 0, 3) > 0) skin.c0 = hsv(hue, 120, 200);
    for (k = 0; k < 2; k++) {
        leg.x = k ? 68 : -54;
        swing(s, &leg, k ? -200 : -120, k ? 60 : 150, 180);
        draw_leg(s, f, leg, darker(skin));
    }
    draw_tail(s, joint(f, -80, -14, 1800 + tilt), 7, bend, 9, fluff, skin);
    paint_limb(s, f, 58, -16, 25, 88, -56, 20, skin);
    paint_smooth(s, f, BODY, COUNT(BODY), skin);
    skin.line = 0;
    paint_limb(s, f, 60, -16, 23, 80, -44, 20, skin);
    skin.line = 20;
    draw_dog_head(s, f, skin, gained(skin.c0, 70));
    for (k = 0; k < 2; k++) {
        leg.x = k ? 52 : -66;
        swing(s, &leg, k ? 60 : 60, k ? -20 : 120, 200);
        draw_leg(s, f, leg, skin);
    }
}

static void draw_insect(Pic *s, const Xf *f) {
    static const short TAIL_END[] = { 8, -14, -30, -28, -80, -24, -118, 2, -132, 14, -112, 18,
        -70, 26, -20, 24, 8, 16 };
    Mat skin = draw_skin(s, P_BODY), shell, dark;
    i64 hue = rnd(s, 0, 1535), lift = rnd(s, 2250, 2550), gap = rnd(s, 280, 420), k;
    i64 droop = rnd(s, -150, 60);
    Xf root = joint(f, 18, -18, 0), waist = joint(f, 2, 2, droop);
    Leg leg = leg_of(0, 20, 32, 40, 6, 4, F_HOOK);
    shell = plain(gained(skin.c1, 200), P_BODY);
    dark = plain(gained(skin.c0, 110), P_LEG);
    for (k = 0; k < 3; k++) {
        leg.x = 8 + 22 * k;
        swing(s, &leg, 250 - 380 * k, k == 2 ? 500 : -100, 120);
        draw_leg(s, f, leg, darker(dark));
    }
    draw_insect_wing(s, &root, lift + 250, 92, hsv(hue, 40, 200));
    paint_smooth(s, &waist, TAIL_END, COUNT(TAIL_END), skin);
    paint_ellipse(s, f, 26, 0, 40, 32, shell);
    for (k = 0; k < 2; k++) {
        stroke(s, f, 92, -24, 104 + 14 * k, -52, 30, flat(dark.c0, P_HEAD));
        stroke(s, f, 104 + 14 * k, -52, 122 + 16 * k, -62, 24, flat(dark.c0, P_HEAD));
    }
    paint_ellipse(s, f, 82, -2, 31, 28, as_part(skin, P_HEAD));
    stroke(s, f, 96, 15, 108, 10, 18, flat(gained(dark.c0, 120), P_HEAD));
    draw_eye(s, f, 92, -8, 15);
    for (k = 0; k < 3; k++) {
        leg.x = 2 + 22 * k;
        swing(s, &leg, 350 - 380 * k, k == 2 ? 500 : -150, 120);
        draw_leg(s, f, leg, dark);
    }
    draw_insect_wing(s, &root, lift - gap, 88, hsv(hue, 60, 225));
    draw_insect_wing(s, &root, lift, 100, hsv(hue, 60, 225));
}

typedef struct { short cabin[8], rear[8], front[8]; i64 rear_x, rear_y, front_x, front_y; } Cab;

static const Cab CABS[3] = {
    { { -98, -10, -66, -64, 28, -66, 78, -10 }, { -80, -17, -58, -56, -22, -57, -22, -17 },
      { -12, -17, -12, -57, 23, -58, 60, -17 }, -42, -37, 18, -37 },
    { { -132, -10, -130, -80, 40, -82, 88, -10 }, { -96, -26, -96, -70, -38, -71, -38, -26 },
      { -22, -22, -22, -71, 34, -72, 68, -22 }, -67, -48, 14, -47 },
    { { -38, -10, -34, -78, 42, -80, 84, -10 }, { -28, -18, -26, -70, -8, -70, -8, -18 },
      { 2, -18, 2, -70, 37, -71, 68, -18 }, -18, -44, 28, -44 } };

static void draw_lamp(Pic *s, const Xf *f, i64 x, i64 y) {
    Mat ring = plain(rgb(200, 204, 210), P_LAMP), bulb = plain(rgb(255, 222, 110), P_LAMP);
    bulb.line = 10;
    paint_ellipse(s, f, x, y, 15, 15, ring);
    paint_ellipse(s, f, x, y, 11, 11, bulb);
    paint_ellipse(s, f, x + 2, y - 3, 5, 5, flat(rgb(255, 252, 232), P_LAMP));
    mark(s, P_LAMP, f, x, y);
}

static void draw_car_details(Pic *s, const Xf *f, Mat skin, const Cab *cab) {
    Mat ink = flat(gained(skin.c0, 90), P_BODY), chrome = plain(rgb(190, 194, 200), P_BODY);
    chrome.line = 10;
    draw_window(s, f, cab->rear, 8, cab->rear_x, cab->rear_y);
    draw_window(s, f, cab->front, 8, cab->front_x, cab->front_y);
    stroke(s, f, -16, -10, -16, 34, 12, ink);
    stroke(s, f, 52, -8, 46, 32, 12, ink);
    stroke(s, f, -128, 14, 112, 14, 10, ink);
    paint_limb(s, f, -2, 2, 3, 10, 2, 3, chrome);
    paint_limb(s, f, 124, 42, 5, 146, 40, 5, chrome);
    paint_limb(s, f, -144, 40, 5, -122, 42, 5, chrome);
    paint_ellipse(s, f, -140, 8, 6, 10, plain(rgb(214, 48, 40), P_BODY));
}

static void draw_car(Pic *s, const Xf *f) {
    static const short BODY[] = { -148, 22, -142, -8, -110, -14, -40, -15, 50, -15, 112, -8,
        144, 6, 150, 36, 110, 47, 0, 47, -110, 47, -146, 40 };
    static const short BED[] = { -144, 2, -144, -34, -44, -34, -44, 2 };
    Mat skin = draw_skin(s, P_BODY), arch = flat(rgb(24, 24, 28), P_BODY);
    i64 style = rnd(s, 0, 2), spokes = rnd(s, 5, 9), r = rnd(s, 28, 33), clean = rnd(s, 0, 2);
    const Cab *cab = &CABS[style];
    if (clean > 0) skin.tex = T_BLEND;
    if (clean > 0) skin.period = 70 * 16;
    if (style == 2) {
        Mat bed = textured(skin.c1, gained(skin.c1, 150), T_STRIPES, 17, P_BODY);
        paint_polygon(s, f, BED, COUNT(BED), bed);
    }
    paint_polygon(s, f, cab->cabin, 8, skin);
    paint_smooth(s, f, BODY, COUNT(BODY), skin);
    draw_car_details(s, f, skin, cab);
    paint_ellipse(s, f, -80, 46, r + 5, r + 5, arch);
    paint_ellipse(s, f, 82, 46, r + 5, r + 5, arch);
    draw_lamp(s, f, 132, 10);
    draw_wheel(s, f, -80, 50, r, spokes);
    draw_wheel(s, f, 82, 50, r, spokes);
}

static void draw_plane_tail(Pic *s, const Xf *f, Mat trim) {
    static const short FIN[] = { -88, -20, -124, -84, -134, -90, -158, -90, -150, -10 };
    Mat band = plain(gained(trim.c1, 300), P_TAIL), ink = flat(gained(trim.c0, 90), P_TAIL);
    trim.part = P_TAIL;
    paint_polygon(s, f, FIN, COUNT(FIN), trim);
    band.line = 0;
    stroke(s, f, -112, -60, -152, -60, 56, band);
    stroke(s, f, -138, -84, -130, -24, 12, ink);
    mark(s, P_TAIL, f, -130, -56);
}

static void draw_plane_wing(Pic *s, const Xf *f, Mat trim) {
    static const short NEAR[] = { 46, 4, -22, 84, -34, 92, -72, 92, -74, 84, -34, 6 };
    Mat band = plain(gained(trim.c1, 300), P_WING), ink = flat(gained(trim.c0, 90), P_WING);
    trim.part = P_WING;
    band.line = 0;
    paint_polygon(s, f, NEAR, COUNT(NEAR), trim);
    stroke(s, f, -22, 74, -64, 76, 64, band);
    stroke(s, f, -18, 10, -62, 84, 14, ink);
    stroke(s, f, 20, 28, -40, 34, 8, ink);
    stroke(s, f, -2, 54, -54, 58, 8, ink);
    mark(s, P_WING, f, -22, 50);
}

static void draw_plane(Pic *s, const Xf *f) {
    static const short HULL[] = { 148, 0, 136, -22, 90, -34, 30, -36, -60, -28, -142, -20,
        -154, -8, -124, 10, -40, 28, 60, 32, 126, 22 };
    static const short FAR_WING[] = { 42, -28, 8, -90, -26, -92, -16, -28 };
    static const short STAB[] = { -100, -6, -138, 16, -166, 18, -148, -6 };
    static const short CANOPY[] = { 34, -33, 50, -60, 84, -60, 110, -29 };
    Mat skin = draw_skin(s, P_BODY), trim = draw_skin(s, P_WING), grey, hole;
    i64 spin = rnd(s, 0, 1799), spokes = rnd(s, 4, 7), k;
    Xf nose = joint(f, 150, 0, spin);
    grey = plain(rgb(150, 154, 162), P_BODY);
    hole = textured(rgb(70, 118, 156), rgb(236, 246, 252), T_GLASS, 40, P_WINDOW);
    if (skin.tex == T_NOISE || skin.tex == T_SPOTS) skin.tex = T_BLEND;
    paint_polygon(s, f, FAR_WING, COUNT(FAR_WING), as_part(darker(trim), P_WING));
    draw_plane_tail(s, f, trim);
    draw_window(s, f, CANOPY, COUNT(CANOPY), 70, -46);
    stroke(s, f, 66, -60, 70, -34, 22, flat(gained(skin.c0, 90), P_WINDOW));
    paint_limb(s, f, 78, 24, 6, 84, 74, 5, grey);
    paint_limb(s, &nose, 0, 0, 4, 44, 0, 6, grey);
    paint_limb(s, &nose, 0, 0, 4, -44, 0, 6, grey);
    paint_smooth(s, f, HULL, COUNT(HULL), skin);
    paint_ellipse(s, f, 146, 0, 12, 13, grey);
    paint_polygon(s, f, STAB, COUNT(STAB), as_part(trim, P_TAIL));
    for (k = 0; k < 3; k++) paint_ellipse(s, f, 22 - 30 * k, -12, 8, 9, hole);
    draw_plane_wing(s, f, trim);
    draw_wheel(s, f, 84, 78, 23, spokes);
}

/* ---- scenery ---- */

static void draw_blobs(Pic *s, i64 x, i64 y, i64 r, i64 n, Mat m) {
    Xf f = page(s);
    i64 k;
    for (k = 0; k < n; k++) {
        i64 dx = rnd(s, -r, r), dy = rnd(s, -r / 2, r / 2), q = rnd(s, r / 2, r * 4 / 5);
        m.seed = (u64)k;
        paint_ellipse(s, &f, x + dx, y + dy, q, q * 4 / 5, m);
    }
}

static void draw_rock(Pic *s, i64 x, i64 y, i64 r, Mat m) {
    Xf f = page(s);
    short xy[16];
    int k;
    for (k = 0; k < 8; k++) {
        i64 q = r * rnd(s, 80, 115) / 100;
        xy[2 * k] = (short)(x + q * icos(450 * k) / ONE);
        xy[2 * k + 1] = (short)(y + q * isin(450 * k) * 3 / 4 / ONE);
    }
    paint_smooth(s, &f, xy, 16, m);
}

static void draw_blades(Pic *s, i64 x, i64 y, i64 h, Mat m) {
    Xf f = page(s);
    i64 k;
    for (k = 0; k < 6; k++) {
        i64 lean = rnd(s, -h / 2, h / 2), up = rnd(s, h * 2 / 3, h);
        paint_limb(s, &f, x + 5 * k - 15, y, 3, x + 5 * k - 15 + lean, y - up, 1, m);
    }
}

static Mat scenery(Pic *s, i64 hue, i64 sat, i64 val, i64 period) {
    i64 turn = rnd(s, -60, 60), up = rnd(s, -25, 25);
    Mat m = plain(hsv(hue + turn, sat, clamp(val + up, 20, 255)), UNTOUCHED);
    m.c1 = gained(m.c0, 190);
    m.tex = T_GRAIN;
    m.period = period * 16;
    m.seed = (u64)rnd(s, 0, 1 << 30);
    m.line = 0;
    return m;
}

static Mat hazed(const Pic *s, Mat m) {
    m.c0 = blend(m.c0, s->haze, 95);
    m.c1 = blend(m.c1, s->haze, 95);
    return m;
}

static void draw_clutter(Pic *s, i64 horizon, int indoors) {
    i64 x = rnd(s, 0, REF), y = rnd(s, horizon - 10, REF), r = rnd(s, 10, 34);
    i64 hue = rnd(s, 0, 1535), kind = rnd(s, 0, 5), turn = rnd(s, 0, 3599);
    static const short TRI[] = { -20, 16, 0, -22, 22, 14 };
    Xf f = page(s), o = joint_scaled(&f, x, y - 120, turn, r * 5, r * 5);
    if (indoors || kind == 5) {
        Mat m = hazed(s, scenery(s, hue, 120, 190, 14));
        if (kind % 3 == 0) paint_polygon(s, &o, TRI, COUNT(TRI), m);
        if (kind % 3 == 1) paint_ellipse(s, &o, 0, 0, 16, 16, m);
        if (kind % 3 == 2) paint_limb(s, &o, -20, 0, r / 4, 20, 0, r / 4, m);
    } else if (kind == 0) {
        draw_blobs(s, x, rnd(s, 10, horizon - 30), r, 5, hazed(s, flat(rgb(255, 255, 255),
            UNTOUCHED)));
    } else if (kind == 1) {
        paint_limb(s, &f, x, horizon + 14, 5, x, horizon - 2 * r, 3, scenery(s, 130, 130, 110, 4));
        draw_blobs(s, x, horizon - 2 * r - 8, r, 6, hazed(s, scenery(s, 480, 140, 150, 7)));
    } else if (kind == 2) {
        draw_rock(s, x, y, r, hazed(s, scenery(s, 150, 40, 150, 6)));
    } else if (kind == 3) {
        draw_blobs(s, x, y, r, 6, hazed(s, scenery(s, 460, 150, 140, 6)));
    } else {
        draw_blades(s, x, y, r, hazed(s, scenery(s, 440, 150, 170, 6)));
    }
}

static void draw_hills(Pic *s, i64 horizon, Mat m) {
    short xy[28];
    Xf f = page(s);
    int k;
    for (k = 0; k < 12; k++) {
        xy[2 * k] = (short)(k * 42 - 40);
        xy[2 * k + 1] = (short)(horizon - 6 - rnd(s, 0, 52));
    }
    xy[24] = 430;
    xy[25] = (short)(horizon + 30);
    xy[26] = -40;
    xy[27] = (short)(horizon + 30);
    paint_smooth(s, &f, xy, 28, m);
}

/* Painted per picture pixel, not per subpixel: nothing in it is sharper than that. */
static void draw_ground(Pic *s, const Rgb *four, i64 horizon, u64 seed) {
    i64 x, y, k;
    for (y = 0; y < s->size; y++) {
        for (x = 0; x < s->size; x++) {
            i64 u = x * 16 * REF / s->size, v = y * 16 * REF / s->size, edge = horizon * 16;
            i64 grain = v < edge ? 0 : noise(u * 4 + v * 3, v * 4 - u * 3, 8, seed) - 128;
            i64 cloud = noise(u, v * 2, 10, seed) - 128;
            Rgb c = v < edge ? blend(four[0], four[1], v * 256 / edge)
                : blend(four[2], four[3], (v - edge) * 256 / (16 * REF - edge));
            c = gained(c, 256 + cloud / 5 + grain / 4);
            for (k = 0; k < SS; k++) put(s->canvas + 3 * (y * SS * s->side + x * SS + k), c, 256);
        }
        for (k = 1; k < SS; k++) {
            unsigned char *row = s->canvas + 3 * y * SS * s->side;
            memcpy(row + 3 * k * s->side, row, (size_t)(3 * s->side));
        }
    }
}

static i64 draw_background(Pic *s) {
    static const short THEMES[5][4] = {     /* sky hue, sky saturation, ground hue, saturation */
        { 880, 120, 450, 130 }, { 800, 60, 180, 110 }, { 930, 60, 900, 20 }, { 60, 110, 330, 90 },
        { 0, 45, 120, 80 } };
    i64 theme = rnd(s, 0, 4), horizon = rnd(s, 190, 270), n = rnd(s, 9, 15), k;
    i64 shift = rnd(s, -70, 70), ground_v = theme == 2 ? 235 : rnd(s, 130, 190);
    i64 wall = rnd(s, 0, 1535), sky_h = theme == 4 ? wall : THEMES[theme][0] + shift;
    u64 seed = (u64)rnd(s, 0, 1 << 30);
    Rgb four[4];
    four[0] = hsv(sky_h, THEMES[theme][1], 215);
    four[1] = hsv(sky_h + 40, THEMES[theme][1] / 2, 240);
    four[2] = hsv(THEMES[theme][2] + shift / 2, THEMES[theme][3], ground_v);
    four[3] = gained(four[2], 190);
    s->haze = blend(four[1], four[2], 100);
    draw_ground(s, four, horizon, seed);
    if (theme != 4) draw_hills(s, horizon, hazed(s, scenery(s, THEMES[theme][2] + 80, 80, 160, 9)));
    for (k = 0; k < n; k++) draw_clutter(s, horizon, theme == 4);
    return horizon;
}

/* Something in front of one marked place, so that some parts are hidden. */
static void draw_occluder(Pic *s) {
    i64 k = rnd(s, 0, s->n_marks - 1), kind = rnd(s, 0, 2), r = rnd(s, 24, 32);
    i64 x = s->marks[k].at.x * REF / (16 * s->side), y = s->marks[k].at.y * REF / (16 * s->side);
    Xf f = page(s);
    Mat m = scenery(s, kind == 0 ? 470 : 120, kind == 0 ? 170 : 70, 150, 6);
    m.part = P_NONE;
    m.line = 16;
    if (kind == 0) draw_blobs(s, x, y, r, 9, m);
    if (kind == 1) draw_rock(s, x, y, r + 4, m);
    if (kind == 2) {
        m.period = 16 * 5;
        paint_limb(s, &f, x, y - 30, 17, x + 3, REF + 30, 19, m);
    }
}

static void draw_foreground(Pic *s) {
    i64 k, n = rnd(s, 0, 5);
    Mat m = scenery(s, 440, 170, 150, 6);
    m.part = P_NONE;
    m.line = 10;
    for (k = 0; k < n; k++) {
        i64 x = rnd(s, 0, REF), h = rnd(s, 22, 46);
        draw_blades(s, x, REF + 4, h, m);
    }
}

/* ---- one picture ---- */

static Xf place(Pic *s, int class_id) {
    i64 x = REF / 2 + rnd(s, -18, 18), y = REF / 2 + 6 + rnd(s, -22, 22);
    i64 scale = rnd(s, 92, 108), turn = rnd(s, -110, 110), flip = rnd(s, 0, 1);
    i64 cut = rnd(s, 0, 99), away = rnd(s, 60, 90);
    Xf f = page(s);
    if (class_id == 4) turn /= 2;
    if (cut < 6) x -= away;
    if (cut >= 94) x += away;
    return joint_scaled(&f, x, y, turn, flip ? -scale : scale, scale);
}

static void finish_pixels(Pic *s) {
    i64 x, y, k;
    for (y = 0; y < s->size; y++) {
        for (x = 0; x < s->size; x++) {
            i64 sum[3] = { 0, 0, 0 };
            const i64 mid = SS / 2;
            for (k = 0; k < SS * SS; k++) {
                i64 q = (y * SS + k / SS) * s->side + x * SS + k % SS;
                sum[0] += s->canvas[3 * q];
                sum[1] += s->canvas[3 * q + 1];
                sum[2] += s->canvas[3 * q + 2];
            }
            put(s->rgb + 3 * (y * s->size + x), rgb(sum[0] * s->gain.r / (SS * SS * 256),
                sum[1] * s->gain.g / (SS * SS * 256), sum[2] * s->gain.b / (SS * SS * 256)), 256);
            s->mask[y * s->size + x] = s->under[(y * SS + mid) * s->side + x * SS + mid];
        }
    }
}

static void find_box(Pic *s) {
    i64 x, y;
    s->box.x0 = s->box.y0 = s->size;
    s->box.x1 = s->box.y1 = 0;
    for (y = 0; y < s->size; y++) {
        for (x = 0; x < s->size; x++) {
            if (s->mask[y * s->size + x] == P_NONE) continue;
            s->box.x0 = min64(s->box.x0, x);
            s->box.x1 = max64(s->box.x1, x + 1);
            s->box.y0 = min64(s->box.y0, y);
            s->box.y1 = max64(s->box.y1, y + 1);
        }
    }
}

/* Visible: inside the frame with a margin, and what shows there is the part itself. */
static int seen(const Pic *s, const Mark *m) {
    i64 x = m->at.x / (16 * SS), y = m->at.y / (16 * SS), margin = s->size / 48, k;
    int hits = 0;
    if (m->at.x < 0 || m->at.y < 0 || x < margin || y < margin) return 0;
    if (x >= s->size - margin || y >= s->size - margin) return 0;
    for (k = 0; k < 9; k++) {
        i64 q = (y + (k / 3 - 1) * 2) * s->size + x + (k % 3 - 1) * 2;
        hits += s->mask[q] == m->part;
    }
    return s->mask[y * s->size + x] == m->part && hits >= 4;
}

static i64 gap2(const Mark *a, const Mark *b) {
    i64 dx = a->at.x - b->at.x, dy = a->at.y - b->at.y;
    return dx * dx + dy * dy;
}

/* Squared distance from mark k to the nearest chosen point of another part. */
static i64 room(const Pic *s, int k) {
    i64 best = INT64_MAX;
    int p;
    for (p = 1; p < N_PARTS; p++) {
        if (s->chosen[p] < 0 || p == s->marks[k].part) continue;
        best = min64(best, gap2(&s->marks[k], &s->marks[s->chosen[p]]));
    }
    return best;
}

/* One point per part, as in CUB; parts without a choice first, the others far from those. */
static void choose_points(Pic *s) {
    int count[N_PARTS] = { 0 }, k, p, wanted;
    for (k = 0; k < s->n_marks; k++) {
        s->marks[k].visible = seen(s, &s->marks[k]);
        count[s->marks[k].part] += s->marks[k].visible;
    }
    for (p = 0; p < N_PARTS; p++) s->chosen[p] = -1;
    for (wanted = 1; wanted <= s->n_marks; wanted++) {
        for (p = 1; p < N_PARTS; p++) {
            i64 best = -1;
            int pick = -1;
            for (k = 0; count[p] == wanted && k < s->n_marks; k++) {
                i64 r = s->marks[k].part == p && s->marks[k].visible ? room(s, k) : -1;
                if (r <= best) continue;
                best = r;
                pick = k;
            }
            if (pick >= 0) s->chosen[p] = pick;
        }
    }
}

static void draw_picture(Pic *s, u64 seed, int index, int class_id) {
    typedef void (*Draw)(Pic *, const Xf *);
    static const Draw DRAW[N_CLASSES] = { draw_bird, draw_lizard, draw_dog, draw_insect, draw_car,
        draw_plane };
    static const short FEET[N_CLASSES] = { 104, 84, 104, 104, 82, 108 };
    Xf f;
    Mat shadow = flat(rgb(10, 12, 20), UNTOUCHED);
    i64 hidden, bright;
    s->rng = mix64(seed + UINT64_C(0x632be59bd9b4e019) * (u64)(index + 1));
    memset(s->under, 0, (size_t)(s->side * s->side));
    s->n_marks = 0;
    s->light_x = rnd(s, -120, 120);
    s->light_y = rnd(s, 130, 230);
    bright = rnd(s, 225, 275);
    s->gain.r = bright + rnd(s, -14, 14);
    s->gain.g = bright;
    s->gain.b = bright + rnd(s, -14, 14);
    draw_background(s);
    f = place(s, class_id);
    shadow.alpha = 70;
    paint_ellipse(s, &f, 0, FEET[class_id], 120, 13, shadow);
    DRAW[class_id](s, &f);
    hidden = rnd(s, 0, 99);
    if (hidden < 24) draw_occluder(s);
    draw_foreground(s);
    finish_pixels(s);
    find_box(s);
    choose_points(s);
}

/* ---- files ---- */

typedef struct { FILE *images, *labels, *split, *boxes, *locs; } Lists;
typedef struct { int visible[N_PARTS], kept[N_PARTS], rich; } Tally;

static int complain(const char *path, const char *cause) {
    fprintf(stderr, "make_creatures: %s: %s\n", path, cause);
    return 3;
}

static int make_dir(const char *path) {
#ifdef _WIN32
    int rc = _mkdir(path);
#else
    int rc = mkdir(path, 0777);
#endif
    return rc == 0 || errno == EEXIST ? 0 : complain(path, strerror(errno));
}

static int make_dirs(const char *path) {
    char part[MAX_PATH];
    size_t k;
    for (k = 1; path[k] != '\0'; k++) {
        if (path[k] != '/') continue;
        memcpy(part, path, k);
        part[k] = '\0';
        if (make_dir(part) != 0) return 3;
    }
    return make_dir(path);
}

static FILE *open_out(const char *dir, const char *name) {
    char path[MAX_PATH + 128];
    FILE *f;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "wb");
    if (f == NULL) complain(path, strerror(errno));
    return f;
}

static int close_out(FILE *f, const char *dir, const char *name) {
    int bad = ferror(f);
    if (fclose(f) == 0 && !bad) return 0;
    fprintf(stderr, "make_creatures: %s/%s: cannot write all of it\n", dir, name);
    return 3;
}

static void to_file(void *f, void *data, int n) {
    /* A short write raises the stream's error flag, which close_out reads. */
    size_t done = fwrite(data, 1, (size_t)n, (FILE *)f);
    (void)done;
}

static int write_png(const char *dir, const char *top, const char *rel, int size, int comp,
    const unsigned char *data) {
    char name[128];
    FILE *f;
    int ok;
    snprintf(name, sizeof name, "%s/%s", top, rel);
    f = open_out(dir, name);
    if (f == NULL) return 3;
    ok = stbi_write_png_to_func(to_file, f, size, size, comp, data, size * comp);
    if (close_out(f, dir, name) != 0) return 3;
    return ok ? 0 : complain(name, "out of memory");
}

static void write_locs(FILE *f, const Pic *s, int id, Tally *t) {
    int p, kept = 0;
    for (p = 1; p < N_PARTS; p++) {
        const int k = s->chosen[p];
        const i64 keep = (i64)KEEP_APART * 16 * SS;
        int x, y;
        if (k < 0) {
            fprintf(f, "%d %d 0.0 0.0 0\n", id, p);
            continue;
        }
        x = (int)(s->marks[k].at.x * 10 / (16 * SS));
        y = (int)(s->marks[k].at.y * 10 / (16 * SS));
        fprintf(f, "%d %d %d.%d %d.%d 1\n", id, p, x / 10, x % 10, y / 10, y % 10);
        t->visible[p]++;
        if (room(s, k) <= keep * keep) continue;
        t->kept[p]++;
        kept++;
    }
    t->rich += kept >= 3;
}

static int write_static(const char *dir, u64 seed, int images, int size) {
    FILE *f = open_out(dir, "classes.txt");
    int k;
    if (f == NULL) return 3;
    for (k = 0; k < N_CLASSES; k++) fprintf(f, "%d %03d.%s\n", k + 1, k + 1, CLASS_NAMES[k]);
    if (close_out(f, dir, "classes.txt") != 0) return 3;
    f = open_out(dir, "parts/parts.txt");
    if (f == NULL) return 3;
    for (k = 1; k < N_PARTS; k++) fprintf(f, "%d %s\n", k, PART_NAMES[k]);
    if (close_out(f, dir, "parts/parts.txt") != 0) return 3;
    f = open_out(dir, "README.txt");
    if (f == NULL) return 3;
    fprintf(f, "Synthetic drawings, not photographs: creatures and vehicles made of shared parts.\n"
        "Drawn by make_creatures (partaware.h), --seed %llu --images %d --size %d.\n"
        "The files follow the layout of CUB-200-2011. The same options give the same bytes.\n"
        "part_masks holds one 8-bit index image per picture: 0 background, else the part id.\n"
        "head and body are mask regions only; they never have a point in part_locs.txt.\n"
        "A part that occurs several times has one point: the visible one farthest from the\n"
        "points of other parts. Hidden parts and parts outside the frame are not visible.\n",
        (unsigned long long)seed, images, size);
    return close_out(f, dir, "README.txt");
}

static int make_layout(const char *dir) {
    static const char *const TOPS[] = { "images", "part_masks" };
    char path[MAX_PATH + 64];
    int t, k;
    if (make_dirs(dir) != 0) return 3;
    snprintf(path, sizeof path, "%s/parts", dir);
    if (make_dir(path) != 0) return 3;
    for (t = 0; t < 2; t++) {
        snprintf(path, sizeof path, "%s/%s", dir, TOPS[t]);
        if (make_dir(path) != 0) return 3;
        for (k = 0; k < N_CLASSES; k++) {
            snprintf(path, sizeof path, "%s/%s/%03d.%s", dir, TOPS[t], k + 1, CLASS_NAMES[k]);
            if (make_dir(path) != 0) return 3;
        }
    }
    return 0;
}

static int write_picture(const char *dir, const Pic *s, const Lists *l, int id, int class_id,
    int nth) {
    const char *name = CLASS_NAMES[class_id];
    char rel[64];
    snprintf(rel, sizeof rel, "%03d.%s/%s_%04d.png", class_id + 1, name, name, nth + 1);
    fprintf(l->images, "%d %s\n", id, rel);
    fprintf(l->labels, "%d %d\n", id, class_id + 1);
    fprintf(l->split, "%d %d\n", id, nth % 2 == 0);
    fprintf(l->boxes, "%d %d.0 %d.0 %d.0 %d.0\n", id, (int)s->box.x0, (int)s->box.y0,
        (int)(s->box.x1 - s->box.x0), (int)(s->box.y1 - s->box.y0));
    if (write_png(dir, "images", rel, (int)s->size, 3, s->rgb) != 0) return 3;
    return write_png(dir, "part_masks", rel, (int)s->size, 1, s->mask);
}

static int draw_all(const char *dir, Pic *s, const Lists *l, u64 seed, int images, Tally *t) {
    int id = 0, c, k;
    for (c = 0; c < N_CLASSES; c++) {
        const int n = images / N_CLASSES + (c < images % N_CLASSES);
        for (k = 0; k < n; k++) {
            draw_picture(s, seed, c * 100000 + k, c);
            id++;
            if (write_picture(dir, s, l, id, c, k) != 0) return 3;
            write_locs(l->locs, s, id, t);
        }
    }
    return 0;
}

static int write_all(const char *dir, Pic *s, u64 seed, int images, Tally *t) {
    static const char *const NAMES[] = { "images.txt", "image_class_labels.txt",
        "train_test_split.txt", "bounding_boxes.txt", "parts/part_locs.txt" };
    FILE *f[5] = { NULL, NULL, NULL, NULL, NULL };
    Lists l;
    int k, rc = write_static(dir, seed, images, (int)s->size);
    for (k = 0; k < 5 && rc == 0; k++) {
        f[k] = open_out(dir, NAMES[k]);
        if (f[k] == NULL) rc = 3;
    }
    l.images = f[0];
    l.labels = f[1];
    l.split = f[2];
    l.boxes = f[3];
    l.locs = f[4];
    if (rc == 0) rc = draw_all(dir, s, &l, seed, images, t);
    for (k = 0; k < 5; k++) {
        if (f[k] != NULL && close_out(f[k], dir, NAMES[k]) != 0) rc = 3;
    }
    return rc;
}

/* ---- command line ---- */

typedef struct { const char *out; u64 seed; int images, size, help; } Options;

static int usage(FILE *to) {
    fprintf(to, "usage: make_creatures [--out DIR] [--images N] [--seed S] [--size PX] [--help]\n"
        "  --out DIR    folder to write (default build/demo/creatures)\n"
        "  --images N   1 to 9999 pictures over 6 classes (default 96)\n"
        "  --seed S     0 to 2^64-1; one seed, one set of bytes (default 1)\n"
        "  --size PX    64 to 1024 pixels a side (default 384)\n");
    return 2;
}

static int number(const char *name, const char *text, u64 lo, u64 hi, u64 *out) {
    char *end = NULL;
    errno = 0;
    *out = text[0] >= '0' && text[0] <= '9' ? (u64)strtoull(text, &end, 10) : 0;
    if (end != NULL && *end == '\0' && errno == 0 && *out >= lo && *out <= hi) return 0;
    fprintf(stderr, "make_creatures: %s %s: not a whole number from %llu to %llu\n", name, text,
        (unsigned long long)lo, (unsigned long long)hi);
    return 2;
}

static int option(Options *o, const char *name, const char *value) {
    u64 v = 0;
    int rc;
    if (strcmp(name, "--out") == 0) {
        o->out = value;
        if (value[0] != '\0' && strlen(value) < MAX_PATH) return 0;
        fprintf(stderr, "make_creatures: --out: empty or longer than %d bytes\n", MAX_PATH - 1);
        return 2;
    }
    if (strcmp(name, "--seed") == 0) return number(name, value, 0, UINT64_MAX, &o->seed);
    if (strcmp(name, "--images") == 0) {
        rc = number(name, value, 1, 9999, &v);
        o->images = (int)(v % 10000);
        return rc;
    }
    rc = number(name, value, 64, 1024, &v);
    o->size = (int)(v % 1025);
    return rc;
}

static int parse(Options *o, int argc, char **argv) {
    static const char *const KNOWN[] = { "--out", "--images", "--seed", "--size" };
    int i, k;
    for (i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0) {
            o->help = 1;
            return 0;
        }
        for (k = 0; k < COUNT(KNOWN) && strcmp(argv[i], KNOWN[k]) != 0; k++) {}
        if (k == COUNT(KNOWN) || i + 1 == argc) {
            fprintf(stderr, "make_creatures: %s: %s\n", argv[i],
                k == COUNT(KNOWN) ? "unknown option, see --help" : "needs a value");
            return 2;
        }
        if (option(o, argv[i], argv[i + 1]) != 0) return 2;
    }
    return 0;
}

static void summary(const Options *o, const Tally *t) {
    int p;
    printf("%s: %d images of %d classes, %d px, seed %llu\n", o->out, o->images,
        o->images < N_CLASSES ? o->images : N_CLASSES, o->size, (unsigned long long)o->seed);
    printf("%d images keep 3 or more points (nearest other point over %d px away)\n", t->rich,
        KEEP_APART);
    for (p = 1; p < P_HEAD; p++) {
        printf("part %d %-7s %4d visible %4d kept\n", p, PART_NAMES[p], t->visible[p], t->kept[p]);
    }
}

static int run(const Options *o, Pic *s) {
    Tally t;
    const size_t big = (size_t)(s->side * s->side), small = (size_t)(s->size * s->size);
    int rc;
    memset(&t, 0, sizeof t);
    s->canvas = (unsigned char *)calloc(big, 3);
    s->under = (unsigned char *)calloc(big, 1);
    s->rgb = (unsigned char *)calloc(small, 3);
    s->mask = (unsigned char *)calloc(small, 1);
    if (s->canvas == NULL || s->under == NULL || s->rgb == NULL || s->mask == NULL) {
        rc = complain(o->out, "out of memory");
    } else {
        rc = make_layout(o->out);
        if (rc == 0) rc = write_all(o->out, s, o->seed, o->images, &t);
    }
    free(s->canvas);
    free(s->under);
    free(s->rgb);
    free(s->mask);
    if (rc == 0) summary(o, &t);
    return rc;
}

int main(int argc, char **argv) {
    Options o;
    Pic s;
    o.out = "build/demo/creatures";
    o.seed = 1;
    o.images = 96;
    o.size = REF;
    o.help = 0;
    if (parse(&o, argc, argv) != 0) return 2;
    if (o.help) {
        usage(stdout);
        return 0;
    }
    stbi_write_force_png_filter = 4;    /* as small as trying all five, and faster */
    memset(&s, 0, sizeof s);
    s.size = o.size;
    s.side = s.size * SS;
    s.unit = s.side * 16 / REF;
    return run(&o, &s);
}
