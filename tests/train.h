/* Tests of what trains a head, for kernels.c: the same two checks, bits and bound. Include behind
   its own plumbing. */
#ifndef PAW_TEST_TRAIN_H
#define PAW_TEST_TRAIN_H

/* ---- random numbers and functions in double ---- */

static void philox_is(uint64_t seed, uint32_t stream, uint64_t counter, uint32_t lane, uint32_t a,
                      uint32_t b, uint32_t c, uint32_t d)
{
    uint32_t w[4];
    paw__philox(seed, stream, counter, lane, w);
    ++kernel.cases;
    T(w[0] == a && w[1] == b && w[2] == c && w[3] == d, "philox: %08x %08x %08x %08x", w[0], w[1],
      w[2], w[3]);
}
/* Known answers of Random123's kat_vectors; then the moments of each stream. */
static void test_random(void)
{
    enum { n = 1 << 20 };
    double sum = 0, squares = 0, cubes = 0, fourth = 0, unit = 0, worst = 0;
    size_t order[257], seen[257], i, j;
    philox_is(0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    philox_is(~0ull, ~0u, ~0ull, ~0u, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
    philox_is(0x299f31d0a4093822ull, 0x13198a2e, 0x85a308d3243f6a88ull, 0x03707344, 0xd16cfe09,
              0x94fdcceb, 0x5001e420, 0x24126ea1);
    for (i = 0; i < n; ++i) {
        const double x = paw__random_gauss(7, 1, i, 0), t = paw__random_gauss(7, 1, i, 1);
        sum += x;
        squares += x * x;
        cubes += x * x * x;
        fourth += x * x * x * x;
        unit += paw__random_unit(7, 2, i);
        worst = fmax(worst, fabs(t));
    }
    /* Five standard errors of the mean of n: of x 1, of x^2 sqrt 2, x^3 sqrt 15, x^4 sqrt 96. */
    T(fabs(sum / n) < 5 / 1024.0 && fabs(squares / n - 1) < 5 * 1.4143 / 1024 &&
          fabs(cubes / n) < 5 * 3.873 / 1024 && fabs(fourth / n - 3) < 5 * 9.798 / 1024,
      "normal numbers: moments %g %g %g %g", sum / n, squares / n, cubes / n, fourth / n);
    T(fabs(unit / n - 0.5) < 5 * 0.2887 / 1024, "unit numbers: mean %g", unit / n);
    T(worst <= 1 && worst > 0.99, "truncated at 1: largest %g", worst);
    for (j = 1; j <= 257; ++j) {
        size_t wrong = 0, fixed = 0;
        memset(seen, 0, sizeof seen);
        paw__random_order(3, (uint32_t)j, order, j);
        for (i = 0; i < j; ++i) ++seen[order[i] < j ? order[i] : 0];
        for (i = 0; i < j; ++i) wrong += seen[i] != 1;
        for (i = 0; i < j; ++i) fixed += order[i] == i;
        T(!wrong && (j < 16 || fixed < 8), "permutation of %zu: %zu wrong, %zu fixed", j, wrong,
          fixed);
    }
    for (worst = 0, i = 0; i <= 4000; ++i)
        worst = fmax(worst, fabs(paw__cospi((double)i / 2000) -
                                 (double)cosl(acosl(-1.0L) * (long double)i / 2000)));
    T(worst <= 4.5e-16, "cosine off by %g", worst);
    for (worst = 0, i = 1; i < 100000; ++i) {
        const double x = (double)i * ldexp(1.0, (int)(i % 120) - 60), want = log(x);
        worst = fmax(worst, fabs(paw__log(x) - want) / fmax(1, fabs(want)));
    }
    T(worst <= 4.5e-16, "logarithm off by %g", worst);
    for (worst = 0, i = 0; i <= 100000; ++i) {
        const double y = -707.9 * (double)i / 100000, want = exp(y);
        worst = fmax(worst, fabs(paw__exp(y) - want) / want);
    }
    T(worst <= 4.5e-16 && paw__exp(0) == 1 && paw__exp(-1e9) == 0 && isnan(paw__exp((double)NAN)),
      "exponential off by %g", worst);
}

/* ---- products of plain matrices ---- */

typedef struct {
    const float *a, *b, *out;
    size_t m, n, k, lda, ldb, ldo;
    int ta, tb, add, wide;
} matmul_case;
static void run_matmul(const paw__ops *ops, const void *arg, float *got)
{
    const matmul_case *c = (const matmul_case *)arg;
    const paw__team team = team_of(ops, c->wide);
    const size_t na = ((c->ta ? c->k : c->m) - 1) * c->lda + (c->ta ? c->m : c->k);
    const size_t nb = ((c->tb ? c->n : c->k) - 1) * c->ldb + (c->tb ? c->k : c->n);
    const float *a = guarded_copy("a", c->a, na), *b = guarded_copy("b", c->b, nb);
    float *out = guarded_copy("out", c->out, (c->m - 1) * c->ldo + c->n);
    size_t r;
    T(!paw__multiply(&team, c->ta, c->tb, c->m, c->n, c->k, a, c->lda, b, c->ldb, NULL, out,
                     c->ldo, c->add), "multiply fails");
    for (r = 0; r < c->m; ++r) memcpy(got + r * c->n, out + r * c->ldo, c->n * sizeof *got);
}
static void matmul_one(size_t m, size_t n, size_t k, unsigned flags)
{
    matmul_case c;
    test_case t;
    float *a, *b, *out;
    double *want = doubles(m * n), *bound = doubles(m * n);
    size_t i, j, l;
    memset(&t, 0, sizeof t);
    c.m = m;
    c.n = n;
    c.k = k;
    c.ta = (int)(flags & 1);
    c.tb = (int)(flags >> 1 & 1);
    c.add = (int)(flags >> 2 & 1);
    c.wide = (int)(flags >> 3 & 1);
    c.lda = (c.ta ? m : k) + below(5);
    c.ldb = (c.tb ? k : n) + below(5);
    c.ldo = n + below(5);
    c.a = a = uniform((c.ta ? k : m) * c.lda, 1);
    c.b = b = uniform((c.tb ? n : k) * c.ldb, 1);
    c.out = out = uniform(m * c.ldo, 1);
    for (i = 0; i < m; ++i)
        for (j = 0; j < n; ++j) {
            double sum = 0, size = 0;
            for (l = 0; l < k; ++l) {
                const double p = (double)a[c.ta ? l * c.lda + i : i * c.lda + l] *
                                 (double)b[c.tb ? j * c.ldb + l : l * c.ldb + j];
                sum += p;
                size += fabs(p);
            }
            if (c.add) sum += (double)out[i * c.ldo + j];
            want[i * n + j] = sum;
            /* a rounding per step of a chain, one per block; one of the sum with out */
            bound[i * n + j] = SLACK * U * ((double)(paw__min(k, PAW__KC) + k / PAW__KC) * size +
                                            fabs(sum)) + 1e-44;
        }
    t.arg = &c;
    t.run = run_matmul;
    t.rows = m;
    t.cols = n;
    t.want = want;
    t.bound = bound;
    snprintf(t.shape, sizeof t.shape, "%zu x %zu x %zu%s%s%s%s", m, n, k, c.ta ? ", a turned" : "",
             c.tb ? ", b turned" : "", c.add ? ", added" : "", c.wide ? ", wide" : "");
    check(&t);
    free(a);
    free(b);
    free(out);
    free(want);
    free(bound);
}
static void test_matmul(void)
{
    size_t i;
    for (i = 0; i < 160; ++i)
        matmul_one(between(1, 40), between(1, 70), between(1, 60), (unsigned)i);
    for (i = 0; i < 16; ++i) /* sums in several blocks and ranges; columns without padding */
        matmul_one(between(1, 20), i & 1 ? 64 : between(1, 40), between(380, 1300), (unsigned)i);
    for (i = 0; i < 8; ++i) /* A in several blocks */
        matmul_one(between(200, 450), i & 4 ? 16 : between(1, 40), between(1, 40), (unsigned)i);
    for (i = 0; i < 2; ++i) matmul_one(230, 20, 1300, (unsigned)i);
}

/* ---- cross-entropy ---- */

typedef struct {
    const float *x;
    const int32_t *labels;
    size_t rows, ld;
    int classes, wide;
    float scale;
} xent_case;
static void run_xent(const paw__ops *ops, const void *arg, float *got)
{
    const xent_case *c = (const xent_case *)arg;
    const paw__team team = team_of(ops, c->wide);
    const size_t up = paw__up16((size_t)c->classes), n = (c->rows - 1) * c->ld;
    const float *x = guarded_copy("logits", c->x, n + (size_t)c->classes);
    float *grad = guarded("gradient", n + up);
    double loss = 0;
    size_t r;
    T(!paw__xent(&team, x, c->labels, c->rows, c->ld, c->classes, c->scale, grad, &loss),
      "cross-entropy fails");
    for (r = 0; r < c->rows; ++r) memcpy(got + r * up, grad + r * c->ld, up * sizeof *got);
    got[c->rows * up] = (float)loss;
}
/* Shares as in softmax_expect, with one rounding of scale / sum in the inverse's place and one of
   the subtraction; the loss is the log of the sum, relative error as there, and two differences of
   floats, exact in double. */
static void xent_one(size_t rows, size_t classes, float spread, unsigned flags)
{
    const size_t up = paw__up16(classes);
    xent_case c;
    test_case t;
    float *x;
    int32_t *labels = (int32_t *)calloc(rows, sizeof *labels);
    double *want = doubles(rows * up + 1), *bound = doubles(rows * up + 1);
    double *share = doubles(classes), *relative = doubles(classes);
    double loss = 0, off = 0;
    size_t r, i;
    memset(&t, 0, sizeof t);
    c.rows = rows;
    c.classes = (int)classes;
    c.ld = up + 16 * below(2);
    c.wide = (int)(flags & 1);
    c.scale = flags & 2 ? 1.0f / (float)rows : 1.0f;
    c.labels = labels;
    c.x = x = uniform(rows * c.ld, spread);
    for (r = 0; r < rows; ++r) {
        const size_t label = below(classes);
        const double scale = (double)c.scale;
        double mean = 0;
        labels[r] = flags & 4 && r % 3 == 0 ? (r % 2 ? 255 + (int)classes : -1) : (int32_t)label;
        if (labels[r] < 0 || labels[r] >= (int)classes) continue;
        softmax_expect(x + r * c.ld, classes, share, relative);
        loss += paw__ref_xent(x + r * c.ld, classes, label, scale, want + r * up);
        for (i = 0; i < classes; ++i) {
            bound[r * up + i] = scale * (relative[i] + U * (share[i] + (i == label))) + TINY;
            mean += relative[i];
        }
        off += mean;
    }
    want[rows * up] = loss;
    bound[rows * up] = off + U * fabs(loss) + 1e-12 * (double)rows;
    t.arg = &c;
    t.run = run_xent;
    t.rows = 1;
    t.cols = rows * up + 1;
    t.want = want;
    t.bound = bound;
    snprintf(t.shape, sizeof t.shape, "%zu rows of %zu classes, +-%g%s%s", rows, classes,
             (double)spread, flags & 4 ? ", ignored rows" : "", c.wide ? ", wide" : "");
    check(&t);
    free(x);
    free(labels);
    free(want);
    free(bound);
    free(share);
    free(relative);
}
static void test_xent(void)
{
    size_t i;
    for (i = 1; i <= 70; ++i) xent_one(between(1, 9), i, i % 3 ? 4.0f : 60.0f, (unsigned)i);
    for (i = 0; i < 8; ++i) xent_one(between(250, 1100), between(2, 33), 4.0f, (unsigned)i);
    xent_one(5, 1000, 8.0f, 0);
}

/* ---- one step of an optimiser ---- */

typedef struct {
    const paw__update *u;
    const float *p, *m, *v, *g;
    size_t n;
    int adamw;
} step_case;
static void run_step(const paw__ops *ops, const void *arg, float *got)
{
    const step_case *c = (const step_case *)arg;
    const size_t n = c->n;
    float *p = guarded_copy("parameters", c->p, n), *m = guarded_copy("moments", c->m, n);
    float *v = guarded_copy("squares", c->v, n);
    const float *g = guarded_copy("gradients", c->g, n);
    if (c->adamw) ops->adamw(c->u, p, m, v, g, n);
    else ops->sgd(c->u, p, m, g, n);
    memcpy(got, p, n * sizeof *p);
    memcpy(got + n, m, n * sizeof *m);
    memcpy(got + 2 * n, v, n * sizeof *v);
}
/* SGD: the decayed gradient d rounds twice, m once more, Nesterov's sum once, the result once.
   AdamW: m rounds twice, v three times, its root halves that and adds one; the denominator adds
   one, the quotient one; then the product with keep and the sum. Every rounding is of the size of
   the terms, none of a result that has cancelled. */
static void step_bound(const step_case *c, size_t i, double m1, double v1, double *bound)
{
    const paw__update *u = c->u;
    const double p = fabs((double)c->p[i]), g = fabs((double)c->g[i]), m = fabs((double)c->m[i]);
    const double mu = (double)u->momentum;
    const size_t n = c->n;
    if (c->adamw) {
        const double size = sqrt(v1) * (double)u->root + (double)u->eps;
        const double em = 2 * U * ((double)u->beta1 * m + (double)u->rest1 * g), ev = 3 * U * v1;
        const double es = (ev / (v1 + 1e-30) / 2 + 3 * U) * size;
        bound[n + i] = SLACK * em + TINY;
        bound[2 * n + i] = SLACK * ev + TINY;
        bound[i] = SLACK * ((double)u->step * ((em + U * fabs(m1)) / size +
                                               fabs(m1) * es / (size * size) +
                                               U * fabs(m1) / size) +
                            2 * U * p * (double)u->keep) + TINY;
    } else {
        const double d = (g + (double)u->decay * p) * (double)u->trust, ed = 2 * U * d;
        const double em = ed + U * (d + mu * m);
        const double all = d + mu * (d + mu * m), twice = ed + mu * em + U * all;
        bound[n + i] = SLACK * em + TINY;
        bound[2 * n + i] = 0;
        bound[i] = SLACK * ((double)u->lr * (u->nesterov ? twice : em) +
                            U * (p + (double)u->lr * all)) + TINY;
    }
}
static void step_one(size_t n, unsigned flags)
{
    paw__update u;
    step_case c;
    test_case t;
    float *x[4];
    double *want = doubles(3 * n), *bound = doubles(3 * n);
    size_t i;
    memset(&t, 0, sizeof t);
    memset(&u, 0, sizeof u);
    for (i = 0; i < 4; ++i) x[i] = uniform(n, i ? 0.1f : 1.0f);
    for (i = 0; i < n; ++i) x[2][i] = x[2][i] * x[2][i];
    c.u = &u;
    c.p = x[0];
    c.m = x[1];
    c.v = x[2];
    c.g = x[3];
    c.n = n;
    c.adamw = (int)(flags & 1);
    u.lr = 0.4f;
    u.momentum = 0.9f;
    u.nesterov = (int)(flags >> 1 & 1);
    u.decay = flags & 4 ? 0.05f : 0;
    u.trust = flags & 8 ? 0.013f : 1;
    u.keep = flags & 4 ? 0.98f : 1;
    u.beta1 = 0.9f;
    u.rest1 = 0.1f;
    u.beta2 = 0.999f;
    u.rest2 = 0.001f;
    u.eps = 1e-8f;
    u.step = 1e-3f;
    u.root = 3.0f;
    for (i = 0; i < n; ++i) {
        double p = (double)x[0][i], m = (double)x[1][i], v = (double)x[2][i];
        if (c.adamw) paw__ref_adamw(&u, (double)x[3][i], &p, &m, &v);
        else paw__ref_sgd(&u, (double)x[3][i], &p, &m);
        want[i] = p;
        want[n + i] = m;
        want[2 * n + i] = v;
        step_bound(&c, i, m, v, bound);
    }
    t.arg = &c;
    t.run = run_step;
    t.rows = 3;
    t.cols = n;
    t.want = want;
    t.bound = bound;
    snprintf(t.shape, sizeof t.shape, "%zu, %s, flags %u", n, c.adamw ? "AdamW" : "SGD", flags);
    check(&t);
    for (i = 0; i < 4; ++i) free(x[i]);
    free(want);
    free(bound);
}
/* Many steps of whole optimisers on two tensors, one thread and three: paw__optimize itself. */
typedef struct {
    const float *init;
    size_t n[2];
    int kind, wide;
} optimizer_case;
static void run_optimizer(const paw__ops *ops, const void *arg, float *got)
{
    const optimizer_case *c = (const optimizer_case *)arg;
    const paw__team team = team_of(ops, c->wide);
    paw__optimizer o;
    paw__param p[2];
    int i, step;
    memset(&o, 0, sizeof o);
    memset(p, 0, sizeof p);
    o.kind = c->kind;
    o.momentum = 0.9;
    o.decay = 0.05;
    o.trust = 0.001;
    o.beta1 = 0.9;
    o.beta2 = 0.999;
    o.eps = 1e-8;
    for (i = 0; i < 2; ++i) {
        const size_t up = paw__up16(c->n[i]);
        p[i].n = c->n[i];
        p[i].rank = 2 - i;
        p[i].decayed = 1;
        p[i].p = guarded("p", up);
        p[i].g = guarded("g", up);
        p[i].m = guarded("m", up);
        p[i].v = guarded("v", up);
        memset(p[i].p, 0, up * sizeof(float));
        memset(p[i].g, 0, up * sizeof(float));
        memset(p[i].m, 0, up * sizeof(float));
        memset(p[i].v, 0, up * sizeof(float));
        memcpy(p[i].p, c->init, c->n[i] * sizeof(float));
    }
    for (step = 0; step < 5; ++step) {
        for (i = 0; i < 2; ++i) /* of the loss sum p^2 / 2 */
            memcpy(p[i].g, p[i].p, c->n[i] * sizeof(float));
        paw__optimize(&team, &o, 0.01, p, 2);
    }
    memcpy(got, p[0].p, c->n[0] * sizeof *got);
    memcpy(got + c->n[0], p[1].p, c->n[1] * sizeof *got);
}
static void optimizer_one(size_t n, int kind, int wide)
{
    optimizer_case c;
    test_case t;
    float *init = uniform(n + 5, 1);
    double *want = doubles(n + 5), *bound = doubles(n + 5);
    double *m = doubles(n + 5), *v = doubles(n + 5);
    size_t i, k, first = 0;
    int step;
    memset(&t, 0, sizeof t);
    c.init = init;
    c.n[0] = n;
    c.n[1] = 5;
    c.kind = kind;
    c.wide = wide;
    for (i = 0; i < n; ++i) want[i] = (double)init[i];
    for (i = 0; i < 5; ++i) want[n + i] = (double)init[i];
    for (step = 1; step <= 5; ++step)
        for (k = 0, first = 0; k < 2; first += c.n[k++]) {
            double pp = 0, q = 1;
            for (i = first; i < first + c.n[k]; ++i) pp += want[i] * want[i];
            if (kind == PAW__LARS && !k) q = 0.001 * sqrt(pp) / (1.05 * sqrt(pp));
            for (i = first; i < first + c.n[k]; ++i) {
                const double g = want[i], decay = kind == PAW__LARS && k ? 0 : 0.05;
                if (kind == PAW__ADAMW) {
                    m[i] = 0.9 * m[i] + 0.1 * g;
                    v[i] = 0.999 * v[i] + 0.001 * g * g;
                    want[i] = want[i] * (1 - 0.01 * 0.05) - 0.01 * (m[i] / (1 - pow(0.9, step))) /
                              (sqrt(v[i]) / sqrt(1 - pow(0.999, step)) + 1e-8);
                } else {
                    m[i] = 0.9 * m[i] + (g + decay * want[i]) * q;
                    want[i] -= 0.01 * m[i];
                }
            }
        }
    for (i = 0; i < n + 5; ++i) /* five steps of at most twelve roundings of terms of at most 1 */
        bound[i] = 5 * 12 * U * fmax(fabs((double)init[i < n ? i : i - n]), 0.05);
    t.arg = &c;
    t.run = run_optimizer;
    t.rows = 1;
    t.cols = n + 5;
    t.want = want;
    t.bound = bound;
    snprintf(t.shape, sizeof t.shape, "five steps of kind %d, %zu numbers%s", kind, n,
             wide ? ", wide" : "");
    check(&t);
    free(init);
    free(want);
    free(bound);
    free(m);
    free(v);
}
static void test_step(void)
{
    size_t i;
    for (i = 0; i < 64; ++i) step_one(16 * between(1, 9), (unsigned)i);
    for (i = 0; i < 12; ++i)
        optimizer_one(i < 6 ? between(1, 90) : between(4090, 9000), (int)(i % 3), (int)(i & 1));
}
/* Values of the protocol, section 9, acceptance check 8, and of 5.1. */
static void test_schedule(void)
{
    const paw__schedule seg = {PAW__POLY, 4e-4, 0, 160000, 1500, 1e-6, 0};
    const paw__schedule part = {PAW__COSINE, 0.4, 0, 90, 0, 0, 0};
    const paw__schedule warm = {PAW__COSINE, 6.4, 0, 90, 10, 0, 0};
    T(fabs(paw__rate(&seg, 0) / 4e-10 - 1) < 1.2e-10, /* 1 - (1 - 1e-6) */
      "poly at 0: %g", paw__rate(&seg, 0));
    T(fabs(paw__rate(&seg, 750) - 1.990627e-4) < 1e-9, "poly at 750: %g", paw__rate(&seg, 750));
    T(fabs(paw__rate(&seg, 1500) / 3.9625e-4 - 1) < 1e-12, "poly: %g", paw__rate(&seg, 1500));
    T(fabs(paw__rate(&seg, 80000) / 2e-4 - 1) < 1e-12, "poly half: %g", paw__rate(&seg, 80000));
    T(fabs(paw__rate(&part, 0) / 0.4 - 1) < 1e-15, "cosine at 0: %g", paw__rate(&part, 0));
    T(fabs(paw__rate(&part, 45) / 0.2 - 1) < 1e-15, "cosine half: %g", paw__rate(&part, 45));
    T(fabs(paw__rate(&part, 30) / 0.3 - 1) < 1e-15, "cosine: %g", paw__rate(&part, 30));
    T(fabs(paw__rate(&warm, 2.5) / 1.6 - 1) < 1e-15, "warm-up: %g", paw__rate(&warm, 2.5));
    T(fabs(paw__rate(&warm, 10) / 6.4 - 1) < 1e-15, "after it: %g", paw__rate(&warm, 10));
    T(fabs(paw__rate(&warm, 90)) < 1e-15, "at the end: %g", paw__rate(&warm, 90));
}

/* ---- norms and pooling with their gradients, against central differences of the oracles ---- */

#define STEP 1e-5 /* of central differences of double oracles: good to 1e-9 here */

typedef struct {
    const float *x, *grad;
    size_t rows, ld;
} batch_case;
static void run_batch_norm(const paw__ops *ops, const void *arg, float *got)
{
    const batch_case *c = (const batch_case *)arg;
    const size_t n = (c->rows - 1) * c->ld + 16;
    const float *x = guarded_copy("x", c->x, n), *grad = guarded_copy("gradient", c->grad, n);
    float *y = guarded("y", n), *dx = guarded("dx", n);
    float *mean = guarded("mean", 16), *var = guarded("var", 16), *sum = guarded("sum", 16);
    size_t r;
    ops->batch_norm(x, c->ld, c->rows, 1e-5f, 0, mean, var, y);
    ops->batch_norm_back(y, grad, c->ld, c->rows, 1e-5f, var, dx);
    ops->columns(x, grad, NULL, c->ld, c->rows, sum);
    for (r = 0; r < c->rows; ++r) {
        memcpy(got + r * 32, y + r * c->ld, 16 * sizeof *got);
        memcpy(got + r * 32 + 16, dx + r * c->ld, 16 * sizeof *got);
    }
    memcpy(got + c->rows * 32, sum, 16 * sizeof *got);
}
/* With q = rows (in chains of 384) + rows / 384 + 8 roundings a sum: mean within 2 U |x|, y within
   q U of the largest y, dx within 4 q U of (1 + y^2) / deviation of the largest gradient. */
static void batch_norm_one(size_t rows)
{
    const size_t ld = 16 * between(1, 3), n = rows * ld;
    const double q = (double)(paw__min(rows, PAW__KC) + rows / PAW__KC) + 8;
    float *x = uniform(n, 2), *grad = uniform(n, 1);
    double *want = doubles(rows * 32 + 16), *bound = doubles(rows * 32 + 16);
    double *col = doubles(rows), *y = doubles(rows);
    batch_case c;
    test_case t;
    size_t i, k, r;
    memset(&t, 0, sizeof t);
    for (k = 0; k < 16; ++k) {
        double var = 0, mean = 0, rstd, sum = 0, size = 0;
        for (r = 0; r < rows; ++r) mean += col[r] = (double)x[r * ld + k];
        for (r = 0; r < rows; ++r) var += (col[r] - mean / (double)rows) *
                                          (col[r] - mean / (double)rows);
        rstd = 1 / sqrt(var / (double)rows + 1e-5);
        for (r = 0; r < rows; ++r) {
            const double at = col[r];
            double numeric = 0;
            int side;
            for (side = 1; side >= -1; side -= 2) { /* of sum grad y over x[r] */
                col[r] = at + side * STEP;
                paw__ref_standard(col, rows, 1, 1e-5, y);
                for (i = 0; i < rows; ++i)
                    numeric += side * (double)grad[i * ld + k] * y[i] / (2 * STEP);
            }
            col[r] = at;
            want[r * 32 + 16 + k] = numeric;
            bound[r * 32 + 16 + k] = SLACK * 16 * q * U * rstd + 1e-6 * rstd;
            sum += at * (double)grad[r * ld + k];
            size += fabs(at * (double)grad[r * ld + k]);
        }
        paw__ref_standard(col, rows, 1, 1e-5, y);
        for (r = 0; r < rows; ++r) {
            want[r * 32 + k] = y[r];
            bound[r * 32 + k] = SLACK * U * (4 * rstd + (q + 4) * fabs(y[r])) + TINY;
        }
        want[rows * 32 + k] = sum;
        bound[rows * 32 + k] = SLACK * U * q * size + TINY;
    }
    c.x = x;
    c.grad = grad;
    c.rows = rows;
    c.ld = ld;
    t.arg = &c;
    t.run = run_batch_norm;
    t.rows = 1;
    t.cols = rows * 32 + 16;
    t.want = want;
    t.bound = bound;
    snprintf(t.shape, sizeof t.shape, "%zu rows of %zu", rows, ld);
    check(&t);
    free(x);
    free(grad);
    free(want);
    free(bound);
    free(col);
    free(y);
}
static void run_norm_back(const paw__ops *ops, const void *arg, float *got)
{
    const batch_case *c = (const batch_case *)arg; /* x [2, up16(d)]: row and weights; d: rows */
    const size_t up = paw__up16(c->rows);
    const float *x = guarded_copy("x", c->x, up), *w = guarded_copy("weight", c->x + up, up);
    const float *grad = guarded_copy("gradient", c->grad, up);
    float *dx = guarded("dx", up), *dw = guarded("dw", up);
    ops->norm_back(x, c->rows, w, 1e-6f, grad, dx, dw);
    memcpy(got, dx, up * sizeof *got);
    memcpy(got + up, dw, up * sizeof *got);
}
static void norm_back_one(size_t d)
{
    const size_t up = paw__up16(d);
    float *x = floats(2 * up), *grad = floats(up);
    double *want = doubles(2 * up), *bound = doubles(2 * up), *in = doubles(d), *y = doubles(d);
    double rstd, var = 0, mean = 0;
    batch_case c;
    test_case t;
    size_t i, k;
    memset(&t, 0, sizeof t);
    for (i = 0; i < d; ++i) {
        mean += in[i] = (double)(x[i] = 2 * t_uniform());
        x[up + i] = 1 + 0.5f * t_uniform();
        grad[i] = t_uniform();
    }
    for (i = 0; i < d; ++i) var += (in[i] - mean / (double)d) * (in[i] - mean / (double)d);
    rstd = 1 / sqrt(var / (double)d + 1e-6);
    for (k = 0; k < d; ++k) {
        const double at = in[k];
        int side;
        for (side = 1; side >= -1; side -= 2) {
            in[k] = at + side * STEP;
            paw__ref_standard(in, d, 1, 1e-6, y);
            for (i = 0; i < d; ++i)
                want[k] += side * (double)grad[i] * (double)x[up + i] * y[i] / (2 * STEP);
        }
        in[k] = at;
        bound[k] = SLACK * 24 * ((double)d / 16 + 12) * U * rstd + 1e-6 * rstd;
    }
    paw__ref_standard(in, d, 1, 1e-6, y);
    for (k = 0; k < d; ++k) {
        want[up + k] = (double)grad[k] * y[k];
        bound[up + k] = SLACK * ((double)d / 16 + 12) * 2 * U * (fabs(y[k]) + rstd) + TINY;
    }
    c.x = x;
    c.grad = grad;
    c.rows = d;
    t.arg = &c;
    t.run = run_norm_back;
    t.rows = 2;
    t.cols = up;
    t.want = want;
    t.bound = bound;
    snprintf(t.shape, sizeof t.shape, "width %zu", d);
    check(&t);
    free(x);
    free(grad);
    free(want);
    free(bound);
    free(in);
    free(y);
}
static void test_train_norm(void)
{
    size_t i;
    for (i = 2; i <= 40; ++i) batch_norm_one(i);
    batch_norm_one(390);
    for (i = 3; i <= 70; ++i) norm_back_one(i);
}

/* x [n] rounded to dtype, and what is then its bytes in that type. */
static void *in_type(int dtype, float *x, size_t n)
{
    void *rows = floats(n);
    uint16_t *u = (uint16_t *)rows;
    size_t i;
    if (dtype == PAW_F32) memcpy(rows, x, n * sizeof *x);
    for (i = 0; dtype != PAW_F32 && i < n; ++i)
        u[i] = (uint16_t)(dtype == PAW_F16 ? paw__half_of(x[i]) : paw__bf16_of(x[i]));
    paw__widen(dtype, rows, n, x);
    return rows;
}
static const void *guarded_bytes(const char *name, const void *from, size_t bytes)
{
    const size_t n = (bytes + sizeof(float) - 1) / sizeof(float);
    char *p = (char *)guarded(name, n) + (n * sizeof(float) - bytes); /* the end is the buffer's */
    memcpy(p, from, bytes);
    return p;
}
typedef struct {
    const void *x; /* of dtype */
    const float *u, *grad;
    int dtype;
    size_t tokens, d, heads;
} pool_case;
static void run_pool(const paw__ops *ops, const void *arg, float *got)
{
    const pool_case *c = (const pool_case *)arg;
    const size_t up = paw__up16(c->d), padded = paw__up16(c->tokens), hd = c->heads * up;
    float *u = guarded("u", hd), *grad = guarded("gradient", hd);
    float *kept;
    paw__pooling t;
    size_t h, i;
    memset(&t, 0, sizeof t);
    memset(u, 0, hd * sizeof *u);
    memset(grad, 0, hd * sizeof *grad);
    for (h = 0; h < c->heads; ++h)
        for (i = 0; i < c->d; ++i) {
            u[h * up + i] = c->u[h * c->d + i];
            grad[h * up + i] = c->grad[h * c->d + i];
        }
    t.x = guarded_bytes("tokens", c->x, c->tokens * c->d * (c->dtype == PAW_F32 ? 4 : 2));
    t.next = t.x;
    t.dtype = c->dtype;
    t.tokens = c->tokens;
    t.dim = c->d;
    t.heads = c->heads;
    t.eps = 1e-6f;
    t.u = u;
    t.scratch = guarded("scratch", paw__pool_scratch(padded, c->d, c->heads));
    t.moments = guarded("moments", 2 * padded);
    t.p = guarded("p", paw__up16(c->heads) * c->tokens);
    t.pooled = guarded("pooled", hd);
    kept = guarded("pooled, past the caches", hd + 16);
    while ((uintptr_t)kept % 64) ++kept;
    t.kept = kept;
    t.head_step = t.kept_head = up;
    t.step = t.kept_step = 16;
    t.grad = grad;
    t.du = guarded("du", hd);
    memset(t.du, 0, hd * sizeof *t.du);
    ops->pool(&t, 0);
    ops->pool(&t, 1);
    if (memcmp(kept, t.pooled, hd * sizeof *kept)) t.pooled[0] = kept[0] = NAN;
    for (h = 0; h < c->heads; ++h) {
        memcpy(got, (h % 2 ? t.pooled : kept) + h * up, c->d * sizeof *got);
        memcpy(got + c->d, t.du + h * up, c->d * sizeof *got);
        for (i = 0; i < c->tokens; ++i)
            got[2 * c->d + i] = t.p[(h / 16 * c->tokens + i) * 16 + h % 16];
        got += 2 * c->d + c->tokens;
    }
}
/* What xhat cancels to when a token's numbers are near each other: r (|x| + mean |x|) */
static void magnitudes(const float *x, size_t d, double *out)
{
    double mean = 0, size = 0, var = 0;
    size_t k;
    for (k = 0; k < d; ++k) mean += (double)x[k] / (double)d;
    for (k = 0; k < d; ++k) size += fabs((double)x[k]) / (double)d;
    for (k = 0; k < d; ++k) var += ((double)x[k] - mean) * ((double)x[k] - mean) / (double)d;
    for (k = 0; k < d; ++k) out[k] = (fabs((double)x[k]) + size) / sqrt(var + 1e-6);
}
/* A score is r (u x) - m r sum(u), off by s = U (d / 6 + 20) sum |u| r (|x| + mean |x|): 16 chains
   and their tree for u x, sum(u), m and, halved, r; a probability by twice that and the
   exponential's error, of itself. Gradients of scores: p times differences of g xhat', each off
   likewise. Then one more chain over the tokens. uneven: some tokens are far from 0, others in
   their first 16 numbers alone, so that the squares that r comes from are up to 1 + d / 16 times
   what is left of them. */
static void pool_one(int dtype, size_t tokens, size_t d, size_t heads, int uneven)
{
    static const char *const types[] = {"f32", "", "f16", "bf16"};
    const size_t row = 2 * d + tokens;
    float *x = uniform(tokens * d, 2), *u = uniform(heads * d, 1), *grad = uniform(heads * d, 1);
    double *want = doubles(heads * row), *bound = doubles(heads * row), *hat = doubles(tokens * d);
    double *v = doubles(d), *pooled = doubles(d), *p = doubles(tokens), size = 0, dsize = 0;
    double *large = doubles(tokens * d), relative, slope;
    const double squares = uneven ? ((double)d / 32 + 5) * (double)d / 16 : 0;
    const double chain = U * ((double)d / 6 + 20 + squares);
    void *rows;
    pool_case c;
    test_case t;
    size_t h, i, k;
    memset(&t, 0, sizeof t);
    for (i = 0; i < tokens * d; i += 7) x[i] *= 1e-6f; /* below the normal halves */
    for (i = 0; uneven && i < tokens * d; ++i)
        x[i] += i / d % 3 == 1 && i % d < 16 ? 40.0f : i / d % 3 == 2 ? 40.0f : 0.0f;
    rows = in_type(dtype, x, tokens * d);
    for (i = 0; i < tokens; ++i) {
        double sum = 0, other = 0;
        for (k = 0; k < d; ++k) v[k] = (double)x[i * d + k];
        paw__ref_standard(v, d, 1, 1e-6, hat + i * d);
        magnitudes(x + i * d, d, large + i * d);
        for (h = 0; h < heads; ++h, sum = other = 0) {
            for (k = 0; k < d; ++k) {
                sum += fabs((double)u[h * d + k]) * large[i * d + k];
                other += fabs((double)grad[h * d + k]) * large[i * d + k];
            }
            size = fmax(size, sum);
            dsize = fmax(dsize, other);
        }
    }
    relative = SLACK * (2 * chain * size + 2 * EXP_ERROR + U * ((double)tokens / 16 + 12));
    slope = 2 * dsize * (2 * relative + 2 * chain) + U * (double)(tokens + 20) * 2 * dsize;
    for (h = 0; h < heads; ++h) {
        double *w = want + h * row, *b = bound + h * row;
        for (k = 0; k < d; ++k) v[k] = (double)u[h * d + k];
        for (k = 0; k < d; ++k) {
            const double at = v[k];
            int side;
            for (side = 1; side >= -1; side -= 2) {
                v[k] = at + side * STEP;
                paw__ref_pool(hat, v, tokens, d, 1, p, pooled);
                for (i = 0; i < d; ++i)
                    w[d + k] += side * (double)grad[h * d + i] * pooled[i] / (2 * STEP);
            }
            v[k] = at;
        }
        paw__ref_pool(hat, v, tokens, d, 1, p, pooled);
        for (k = 0; k < d; ++k) {
            double mass = 0;
            for (i = 0; i < tokens; ++i) mass += p[i] * large[i * d + k];
            w[k] = pooled[k];
            b[k] = mass * (relative + SLACK * (chain + U * (double)(tokens + 10))) + TINY;
            b[d + k] = mass * slope + 1e-7 * dsize;
        }
        for (i = 0; i < tokens; ++i) {
            w[2 * d + i] = p[i];
            b[2 * d + i] = p[i] * relative + TINY;
        }
    }
    c.x = rows;
    c.dtype = dtype;
    c.u = u;
    c.grad = grad;
    c.tokens = tokens;
    c.d = d;
    c.heads = heads;
    t.arg = &c;
    t.run = run_pool;
    t.rows = heads;
    t.cols = row;
    t.want = want;
    t.bound = bound;
    snprintf(t.shape, sizeof t.shape, "%zu tokens of %zu %s, %zu heads", tokens, d, types[dtype],
             heads);
    check(&t);
    free(rows);
    free(x);
    free(u);
    free(grad);
    free(want);
    free(bound);
    free(hat);
    free(large);
    free(v);
    free(pooled);
    free(p);
}
static void test_pool(void)
{
    static const int types[] = {PAW_F32, PAW_F16, PAW_BF16};
    size_t i, k;
    for (k = 0; k < 3; ++k) {
        const int dtype = types[k];
        for (i = 1; i <= 36; ++i) pool_one(dtype, i, between(2, 40), between(1, 20), 0);
        for (i = 0; i < 4; ++i)
            pool_one(dtype, between(40, 70), 16 * between(1, 4), between(1, 35), 0);
        for (i = 0; i < 4; ++i) pool_one(dtype, between(3, 40), between(17, 90), between(1, 13), 1);
        pool_one(dtype, 197, 32, 3, 0);
        pool_one(dtype, 390, 16, 2, 0); /* sums over tokens in two blocks */
        pool_one(dtype, 50, 64, 12, 0);
        pool_one(dtype, 5, 768, 12, 1);
    }
}
#endif
