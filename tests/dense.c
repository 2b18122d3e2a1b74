#define _XOPEN_SOURCE 700
/* Dense prediction: segmentation and pose metrics against plain oracles. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "t.h"

static paw_ctx *ctx;

static double uniform(double lo, double hi)
{
    return lo + (hi - lo) * ((double)(t_random() >> 11) / 9007199254740992.0);
}
static size_t below(size_t n) { return (size_t)(t_random() % n); }
static int same(double a, double b, double most) { return a != a ? b != b : fabs(a - b) <= most; }

/* ---- segmentation metrics ---- */

static void test_seg_fixed(void)
{
    /* class 0: 1 hit, 2 predicted, 2 true; class 1: predicted; class 2: true; class 3: neither */
    static const uint16_t truth[] = { 0, 0, 2, PAW_IGNORED }, predicted[] = { 0, 1, 0, 3 };
    uint64_t counts[12] = { 0 };
    double iou[4], acc[4];
    paw_seg_summary s;
    T(paw_seg_count(ctx, truth, predicted, 4, 4, counts) == PAW_OK, "count");
    T(paw_seg_score(counts, 4, iou, acc, &s) == PAW_OK, "score");
    T(iou[0] == 1.0 / 3 && iou[1] == 0 && iou[2] == 0 && isnan(iou[3]), "IoU %g %g %g %g", iou[0],
      iou[1], iou[2], iou[3]);
    T(acc[0] == 0.5 && isnan(acc[1]) && acc[2] == 0 && isnan(acc[3]), "accuracy per class");
    T(s.miou == iou[0] / 3 && s.macc == 0.25 && s.aacc == 1.0 / 3 && s.pixels == 3, "means");
    T(s.classes_iou == 3 && s.classes_acc == 2, "classes with a value");
    memset(counts, 0, sizeof counts);
    T(paw_seg_score(counts, 4, NULL, NULL, &s) == PAW_OK && isnan(s.miou) && isnan(s.macc) &&
          isnan(s.aacc), "nothing counted: NaN");
}
static void test_seg_errors(void)
{
    static const uint16_t ok[] = { 0, 1 }, high[] = { 0, 2 };
    uint64_t counts[6] = { 7, 7, 7, 7, 7, 7 };
    size_t i, changed = 0;
    T(paw_seg_count(ctx, high, ok, 2, 2, counts) == PAW_E_ARG &&
          strstr(paw_message(ctx), "pixel 1"), "true class too high: %s", paw_message(ctx));
    T(paw_seg_count(ctx, ok, high, 2, 2, counts) == PAW_E_ARG, "predicted class too high");
    T(paw_seg_count(ctx, NULL, ok, 2, 2, counts) == PAW_E_ARG, "NULL");
    T(paw_seg_count(ctx, ok, ok, 2, 0, counts) == PAW_E_ARG, "no classes");
    T(paw_seg_count(NULL, ok, ok, 2, 2, counts) == PAW_E_ARG, "no context");
    for (i = 0; i < 6; ++i) changed += counts[i] != 7;
    T(!changed, "counts untouched on failure");
    T(paw_seg_score(NULL, 2, NULL, NULL, NULL) == PAW_E_ARG, "score of NULL");
}
/* Set by set over all pixels, class by class. */
static void test_seg_random(void)
{
    enum { N = 500, C = 9 };
    uint16_t truth[N], predicted[N];
    int round;
    for (round = 0; round < 40; ++round) {
        const int classes = 1 + (int)below(C);
        const size_t n = below(N), cut = below(n + 1);
        uint64_t counts[3 * C] = { 0 };
        double iou[C], acc[C], ious = 0, accs = 0, hits = 0, all = 0;
        paw_seg_summary s;
        size_t i;
        int k, ni = 0, na = 0, bad = 0;
        for (i = 0; i < n; ++i) {
            truth[i] = below(5) ? (uint16_t)below((size_t)classes) : PAW_IGNORED;
            predicted[i] = (uint16_t)below((size_t)(classes + 1) / 2);
        }
        T(!paw_seg_count(ctx, truth, predicted, cut, classes, counts) &&
              !paw_seg_count(ctx, truth + cut, predicted + cut, n - cut, classes, counts),
          "count in two parts");
        (void)paw_seg_score(counts, classes, iou, acc, &s);
        for (k = 0; k < classes; ++k) {
            double both = 0, either = 0, of = 0;
            for (i = 0; i < n; ++i) {
                const int t = truth[i] == k, p = predicted[i] == k;
                if (truth[i] == PAW_IGNORED) continue;
                both += t && p;
                either += t || p;
                of += t;
            }
            bad += !same(both / either, iou[k], 1e-15) || !same(both / of, acc[k], 1e-15);
            if (either > 0) ious += both / either;
            if (of > 0) accs += both / of;
            ni += either > 0;
            na += of > 0;
            hits += both;
            all += of;
        }
        T(!bad, "round %d: %d classes differ", round, bad);
        T(same(ious / ni, s.miou, 1e-14) && same(accs / na, s.macc, 1e-14) &&
              same(hits / all, s.aacc, 1e-15), "round %d: means", round);
    }
}

/* ---- pose metrics ---- */

