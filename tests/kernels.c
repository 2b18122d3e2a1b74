/* kernels [SEED] [PATTERN]: every kernel on every instruction set of this machine, in the manner of
   checkasm. Two checks per case:
     bits   the result of each instruction set equals that of the scalar one, bit for bit;
     bound  its distance from the double-precision reference (>>reference) stays within a rounding
            bound that is derived beside each test. U is 2^-24, half an ulp of 1.
   All buffers lie against unreadable pages, before or behind, shifted by 0 to 15 floats, with
   canaries in between. A crash counts as a failure of that kernel and that instruction set.
   PATTERN: only kernels whose name contains it. PAW_REQUIRE_ISA=avx512: a skipped one is failed. */
#define _DEFAULT_SOURCE
#if defined(__x86_64__)
#include <immintrin.h>
#undef __FMA__ /* under -mfma as well the software FMA of the scalar kernels is the one tested */
#endif
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "t.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

#define U (1.0 / 16777216)
#define SLACK 1.02     /* for terms of second order */
#define TINY 2e-38     /* for results that leave the normal numbers */
#define ANY ((double)INFINITY) /* a bound that says nothing */

static int isas[4], isa_count; /* what this machine runs, scalar first */
static paw_ctx *narrow_ctx, *wide_ctx;

/* ---- buffers between unreadable pages ---- */

#define SLOTS 16
#define SLOT_BYTES ((size_t)32 << 20)
#define MARGIN 512            /* floats of canary on a side that is not against its page */
#define CANARY 0x7fc0beefu    /* a NaN, so that a read poisons the result */
typedef struct {
    const char *name;
    uint8_t *base; /* of SLOT_BYTES, with a page that cannot be touched on each side */
    float *p;
    size_t n, before, after;
} slot;
static slot slots[SLOTS];
static int slots_used;

/* For what differs from one instruction set to the next; data come from t_random alone, so that
   they do not depend on how many sets there are. */
static size_t dice(size_t n)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (state >> 10) % n;
}

static void slots_open(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int i;
    for (i = 0; i < SLOTS; ++i) {
        void *p = mmap(NULL, SLOT_BYTES + 2 * page, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        slots[i].base = (uint8_t *)p + page;
        if (p == MAP_FAILED || mprotect(slots[i].base, SLOT_BYTES, PROT_READ | PROT_WRITE)) {
            printf("FAIL cannot map test buffers\n");
            exit(2);
        }
    }
}
static void canary(float *p, size_t n)
{
    const uint32_t c = CANARY;
    size_t i;
    for (i = 0; i < n; ++i) memcpy(p + i, &c, sizeof c);
}
/* n floats of NaN, against one of the pages or up to 15 floats from it. Each call is a new slot
   until slots_used is set back to 0. */
static float *guarded(const char *name, size_t n)
{
    slot *s = &slots[slots_used];
    const size_t room = SLOT_BYTES / sizeof(float);
    const size_t r = dice(64), shift = r & 16 ? r % 16 : 0;
    if (++slots_used > SLOTS || n + 2 * MARGIN > room) {
        printf("FAIL test buffer %s of %zu floats does not fit\n", name, n);
        exit(2);
    }
    s->name = name;
    s->n = n;
    s->before = r & 32 ? shift : MARGIN;
    s->after = r & 32 ? MARGIN : shift;
    s->p = (float *)(void *)s->base + (r & 32 ? shift : room - n - shift);
    canary(s->p - s->before, s->before + n + s->after);
    return s->p;
}
static float *guarded_copy(const char *name, const float *from, size_t n)
{
    float *p = guarded(name, n);
    memcpy(p, from, n * sizeof *p);
    return p;
}
static const char *overwritten(const char **side)
{
    const uint32_t want = CANARY;
    int i;
    for (i = 0; i < slots_used; ++i) {
        const slot *s = &slots[i];
        size_t j;
        for (j = 0; j < s->before + s->after; ++j) {
            const float *p = j < s->before ? s->p - s->before + j : s->p + s->n + (j - s->before);
            if (!memcmp(p, &want, sizeof want)) continue;
            *side = j < s->before ? "before" : "behind";
            return s->name;
        }
    }
    return NULL;
}

/* ---- crashes ---- */

static sigjmp_buf crash_jump;
static volatile sig_atomic_t crash_armed;
static pthread_t main_thread;
static const char *running_kernel = "", *running_isa = "";

static void on_crash(int sig)
{
    if (crash_armed && pthread_equal(pthread_self(), main_thread)) siglongjmp(crash_jump, sig);
    if (write(1, "FAIL crash in a worker: ", 24) < 0 ||
        write(1, running_kernel, strlen(running_kernel)) < 0 || write(1, " ", 1) < 0 ||
        write(1, running_isa, strlen(running_isa)) < 0 || write(1, "\n", 1) < 0)
        _exit(4);
    _exit(3);
}
static void catch_crashes(void)
{
    static const int signals[] = {SIGILL, SIGSEGV, SIGBUS, SIGFPE};
    struct sigaction a;
    size_t i;
    memset(&a, 0, sizeof a);
    a.sa_handler = on_crash;
    a.sa_flags = SA_NODEFER;
    for (i = 0; i < PAW__COUNT(signals); ++i) sigaction(signals[i], &a, NULL);
    main_thread = pthread_self();
}

/* ---- one case on all instruction sets ---- */

static struct { /* of the kernel under test */
    const char *name;
    int dead[4];      /* by instruction set: after so many failures it is left out */
    size_t cases;
    double share, ulps; /* largest error, in bounds and in ulps of the reference */
} kernel;

typedef void run_fn(const paw__ops *ops, const void *arg, float *got);
typedef struct {
    const void *arg;
    run_fn *run; /* fills got [rows, cols] */
    size_t rows, cols;
    const double *want, *bound; /* [rows, cols]; NULL: bits only */
    int free_bits;              /* 1: bits need not agree (SLEEF); 2: native bf16's neither */
    char shape[160];
} test_case;

static double ulp_of(double x)
{
    int e;
    (void)frexp(x, &e);
    return ldexp(1.0, (e < -125 ? -125 : e) - 24);
}
static int same_bits(float a, float b)
{
    return !memcmp(&a, &b, sizeof a) || (a != a && b != b);
}
static int within(float got, double want, double bound)
{
    double share;
    if (bound > DBL_MAX) return 1;
    if (want != want) return got != got;
    if (fabs(want) > (double)FLT_MAX * (1 + U)) return (want > 0 ? got : -got) > FLT_MAX;
    share = fabs((double)got - want) / (bound > 0 ? bound : 1e-300);
    if (!(share <= 1)) return share == 0;
    if (share > kernel.share) kernel.share = share;
    if (fabs(want) > (double)FLT_MIN) {
        const double ulps = fabs((double)got - want) / ulp_of(want);
        if (ulps > kernel.ulps) kernel.ulps = ulps;
    }
    return 1;
}
/* x: a 16 x 16 tile with a wrong element */
static void show_map(const test_case *t, const uint8_t *wrong)
{
    size_t r, c, i;
    for (r = 0; r < t->rows && r < 16 * 24; r += 16) {
        printf("    ");
        for (c = 0; c < t->cols && c < 16 * 64; c += 16) {
            int bad = 0;
            for (i = 0; i < 256; ++i)
                if (r + i / 16 < t->rows && c + i % 16 < t->cols)
                    bad |= wrong[(r + i / 16) * t->cols + c + i % 16];
            putchar(bad ? 'x' : '.');
        }
        putchar('\n');
    }
}
/* want NULL: against the scalar result in ref, else against want and bound */
static void judge(const test_case *t, int isa, const float *got, const float *ref)
{
    const size_t n = t->rows * t->cols;
    uint8_t *wrong = (uint8_t *)calloc(n + 1, 1);
    size_t i, first = n, count = 0;
    for (i = 0; i < n; ++i) {
        const int ok = ref ? same_bits(got[i], ref[i]) : within(got[i], t->want[i], t->bound[i]);
        if (ok) continue;
        wrong[i] = 1;
        if (!count++) first = i;
    }
    if (first == n) {
        T(1, "%s", kernel.name);
    } else {
        const double is = (double)got[first], want = ref ? (double)ref[first] : t->want[first];
        T(0, "%s %s %s: %s, %zu of %zu wrong, first [%zu, %zu]: %a (%.9g), want %a (%.9g) +- %.3g",
          kernel.name, paw_isa_name(isa), t->shape, ref ? "not as scalar" : "beyond bound", count,
          n, first / t->cols, first % t->cols, is, is, want, want, ref ? 0.0 : t->bound[first]);
        show_map(t, wrong);
        ++kernel.dead[isa];
    }
    free(wrong);
}
static int run_caught(const test_case *t, const paw__ops *ops, float *got)
{
    const int sig = sigsetjmp(crash_jump, 1);
    const char *name, *side = "";
    if (sig) {
        crash_armed = 0;
        kernel.dead[ops->isa] = 100;
        return T(0, "%s %s %s: signal %d", kernel.name, paw_isa_name(ops->isa), t->shape, sig);
    }
    running_isa = paw_isa_name(ops->isa);
    crash_armed = 1;
    slots_used = 0;
    t->run(ops, t->arg, got);
    crash_armed = 0;
    name = overwritten(&side);
    if (name) ++kernel.dead[ops->isa];
    return T(!name, "%s %s %s: overwrites what lies %s its %s", kernel.name, running_isa, t->shape,
             side, name ? name : "");
}
static void check(const test_case *t)
{
    const size_t n = t->rows * t->cols;
    float *got = (float *)calloc(n + 1, sizeof *got), *ref = (float *)calloc(n + 1, sizeof *ref);
    int i, has_ref = 0;
    ++kernel.cases;
    for (i = 0; i < isa_count; ++i) {
        const paw__ops *ops;
        if (kernel.dead[isas[i]] >= 3) continue;
        (void)paw_isa_limit(isas[i]);
        ops = paw__ops_now();
        canary(got, n);
        if (!run_caught(t, ops, got)) continue;
        if (t->want) judge(t, isas[i], got, NULL);
        if (isas[i] == PAW_ISA_SCALAR) {
            memcpy(ref, got, n * sizeof *ref);
            has_ref = 1;
        } else if (has_ref && (!t->free_bits || (t->free_bits == 2 && !ops->dots))) {
            judge(t, isas[i], got, ref);
        }
    }
    free(got);
    free(ref);
}

/* ---- inputs ---- */

static size_t below(size_t n) { return (size_t)(t_random() % n); }
static size_t between(size_t a, size_t b) { return a + below(b - a + 1); }
static float *floats(size_t n) { return (float *)calloc(n + 1, sizeof(float)); }
static double *doubles(size_t n) { return (double *)calloc(n + 1, sizeof(double)); }
static float *uniform(size_t n, float scale)
{
    float *p = floats(n);
    size_t i;
    for (i = 0; i < n; ++i) p[i] = t_uniform() * scale;
    return p;
}
static float from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}
static paw__team team_of(const paw__ops *ops, int wide)
{
    paw__team t;
    t.c = wide ? wide_ctx : narrow_ctx;
    t.ops = ops;
    t.slot = 0;
    t.wide = wide;
    return t;
}
/* Where row r, column c of an A operand of k columns stands. */
static size_t a_index(const paw__panels *p, size_t k, size_t r, size_t c)
{
    size_t i = 0, mr;
    while (i + 1 < p->count && paw__panel_first(p, i + 1) <= r) ++i;
    mr = (size_t)paw__panel_rows(p, i);
    r -= paw__panel_first(p, i);
    return paw__panel_first(p, i) * k + c / 16 * mr * 16 + r * 16 + c % 16;
}

