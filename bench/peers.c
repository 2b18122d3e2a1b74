#define _GNU_SOURCE /* dladdr */
/* peers.c - the products of a ViT beside OpenBLAS, BLIS and oneDNN, repetition by repetition.
 * Build: cc -O2 -I. -o peers bench/peers.c -lsleef -lm -lpthread -ldl
 * Run:   ./peers --threads 2 --markdown
 * Prints a row a product and library, then % of the FMA peak side by side. */
#include "bench.h"
#include <dlfcn.h>
#if defined(__has_include)
#if __has_include(<oneapi/dnnl/dnnl.h>)
#include <oneapi/dnnl/dnnl.h>
#if DNNL_VERSION_MAJOR == 2
#define PEERS_PACKED 1
#endif
#endif
#endif

static const cli_option options[] = {
    {"--openblas", "FILE", CLI_STR, "libopenblas.so.0", 0, 0, "OpenBLAS to load"},
    {"--coretype", "NAME", CLI_STR, "SkylakeX", 0, 0,
     "OPENBLAS_CORETYPE of a second OpenBLAS; 'none': only the one it chooses"},
    {"--tmp", "DIR", CLI_STR, "build/bench", 0, 0, "folder for the second OpenBLAS's file"},
    {"--blis", "FILE", CLI_STR, "libblis.so.4", 0, 0, "BLIS to load"},
    {"--onednn", "FILE", CLI_STR, "libdnnl.so.2", 0, 0, "oneDNN to load"},
    BENCH_THREADS_OPTION,
    BENCH_OPTIONS
};
CLI_PROGRAM("peers", "[--threads N] [options]",
            "Measures x w' of plain fp32 matrices at the shapes of ViT-Ti and ViT-B, in turns: a\n"
            "repetition of each library after the other. A library that cannot be loaded is named\n"
            "as skipped. Every result is first held against sums in double precision.\n\n"
            BENCH_ABOUT
            "partaware: weights packed at load, activations packed by the step before, and bias;\n"
            "partaware_pack: packs the activations as well. onednn_packed: weights in the layout\n"
            "that oneDNN chose. The other libraries get plain matrices, and what they read from\n"
            "the environment is yours to set (BLIS_ARCH_TYPE, DNNL_MAX_CPU_ISA).\n");

enum { OURS, OURS_PACK, OPENBLAS, OPENBLAS_CORE, BLIS, ONEDNN, ONEDNN_PACKED, PEERS };
static const char *const peer_names[PEERS] = {
    "partaware", "partaware_pack", "openblas", "openblas_core", "blis", "onednn_sgemm",
    "onednn_packed"
};

/* cblas.h's row major sgemm; dnnl.h's is row major too. */
typedef void cblas_fn(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a,
                      int lda, const float *b, int ldb, float beta, float *c, int ldc);