enum { TRUTHS = 60, FOUNDS = 160, IMAGES = 7 };
typedef struct {
    paw_pose truth[TRUTHS], found[FOUNDS];
    size_t truths, founds;
} scene;

static double plain_oks(const paw_pose *t, const paw_pose *f)
{
    static const double k[] = { 26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89,
                                89 };
    double sum = 0, n = 0;
    int i, any = 0;
    for (i = 0; i < 17; ++i) any |= t->points[i][2] > 0;
    for (i = 0; i < 17; ++i) {
        const double var = (k[i] / 500) * (k[i] / 500), x = f->points[i][0], y = f->points[i][1];
        const double left = t->box[0] - t->box[2], right = t->box[0] + 2 * t->box[2];
        const double top = t->box[1] - t->box[3], bottom = t->box[1] + 2 * t->box[3];
        double dx = x - t->points[i][0], dy = y - t->points[i][1];
        if (any && t->points[i][2] <= 0) continue;
        if (!any) dx = x < left ? left - x : x > right ? x - right : 0;
        if (!any) dy = y < top ? top - y : y > bottom ? y - bottom : 0;
        sum += exp(-(dx * dx + dy * dy) / (2 * var * t->area));
        n += 1;
    }
    return sum / n;
}
/* One area range and threshold: average precision and recall, the long way. */
static void plain_eval(const scene *s, double lo, double hi, double threshold, double *ap,
                       double *ar)
{
    int state[FOUNDS], used[FOUNDS] = { 0 }; /* 1 hit, 0 miss, -1 skipped, -2 beyond twenty */
    int taken[TRUTHS] = { 0 }, out[TRUTHS];
    size_t rank[FOUNDS], i, j, k, kept = 0;
    double wanted = 0, hits = 0, seen = 0, rc[FOUNDS], pr[FOUNDS];
    int64_t image;
    for (j = 0; j < s->truths; ++j) {
        const paw_pose *t = &s->truth[j];
        out[j] = t->crowd || !t->labelled || t->area < lo || t->area > hi;
        wanted += !out[j];
    }
    for (i = 0; i < s->founds; ++i) state[i] = -2;
    for (image = 0; image < IMAGES; ++image)
        for (k = 0; k < 20; ++k) { /* the best of this image not yet used */
            size_t best = s->founds, mine = s->truths;
            double size[4] = { 1e9, 1e9, -1e9, -1e9 }, oks = threshold;
            int pass;
            for (i = 0; i < s->founds; ++i)
                if (s->found[i].image_id == image && !used[i] &&
                    (best == s->founds || s->found[i].score > s->found[best].score))
                    best = i;
            if (best == s->founds) break;
            used[best] = 1;
            for (pass = 0; pass < 2 && mine == s->truths; ++pass)
                for (j = 0; j < s->truths; ++j) {
                    const paw_pose *t = &s->truth[j];
                    const double o = plain_oks(t, &s->found[best]);
                    if (t->image_id != image || out[j] != pass || (taken[j] && !t->crowd)) continue;
                    if (o < oks) continue;
                    oks = o;
                    mine = j;
                }
            for (j = 0; j < 17; ++j) {
                const double *p = s->found[best].points[j];
                size[0] = p[0] < size[0] ? p[0] : size[0];
                size[1] = p[1] < size[1] ? p[1] : size[1];
                size[2] = p[0] > size[2] ? p[0] : size[2];
                size[3] = p[1] > size[3] ? p[1] : size[3];
            }
            state[best] = mine < s->truths;
            if (mine < s->truths) {
                taken[mine] = 1;
                if (out[mine]) state[best] = -1;
            } else {
                const double area = (size[2] - size[0]) * (size[3] - size[1]);
                if (area < lo || area > hi) state[best] = -1;
            }
        }
    for (i = 0; i < s->founds; ++i)
        if (state[i] >= 0) rank[kept++] = i;
    for (i = 0; i < kept; ++i) /* scores differ, so that any sort will do */
        for (j = i + 1; j < kept; ++j)
            if (s->found[rank[j]].score > s->found[rank[i]].score) {
                const size_t x = rank[i];
                rank[i] = rank[j];
                rank[j] = x;
            }
    for (i = 0; i < kept; ++i) {
        hits += state[rank[i]];
        seen += 1;
        rc[i] = hits / wanted;
        pr[i] = hits / seen;
    }
    *ap = *ar = wanted > 0 ? 0 : -1;
    if (wanted <= 0) return;
    *ar = hits / wanted;
    for (k = 0; k <= 100; ++k) {
        double best = 0;
        for (i = 0; i < kept; ++i)
            if (rc[i] >= (double)k * 0.01 && pr[i] > best) best = pr[i]; /* as NumPy rounds */
        *ap += best / 101;
    }
}
static void random_person(paw_pose *p, int64_t image)
{
    const double x = uniform(0, 400), y = uniform(0, 400), size = exp(uniform(2.5, 6));
    int i;
    memset(p, 0, sizeof *p);
    p->image_id = image;
    p->box[0] = x;
    p->box[1] = y;
    p->box[2] = p->box[3] = size;
    p->area = size * size * uniform(0.3, 0.8);
    for (i = 0; i < 17; ++i) {
        p->points[i][0] = x + uniform(0, size);
        p->points[i][1] = y + uniform(0, size);
        p->points[i][2] = (double)below(3);
    }
}
static void random_scene(scene *s)
{
    size_t i, j;
    int k;
    memset(s, 0, sizeof *s);
    s->truths = below(TRUTHS + 1);
    s->founds = below(FOUNDS + 1);
    for (i = 0; i < s->truths; ++i) {
        paw_pose *p = &s->truth[i];
        random_person(p, (int64_t)below(IMAGES - 1));
        p->id = (int64_t)i + 1;
        p->crowd = below(8) == 0;
        for (k = 0; k < 17; ++k) {
            if (below(5) == 0 && i % 5 == 0) p->points[k][2] = 0;
            if (i % 11 == 0) p->points[k][2] = 0;
            p->labelled += p->points[k][2] > 0;
        }
    }
    for (i = 0; i < s->founds; ++i) {
        paw_pose *p = &s->found[i];
        random_person(p, (int64_t)below(IMAGES));
        if (s->truths && below(4)) { /* near an annotated one */
            const paw_pose *t = &s->truth[j = below(s->truths)];
            const double noise = sqrt(t->area) * exp(uniform(-5, -1));
            p->image_id = t->image_id;
            for (k = 0; k < 17; ++k) {
                p->points[k][0] = t->points[k][0] + uniform(-noise, noise);
                p->points[k][1] = t->points[k][1] + uniform(-noise, noise);
            }
        }
        p->score = uniform(0, 1);
    }
}
static void test_pose_random(void)
{
    static const double range[3][2] = { { 0, 1e10 }, { 1024, 9216 }, { 9216, 1e10 } };
    static scene s;
    int round, r, k, crowded = 0;
    for (round = 0; round < 40; ++round) {
        double ap[3][11] = { { 0 } }, ar[3][11] = { { 0 } };
        paw_pose_score got;
        random_scene(&s);
        crowded += s.founds > 20 * IMAGES / 2;
        for (r = 0; r < 3; ++r)
            for (k = 0; k < 10; ++k) {
                plain_eval(&s, range[r][0], range[r][1], 0.5 + 0.05 * k, &ap[r][k], &ar[r][k]);
                ap[r][10] += ap[r][k] / 10;
                ar[r][10] += ar[r][k] / 10;
            }
        T(paw_pose_evaluate(ctx, s.truth, s.truths, s.found, s.founds, &got) == PAW_OK, "runs");
        T(same(ap[0][10], got.ap, 1e-12) && same(ap[0][0], got.ap50, 1e-12) &&
              same(ap[0][5], got.ap75, 1e-12) && same(ap[1][10], got.ap_medium, 1e-12) &&
              same(ap[2][10], got.ap_large, 1e-12),
          "round %d: AP %.15g, expected %.15g", round, got.ap, ap[0][10]);
        T(same(ar[0][10], got.ar, 1e-12) && same(ar[0][0], got.ar50, 1e-12) &&
              same(ar[0][5], got.ar75, 1e-12) && same(ar[1][10], got.ar_medium, 1e-12) &&
              same(ar[2][10], got.ar_large, 1e-12),
          "round %d: AR %.15g, expected %.15g", round, got.ar, ar[0][10]);
    }
    T(crowded > 5, "some images hold more than twenty");
}
static void test_pose_errors(void)
{
    static scene s;
    paw_pose_score got;
    double kept;
    random_scene(&s);
    s.truths = s.founds = 3;
    got.ap = 5;
    T(paw_pose_evaluate(NULL, s.truth, 3, s.found, 3, &got) == PAW_E_ARG, "no context");
    T(paw_pose_evaluate(ctx, s.truth, 3, NULL, 3, &got) == PAW_E_ARG, "NULL found");
    T(paw_pose_evaluate(ctx, s.truth, 3, s.found, 3, NULL) == PAW_E_ARG, "NULL result");
    kept = s.found[1].points[4][1];
    s.found[1].points[4][1] = (double)NAN;
    T(paw_pose_evaluate(ctx, s.truth, 3, s.found, 3, &got) == PAW_E_NUM &&
          strstr(paw_message(ctx), "found person 1"), "NaN: %s", paw_message(ctx));
    s.found[1].points[4][1] = kept;
    s.found[2].score = (double)INFINITY;
    T(paw_pose_evaluate(ctx, s.truth, 3, s.found, 3, &got) == PAW_E_NUM, "infinite score");
    T(got.ap == 5, "result untouched");
    T(paw_pose_evaluate(ctx, NULL, 0, NULL, 0, &got) == PAW_OK && got.ap == -1 && got.ar == -1,
      "nobody annotated: -1");
}