/* ---- FMA in software ---- */

static void fma_one(float a, float b, float c)
{
    const float got = paw__fmaf(a, b, c), want = fmaf(a, b, c);
    if (!same_bits(got, want) && kernel.dead[0]++ < 5)
        T(0, "fma(%a, %a, %a) = %a, not %a", (double)a, (double)b, (double)c, (double)got,
          (double)want);
}
static void test_fma(void)
{
    static const uint32_t special[] = {
        0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x00800000, 0x00800001,
        0x3f800000, 0xbf800000, 0x3f800001, 0x3f7fffff, 0x34000000, 0x33800000, 0x33800001,
        0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0x4b800000, 0x4b7fffff,
        0x1a800000, 0x1a7fffff, 0x5f7fffff, 0x5f800000, 0x20000000, 0xa0000001, 0x0d800000,
    };
    const size_t n = PAW__COUNT(special);
    size_t i, j, k;
    for (i = 0; i < n; ++i)
        for (j = 0; j < n; ++j)
            for (k = 0; k < n; ++k)
                fma_one(from_bits(special[i]), from_bits(special[j]), from_bits(special[k]));
    for (i = 0; i < 3000000; ++i) { /* any bits */
        const uint64_t r = t_random();
        fma_one(from_bits((uint32_t)r), from_bits((uint32_t)(r >> 32)),
                from_bits((uint32_t)t_random()));
    }
    for (i = 0; i < 3000000; ++i) { /* near cancellation and near halfway between two floats */
        const uint64_t r = t_random(), q = t_random();
        const int ea = (int)(q % 160) - 80, eb = (int)(q >> 8 & 127) - 64;
        const float a = ldexpf(1.0f + (float)(r & 0xfff) / 4096, ea); /* 13 bits: exact products */
        const float b = ldexpf(1.0f + (float)(r >> 12 & (r & 1 ? 0x7fffff : 0xfff)) / 8388608, eb);
        const int shift = (int)(q >> 16 & 63) - 32, sign = q >> 24 & 1 ? -1 : 1;
        float c = ldexpf((1.0f + (float)(r >> 36 & 0x7fffff) / 8388608) * (float)sign,
                         ea + eb + shift);
        if (q >> 25 & 1) c = -(a * b); /* the rounding error of the product is left */
        fma_one(a, b, c);
    }
    kernel.cases = 6000000 + n * n * n;
    T(!kernel.dead[0], "software FMA: %d wrong", kernel.dead[0]);
#if defined(PAW__ARM)
    printf("NOTE fma: AArch64 always has the instruction, its software is tested on x86-64\n");
#endif
}

/* ---- packing ---- */

static void pack_a_case(size_t rows, size_t k, int mr)
{
    const size_t ld = k + below(20), kp = paw__up16(k), n = (rows - 1) * ld + k;
    const paw__panels p = paw__panels_of(rows, mr);
    float *x, *a;
    size_t r, c, wrong = 0, sum = 0;
    const char *side = "", *name;
    slots_used = 0;
    x = guarded("x", n);
    a = guarded("A operand", rows * kp);
    for (r = 0; r < rows; ++r)
        for (c = 0; c < k; ++c) x[r * ld + c] = (float)(r * 1000 + c + 1);
    paw__pack_a(x, ld, k, &p, a);
    for (r = 0; r < rows; ++r)
        for (c = 0; c < kp; ++c)
            wrong += !same_bits(a[a_index(&p, kp, r, c)], c < k ? (float)(r * 1000 + c + 1) : 0.0f);
    for (r = 0; r < p.count; ++r) {
        const int h = paw__panel_rows(&p, r);
        sum += (size_t)h;
        wrong += h < 1 || h > mr || (size_t)h + 1 < rows / p.count;
    }
    name = overwritten(&side);
    T(!wrong && sum == rows && !name, "pack_a %zu x %zu, panels of %d: %zu wrong, %s %s", rows, k,
      mr, wrong, name ? name : "", side);
    ++kernel.cases;
}
static void pack_b_case(size_t n_heads, size_t n_width, size_t k_heads, size_t k_width)
{
    const size_t n = n_heads * n_width, k = k_heads * k_width;
    const size_t np = paw__spread_size(n, n_heads), kp = paw__spread_size(k, k_heads);
    const size_t nw = paw__up16(n_width), kw = paw__up16(k_width);
    const char *side = "", *name;
    float *w, *b;
    size_t i, j, wrong = 0;
    slots_used = 0;
    w = guarded("w", n * k);
    b = guarded("B operand", np * kp);
    for (i = 0; i < n * k; ++i) w[i] = (float)(i + 1);
    for (i = 0; i < np * kp; ++i) b[i] = NAN; /* padding is written too */
    paw__pack_b(w, n, k, n_heads, k_heads, b);
    for (i = 0; i < np; ++i)
        for (j = 0; j < kp; ++j) {
            const int in = i % nw < n_width && j % kw < k_width;
            const size_t at = (i / nw * n_width + i % nw) * k + j / kw * k_width + j % kw;
            wrong += !same_bits(b[(i / 16 * kp + j) * 16 + i % 16], in ? (float)(at + 1) : 0.0f);
        }
    name = overwritten(&side);
    T(np == n_heads * nw && kp == k_heads * kw && !wrong && !name,
      "pack_b %zu heads of %zu x %zu of %zu: %zu wrong, %s %s", n_heads, n_width, k_heads, k_width,
      wrong, name ? name : "", side);
    ++kernel.cases;
}
/* NaN or infinity at every place in turn: in whole blocks, in the tail, in cut rows. */
static void pack_finite_case(size_t rows, size_t k, size_t heads)
{
    static const float not_finite[] = {NAN, INFINITY, -INFINITY};
    const size_t count = 16 * paw__spread_size(k, heads);
    size_t i, j, missed = 0;
    float *w, *b;
    slots_used = 0;
    w = guarded("w", rows * k);
    b = guarded("panel", count);
    for (i = 0; i < rows * k; ++i) w[i] = i % 2 ? FLT_MAX : -FLT_MIN / 2;
    T(paw__pack_panel(w, rows, k, heads, b), "pack_panel %zux%zu calls finite values not", rows, k);
    for (i = 0; i < rows * k; ++i) {
        const float keep = w[i];
        for (j = 0; j < 3; ++j) {
            w[i] = not_finite[j];
            missed += paw__pack_panel(w, rows, k, heads, b) != 0;
        }
        w[i] = keep;
    }
    T(!missed, "pack_panel %zux%zu, %zu heads: %zu values that are not finite were missed", rows, k,
      heads, missed);
    ++kernel.cases;
}
static void test_pack(void)
{
    static const int heights[] = {2, 6, 14};
    size_t i, j, h;
    for (h = 0; h < 3; ++h)
        for (i = 1; i <= 2 * (size_t)heights[h] + 3; ++i)
            for (j = 1; j <= 70; ++j) pack_a_case(i, j, heights[h]);
    for (i = 1; i <= 35; ++i)
        for (j = 1; j <= 35; ++j) pack_b_case(1, i, 1, j);
    for (i = 1; i <= 16; ++i)
        for (j = 1; j <= 35; j += 2) pack_finite_case(i, j, 1);
    for (i = 14; i <= 16; ++i)
        for (j = 2; j <= 6; j += 2) pack_finite_case(i, j * 17, j);
    for (i = 1; i <= 200; ++i)
        pack_b_case(between(1, 9), between(1, 40), between(1, 9), between(1, 40));
}

