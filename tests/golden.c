/* golden [--golden DIR] [--weights FILE] [--data DIR]: compares this library with the outputs that
   the official implementations gave, on every instruction set of this machine.
   DIR holds a folder per family (a checkpoint and the arrays it gave), position/, preprocess/,
   probes/, cub_deit_tiny/ and imagenet_deit_tiny/. Widths, depths, grids and counts are read from
   the files. One line per check with the largest difference and its share of the tolerance; the
   last line is "golden: N passed, N failed, N skipped". Exit: 1 a check failed, 2 usage. */
#define _POSIX_C_SOURCE 200809L
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "t.h"

#define PATH 1280
#define BATCH 16

typedef struct {
    const char *golden, *weights, *data;
} options;

typedef struct {
    int ndim;
    size_t shape[PAW_MAX_DIMS], count;
    float *f;  /* read as float32 */
    double *d; /* or as float64 */
} array;

static paw_ctx *ctx;
static const char *isa_name = ""; /* of the present pass */

/* ---- results ---- */

static void say(const char *verdict, const char *check, const char *detail)
{
    printf("%s %-6s %-44s %s\n", verdict, isa_name, check, detail);
    fflush(stdout);
}
static int result(int ok, const char *check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int result(int ok, const char *check, const char *format, ...)
{
    char detail[800];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    if (ok) ++t_passed;
    else ++t_failed;
    say(ok ? "PASS" : "FAIL", check, detail);
    return ok;
}
static void skip(const char *check, const char *why)
{
    ++t_skipped;
    say("SKIP", check, why);
}
static int error(paw_err e, const char *check) /* 1 where e is an error: the check has failed */
{
    if (e) result(0, check, "%s: %s", paw_strerror(e), paw_message(ctx));
    return e != 0;
}

/* The difference of one pair and its share of the tolerance absolute + relative * |want|. */
typedef struct {
    double largest, share;
} gap;
static void gap_add(gap *g, double got, double want, double absolute, double relative)
{
    double diff = fabs(got - want), share = diff / (absolute + relative * fabs(want));
    if (diff > g->largest || diff != diff) g->largest = diff; /* a NaN stays */
    if (share > g->share || share != share) g->share = share;
}
static int gap_result(const gap *g, const char *check)
{
    return result(g->share <= 1, check, "largest difference %.3g, %.3g of the tolerance",
                  g->largest, g->share);
}
static void compare(const char *check, const float *got, const float *want, size_t n,
                    double absolute, double relative)
{
    gap g = { 0, 0 };
    size_t i;
    for (i = 0; i < n; ++i) gap_add(&g, (double)got[i], (double)want[i], absolute, relative);
    gap_result(&g, check);
}

/* ---- files ---- */

static const char *join(char *dst, const char *folder, const char *name)
{
    if (snprintf(dst, PATH, "%s/%s", folder, name) >= PATH) dst[0] = 0; /* opens as missing */
    return dst;
}
static int exists(const char *folder, const char *name)
{
    char path[PATH];
    struct stat st;
    return !stat(join(path, folder, name), &st);
}
static int ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && !strcmp(s + n - m, end);
}
static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}
/* Sorted names of a folder; the caller frees each and the list. 0 where there is none. */
static size_t list(const char *folder, char ***names)
{
    DIR *dir = opendir(folder);
    struct dirent *e;
    size_t n = 0, cap = 0;
    *names = NULL;
    while (dir && (e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.') continue;
        if (n == cap) *names = (char **)realloc(*names, (cap = 2 * cap + 64) * sizeof(char *));
        if (!*names) abort();
        (*names)[n++] = strdup(e->d_name);
    }
    if (dir) closedir(dir);
    if (n) qsort(*names, n, sizeof(char *), by_name);
    return n;
}
static void list_free(char **names, size_t n)
{
    while (n) free(names[--n]);
    free(names);
}
static void array_free(array *a)
{
    free(a->f);
    free(a->d);
    memset(a, 0, sizeof *a);
}
/* Reads folder/name.npy as PAW_F32 or PAW_F64. 0 and an untouched a where the file is absent (the
   caller decides what that means) or unreadable (a failed check). */
static int array_read(const char *folder, const char *name, int as, array *a)
{
    char path[PATH], file[160];
    paw_tensors *t = NULL;
    paw_tensor_info info;
    void *data;
    paw_err e;
    snprintf(file, sizeof file, "%s.npy", name);
    if (!exists(folder, file)) return 0;
    if (error(paw_tensors_open(ctx, join(path, folder, file), &t), path)) return 0;
    e = paw_tensors_info(t, 0, &info);
    data = malloc((e ? 0 : info.count) * (as == PAW_F64 ? 8 : 4) + 1);
    if (!data) abort();
    if (!e) e = paw_tensors_read(ctx, t, 0, as, data, info.count);
    paw_tensors_close(t);
    if (error(e, path)) {
        free(data);
        return 0;
    }
    memset(a, 0, sizeof *a);
    a->ndim = info.ndim;
    a->count = info.count;
    memcpy(a->shape, info.shape, sizeof a->shape);
    if (as == PAW_F64) a->d = (double *)data;
    else a->f = (float *)data;
    return 1;
}
static char *text_read(const char *folder, const char *name) /* "" where there is none */
{
    char path[PATH], *text = NULL;
    uint8_t *bytes = NULL;
    size_t n = 0;
    if (exists(folder, name) && paw_file_read(ctx, join(path, folder, name), &bytes, &n)) n = 0;
    text = (char *)calloc(n + 1, 1);
    if (!text) abort();
    if (n) memcpy(text, bytes, n);
    paw_file_free(ctx, bytes);
    return text;
}
/* The number after "key": that follows "section" (NULL: anywhere); these files are flat enough. */
static int json_number(const char *text, const char *section, const char *key, double *out)
{
    char quoted[80];
    if (section) {
        snprintf(quoted, sizeof quoted, "\"%s\"", section);
        text = strstr(text, quoted);
    }
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    if (text) text = strstr(text, quoted);
    if (text) text = strchr(text, ':');
    if (!text) return 0;
    *out = strtod(text + 1, NULL);
    return 1;
}

/* ---- encoders ---- */

#define ENCODER_TOLERANCE 2e-5, 2e-5

typedef struct {
    const char *family; /* folder name, which is the recipe's */
    char folder[PATH], file[160];
    char label[200]; /* family/file */
    paw_model *model;
    paw_model_info info;
    int heads;
} network;

/* What one forward pass gave, [n, ...]. */
typedef struct {
    array input;
    size_t n, tokens;
    float *cls, *mean, *token, *blocks, *attention;
} features;

static float *floats(size_t a, size_t b, size_t c, size_t d)
{
    float *p = (float *)calloc(a * b * c * d + 1, sizeof(float));
    if (!p) abort();
    return p;
}
static void features_free(features *x)
{
    array_free(&x->input);
    free(x->cls);
    free(x->mean);
    free(x->token);
    free(x->blocks);
    free(x->attention);
}
static int input_fits(const network *net, const array *in)
{
    return in->ndim == 4 && in->shape[1] == 3 &&
           in->shape[2] % (size_t)net->info.patch_px == 0 &&
           in->shape[3] % (size_t)net->info.patch_px == 0;
}
/* Encodes golden/<input>.npy; attention only where asked, for it is large. */
static int features_make(const network *net, const char *golden, const char *input, int attention,
                         const char *check, features *x)
{
    const size_t dim = (size_t)net->info.dim, depth = (size_t)net->info.depth;
    const size_t heads = (size_t)net->info.heads;
    int blocks[256], i;
    paw_outputs out;
    size_t grid;
    memset(x, 0, sizeof *x);
    if (!array_read(golden, input, PAW_F32, &x->input)) return 0;
    if (!input_fits(net, &x->input) || depth > 256)
        return result(0, check, "%s does not fit the model", input);
    grid = x->input.shape[2] / (size_t)net->info.patch_px * (x->input.shape[3] /
           (size_t)net->info.patch_px);
    x->n = x->input.shape[0];
    x->tokens = 1 + grid;
    x->cls = floats(x->n, dim, 1, 1);
    x->mean = floats(x->n, dim, 1, 1);
    x->token = floats(x->n, x->tokens, dim, 1);
    x->blocks = floats(depth, x->n, x->tokens, dim);
    if (attention) x->attention = floats(x->n, heads, x->tokens, x->tokens);
    for (i = 0; i < (int)depth; ++i) blocks[i] = i;
    memset(&out, 0, sizeof out);
    out.cls = x->cls;
    out.mean = x->mean;
    out.tokens = x->token;
    out.blocks = blocks;
    out.block_count = (int)depth;
    out.block_outputs = x->blocks;
    out.attention_block = -1;
    out.attention = x->attention;
    return !error(paw_encode(net->model, ctx, x->input.f, x->n, (int)x->input.shape[2],
                             (int)x->input.shape[3], &out), check);
}

/* Which of ours a golden array is; projections are made from it by paw_project. */
enum { FROM_CLS, FROM_PATCHES, TAKE_TOKENS, TAKE_CLS, TAKE_MEAN, TAKE_BLOCKS, TAKE_ATTENTION };
typedef struct {
    const char *name;
    int source, projection;
} tap;
static const tap TAPS[] = {
    { "tokens", TAKE_TOKENS, 0 },
    { "cls", TAKE_CLS, 0 },
    { "mean", TAKE_MEAN, 0 },
    { "block_outputs", TAKE_BLOCKS, 0 },
    { "attention_last", TAKE_ATTENTION, 0 },
    { "bottleneck", FROM_CLS, PAW_BOTTLENECK },
    { "projected", FROM_CLS, PAW_PROJECTED },
    { "predicted", FROM_CLS, PAW_PREDICTED },
    { "logits", FROM_CLS, PAW_LOGITS },
    { "projected_patches", FROM_PATCHES, PAW_PROJECTED_PATCH },
};
#define TAP_COUNT (sizeof TAPS / sizeof TAPS[0])

/* Rows for paw_project: the class tokens, or the first k patch tokens of each image. */
static float *project_rows(const network *net, const features *x, size_t k, size_t *rows)
{
    const size_t dim = (size_t)net->info.dim;
    float *r = floats(x->n, k ? k : 1, dim, 1);
    size_t i;
    *rows = x->n * (k ? k : 1);
    if (!k) memcpy(r, x->cls, x->n * dim * sizeof *r);
    for (i = 0; k && i < x->n; ++i)
        memcpy(r + i * k * dim, x->token + (i * x->tokens + 1) * dim, k * dim * sizeof *r);
    return r;
}
static void check_projection(const network *net, const features *x, const tap *t, const array *want,
                             const char *check)
{
    const int width = paw_project_dim(net->model, t->projection);
    const size_t k = t->source == FROM_PATCHES && want->ndim == 3 ? want->shape[1] : 0;
    size_t rows;
    float *in, *out;
    if (want->shape[want->ndim - 1] != (size_t)width || k >= x->tokens) {
        result(0, check, "the model gives width %d", width);
        return;
    }
    in = project_rows(net, x, k, &rows);
    out = floats(rows, (size_t)width, 1, 1);
    if (rows * (size_t)width != want->count) result(0, check, "another number of rows");
    else if (!error(paw_project(net->model, ctx, t->projection, in, rows, out), check))
        compare(check, out, want->f, want->count, ENCODER_TOLERANCE);
    free(in);
    free(out);
}
static void check_taken(const network *net, const features *x, const tap *t, const array *want,
                        const char *check)
{
    const size_t dim = (size_t)net->info.dim, row = x->tokens * dim;
    const size_t map = (size_t)net->info.heads * x->tokens * x->tokens;
    const float *got = x->cls;
    size_t count = x->n * dim;
    if (t->source == TAKE_MEAN) got = x->mean;
    if (t->source == TAKE_TOKENS) got = x->token, count = x->n * row;
    if (t->source == TAKE_BLOCKS) got = x->blocks, count = (size_t)net->info.depth * x->n * row;
    /* Attention may be stored for the first images only. */
    if (t->source == TAKE_ATTENTION) got = x->attention, count = want->shape[0] * map;
    if (count != want->count || (t->source == TAKE_ATTENTION && want->shape[0] > x->n))
        result(0, check, "%zu numbers expected, the model gives %zu", want->count, count);
    else
        compare(check, got, want->f, count, ENCODER_TOLERANCE);
}
/* tried[i] counts the checkpoints of the folder that have what golden array i needs. */
static void check_taps(const network *net, const features *x, int *tried)
{
    char check[400];
    size_t i;
    for (i = 0; i < TAP_COUNT; ++i) {
        const tap *t = &TAPS[i];
        const int projects = t->source == FROM_CLS || t->source == FROM_PATCHES;
        array want;
        if (projects && !paw_project_dim(net->model, t->projection)) continue;
        if (!array_read(net->folder, t->name, PAW_F32, &want)) continue;
        ++tried[i];
        snprintf(check, sizeof check, "%s %s", net->label, t->name);
        if (projects) check_projection(net, x, t, &want, check);
        else check_taken(net, x, t, &want, check);
        array_free(&want);
    }
}

static double cosine(const float *a, const float *b, size_t n)
{
    double ab = 0, aa = 0, bb = 0;
    size_t i;
    for (i = 0; i < n; ++i) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}
/* All cosines of PAW_PROJECTED_COSINE rows are those of PAW_PROJECTED rows. */
static void check_cosines(const network *net, const features *x)
{
    const size_t wide = (size_t)paw_project_dim(net->model, PAW_PROJECTED);
    const size_t narrow = (size_t)paw_project_dim(net->model, PAW_PROJECTED_COSINE);
    char check[400];
    size_t rows, i, j;
    float *in, *a, *b;
    gap g = { 0, 0 };
    if (!wide || !narrow) return;
    snprintf(check, sizeof check, "%s cosines of projected", net->label);
    in = project_rows(net, x, paw__min(8, x->tokens - 1), &rows);
    a = floats(rows, wide, 1, 1);
    b = floats(rows, narrow, 1, 1);
    if (!error(paw_project(net->model, ctx, PAW_PROJECTED, in, rows, a), check) &&
        !error(paw_project(net->model, ctx, PAW_PROJECTED_COSINE, in, rows, b), check)) {
        for (i = 0; i < rows; ++i)
            for (j = 0; j <= i; ++j)
                gap_add(&g, cosine(b + i * narrow, b + j * narrow, narrow),
                        cosine(a + i * wide, a + j * wide, wide), 1e-5, 0);
        gap_result(&g, check);
    }
    free(in);
    free(a);
    free(b);
}
/* tokens_<H>x<W>.npy of input_<H>x<W>.npy, whatever sizes there are. */
static void check_sizes(const network *net, const char *golden)
{
    char **names, check[400], input[170];
    size_t n = list(net->folder, &names), i;
    int h, w, used;
    for (i = 0; i < n; ++i) {
        array want;
        features x;
        used = 0;
        if (sscanf(names[i], "tokens_%dx%d.npy%n", &h, &w, &used) != 2 || names[i][used] || !used)
            continue;
        names[i][strlen(names[i]) - 4] = 0;
        snprintf(input, sizeof input, "input_%dx%d", h, w);
        snprintf(check, sizeof check, "%s %s", net->label, names[i]);
        if (!array_read(net->folder, names[i], PAW_F32, &want)) continue;
        if (features_make(net, golden, input, 0, check, &x)) {
            tap t = { "", TAKE_TOKENS, 0 };
            check_taken(net, &x, &t, &want, check);
        } else if (!x.input.f)
            skip(check, "its input is missing");
        features_free(&x);
        array_free(&want);
    }
    list_free(names, n);
}
/* input_<N>.npy whose token count is that of tokens.npy. */
static int find_input(const network *net, const char *golden, char name[64])
{
    char **names;
    size_t n = list(golden, &names), i;
    int found = 0, px, used;
    array want;
    if (!array_read(net->folder, "tokens", PAW_F32, &want) &&
        !array_read(net->folder, "cls", PAW_F32, &want))
        want.ndim = 0;
    for (i = 0; i < n && !found && want.ndim; ++i) {
        const int patch = net->info.patch_px;
        used = 0;
        if (sscanf(names[i], "input_%d.npy%n", &px, &used) != 1 || !used || names[i][used])
            continue;
        if (px <= 0 || px > 100000 || px % patch) continue;
        if (want.ndim == 3 && want.shape[1] != (size_t)(1 + (px / patch) * (px / patch))) continue;
        snprintf(name, 64, "input_%d", px);
        found = 1;
    }
    if (want.ndim) array_free(&want);
    list_free(names, n);
    return found;
}
static int recipe_of(const char *family)
{
    int r;
    for (r = 1; r < PAW_RECIPES; ++r)
        if (!strcmp(paw_recipe_name(r), family)) return r;
    return 0;
}
/* The names in the file are enough to recognise the family. */
static void check_recognised(const network *net)
{
    char path[PATH], check[400];
    paw_model_opts o;
    paw_model *m = NULL;
    paw_model_info info;
    memset(&o, 0, sizeof o);
    o.heads = net->heads;
    snprintf(check, sizeof check, "%s recognised", net->label);
    if (error(paw_model_load(ctx, join(path, net->folder, net->file), &o, &m), check)) return;
    paw_model_describe(m, &info);
    result(!strcmp(info.recipe, net->family), check, "taken for %s", info.recipe);
    paw_model_free(m);
}
static void check_checkpoint(network *net, const char *golden, int *tried)
{
    char path[PATH], input[64];
    paw_model_opts o;
    features x;
    memset(&o, 0, sizeof o);
    o.recipe = recipe_of(net->family);
    o.heads = net->heads;
    snprintf(net->label, sizeof net->label, "%s", net->file);
    if (error(paw_model_load(ctx, join(path, net->folder, net->file), &o, &net->model),
              net->label))
        return;
    paw_model_describe(net->model, &net->info);
    if (!ends_with(net->file, ".safetensors")) check_recognised(net);
    if (!find_input(net, golden, input)) {
        skip(net->label, "no input_N.npy that fits it");
    } else {
        if (features_make(net, golden, input, exists(net->folder, "attention_last.npy"),
                          net->label, &x)) {
            check_taps(net, &x, tried);
            check_cosines(net, &x);
        }
        features_free(&x);
        check_sizes(net, golden);
    }
    paw_model_free(net->model);
}
static void check_family(const char *golden, const char *family, int heads)
{
    char **names, *meta, file[200];
    network net;
    int tried[TAP_COUNT], seen = 0;
    size_t n, i;
    double own;
    memset(&net, 0, sizeof net);
    memset(tried, 0, sizeof tried);
    net.family = family;
    join(net.folder, golden, family);
    meta = text_read(net.folder, "meta.json");
    net.heads = json_number(meta, NULL, "heads", &own) ? (int)own : heads;
    free(meta);
    n = list(net.folder, &names);
    for (i = 0; i < n; ++i) {
        if (!ends_with(names[i], ".pth") && !ends_with(names[i], ".pth.tar") &&
            !ends_with(names[i], ".safetensors"))
            continue;
        snprintf(net.file, sizeof net.file, "%s", names[i]);
        ++seen;
        check_checkpoint(&net, golden, tried);
    }
    for (i = 0; i < TAP_COUNT; ++i) {
        snprintf(file, sizeof file, "%s.npy", TAPS[i].name);
        if (!seen || tried[i] || !exists(net.folder, file)) continue;
        snprintf(file, sizeof file, "%s/%s", family, TAPS[i].name);
        result(0, file, "no checkpoint of the folder could be compared with it");
    }
    if (!seen) skip(family, "no checkpoint");
    list_free(names, n);
}

/* ---- position tables ---- */

typedef struct {
    const char *pattern; /* of the expected file; %d is the grid */
    const char *table;   /* of the source file */
    int from;            /* its grid */
    int rule;            /* PAW_POS_..., or 0: relative table */
    double tolerance;
} position_case;
static const position_case POSITION_CASES[] = {
    { "pos_size_%d.npy%n", "pos_table_14", 14, PAW_POS_SIZE, 1e-6 },
    { "pos_scale_%d.npy%n", "pos_table_14", 14, PAW_POS_SCALE, 1e-6 },
    { "pos28_size_%d.npy%n", "pos_table_28", 28, PAW_POS_SIZE, 1e-6 },
    { "pos28_scale_%d.npy%n", "pos_table_28", 28, PAW_POS_SCALE, 1e-6 },
    { "beit_table_%d.npy%n", "beit_table_14", 14, 0, 1e-5 },
};

static void check_table(const position_case *p, int grid, const array *from, const array *want,
                        const char *check)
{
    const size_t dim = from->shape[from->ndim - 1], rows = from->count / dim;
    const size_t g0 = (size_t)p->from, g = (size_t)grid;
    const size_t have = p->rule ? g0 * g0 : (2 * g0 - 1) * (2 * g0 - 1) + 3;
    const size_t need = p->rule ? g * g : (2 * g - 1) * (2 * g - 1) + 3;
    const size_t cls = p->rule && rows == have + 1; /* the class row comes first, if stored */
    float *out = floats(need, dim, 1, 1);
    paw_err e = PAW_OK;
    if (rows != have + cls || want->count != (need + cls) * dim) {
        result(0, check, "the shape does not go with the grids");
        free(out);
        return;
    }
    if (p->rule)
        paw__position_resize(from->f + cls * dim, p->from, (int)dim, grid, grid, p->rule, out);
    else
        e = paw__beit_resize(ctx, from->f, p->from, (int)dim, grid, grid, out);
    if (!error(e, check)) compare(check, out, want->f + cls * dim, need * dim, p->tolerance, 0);
    free(out);
}
static void check_position_file(const char *folder, char *name, int *done)
{
    size_t i;
    for (i = 0; i < sizeof POSITION_CASES / sizeof POSITION_CASES[0]; ++i) {
        const position_case *p = &POSITION_CASES[i];
        array from, want;
        int grid, used = 0;
        if (sscanf(name, p->pattern, &grid, &used) != 1 || !used || name[used]) continue;
        if (!p->rule && grid == p->from) continue;
        name[strlen(name) - 4] = 0;
        if (!array_read(folder, p->table, PAW_F32, &from)) {
            skip(name, "its source table is missing");
            return;
        }
        if (array_read(folder, name, PAW_F32, &want)) {
            check_table(p, grid, &from, &want, name);
            array_free(&want);
            ++*done;
        }
        array_free(&from);
        return;
    }
}
static void check_position(const char *golden)
{
    char folder[PATH], **names;
    size_t n, i;
    int done = 0;
    n = list(join(folder, golden, "position"), &names);
    for (i = 0; i < n; ++i) check_position_file(folder, names[i], &done);
    if (!done) skip("position", "no tables");
    list_free(names, n);
}

/* ---- preprocessing ---- */

/* Bytes must be equal; "normalized" is float. */
static void compare_image(const char *check, const paw_image *img, const array *want)
{
    size_t i, wrong = 0, n = (size_t)img->w * (size_t)img->h * 3;
    int most = 0;
    if (want->ndim != 3 || want->shape[0] != (size_t)img->h || want->shape[1] != (size_t)img->w ||
        want->count != n) {
        result(0, check, "%d x %d instead of %zu x %zu", img->w, img->h, want->shape[1],
               want->shape[0]);
        return;
    }
    for (i = 0; i < n; ++i) {
        int diff = abs((int)img->px[i] - (int)want->f[i]);
        wrong += diff != 0;
        if (diff > most) most = diff;
    }
    result(!wrong, check, "%zu of %zu bytes differ, by %d at most", wrong, n, most);
}
static void compare_normalized(const char *check, const paw_image *img, const array *want)
{
    float *chw;
    if (want->ndim != 3 || want->shape[1] != (size_t)img->h || want->shape[2] != (size_t)img->w) {
        result(0, check, "another shape");
        return;
    }
    chw = floats(3, (size_t)img->h, (size_t)img->w, 1);
    paw_normalize(img, paw_stats_find("imagenet"), chw);
    compare(check, chw, want->f, want->count, 1e-6, 0);
    free(chw);
}
/* The operation that a golden file's name (between "imgN." and ".npy") tells. */
static paw_err image_operation(const char *op, const paw_image *in, const double box[4],
                               paw_image *out)
{
    paw_image mid = { NULL, 0, 0 };
    int a = 0, b = 0, used = 0;
    paw_err e = PAW_E_UNSUP;
    if (!strcmp(op, "crop") && box) return paw_image_crop(ctx, in, box, out);
    if (sscanf(op, "crop_resize%d%n", &a, &used) == 1 && !op[used] && box) {
        e = paw_image_crop(ctx, in, box, &mid);
        if (!e) e = paw_image_resize_short(ctx, &mid, a, out);
    } else if (sscanf(op, "resize%d_center%d%n", &a, &b, &used) == 2 && !op[used]) {
        e = paw_image_resize_short(ctx, in, a, &mid);
        if (!e) e = paw_image_center_crop(ctx, &mid, b, b, out);
    } else if (sscanf(op, "resize%d%n", &a, &used) == 1 && !op[used])
        return paw_image_resize_short(ctx, in, a, out);
    paw_image_free(ctx, &mid);
    return e;
}
static void check_operation(const char *folder, const char *name, const paw_image *img,
                            const double box[4])
{
    const char *op = strchr(name, '.') + 1;
    const int normalized = !strcmp(op, "normalized");
    paw_image out = { NULL, 0, 0 };
    array want;
    if (!array_read(folder, name, PAW_F32, &want)) return;
    /* "normalized" is the test transform of classification: Resize(256), CenterCrop(224) */
    if (!error(image_operation(normalized ? "resize256_center224" : op, img, box, &out), name)) {
        if (normalized) compare_normalized(name, &out, &want);
        else compare_image(name, &out, &want);
    }
    paw_image_free(ctx, &out);
    array_free(&want);
}
/* box i of meta.json; NULL where there are fewer */
static const double *crop_box(const char *meta, int i, double box[4])
{
    int k;
    char *end;
    for (; i >= 0; --i) {
        meta = strstr(meta, "\"crop_box\"");
        if (!meta) return NULL;
        meta += 10;
    }
    meta = strchr(meta, '[');
    for (k = 0; meta && k < 4; ++k) {
        box[k] = strtod(meta + 1, &end);
        meta = end;
    }
    return meta ? box : NULL;
}
static void check_jpeg(const char *folder, const char *stem)
{
    char path[PATH], file[160], check[200];
    paw_image img;
    array want;
    double sum = 0, most = 0;
    size_t i;
    snprintf(file, sizeof file, "%s.jpg", stem);
    snprintf(check, sizeof check, "%s.decoded", stem);
    if (!array_read(folder, check, PAW_F32, &want)) return;
    if (!error(paw_image_load(ctx, join(path, folder, file), &img), check)) {
        const size_t n = (size_t)img.w * (size_t)img.h * 3;
        for (i = 0; i < n && n == want.count; ++i) {
            double diff = fabs((double)img.px[i] - (double)want.f[i]);
            sum += diff;
            if (diff > most) most = diff;
        }
        /* The standard leaves the inverse transform's rounding and the chroma interpolation to the
           decoder: levels differ by a few, at edges of colour by more. */
        result(n == want.count && most <= 12 && sum <= (double)n, check,
               "decoders differ by %.0f at most, %.3f on average", most, sum / (double)n);
        paw_image_free(ctx, &img);
    }
    array_free(&want);
}
static void check_mask(const char *folder, const char *stem)
{
    char path[PATH], file[160];
    paw_mask mask;
    array want;
    size_t i, wrong = 0, n;
    snprintf(file, sizeof file, "%s.png", stem);
    if (!array_read(folder, stem, PAW_F32, &want)) return;
    if (!error(paw_mask_load(ctx, join(path, folder, file), &mask), stem)) {
        n = (size_t)mask.w * (size_t)mask.h;
        for (i = 0; i < n && n == want.count; ++i) wrong += (float)mask.px[i] != want.f[i];
        result(n == want.count && want.shape[0] == (size_t)mask.h && !wrong, stem,
               "%zu of %zu labels differ", wrong, want.count);
        paw_mask_free(ctx, &mask);
    }
    array_free(&want);
}
/* A grey file has three equal channels as an image, and the same numbers as labels. */
static void check_grey(const char *folder)
{
    char path[PATH];
    paw_image img = { NULL, 0, 0 };
    paw_mask mask = { NULL, 0, 0 };
    size_t i, wrong = 0;
    join(path, folder, "grey.png");
    if (!error(paw_image_load(ctx, path, &img), "grey") &&
        !error(paw_mask_load(ctx, path, &mask), "grey")) {
        const uint8_t *p = img.px;
        for (i = 0; i < (size_t)img.w * (size_t)img.h; ++i, p += 3)
            wrong += p[0] != p[1] || p[0] != p[2] || p[0] != mask.px[i];
        result(!wrong && mask.w == img.w && mask.h == img.h, "grey", "%zu pixels differ", wrong);
    }
    paw_image_free(ctx, &img);
    paw_mask_free(ctx, &mask);
}
static void check_image(const char *folder, char **names, size_t n, int index, const char *meta)
{
    char path[PATH], stem[32], file[48];
    double box[4];
    paw_image img;
    size_t i;
    snprintf(stem, sizeof stem, "img%d.", index);
    snprintf(file, sizeof file, "img%d.png", index);
    if (error(paw_image_load(ctx, join(path, folder, file), &img), file)) return;
    for (i = 0; i < n; ++i) {
        char name[160];
        if (strncmp(names[i], stem, strlen(stem)) || !ends_with(names[i], ".npy")) continue;
        snprintf(name, sizeof name, "%.*s", (int)strlen(names[i]) - 4, names[i]);
        check_operation(folder, name, &img, crop_box(meta, index, box));
    }
    paw_image_free(ctx, &img);
}
static void check_preprocess(const char *golden)
{
    char folder[PATH], **names, *meta;
    size_t n, i;
    int index, used;
    n = list(join(folder, golden, "preprocess"), &names);
    meta = text_read(folder, "meta.json");
    for (i = 0; i < n; ++i) {
        char *dot = strrchr(names[i], '.');
        if (!dot) continue;
        used = 0;
        if (sscanf(names[i], "img%d.png%n", &index, &used) == 1 && used && !names[i][used])
            check_image(folder, names, n, index, meta);
        else if (!strcmp(names[i], "grey.png"))
            check_grey(folder);
        else if (ends_with(names[i], ".jpg") || (ends_with(names[i], ".png"))) {
            const int jpeg = ends_with(names[i], ".jpg");
            *dot = 0;
            if (jpeg) check_jpeg(folder, names[i]);
            else check_mask(folder, names[i]);
            *dot = '.';
        }
    }
    if (!n) skip("preprocess", "no folder");
    free(meta);
    list_free(names, n);
}

/* ---- average precision ---- */

typedef struct {
    char name[80];
    array similarity, features, labels, per_query;
    int32_t *label;
    int classes;
    size_t n;
} ap_case;

static int ap_part(const char *folder, const char *name, const char *part, int as, array *a)
{
    char file[128];
    snprintf(file, sizeof file, "%s_%s", name, part);
    if (array_read(folder, file, as, a)) return 1;
    memset(a, 0, sizeof *a);
    return 0;
}
static int32_t *label_read(const array *a, int *classes)
{
    int32_t *label = (int32_t *)calloc(a->count + 1, sizeof *label);
    size_t i;
    if (!label) abort();
    *classes = 0;
    for (i = 0; i < a->count; ++i) {
        label[i] = (int32_t)a->f[i];
        if (label[i] >= *classes) *classes = label[i] + 1;
    }
    return label;
}
/* ap[i] of golden similarities: what scikit-learn gives for the very same scores. */
static void check_per_query(const ap_case *k, double *ap)
{
    uint8_t *relevant = (uint8_t *)calloc(k->n + 1, 1);
    char check[128];
    gap g = { 0, 0 };
    size_t i, j;
    paw_err e = PAW_OK;
    snprintf(check, sizeof check, "%s per query", k->name);
    if (!relevant) abort();
    for (i = 0; i < k->n && !e; ++i) {
        for (j = 0; j < k->n; ++j) relevant[j] = k->label[i] == k->label[j];
        e = paw_average_precision(ctx, k->similarity.f + i * k->n, relevant, k->n, &ap[i]);
        if (!e) gap_add(&g, ap[i], k->per_query.d[i], 1e-12, 0);
    }
    if (!error(e, check)) gap_result(&g, check);
    free(relevant);
}
static void check_ap_summary(const ap_case *k, const char *what, const double *ap,
                             const char *meta, double tolerance)
{
    char check[128];
    double per_class[256], want_ap, want_map;
    paw_ap_summary s;
    gap g = { 0, 0 };
    snprintf(check, sizeof check, "%s %s AP, mAP", k->name, what);
    if (!json_number(meta, k->name, "AP", &want_ap) ||
        !json_number(meta, k->name, "mAP", &want_map)) {
        skip(check, "not in meta.json");
        return;
    }
    if (error(paw_ap_mean(ap, k->label, k->n, k->classes, per_class, &s), check)) return;
    gap_add(&g, s.ap, want_ap, tolerance, 0);
    gap_add(&g, s.map, want_map, tolerance, 0);
    gap_result(&g, check);
}
/* Where the golden similarities were rounded to make ties, those of the features are others. */
static double similarity_gap(const ap_case *k)
{
    const size_t dim = k->features.shape[1];
    double most = 0;
    size_t i, j;
    for (i = 0; i < k->n; ++i)
        for (j = 0; j < i; ++j) {
            double d = fabs(cosine(k->features.f + i * dim, k->features.f + j * dim, dim) -
                            (double)k->similarity.f[i * k->n + j]);
            if (d > most) most = d;
        }
    return most;
}
static void check_ap_features(const ap_case *k, const char *meta, double *ap)
{
    const int rounded = similarity_gap(k) > 1e-6;
    if (!error(paw_retrieval_ap(ctx, k->features.f, k->n, k->features.shape[1], k->label, 0, ap),
               k->name))
        check_ap_summary(k, rounded ? "features, unrounded" : "features", ap, meta,
                         rounded ? 5e-3 : 1e-6);
}
static void check_ap_case(const char *folder, const char *name, const char *meta, int best)
{
    ap_case k;
    double *ap;
    memset(&k, 0, sizeof k);
    snprintf(k.name, sizeof k.name, "%s", name);
    ap_part(folder, name, "similarity", PAW_F32, &k.similarity);
    ap_part(folder, name, "per_query", PAW_F64, &k.per_query);
    ap_part(folder, name, "features", PAW_F32, &k.features);
    ap_part(folder, name, "labels", PAW_F32, &k.labels);
    k.n = k.labels.count;
    k.label = label_read(&k.labels, &k.classes);
    ap = (double *)calloc(k.n + 1, sizeof *ap);
    if (!ap) abort();
    if (!k.n || k.classes > 256 || k.similarity.count != k.n * k.n || k.per_query.count != k.n)
        skip(name, "labels, similarities or results missing or of other sizes");
    else {
        if (best) check_per_query(&k, ap);
        if (best) check_ap_summary(&k, "similarities", ap, meta, 1e-12);
        if (k.features.ndim == 2 && k.features.shape[0] == k.n) check_ap_features(&k, meta, ap);
        else skip(name, "no features");
    }
    free(ap);
    free(k.label);
    array_free(&k.similarity);
    array_free(&k.per_query);
    array_free(&k.features);
    array_free(&k.labels);
}
/* A probe of the official code: first gradients, losses, final parameters, logits of all rows. */
typedef struct {
    const char *folder, *name; /* "linear", "attentive" */
    array tokens, labels, batches, losses, logits;
    int32_t *label;
    int classes;
    double lr, momentum, heads;
    size_t epochs, steps; /* of the cosine; steps an epoch */
} probe;

static paw_err probe_rows(void *user, int epoch, const size_t *items, size_t n, const void **rows)
{
    const probe *p = (const probe *)user;
    size_t i;
    (void)epoch;
    for (i = 0; i < n; ++i)
        rows[i] = p->tokens.f + items[i] * p->tokens.shape[1] * p->tokens.shape[2];
    return PAW_OK;
}
/* What the next norm takes out again, or softmax: the gradient is 0, and the official one holds the
   rounding noise of its sums, up to 6e-6 for proj.bias. Ours is held to 0. */
static int probe_is_zero(const char *name)
{
    return ends_with(name, "norm1_k_cross.bias") || ends_with(name, "norm1_v_cross.bias") ||
           ends_with(name, "cross_attn.v_bias") || ends_with(name, "cross_attn.proj.bias");
}
/* The parameters of h against NAME.STAGE.*; init: read into h instead. A file that holds no numbers
   (the unused norm has no gradient) is left out. */
static void probe_parameters(const probe *p, paw_head *h, const char *stage, double tolerance)
{
    char file[160], check[200];
    paw_tensor_view v;
    const float *grad;
    gap worst = { 0, 0 };
    size_t i, k, met = 0;
    for (i = 0; !paw_head_parameter(h, i, &v, &grad); ++i) {
        array a;
        memset(&a, 0, sizeof a);
        snprintf(file, sizeof file, "%s.%s.%s", p->name, stage, v.name);
        if (!strcmp(stage, "grad0") && !grad) continue;
        if (!array_read(p->folder, file, PAW_F32, &a)) {
            result(0, file, "missing");
            continue;
        }
        ++met;
        if (grad && !strcmp(stage, "grad0") && probe_is_zero(v.name))
            memset(a.f, 0, a.count * sizeof *a.f);
        for (k = 0; k < (size_t)v.ndim; ++k)
            if (a.ndim != v.ndim || a.shape[k] != v.shape[k]) result(0, file, "of another shape");
        if (!strcmp(stage, "init")) memcpy((void *)(uintptr_t)v.data, a.f, a.count * sizeof *a.f);
        else
            for (k = 0; k < a.count; ++k)
                gap_add(&worst, (double)(strcmp(stage, "grad0") ? v.data : grad)[k], (double)a.f[k],
                        tolerance, 0);
        array_free(&a);
    }
    snprintf(check, sizeof check, "%s probe: %s of %zu tensors", p->name, stage, met);
    if (strcmp(stage, "init")) gap_result(&worst, check);
}
static void probe_run(const probe *p, paw_head *h)
{
    const size_t dim = p->tokens.shape[2], tokens = p->tokens.shape[1], n = p->batches.shape[1];
    const int linear = !strcmp(p->name, "linear");
    const void **rows = (const void **)calloc(n, sizeof *rows);
    int32_t *labels = (int32_t *)calloc(n, sizeof *labels);
    paw_features x;
    char check[80];
    float *logits = floats(p->labels.count, (size_t)p->classes, 1, 1);
    gap losses = { 0, 0 };
    size_t s, i, *items = (size_t *)calloc(n, sizeof *items);
    if (!rows || !labels || !items) abort();
    probe_parameters(p, h, "init", 0);
    for (s = 0; s < p->batches.shape[0]; ++s) {
        const double done = (double)(s / p->steps) / (double)p->epochs;
        double loss = 0;
        for (i = 0; i < n; ++i) {
            items[i] = (size_t)p->batches.f[s * n + i];
            labels[i] = p->label[items[i]];
        }
        probe_rows((void *)(uintptr_t)p, 0, items, n, rows);
        if (error(paw_head_step(h, ctx, rows, PAW_F32, labels, n, linear ? 1 : tokens,
                                p->lr * 0.5 * (1 + cos(3.14159265358979 * done)), &loss), p->name))
            break;
        gap_add(&losses, loss, (double)p->losses.f[s], 1e-5, 0);
        if (!s) probe_parameters(p, h, "grad0", 1e-6);
    }
    snprintf(check, sizeof check, "%s probe: losses of %zu steps", p->name, s);
    gap_result(&losses, check);
    probe_parameters(p, h, "final", 2e-5);
    memset(&x, 0, sizeof x);
    x.count = p->labels.count;
    x.tokens = linear ? 1 : tokens;
    x.labels = p->label;
    x.get = probe_rows;
    x.user = (void *)(uintptr_t)p;
    snprintf(check, sizeof check, "%s probe: logits of %zu rows", p->name, x.count);
    if (!error(paw_head_predict(h, ctx, &x, logits), check))
        compare(check, logits, p->logits.f, p->logits.count, 1e-4, 0);
    (void)dim;
    free(rows);
    free(labels);
    free(items);
    free(logits);
}
static void check_probe(const char *folder, const char *name, const char *meta)
{
    char file[80], *schedule;
    paw_head_opts o;
    paw_head *h = NULL;
    probe p;
    memset(&p, 0, sizeof p);
    p.folder = folder;
    p.name = name;
    snprintf(file, sizeof file, "%s.losses", name);
    if (!array_read(folder, file, PAW_F32, &p.losses)) return;
    snprintf(file, sizeof file, "%s.final_logits_all", name);
    if (!array_read(folder, "probe_tokens", PAW_F32, &p.tokens) ||
        !array_read(folder, "probe_labels", PAW_F32, &p.labels) ||
        !array_read(folder, "probe_batches", PAW_F32, &p.batches) ||
        !array_read(folder, file, PAW_F32, &p.logits) || p.tokens.ndim != 3 ||
        p.batches.ndim != 2 || p.logits.ndim != 2 || p.losses.count != p.batches.shape[0] ||
        p.labels.count != p.tokens.shape[0] || !json_number(meta, name, "lr", &p.lr) ||
        !json_number(meta, name, "momentum", &p.momentum) ||
        !json_number(meta, name, "heads", &p.heads)) {
        skip(name, "tokens, labels, batches, logits or settings missing, or of other sizes");
    } else {
        schedule = strstr(strstr(meta, name), "cosine over ");
        p.epochs = schedule ? strtoul(schedule + 12, &schedule, 10) : 1;
        schedule = schedule ? strstr(schedule, "of ") : NULL;
        p.steps = schedule ? strtoul(schedule + 3, NULL, 10) : p.losses.count;
        p.label = label_read(&p.labels, &p.classes);
        p.classes = (int)p.logits.shape[1];
        paw_head_recipe(PAW_PROBE_PART, strcmp(name, "linear") ? PAW_ATTENTIVE : PAW_LINEAR, &o);
        o.dim = p.tokens.shape[2];
        o.classes = p.classes;
        o.heads = (int)p.heads;
        o.momentum = p.momentum;
        o.test_batch = p.labels.count; /* one batch of all rows */
        if (!p.epochs || !p.steps) result(0, name, "no schedule in meta.json");
        else if (!error(paw_head_create(ctx, &o, &h), name)) probe_run(&p, h);
        paw_head_free(h);
    }
    free(p.label);
    array_free(&p.tokens);
    array_free(&p.labels);
    array_free(&p.batches);
    array_free(&p.losses);
    array_free(&p.logits);
}

#include "golden_dense.h"

/* best: also what does not depend on the instruction set */
static void check_probes(const char *golden, int best)
{
    char folder[PATH], **names, *meta;
    size_t n, i, done = 0;
    n = list(join(folder, golden, "probes"), &names);
    meta = text_read(folder, "meta.json");
    for (i = 0; i < n; ++i) {
        if (!ends_with(names[i], "_similarity.npy")) continue;
        names[i][strlen(names[i]) - strlen("_similarity.npy")] = 0;
        check_ap_case(folder, names[i], meta, best);
        ++done;
    }
    if (!done) skip("probes", "no similarities");
    check_probe(folder, "linear", meta);
    check_probe(folder, "attentive", meta);
    check_seg(folder, meta);
    free(meta);
    list_free(names, n);
}

/* ---- real images: DeiT-Ti on birds and on ImageNet samples ---- */

/* Collects crops and encodes them BATCH at a time. */
typedef struct {
    const paw_model *model;
    int px, dim, failed;
    size_t pending, done;
    float *chw, *cls, *mean; /* mean may be NULL */
} encoder;

static void encoder_open(encoder *e, const paw_model *m, size_t n, int mean)
{
    paw_model_info info;
    paw_model_describe(m, &info);
    memset(e, 0, sizeof *e);
    e->model = m;
    e->px = info.image_px;
    e->dim = info.dim;
    e->chw = floats(BATCH, 3, (size_t)e->px, (size_t)e->px);
    e->cls = floats(n, (size_t)info.dim, 1, 1);
    if (mean) e->mean = floats(n, (size_t)info.dim, 1, 1);
}
static void encoder_flush(encoder *e, const char *check)
{
    paw_outputs out;
    memset(&out, 0, sizeof out);
    out.cls = e->cls + e->done * (size_t)e->dim;
    if (e->mean) out.mean = e->mean + e->done * (size_t)e->dim;
    if (e->pending && !e->failed)
        e->failed = error(paw_encode(e->model, ctx, e->chw, e->pending, e->px, e->px, &out), check);
    e->done += e->pending;
    e->pending = 0;
}
static void encoder_add(encoder *e, const paw_image *img, const char *check)
{
    const size_t one = (size_t)e->px * (size_t)e->px * 3;
    if (img->w != e->px || img->h != e->px) e->failed = 1;
    else paw_normalize(img, paw_stats_find("imagenet"), e->chw + e->pending * one);
    if (++e->pending == BATCH) encoder_flush(e, check);
}
static void encoder_close(encoder *e)
{
    free(e->chw);
    free(e->cls);
    free(e->mean);
}

static void check_patch_list(const char *folder, const paw_index *p)
{
    char *text = text_read(folder, "patches.csv"), *line = strchr(text, '\n');
    gap g = { 0, 0 };
    size_t i, wrong = 0;
    for (i = 0; line && line[1]; line = strchr(line + 1, '\n'), ++i) {
        long long image;
        int part;
        double x, y, e;
        const paw_item *q = i < p->count ? &p->items[i] : NULL;
        if (sscanf(line + 1, "%lld,%d,%lf,%lf,%lf", &image, &part, &x, &y, &e) != 5 || !q) break;
        wrong += q->image_id != image || q->part_id != part;
        gap_add(&g, q->x, x, 1e-9, 0);
        gap_add(&g, q->y, y, 1e-9, 0);
        gap_add(&g, q->e, e, 0, 1e-6); /* written with nine digits */
    }
    result(i == p->count && !wrong && g.share <= 1, "cub patches.csv",
           "%zu rows for %zu patches, %zu of other points, largest difference %.3g", i, p->count,
           wrong, g.largest);
    free(text);
}
static void check_patch_labels(const char *folder, const paw_index *p)
{
    array want;
    size_t i, wrong = 0;
    if (!array_read(folder, "labels", PAW_F32, &want)) {
        skip("cub labels", "no labels.npy");
        return;
    }
    for (i = 0; i < p->count && want.count == p->count; ++i)
        wrong += (float)p->items[i].label != want.f[i];
    result(want.count == p->count && !wrong, "cub labels", "%zu of %zu differ", wrong, want.count);
    array_free(&want);
}
/* JPEG decoders differ by a few levels, which the enlargement of small dark crops magnifies, so
   features are near, not equal. (From libjpeg's pixels every cosine is 1 to nine digits.) */
static void check_near(const char *check, const float *got, const array *want, size_t n, size_t dim)
{
    double least = 1, sum = 0;
    size_t i;
    if (want->count != n * dim) {
        result(0, check, "%zu numbers instead of %zu", n * dim, want->count);
        return;
    }
    for (i = 0; i < n; ++i) {
        double c = cosine(got + i * dim, want->f + i * dim, dim);
        if (!(c >= least)) least = c;
        sum += c;
    }
    result(least >= 0.99 && sum >= 0.9995 * (double)n, check,
           "cosine %.6f at least, %.6f on average",
           least, sum / (double)n);
}
static void check_cub_ap(const paw_index *p, const float *x, size_t dim, const char *kind,
                         const char *results)
{
    double *ap = (double *)calloc(p->count + 1, sizeof *ap), per_class[64], want[3];
    int32_t *label = (int32_t *)calloc(p->count + 1, sizeof *label);
    char check[64];
    paw_ap_summary s[2];
    gap g = { 0, 0 };
    size_t i;
    int exclude;
    snprintf(check, sizeof check, "cub %s AP, mAP (%%)", kind);
    if (!ap || !label) abort();
    for (i = 0; i < p->count; ++i) label[i] = p->items[i].label;
    for (exclude = 0; exclude < 2; ++exclude)
        if (error(paw_retrieval_ap(ctx, x, p->count, dim, label, exclude, ap), check) ||
            error(paw_ap_mean(ap, label, p->count, p->classes, per_class, &s[exclude]), check))
            goto done;
    if (!json_number(results, kind, "AP", &want[0]) ||
        !json_number(results, kind, "mAP", &want[1]) ||
        !json_number(results, kind, "AP_exclude_query", &want[2])) {
        skip(check, "not in results.json");
        goto done;
    }
    gap_add(&g, 100 * s[0].ap, want[0], 0.05, 0);
    gap_add(&g, 100 * s[0].map, want[1], 0.05, 0);
    gap_add(&g, 100 * s[1].ap, want[2], 0.05, 0);
    gap_result(&g, check);
done:
    free(ap);
    free(label);
}
static int encode_patches(encoder *e, const paw_index *p)
{
    paw_reader reader;
    paw_image patch;
    size_t i;
    memset(&reader, 0, sizeof reader);
    for (i = 0; i < p->count && !e->failed; ++i) {
        e->failed = error(paw_reader_item(ctx, &reader, &p->items[i], e->px, 0, &patch),
                          "cub crops");
        if (e->failed) break;
        encoder_add(e, &patch, "cub features");
        paw_image_free(ctx, &patch);
    }
    paw_reader_free(ctx, &reader);
    encoder_flush(e, "cub features");
    return !e->failed && e->done == p->count;
}
static void check_cub(const options *o, const paw_model *m)
{
    char folder[PATH], root[PATH], *results;
    paw_index p;
    array want;
    encoder e;
    int ok;
    join(folder, o->golden, "cub_deit_tiny");
    join(root, o->data, "cub");
    if (!exists(folder, "patches.csv") || !exists(root, "images.txt")) {
        skip("cub", "patches.csv or the data set is missing");
        return;
    }
    if (error(paw_index_cub(ctx, root, NULL, &p), "cub patches")) return;
    check_patch_list(folder, &p);
    check_patch_labels(folder, &p);
    if (!m) skip("cub features", "no weights");
    else {
        results = text_read(folder, "results.json");
        encoder_open(&e, m, p.count, 1);
        ok = encode_patches(&e, &p);
        if (result(ok, "cub encoded", "%zu of %zu", e.done, p.count)) {
            if (array_read(folder, "features_cls", PAW_F32, &want)) {
                check_near("cub cls", e.cls, &want, p.count, (size_t)e.dim);
                array_free(&want);
            } else skip("cub cls", "no features_cls.npy");
            if (array_read(folder, "features_mean", PAW_F32, &want)) {
                check_near("cub mean", e.mean, &want, p.count, (size_t)e.dim);
                array_free(&want);
            } else skip("cub mean", "no features_mean.npy");
            check_cub_ap(&p, e.cls, (size_t)e.dim, "cls", results);
            check_cub_ap(&p, e.mean, (size_t)e.dim, "mean", results);
        }
        encoder_close(&e);
        free(results);
    }
    paw_index_free(ctx, &p);
}

static void compare_logits(const float *got, const array *want, size_t n, size_t classes)
{
    double least = 1;
    size_t i, j, same = 0;
    for (i = 0; i < n; ++i) {
        const float *a = got + i * classes, *b = want->f + i * classes;
        size_t top_a = 0, top_b = 0;
        double c = cosine(a, b, classes);
        if (!(c >= least)) least = c;
        for (j = 1; j < classes; ++j) {
            if (a[j] > a[top_a]) top_a = j;
            if (b[j] > b[top_b]) top_b = j;
        }
        same += top_a == top_b;
    }
    result(least >= 0.99, "imagenet logits", "least cosine %.6f", least);
    result(same + 3 >= n, "imagenet top-1", "%zu of %zu the same", same, n);
}
static void encode_samples(encoder *e, const char *images, char *files)
{
    char path[PATH], *name;
    paw_image img, mid, view;
    for (name = strtok(files, "\r\n"); name && !e->failed; name = strtok(NULL, "\r\n")) {
        memset(&img, 0, sizeof img);
        memset(&mid, 0, sizeof mid);
        memset(&view, 0, sizeof view);
        e->failed = error(paw_image_load(ctx, join(path, images, name), &img), name) ||
                    error(paw_image_resize_short(ctx, &img, 256, &mid), name) ||
                    error(paw_image_center_crop(ctx, &mid, e->px, e->px, &view), name);
        if (!e->failed) encoder_add(e, &view, "imagenet features");
        paw_image_free(ctx, &img);
        paw_image_free(ctx, &mid);
        paw_image_free(ctx, &view);
    }
    encoder_flush(e, "imagenet features");
}
/* The same encoder in bf16 against itself in fp32, on real images. */
static void check_bf16(const options *o, const encoder *full, const float *logits, size_t classes,
                       const char *images, char *files)
{
    paw_model_opts opts;
    paw_model *m = NULL;
    encoder e;
    size_t i, j, same = 0;
    double least = 1;
    float *got;
    memset(&opts, 0, sizeof opts);
    opts.dtype = PAW_BF16;
    if (error(paw_model_load(ctx, o->weights, &opts, &m), "bf16 weights")) return;
    encoder_open(&e, m, full->done, 0);
    encode_samples(&e, images, files);
    got = floats(full->done, classes, 1, 1);
    if (result(!e.failed && e.done == full->done, "bf16 encoded", "%zu of %zu", e.done,
               full->done) &&
        !error(paw_project(m, ctx, PAW_LOGITS, e.cls, e.done, got), "bf16 logits")) {
        for (i = 0; i < e.done; ++i) {
            const size_t d = (size_t)e.dim;
            const double c = cosine(e.cls + i * d, full->cls + i * d, d);
            size_t top[2] = {0, 0};
            if (!(c >= least)) least = c;
            for (j = 1; j < classes; ++j) {
                if (got[i * classes + j] > got[i * classes + top[0]]) top[0] = j;
                if (logits[i * classes + j] > logits[i * classes + top[1]]) top[1] = j;
            }
            same += top[0] == top[1];
        }
        result(least >= 0.9999, "bf16 class features", "least cosine to fp32 %.6f", least);
        result(same + 1 >= e.done, "bf16 top-1", "%zu of %zu the same", same, e.done);
    }
    free(got);
    encoder_close(&e);
    paw_model_free(m);
}
static void check_imagenet(const options *o, const paw_model *m)
{
    char folder[PATH], images[PATH], *files;
    array want;
    encoder e;
    size_t lines = 0;
    const char *s;
    char *again;
    float *logits;
    join(folder, o->golden, "imagenet_deit_tiny");
    join(images, o->data, "imagenet_s");
    if (!m || !exists(folder, "files.txt") || !exists(images, "index.txt") ||
        !array_read(folder, "logits", PAW_F32, &want)) {
        skip("imagenet", "weights, images or logits missing");
        return;
    }
    files = text_read(folder, "files.txt");
    for (s = files; *s; ++s) lines += *s == '\n';
    encoder_open(&e, m, lines + 1, 0);
    again = text_read(folder, "files.txt"); /* strtok writes into it */
    encode_samples(&e, images, files);
    logits = floats(e.done, want.shape[1], 1, 1);
    if (result(!e.failed && e.done == want.shape[0] &&
                   (size_t)paw_project_dim(m, PAW_LOGITS) == want.shape[1],
               "imagenet encoded", "%zu of %zu", e.done, want.shape[0]) &&
        !error(paw_project(m, ctx, PAW_LOGITS, e.cls, e.done, logits), "imagenet logits")) {
        compare_logits(logits, &want, e.done, want.shape[1]);
        check_bf16(o, &e, logits, want.shape[1], images, again);
    }
    free(again);
    free(logits);
    free(files);
    encoder_close(&e);
    array_free(&want);
}
static void check_real(const options *o)
{
    paw_model *m = NULL;
    struct stat st;
    if (!stat(o->weights, &st) && error(paw_model_load(ctx, o->weights, NULL, &m), "weights"))
        return;
    check_cub(o, m);
    check_imagenet(o, m);
    paw_model_free(m);
}

/* ---- main ---- */

static void check_encoders(const char *golden)
{
    char *meta = text_read(golden, "meta.json");
    double heads = 0;
    int r;
    json_number(meta, NULL, "heads", &heads);
    for (r = 1; r < PAW_RECIPES; ++r) check_family(golden, paw_recipe_name(r), (int)heads);
    free(meta);
}
static int usage(void)
{
    fprintf(stderr, "usage: golden [--golden DIR] [--weights FILE] [--data DIR]\n"
                    "  DIR: default $PAW_SHARED/golden or ../shared/golden; weights and data are\n"
                    "  looked for beside it\n");
    return 2;
}
static int parse(int argc, char **argv, options *o)
{
    int i;
    for (i = 1; i < argc; ++i) {
        const char **to = !strcmp(argv[i], "--golden")    ? &o->golden
                          : !strcmp(argv[i], "--weights") ? &o->weights
                          : !strcmp(argv[i], "--data")    ? &o->data
                                                          : NULL;
        if (!to || i + 1 == argc) return 0;
        *to = argv[++i];
    }
    return 1;
}

int main(int argc, char **argv)
{
    static char golden[PATH], weights[PATH + 64], data[PATH + 64];
    const char *shared = getenv("PAW_SHARED");
    options o = { golden, weights, data };
    int isa, best;
    snprintf(golden, sizeof golden, "%s/golden", shared && *shared ? shared : "../shared");
    if (!parse(argc, argv, &o)) return usage();
    snprintf(weights, sizeof weights, "%s/../weights/deit_tiny_patch16_224.pth", o.golden);
    snprintf(data, sizeof data, "%s/../data", o.golden);
    if (paw_create(NULL, &ctx)) return 1;
    if (!exists(o.golden, ".")) {
        skip(o.golden, "no such folder");
        paw_destroy(ctx);
        return t_end("golden");
    }
    best = paw_isa();
    for (isa = 0; isa <= best; ++isa) {
        if (!paw_isa_supported(isa)) continue;
        isa_name = paw_isa_name(isa);
        if (paw_isa_limit(isa) != isa) result(0, isa_name, "cannot be chosen");
        check_encoders(o.golden);
        check_probes(o.golden, isa == best);
    }
    check_position(o.golden);
    check_preprocess(o.golden);
    check_oks(o.golden);
    check_real(&o);
    paw_destroy(ctx);
    return t_end("golden");
}