/* ---- label maps and augmentation ---- */

static void test_label_maps(void)
{
    static paw_label_map m;
    uint16_t px[] = { 0, 1, 3, 255, 3, 9 };
    uint16_t many[900];
    paw_mask mask = { px, 3, 2 }, wide = { many, 30, 30 };
    const paw_seg_preset *p = paw_seg_preset_find("ade20k-object59");
    int v;
    paw_label_map_offset(3, 1, &m);
    T(paw_mask_classes(ctx, &m, 0, "x.png", &mask) == PAW_E_FORMAT &&
          strstr(paw_message(ctx), "x.png: value 9 at column 2, row 1") &&
          strstr(paw_message(ctx), "x pixels: 9 x 1"), "%s", paw_message(ctx));
    for (v = 0; v < 900; ++v) many[v] = (uint16_t)(1000 + v % 300);
    T(paw_mask_classes(ctx, &m, 0, "x.png", &wide) == PAW_E_FORMAT &&
          strstr(paw_message(ctx), ": 1000 x 3, 1001 x 3, ") &&
          !strcmp(strchr(paw_message(ctx), 0) - 5, ", ..."), "%s", paw_message(ctx));
    T(px[0] == 0 && px[5] == 9, "a refused mask is untouched");
    T(!paw_mask_classes(ctx, &m, 1, "x.png", &mask), "unknown values ignored");
    T(px[0] == PAW_IGNORED && px[1] == 0 && px[2] == 2 && px[3] == PAW_IGNORED &&
          px[5] == PAW_IGNORED, "offset 1: 0 and 255 are ignored");
    paw_label_map_offset(300, 0, &m);
    T(m.class_of[255] == 255 && m.class_of[65535] == PAW_IGNORED && m.class_of[300] == PAW_UNKNOWN,
      "255 is a class where there are 300");
    T(p && p->classes == 59 && !paw_seg_preset_find("ade"), "presets");
    paw_label_map_values(p->classes, p->values, &m);
    T(m.class_of[2] == 0 && m.class_of[149] == 58 && m.class_of[1] == PAW_IGNORED &&
          m.class_of[999] == PAW_UNKNOWN, "59 objects of 150");
}
static void test_sizes(void)
{
    int w, h, bad = 0, i, two[2];
    paw_seg_size(683, 512, 2048, 512, &w, &h);
    T(w == 683 && h == 512, "short side reached: %d x %d", w, h);
    paw_seg_size(4000, 500, 2048, 512, &w, &h);
    T(w == 2048 && h == 256, "long side reached: %d x %d", w, h);
    for (i = 0; i < 200; ++i) { /* windows of protocol 6.3 */
        const int side = 1 + (int)below(900), crop = 1 + (int)below(600);
        const int stride = 1 + (int)below(400);
        const int more = side - crop + stride - 1 > 0 ? side - crop + stride - 1 : 0;
        int at[1024], n = paw__seg_windows(side, crop, stride, at);
        bad += n != more / stride + 1;
        if (n <= 1024 && side > crop) bad += at[n - 1] != side - crop;
    }
    T(!bad, "%d window grids differ", bad);
    T(paw__seg_windows(683, 512, 341, two) == 2 && two[1] == 171, "512 x 683");
}
static void fill_image(paw_image *image, paw_mask *mask, int w, int h)
{
    size_t i;
    image->w = mask->w = w;
    image->h = mask->h = h;
    image->px = (uint8_t *)malloc((size_t)(w * h * 3));
    mask->px = (uint16_t *)malloc((size_t)(w * h) * 2);
    for (i = 0; i < (size_t)(w * h * 3); ++i) image->px[i] = (uint8_t)below(256);
    for (i = 0; i < (size_t)(w * h); ++i)
        mask->px[i] = (uint16_t)(i % (size_t)w < (size_t)w / 2 ? 0 : below(4) ? 1 : PAW_IGNORED);
}
/* OpenCV's linear resize, in double: a level and the rounding of its 11-bit weights */
static void test_resize_linear(void)
{
    int round;
    for (round = 0; round < 12; ++round) {
        const int w = 1 + (int)below(60), h = 1 + (int)below(60), ow = 1 + (int)below(90);
        const int oh = 1 + (int)below(90);
        double worst = 0;
        paw_image in, out;
        paw_mask mask;
        int x, y, k;
        fill_image(&in, &mask, w, h);
        T(!paw_image_resize_linear(ctx, &in, ow, oh, &out), "resizes");
        for (y = 0; y < oh; ++y)
            for (x = 0; x < ow; ++x)
                for (k = 0; k < 3; ++k) {
                    double sx = (x + 0.5) * w / ow - 0.5, sy = (y + 0.5) * h / oh - 0.5, v;
                    int x0, y0, x1, y1;
                    sx = sx < 0 ? 0 : sx > w - 1 ? w - 1 : sx;
                    sy = sy < 0 ? 0 : sy > h - 1 ? h - 1 : sy;
                    x0 = (int)sx;
                    y0 = (int)sy;
                    x1 = x0 + (x0 + 1 < w);
                    y1 = y0 + (y0 + 1 < h);
#define AT(r, c) (double)in.px[((r) * w + (c)) * 3 + k]
                    v = (1 - (sy - y0)) * ((1 - (sx - x0)) * AT(y0, x0) + (sx - x0) * AT(y0, x1)) +
                        (sy - y0) * ((1 - (sx - x0)) * AT(y1, x0) + (sx - x0) * AT(y1, x1));
#undef AT
                    worst = fmax(worst, fabs(v - (double)out.px[(y * ow + x) * 3 + k]));
                }
        T(worst < 1, "%d x %d -> %d x %d: off by %g", w, h, ow, oh, worst);
        paw_image_free(ctx, &out);
        free(in.px);
        free(mask.px);
    }
}
static void test_hsv(void)
{
    paw__distortion t;
    int r, g, b, v, worst = 0;
    memset(&t, 0, sizeof t);
    for (v = 1; v < 256; ++v) {
        t.by_value[v] = (int32_t)paw__round_even((255 << 12) / (double)v);
        t.by_range[v] = (int32_t)paw__round_even((180 << 12) / (6.0 * v));
    }
    for (r = 0; r < 256; r += 5)
        for (g = 0; g < 256; g += 5)
            for (b = 0; b < 256; b += 5) {
                const uint8_t in[3] = { (uint8_t)r, (uint8_t)g, (uint8_t)b };
                uint8_t out[3];
                int hsv[3], k;
                paw__to_hsv(&t, in, hsv);
                if (hsv[0] < 0 || hsv[0] > 180 || hsv[1] > 255 || hsv[1] < 0) worst = 999;
                paw__from_hsv(hsv, out);
                for (k = 0; k < 3; ++k) {
                    const int d = out[k] > in[k] ? out[k] - in[k] : in[k] - out[k];
                    worst = d > worst ? d : worst;
                }
            }
    /* hue in steps of 2 degrees: half a step is 1/60 of the range, 4.25 levels, and roundings */
    T(worst <= 6, "HSV and back: %d levels", worst);
}
static void test_augment(void)
{
    enum { CROP = 48 };
    static float a[3 * CROP * CROP], b[3 * CROP * CROP];
    static uint16_t la[CROP * CROP], lb[CROP * CROP];
    paw_seg_preset p;
    paw_image image;
    paw_mask mask;
    size_t i, same_as = 0, flipped = 0, padded = 0, outside = 0;
    memset(&p, 0, sizeof p);
    p.classes = 2;
    p.crop = CROP;
    p.train_scale[0] = 160;
    p.train_scale[1] = 40;
    fill_image(&image, &mask, 90, 61);
    for (i = 0; i < 64; ++i) {
        paw_ctx *c = NULL;
        paw_config cfg;
        size_t k, left = 0, right = 0, empty = 0;
        memset(&cfg, 0, sizeof cfg);
        cfg.threads = 1 + (int)(i % 3);
        if (paw_create(&cfg, &c)) abort();
        if (paw_seg_augment(ctx, &p, paw_stats_find("imagenet"), &image, &mask, 7, i, a, la) ||
            paw_seg_augment(c, &p, paw_stats_find("imagenet"), &image, &mask, 7, i, b, lb))
            T(0, "augment: %s", paw_message(ctx));
        same_as += !memcmp(a, b, sizeof a) && !memcmp(la, lb, sizeof la);
        for (k = 0; k < CROP * CROP; ++k) {
            left += la[k] == 0 && k % CROP < CROP / 2;
            right += la[k] == 0 && k % CROP >= CROP / 2;
            outside += la[k] != PAW_IGNORED && la[k] > 1;
            empty += a[k] == 0 && a[CROP * CROP + k] == 0 && a[2 * CROP * CROP + k] == 0;
        }
        flipped += right > left;
        padded += empty > 0;
        paw_destroy(c);
    }
    T(same_as == 64, "the same for any thread count: %zu of 64", same_as);
    T(flipped > 16 && flipped < 48, "about half are flipped: %zu", flipped);
    T(padded > 4 && padded < 60, "small ones are padded: %zu", padded);
    T(!outside, "no class invented");
    free(image.px);
    free(mask.px);
}