/* ---- GELU and exp ---- */

/* Relative error of 2^f: the polynomial's 1.86e-9 and Horner's roundings. The last costs U, the one
   before U |f| q1 / 2^f <= 0.42 U, the others together less than 0.15 U. */
#define EXP2_ERROR (1.57 * U + 1.87e-9)
/* exp adds two roundings of |f| <= 1/2, 2^-26 each, times ln 2: less than 0.36 U. */
#define EXP_ERROR (1.93 * U + 1.87e-9)

/* The table's P misses log2 Phi(-u) so that GELU moves by at most 4.8e-9, by 8.4e-8 of x, and by
   2.5e-4 of itself in the tail: its minimax weight, checked in double. */
static double gelu_fit_bound(double x, double h)
{
    return fmin(4.8e-9, fmin(8.4e-8 * fabs(x), 2.5e-4 * fabs(x) * h));
}
/* |gelu(x) - x Phi(x)|. h = 2^P(|x|): besides the fit, Horner's roundings, each magnified by the
   later steps; that times ln 2, and 2^f, is the relative error of h. Positive x add a rounding of
   1 - h; the last product rounds once more. Beyond 8 h stays at Phi(-8). */
static double gelu_bound(double x)
{
    const double u = fabs(x) > 8 ? 8 : fabs(x), h = 0.5 * erfc(u * 0.70710678118654752);
    double p = (double)paw__gelu_c[10], e = 0, relative, sum;
    int i;
    for (i = 9; i >= 0; --i) {
        p = p * u + (double)paw__gelu_c[i];
        e = e * u + U * fabs(p);
    }
    relative = 0.6931472 * e + EXP2_ERROR + (fabs(x) > 8 ? 1 : 0);
    sum = gelu_fit_bound(x, h) + fabs(x) * (h * relative + (x > 0 ? U : 0));
    return SLACK * (sum + U * fabs(paw__ref_gelu(x))) + 1e-45;
}
/* SLEEF: erf within 1 ulp = 2 U of at most 1; its argument rounds twice (x / sqrt 2 as float and
   product), z erf'(z) <= 0.49; all times x / 2; then one rounding. */
static double gelu_sleef_bound(double x)
{
    return SLACK * (fabs(x) / 2 * (2 + 0.49 * 2) * U + U * fabs(paw__ref_gelu(x))) + 1e-45;
}

typedef struct {
    const float *x;
    size_t n;
    int math;
} span_case;
static void run_gelu(const paw__ops *ops, const void *arg, float *got)
{
    const span_case *c = (const span_case *)arg;
    float *x = guarded_copy("x", c->x, c->n);
    ops->gelu(x, c->n, c->math);
    memcpy(got, x, c->n * sizeof *x);
}
static void gelu_case(const float *x, size_t n, int math)
{
    span_case c;
    test_case t;
    double *want = doubles(n), *bound = doubles(n);
    size_t i;
    memset(&t, 0, sizeof t);
    for (i = 0; i < n; ++i) {
        want[i] = paw__ref_gelu((double)x[i]);
        bound[i] = math ? gelu_sleef_bound((double)x[i]) : gelu_bound((double)x[i]);
        if (fabsf(x[i]) > FLT_MAX) { /* infinite: torch has NaN on the negative side */
            want[i] = (double)x[i];
            bound[i] = x[i] > 0 ? 0 : ANY;
        }
    }
    c.x = x;
    c.n = n;
    c.math = math;
    t.arg = &c;
    t.run = run_gelu;
    t.rows = 1;
    t.cols = n;
    t.want = want;
    t.bound = bound;
    t.free_bits = math;
    snprintf(t.shape, sizeof t.shape, "n %zu from %g%s", n, (double)x[0], math ? ", SLEEF" : "");
    check(&t);
    free(want);
    free(bound);
}
/* All floats of both signs up to 10, every step-th, in spans of n; then what is beyond. */
static void gelu_sweep(uint32_t step, int math)
{
    enum { n = 4096 };
    static const float odd[16] = {
        0.0f, -0.0f, 1e-45f, -1e-45f, 1e-38f, -1e-38f, 7.9999995f, 8.0f,
        -8.0f, -8.5f, 100.0f, -100.0f, FLT_MAX, -1e4f, INFINITY, NAN,
    };
    float x[n];
    uint32_t bits = 0;
    size_t i;
    gelu_case(odd, 16, math);
    while (bits < 0x41200000u) {
        for (i = 0; i < n; ++i) {
            x[i] = from_bits(bits | (i & 1 ? 0x80000000u : 0));
            if (i & 1) bits += step;
        }
        gelu_case(x, n, math);
    }
    for (i = 16; i <= 16 * 9; i += 16) {
        float *r = uniform(i, 12.0f);
        gelu_case(r, i, math);
        free(r);
    }
}
static void test_gelu(void)
{
    double off = 0, ulps = 0;
    uint32_t bits;
    gelu_sweep(1999, PAW_MATH_BUILTIN);
    for (bits = 0; bits < 0x41200000u; bits += 997) {
        const float x = from_bits(bits);
        const double up = paw__ref_gelu((double)x), down = paw__ref_gelu(-(double)x);
        const double e = fabs((double)paw__gelu1_scalar(x) - up);
        off = fmax(off, fabs((double)paw__gelu1_scalar(-x) - down));
        if (up > 1e-37) ulps = fmax(ulps, e / ulp_of(up));
    }
    T(off < 4e-8 && ulps < 6, "gelu: off by %.3g below 0, by %.2f ulp above", off, ulps);
    printf("%-10s largest error %.3g below 0, %.2f ulp above\n", kernel.name, off, ulps);
}

static void test_exp(void)
{
    uint32_t bits;
    double worst = 0;
    float at = 0;
    for (bits = 0x80000000u; bits < 0xc2ae0000u; bits += 499) { /* -0 to -87 */
        const float x = from_bits(bits), got = paw__exp_scalar(x);
        const double want = exp((double)x), e = fabs((double)got - want);
        ++kernel.cases;
        if (e / want > worst) {
            worst = e / want;
            at = x;
        }
        if (e / ulp_of(want) > kernel.ulps) kernel.ulps = e / ulp_of(want);
    }
    kernel.share = worst / EXP_ERROR;
    T(worst <= EXP_ERROR, "exp: relative error %.3g at %a, not %.3g", worst, (double)at, EXP_ERROR);
    T(same_bits(paw__exp_scalar(0.0f), 1.0f) && same_bits(paw__exp_scalar(-0.0f), 1.0f), "exp(0)");
    T((double)paw__exp_scalar(-87.0f) < TINY &&
          same_bits(paw__exp_scalar(-87.0f), paw__exp_scalar(-FLT_MAX)) &&
          same_bits(paw__exp_scalar(-87.0f), paw__exp_scalar(-INFINITY)), "exp far below");
    { /* a NaN must not become a probability of 0 */
        const float e = paw__exp_scalar(NAN);
        T(e != e, "exp(NaN) is %g", (double)e);
    }
}

/* ---- softmax, dot, layer norm ---- */

/* Exponent x - top rounds by U |x - top|, exp by EXP_ERROR; the sum of positive terms by one
   rounding per chunk of 16 and four in the tree, besides the errors of its terms; the inverse and
   the product round once each. Below -87 the kernel has exp(-87), less than TINY. */
