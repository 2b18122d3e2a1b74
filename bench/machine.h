/* What the machine can do at the moment, per instruction set: loops that nothing but the core's
   arithmetic, or the memory, can hold up, run on one or more threads at once. Reads itself once per
   instruction set, as the library does. Include after partaware.h and cli.h. */
#if defined(BENCH_V)
#ifndef BENCH_PER
#define BENCH_PER 1 /* products in an element of a vector: 2 of bf16 */
#endif

/* Fused multiply-adds on registers only: what the core can do at most. */
static float BENCH_FN(fma)(size_t turns)
{
    const BENCH_V x = BENCH_SET1(0.5f), y = BENCH_SET1(0.001f);
    BENCH_V acc[BENCH_ACC];
    float lane[BENCH_VW], sum = 0;
    int i, j;
    BENCH_EACH(i, BENCH_ACC) acc[i] = BENCH_SET1((float)i);
    for (; turns; --turns) BENCH_EACH(i, BENCH_ACC) acc[i] = BENCH_FMA(acc[i], x, y);
    BENCH_EACH(i, BENCH_ACC) {
        BENCH_STORE(lane, acc[i]);
        for (j = 0; j < BENCH_VW; ++j) sum += lane[j];
    }
    return sum;
}
/* n: a multiple of 128 */
static float BENCH_FN(read)(const float *x, size_t n)
{
    BENCH_V acc[8];
    float lane[BENCH_VW];
    size_t k;
    int i;
    BENCH_EACH(i, 8) acc[i] = BENCH_SET1(0.0f);
    for (k = 0; k < n; k += 8 * BENCH_VW)
        BENCH_EACH(i, 8) acc[i] = BENCH_ADD(acc[i], BENCH_LOAD(x + k + (size_t)i * BENCH_VW));
    for (i = 1; i < 8; ++i) acc[0] = BENCH_ADD(acc[0], acc[i]);
    BENCH_STORE(lane, acc[0]);
    return lane[0];
}
static void BENCH_FN(triad)(float *x, const float *y, const float *z, size_t n)
{
    const BENCH_V s = BENCH_SET1(0.5f);
    size_t k;
    int i;
    for (k = 0; k < n; k += 4 * BENCH_VW)
        BENCH_EACH(i, 4) {
            const size_t at = k + (size_t)i * BENCH_VW;
            BENCH_STORE(x + at, BENCH_FMA(s, BENCH_LOAD(z + at), BENCH_LOAD(y + at)));
        }
}
static const bench_loops BENCH_FN(loops) = {
    BENCH_ISA,      2.0 * BENCH_PER * BENCH_ACC * BENCH_VW,
    BENCH_FN(fma),  BENCH_FN(read),
    BENCH_FN(triad),
};
#undef BENCH_PASS
#undef BENCH_ISA
#undef BENCH_V
#undef BENCH_VW
#undef BENCH_ACC
#undef BENCH_SET1
#undef BENCH_LOAD
#undef BENCH_STORE
#undef BENCH_ADD
#undef BENCH_FMA
#undef BENCH_PER

#elif !defined(PAW_BENCH_MACHINE_H)
#define PAW_BENCH_MACHINE_H

#define BENCH_MOST 100 /* repetitions */

/* What a row is compared with. */
enum { BENCH_NONE, BENCH_FLOPS, BENCH_DOTS, BENCH_TRIAD, BENCH_READ, BENCH_COPY };
static inline int bench_of_core(int kind) { return kind == BENCH_FLOPS || kind == BENCH_DOTS; }

typedef struct {
    int isa;
    double flops; /* of a turn of fma */
    float (*fma)(size_t turns);
    float (*read)(const float *x, size_t n);
    void (*triad)(float *x, const float *y, const float *z, size_t n);
} bench_loops;