/* ---- the head ---- */

/* Loss by the definition: logits in double, upsampled, cross-entropy, mean over all pixels. */
static double plain_loss(const paw_dense *d, const float *x, int n, int gh, int gw,
                         const uint16_t *labels, int h, int w)
{
    const size_t k = (size_t)d->outputs;
    double sum = 0, z[16];
    float *grid = (float *)malloc((size_t)(gh * gw) * k * sizeof *grid);
    int i, y, px;
    size_t j;
    for (i = 0; i < n; ++i) {
        for (j = 0; j < (size_t)(gh * gw) * k; ++j)
            grid[j] = (float)(paw__ref_dot(x + ((size_t)(i * gh * gw) + j / k) * d->width,
                                           d->weight + j % k * d->width, d->width, NULL) +
                              (double)d->bias[j % k]);
        for (y = 0; y < h; ++y)
            for (px = 0; px < w; ++px) {
                const uint16_t label = labels[(i * h + y) * w + px];
                double total = 0;
                if (label == PAW_IGNORED) continue;
                for (j = 0; j < k; ++j) z[j] = paw__ref_upsample(grid, gh, gw, k, h, w, y, px, j);
                for (j = 0; j < k; ++j) total += exp(z[j]);
                sum += log(total) - z[label];
            }
    }
    free(grid);
    return sum / (n * h * w);
}
/* From zero, the first moment after one step is a tenth of the gradient. */
static void test_gradient(void)
{
    enum { N = 2, GH = 3, GW = 4, WIDTH = 21, K = 5, H = 23, W = 30 };
    static float x[N * GH * GW * WIDTH];
    static uint16_t labels[N * H * W];
    double loss = 0, worst = 0, largest = 0;
    paw_dense d, e;
    size_t i;
    for (i = 0; i < sizeof x / sizeof *x; ++i) x[i] = t_uniform();
    for (i = 0; i < N * H * W; ++i) labels[i] = (uint16_t)(below(4) ? below(K) : PAW_IGNORED);
    T(!paw_dense_create(ctx, K, WIDTH, 3, &d) && !paw_dense_create(ctx, K, WIDTH, 3, &e), "create");
    for (i = 0; i < K * WIDTH; ++i) d.weight[i] = e.weight[i] = t_uniform();
    for (i = 0; i < K; ++i) d.bias[i] = e.bias[i] = t_uniform();
    T(!paw_seg_step(&d, ctx, x, N, GH, GW, labels, H, W, 1e-3, &loss), "step");
    T(fabs(loss - plain_loss(&e, x, N, GH, GW, labels, H, W)) < 1e-6, "loss %.9g", loss);
    for (i = 0; i < K * WIDTH + K; ++i) {
        float *p = i < K * WIDTH ? &e.weight[i] : &e.bias[i - K * WIDTH], kept = *p;
        const double got = 10 * (double)(i < K * WIDTH ? d.moments[0][i]
                                                       : d.moments[2][i - K * WIDTH]);
        double up, down;
        *p = kept + 0x1p-9f;
        up = plain_loss(&e, x, N, GH, GW, labels, H, W);
        *p = kept - 0x1p-9f;
        down = plain_loss(&e, x, N, GH, GW, labels, H, W);
        *p = kept;
        worst = fmax(worst, fabs((up - down) * 256 - got));
        largest = fmax(largest, fabs(got));
    }
    /* float logits of up to 4: 5e-7 / 2^-8 of noise in a quotient that averages many */
    T(worst < 2e-5 && largest > 1e-2, "gradient off by %g of %g", worst, largest);
    paw_dense_free(ctx, &d);
    paw_dense_free(ctx, &e);
}
static void train_some(paw_ctx *c, paw_dense *d, const float *x, const uint16_t *labels, int from,
                       int to)
{
    double loss;
    int i;
    for (i = from; i < to; ++i)
        if (paw_seg_step(d, c, x, 3, 4, 4, labels, 40, 33, paw_seg_rate(1e-2, 2, 6, i), &loss))
            T(0, "step: %s", paw_message(c));
}
static void test_resume(void)
{
    static float x[3 * 16 * 32];
    static uint16_t labels[3 * 40 * 33], one[40 * 33], two[40 * 33];
    paw_dense a, b, r;
    paw_ctx *c = NULL;
    paw_config cfg;
    static const char *const meta[] = { "note", "half", NULL };
    static const char *const odd[] = { "99999999999999999999999", "12x", "-1", "1e9" };
    char folder[] = P_tmpdir "/paw-dense-XXXXXX", path[64];
    double loss;
    size_t i;
    memset(&cfg, 0, sizeof cfg);
    cfg.threads = 3;
    if (paw_create(&cfg, &c)) abort();
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/head.safetensors", folder);
    for (i = 0; i < sizeof x / sizeof *x; ++i) x[i] = t_uniform();
    for (i = 0; i < sizeof labels / 2; ++i) labels[i] = (uint16_t)below(7);
    T(!paw_dense_create(ctx, 7, 32, 5, &a) && !paw_dense_create(ctx, 7, 32, 5, &b), "create");
    train_some(ctx, &a, x, labels, 0, 6);
    train_some(c, &b, x, labels, 0, 3);
    T(!paw_dense_save(ctx, path, &b, meta), "save: %s", paw_message(ctx));
    T(!paw_dense_load(ctx, path, &r) && r.steps == 3 && r.outputs == 7 && r.width == 32, "load: %s",
      paw_message(ctx));
    for (i = 0; i < sizeof odd / sizeof *odd; ++i) {
        const char *const said[] = { "steps", odd[i], NULL };
        const size_t shape[4] = { 7, 32, 1, 1 };
        const paw_tensor_view v[2] = { { "decode_head.conv_seg.weight", 4, shape, b.weight },
                                       { "decode_head.conv_seg.bias", 1, shape, b.bias } };
        paw_dense none = b;
        T(!paw_safetensors_save(ctx, path, v, 2, said) &&
              paw_dense_load(ctx, path, &none) == PAW_E_FORMAT && none.weight == b.weight &&
              strstr(paw_message(ctx), "head.safetensors: its steps are no count"),
          "'%s' steps: %s", odd[i], paw_message(ctx));
    }
    r.decay_bias = a.decay_bias;
    train_some(c, &r, x, labels, 3, 6);
    T(!memcmp(a.weight, r.weight, 7 * 32 * 4) && !memcmp(a.bias, r.bias, 7 * 4) &&
          !memcmp(a.moments[1], r.moments[1], 7 * 32 * 4), "resumed on other threads: same bytes");
    T(!paw_seg_predict_features(&a, ctx, x, 4, 4, 16, 60, 51, 40, 33, one) &&
          !paw_seg_predict_features(&r, c, x, 4, 4, 16, 60, 51, 40, 33, two) &&
          !memcmp(one, two, sizeof one), "predictions for any thread count");
    x[5] = NAN;
    T(paw_seg_step(&a, ctx, x, 3, 4, 4, labels, 40, 33, 1e-2, &loss) == PAW_E_NUM &&
          !memcmp(a.weight, r.weight, 7 * 32 * 4), "NaN: refused, head unchanged");
    paw_dense_free(ctx, &a);
    paw_dense_free(ctx, &b);
    paw_dense_free(ctx, &r);
    paw_destroy(c);
    remove(path);
    remove(folder);
}