static void softmax_expect(const float *x, size_t n, double *want, double *bound)
{
    double top = (double)x[0], mean = 0;
    size_t i;
    for (i = 0; i < n; ++i) {
        want[i] = (double)x[i];
        top = want[i] > top ? want[i] : top;
    }
    paw__ref_softmax(want, n);
    for (i = 0; i < n; ++i) {
        bound[i] = want[i] > 0 ? U * ((double)top - (double)x[i]) + EXP_ERROR : 0;
        mean += want[i] * bound[i];
    }
    for (i = 0; i < n; ++i)
        bound[i] = SLACK * want[i] * (bound[i] + mean + U * ((double)(n + 15) / 16 + 6)) + TINY;
}
static void run_softmax(const paw__ops *ops, const void *arg, float *got)
{
    const span_case *c = (const span_case *)arg;
    const int rows = 1 + (int)(c->n % (size_t)ops->mr), at = (int)(c->n / 7) % rows;
    float *x = guarded("x", paw__up16(c->n) * (size_t)rows), sums[PAW__MAX_MR];
    size_t i;
    int r;
    for (i = 0; i < c->n; ++i)
        for (r = 0; r < rows; ++r) /* others are other numbers, so that rows cannot be mixed up */
            x[(i / 16 * (size_t)rows + (size_t)r) * 16 + i % 16] =
                c->x[i] * (r == at ? 1.0f : 0.5f);
    ops->softmax(x, rows, c->n, 1.0f, c->math, sums);
    for (i = 0; i < c->n; ++i)
        got[i] = x[(i / 16 * (size_t)rows + (size_t)at) * 16 + i % 16] * (1.0f / sums[at]);
}
static void softmax_case(const float *x, size_t n, const char *what)
{
    span_case c;
    test_case t;
    double *want = doubles(n), *bound = doubles(n);
    memset(&t, 0, sizeof t);
    softmax_expect(x, n, want, bound);
    c.x = x;
    c.n = n;
    c.math = 0;
    t.arg = &c;
    t.run = run_softmax;
    t.rows = 1;
    t.cols = n;
    t.want = want;
    t.bound = bound;
    snprintf(t.shape, sizeof t.shape, "n %zu, %s", n, what);
    check(&t);
    free(want);
    free(bound);
}
static void softmax_cases(size_t n)
{
    static const float offsets[] = {0.0f, 50.0f, -1e6f, -1e30f, 1e30f, -3e38f};
    float *x = uniform(n, 4.0f);
    size_t i;
    softmax_case(x, n, "of +-4");
    for (i = 0; i < n; ++i) x[i] *= 40;
    softmax_case(x, n, "of +-160");
    x[below(n)] = 1e4f;
    softmax_case(x, n, "one far above");
    for (i = 0; i < n; ++i) x[i] = offsets[n % 6];
    softmax_case(x, n, "all equal");
    for (i = 0; i < n; ++i) x[i] = offsets[n % 6] + t_uniform();
    softmax_case(x, n, "offset");
    x[below(n)] = NAN;
    softmax_case(x, n, "one NaN");
    free(x);
}
static void test_softmax(void)
{
    static const size_t sizes[] = {196, 197, 255, 256, 257, 383, 384, 385, 577, 785, 1025, 4097};
    size_t i;
    for (i = 1; i <= 83; ++i) softmax_cases(i);
    for (i = 0; i < PAW__COUNT(sizes); ++i) softmax_cases(sizes[i]);
}

typedef struct {
    const float *x, *y;
    size_t n;
} dot_case;
static void run_dot(const paw__ops *ops, const void *arg, float *got)
{
    const dot_case *c = (const dot_case *)arg;
    const float *x = guarded_copy("x", c->x, c->n), *y = guarded_copy("y", c->y, c->n);
    *got = ops->dot(x, y, c->n);
}
static void test_dot(void)
{
    size_t n, i;
    for (n = 16; n <= 4096; n += n < 1280 ? 16 : 704) {
        for (i = 0; i < 4; ++i) {
            float *x = uniform(n, i == 2 ? 1e-22f : 1.0f), *y = uniform(n, i == 3 ? 1e18f : 1.0f);
            double want, bound, size;
            dot_case c;
            test_case t;
            memset(&t, 0, sizeof t);
            if (i == 1) x[below(n)] = NAN;
            /* n / 16 roundings in a lane, four in the tree */
            want = paw__ref_dot(x, y, n, &size);
            bound = SLACK * U * ((double)n / 16 + 4) * size + 1e-45 * (double)n;
            c.x = x;
            c.y = y;
            c.n = n;
            t.arg = &c;
            t.run = run_dot;
            t.rows = t.cols = 1;
            t.want = &want;
            t.bound = &bound;
            snprintf(t.shape, sizeof t.shape, "n %zu, kind %zu", n, i);
            check(&t);
            free(x);
            free(y);
        }
    }
}

/* ---- retrieval ---- */

typedef struct {
    const float *x, *y; /* x: products or scores; y: squared norms, or NULL: buckets */
    size_t n;
    float a, scale, top; /* a: the query's squared norm, or the highest score */
} rank_case;
static void run_rank(const paw__ops *ops, const void *arg, float *got)
{
    const rank_case *c = (const rank_case *)arg;
    float *x = guarded_copy("x", c->x, c->n);
    if (c->y) {
        ops->cosine(x, guarded_copy("norms", c->y, c->n), c->n, c->a);
    } else {
        float *out = guarded("out", c->n);
        ops->bucket(x, c->n, c->a, c->scale, c->top, out);
        memcpy(x, out, c->n * sizeof *x);
    }
    memcpy(got, x, c->n * sizeof *x);
}
static void check_rank(const rank_case *c, const double *want, const double *bound)
{
    test_case t;
    memset(&t, 0, sizeof t);
    t.arg = c;
    t.run = run_rank;
    t.rows = 1;
    t.cols = c->n;
    t.want = want;
    t.bound = bound;
    snprintf(t.shape, sizeof t.shape, "n %zu, %g, %g", c->n, (double)c->a, (double)c->scale);
    check(&t);
}
static void test_cosine(void)
{
    size_t n, i, k;
    for (n = 16; n <= 800; n += n < 128 ? 16 : 112)
        for (k = 0; k < 4; ++k) {
            float *x = uniform(n, k == 3 ? 1e18f : 3), *y = uniform(n, k == 2 ? 1e-14f : 3);
            double *want = doubles(n), *bound = doubles(n);
            rank_case c;
            memset(&c, 0, sizeof c);
            c.x = x;
            c.y = y;
            c.n = n;
            c.a = k == 1 ? 0 : fabsf(t_uniform()) * (k == 3 ? 1e19f : 3);
            for (i = 0; i < n; ++i) {
                y[i] = i % 7 ? fabsf(y[i]) : 0;
                want[i] = paw__ref_cosine((double)x[i], (double)c.a, (double)y[i]);
                /* a product under a root, the root, the quotient, and 1e-16 as a float */
                bound[i] = SLACK * U * 3 * fabs(want[i]);
            }
            check_rank(&c, want, bound);
            free(x);
            free(y);
            free(want);
            free(bound);
        }
}
/* The number of a bucket, at most half and two roundings away; and never out of order. */
static void test_bucket(void)
{
    size_t n, i, j, k, wrong = 0;
    for (n = 16; n <= 800; n += n < 128 ? 16 : 112)
        for (k = 0; k < 5; ++k) {
            float *x = uniform(n, k == 3 ? FLT_MAX : k == 4 ? 1e-42f : 1), *got = floats(n);
            double *want = doubles(n), *bound = doubles(n);
            rank_case c;
            memset(&c, 0, sizeof c);
            c.x = x;
            c.n = n;
            c.a = k == 3 ? 1e38f : t_uniform();
            c.scale = k == 0 ? 0 : k == 3 ? 1e-36f : (float)between(1, 5000);
            c.top = (float)(k == 2 ? 4194303 : between(1, 9999));
            for (i = 0; i < n; ++i) {
                const double d = (double)c.a - (double)x[i], most = (double)FLT_MAX;
                const double exact = (d > most ? 1e99 : d) * (double)c.scale; /* overflows */
                want[i] = 8388608 + (exact < 0 ? 0 : exact > (double)c.top ? (double)c.top : exact);
                bound[i] = 0.5 + SLACK * U * 2 * fabs(want[i] - 8388608) + 1e-6;
            }
            check_rank(&c, want, bound);
            paw__ops_now()->bucket(x, n, c.a, c.scale, c.top, got);
            for (i = 0; i < n; ++i)
                for (j = 0; j < n; ++j) wrong += x[i] > x[j] && got[i] > got[j];
            free(x);
            free(got);
            free(want);
            free(bound);
        }
    T(!wrong, "%zu buckets out of order", wrong);
}

typedef struct {
    const float *x, *w, *b; /* x [rows, ld], padded with zeros */
    size_t rows, d, ld;
    float eps;
    int to_a;
} norm_case;
static void run_norm(const paw__ops *ops, const void *arg, float *got)
{
    const norm_case *c = (const norm_case *)arg;
    const size_t dp = paw__up16(c->d), n = (c->rows - 1) * c->ld + dp;
    const paw__panels p = paw__panels_of(c->rows, ops->mr);
    const float *x = guarded_copy("x", c->x, n), *w = guarded_copy("weight", c->w, dp);
    const float *b = guarded_copy("bias", c->b, dp);
    float *y = guarded("y", c->to_a ? c->rows * dp : n);
    size_t r, j, cut = dice(p.count + 1);
    ops->norm(x, c->ld, &p, 0, cut, c->d, w, b, c->eps, c->to_a, y);
    ops->norm(x, c->ld, &p, cut, p.count, c->d, w, b, c->eps, c->to_a, y);
    for (r = 0; r < c->rows; ++r)
        for (j = 0; j < dp; ++j)
            got[r * dp + j] = c->to_a ? y[a_index(&p, dp, r, j)] : y[r * c->ld + j];
}
/* The mean is off by m = U (d / 16 + 5) mean|x|. The squares then sum to d var + d m^2, each with
   two roundings of its difference, d / 16 + 5 of the sum, then division, + eps; half of all that,
   with root and inverse, is the relative error of 1 / sqrt. The difference, its product and the
   final FMA round once each. */