/* Unrolled, or the accumulators would live on the stack. */
#define BENCH_EACH(i, n) PAW__UNROLL for (i = 0; i < (n); ++i)
#define BENCH_FN(name) PAW__CAT(bench_##name, BENCH_PASS)
#define BENCH_PASS scalar
#define BENCH_ISA PAW_ISA_SCALAR
#define BENCH_V float
#define BENCH_VW 1
#define BENCH_ACC 12
#define BENCH_SET1(x) (x)
#define BENCH_LOAD(p) (*(p))
#define BENCH_STORE(p, v) (*(p) = (v))
#define BENCH_ADD(a, b) ((a) + (b))
#define BENCH_FMA(a, b, c) ((a) * (b) + (c))
#include "machine.h"
#if defined(PAW__ARM)
#define BENCH_PASS neon
#define BENCH_ISA PAW_ISA_NEON
#define BENCH_V float32x4_t
#define BENCH_VW 4
#define BENCH_ACC 24
#define BENCH_SET1(x) vdupq_n_f32(x)
#define BENCH_LOAD(p) vld1q_f32(p)
#define BENCH_STORE(p, v) vst1q_f32(p, v)
#define BENCH_ADD(a, b) vaddq_f32(a, b)
#define BENCH_FMA(a, b, c) vfmaq_f32(c, a, b)
#include "machine.h"
#if defined(PAW__DOTS)
PAW__BEGIN("arch=armv8.2-a+bf16")
#define BENCH_PASS dots
#define BENCH_ISA PAW_ISA_NEON
#define BENCH_PER 2
#define BENCH_V float32x4_t
#define BENCH_VW 4
#define BENCH_ACC 24
#define BENCH_SET1(x) vdupq_n_f32(x)
#define BENCH_LOAD(p) vld1q_f32(p)
#define BENCH_STORE(p, v) vst1q_f32(p, v)
#define BENCH_ADD(a, b) vaddq_f32(a, b)
#define BENCH_FMA(a, b, c) \
    vbfdotq_f32(a, vreinterpretq_bf16_f32(b), vreinterpretq_bf16_f32(c))
#include "machine.h"
PAW__END
#endif
#elif defined(PAW__X86)
PAW__BEGIN("avx2,fma")
#define BENCH_PASS avx2
#define BENCH_ISA PAW_ISA_AVX2
#define BENCH_V __m256
#define BENCH_VW 8
#define BENCH_ACC 12
#define BENCH_SET1(x) _mm256_set1_ps(x)
#define BENCH_LOAD(p) _mm256_loadu_ps(p)
#define BENCH_STORE(p, v) _mm256_storeu_ps(p, v)
#define BENCH_ADD(a, b) _mm256_add_ps(a, b)
#define BENCH_FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#include "machine.h"
PAW__END
PAW__BEGIN("avx2,fma,avx512f")
#define BENCH_PASS avx512
#define BENCH_ISA PAW_ISA_AVX512
#define BENCH_V __m512
#define BENCH_VW 16
#define BENCH_ACC 24
#define BENCH_SET1(x) _mm512_set1_ps(x)
#define BENCH_LOAD(p) _mm512_loadu_ps(p)
#define BENCH_STORE(p, v) _mm512_storeu_ps(p, v)
#define BENCH_ADD(a, b) _mm512_add_ps(a, b)
#define BENCH_FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#include "machine.h"
PAW__END
#if defined(PAW__DOTS)
PAW__BEGIN("avx2,fma,avx512f,avx512bw,avx512bf16")
#define BENCH_PASS dots
#define BENCH_ISA PAW_ISA_AVX512
#define BENCH_PER 2
#define BENCH_V __m512
#define BENCH_VW 16
#define BENCH_ACC 24
#define BENCH_SET1(x) _mm512_set1_ps(x)
#define BENCH_LOAD(p) _mm512_loadu_ps(p)
#define BENCH_STORE(p, v) _mm512_storeu_ps(p, v)
#define BENCH_ADD(a, b) _mm512_add_ps(a, b)
#define BENCH_FMA(a, b, c) _mm512_dpbf16_ps(a, (__m512bh)(b), (__m512bh)(c))
#include "machine.h"
PAW__END
#endif
#endif

static const bench_loops *bench_loops_of(int isa, int kind) /* isa below 0: the best there is */
{
#if defined(PAW__DOTS)
    if (kind == BENCH_DOTS) return &bench_loops_dots;
#endif
    (void)kind;
    if (isa < 0) isa = paw__cpu_isa();
#if defined(PAW__ARM)
    if (isa == PAW_ISA_NEON) return &bench_loops_neon;
#elif defined(PAW__X86)
    if (isa == PAW_ISA_AVX2) return &bench_loops_avx2;
    if (isa == PAW_ISA_AVX512) return &bench_loops_avx512;
#endif
    return &bench_loops_scalar;
}

static inline int bench_ascending(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}
static inline double bench_median(const double *x, int n, double *least, double *most)
{
    double s[BENCH_MOST];
    memcpy(s, x, (size_t)n * sizeof *s);
    qsort(s, (size_t)n, sizeof *s, bench_ascending);
    if (least) *least = s[0];
    if (most) *most = s[n - 1];
    return (s[(n - 1) / 2] + s[n / 2]) / 2;
}

typedef struct {
    paw_ctx *ctx;
    float *memory; /* for the bandwidth, grown as needed */
    size_t count;
    size_t next; /* floats of a lane's share that the last look left off at */
} bench_machine;

/* One lane a thread, all started together once their clocks and wide units have come up. */
typedef struct {
    const bench_loops *loops;
    int kind, threads;
    int *ready;       /* atomic */
    float *at;        /* this lane's share of the memory */
    size_t n, window; /* floats of an operand, of which a step takes so many; multiples of 128 */
    size_t next;      /* where the next step begins */
    double seconds;   /* to take, at least */
    double work;      /* FLOP or bytes */
    double start, end;
    volatile float sink;
} bench_lane;
#define BENCH_RAMP 0.002 /* seconds that frequency and wide units are given */
#define BENCH_STEP 1e-4  /* seconds of a step between two looks at the clock, about */

