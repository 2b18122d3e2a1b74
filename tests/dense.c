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

int main(void)
{
    if (paw_create(NULL, &ctx)) return 1;
    test_seg_fixed();
    test_seg_errors();
    test_seg_random();
    test_pose_random();
    test_pose_errors();
    paw_destroy(ctx);
    return t_end("dense");
}