static void norm_expect(const norm_case *c, double *want, double *bound)
{
    const size_t dp = paw__up16(c->d);
    const double chain = (double)(c->d + 15) / 16 + 5;
    size_t r, i;
    for (r = 0; r < c->rows; ++r) {
        const float *x = c->x + r * c->ld;
        double mean, rstd, size = 0, off, rel;
        paw__ref_norm(x, c->d, c->w, c->b, (double)c->eps, want + r * dp, &mean, &rstd);
        for (i = 0; i < c->d; ++i) size += fabs((double)x[i]);
        off = U * chain * size / (double)c->d;
        rel = (0.5 * (2 + chain + 2) + 2) * U + 0.5 * off * off * rstd * rstd;
        for (i = 0; i < c->d; ++i) {
            const double e = fabs((double)x[i] - mean), w = fabs((double)c->w[i]) * rstd;
            const double sum = w * (off + e * (2 * U + rel)) + U * fabs(want[r * dp + i]);
            bound[r * dp + i] = SLACK * sum + 1e-44;
        }
        for (; i < dp; ++i) want[r * dp + i] = bound[r * dp + i] = 0; /* weights of padding are 0 */
    }
}
static void norm_one(size_t rows, size_t d, int to_a, float offset, float scale)
{
    const size_t dp = paw__up16(d), ld = dp + (to_a ? below(3) * 16 + below(7) : below(2) * 16);
    float *x = floats(rows * ld), *w = floats(dp), *b = floats(dp);
    double *want = doubles(rows * dp), *bound = doubles(rows * dp);
    norm_case c;
    test_case t;
    size_t r, i;
    memset(&t, 0, sizeof t);
    for (i = 0; i < d; ++i) {
        w[i] = 1 + t_uniform();
        b[i] = t_uniform();
    }
    for (r = 0; r < rows; ++r)
        for (i = 0; i < d; ++i) x[r * ld + i] = offset + scale * t_uniform();
    if (rows > 3) x[below(d)] = NAN;
    if (rows > 3) x[ld + below(d)] = INFINITY;
    c.x = x;
    c.w = w;
    c.b = b;
    c.rows = rows;
    c.d = d;
    c.ld = ld;
    c.eps = below(2) ? 1e-6f : 1e-5f;
    c.to_a = to_a;
    norm_expect(&c, want, bound);
    t.arg = &c;
    t.run = run_norm;
    t.rows = rows;
    t.cols = dp;
    t.want = want;
    t.bound = bound;
    for (i = d; rows > 3 && i < dp; ++i) bound[i] = bound[dp + i] = ANY;
    snprintf(t.shape, sizeof t.shape, "rows %zu, d %zu, ld %zu, %g +- %g%s", rows, d, ld,
             (double)offset, (double)scale, to_a ? ", to A" : "");
    check(&t);
    free(x);
    free(w);
    free(b);
    free(want);
    free(bound);
}
static void test_norm(void)
{
    static const size_t widths[] = {192, 384, 400, 768, 1024, 1280};
    size_t d, i;
    for (d = 1; d <= 70; ++d)
        for (i = 0; i < 8; ++i)
            norm_one(between(1, 31), d, (int)(i & 1), i & 2 ? 100.0f : 0.0f, i & 4 ? 1e-3f : 2.0f);
    for (d = 0; d < PAW__COUNT(widths); ++d)
        for (i = 1; i <= 31; i += 3)
            norm_one(i, widths[d], (int)(i & 1), i & 2 ? -30.0f : 0.1f, i & 4 ? 20.0f : 0.5f);
    for (i = 1; i <= 31; ++i) norm_one(i, 48, (int)(i & 1), 0.0f, i & 2 ? 0.0f : 1e-30f);
    norm_one(197, 768, 1, 0.0f, 1.0f);
    norm_one(197, 768, 0, 0.0f, 1.0f);
}

/* ---- product ---- */

typedef struct {
    size_t rows, n, k, ldx, np, kp;
    size_t heads, tokens; /* PAW__TO_QKV: n = 3 heads dh */
    int act, to, wide, exact; /* exact: inputs without NaN or infinity, padding is checked too */
    int bf16;
    const float *x, *w;
    float *bias, *scale, *gamma, *before; /* [np]; scale, gamma may be NULL; before [rows, np] */
} product_case;

static const char *const to_names[] = {"rows", "residual", "A", "qkv"};
static const char *const act_names[] = {"none", "gelu", "gelu by SLEEF", "relu"};

static size_t spread_col(const product_case *c, size_t i)
{
    return paw__spread(i, c->n, c->to == PAW__TO_QKV ? 3 * c->heads : 1);
}
static float *vector_of(const char *name, const float *v, size_t n)
{
    return v ? guarded_copy(name, v, n) : NULL;
}
/* Operands of the attention back to rows [tokens, 3 heads dh]; the padding must be zero. */
static void read_qkv(const product_case *c, const paw__qkv *o, const paw__panels *p, float *got)
{
    const size_t dh = o->dh, part = o->heads * dh;
    size_t t, j, bad = 0;
    for (t = 0; t < o->padded; ++t)
        for (j = 0; j < part; ++j) {
            const size_t head = j / dh, ch = j % dh, base = head * o->padded * dh;
            const float k = o->k[base + t / 16 * dh * 16 + ch * 16 + t % 16];
            const float v = o->v[base + ch / 16 * o->padded * 16 + t * 16 + ch % 16];
            if (t >= o->tokens) {
                bad += !same_bits(k, 0.0f) || !same_bits(v, 0.0f);
                continue;
            }
            got[t * c->np + j] = o->q[head * o->tokens * dh + a_index(p, dh, t, ch)];
            got[t * c->np + part + j] = k;
            got[t * c->np + 2 * part + j] = v;
        }
    T(!bad, "product to qkv of %zu tokens: padding of k or v is not zero", o->tokens);
}
static void bf16_operands(const paw__team *team, const product_case *c, paw__linear *l, float *a)
{
    size_t i;
    l->w16 = (uint16_t *)(void *)guarded("bf16 B operand", c->np * c->kp / 2);
    for (i = 0; i < c->np; i += 16) paw__narrow_panel(l->w + i * c->kp, c->kp, l->w16 + i * c->kp);
    paw__narrow_run(team, a, c->rows, c->kp);
}
static void run_product(const paw__ops *ops, const void *arg, float *got)
{
    const product_case *c = (const product_case *)arg;
    const paw__panels p = paw__panels_of(c->rows, ops->mr);
    const paw__team team = team_of(ops, c->wide);
    const size_t ld = c->np + (c->to <= PAW__TO_RESIDUAL ? dice(3) * 16 + dice(9) : 0);
    const size_t parts = paw__partial_count(c->kp, c->np), part = c->np / 3;
    const float *x = guarded_copy("x", c->x, (c->rows - 1) * c->ldx + c->k);
    float *a = guarded("A operand", c->rows * c->kp), *partial = NULL;
    paw__qkv qkv;
    paw__linear l;
    paw__product g;
    size_t r, j;
    memset(&l, 0, sizeof l);
    l.n = c->n;
    l.k = c->k;
    l.n_padded = c->np;
    l.k_padded = c->kp;
    l.w = guarded("B operand", c->np * c->kp);
    memset(l.w, 0, c->np * c->kp * sizeof *l.w);
    l.bias = vector_of("bias", c->bias, c->np);
    l.scale = vector_of("scale", c->scale, c->np);
    paw__pack_a(x, c->ldx, c->k, &p, a);
    paw__pack_b(c->w, c->n, c->k, c->to == PAW__TO_QKV ? 3 * c->heads : 1, 1, l.w);
    if (parts) partial = guarded("partial sums", parts);
    if (c->bf16) bf16_operands(&team, c, &l, a);
    g = paw__product_of(&team, &l, a, c->rows);
    if (c->bf16 && !ops->dots)
        g.wide = guarded("widened", (size_t)team.c->threads * PAW__WIDE_COUNT);
    g.to = c->to;
    g.act = c->act;
    g.gamma = vector_of("gamma", c->gamma, c->np);
    g.ld = ld;
    if (c->to == PAW__TO_QKV) {
        qkv.tokens = c->rows;
        qkv.padded = paw__up16(c->rows);
        qkv.heads = c->heads;
        qkv.dh = part / c->heads;
        qkv.q = guarded("q", part * qkv.tokens);
        qkv.k = guarded("k", part * qkv.padded);
        qkv.v = guarded("v", part * qkv.padded);
        g.qkv = &qkv;
        paw__qkv_clear_padding(&qkv);
    } else {
        g.out = guarded("out", c->to == PAW__TO_A ? c->rows * c->np : (c->rows - 1) * ld + c->np);
        for (r = 0; c->to == PAW__TO_RESIDUAL && r < c->rows; ++r)
            memcpy(g.out + r * ld, c->before + r * c->np, c->np * sizeof(float));
    }
    paw__product_run(&team, &g, partial);
    if (c->to == PAW__TO_QKV) {
        read_qkv(c, &qkv, &p, got);
        return;
    }
    for (r = 0; r < c->rows; ++r)
        for (j = 0; j < c->np; ++j)
            got[r * c->np + j] = g.out[c->to == PAW__TO_A ? a_index(&p, c->np, r, j) : r * ld + j];
}
static float *rounded(const float *x, size_t n) /* to bf16 and back */
{
    float *y = floats(n);
    size_t i;
    for (i = 0; i < n; ++i) y[i] = paw__from_bf16(paw__bf16_of(x[i]));
    return y;
}
/* A chain of at most 384 FMAs and the sums of ceil(k / 384) blocks, each rounding within U of the
   condition sum; scale and bias are one FMA; |gelu'| <= 1.13; gamma and residual are one FMA.
   Inputs of bf16 are rounded first; BFDOT rounds to odd, up to 2 U each time, and both instructions
   flush what is tiny. */