typedef int dnnl_fn(char ta, char tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                    int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
typedef void threads_int_fn(int n);
typedef void threads_long_fn(int64_t n);
typedef char *text_fn(void);

#if defined(PEERS_PACKED)
#define PEERS_CALLS(X)                                                                             \
    X(version) X(engine_create) X(stream_create) X(stream_wait) X(memory_desc_init_by_tag)         \
    X(matmul_desc_init) X(primitive_desc_create) X(primitive_desc_query_md)                        \
    X(primitive_desc_destroy) X(primitive_create) X(primitive_destroy) X(primitive_execute)        \
    X(memory_create) X(memory_destroy) X(reorder_primitive_desc_create)
typedef struct {
#define PEERS_MEMBER(name) __typeof__(&dnnl_##name) name;
    PEERS_CALLS(PEERS_MEMBER)
#undef PEERS_MEMBER
} dnnl_api;
#endif
typedef struct {
    cli *app;
    bench b;
    void *library[PEERS];
    char about[PEERS][80]; /* "": skipped */
    cblas_fn *cblas[PEERS];
    dnnl_fn *dnnl;
    paw__team team;
#if defined(PEERS_PACKED)
    dnnl_api api;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
#endif
} peers;
typedef struct {
    peers *p;
    int peer;
    size_t m, k, n;
    float *x, *w, *out, *a, *packed, *partial, *zero; /* x [m, k], w [n, k], out [m, n] */
    paw__linear linear;
#if defined(PEERS_PACKED)
    dnnl_primitive_t primitive;
    dnnl_memory_t memory[3];
#endif
    int failed;
} product;

/* ---- libraries ---- */

/* dlsym gives an object pointer; the bits of the function are in it. */
static int find(void *library, const char *name, void *fn)
{
    void *p = library ? dlsym(library, name) : NULL;
    memcpy(fn, &p, sizeof p);
    return p != NULL;
}
static void *load(peers *p, int peer, const char *path)
{
    p->library[peer] = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!p->library[peer]) cli_say(p->app, "%s: skipped: %s", peer_names[peer], dlerror());
    return p->library[peer];
}
static void open_openblas(peers *p, int peer, const char *path, int threads)
{
    threads_int_fn *set;
    text_fn *core;
    if (!load(p, peer, path)) return;
    if (!find(p->library[peer], "cblas_sgemm", &p->cblas[peer])) return;
    if (find(p->library[peer], "openblas_set_num_threads", &set)) set(threads);
    snprintf(p->about[peer], sizeof p->about[peer], "OpenBLAS, core type %.30s",
             find(p->library[peer], "openblas_get_corename", &core) ? core() : "unknown");
}
static int copy_file(peers *p, const char *from, int to)
{
    uint8_t *bytes = NULL;
    size_t size = 0, done = 0;
    if (paw_file_read(p->app->ctx, from, &bytes, &size)) return 0;
    while (done < size) {
        const ssize_t n = write(to, bytes + done, size - done);
        if (n <= 0) break;
        done += (size_t)n;
    }
    paw_file_free(p->app->ctx, bytes);
    return done == size;
}
/* A copy of the file is another library to the loader, and reads the variable anew. */
static void open_openblas_core(peers *p, const char *core, int threads)
{
    char path[1024];
    Dl_info from;
    void *symbol = NULL;
    int file;
    if (!strcmp(core, "none") || !p->cblas[OPENBLAS]) return;
    memcpy(&symbol, &p->cblas[OPENBLAS], sizeof symbol);
    snprintf(path, sizeof path, "%.1000s/peers_XXXXXX", cli_text(p->app, "--tmp"));
    file = dladdr(symbol, &from) ? mkstemp(path) : -1;
    if (file < 0 || !copy_file(p, from.dli_fname, file)) {
        cli_say(p->app, "openblas_core: skipped: %s cannot be copied to %s", "the library", path);
    } else {
        (void)setenv("OPENBLAS_CORETYPE", core, 1);
        open_openblas(p, OPENBLAS_CORE, path, threads);
        (void)unsetenv("OPENBLAS_CORETYPE");
    }
    if (file >= 0) (void)close(file), (void)remove(path);
}
static void open_blis(peers *p, int threads)
{
    threads_long_fn *set;
    int (*id)(void);
    char *(*arch)(int);
    if (!load(p, BLIS, cli_text(p->app, "--blis"))) return;
    if (!find(p->library[BLIS], "cblas_sgemm", &p->cblas[BLIS])) return;
    if (find(p->library[BLIS], "bli_thread_set_num_threads", &set)) set(threads);
    snprintf(p->about[BLIS], sizeof p->about[BLIS], "BLIS, architecture %.30s",
             find(p->library[BLIS], "bli_arch_query_id", &id) &&
             find(p->library[BLIS], "bli_arch_string", &arch) ? arch(id()) : "unknown");
}
#if defined(PEERS_PACKED)
/* ---- oneDNN's matmul, which chooses the layout of the weights ---- */

