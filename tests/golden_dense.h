/* Golden data of the segmentation head, for golden.c. Include behind its own plumbing. */
#ifndef PAW_TEST_GOLDEN_DENSE_H
#define PAW_TEST_GOLDEN_DENSE_H

typedef struct {
    array features, labels, weight0, bias0, weight1, bias1, losses, pred;
    float *x;       /* [n, gh * gw, width] */
    uint16_t *want; /* [n, h, w] classes */
    size_t n, width;
    int gh, gw, h, w;
} seg_golden;

static uint16_t seg_label(float v) { return (uint16_t)(v >= 255 ? PAW_IGNORED : v); }
static void seg_metrics(const seg_golden *g, const uint16_t *pred, const char *meta)
{
    double classes = 0, want, iou[256], acc[256];
    const size_t pixels = (size_t)g->h * (size_t)g->w;
    uint64_t counts[3 * 256] = { 0 };
    const char *section = strstr(meta, "\"seg\""), *list;
    paw_seg_summary s;
    gap gaps = { 0, 0 };
    int part, k;
    if (!section || !json_number(section, NULL, "num_classes", &classes) || classes < 1 ||
        classes > 256 || !json_number(section, NULL, "aAcc", &want)) {
        skip("seg metrics", "not in meta.json");
        return;
    }
    if (error(paw_seg_count(ctx, g->want, pred, g->n * pixels, (int)classes, counts), "count") ||
        error(paw_seg_score(counts, (int)classes, iou, acc, &s), "seg score"))
        return;
    gap_add(&gaps, s.aacc, want, 1e-12, 0);
    for (part = 0; part < 2; ++part) {
        list = strstr(section, part ? "\"acc\"" : "\"iou\"");
        list = list ? strchr(list, '[') : NULL;
        for (k = 0; list && k < (int)classes; ++k) {
            const double got = part ? acc[k] : iou[k];
            list += strspn(list, "[, \n\r\t");
            want = strncmp(list, "null", 4) ? strtod(list, NULL) : (double)NAN;
            if (want == want || got == got) gap_add(&gaps, got, want, 1e-12, 0);
            list += strcspn(list, ", \n]");
        }
    }
    gap_result(&gaps, "seg metrics");
}
/* Trains from the official initial weights on the golden features, all of them every step. The
   losses tell whether the reference averaged over all pixels or over labelled ones. */