static void product_expect(const product_case *c, double *want, double *bound)
{
    const size_t blocks = (c->k + PAW__KC - 1) / PAW__KC;
    const double chain = (double)(paw__min(c->k, PAW__KC) + blocks - 1) * (c->bf16 ? 2 : 1);
    const double tiny = (c->bf16 ? 2 * (double)FLT_MIN : 1e-45) * (double)c->k;
    float *x16 = c->bf16 ? rounded(c->x, (c->rows - 1) * c->ldx + c->k) : NULL;
    float *w16 = c->bf16 ? rounded(c->w, c->n * c->k) : NULL;
    double *out = doubles(c->rows * c->n), *linear = doubles(c->rows * c->n);
    double *size = doubles(c->rows * c->n);
    float *bias = floats(c->n), *scale = floats(c->n), *gamma = floats(c->n);
    paw__ref_layer l;
    size_t r, j;
    memset(&l, 0, sizeof l);
    for (j = 0; j < c->n; ++j) {
        const size_t at = spread_col(c, j);
        bias[j] = c->bias[at];
        scale[j] = c->scale ? c->scale[at] : 1.0f;
        gamma[j] = c->to == PAW__TO_RESIDUAL && c->gamma ? c->gamma[at] : 1.0f;
    }
    l.x = c->bf16 ? x16 : c->x;
    l.w = c->bf16 ? w16 : c->w;
    l.bias = bias;
    l.scale = scale;
    l.gamma = gamma;
    l.residual = c->to == PAW__TO_RESIDUAL ? c->before : NULL;
    l.rows = c->rows;
    l.n = c->n;
    l.k = c->k;
    l.ldx = c->ldx;
    l.ldr = c->np;
    l.act = c->act;
    paw__ref_product(&l, out, linear, size);
    for (r = 0; r < c->rows; ++r) {
        for (j = 0; j < c->np; ++j) { /* padded columns: nothing, or what was there */
            want[r * c->np + j] = l.residual ? (double)c->before[r * c->np + j] : 0;
            bound[r * c->np + j] = c->exact ? 0 : ANY;
        }
        for (j = 0; j < c->n; ++j) {
            const size_t from = r * c->n + j, at = r * c->np + spread_col(c, j);
            double e = fabs((double)scale[j]) * (chain * U * size[from] + tiny);
            e = SLACK * (e + U * fabs(linear[from])) + 1e-45;
            if (c->act == PAW__GELU) e = 1.13 * e + gelu_bound(linear[from]);
            if (c->act == PAW__GELU_SLEEF) e = 1.13 * e + gelu_sleef_bound(linear[from]);
            if (l.residual) e = SLACK * (e * fabs((double)gamma[j]) + U * fabs(out[from])) + 1e-45;
            want[at] = out[from];
            bound[at] = linear[from] < -DBL_MAX ? ANY : e; /* gelu(-inf): NaN here, -inf there */
        }
    }
    free(x16);
    free(w16);
    free(out);
    free(linear);
    free(size);
    free(bias);
    free(scale);
    free(gamma);
}
static void product_check(const product_case *c, int oracle)
{
    double *want = NULL, *bound = NULL;
    test_case t;
    memset(&t, 0, sizeof t);
    if (oracle) {
        want = doubles(c->rows * c->np);
        bound = doubles(c->rows * c->np);
        product_expect(c, want, bound);
    }
    t.arg = c;
    t.run = run_product;
    t.rows = c->rows;
    t.cols = c->np;
    t.want = want;
    t.bound = bound;
    t.free_bits = c->act == PAW__GELU_SLEEF ? 1 : c->bf16 ? 2 : 0;
    snprintf(t.shape, sizeof t.shape, "%s m %zu n %zu k %zu to %s, act %s%s%s%s, heads %zu",
             c->bf16 ? "bf16" : "f32", c->rows, c->n, c->k, to_names[c->to],
             act_names[c->act], c->scale ? ", scale" : "", c->gamma ? ", gamma" : "",
             c->wide ? ", wide" : "", c->heads);
    check(&t);
    free(want);
    free(bound);
}
enum { PLAIN, SPECIAL, DENORMAL, KINDS };
static unsigned product_type; /* 0, or 8 for bf16: product_one leaves out the others */
/* Random data of a kind; flags: 1 scale, 2 gamma, 4 all threads, 8 bf16. For the qkv product n
   counts the heads and k is all of their width. */
static void product_one(size_t rows, size_t n, size_t k, int to, int act, unsigned flags, int kind)
{
    product_case c;
    float *x, *w, *owned[4] = {NULL, NULL, NULL, NULL};
    size_t i;
    if ((flags & 8) != product_type) return;
    memset(&c, 0, sizeof c);
    c.rows = rows;
    c.heads = to == PAW__TO_QKV ? n : 1;
    c.n = to == PAW__TO_QKV ? 3 * k : n;
    c.k = k;
    c.ldx = k + below(16);
    c.np = paw__spread_size(c.n, to == PAW__TO_QKV ? 3 * c.heads : 1);
    c.kp = paw__up16(k);
    c.act = act;
    c.to = to;
    c.wide = (int)(flags >> 2 & 1);
    c.bf16 = (int)(flags >> 3 & 1);
    c.exact = kind != SPECIAL;
    x = uniform(rows * c.ldx, kind == DENORMAL ? 1e-38f : 1.0f);
    w = uniform(c.n * k, kind == DENORMAL ? 1e-3f : 2.0f / sqrtf((float)k));
    for (i = 0; i < 4; ++i) {
        const size_t count = i == 3 ? rows * c.np : c.np;
        if (i == 1 && !(flags & 1)) continue;
        if (i == 2 && !(flags & 2)) continue;
        owned[i] = uniform(count, kind == DENORMAL ? 1e-38f : 1.0f);
    }
    if (kind == SPECIAL) {
        x[below(k)] = NAN;
        if (rows > 1) x[c.ldx + below(k)] = INFINITY;
        if (rows > 2) memset(x + 2 * c.ldx, 0x80, k * sizeof *x); /* tiny negative numbers */
        for (i = 0; rows > 3 && i < k; ++i) x[3 * c.ldx + i] = -0.0f;
    }
    c.x = x;
    c.w = w;
    c.bias = floats(c.np);
    for (i = 0; i < c.n; ++i) c.bias[spread_col(&c, i)] = owned[0][i];
    c.scale = owned[1];
    c.gamma = owned[2];
    c.before = owned[3];
    product_check(&c, 1);
    for (i = 0; i < 4; ++i) free(owned[i]);
    free(c.bias);
    free(x);
    free(w);
}
static const int acts[] = {PAW__NO_ACT, PAW__GELU, PAW__RELU};
static int any_act(void) { return acts[below(3)]; }
static void product_any(size_t rows, size_t n, size_t k)
{
    product_one(rows, n, k, (int)below(3), any_act(), (unsigned)below(16), PLAIN);
}
static void products(unsigned type)
{
    static const size_t deep[] = {383, 384, 385, 767, 768, 769, 1151, 1152, 1153, 1168, 1169, 1535,
                                  1536, 1537, 1920, 2304, 3072};
    static const size_t vit[][3] = {{197, 192, 192}, {197, 768, 192}, {197, 192, 768},
                                    {209, 96, 1536}, {417, 48, 1200}, {50, 384, 384}};
    size_t m, n, k, i;
    product_type = type;
    for (m = 1; m <= 31; ++m) { /* every m with every n, and with every k */
        for (n = 1; n <= 67; ++n) product_any(m, n, between(1, 70));
        for (k = 1; k <= 70; ++k) product_any(m, between(1, 67), k);
    }
    for (n = 1; n <= 67; n += 3)
        for (k = 1; k <= 70; k += 3) product_any(between(1, 16), n, k);
    for (i = 0; i < 3 * 3 * 16; ++i) /* every option */
        product_one(between(1, 31), between(1, 100), between(1, 40), (int)(i / 48),
                    acts[i / 16 % 3], (unsigned)(i % 16), PLAIN);
    for (i = 0; i < PAW__COUNT(deep); ++i) {
        product_any(between(1, 31), between(1, 67), deep[i]);
        product_any(between(1, 31), between(1, 67), deep[i]);
        product_one(3, 40, deep[i], PAW__TO_RESIDUAL, PAW__GELU, 7, PLAIN);
        product_one(17, 40, deep[i], PAW__TO_ROWS, PAW__NO_ACT, i & 1 ? 12 : 8, PLAIN);
    }
    for (m = 1; m <= 31; ++m) /* heads 1..4 of 16, 12, 32, 48, 64, 80 */
        for (n = 1; n <= 4; ++n) {
            static const size_t widths[] = {16, 12, 32, 48, 64, 80};
            product_one(m, n, n * widths[(m + n) % 6], PAW__TO_QKV, PAW__NO_ACT, m & 13, PLAIN);
        }
    for (i = 0; i < PAW__COUNT(vit); ++i) product_any(vit[i][0], vit[i][1], vit[i][2]);
    product_one(197, 3, 192, PAW__TO_QKV, PAW__NO_ACT, 4, PLAIN);
    for (i = 0; i < 60; ++i) {
        product_one(between(1, 31), between(1, 67), between(1, 500), (int)below(3), any_act(),
                    (unsigned)below(i & 1 ? 16 : 8), i & 1 ? SPECIAL : DENORMAL);
        product_any(between(1, 230), between(1, 150), between(1, 100));
    }
}
static void test_product(void) { products(0); }
static void test_bf16(void) { products(8); }