static int packed_library(peers *p)
{
    int found = 1;
#define PEERS_FIND(name) found &= find(p->library[ONEDNN], "dnnl_" #name, &p->api.name);
    PEERS_CALLS(PEERS_FIND)
#undef PEERS_FIND
    return found && p->api.version()->major == DNNL_VERSION_MAJOR &&
           !p->api.engine_create(&p->engine, dnnl_cpu, 0) &&
           !p->api.stream_create(&p->stream, p->engine, dnnl_stream_default_flags);
}
static int packed_weights(product *j, const dnnl_memory_desc_t *chosen) /* 0: done */
{
    const dnnl_api *d = &j->p->api;
    const dnnl_dims_t dims = { (int64_t)j->k, (int64_t)j->n };
    dnnl_memory_desc_t plain;
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_t pack = NULL;
    dnnl_memory_t from = NULL;
    dnnl_exec_arg_t args[2];
    int bad = d->memory_desc_init_by_tag(&plain, 2, dims, dnnl_f32, dnnl_ba) ||
              d->memory_create(&from, &plain, j->p->engine, j->w) ||
              d->reorder_primitive_desc_create(&desc, &plain, j->p->engine, chosen, j->p->engine,
                                               NULL) ||
              d->primitive_create(&pack, desc);
    args[0].arg = DNNL_ARG_FROM;
    args[0].memory = from;
    args[1].arg = DNNL_ARG_TO;
    args[1].memory = j->memory[1];
    bad = bad || d->primitive_execute(pack, j->p->stream, 2, args) || d->stream_wait(j->p->stream);
    if (pack) (void)d->primitive_destroy(pack);
    if (desc) (void)d->primitive_desc_destroy(desc);
    if (from) (void)d->memory_destroy(from);
    return bad;
}
static int packed_open(product *j) /* 0: done */
{
    const dnnl_api *d = &j->p->api;
    const dnnl_dims_t x = { (int64_t)j->m, (int64_t)j->k }, w = { (int64_t)j->k, (int64_t)j->n };
    const dnnl_dims_t out = { (int64_t)j->m, (int64_t)j->n };
    dnnl_memory_desc_t md[3];
    const dnnl_memory_desc_t *chosen;
    dnnl_matmul_desc_t matmul;
    dnnl_primitive_desc_t desc;
    int bad;
    if (d->memory_desc_init_by_tag(&md[0], 2, x, dnnl_f32, dnnl_ab) ||
        d->memory_desc_init_by_tag(&md[1], 2, w, dnnl_f32, dnnl_format_tag_any) ||
        d->memory_desc_init_by_tag(&md[2], 2, out, dnnl_f32, dnnl_ab) ||
        d->matmul_desc_init(&matmul, &md[0], &md[1], NULL, &md[2]) ||
        d->primitive_desc_create(&desc, &matmul, NULL, j->p->engine, NULL))
        return 1;
    chosen = d->primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
    bad = d->primitive_create(&j->primitive, desc) ||
          d->memory_create(&j->memory[0], &md[0], j->p->engine, j->x) ||
          d->memory_create(&j->memory[1], chosen, j->p->engine, DNNL_MEMORY_ALLOCATE) ||
          d->memory_create(&j->memory[2], &md[2], j->p->engine, j->out) ||
          packed_weights(j, chosen);
    (void)d->primitive_desc_destroy(desc);
    return bad;
}
static int packed_call(const product *j)
{
    static const int slots[3] = { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST };
    dnnl_exec_arg_t args[3];
    int i;
    for (i = 0; i < 3; ++i) args[i].arg = slots[i], args[i].memory = j->memory[i];
    return j->p->api.primitive_execute(j->primitive, j->p->stream, 3, args) ||
           j->p->api.stream_wait(j->p->stream);
}
static void packed_close(product *j)
{
    int i;
    if (j->primitive) (void)j->p->api.primitive_destroy(j->primitive);
    for (i = 0; i < 3; ++i)
        if (j->memory[i]) (void)j->p->api.memory_destroy(j->memory[i]);
}
#endif

