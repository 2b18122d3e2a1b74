/* Tests of dense heads' kernels, for kernels.c: bits and bound. Include behind its own plumbing. */
#ifndef PAW_TEST_DENSE_H
#define PAW_TEST_DENSE_H

typedef struct {
    const float *a, *b;
    float wa, wb;
    size_t n;
    int add; /* 1: axpy */
} blend_case;
static void run_blend(const paw__ops *ops, const void *arg, float *got)
{
    const blend_case *c = (const blend_case *)arg;
    const float *a = guarded_copy("a", c->a, c->n), *b = guarded_copy("b", c->b, c->n);
    float *out = guarded("out", c->n);
    if (c->add) {
        memcpy(out, b, c->n * sizeof *out);
        ops->axpy(c->wa, a, c->n, out);
    } else {
        ops->blend(a, c->wa, b, c->wb, c->n, out);
    }
    memcpy(got, out, c->n * sizeof *got);
}
static void test_blend(void)
{
    size_t n, i, kind;
    for (n = 16; n <= 1280; n += 16)
        for (kind = 0; kind < 4; ++kind) {
            float *a = uniform(n, kind == 2 ? 1e18f : 1.0f), *b = uniform(n, 1);
            double *want = doubles(n), *bound = doubles(n);
            blend_case c;
            test_case t;
            memset(&t, 0, sizeof t);
            c.a = a;
            c.b = b;
            c.n = n;
            c.add = (int)(kind & 1);
            c.wa = t_uniform();
            c.wb = c.add ? 1.0f : 1.0f - c.wa;
            if (kind == 3) a[below(n)] = NAN;
            for (i = 0; i < n; ++i) { /* a rounding of the second product, one of the sum */
                want[i] = paw__ref_blend((double)a[i], (double)c.wa, (double)b[i], (double)c.wb);
                bound[i] = SLACK * U * (fabs((double)c.wb * (double)b[i]) + fabs(want[i])) + 1e-44;
            }
            t.arg = &c;
            t.run = run_blend;
            t.rows = 1;
            t.cols = n;
            t.want = want;
            t.bound = bound;
            snprintf(t.shape, sizeof t.shape, "n %zu, %s", n, c.add ? "axpy" : "blend");
            check(&t);
            free(a);
            free(b);
            free(want);
            free(bound);
        }
}

typedef struct {
    const float *x;
    size_t n;
} argmax_case;
static void run_argmax(const paw__ops *ops, const void *arg, float *got)
{
    const argmax_case *c = (const argmax_case *)arg;
    float *x = guarded("x", paw__up16(c->n));
    memcpy(x, c->x, c->n * sizeof *x);
    got[0] = (float)ops->argmax(x, c->n);
}
static void test_argmax(void)
{
    size_t n, i;
    for (n = 1; n <= 400; n += n < 100 ? 1 : 17)
        for (i = 0; i < 4; ++i) {
            float *x = uniform(n, i == 3 ? 1e30f : 1.0f);
            double want = 0, bound = 0;
            argmax_case c;
            test_case t;
            size_t k;
            memset(&t, 0, sizeof t);
            for (k = 0; k < n && i == 1; ++k) x[k] = floorf(4 * x[k]); /* ties */
            for (k = 0; k < n && i == 2; ++k) x[k] = -1e30f;
            want = (double)paw__ref_argmax(x, n);
            c.x = x;
            c.n = n;
            t.arg = &c;
            t.run = run_argmax;
            t.rows = t.cols = 1;
            t.want = &want;
            t.bound = &bound;
            snprintf(t.shape, sizeof t.shape, "n %zu, kind %zu", n, i);
            check(&t);
            free(x);
        }
}
#endif