/* ---- attention ---- */

typedef struct {
    const float *qkv[3]; /* [heads, tokens, dh] */
    const float *table;  /* [R, heads], or NULL */
    size_t tokens, heads, dh, dp;
    int gh, gw, math, wide, map;
    float scale;
} attention_case;

static size_t table_rows(int gh, int gw)
{
    return (2 * (size_t)gh - 1) * (2 * (size_t)gw - 1) + 3;
}
static void attention_operands(const attention_case *c, const paw__panels *p, paw__qkv *o)
{
    size_t h, t, j;
    o->tokens = c->tokens;
    o->padded = paw__up16(c->tokens);
    o->heads = c->heads;
    o->dh = c->dp;
    o->q = guarded("q", c->heads * c->dp * o->tokens);
    o->k = guarded("k", c->heads * c->dp * o->padded);
    o->v = guarded("v", c->heads * c->dp * o->padded);
    memset(o->q, 0, c->heads * c->dp * o->tokens * sizeof(float));
    memset(o->k, 0, c->heads * c->dp * o->padded * sizeof(float));
    memset(o->v, 0, c->heads * c->dp * o->padded * sizeof(float));
    for (h = 0; h < c->heads; ++h)
        for (t = 0; t < c->tokens; ++t)
            for (j = 0; j < c->dh; ++j) {
                const size_t from = (h * c->tokens + t) * c->dh + j, base = h * o->padded * c->dp;
                o->q[h * c->tokens * c->dp + a_index(p, c->dp, t, j)] = c->qkv[0][from];
                o->k[base + t / 16 * c->dp * 16 + j * 16 + t % 16] = c->qkv[1][from];
                o->v[base + j / 16 * o->padded * 16 + t * 16 + j % 16] = c->qkv[2][from];
            }
}
/* got: rows [tokens, heads * dp], then [heads, tokens, tokens] where the map is asked for */
static void run_attention(const paw__ops *ops, const void *arg, float *got)
{
    const attention_case *c = (const attention_case *)arg;
    const paw__panels p = paw__panels_of(c->tokens, ops->mr);
    const paw__team team = team_of(ops, c->wide);
    const size_t k = c->heads * c->dp, tt = c->heads * c->tokens * c->tokens;
    paw__qkv qkv;
    paw__attention t;
    float *scratch;
    size_t r, j, rows = table_rows(c->gh, c->gw);
    memset(&t, 0, sizeof t);
    attention_operands(c, &p, &qkv);
    t.in = &qkv;
    t.scale = c->scale;
    t.gh = c->gh;
    t.gw = c->gw;
    t.math = c->math;
    if (c->table) {
        float *bias = guarded("bias", rows * c->heads);
        const float *table = guarded_copy("table", c->table, rows * c->heads);
        paw__beit_reverse(table, rows - 3, c->heads, bias);
        t.bias = bias;
    }
    t.out = guarded("out", c->tokens * k);
    if (c->map) t.map = guarded("map", tt);
    scratch = guarded("scratch", paw__attention_scratch(qkv.padded) *
                                     (size_t)(c->wide ? wide_ctx->threads : 1));
    paw__attention_run(&team, &t, scratch);
    for (r = 0; r < c->tokens; ++r)
        for (j = 0; j < k; ++j) got[r * k + j] = t.out[a_index(&p, k, r, j)];
    if (c->map) memcpy(got + c->tokens * k, t.map, tt * sizeof *got);
}
/* Logits: dh FMAs, scale, bias; a probability as in softmax_expect with the logit's error added to
   its exponent; outputs: the chain over tokens, and the errors of the probabilities. */
static void attention_expect(const attention_case *c, size_t head, double *want, double *bound)
{
    const size_t n = c->tokens, k = c->heads * c->dp;
    double *map = doubles(n * n), *out = doubles(n * c->dh), *logit = doubles(n * n);
    double *size = doubles(n * n), *e = doubles(n);
    double *want_map = want + n * k + head * n * n, *bound_map = bound + n * k + head * n * n;
    paw__ref_head a;
    size_t i, j, ch;
    memset(&a, 0, sizeof a);
    a.q = c->qkv[0] + head * n * c->dh;
    a.k = c->qkv[1] + head * n * c->dh;
    a.v = c->qkv[2] + head * n * c->dh;
    a.tokens = n;
    a.dh = c->dh;
    a.scale = (double)c->scale;
    a.table = c->table;
    a.head = head;
    a.heads = c->heads;
    a.gh = c->gh;
    a.gw = c->gw;
    paw__ref_attention(&a, map, out);
    paw__ref_logits(&a, logit, size);
    for (i = 0; i < n; ++i) {
        const double tail = U * ((double)(n + 15) / 16 + 6);
        const double chain = U * ((double)paw__min(n, PAW__KC) + (double)(n / PAW__KC) + 1);
        double top = logit[i * n], mean = 0;
        for (j = 0; j < n; ++j) top = logit[i * n + j] > top ? logit[i * n + j] : top;
        for (j = 0; j < n; ++j) {
            const double l = fabs(logit[i * n + j]), s = size[i * n + j];
            e[j] = U * ((double)c->dh * s + s + l + (top - logit[i * n + j])) + EXP_ERROR;
            mean += map[i * n + j] * e[j];
        }
        for (j = 0; c->map && j < n; ++j) {
            want_map[i * n + j] = map[i * n + j];
            bound_map[i * n + j] = SLACK * map[i * n + j] * (e[j] + mean + tail) + TINY;
        }
        for (ch = 0; ch < c->dh; ++ch) {
            double sum = 0;
            for (j = 0; j < n; ++j)
                sum += map[i * n + j] * fabs((double)a.v[j * c->dh + ch]) *
                       (e[j] + mean + tail + chain);
            want[i * k + head * c->dp + ch] = out[i * c->dh + ch];
            bound[i * k + head * c->dp + ch] = SLACK * sum + TINY * (double)n;
        }
    }
    free(map);
    free(out);
    free(logit);
    free(size);
    free(e);
}
static void attention_one(int gh, int gw, size_t heads, size_t dh, int bias, unsigned flags,
                          float sharp)
{
    attention_case c;
    test_case t;
    double *want, *bound;
    float *v[3], *table = NULL;
    size_t h, i, n;
    memset(&c, 0, sizeof c);
    memset(&t, 0, sizeof t);
    c.gh = gh;
    c.gw = gw;
    c.tokens = (size_t)gh * (size_t)gw + 1;
    c.heads = heads;
    c.dh = dh;
    c.dp = paw__up16(dh);
    c.map = (int)(flags & 1);
    c.wide = (int)(flags >> 1 & 1);
    c.math = (int)(flags >> 2 & 1);
    c.scale = 1.0f / sqrtf((float)dh);
    for (i = 0; i < 3; ++i) c.qkv[i] = v[i] = uniform(heads * c.tokens * dh, i == 2 ? 1.0f : sharp);
    if (bias) c.table = table = uniform(table_rows(gh, gw) * heads, 2.0f);
    n = c.tokens * heads * c.dp + (c.map ? heads * c.tokens * c.tokens : 0);
    want = doubles(n + heads * c.tokens * c.tokens);
    bound = doubles(n + heads * c.tokens * c.tokens);
    for (h = 0; h < heads; ++h) attention_expect(&c, h, want, bound);
    t.arg = &c;
    t.run = run_attention;
    t.rows = 1;
    t.cols = n;
    t.want = want;
    t.bound = bound;
    t.free_bits = c.math;
    snprintf(t.shape, sizeof t.shape, "grid %d x %d, heads %zu of %zu%s%s%s%s, q k +-%g", gh, gw,
             heads, dh, bias ? ", bias" : "", c.map ? ", map" : "", c.wide ? ", wide" : "",
             c.math ? ", SLEEF" : "", (double)sharp);
    check(&t);
    for (i = 0; i < 3; ++i) free(v[i]);
    free(table);
    free(want);
    free(bound);
}
static const size_t head_widths[] = {16, 12, 32, 48, 64, 80};
static void test_attention(void)
{
    static const int grids[][2] = {{1, 1}, {1, 5}, {5, 1}, {3, 2}, {2, 7}, {3, 5}, {4, 4}, {7, 7}};
    size_t g, d, i;
    for (i = 1; i <= 45; ++i) /* every count of tokens around the tiles */
        attention_one(1, (int)i, between(1, 3), head_widths[i % 6], (int)(i & 1),
                      (unsigned)below(4), 2.0f);
    for (g = 0; g < PAW__COUNT(grids); ++g)
        for (d = 0; d < 6; ++d)
            for (i = 0; i < 4; ++i)
                attention_one(grids[g][0], grids[g][1], between(1, 3), head_widths[d], (int)(i & 1),
                              (unsigned)(i >> 1 | (d & 1) << 1), i == 3 ? 12.0f : 2.0f);
    for (i = 0; i < 4; ++i)
        attention_one(14, 14, between(1, 3), head_widths[2 + i], (int)(i & 1), (unsigned)i, 2.0f);
    attention_one(20, 20, 1, 32, 1, 2, 2.0f); /* beyond one block of 384 tokens */
}

/* ---- SLEEF's functions in place of ours ---- */