static void open_onednn(peers *p)
{
    if (!load(p, ONEDNN, cli_text(p->app, "--onednn"))) return;
    if (!find(p->library[ONEDNN], "dnnl_sgemm", &p->dnnl)) return;
    snprintf(p->about[ONEDNN], sizeof p->about[ONEDNN], "oneDNN, dnnl_sgemm");
#if defined(PEERS_PACKED)
    if (packed_library(p)) {
        const dnnl_version_t *v = p->api.version();
        snprintf(p->about[ONEDNN_PACKED], sizeof p->about[ONEDNN_PACKED], "oneDNN %d.%d.%d, matmul",
                 v->major, v->minor, v->patch);
    }
#endif
    if (!p->about[ONEDNN_PACKED][0])
        cli_say(p->app, "onednn_packed: skipped: built without the headers of that oneDNN 2");
}
/* Threads that wait by spinning for longer than the peak's run-up would spoil what comes after
   them; both variables are read when a library is loaded. */
static void open_all(peers *p, int threads)
{
    char text[16];
    snprintf(text, sizeof text, "%d", threads);
    (void)setenv("OMP_NUM_THREADS", text, 1);
    (void)setenv("GOMP_SPINCOUNT", "20000", 0);
    (void)setenv("OPENBLAS_THREAD_TIMEOUT", "20", 0);
    snprintf(p->about[OURS], sizeof p->about[OURS], "partaware %s", cli_version());
    snprintf(p->about[OURS_PACK], sizeof p->about[OURS_PACK], "with packing");
    open_openblas(p, OPENBLAS, cli_text(p->app, "--openblas"), threads);
    open_openblas_core(p, cli_text(p->app, "--coretype"), threads);
    open_blis(p, threads);
    open_onednn(p);
}

/* ---- products ---- */

/* ---- products ---- */

static void product_call(void *arg)
{
    product *j = (product *)arg;
    const peers *p = j->p;
    const int m = (int)j->m, k = (int)j->k, n = (int)j->n;
    if (j->peer == OURS_PACK) {
        paw__pack_job pack;
        memset(&pack, 0, sizeof pack);
        pack.x = j->x;
        pack.ld = pack.k = pack.padded = j->k;
        pack.rows = j->m;
        pack.panels = paw__panels_of(j->m, p->team.ops->mr);
        pack.out = j->a;
        paw__team_for(&p->team, pack.panels.count, paw__pack_a_item, &pack);
    }
    if (j->peer == OURS || j->peer == OURS_PACK) {
        paw__product g = paw__product_of(&p->team, &j->linear, j->a, j->m);
        g.to = PAW__TO_ROWS;
        g.out = j->out;
        g.ld = j->n;
        paw__product_run(&p->team, &g, j->partial);
    } else if (p->cblas[j->peer]) {
        p->cblas[j->peer](101, 111, 112, m, n, k, 1, j->x, k, j->w, k, 0, j->out, n);
    } else if (j->peer == ONEDNN) {
        j->failed |= p->dnnl('N', 'T', m, n, k, 1, j->x, k, j->w, k, 0, j->out, n);
    }
#if defined(PEERS_PACKED)
    else
        j->failed |= packed_call(j);
#endif
}
static float *noise(paw_ctx *c, size_t count, float range) /* seeded, uniform in +-range */
{
    float *x = (float *)paw__alloc(c, count, sizeof *x);
    uint64_t s = 20240607;
    size_t i;
    for (i = 0; x && i < count; ++i) {
        s = s * 6364136223846793005u + 1442695040888963407u;
        x[i] = ((float)(s >> 40) / 8388608.0f - 1.0f) * range;
    }
    return x;
}
static void product_close(product *j)
{
#if defined(PEERS_PACKED)
    packed_close(j);
#endif
    paw__free(j->x);
    paw__free(j->w);
    paw__free(j->out);
    paw__free(j->a);
    paw__free(j->packed);
    paw__free(j->partial);
    paw__free(j->zero);
}
static int product_open(product *j, peers *p, size_t m, size_t k, size_t n)
{
    paw_ctx *c = p->app->ctx;
    const paw__panels panels = paw__panels_of(m, p->team.ops->mr);
    memset(j, 0, sizeof *j);
    j->p = p;
    j->m = m;
    j->k = k;
    j->n = n;
    j->x = noise(c, m * k, 1);
    j->w = noise(c, n * k, 0.02f);
    j->out = (float *)paw__calloc(c, m * n, sizeof(float));
    j->a = (float *)paw__calloc(c, m * k, sizeof(float));
    j->packed = (float *)paw__calloc(c, n * k, sizeof(float));
    j->partial = (float *)paw__calloc(c, paw__partial_count(k, n) + 1, sizeof(float));
    j->zero = (float *)paw__calloc(c, n, sizeof(float));
    if (!j->x || !j->w || !j->out || !j->a || !j->packed || !j->partial || !j->zero)
        return cli_no_memory(p->app);
    paw__pack_b(j->w, n, k, 1, 1, j->packed);
    paw__pack_a(j->x, k, k, &panels, j->a);
    j->linear.n = j->linear.n_padded = n;
    j->linear.k = j->linear.k_padded = k;
    j->linear.w = j->packed;
    j->linear.bias = j->zero;
#if defined(PEERS_PACKED)
    if (p->about[ONEDNN_PACKED][0] && packed_open(j))
        return cli_error(p->app, BENCH_REFUSED, "onednn_packed: matmul cannot be made");
#endif
    return CLI_OK;
}
/* 509 elements of the result: sum of k products in fp32, in any order, errs by k u sum |x w| at
   most to first order; twice that is allowed. */
