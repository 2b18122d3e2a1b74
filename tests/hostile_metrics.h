/* Rows of group F: features and numbers. tests/metrics.c holds every result to the oracle's bits;
   here is what must not pass for a number. See hostile.c. */
#ifndef PAW_TEST_HOSTILE_METRICS_H
#define PAW_TEST_HOSTILE_METRICS_H

static void m_f1(void)
{
    static const float x[] = { 1, 0, 0.9f, 0.1f, 0, 1 }; /* three of width 2 */
    static const int32_t labels[] = { 0, 0, 1 }, alone[] = { 0, 1, 2 };
    double ap[3] = { 7, 7, 7 }, per_class[3];
    paw_ap_summary s;
    h_begin();
    H(!paw_retrieval_ap(ctx, x, 1, 2, labels, 0, ap) && ap[0] == 1 && ap[1] == 7, "one item: %g",
      ap[0]);
    H(!paw_retrieval_ap(ctx, x, 1, 2, labels, 1, ap) && ap[0] != ap[0], "one item without itself");
    H(!paw_retrieval_ap(ctx, x, 3, 2, labels, 1, ap) && ap[0] == 1 && ap[1] == 1 && ap[2] != ap[2],
      "a query alone: %g", ap[2]);
    memset(&s, 0, sizeof s);
    H(!paw_ap_mean(ap, labels, 3, 2, per_class, &s), "%s", paw_message(ctx));
    H(s.undefined == 1 && s.ap == 1 && s.map == 1 && per_class[0] == 1 &&
      per_class[1] != per_class[1], "left out and counted: %zu, %g", s.undefined, s.ap);
    H(!paw_retrieval_ap(ctx, x, 3, 2, alone, 1, ap) &&
      !paw_ap_mean(ap, alone, 3, 3, per_class, &s), "%s", paw_message(ctx));
    H(s.undefined == 3 && s.ap != s.ap && s.map != s.map, "nothing is defined: %g", s.ap);
    H(!paw_retrieval_ap(ctx, x, 3, 2, alone, 0, ap) && ap[0] == 1, "each finds itself");
    H(paw_chance(labels, 1, 1) == 1, "chance of one class");
    h_within("one item", 0);
}
static void m_f2(void)
{
    enum { N = 40 };
    float x[N * 3], flat[N], scores[N * 5];
    uint8_t relevant[N];
    int32_t labels[N];
    size_t rows[N * 5], i, k, wrong = 0;
    double ap[N], one = 0;
    for (i = 0; i < N; ++i) {
        flat[i] = 0.25f;
        relevant[i] = i % 4 == 0;
        labels[i] = (int32_t)(i % 4);
        x[3 * i] = 1; /* exact duplicates */
        x[3 * i + 1] = 2;
        x[3 * i + 2] = 3;
    }
    h_begin();
    H(!paw_average_precision(ctx, flat, relevant, N, &one) && fabs(one - 0.25) < 1e-15,
      "equal scores are one threshold: %.17g", one);
    H(!paw_retrieval_ap(ctx, x, N, 3, labels, 0, ap), "%s", paw_message(ctx));
    for (i = 0; i < N; ++i) wrong += fabs(ap[i] - 0.25) > 1e-15;
    H(!wrong, "%zu duplicates are ranked", wrong);
    H(!paw_retrieval_topk(ctx, x, N, x, N, 3, 5, 1, rows, scores), "%s", paw_message(ctx));
    for (i = wrong = 0; i < N; ++i)
        for (k = 0; k < 5; ++k) wrong += rows[5 * i + k] != k + (k >= i && i < 5);
    H(!wrong, "%zu of equal neighbours are not the lowest rows", wrong);
    h_within("duplicates", 0);
}
/* part_retrieval of four patches by a network whose last norm makes every feature zero. */
static void m_f3_program(void)
{
    static const char list[] = "path,x,y,side,label\na.png,20,20,30,x\na.png,30,20,30,x\n"
                               "a.png,20,30,30,y\na.png,30,30,30,y\na.png,25,25,30,z\n";
    const char *args[] = { "part_retrieval", "--dataset", "list", "--root", NULL, "--weights", NULL,
                           "--threads", "1", "--no-cache", "--quiet", "--json", NULL };
    const char *search[] = { "patch_search", "--images", NULL, "--weights", NULL, "--threads", "1",
                             "--no-cache", "--quiet", "--json", NULL };
    const bytes image = i_grey(60, 40, 0);
    char root[1300], weights[1300];
    paw_random_spec spec;
    paw_tensors *t = NULL;
    size_t i;
    int status;
    memset(&spec, 0, sizeof spec);
    spec.recipe = PAW_DEIT;
    spec.image_px = 32;
    spec.patch_px = 16;
    spec.dim = 64;
    spec.depth = 1;
    (void)h_write("F3/a.png", image.p, image.n);
    free(image.p);
    snprintf(root, sizeof root, "%s", h_text("F3/list.csv", list));
    snprintf(weights, sizeof weights, "%s", h_path("F3/zero.safetensors"));
    if (!H(!paw_tensors_random(ctx, &spec, &t), "%s", paw_message(ctx))) return;
    for (i = 0; i < t->count; ++i) {
        paw__tensor *x = (paw__tensor *)t->items[i];
        if (strstr(x->name, "model.norm.")) memset(x->data, 0, x->count * sizeof *x->data);
    }
    H(!paw_model_convert(ctx, t, NULL, weights), "%s", paw_message(ctx));
    paw_tensors_close(t);
    args[4] = root;
    args[6] = weights;
    if ((status = h_program(args)) < 0) return;
    H(status == 0 && h_has("out", "\"zero_features\": 10") &&
      h_has("err", "cls: 5 of 5 features are zero") && h_has("err", "mean: 5 of 5 features are"),
      "counted and said: status %d", status);
    H(h_has("out", "\"queries_without_hits\": 1"), "a class of one is counted");
    args[5] = "--random";
    args[6] = "deit_tiny";
    if ((status = h_program(args)) < 0) return;
    H(status == 0 && h_has("out", "\"zero_features\": 0") && !h_has("err", "zero"),
      "nothing to say: status %d", status);
    search[2] = h_path("F3/a.png");
    search[4] = weights;
    if ((status = h_program(search)) < 0) return;
    H(status == 0 && h_has("out", "\"zero_features\": 98") &&
      h_has("err", "mean: 49 of 49 features are zero"), "patches, too: status %d", status);
}
static void m_f3(void)
{
    static const float x[] = { 0, 0, 1, 0, 0, 1, -1, 0 }; /* four of width 2, the first is zero */
    static const int32_t labels[] = { 0, 0, 1, 1 };
    size_t rows[12];
    float scores[12];
    double ap[4];
    size_t i;
    h_begin();
    H(!paw_retrieval_topk(ctx, x, 4, x, 4, 2, 3, 1, rows, scores), "%s", paw_message(ctx));
    for (i = 0; i < 3; ++i) H(scores[i] == 0, "cosine of zeros: %g", (double)scores[i]);
    H(rows[0] == 1 && rows[1] == 2 && rows[2] == 3, "ties by row");
    H(scores[3] == 0 && scores[5] == -1 && rows[5] == 3, "a zero in the gallery: %g",
      (double)scores[3]);
    H(!paw_retrieval_ap(ctx, x, 4, 2, labels, 0, ap) && fabs(ap[0] - 0.5) < 1e-15,
      "all tie with a query of zeros: %g", ap[0]);
    H(paw_zero_rows(x, 4, 2) == 1 && paw_zero_rows(x, 1, 2) == 1 && !paw_zero_rows(x + 2, 3, 2) &&
      paw_zero_rows(x + 4, 1, 1) == 1 && paw_zero_rows(x, 8, 1) == 5 &&
      !paw_zero_rows(NULL, 0, 2) && !paw_zero_rows(x, 4, 0),
      "zeros are counted");
    h_within("zeros", 0);
    m_f3_program();
}
static void m_f4(void)
{
    enum { N = 9, D = 5 };
    static const float bad[] = { (float)NAN, (float)INFINITY, -(float)INFINITY };
    float x[N * D], y[N * D], votes[N * 3];
    int32_t labels[N], predicted[N];
    size_t rows[N], i, k;
    double ap[N];
    for (i = 0; i < N * D; ++i) x[i] = y[i] = (float)(i % 7) - 3;
    for (i = 0; i < N; ++i) labels[i] = (int32_t)(i % 3);
    for (k = 0; k < 3; ++k) {
        paw_knn_opts o;
        memset(&o, 0, sizeof o);
        o.k = 2;
        y[6 * D + 2] = bad[k];
        for (i = 0; i < N; ++i) {
            ap[i] = 7;
            rows[i] = 77;
            predicted[i] = -7;
        }
        h_begin();
        h_refused(paw_retrieval_ap(ctx, y, N, D, labels, 0, ap), PAW_E_NUM, "row 6", "feature 2");
        h_begin();
        h_refused(paw_retrieval_topk(ctx, x, N, y, N, D, 1, 0, rows, NULL), PAW_E_NUM, "row 6",
                  "feature 2");
        h_begin();
        h_refused(paw_retrieval_topk(ctx, y, N, x, N, D, 1, 0, rows, NULL), PAW_E_NUM, "6",
                  "feature 2");
        h_begin();
        h_refused(paw_knn(ctx, x, N, y, labels, N, D, 3, &o, predicted, votes), PAW_E_NUM, "row 6",
                  "feature 2");
        H(ap[0] == 7 && rows[0] == 77 && predicted[0] == -7, "outputs touched");
        y[6 * D + 2] = 0;
    }
    {
        static const float temperatures[] = { -1, (float)NAN, -0.07f };
        paw_knn_opts o;
        memset(&o, 0, sizeof o);
        o.k = 2;
        for (k = 0; k < 3; ++k) {
            o.temperature = temperatures[k];
            h_begin();
            h_refused(paw_knn(ctx, x, N, y, labels, N, D, 3, &o, predicted, votes), PAW_E_ARG,
                      "paw_knn", "temperature");
            H(predicted[0] == -7, "output touched");
        }
    }
}
/* All pairs of n would take n * n * 4 bytes: 256 MB here, and are never held. */
static void m_f5(void)
{
    const size_t n = SECONDS > 2 ? 3000 : 8000, dim = 8;
    float *x = (float *)malloc(n * dim * sizeof *x), one = 2;
    int32_t *labels = (int32_t *)malloc(n * sizeof *labels), zero = 0, got = 7;
    double *ap = (double *)malloc(n * sizeof *ap), single = 0;
    size_t row = 7, i;
    float score = 0;
    paw_knn_opts o;
    memset(&o, 0, sizeof o);
    o.k = 1;
    h_begin();
    H(!paw_retrieval_ap(ctx, &one, 1, 1, &zero, 0, &single) && single == 1, "1 x 1: %g", single);
    H(!paw_retrieval_topk(ctx, &one, 1, &one, 1, 1, 1, 0, &row, &score) && !row && score == 1,
      "the one neighbour");
    H(!paw_knn(ctx, &one, 1, &one, &zero, 1, 1, 1, &o, &got, NULL) && !got, "the one class");
    H(paw_retrieval_topk(ctx, &one, 1, &one, 1, 1, 1, 1, &row, &score) == PAW_E_ARG,
      "no neighbour but itself");
    H(paw_retrieval_ap(ctx, NULL, 0, 1, NULL, 0, NULL) == PAW_OK || strlen(paw_message(ctx)),
      "no rows");
    h_within("1 x 1", 0);
    for (i = 0; i < n * dim; ++i) x[i] = t_uniform();
    for (i = 0; i < n; ++i) labels[i] = (int32_t)(i % 10);
    h_begin();
    H(!paw_retrieval_ap(ctx, x, n, dim, labels, 0, ap), "%s", paw_message(ctx));
    h_within("n x n", 24 * n + 235 * MEGA);
    H(meter.peak - h_held < 24 * n + 235 * MEGA, "%zu MB for %zu rows",
      (meter.peak - h_held) / MEGA, n);
    free(x);
    free(labels);
    free(ap);
}