static void test_sleef(void)
{
#if defined(PAW_NO_SLEEF)
    T_SKIP("SLEEF is not in this build");
#else
    size_t i;
    gelu_sweep(20011, PAW_MATH_SLEEF);
    for (i = 0; i < 30; ++i) {
        product_one(between(1, 31), between(1, 67), between(1, 70), (int)below(3), PAW__GELU_SLEEF,
                    (unsigned)below(8), PLAIN);
        attention_one((int)between(1, 6), (int)between(1, 6), between(1, 3), head_widths[i % 6],
                      (int)(i & 1), 5, i & 2 ? 8.0f : 2.0f);
    }
#endif
}

/* ---- patch embedding and position tables ---- */

typedef struct {
    const float *chw, *w, *bias;
    int h, wd, patch;
    size_t dim;
} patch_case;
static void run_patches(const paw__ops *ops, const void *arg, float *got)
{
    const patch_case *c = (const patch_case *)arg;
    const size_t p = (size_t)c->patch, k = 3 * p * p, kp = paw__up16(k), dp = paw__up16(c->dim);
    const size_t rows = (size_t)(c->h / c->patch) * (size_t)(c->wd / c->patch);
    const paw__team team = team_of(ops, 0);
    paw__patches_job job;
    paw__linear l;
    paw__product g;
    size_t r;
    memset(&l, 0, sizeof l);
    job.chw = guarded_copy("image", c->chw, 3 * (size_t)c->h * (size_t)c->wd);
    job.h = c->h;
    job.w = c->wd;
    job.patch = c->patch;
    job.rows = paw__panels_of(rows, ops->mr);
    job.a = guarded("A operand", rows * kp);
    paw__team_for(&team, job.rows.count, paw__patches_item, &job);
    l.n = c->dim;
    l.k = k;
    l.n_padded = dp;
    l.k_padded = kp;
    l.w = guarded("B operand", dp * kp);
    memset(l.w, 0, dp * kp * sizeof *l.w);
    paw__pack_b(c->w, c->dim, k, 1, 1, l.w);
    l.bias = guarded_copy("bias", c->bias, dp);
    g = paw__product_of(&team, &l, job.a, rows);
    g.to = PAW__TO_ROWS;
    g.out = guarded("out", rows * dp);
    g.ld = dp;
    paw__product_run(&team, &g, NULL);
    for (r = 0; r < rows; ++r) memcpy(got + r * c->dim, g.out + r * dp, c->dim * sizeof *got);
}
static void test_patches(void)
{
    static const int sizes[][4] = {{16, 16, 16, 24}, {32, 48, 16, 20}, {28, 42, 14, 17},
                                   {112, 98, 14, 32}, {8, 4, 4, 16},   {40, 24, 8, 40},
                                   {5, 7, 1, 5},      {96, 96, 16, 64}};
    size_t i, j;
    for (i = 0; i < PAW__COUNT(sizes); ++i) {
        const int h = sizes[i][0], w = sizes[i][1], p = sizes[i][2];
        const size_t dim = (size_t)sizes[i][3], k = (size_t)(3 * p * p);
        const size_t rows = (size_t)(h / p) * (size_t)(w / p), n = rows * dim;
        float *chw = uniform(3 * (size_t)h * (size_t)w, 2.0f), *weight = uniform(dim * k, 0.1f);
        float *bias = uniform(paw__up16(dim), 1.0f);
        double *want = doubles(n), *bound = doubles(n);
        patch_case c;
        test_case t;
        memset(&t, 0, sizeof t);
        c.chw = chw;
        c.w = weight;
        c.bias = bias;
        c.h = h;
        c.wd = w;
        c.patch = p;
        c.dim = dim;
        paw__ref_patches(chw, h, w, p, weight, bias, dim, want, bound);
        for (j = 0; j < n; ++j) /* as in product_expect */
            bound[j] = SLACK * U * ((double)(paw__min(k, PAW__KC) + k / PAW__KC) * bound[j] +
                                    fabs(want[j]));
        t.arg = &c;
        t.run = run_patches;
        t.rows = rows;
        t.cols = dim;
        t.want = want;
        t.bound = bound;
        snprintf(t.shape, sizeof t.shape, "%d x %d, patch %d, dim %zu", h, w, p, dim);
        check(&t);
        free(chw);
        free(weight);
        free(bias);
        free(want);
        free(bound);
    }
}
/* Taps are floats: an offset off by U / 2 and four roundings of values up to 2.25 turn each of the
   four weights by at most 6 U; two axes, weights that sum to at most 1.75 in size, one rounding. */
static void test_positions(void)
{
    static const int grids[][3] = {{14, 32, 32}, {14, 30, 20}, {14, 14, 7}, {28, 14, 14},
                                   {2, 5, 3},    {1, 3, 2},    {4, 4, 4},   {16, 37, 11},
                                   {3, 1, 1},    {24, 14, 32}};
    const double bound = 3 * U * (2 * 4 * 6 * 1.75 + 1); /* values are within 3 */
    const size_t dim = 3;
    size_t i, d;
    int rule, y, x;
    for (i = 0; i < PAW__COUNT(grids); ++i)
        for (rule = PAW_POS_SIZE; rule <= PAW_POS_SCALE; ++rule) {
            const int g0 = grids[i][0], gh = grids[i][1], gw = grids[i][2];
            const double more = rule == PAW_POS_SCALE ? 0.1 : 0;
            const int same = gh == g0 && gw == g0;
            const size_t n = (size_t)(gh * gw) * dim;
            float *table = uniform((size_t)(g0 * g0) * dim, 3.0f), *out = floats(n);
            double worst = 0;
            paw__position_resize(table, g0, (int)dim, gh, gw, rule, out);
            for (y = 0; y < gh; ++y)
                for (x = 0; x < gw; ++x)
                    for (d = 0; d < dim; ++d) {
                        const size_t at = (size_t)(y * gw + x) * dim + d;
                        const double want = same ? (double)table[at] : paw__ref_position(
                            table, g0, dim, (double)(float)(g0 / (gh + more)),
                            (double)(float)(g0 / (gw + more)), y, x, d);
                        const double e = fabs((double)out[at] - want);
                        worst = e > worst ? e : worst;
                    }
            T(worst <= bound, "positions %d -> %d x %d, rule %d: off by %.3g", g0, gh, gw, rule,
              worst);
            kernel.share = fmax(kernel.share, worst / bound);
            ++kernel.cases;
            free(table);
            free(out);
        }
}

#include "train.h"
#include "dense.h"

/* ---- the list ---- */

static const struct {
    const char *name;
    void (*run)(void);
} kernels[] = {
    {"fma", test_fma},         {"pack", test_pack},       {"exp", test_exp},
    {"gelu", test_gelu},       {"softmax", test_softmax}, {"dot", test_dot},
    {"cosine", test_cosine},   {"bucket", test_bucket},
    {"norm", test_norm},       {"product", test_product}, {"bf16", test_bf16},
    {"attention", test_attention},
    {"patches", test_patches}, {"positions", test_positions}, {"sleef", test_sleef},
    {"random", test_random},   {"matmul", test_matmul},   {"xent", test_xent},
    {"step", test_step},       {"schedule", test_schedule}, {"train_norm", test_train_norm},
    {"pool", test_pool},
    {"blend", test_blend},     {"argmax", test_argmax},
};
static void find_isas(void)
{
    const char *required = getenv("PAW_REQUIRE_ISA");
    int isa;
    for (isa = PAW_ISA_SCALAR; isa <= PAW_ISA_AVX512; ++isa) {
        if (paw_isa_supported(isa)) isas[isa_count++] = isa;
        else if (required && !strcmp(required, paw_isa_name(isa)))
            T(0, "%s is required and does not run here", required);
        else T_SKIP("%s does not run on this machine or is not in this build", paw_isa_name(isa));
    }
}
int main(int argc, char **argv)
{
    const char *pattern = "";
    paw_config config;
    uint64_t seed = 1;
    size_t i;
    int k;
    for (k = 1; k < argc; ++k) {
        if (argv[k][0] >= '0' && argv[k][0] <= '9') seed = strtoull(argv[k], NULL, 0);
        else pattern = argv[k];
    }
    printf("seed %llu\n", (unsigned long long)seed);
    memset(&config, 0, sizeof config);
    config.threads = 1;
    if (paw_create(&config, &narrow_ctx)) return 2;
    config.threads = 3;
    if (paw_create(&config, &wide_ctx)) return 2;
    slots_open();
    catch_crashes();
    find_isas();
    for (i = 0; i < PAW__COUNT(kernels); ++i) {
        const clock_t start = clock();
        if (!strstr(kernels[i].name, pattern)) continue;
        memset(&kernel, 0, sizeof kernel);
        kernel.name = running_kernel = kernels[i].name;
        t_seed = seed * 1000 + i; /* a pattern alone repeats what all together did */
        kernels[i].run();
        printf("%-10s %8zu cases, largest error %.3f of its bound", kernel.name, kernel.cases,
               kernel.share);
        if (!strcmp(kernel.name, "exp")) printf(", %.2f ulp", kernel.ulps);
        printf(", %.1f s\n", (double)(clock() - start) / CLOCKS_PER_SEC);
        fflush(stdout);
    }
    paw_destroy(narrow_ctx);
    paw_destroy(wide_ctx);
    return t_end("kernels");
}