/* ---- pose ---- */

static void test_pose_geometry(void)
{
    int round, bad = 0;
    for (round = 0; round < 200; ++round) {
        paw_pose p, found;
        paw_pose_crop crop;
        static float heat[17 * 64 * 48], weights[17];
        double worst = 0;
        int k, seen = 0;
        random_person(&p, 1);
        p.labelled = 17;
        for (k = 0; k < 17; ++k) p.points[k][2] = 2;
        if (round & 1) paw_pose_crop_random(&p, 48, 64, 5, (uint64_t)round, &crop);
        else paw_pose_crop_of(p.box, 48, 64, &crop);
        paw_pose_target(&p, &crop, 48, 64, heat, weights);
        paw_pose_decode(heat, 48, 64, &crop, 0.5, &found);
        if (crop.flip) paw_pose_target(&p, &crop, 48, 64, heat, weights);
        for (k = 0; k < 17; ++k) {
            const int t = crop.flip ? paw__pose_mirror[k] : k;
            if (weights[k] == 0 || found.points[k][2] < 0.999) continue;
            worst = fmax(worst, hypot(found.points[k][0] - p.points[t][0],
                                      found.points[k][1] - p.points[t][1]));
            ++seen;
        }
        /* the maximum is rounded to the pixel and moved by at most a quarter each way */
        bad += worst > 0.7501 * sqrt(2) * crop.w / 48 || (!(round & 1) && seen < 17);
        if (!(round & 1)) bad += fabs(found.score - 0.5) > 1e-6;
    }
    T(!bad, "points to heat maps and back: %d of 200 off", bad);
}
/* One feature a patch: the head can hold any map, and what is left is what a grid of patches blurs.
   Crops turned and mirrored; the points must come back within half a patch each way. */