static int product_check(product *j)
{
    const size_t count = j->m * j->n;
    size_t t, i;
    memset(j->out, 0xff, count * sizeof *j->out); /* NaN */
    product_call(j);
    for (t = 0; t < 509 && !j->failed; ++t) {
        const size_t at = t < 508 ? t * 2654435761u % count : count - 1;
        const float *x = j->x + at / j->n * j->k, *w = j->w + at % j->n * j->k;
        double sum = 0, size = 0;
        for (i = 0; i < j->k; ++i) {
            sum += (double)x[i] * (double)w[i];
            size += fabs((double)x[i] * (double)w[i]);
        }
        if (!(fabs((double)j->out[at] - sum) <= (double)j->k * 1.1920928955078125e-7 * size))
            j->failed = 1;
    }
    return !j->failed ? CLI_OK
                      : cli_error(j->p->app, BENCH_REFUSED, "self-check failed: %s at %zux%zux%zu; "
                                  "nothing more was measured", peer_names[j->peer], j->m, j->k,
                                  j->n);
}

/* ---- rows ---- */

typedef struct {
    char name[40];
    double percent[PEERS]; /* below 0: not measured */
} shape_row;

static int run_shape(peers *p, const char *name, size_t m, size_t k, size_t n, shape_row *out)
{
    product jobs[PEERS];
    bench_row rows[PEERS];
    product shared;
    size_t count = 0, i;
    int peer, code = product_open(&shared, p, m, k, n);
    snprintf(out->name, sizeof out->name, "%s %zux%zux%zu", name, m, k, n);
    for (peer = 0; peer < PEERS; ++peer) {
        bench_row *r = &rows[count];
        out->percent[peer] = -1;
        if (!p->about[peer][0]) continue;
        *r = bench_row_of(peer_names[peer], paw_isa(), p->team.wide ? p->app->ctx->threads : 1,
                          product_call, &jobs[count]);
        snprintf(r->shape, sizeof r->shape, "%zux%zux%zu", m, k, n);
        r->flops = 2.0 * (double)m * (double)n * (double)k;
        r->bytes = 4.0 * ((double)m * (double)(k + n) + (double)n * (double)k);
        r->reference = BENCH_FLOPS;
        jobs[count] = shared;
        jobs[count].peer = peer;
        if (!bench_wanted(&p->b, r)) continue;
        if (!code) code = product_check(&jobs[count]);
        ++count;
    }
    if (!code && count) code = bench_measure_beside(&p->b, rows, count);
    for (i = 0; !code && i < count; ++i) {
        if (jobs[i].failed) code = cli_error(p->app, BENCH_REFUSED, "%s failed", rows[i].kernel);
        out->percent[jobs[i].peer] = bench_figures_of(&rows[i]).percent;
        if (!p->b.markdown) bench_print(&p->b, &rows[i]);
        else ++p->b.rows;
    }
    product_close(&shared);
    return code;
}
static void print_beside(const peers *p, const shape_row *rows, size_t count)
{
    const char *bar = p->b.markdown ? " |" : "";
    double x[BENCH_MOST];
    size_t i;
    int peer, n;
    for (peer = 0; peer < PEERS; ++peer)
        if (p->about[peer][0])
            printf("%s%s: %s%s\n", p->b.markdown ? "" : "# ", peer_names[peer], p->about[peer],
                   p->b.markdown ? "  " : "");
    printf("\n%s%-24s%s", p->b.markdown ? "| " : "", "% of FMA peak", bar);
    for (peer = 0; peer < PEERS; ++peer) printf(" %14s%s", peer_names[peer], bar);
    if (p->b.markdown) {
        printf("\n| --- |");
        for (peer = 0; peer < PEERS; ++peer) printf(" ---: |");
    }
    for (i = 0; i <= count; ++i) {
        printf("\n%s%-24s%s", p->b.markdown ? "| " : "", i < count ? rows[i].name : "median", bar);
        for (peer = 0; peer < PEERS; ++peer) {
            size_t k;
            for (k = 0, n = 0; k < count; ++k)
                if ((i == count || k == i) && rows[k].percent[peer] >= 0)
                    x[n++] = rows[k].percent[peer];
            if (n) printf(" %14.1f%s", bench_median(x, n, NULL, NULL), bar);
            else printf(" %14s%s", "skipped", bar);
        }
    }
    putchar('\n');
}
static int run_all(peers *p)
{
    static const size_t dims[] = { 192, 768 }, tokens[] = { 197, 1025, 8 * 197 };
    static const char *const names[] = { "qkv", "proj", "fc1", "fc2" };
    shape_row rows[24];
    size_t i, m, s, count = 0;
    int code = CLI_OK;
    for (i = 0; i < 2; ++i)
        for (m = 0; m < 3; ++m)
            for (s = 0; !code && s < 4; ++s) {
                const size_t d = dims[i], k = s == 3 ? 4 * d : d;
                const size_t n = s == 0 ? 3 * d : s == 2 ? 4 * d : d;
                const int before = p->b.rows;
                code = run_shape(p, names[s], tokens[m], k, n, &rows[count]);
                count += p->b.rows > before;
            }
    if (!code && count && !p->b.json && !p->b.csv) print_beside(p, rows, count);
    return code;
}
int main(int argc, char **argv)
{
    cli app;
    peers p;
    int i, code;
    cli_start(&app, argc, argv, &program);
    memset(&p, 0, sizeof p);
    p.app = &app;
    p.team.c = app.ctx;
    p.team.ops = paw__ops_now();
    p.team.wide = paw_threads_used(app.ctx) > 1;
    open_all(&p, paw_threads_used(app.ctx));
    for (i = OPENBLAS; i < PEERS; ++i)
        if (!p.about[i][0]) p.cblas[i] = NULL;
    bench_start(&p.b, &app);
    code = run_all(&p);
    return cli_end(&app, bench_end(&p.b, code));
}