/* ---- F6, F7: probes ---- */

typedef struct {
    const float *x;
    size_t dim;
} m_rows;
static paw_err m_get(void *user, int epoch, const size_t *items, size_t n, const void **rows)
{
    const m_rows *r = (const m_rows *)user;
    size_t i;
    (void)epoch;
    for (i = 0; i < n; ++i) rows[i] = r->x + items[i] * r->dim;
    return PAW_OK;
}
/* Two folders of classes, train and val, of 3 grey images each; val has a third one if asked. */
static void m_set(const char *name, int third)
{
    static const char *const splits[] = { "train", "val" };
    char path[200];
    int s, k, i;
    for (s = 0; s < 2; ++s)
        for (k = 0; k < 2 + (s && third); ++k)
            for (i = 0; i < 3; ++i) {
                const bytes b = i_grey(24 + 4 * k, 20 + i, 0);
                snprintf(path, sizeof path, "%s/%s/%c/%d.png", name, splits[s], 'a' + k, i);
                (void)h_write(path, b.p, b.n);
                free(b.p);
            }
}
static void m_f6(void)
{
    enum { N = 24, DIM = 4 };
    const char *args[] = { "probe", "--root", NULL, "--random", "deit_tiny", "--threads", "1",
                           "--no-cache", "--quiet", "--json", "--epochs", "60", "--lr", "1e6",
                           "--train-batch", "2", NULL };
    float x[N * DIM];
    int32_t labels[N];
    paw_head_opts o;
    paw_head *head = NULL;
    paw_features f;
    m_rows rows;
    char root[1300];
    size_t i;
    int status;
    for (i = 0; i < N * DIM; ++i) x[i] = 1e33f * t_uniform();
    for (i = 0; i < N; ++i) labels[i] = (int32_t)(i % 3);
    rows.x = x;
    rows.dim = DIM;
    memset(&f, 0, sizeof f);
    f.count = N;
    f.tokens = 1;
    f.labels = labels;
    f.get = m_get;
    f.user = &rows;
    paw_head_recipe(PAW_PROBE_IMAGENET, PAW_LINEAR, &o);
    o.dim = DIM;
    o.classes = 3;
    o.norm = 0;
    o.optimizer = PAW_SGD;
    o.batch = 4;
    o.epochs = 20;
    o.warmup = 0;
    o.lr = 2e9;
    if (!H(!paw_head_create(ctx, &o, &head), "%s", paw_message(ctx))) return;
    h_begin();
    h_refused(paw_head_train(head, ctx, &f, NULL, NULL), PAW_E_NUM, "epoch",
              "at learning rate ");
    paw_head_free(head);
    m_set("F6", 0);
    snprintf(root, sizeof root, "%s", h_path("F6"));
    args[2] = root;
    if ((status = h_program(args)) < 0) return;
    H(status == 1 && h_has("err", "training diverged: loss") && h_has("err", "in epoch") &&
      h_has("err", "at learning rate") && !h_has("out", "{"), "status %d", status);
}
static void m_f7(void)
{
    const char *args[] = { "probe", "--root", NULL, "--random", "deit_tiny", "--threads", "1",
                           "--no-cache", "--json", "--epochs", "1", NULL };
    char root[1300];
    int status;
    m_set("F7", 1);
    snprintf(root, sizeof root, "%s", h_path("F7"));
    args[2] = root;
    if ((status = h_program(args)) < 0) return;
    H(status == 0 && h_has("err", "class c has no training item") &&
      h_has("out", "\"train_classes_absent\": 1") &&
      h_has("out", "\"c\": {\n      \"items\": 3,\n      \"accuracy\": 0\n"),
      "warned of, and its items count as wrong: status %d", status);
}

static const h_row hostile_metrics[] = {
    { "F1", "one item, one class, a query alone", m_f1, NULL, NULL },
    { "F2", "equal similarities, exact duplicates", m_f2, NULL, NULL },
    { "F3", "a feature of zeros", m_f3, NULL, NULL },
    { "F4", "a feature that is NaN", m_f4, NULL, NULL },
    { "F5", "N = 1, D = 1; N x N beyond memory", m_f5, NULL, NULL },
    { "F6", "a probe that diverges", m_f6, NULL, NULL },
    { "F7", "a class that training never saw", m_f7, NULL, NULL },
};
#endif