static void test_pose_overfit(void)
{
    enum { GH = 16, GW = 12, CELLS = GH * GW, PLANE = 64 * 48 };
    static float x[CELLS * CELLS], target[17 * (PLANE + 1)], heat[17 * PLANE];
    const double patch = 16.0 / 256;
    int round, k, i;
    for (i = 0; i < CELLS; ++i) x[i * CELLS + i] = 1;
    for (round = 0; round < 4; ++round) {
        paw_pose p, found;
        paw_pose_crop crop;
        paw_dense d;
        double loss, worst = 0, mean[2] = { 0, 0 }, to[2][2];
        random_person(&p, 1);
        for (k = 0; k < 17; ++k) p.points[k][2] = 2;
        p.box[3] = 2 * p.box[2];
        p.area = 0.5 * p.box[2] * p.box[3];
        paw_pose_crop_of(p.box, 192, 256, &crop);
        crop.flip = round & 1;
        crop.turn = round & 2 ? 0.4 : 0;
        paw_pose_target(&p, &crop, 48, 64, target, target + 17 * PLANE);
        T(!paw_dense_create(ctx, 17, CELLS, 1, &d), "create");
        for (i = 0; i < 150; ++i)
            T(!paw_pose_step(&d, ctx, x, 1, GH, GW, 4, target, 2e-2, &loss), "step");
        memset(heat, 0, sizeof heat);
        crop.flip = 0;
        T(!paw_pose_heat(&d, ctx, x, GH, GW, 4, round & 1, heat), "heat");
        paw_pose_decode(heat, 48, 64, &crop, 1, &found);
        for (k = 0; k < 17; ++k)
            for (i = 0; i < 2; ++i) {
                const double off = found.points[k][i] - p.points[k][i];
                worst = fmax(worst, fabs(off) / (patch * crop.h));
                mean[i] += off / (17 * patch * crop.h);
            }
        crop.flip = round & 1;
        for (k = 0; k < 2; ++k) { /* grids of the same crop cover the same place, mirrored or not */
            const paw__pose_grid g = paw__pose_grid_of(&crop, k ? 48 : 192, k ? 64 : 256);
            paw__pose_to(&g, p.points[0], to[k]);
        }
        T(fabs(4 * (to[1][0] + 0.5) - to[0][0] - 0.5) < 1e-9 &&
              fabs(4 * (to[1][1] + 0.5) - to[0][1] - 0.5) < 1e-9, "round %d: grids shift", round);
        T(worst < 0.75 && fabs(mean[0]) < 0.2 && fabs(mean[1]) < 0.2 && paw_oks(&p, &found) > 0.5,
          "round %d: off by %g patches, on average %g and %g; OKS %g", round, worst, mean[0],
          mean[1], paw_oks(&p, &found));
        paw_dense_free(ctx, &d);
    }
}
/* A crop that hangs over every edge: black outside, and the image's pixels inside. */
static void test_pose_edges(void)
{
    static const paw_stats stats = { { 0, 0, 0 }, { 1, 1, 1 } };
    uint8_t px[4 * 4 * 3];
    float chw[3 * 8 * 8];
    const paw_pose_crop crop = { 2, 2, 8, 8, 0, 0 };
    paw_image image;
    int x, y, bad = 0;
    memset(px, 255, sizeof px);
    image.px = px;
    image.w = image.h = 4;
    paw_pose_input(&image, &crop, &stats, 8, 8, chw);
    for (y = 0; y < 8; ++y)
        for (x = 0; x < 8; ++x)
            bad += chw[y * 8 + x] != (x > 1 && x < 6 && y > 1 && y < 6 ? 1.0f : 0.0f);
    T(!bad, "%d of 64 pixels at the edges", bad);
}
/* What has no sense is refused by name, and not as a lack of memory or by labels of NaN. */
static void test_dense_refusals(void)
{
    static float x[3 * 32 * 32];
    static uint16_t labels[32 * 32];
    paw_random_spec spec;
    paw_tensors *t = NULL;
    paw_model *m = NULL;
    paw_seg_test windows;
    paw_dense head;
    memset(&spec, 0, sizeof spec);
    spec.recipe = PAW_MAE;
    spec.image_px = 32;
    spec.patch_px = 16;
    spec.dim = 64;
    spec.depth = spec.heads = 1;
    memset(&windows, 0, sizeof windows);
    windows.slide = 1;
    windows.crop = windows.stride = 16;
    T(!paw_tensors_random(ctx, &spec, &t) && !paw_model_from_tensors(ctx, t, NULL, &m) &&
          !paw_dense_create(ctx, 3, 64, 1, &head), "a small model: %s", paw_message(ctx));
    T(!paw_seg_predict(&head, 1, m, ctx, &windows, x, 32, 32, 32, 32, labels), "windows: %s",
      paw_message(ctx));
    windows.stride = 17;
    T(paw_seg_predict(&head, 1, m, ctx, &windows, x, 32, 32, 32, 32, labels) == PAW_E_ARG &&
          strstr(paw_message(ctx), "stride"), "gaps between windows: %s", paw_message(ctx));
    T(paw_dense_features(m, ctx, NULL, 0, x, 1, -32, 32, x) == PAW_E_ARG &&
          strstr(paw_message(ctx), "-32"), "a negative side: %s", paw_message(ctx));
    paw_dense_free(ctx, &head);
    paw_model_free(m);
    paw_tensors_close(t);
}
static void test_pose_training(void)
{
    enum { N = 2, GH = 4, GW = 3, UP = 4, WIDTH = 32, PLANE = GH * UP * GW * UP };
    static float x[N * GH * GW * WIDTH], target[N * 17 * (PLANE + 1)], heat[17 * PLANE];
    double first = 0, loss = 0;
    paw_dense d;
    size_t i;
    for (i = 0; i < sizeof x / sizeof *x; ++i) x[i] = t_uniform();
    for (i = 0; i < sizeof target / sizeof *target; ++i) target[i] = fabsf(t_uniform());
    T(!paw_dense_create(ctx, 17, WIDTH, 2, &d), "create");
    T(paw_dense_load(ctx, NULL, &d) == PAW_E_ARG && strstr(paw_message(ctx), "paw_dense_load"),
      "no path: %s", paw_message(ctx));
    for (i = 0; i < 17; ++i) target[17 * PLANE + i] = target[2 * 17 * PLANE + 17 + i] = i != 3;
    for (i = 0; i < 200; ++i) {
        T(!paw_pose_step(&d, ctx, x, N, GH, GW, UP, target, 1e-2, &loss), "step");
        if (!i) first = loss;
    }
    T(loss < 0.5 * first, "learns: %g -> %g", first, loss);
    for (i = 0; i < WIDTH; ++i) x[i] = d.weight[3 * WIDTH + i];
    T(!paw_pose_heat(&d, ctx, x, GH, GW, UP, 0, heat) &&
          !paw_pose_heat(&d, ctx, x, GH, GW, UP, 1, heat), "heat maps");
    for (i = 0, loss = 0; i < PLANE; ++i) { /* both added: nose mirrored onto itself */
        const size_t mirror = i / (GW * UP) * (GW * UP) + GW * UP - 1 - i % (GW * UP);
        loss = fmax(loss, fabs((double)heat[i] - (double)heat[mirror]));
    }
    T(loss < 1e-5, "the sum with its mirror image is symmetric: %g", loss);
    paw_dense_free(ctx, &d);
}

int main(void)
{
    if (paw_create(NULL, &ctx)) return 1;
    test_seg_fixed();
    test_seg_errors();
    test_seg_random();
    test_pose_random();
    test_pose_errors();
    test_label_maps();
    test_sizes();
    test_resize_linear();
    test_hsv();
    test_augment();
    test_gradient();
    test_resume();
    test_pose_geometry();
    test_pose_overfit();
    test_pose_edges();
    test_dense_refusals();
    test_pose_training();
    paw_destroy(ctx);
    return t_end("dense");
}
