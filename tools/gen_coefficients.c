/* Prints the polynomial tables of >>kernels, fitted in long double and rounded to float.
   cc -O2 tools/gen_coefficients.c -lm -o gen_coefficients && ./gen_coefficients
   Weighted minimax by Lawson's iteration: least squares in a Chebyshev basis, weights multiplied by
   the error until it is level. Needs 80-bit long double (x86); elsewhere the last digit may move.
   Output: the lines between BEGIN and END tools/gen_coefficients.c in partaware.h. */
#include <math.h>
#include <stdio.h>

#define POINTS 1200
#define MAX_TERMS 14
#define ROUNDS 400

typedef long double real;
typedef struct {
    const char *name, *comment;
    int degree;
    real from, to;
    real (*value)(real x);
    real (*weight)(real x);
} fit;

static real exp2_value(real x) { return exp2l(x); }
static real exp2_weight(real x) { return 1.0L / exp2l(x); }
static real half_erfc(real x) { return 0.5L * erfcl(x / sqrtl(2.0L)); }
static real gelu_value(real x) { return log2l(half_erfc(x)); }
/* An error d in the exponent moves GELU by x * h * ln 2 * d; the floor keeps the ends in hand. */
static real gelu_weight(real x)
{
    real w = (x > 0.05L ? x : 0.05L) * half_erfc(x) * logl(2.0L);
    return w > 1.2e-5L ? w : 1.2e-5L;
}

/* Solves the weighted normal system by Householder on the rows; a is [POINTS][terms + 1]. */
static void least_squares(real a[][MAX_TERMS + 1], int terms, real *c)
{
    int i, j, k;
    for (k = 0; k < terms; ++k) {
        real norm = 0, dot;
        for (i = k; i < POINTS; ++i) norm += a[i][k] * a[i][k];
        norm = a[k][k] > 0 ? -sqrtl(norm) : sqrtl(norm);
        a[k][k] -= norm;
        dot = -norm * a[k][k];
        for (j = k + 1; j <= terms; ++j) {
            real s = 0;
            for (i = k; i < POINTS; ++i) s += a[i][k] * a[i][j];
            s /= dot;
            for (i = k; i < POINTS; ++i) a[i][j] -= s * a[i][k];
        }
        a[k][k] = norm;
    }
    for (k = terms - 1; k >= 0; --k) {
        real s = a[k][terms];
        for (j = k + 1; j < terms; ++j) s -= a[k][j] * c[j];
        c[k] = s / a[k][k];
    }
}

static real chebyshev_sum(const real *c, int terms, real t)
{
    real b1 = 0, b2 = 0, b0 = 0;
    int k;
    for (k = terms - 1; k >= 0; --k) {
        b0 = c[k] + 2 * t * b1 - b2;
        b2 = b1;
        b1 = b0;
    }
    return b0 - t * b2;
}

/* Chebyshev in t = (2 x - from - to) / (to - from)  ->  powers of x, by Horner on polynomials. */
static void to_powers(const fit *f, const real *c, real *p)
{
    real prev[MAX_TERMS] = {0}, cur[MAX_TERMS] = {0}, next[MAX_TERMS];
    real s = 2 / (f->to - f->from), o = -(f->from + f->to) / (f->to - f->from);
    int k, i;
    for (i = 0; i <= f->degree; ++i) p[i] = 0;
    prev[0] = 1;
    cur[0] = o;
    cur[1] = s;
    for (k = 0; k <= f->degree; ++k) {
        for (i = 0; i <= f->degree; ++i) p[i] += c[k] * prev[i];
        for (i = 0; i <= f->degree; ++i)
            next[i] = 2 * (o * cur[i] + (i ? s * cur[i - 1] : 0)) - prev[i];
        for (i = 0; i <= f->degree; ++i) {
            prev[i] = cur[i];
            cur[i] = next[i];
        }
    }
}

static real run(const fit *f, real *best)
{
    static real a[POINTS][MAX_TERMS + 1], lawson[POINTS];
    real c[MAX_TERMS], lowest = 1e30L;
    int round, i, k, terms = f->degree + 1;
    for (i = 0; i < POINTS; ++i) lawson[i] = 1;
    for (round = 0; round < ROUNDS; ++round) {
        real worst = 0, sum = 0, e[POINTS];
        for (i = 0; i < POINTS; ++i) {
            real t = -cosl(3.14159265358979323846L * (i + 0.5L) / POINTS);
            real x = 0.5L * (f->from + f->to + t * (f->to - f->from));
            real w = sqrtl(lawson[i]) * f->weight(x), t0 = 1, t1 = t;
            for (k = 0; k < terms; ++k) {
                real t2 = 2 * t * t1 - t0;
                a[i][k] = w * t0;
                t0 = t1;
                t1 = t2;
            }
            a[i][terms] = w * f->value(x);
        }
        least_squares(a, terms, c);
        for (i = 0; i < POINTS; ++i) {
            real t = -cosl(3.14159265358979323846L * (i + 0.5L) / POINTS);
            real x = 0.5L * (f->from + f->to + t * (f->to - f->from));
            e[i] = fabsl(f->weight(x) * (chebyshev_sum(c, terms, t) - f->value(x)));
            if (e[i] > worst) worst = e[i];
        }
        if (worst < lowest) {
            lowest = worst;
            to_powers(f, c, best);
        }
        for (i = 0; i < POINTS; ++i) sum += lawson[i] *= e[i] / worst + 1e-12L;
        for (i = 0; i < POINTS; ++i) lawson[i] *= POINTS / sum;
    }
    return lowest;
}

int main(void)
{
    static const fit fits[] = {
        {"paw__exp2_c", "2^x on [-1/2, 1/2], relative", 6, -0.5L, 0.5L, exp2_value, exp2_weight},
        {"paw__gelu_c", "log2(erfc(x / sqrt 2) / 2) on [0, 8] as GELU moves", 10, 0.0L, 8.0L,
         gelu_value, gelu_weight},
    };
    size_t n;
    for (n = 0; n < sizeof fits / sizeof fits[0]; ++n) {
        real p[MAX_TERMS], error = run(&fits[n], p);
        int i;
        printf("/* %s; error %.2e before rounding;\n   lowest power first */\n", fits[n].comment,
               (double)error);
        printf("static const float %s[%d] = {\n", fits[n].name, fits[n].degree + 1);
        for (i = 0; i <= fits[n].degree; ++i)
            printf("%s%.8ef,%s", i % 4 ? " " : "    ", (double)(float)p[i],
                   i % 4 == 3 || i == fits[n].degree ? "\n" : "");
        printf("};\n");
    }
    return 0;
}