static void seg_train(const seg_golden *g, const char *meta)
{
    const size_t rows = (size_t)g->gh * (size_t)g->gw, pixels = (size_t)g->h * (size_t)g->w;
    uint16_t *pred = (uint16_t *)calloc(g->n * pixels + 1, sizeof *pred);
    double lr = 0, decay = 0, loss = 0;
    gap losses = { 0, 0 }, weights = { 0, 0 };
    size_t i, steps = g->losses.count, wrong = 0, labelled = 0;
    double share;
    paw_dense d;
    if (!pred) abort();
    json_number(meta, "seg", "lr", &lr);
    json_number(meta, "seg", "weight_decay", &decay);
    if (error(paw_dense_create(ctx, (int)g->bias0.count, g->width, 1, &d), "seg head")) return;
    memcpy(d.weight, g->weight0.f, g->weight0.count * sizeof *d.weight);
    memcpy(d.bias, g->bias0.f, g->bias0.count * sizeof *d.bias);
    d.decay = decay;
    d.decay_bias = 1;
    for (i = 0; i < g->labels.count; ++i) labelled += g->want[i] != PAW_IGNORED;
    /* weights near 0: the first loss is nearly the logarithm of the number of classes */
    share = (double)labelled / (double)g->labels.count;
    d.mean_labelled = (double)g->losses.f[0] > log((double)d.outputs) * (1 + share) / 2;
    for (i = 0; i < steps; ++i) {
        const double rate = paw_seg_rate(lr, 0, (double)steps, (double)i);
        if (error(paw_seg_step(&d, ctx, g->x, g->n, g->gh, g->gw, g->want, g->h, g->w, rate, &loss),
                  "seg step"))
            break;
        gap_add(&losses, loss, (double)g->losses.f[i], 2e-6, 0);
    }
    for (i = 0; i < g->weight1.count; ++i)
        gap_add(&weights, (double)d.weight[i], (double)g->weight1.f[i], 2e-5, 0);
    for (i = 0; i < g->bias1.count; ++i)
        gap_add(&weights, (double)d.bias[i], (double)g->bias1.f[i], 2e-5, 0);
    for (i = 0; i < g->n; ++i)
        error(paw_seg_predict_features(&d, ctx, g->x + i * rows * g->width, g->gh, g->gw,
                                       g->h / g->gh, g->h, g->w, g->h, g->w, pred + i * pixels),
              "seg predict");
    for (i = 0; i < g->pred.count; ++i) wrong += pred[i] != (uint16_t)g->pred.f[i];
    gap_result(&losses, d.mean_labelled ? "seg losses, labelled pixels" : "seg losses, all pixels");
    gap_result(&weights, "seg final weights");
    result(!wrong, "seg predictions", "%zu of %zu differ", wrong, g->pred.count);
    seg_metrics(g, pred, meta);
    paw_dense_free(ctx, &d);
    free(pred);
}
static void check_seg(const char *folder, const char *meta)
{
    seg_golden g;
    size_t i, j, k, rows;
    memset(&g, 0, sizeof g);
    array_read(folder, "seg_features", PAW_F32, &g.features);
    array_read(folder, "seg_labels", PAW_F32, &g.labels);
    array_read(folder, "seg.init.weight", PAW_F32, &g.weight0);
    array_read(folder, "seg.init.bias", PAW_F32, &g.bias0);
    array_read(folder, "seg.final.weight", PAW_F32, &g.weight1);
    array_read(folder, "seg.final.bias", PAW_F32, &g.bias1);
    array_read(folder, "seg.losses", PAW_F32, &g.losses);
    array_read(folder, "seg.pred", PAW_F32, &g.pred);
    g.n = g.features.ndim == 4 ? g.features.shape[0] : 0;
    g.width = g.features.shape[1];
    if (!g.n || g.labels.ndim != 3 || g.labels.shape[0] != g.n || !g.losses.count ||
        g.weight0.count != g.bias0.count * g.width || g.weight1.count != g.weight0.count ||
        g.pred.count != g.labels.count) {
        skip("seg", "features, labels, weights or losses missing or of other sizes");
    } else {
        g.gh = (int)g.features.shape[2];
        g.gw = (int)g.features.shape[3];
        g.h = (int)g.labels.shape[1];
        g.w = (int)g.labels.shape[2];
        rows = g.features.shape[2] * g.features.shape[3];
        g.x = (float *)calloc(g.features.count, sizeof *g.x);
        g.want = (uint16_t *)calloc(g.labels.count, sizeof *g.want);
        if (!g.x || !g.want) abort();
        for (i = 0; i < g.n; ++i)
            for (j = 0; j < rows; ++j)
                for (k = 0; k < g.width; ++k)
                    g.x[(i * rows + j) * g.width + k] = g.features.f[(i * g.width + k) * rows + j];
        for (i = 0; i < g.labels.count; ++i) g.want[i] = seg_label(g.labels.f[i]);
        seg_train(&g, meta);
    }
    free(g.x);
    free(g.want);
    array_free(&g.features);
    array_free(&g.labels);
    array_free(&g.weight0);
    array_free(&g.bias0);
    array_free(&g.weight1);
    array_free(&g.bias1);
    array_free(&g.losses);
    array_free(&g.pred);
}

/* All ten statistics of pycocotools. */
static void check_oks(const char *golden)
{
    static const char *const names[10] = { "AP", "AP50", "AP75", "APm", "APl",
                                           "AR", "AR50", "AR75", "ARm", "ARl" };
    char folder[PATH], a[PATH], b[PATH], *stats;
    paw_poses truth, found;
    paw_pose_score score;
    double want, got[10];
    gap gaps = { 0, 0 };
    int k, missing = 0;
    join(folder, golden, "oks");
    if (!exists(folder, "annotations.json") || !exists(folder, "detections.json")) {
        skip("oks", "no annotations.json or detections.json");
        return;
    }
    if (error(paw_poses_load(ctx, join(a, folder, "annotations.json"), NULL, &truth), a)) return;
    if (!error(paw_poses_load(ctx, join(b, folder, "detections.json"), NULL, &found), b)) {
        if (!error(paw_pose_evaluate(ctx, truth.items, truth.count, found.items, found.count,
                                     &score), "oks")) {
            memcpy(got, &score, sizeof got);
            stats = text_read(folder, "stats.json");
            for (k = 0; k < 10; ++k) {
                const int there = json_number(stats, NULL, names[k], &want);
                if (there) gap_add(&gaps, got[k], want, 1e-9, 0);
                missing += !there;
            }
            free(stats);
            if (missing) skip("oks", "statistics missing in stats.json");
            if (missing < 10) gap_result(&gaps, "oks statistics");
        }
        paw_poses_free(ctx, &found);
    }
    paw_poses_free(ctx, &truth);
}
#endif