static inline void bench_lane_step(bench_lane *l)
{
    const size_t operands = l->kind == BENCH_READ ? 1 : l->kind == BENCH_COPY ? 2 : 3;
    /* What is only a part of the memory is gone over once: a second time it would be in a cache. */
    const size_t turns = l->window < l->n
                             ? 1 : 1 + 1000000 / (l->window * operands * sizeof(float) + 1);
    float *x = l->at + l->next;
    size_t i;
    for (i = 0; i < turns; ++i) {
        if (l->kind == BENCH_READ) l->sink = l->loops->read(x, l->window);
        if (l->kind == BENCH_COPY) memcpy(x, x + l->n, l->window * sizeof *x);
        if (l->kind == BENCH_TRIAD) l->loops->triad(x, x + l->n, x + 2 * l->n, l->window);
        __asm__ volatile("" : : "r"(x) : "memory");
    }
    l->next = l->next + 2 * l->window <= l->n ? l->next + l->window : 0;
    /* of a copy half the bytes are counted */
    l->work += (double)(turns * l->window * sizeof *x) * (l->kind == BENCH_TRIAD ? 3 : 1);
}
static inline void *bench_lane_main(void *arg)
{
    bench_lane *l = (bench_lane *)arg;
    const size_t turns = (size_t)(BENCH_STEP * 1e11 / l->loops->flops);
    for (l->start = cli_seconds(); cli_seconds() - l->start < BENCH_RAMP;)
        l->sink = l->loops->fma(turns / 10);
    __atomic_add_fetch(l->ready, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(l->ready, __ATOMIC_ACQUIRE) < l->threads) paw__pause();
    l->start = cli_seconds();
    do {
        if (!bench_of_core(l->kind)) bench_lane_step(l);
        else l->sink = l->loops->fma(turns), l->work += (double)turns * l->loops->flops;
        l->end = cli_seconds();
    } while (l->end - l->start < l->seconds);
    return NULL;
}
/* Bytes or FLOP a second that as many threads reach at once over so many seconds: one sample. */
static inline double bench_look(bench_machine *m, int kind, int isa, int threads, size_t part,
                                double seconds)
{
    const size_t operands = kind == BENCH_READ ? 1 : kind == BENCH_COPY ? 2 : 3;
    bench_lane lane[PAW__MAX_THREADS];
    pthread_t id[PAW__MAX_THREADS];
    double work, start, end;
    int i, started = 1, ready = 0;
    for (i = 0; i < threads; ++i) {
        bench_lane *l = &lane[i];
        l->loops = bench_loops_of(isa, kind);
        l->kind = kind;
        l->threads = threads;
        l->ready = &ready;
        l->at = m->memory + (size_t)i * part;
        l->n = part / operands / 128 * 128;
        l->window = kind == BENCH_COPY ? l->n : paw__min(l->n, 65536);
        l->next = m->next + l->window <= l->n ? m->next : 0;
        l->seconds = seconds;
        l->work = 0;
    }
    for (; started < threads; ++started)
        if (pthread_create(&id[started], NULL, bench_lane_main, &lane[started])) break;
    __atomic_add_fetch(&ready, threads - started, __ATOMIC_ACQ_REL);
    (void)bench_lane_main(&lane[0]);
    for (i = 1; i < started; ++i) pthread_join(id[i], NULL);
    for (i = 0, work = 0, start = lane[0].start, end = lane[0].end; i < started; ++i) {
        work += lane[i].work;
        start = lane[i].start < start ? lane[i].start : start;
        end = lane[i].end > end ? lane[i].end : end;
    }
    m->next = lane[0].next;
    return work / (end - start);
}
/* GFLOP/s or GB/s over so many bytes; 0 where there is nothing to compare with, or no memory. */
static inline double bench_reference(bench_machine *m, int kind, int isa, int threads,
                                     size_t working, double seconds)
{
    const size_t each = working / sizeof(float) / (size_t)threads;
    const size_t part = (each + 384) / 384 * 384, whole = part * (size_t)threads;
    if (kind == BENCH_NONE || (bench_of_core(kind) && isa <= PAW_ISA_SCALAR)) return 0;
    if (!bench_of_core(kind) && whole > m->count) {
        paw__free(m->memory);
        m->memory = (float *)paw__calloc(m->ctx, whole, sizeof(float));
        m->count = m->memory ? whole : 0;
        if (!m->memory) return 0;
    }
    return bench_look(m, kind, isa, threads, part, seconds) * 1e-9;
}
#endif
