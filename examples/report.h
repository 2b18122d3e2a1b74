/* Reports, and what the retrieval programs share. In order:
     text, images, page   one self-contained HTML page: no script, no other file
     provenance           what made the numbers
     paper                values of the paper's tables
     retrieval            features of a data set, scores, tables, contact sheets
     patch search         windows of images, their neighbours, do they follow the colour
   Include after partaware.h and cli.h. */
#ifndef PAW_EXAMPLES_REPORT_H
#define PAW_EXAMPLES_REPORT_H

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb/stb_image_write.h>

typedef struct {
    char *s;
    size_t n, room;
    int failed; /* out of memory; report_save says so */
} report; /* all zero: empty */

/* ---- text ---- */

static inline void report_bytes(report *p, const char *s, size_t n)
{
    if (p->failed) return;
    if (p->n + n > p->room) {
        const size_t room = 2 * (p->n + n) + 4096;
        char *grown = (char *)realloc(p->s, room);
        if (!grown) {
            p->failed = 1;
            return;
        }
        p->s = grown;
        p->room = room;
    }
    memcpy(p->s + p->n, s, n);
    p->n += n;
}
static inline void report_raw(report *p, const char *s) { report_bytes(p, s, strlen(s)); }
static inline void report_text(report *p, const char *s) /* escaped */
{
    for (; *s; ++s) {
        switch (*s) {
        case '&': report_raw(p, "&amp;"); break;
        case '<': report_raw(p, "&lt;"); break;
        case '>': report_raw(p, "&gt;"); break;
        case '"': report_raw(p, "&quot;"); break;
        case '\'': report_raw(p, "&#39;"); break;
        default: report_bytes(p, (unsigned char)*s < 32 ? " " : s, 1);
        }
    }
}
/* format: our own text; what comes from files goes through report_text. */
__attribute__((format(printf, 2, 3))) static inline void report_add(report *p, const char *format,
                                                                    ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report_raw(p, text);
}
static inline void report_element(report *p, const char *tag, const char *text)
{
    report_add(p, "<%s>", tag);
    report_text(p, text);
    report_add(p, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

/* ---- images ---- */

static inline void report_base64(report *p, const unsigned char *b, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i;
    for (i = 0; i < n; i += 3) {
        const unsigned v = (unsigned)b[i] << 16 | (i + 1 < n ? (unsigned)b[i + 1] << 8 : 0) |
                           (i + 2 < n ? (unsigned)b[i + 2] : 0);
        char four[4];
        four[0] = digits[v >> 18];
        four[1] = digits[v >> 12 & 63];
        four[2] = i + 1 < n ? digits[v >> 6 & 63] : '=';
        four[3] = i + 2 < n ? digits[v & 63] : '=';
        report_bytes(p, four, 4);
    }
}
static inline void report_collect(void *page, void *data, int size)
{
    report_bytes((report *)page, (const char *)data, (size_t)size);
}
/* Inlined as JPEG: a third of the bytes of PNG for photographs. alt is escaped. */
static inline void report_image(report *p, const paw_image *image, const char *alt)
{
    report file;
    memset(&file, 0, sizeof file);
    if (!stbi_write_jpg_to_func(report_collect, &file, image->w, image->h, 3, image->px, 90))
        file.failed = 1;
    p->failed |= file.failed;
    report_add(p, "<img width=\"%d\" height=\"%d\" alt=\"", image->w, image->h);
    report_text(p, alt);
    report_raw(p, "\" src=\"data:image/jpeg;base64,");
    if (!file.failed) report_base64(p, (const unsigned char *)file.s, file.n);
    report_raw(p, "\">");
    free(file.s);
}

/* ---- page ---- */

static inline void report_begin(report *p, const char *title, const char *lead)
{
    report_raw(p, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta name=\"color-scheme\" content=\"light dark\">\n");
    report_element(p, "title", title);
    report_raw(p,
        "<style>\n"
        ":root{--ink:#1c2128;--soft:#5b6570;--line:#d8dee4;--page:#fff;--card:#f5f7f9;"
        "--same:#1a7f37;--other:#8c959f;--query:#cf222e;--bar:#2f6fd0;--bar2:#8fb4e8;"
        "--bar3:#c9882b;--warn:#fff4d6;--warnink:#6b4e00}\n"
        "@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa5b1;--line:#333b44;"
        "--page:#0f1419;--card:#181f27;--same:#3fb950;--other:#6e7781;--query:#ff6b6b;"
        "--bar:#5b93e6;--bar2:#37598d;--bar3:#d9a34f;--warn:#3a2e0a;--warnink:#f5d98b}}\n"
        "*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);"
        "font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}\n"
        "main{max-width:1160px;margin:0 auto;padding:32px 20px 64px}h1{font-size:28px;"
        "line-height:1.2;margin:0 0 8px}h2{font-size:20px;margin:44px 0 12px}h3{font-size:16px;"
        "margin:28px 0 8px}\n"
        "p{max-width:72ch;margin:0 0 12px}.soft,figcaption,small{color:var(--soft)}\n"
        ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;"
        "margin:24px 0}.card{background:var(--card);border-radius:8px;padding:14px 16px}"
        ".card b{display:block;font-size:26px;line-height:1.2;overflow-wrap:anywhere}"
        ".card b.name{font-size:16px;line-height:1.35;padding-bottom:4px}.card span{"
        "color:var(--soft);font-size:14px}\n"
        ".warn{background:var(--warn);color:var(--warnink);border-radius:8px;padding:12px 16px;"
        "font-weight:600;max-width:none}\n"
        ".scroll{overflow-x:auto;margin-bottom:12px}"
        "caption{text-align:left;color:var(--soft);padding-bottom:6px;"
        "white-space:normal}tr.ours{font-weight:600}table{border-collapse:collapse;"
        "font-variant-numeric:tabular-nums;font-size:15px;white-space:nowrap}th,td{"
        "padding:7px 14px 7px 0;text-align:right;border-bottom:1px solid var(--line)}th{"
        "color:var(--soft);font-weight:500}th:first-child,td:first-child{text-align:left}\n"
        ".bars{display:grid;grid-template-columns:max-content 1fr;gap:8px 14px;"
        "align-items:center;font-size:14px;max-width:820px}.track{position:relative;"
        "height:14px;background:var(--card);border-radius:3px}.track i{position:absolute;"
        "left:0;top:0;bottom:0;border-radius:3px}.track u{position:absolute;top:-2px;"
        "bottom:-2px;width:2px;background:var(--ink)}.track span{position:absolute;right:6px;"
        "top:-3px;font-size:12px;line-height:20px}.b0{background:var(--bar)}.b1{"
        "background:var(--bar2)}.b2{background:var(--bar3)}.key{display:flex;gap:18px;"
        "flex-wrap:wrap;font-size:14px;color:var(--soft);margin:0 0 12px}.key i{"
        "display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:6px;"
        "vertical-align:-1px}\n"
        ".sheet{display:grid;grid-template-columns:repeat(13,minmax(0,1fr));gap:10px 6px;"
        "margin:0 0 18px}figure{margin:0;min-width:0}figure img{display:block;width:100%;"
        "height:auto;border:3px dashed var(--other);border-radius:4px}.query img{"
        "border:3px solid var(--query)}.same img{border:3px solid var(--same)}figcaption{"
        "font-size:11px;line-height:1.3;padding-top:3px;overflow-wrap:anywhere}\n"
        ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:20px}"
        ".found{display:grid;grid-template-columns:repeat(6,minmax(0,1fr));gap:5px;max-width:361px}"
        ".found img,.pick img{display:block;width:100%;height:auto}.pick{display:grid;gap:2px;"
        "grid-template-columns:repeat(7,minmax(0,1fr));max-width:404px}.pick a:focus img,"
        ".pick a:hover img{outline:3px solid var(--query)}.pick .here img{"
        "outline:3px solid var(--query);outline-offset:-3px}.answer{display:none}"
        ".answer:target{display:block}\n"
        "dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;font-size:15px}dt{"
        "color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\n"
        "@media (max-width:900px){.sheet{grid-template-columns:repeat(7,minmax(0,1fr))}.query{"
        "grid-row:span 2}}\n"
        "@media (max-width:560px){main{padding:20px 14px 48px}.sheet{"
        "grid-template-columns:repeat(4,minmax(0,1fr))}.query{grid-row:auto;grid-column:1/-1;"
        "display:flex;gap:12px;align-items:center}.query img{width:25%}.query figcaption{"
        "font-size:14px}.bars{gap:8px}}\n"
        "</style>\n</head>\n<body>\n<main>\n");
    report_element(p, "h1", title);
    report_element(p, "p class=\"soft\"", lead);
}
static inline void report_card(report *p, const char *value, const char *label)
{
    report_raw(p, "<div class=\"card\">");
    report_element(p, strlen(value) > 9 ? "b class=\"name\"" : "b", value);
    report_element(p, "span", label);
    report_raw(p, "</div>\n");
}
/* The rows of a result as a table. */
static inline void report_rows(report *p, const cli_result *r)
{
    const cli_table *t = NULL;
    char text[64];
    size_t i, j;
    report_raw(p, "<div class=\"scroll\"><table>\n");
    for (i = 0; i < r->count; i += t ? t->count : 1) {
        const int heads = r->items[i].table != t;
        t = r->items[i].table;
        if (!t) continue;
        if (heads) report_raw(p, "<tr>");
        for (j = 0; heads && j < t->count; ++j)
            report_element(p, "th scope=\"col\"", t->columns[j].title);
        report_raw(p, heads ? "</tr>\n<tr>" : "<tr>");
        for (j = 0; j < t->count; ++j)
            report_element(p, "td", cli_show(r->items[i + j].value, text));
        report_raw(p, "</tr>\n");
    }
    report_raw(p, "</table></div>\n");
}
/* The fields of a result as a list. */
static inline void report_fields(report *p, const cli_result *r)
{
    char text[64];
    size_t i, j, n;
    report_raw(p, "<dl>\n");
    for (i = 0; i < r->count; i += n) {
        n = 1;
        if (r->items[i].table) continue;
        n = cli_array_run(r, i, r->count);
        report_element(p, "dt", cli_title(r->items[i].key, text));
        report_raw(p, "<dd>");
        for (j = 0; j < n; ++j) {
            if (j) report_raw(p, cli_long_items(r->items + i, n) ? "<br>" : ", ");
            report_text(p, cli_show(r->items[i + j].value, text));
        }
        report_raw(p, "</dd>\n");
    }
    report_raw(p, "</dl>\n");
}
/* Ends the page and writes it as FOLDER/NAME; returns an exit code. */
static inline int report_save_as(cli *app, report *p, const char *folder, const char *name)
{
    cli_file o;
    int code;
    report_raw(p, "</main>\n</body>\n</html>\n");
    if (p->failed) return cli_no_memory(app);
    code = cli_make_folder(app, folder);
    if (!code) code = cli_file_open(app, &o, folder, name);
    if (code) return code;
    (void)fwrite(p->s, 1, p->n, o.f);
    return cli_file_keep(app, &o);
}
static inline int report_save(cli *app, report *p, const char *folder)
{
    return report_save_as(app, p, folder, "report.html");
}
static inline void report_free(report *p)
{
    free(p->s);
    memset(p, 0, sizeof *p);
}

/* ---- provenance ---- */

#if !defined(CLI_COMMIT)
#define CLI_COMMIT "unknown"
#endif
#if defined(__clang__)
#define REPORT_COMPILER __VERSION__
#else
#define REPORT_COMPILER "gcc " __VERSION__
#endif
static inline void report_cpu(char *out, size_t size) /* name by the kernel */
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    snprintf(out, size, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon) continue;
        snprintf(out, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (f) fclose(f);
}
/* Name and value of what made the numbers; ends the list that report_fields began. */
#define REPORT_NOT_COUNTED ((size_t)-1)
static inline void report_provenance(report *p, cli *app, const cli_result *r, size_t encoded)
{
    char cpu[128], text[64];
    time_t now = time(NULL);
    struct tm day;
    cli_result more = CLI_EMPTY_RESULT;
    int i;
    report_cpu(cpu, sizeof cpu);
    report_raw(p, "<h2>Settings and provenance</h2>\n");
    report_fields(p, r);
    cli_put(&more, "commit", cli_s(CLI_COMMIT));
    cli_put(&more, "compiler", cli_s(REPORT_COMPILER));
    cli_put(&more, "CPU", cli_s(cpu));
    if (encoded != REPORT_NOT_COUNTED) cli_put(&more, "encoded_in_this_run", cli_n(encoded));
    cli_put(&more, "wall_time_of_this_run", cli_r(cli_seconds() - app->start, 1));
    if (gmtime_r(&now, &day) && strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &day))
        cli_put(&more, "written", cli_s(text));
    for (i = 1; app->argv[i]; ++i) cli_put(&more, "command_line[]", cli_s(app->argv[i]));
    report_fields(p, &more);
    p->failed |= more.failed;
    cli_result_free(&more);
}

/* ---- paper: what retrieval compares with ---- */

enum { REPORT_CUB, REPORT_COCO_PARTS, REPORT_CIFAR10, REPORT_COCO_OBJECTS, REPORT_NO_PAPER };
static const struct { /* by REPORT_CUB and so on */
    const char *table, *data, *key; /* key: in cli_paper */
} report_tables[] = {
    { "Table 4, part retrieval", "all 11,788 images of CUB-200-2011", "CUB-200-2011" },
    { "Table 4, part retrieval", "person key points of COCO train2017", "COCO-part" },
    { "Table 2, object retrieval", "CIFAR-10; its protocol is not fully specified", "CIFAR10" },
    { "Table 2, object retrieval", "objects of COCO; its protocol is not fully specified",
      "COCO-object" },
};

/* ---- retrieval: features, scores, tables, bars per class, contact sheet ---- */

enum { REPORT_CLS, REPORT_MEAN, REPORT_PROJECTED, REPORT_BOTTLENECK, REPORT_FEATURES };
enum { REPORT_NEIGHBOURS = 12, REPORT_THUMB = 96, REPORT_FEW = 12 };
typedef char report_few_fit[REPORT_FEW + 7 <= CLI_MAX_COLUMNS ? 1 : -1]; /* one column a class */
typedef struct {
    const char *name; /* "cls" */
    int kind;         /* CLI_CLS ... */
    float *x;         /* [n, dim]; NULL: the model has no such feature, or it was not asked for */
    size_t dim;
    double *ap;        /* [n] of each query, 0..1 */
    double *per_class; /* [classes] means */
    paw_ap_summary sum, without_query;
} report_feature;
typedef struct {
    cli *app;
    const char *title, *lead; /* of the page */
    int paper;                /* REPORT_CUB ...; REPORT_NO_PAPER where nothing compares */
    cli_items items;
    paw_model_info info;
    uint64_t weights;
    report_feature f[REPORT_FEATURES];
    int best;         /* the better of cls and mean, or what there is: the contact sheet's */
    int32_t *labels;   /* [n] */
    size_t *per_class; /* [classes] items */
    double chance;     /* AP of a random order, 0..1 */
    cli_column *columns;
    cli_table table, classes;
} report_retrieval;
#define REPORT_FEATURE_OPTION                                                                      \
    {"--feature", "all|cls|mean|projected|bottleneck", CLI_CHOICE, "all", 0, 0,                    \
     "what to compare"}
#define REPORT_OPTION                                                                              \
    {"--report", "DIR", CLI_STR, NULL, 0, 0,                                                       \
     "also write DIR/report.html: results and pictures on one page"}

static inline void report_retrieval_free(report_retrieval *d)
{
    int k;
    for (k = 0; k < REPORT_FEATURES; ++k) {
        free(d->f[k].x);
        free(d->f[k].ap);
        free(d->f[k].per_class);
    }
    free(d->labels);
    free(d->per_class);
    free(d->columns);
    cli_items_free(&d->items);
}
/* The features that the options ask for and the model has, of all items, through the store. */
static inline int report_encode(report_retrieval *d, const paw_model *model)
{
    static const char *const names[] = { "cls", "mean", "projected", "bottleneck" };
    static const int kinds[] = { CLI_CLS, CLI_MEAN, CLI_COSINE, CLI_BOTTLENECK };
    const int only = cli_choice(d->app, "--feature") - 1;
    const paw_index *x = &d->items.index;
    unsigned want = 0;
    size_t i;
    int k, code;
    d->weights = paw_model_hash(model);
    for (k = 0; k < REPORT_FEATURES; ++k) {
        const int head = cli_head(kinds[k]);
        d->f[k].name = names[k];
        d->f[k].kind = kinds[k];
        if ((only < 0 || only == k) && (head < 0 || paw_project_dim(model, head)))
            want |= CLI_BIT(kinds[k]);
    }
    if (!want)
        return cli_error(d->app, CLI_INPUT, "this %s checkpoint has no %s output", d->info.recipe,
                         only == REPORT_PROJECTED ? "projector's" : "bottleneck");
    code = cli_items_run(&d->items, model, want, d->info.image_px, PAW_FRAME_AUTO);
    if (code) return code;
    d->labels = (int32_t *)cli_alloc(x->count, sizeof *d->labels);
    d->per_class = (size_t *)cli_alloc((size_t)x->classes, sizeof *d->per_class);
    if (!d->labels || !d->per_class) return cli_no_memory(d->app);
    for (i = 0; i < x->count; ++i) ++d->per_class[d->labels[i] = x->items[i].label];
    d->chance = paw_chance(d->labels, x->count, x->classes);
    for (k = 0; k < REPORT_FEATURES; ++k) {
        report_feature *f = &d->f[k];
        if (!(want & CLI_BIT(kinds[k]))) continue;
        f->dim = cli_row_count(&d->items.f, kinds[k]);
        f->x = (float *)cli_features_read(d->app, &d->items.f, kinds[k], PAW_F32);
        if (!f->x) return CLI_RESOURCE;
    }
    return CLI_OK;
}
/* AP of every query and its means, with the query among the hits and without. */
static inline int report_score(report_retrieval *d)
{
    const paw_index *x = &d->items.index;
    int k, exclude, have;
    for (k = 0; k < REPORT_FEATURES; ++k) {
        report_feature *f = &d->f[k];
        if (!f->x) continue;
        f->ap = (double *)cli_alloc(x->count, sizeof *f->ap);
        f->per_class = (double *)cli_alloc((size_t)x->classes, sizeof *f->per_class);
        if (!f->ap || !f->per_class) return cli_no_memory(d->app);
        for (exclude = 1; exclude >= 0; --exclude) { /* what stays in f->ap is with the query */
            paw_err e = paw_retrieval_ap_part(d->app->ctx, f->x, x->count, f->dim, d->labels,
                                              exclude, (size_t)d->app->part,
                                              (size_t)d->app->parts, f->ap);
            if (!e) cli_sum(d->app, f->ap, x->count);
            if (!e)
                e = paw_ap_mean(f->ap, d->labels, x->count, x->classes, f->per_class,
                                exclude ? &f->without_query : &f->sum);
            if (e) return cli_fail(d->app, e);
        }
        have = d->f[d->best].x != NULL;
        if (!have || (k == REPORT_MEAN && f->sum.ap > d->f[REPORT_CLS].sum.ap)) d->best = k;
    }
    return cli_first(d->app);
}

static inline int report_published(const report_retrieval *d) /* has the paper this method? */
{
    return d->paper < REPORT_NO_PAPER && !cli_is_random(d->app) &&
           cli_word_index(CLI_PAPER_METHODS, d->info.recipe) >= 0;
}
/* Of column 0 or 1 as report_column has them; NaN: none */
static inline double report_paper_ap(const report_retrieval *d, const char *recipe, int column)
{
    return column < 0 ? (double)NAN
                      : cli_paper_value(report_tables[d->paper].key,
                                        column ? "AP_projected" : "AP_encoded", recipe);
}
/* The paper's column that a feature stands in: 0 encoded, 1 projected, -1 none. */
static inline int report_column(const report_retrieval *d, int k)
{
    return k == REPORT_PROJECTED ? 1 : k == d->best && k <= REPORT_MEAN ? 0 : -1;
}
/* A row for each feature, with the classes as columns where they are few, else in a table. */
static inline int report_put_features(report_retrieval *d, cli_result *r)
{
    static const cli_column last[] = { { "AP without query", "AP_exclude_query" },
                                       { "column", "column" }, { "paper's AP", "AP_paper" },
                                       { "difference", "AP_difference" } };
    static const cli_column of_class[] = { { "class", "class" }, { "items", "items" },
                                           { "cls", "cls" }, { "mean", "mean" },
                                           { "projected", "projected" },
                                           { "bottleneck", "bottleneck" } };
    const int paper = report_published(d);
    const paw_index *x = &d->items.index;
    const size_t n = x->classes <= REPORT_FEW ? (size_t)x->classes : 0;
    size_t i;
    int k, c;
    d->columns = (cli_column *)cli_alloc(n + 7, sizeof *d->columns);
    if (!d->columns) return cli_no_memory(d->app);
    d->columns[0].title = d->columns[0].key = "feature";
    d->columns[1].title = d->columns[1].key = "AP";
    d->columns[2].title = d->columns[2].key = "mAP";
    for (i = 0; i < n; ++i) {
        d->columns[3 + i].title = x->class_names[i];
        d->columns[3 + i].key = "per_class[]";
    }
    memcpy(d->columns + 3 + n, last, sizeof last);
    d->table.columns = d->columns;
    d->table.count = n + (paper ? 7 : 5);
    for (k = 0; k < REPORT_FEATURES; ++k) {
        const report_feature *f = &d->f[k];
        const int column = report_column(d, k);
        const double published = paper ? report_paper_ap(d, d->info.recipe, column) : (double)NAN;
        if (!f->x) continue;
        cli_cell(r, &d->table, cli_s(f->name));
        cli_cell(r, &d->table, cli_r(100 * f->sum.ap, 2));
        cli_cell(r, &d->table, cli_r(100 * f->sum.map, 2));
        for (i = 0; i < n; ++i) cli_cell(r, &d->table, cli_r(100 * f->per_class[i], 2));
        cli_cell(r, &d->table, cli_r(100 * f->without_query.ap, 2));
        cli_cell(r, &d->table, cli_s(column < 0 ? NULL : column ? "projected" : "encoded"));
        if (!paper) continue;
        cli_cell(r, &d->table, published > 0 ? cli_r(published, 1) : cli_none());
        cli_cell(r, &d->table, published > 0 ? cli_r(100 * f->sum.ap - published, 2) : cli_none());
    }
    d->classes.name = "classes_ap";
    d->classes.columns = of_class;
    d->classes.count = 6;
    for (c = 0; !n && c < x->classes; ++c) {
        if (!d->per_class[c]) continue;
        cli_cell(r, &d->classes, cli_s(x->class_names[c]));
        cli_cell(r, &d->classes, cli_n(d->per_class[c]));
        for (k = 0; k < REPORT_FEATURES; ++k)
            cli_cell(r, &d->classes, d->f[k].x ? cli_r(100 * d->f[k].per_class[c], 2) : cli_none());
    }
    return CLI_OK;
}
static inline void report_put_notes(report_retrieval *d, cli_result *r)
{
    char text[200];
    if (d->f[REPORT_CLS].x && d->f[REPORT_MEAN].x)
        cli_put(r, "notes[]", cli_s("encoded: the better of cls and mean, chosen on these data"));
    if (report_published(d)) {
        snprintf(text, sizeof text, "paper: %s, ViT-B/16, %s", report_tables[d->paper].table,
                 report_tables[d->paper].data);
        cli_put(r, "notes[]", cli_s(text));
        cli_put_width(d->app, r, &d->info, report_paper_ap(d, d->info.recipe, 0));
    }
    if (d->f[REPORT_PROJECTED].x)
        cli_put(r, "notes[]", cli_s("projected: Gram form, the same cosine as of the output"));
    if (d->f[REPORT_BOTTLENECK].x)
        cli_put(r, "notes[]", cli_s("bottleneck: 256-d, before the prototypes; not in the paper"));
    if (strcmp(cli_text(d->app, "--cache-dtype"), "f32"))
        cli_put(r, "notes[]", cli_s("features were rounded by --cache-dtype"));
}

/* The paper's table of this data set with our column. */
static inline void report_paper_table(report *p, const report_retrieval *d)
{
    char method[16], name[16];
    int i, k;
    if (d->paper >= REPORT_NO_PAPER) return;
    report_raw(p, "<h2>The paper's table</h2>\n<div class=\"scroll\"><table>\n<caption>");
    report_add(p, "%s, AP in percent, ViT-B/16, %s. Ours: this run.</caption>\n",
               report_tables[d->paper].table, report_tables[d->paper].data);
    report_raw(p, "<tr><th scope=\"col\">method</th><th scope=\"col\">encoded, paper</th>"
                  "<th scope=\"col\">ours</th><th scope=\"col\">difference</th>"
                  "<th scope=\"col\">projected, paper</th><th scope=\"col\">ours</th>"
                  "<th scope=\"col\">difference</th></tr>\n");
    for (i = 0; cli_word(CLI_PAPER_METHODS, i, method, sizeof method) &&
                cli_word(CLI_PAPER_NAMES, i, name, sizeof name); ++i) {
        const int ours = report_published(d) && !strcmp(method, d->info.recipe);
        report_add(p, "<tr%s><td>%s</td>", ours ? " class=\"ours\"" : "", name);
        for (k = 0; k < 2; ++k) {
            const double paper = report_paper_ap(d, method, k);
            const report_feature *f = &d->f[k ? (int)REPORT_PROJECTED : d->best];
            const int have = ours && f->x && report_column(d, (int)(f - d->f)) == k;
            if (paper > 0) report_add(p, "<td>%.1f</td>", paper);
            else report_raw(p, "<td>-</td>");
            if (have) report_add(p, "<td>%.2f</td>", 100 * f->sum.ap);
            else report_raw(p, "<td></td>");
            if (have && paper > 0) report_add(p, "<td>%+.2f</td>", 100 * f->sum.ap - paper);
            else report_raw(p, "<td></td>");
        }
        report_raw(p, "</tr>\n");
    }
    report_add(p, "</table></div>\n<p class=\"soft\">A random order of these data has %.2f.</p>\n",
               100 * d->chance);
}
static inline void report_bars(report *p, const report_retrieval *d)
{
    const paw_index *x = &d->items.index;
    int c, k;
    report_raw(p, "<h2>Average precision per class</h2>\n<div class=\"key\">");
    for (k = 0; k < REPORT_FEATURES; ++k)
        if (d->f[k].x) report_add(p, "<span><i class=\"b%d\"></i>%s</span>", k, d->f[k].name);
    report_raw(p, "<span>| chance: this class's share of the items</span></div>\n"
                  "<div class=\"bars\">\n");
    for (c = 0; c < x->classes; ++c) {
        const double share = 100.0 * (double)d->per_class[c] / (double)x->count;
        if (!d->per_class[c]) continue;
        report_element(p, "div", x->class_names[c]);
        report_raw(p, "<div>");
        for (k = 0; k < REPORT_FEATURES; ++k) {
            const double ap = d->f[k].x ? 100 * d->f[k].per_class[c] : (double)NAN;
            if (ap != ap) continue;
            report_add(p, "<div class=\"track\" role=\"img\" "
                          "aria-label=\"%s: AP %.1f, chance %.1f\">",
                       d->f[k].name, ap, share);
            report_add(p, "<i class=\"b%d\" style=\"width:%.1f%%\"></i>"
                          "<u style=\"left:%.1f%%\"></u><span>%.1f</span></div>",
                       k, ap, share, ap);
        }
        report_raw(p, "</div>\n");
    }
    report_raw(p, "</div>\n");
}

/* The nearest of n rows to row query, itself left out, best first; *count: how many. */
static inline paw_err report_nearest(paw_ctx *c, const float *x, size_t n, size_t dim, size_t query,
                                     size_t *near, float *similarity, int *count)
{
    size_t rows[REPORT_NEIGHBOURS + 1], i;
    const size_t k = n < REPORT_NEIGHBOURS + 1 ? n : REPORT_NEIGHBOURS + 1;
    float scores[REPORT_NEIGHBOURS + 1];
    const paw_err e = paw_retrieval_topk(c, x + query * dim, 1, x, n, dim, k, 0, rows, scores);
    *count = 0;
    for (i = 0; !e && i < k && *count < REPORT_NEIGHBOURS; ++i) {
        if (rows[i] == query) continue;
        near[*count] = rows[i];
        similarity[(*count)++] = scores[i];
    }
    return e;
}
typedef struct {
    double ap;
    size_t item;
} report_rank;
static inline int report_rank_order(const void *a, const void *b)
{
    const report_rank *p = (const report_rank *)a, *q = (const report_rank *)b;
    return p->ap != q->ap ? (p->ap > q->ap) - (p->ap < q->ap)
                          : (p->item > q->item) - (p->item < q->item);
}
/* Of a class the items with the given shares of it at a lower AP; returns how many it has. */
static inline size_t report_pick(const report_retrieval *d, int label, const double *shares,
                                 int n, size_t *items)
{
    const double *ap = d->f[d->best].ap;
    report_rank *ranks = (report_rank *)cli_alloc(d->per_class[label], sizeof *ranks);
    size_t i, count = 0;
    int k;
    for (i = 0; ranks && i < d->items.index.count; ++i) {
        if (d->labels[i] != label || ap[i] != ap[i]) continue;
        ranks[count].ap = ap[i];
        ranks[count++].item = i;
    }
    if (count) qsort(ranks, count, sizeof *ranks, report_rank_order);
    for (k = 0; count && k < n; ++k)
        items[k] = ranks[(size_t)(shares[k] * (double)(count - 1) + 0.5)].item;
    free(ranks);
    return count;
}
/* One framed item; kind: "query", "same" or "other". */
static inline paw_err report_patch(report *p, report_retrieval *d, size_t item, const char *kind,
                                   const char *caption)
{
    const paw_item *it = &d->items.index.items[item];
    const char *name = d->items.index.class_names[it->label];
    char alt[512];
    paw_image thumb;
    const paw_err e = paw_reader_item(d->app->ctx, &d->items.reader, it, REPORT_THUMB,
                                      d->items.frame, &thumb);
    if (e) return e;
    snprintf(alt, sizeof alt, "%s of %s (%s, %s)", name, cli_base(it->path), kind, caption);
    report_add(p, "<figure class=\"%s\">", kind);
    report_image(p, &thumb, alt);
    report_raw(p, "<figcaption>");
    report_text(p, name);
    report_raw(p, "<br>");
    report_text(p, caption);
    report_raw(p, "</figcaption></figure>\n");
    paw_image_free(d->app->ctx, &thumb);
    return PAW_OK;
}
/* For each class an easy, a typical and a hard query with its nearest items. */
static inline int report_sheet(report *p, report_retrieval *d)
{
    static const char *const names[] = { "easy", "typical", "hard" };
    static const double shares[] = { 0.9, 0.5, 0.1 };
    const paw_index *x = &d->items.index;
    const report_feature *f = &d->f[d->best];
    float similarity[REPORT_NEIGHBOURS];
    size_t near[REPORT_NEIGHBOURS], picks[3];
    char text[64];
    int c, k, i, count, shown = 0;
    report_raw(p, "<h2>Nearest neighbours</h2>\n<p>Per class three queries (red frame): at the "
                  "90th, 50th and 10th percentile of average precision, the number below them. "
                  "Then the 12 nearest of all other items with their similarity, ");
    report_add(p, "the cosine of <b>%s</b>. Green, solid frame: the same class. Grey, dashed: "
                  "another class.", f->name);
    if (x->classes > REPORT_FEW) report_add(p, " The first %d classes.", REPORT_FEW);
    report_raw(p, "</p>\n");
    for (c = 0; c < x->classes && shown < REPORT_FEW; ++c) {
        if (!d->per_class[c] || !report_pick(d, c, shares, 3, picks)) continue;
        ++shown;
        report_element(p, "h3", x->class_names[c]);
        for (k = 0; k < 3; ++k) {
            paw_err e;
            if (k && picks[k] == picks[k - 1]) continue;
            e = report_nearest(d->app->ctx, f->x, x->count, f->dim, picks[k], near, similarity,
                               &count);
            report_raw(p, "<div class=\"sheet\">\n");
            snprintf(text, sizeof text, "%s %.1f", names[k], 100 * f->ap[picks[k]]);
            if (!e) e = report_patch(p, d, picks[k], "query", text);
            for (i = 0; !e && i < count; ++i) {
                snprintf(text, sizeof text, "%.3f", (double)similarity[i]);
                e = report_patch(p, d, near[i], d->labels[near[i]] == c ? "same" : "other", text);
            }
            report_raw(p, "</div>\n");
            if (e) return cli_fail(d->app, e);
            if (cli_interrupted()) return cli_interrupted();
        }
    }
    return CLI_OK;
}
/* The whole page, in DIR/report.html; returns an exit code. */
static inline int report_write_retrieval(report_retrieval *d, const cli_result *r,
                                         const char *folder)
{
    const report_feature *f = &d->f[d->best];
    char text[128];
    report p;
    int code;
    memset(&p, 0, sizeof p);
    report_begin(&p, d->title, d->lead);
    if (cli_is_random(d->app))
        report_element(&p, "p class=\"warn\"", "The weights are random: this page shows what an "
                       "untrained encoder gives, not what a checkpoint knows.");
    report_raw(&p, "<div class=\"cards\">\n");
    snprintf(text, sizeof text, "%.2f", 100 * f->sum.ap);
    report_card(&p, text, d->best == REPORT_CLS    ? "AP in percent, class token"
                          : d->best == REPORT_MEAN ? "AP in percent, average of patch tokens"
                                                   : "AP in percent, projected class token");
    snprintf(text, sizeof text, "%.2f", 100 * d->chance);
    report_card(&p, text, "AP of a random order");
    snprintf(text, sizeof text, "%lu", (unsigned long)d->items.index.count);
    report_card(&p, text, "items");
    report_card(&p, cli_is_random(d->app) ? cli_text(d->app, "--random")
                                          : cli_base(cli_text(d->app, "--weights")),
                cli_is_random(d->app) ? "random weights" : "weights");
    report_raw(&p, "</div>\n<h2>Result</h2>\n");
    report_rows(&p, r);
    report_raw(&p, "<p class=\"soft\">In percent. AP: mean over the queries; mAP: mean over the "
                   "classes. The query counts as its own hit, as in the released code, unless the "
                   "column says otherwise.</p>\n");
    report_paper_table(&p, d);
    if (d->items.index.classes <= REPORT_FEW) report_bars(&p, d);
    code = report_sheet(&p, d);
    report_provenance(&p, d->app, r, d->items.f.encoded);
    if (!code) code = report_save(d->app, &p, folder);
    report_free(&p);
    return code;
}
/* Of n features of a kind zeros have no direction: says what that means where there are some. */
static inline void report_say_zeros(cli *app, const char *name, size_t zeros, size_t n)
{
    if (zeros)
        cli_say(app, "%s: %lu of %lu features %s zero: %s cosine is 0 with every other", name,
                (unsigned long)zeros, (unsigned long)n, zeros > 1 ? "are" : "is",
                zeros > 1 ? "their" : "its");
}
static inline void report_put_zeros(report_retrieval *d, cli_result *r)
{
    const size_t n = d->items.index.count;
    size_t all = 0;
    int k;
    for (k = 0; k < REPORT_FEATURES; ++k) {
        const size_t zeros = paw_zero_rows(d->f[k].x, n, d->f[k].dim);
        report_say_zeros(d->app, d->f[k].name, zeros, n);
        all += zeros;
    }
    cli_put(r, "zero_features", cli_n(all));
}
/* Data, weights and settings as fields. */
static inline void report_put_settings(report_retrieval *d, cli_result *r)
{
    char hex[20];
    cli_put_items(d->app, r, &d->items, d->per_class, 100 * d->chance);
    cli_put(r, "queries_without_hits", cli_n(d->f[d->best].without_query.undefined));
    report_put_zeros(d, r);
    cli_put_settings(d->app, r, &d->info, d->items.px);
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)d->weights);
    cli_put(r, "weights_hash", cli_s(hex));
}
/* A page of the table and the settings alone. */
static inline int report_write_rows(report_retrieval *d, const cli_result *r, const char *folder)
{
    report p;
    int code;
    memset(&p, 0, sizeof p);
    report_begin(&p, d->title, d->lead);
    if (cli_is_random(d->app))
        report_element(&p, "p class=\"warn\"", "The weights are random: this page shows what an "
                       "untrained encoder gives, not what a checkpoint knows.");
    report_rows(&p, r);
    report_provenance(&p, d->app, r, d->items.f.encoded);
    code = report_save(d->app, &p, folder);
    report_free(&p);
    return code;
}
/* Scores, prints and writes the page; notes: of the program, NULL at the end. */
static inline int report_finish(report_retrieval *d, const char *const *notes)
{
    const char *folder = cli_text(d->app, "--report");
    cli_result r = CLI_EMPTY_RESULT;
    int code = report_score(d);
    if (!code) code = report_put_features(d, &r);
    if (!code) {
        report_put_settings(d, &r);
        report_put_notes(d, &r);
        for (; *notes; ++notes) cli_put(&r, "notes[]", cli_s(*notes));
        if (folder) code = report_write_retrieval(d, &r, folder);
    }
    if (!code) code = cli_print(d->app, &r);
    cli_result_free(&r);
    return code ? code : d->items.bad_count || d->items.missing ? CLI_PARTIAL : CLI_OK;
}

/* ---- patch search: 7 x 7 windows of an image enlarged four times (protocol 4.4) ---- */

enum { SEARCH_SIDE = 7, SEARCH_WINDOWS = SEARCH_SIDE * SEARCH_SIDE, SEARCH_CELL = 56 };
enum { SEARCH_HUES = 36, SEARCH_HUE = SEARCH_HUES + 1 }; /* the last: what has no colour */
enum { SEARCH_CHUNK = 16384, SEARCH_FEATURES = 4 };
typedef struct {
    cli *app;
    paw_model_info info;
    uint64_t weights;
    cli_paths images;
    int32_t *labels;    /* [images] of the folder an image lies in, or NULL */
    int px, classes;
    paw_image big;      /* enlargement of image big_of, if it has pixels */
    size_t big_of;
    uint8_t **thumbs;   /* [images] NULL, or all windows at SEARCH_CELL pixels */
    uint64_t *hashes;   /* [images * SEARCH_WINDOWS] */
    const char **names;
    cli_features f;
    paw_store *hue;     /* rows of SEARCH_HUE shares, as the features' */
    size_t zeros[CLI_KINDS]; /* features that are zero throughout, of the kinds searched */
} search;
typedef struct { /* what is nearest to each of count queries; positions: in f.rows */
    size_t count, k;
    size_t *query;    /* [count] */
    size_t *near;     /* [count, k] best first; f.good where there are fewer */
    float *similarity;
} search_hits;

static inline void search_hits_free(search_hits *h)
{
    free(h->query);
    free(h->near);
    free(h->similarity);
    memset(h, 0, sizeof *h);
}
static inline int search_hits_new(cli *app, search_hits *h, size_t count, size_t k)
{
    h->count = count;
    h->k = k;
    h->query = (size_t *)cli_alloc(count, sizeof *h->query);
    h->near = (size_t *)cli_alloc(count * k, sizeof *h->near);
    h->similarity = (float *)cli_alloc(count * k, sizeof *h->similarity);
    return h->query && h->near && h->similarity ? CLI_OK : cli_no_memory(app);
}
static inline void search_free(search *s)
{
    size_t i;
    for (i = 0; s->thumbs && i < s->images.count; ++i) free(s->thumbs[i]);
    free(s->thumbs);
    free(s->labels);
    free(s->hashes);
    free((void *)s->names);
    paw_image_free(s->app->ctx, &s->big);
    paw_store_close(s->hue);
    cli_features_free(&s->f);
    cli_paths_free(&s->images);
}
static inline size_t search_image(const search *s, size_t at) /* of a position */
{
    return s->f.rows[at] / SEARCH_WINDOWS;
}
static inline int search_patch(const search *s, size_t at)
{
    return (int)(s->f.rows[at] % SEARCH_WINDOWS);
}
/* The enlargement of an image: Resize(px * 8 / 7), CenterCrop(px), Resize(4 px). */
static inline paw_err search_enlarge(search *s, size_t image)
{
    paw_ctx *c = s->app->ctx;
    paw_image whole, small, crop;
    paw_err e;
    if (s->big.px && s->big_of == image) return PAW_OK;
    paw_image_free(c, &s->big);
    e = paw_image_load(c, s->images.paths[image], &whole);
    if (e) return e;
    e = paw_image_resize_short(c, &whole, s->px * 8 / 7, &small);
    paw_image_free(c, &whole);
    if (e) return e;
    e = paw_image_center_crop(c, &small, s->px, s->px, &crop);
    paw_image_free(c, &small);
    if (e) return e;
    e = paw_image_resize(c, &crop, 4 * s->px, 4 * s->px, PAW_BICUBIC, &s->big);
    paw_image_free(c, &crop);
    s->big_of = image;
    return e;
}
static inline paw_err search_window(search *s, size_t image, int patch, paw_image *out)
{
    const double x = patch % SEARCH_SIDE * (s->px / 2), y = patch / SEARCH_SIDE * (s->px / 2);
    const double box[4] = { x, y, x + s->px, y + s->px };
    const paw_err e = search_enlarge(s, image);
    return e ? e : paw_image_crop(s->app->ctx, &s->big, box, out);
}
static inline int search_fill(void *user, size_t item, float *chw)
{
    search *s = (search *)user;
    paw_image window;
    const size_t image = item / SEARCH_WINDOWS, patch = item % SEARCH_WINDOWS;
    const paw_err e = search_window(s, image, (int)patch, &window);
    if (e && e != PAW_E_OOM && cli_has(s->app, "--skip-bad")) {
        if (!patch) (void)cli_fail_at(s->app, e, s->images.paths[image]);
        return CLI_SKIP;
    }
    if (e) return cli_fail_at(s->app, e, s->images.paths[image]);
    paw_normalize(&window, paw_stats_find(cli_text(s->app, "--stats")), chw);
    paw_image_free(s->app->ctx, &window);
    return CLI_OK;
}
/* Images of --images, folders of class folders too. */
static inline int search_open(search *s)
{
    const int k = cli_at(s->app, "--images");
    paw_index x;
    size_t i;
    int code = CLI_OK;
    memset(&x, 0, sizeof x);
    if (s->app->given[k] == 1 &&
        !paw_index_folders(s->app->ctx, s->app->argv[s->app->at[k]], NULL, &x)) {
        s->classes = x.classes;
        s->labels = (int32_t *)cli_alloc(x.count, sizeof *s->labels);
        if (!s->labels) code = cli_no_memory(s->app);
        for (i = 0; !code && i < x.count; ++i) {
            s->labels[i] = x.items[i].label;
            code = cli_paths_add(s->app, &s->images, x.items[i].path);
        }
        paw_index_free(s->app->ctx, &x);
    } else {
        code = cli_images(s->app, "--images", &s->images);
    }
    if (!code && cli_has(s->app, "--limit") && (size_t)cli_int(s->app, "--limit") < s->images.count)
        while (s->images.count > (size_t)cli_int(s->app, "--limit"))
            free(s->images.paths[--s->images.count]);
    return code;
}
static inline int search_encode(search *s, const paw_model *model, unsigned want)
{
    const size_t n = s->images.count * SEARCH_WINDOWS;
    size_t i;
    int code = CLI_OK;
    s->weights = paw_model_hash(model);
    s->hashes = (uint64_t *)cli_alloc(n, sizeof *s->hashes);
    s->names = (const char **)cli_alloc(n, sizeof *s->names);
    s->thumbs = (uint8_t **)cli_alloc(s->images.count, sizeof *s->thumbs);
    if (!s->hashes || !s->names || !s->thumbs) return cli_no_memory(s->app);
    for (i = 0; i < n; ++i) {
        const size_t image = i / SEARCH_WINDOWS, patch = i % SEARCH_WINDOWS;
        uint64_t file = 0;
        if (!patch && paw_file_hash(s->app->ctx, s->images.paths[image], 0, &file))
            return cli_fail(s->app, PAW_E_IO);
        if (!patch) s->hashes[i] = file;
        s->names[i] = s->images.paths[image];
    }
    for (i = n; i-- > 0;) {
        const uint64_t patch = i % SEARCH_WINDOWS;
        s->hashes[i] = paw_hash(&patch, sizeof patch, s->hashes[i - (size_t)patch]);
    }
    s->f.job.model = model;
    s->f.job.unit = "patches";
    s->f.job.count = n;
    s->f.job.h = s->f.job.w = s->px;
    s->f.job.want = want;
    s->f.job.layer = -1;
    s->f.job.fill = search_fill;
    s->f.job.user = s;
    s->f.frame = "windows, stride half a side, of the centre enlarged four times";
    s->f.data = "patch search";
    s->f.hashes = s->hashes;
    s->f.names = s->names;
    code = cli_features_run(s->app, &s->f);
    if (!code && !s->f.good) code = cli_error(s->app, CLI_INPUT, "no image can be read");
    return code;
}
/* Shares of hue, each pixel by its chroma; what has no chroma goes to the last. Sum 1. */
static inline void search_hues(const paw_image *window, float *out)
{
    const size_t n = (size_t)window->w * (size_t)window->h;
    double sum[SEARCH_HUE] = { 0 };
    size_t i;
    int k;
    for (i = 0; i < n; ++i) {
        const int r = window->px[3 * i], g = window->px[3 * i + 1], b = window->px[3 * i + 2];
        const int most = r > g ? (r > b ? r : b) : g > b ? g : b;
        const int least = r < g ? (r < b ? r : b) : g < b ? g : b, chroma = most - least;
        sum[SEARCH_HUES] += 255 - chroma;
        if (chroma) { /* hue in sixths of a turn, then in bins */
            const int part = most == r ? g - b : most == g ? b - r : r - g;
            const int turn = most == r ? 0 : most == g ? 2 : 4;
            const int bin = ((turn * chroma + part + 6 * chroma) % (6 * chroma)) * SEARCH_HUES;
            sum[bin / (6 * chroma)] += chroma;
        }
    }
    for (k = 0; k < SEARCH_HUE; ++k) out[k] = (float)(sum[k] / (255.0 * (double)n));
}
/* The store of hues, filled where it lacks. */
static inline int search_colour(search *s)
{
    const size_t size = (size_t)cli_int(s->app, "--shard-items"), n = s->f.job.count;
    const char *const about[] = { "px", "224", "bins", "36 hues by chroma, the rest", NULL };
    float *rows = (float *)cli_alloc(size * SEARCH_HUE, sizeof *rows);
    cli_progress progress;
    paw_store_spec o;
    paw_err e;
    size_t shard, i;
    memset(&o, 0, sizeof o);
    o.dir = cli_has(s->app, "--no-cache") ? NULL : cli_text(s->app, "--cache");
    o.name = "hue";
    o.about = about;
    o.items = s->hashes;
    o.count = n;
    o.ndim = 1;
    o.shape[0] = SEARCH_HUE;
    o.shard_rows = size;
    o.weights = (uint64_t)s->px;
    e = rows ? paw_store_open(s->app->ctx, &o, &s->hue) : PAW_OK;
    if (e == PAW_E_IO) {
        o.dir = NULL;
        e = paw_store_open(s->app->ctx, &o, &s->hue);
    }
    cli_progress_start(&progress, s->app, "patches by colour", n);
    for (shard = 0; rows && !e && shard * size < n; ++shard) {
        const size_t first = shard * size, end = first + size < n ? first + size : n;
        if (paw_store_has(s->hue, shard)) continue;
        for (i = first; !e && i < end; ++i) {
            paw_image window;
            float *row = rows + (i - first) * SEARCH_HUE;
            e = search_window(s, i / SEARCH_WINDOWS, (int)(i % SEARCH_WINDOWS), &window);
            if (!e) search_hues(&window, row);
            else memset(row, 0, SEARCH_HUE * sizeof *row);
            if (!e) paw_image_free(s->app->ctx, &window);
            else if (e != PAW_E_OOM && cli_has(s->app, "--skip-bad")) e = PAW_OK;
        }
        if (!e) e = paw_store_write(s->app->ctx, s->hue, shard, rows);
        cli_progress_show(&progress, end);
        if (cli_interrupted()) break;
    }
    cli_progress_end(&progress);
    free(rows);
    if (!rows) return cli_no_memory(s->app);
    return e ? cli_fail(s->app, e) : cli_interrupted();
}
/* Enters position at with its similarity into a list of count, best first, of at most k. */
static inline size_t search_enter(size_t *near, float *similarity, size_t count, size_t k,
                                  size_t at, float x)
{
    size_t i;
    if (count == k && !(x > similarity[k - 1])) return count;
    if (count < k) ++count;
    for (i = count - 1; i > 0 && similarity[i - 1] < x; --i) {
        similarity[i] = similarity[i - 1];
        near[i] = near[i - 1];
    }
    similarity[i] = x;
    near[i] = at;
    return count;
}
/* The k nearest of every query by the cosine of a feature, chunk by chunk; left out: the query, or
   with others all windows of its image. */
static inline int search_nearest(search *s, int kind, int others, search_hits *h)
{
    const size_t dim = cli_row_count(&s->f, kind), n = s->f.good, k = h->k;
    const size_t most = k + (others ? (size_t)SEARCH_WINDOWS : 1);
    float *q = (float *)cli_alloc(h->count * dim, sizeof *q);
    float *x = (float *)cli_alloc((n < SEARCH_CHUNK ? n : SEARCH_CHUNK) * dim, sizeof *x);
    float *scores = (float *)cli_alloc(h->count * most, sizeof *scores);
    size_t *rows = (size_t *)cli_alloc(h->count * most, sizeof *rows);
    size_t *counts = (size_t *)cli_alloc(h->count, sizeof *counts);
    size_t i, j, first;
    int code = q && x && scores && rows && counts ? CLI_OK : cli_no_memory(s->app);
    paw_err e = PAW_OK;
    s->zeros[kind] = 0;
    for (i = 0; !code && i < h->count * k; ++i) h->near[i] = n;
    for (i = 0; !code && i < h->count && !e; ++i)
        e = paw_store_read(s->app->ctx, s->f.store[kind], &s->f.rows[h->query[i]], 1, PAW_F32,
                           q + i * dim);
    for (first = 0; !code && !e && first < n; first += SEARCH_CHUNK) {
        const size_t m = n - first < SEARCH_CHUNK ? n - first : SEARCH_CHUNK;
        const size_t top = most < m ? most : m;
        e = paw_store_read(s->app->ctx, s->f.store[kind], s->f.rows + first, m, PAW_F32, x);
        if (!e) s->zeros[kind] += paw_zero_rows(x, m, dim);
        if (!e)
            e = paw_retrieval_topk(s->app->ctx, q, h->count, x, m, dim, top, 0, rows, scores);
        for (i = 0; !e && i < h->count; ++i)
            for (j = 0; j < top; ++j) {
                const size_t at = first + rows[i * top + j], query = h->query[i];
                if (others ? search_image(s, at) == search_image(s, query) : at == query) continue;
                counts[i] = search_enter(h->near + i * k, h->similarity + i * k, counts[i], k, at,
                                         scores[i * top + j]);
            }
        if (!e && cli_interrupted()) code = cli_interrupted();
    }
    if (e) code = cli_fail(s->app, e);
    free(q);
    free(x);
    free(scores);
    free(rows);
    free(counts);
    return code;
}

/* Whether neighbours share the query's colour: the mean overlap of hue shares of the k nearest
   windows of other images, as a share of the way from random windows (0) to those nearest by hue
   (1); and how many show the query's class. A seeded sample of queries. */
typedef struct {
    double overlap, random, by_hue; /* means */
    double colour, error;           /* share of the way; its standard error over the queries */
    double same, chance;            /* per cent of neighbours of the query's class */
} search_colour_result;
static inline double search_overlap(const float *a, const float *b)
{
    double sum = 0;
    int i;
    for (i = 0; i < SEARCH_HUE; ++i) sum += (double)(a[i] < b[i] ? a[i] : b[i]);
    return sum;
}
static inline int search_colour_of(search *s, const search_hits *h, const float *hue,
                                   search_colour_result *out)
{
    const size_t n = s->f.good, k = h->k;
    double overlap = 0, random = 0, best = 0, same = 0, other = 0, hits = 0, sum = 0, squares = 0;
    double d;
    float *top = (float *)cli_alloc(k, sizeof *top);
    size_t *at = (size_t *)cli_alloc(k, sizeof *at), i, j, found, pairs;
    if (!top || !at) {
        free(top);
        free(at);
        return cli_no_memory(s->app);
    }
    memset(out, 0, sizeof *out);
    for (i = 0; i < h->count; ++i) {
        const size_t query = h->query[i], image = search_image(s, query);
        const float *q = hue + query * SEARCH_HUE;
        double near = 0, all = 0, nearest = 0;
        for (j = found = pairs = 0; j < n; ++j) {
            const double x = search_overlap(q, hue + j * SEARCH_HUE);
            if (search_image(s, j) == image) continue;
            all += x;
            ++pairs;
            found = search_enter(at, top, found, k, j, (float)x);
            if (s->labels) other += s->labels[search_image(s, j)] == s->labels[image];
        }
        if (!pairs) continue;
        for (j = 0; j < found; ++j) nearest += (double)top[j];
        for (j = 0; j < k && h->near[i * k + j] < n; ++j) {
            near += search_overlap(q, hue + h->near[i * k + j] * SEARCH_HUE);
            if (s->labels)
                same += s->labels[search_image(s, h->near[i * k + j])] == s->labels[image];
            ++hits;
        }
        near /= (double)(j ? j : 1);
        all /= (double)pairs;
        nearest /= (double)(found ? found : 1);
        overlap += near;
        random += all;
        best += nearest;
        d = nearest > all ? (near - all) / (nearest - all) : 0;
        sum += d;
        squares += d * d;
        out->chance += (double)pairs;
    }
    out->overlap = overlap / (double)h->count;
    out->random = random / (double)h->count;
    out->by_hue = best / (double)h->count;
    out->colour = sum / (double)h->count;
    out->error = sqrt((squares / (double)h->count - out->colour * out->colour) / (double)h->count);
    out->same = hits > 0 ? 100 * same / hits : 0;
    out->chance = out->chance > 0 ? 100 * other / out->chance : 0;
    free(top);
    free(at);
    return CLI_OK;
}

/* ---- patch search: pictures ---- */

static inline const uint8_t *search_thumb(search *s, size_t at, paw_err *e) /* [56, 56, 3] */
{
    enum { BYTES = SEARCH_CELL * SEARCH_CELL * 3 };
    const size_t image = search_image(s, at);
    int k;
    *e = PAW_OK;
    if (!s->thumbs[image]) {
        uint8_t *t = (uint8_t *)cli_alloc(SEARCH_WINDOWS, BYTES);
        *e = t ? PAW_OK : PAW_E_OOM;
        for (k = 0; !*e && k < SEARCH_WINDOWS; ++k) {
            paw_image window, small;
            *e = search_window(s, image, k, &window);
            if (*e) break;
            *e = paw_image_resize(s->app->ctx, &window, SEARCH_CELL, SEARCH_CELL, PAW_BICUBIC,
                                  &small);
            paw_image_free(s->app->ctx, &window);
            if (*e) break;
            memcpy(t + k * BYTES, small.px, BYTES);
            paw_image_free(s->app->ctx, &small);
        }
        if (*e) free(t);
        else s->thumbs[image] = t;
    }
    return *e ? NULL : s->thumbs[image] + search_patch(s, at) * BYTES;
}
static inline void search_paste(paw_image *canvas, int x, int y, const uint8_t *px, int w, int h)
{
    int row;
    for (row = 0; row < h; ++row)
        memcpy(canvas->px + ((size_t)(y + row) * (size_t)canvas->w + (size_t)x) * 3,
               px + (size_t)row * (size_t)w * 3, (size_t)w * 3);
}
/* The source, 224 x 224, with a red rectangle of 5 pixels at the patch, into the canvas. */
static inline paw_err search_source(search *s, size_t at, paw_image *canvas)
{
    enum { SIDE = 4 * SEARCH_CELL, WIDE = 5 };
    const int patch = search_patch(s, at), x0 = patch % SEARCH_SIDE * (SEARCH_CELL / 2);
    const int y0 = patch / SEARCH_SIDE * (SEARCH_CELL / 2);
    paw_image source;
    int x, y;
    paw_err e = search_enlarge(s, search_image(s, at));
    if (!e) e = paw_image_resize(s->app->ctx, &s->big, SIDE, SIDE, PAW_BICUBIC, &source);
    if (e) return e;
    search_paste(canvas, 0, 0, source.px, SIDE, SIDE);
    paw_image_free(s->app->ctx, &source);
    for (y = y0; y <= y0 + SEARCH_CELL && y < SIDE; ++y)
        for (x = x0; x <= x0 + SEARCH_CELL && x < SIDE; ++x) {
            uint8_t *p = canvas->px + ((size_t)y * (size_t)canvas->w + (size_t)x) * 3;
            if (x - x0 >= WIDE && x0 + SEARCH_CELL - x >= WIDE && y - y0 >= WIDE &&
                y0 + SEARCH_CELL - y >= WIDE)
                continue;
            p[0] = 255;
            p[1] = p[2] = 0;
        }
    return PAW_OK;
}
/* The paper's layout: cells of 56 pixels, 5 apart, ten a row; the first 4 x 4 show the source, the
   others the neighbours row by row. As DIR/NAME; returns an exit code. */
static inline int search_sheet(search *s, const search_hits *h, size_t q, const char *folder,
                               const char *name)
{
    enum { STEP = SEARCH_CELL + 5, ACROSS = 10, BESIDE = 4 * (ACROSS - 4) };
    const size_t k = h->k, below = k > BESIDE ? (k - BESIDE + ACROSS - 1) / ACROSS : 0;
    paw_image canvas;
    report png;
    cli_file o;
    size_t i;
    int code = CLI_OK;
    paw_err e;
    canvas.w = ACROSS * STEP - 5;
    canvas.h = (int)(4 + below) * STEP - 5;
    canvas.px = (uint8_t *)cli_alloc((size_t)canvas.w * (size_t)canvas.h, 3);
    if (!canvas.px) return cli_no_memory(s->app);
    memset(canvas.px, 255, (size_t)canvas.w * (size_t)canvas.h * 3);
    e = search_source(s, h->query[q], &canvas);
    for (i = 0; !e && i < k && h->near[q * k + i] < s->f.good; ++i) {
        const int down = i < BESIDE ? (int)i / (ACROSS - 4) : 4 + (int)(i - BESIDE) / ACROSS;
        const int across = i < BESIDE ? 4 + (int)i % (ACROSS - 4) : (int)(i - BESIDE) % ACROSS;
        const uint8_t *thumb = search_thumb(s, h->near[q * k + i], &e);
        if (!e) search_paste(&canvas, across * STEP, down * STEP, thumb, SEARCH_CELL, SEARCH_CELL);
    }
    memset(&png, 0, sizeof png);
    if (e) code = cli_fail(s->app, e);
    else if (!stbi_write_png_to_func(report_collect, &png, canvas.w, canvas.h, 3, canvas.px,
                                     3 * canvas.w) || png.failed)
        code = cli_no_memory(s->app);
    if (!code) code = cli_file_open(s->app, &o, folder, name);
    if (!code) {
        (void)fwrite(png.s, 1, png.n, o.f);
        code = cli_file_keep(s->app, &o);
    }
    free(png.s);
    free(canvas.px);
    return code;
}
/* One window of 56 pixels as a figure. */
static inline int search_figure(search *s, report *p, size_t at, float similarity, int rank)
{
    paw_image image;
    char alt[512];
    paw_err e;
    const uint8_t *thumb = search_thumb(s, at, &e);
    if (e) return cli_fail(s->app, e);
    image.w = image.h = SEARCH_CELL;
    image.px = (uint8_t *)cli_alloc(SEARCH_CELL * SEARCH_CELL, 3);
    if (!image.px) return cli_no_memory(s->app);
    memcpy(image.px, thumb, SEARCH_CELL * SEARCH_CELL * 3);
    snprintf(alt, sizeof alt, "%d: patch %d of %s, cosine %.3f", rank, search_patch(s, at),
             cli_base(s->images.paths[search_image(s, at)]), (double)similarity);
    report_image(p, &image, alt);
    free(image.px);
    return CLI_OK;
}
/* The neighbours of a query, up to most, in a grid. */
static inline int search_grid(search *s, report *p, const search_hits *h, size_t q, size_t most)
{
    size_t i;
    int code = CLI_OK;
    report_raw(p, "<div class=\"found\">");
    for (i = 0; !code && i < most && i < h->k && h->near[q * h->k + i] < s->f.good; ++i)
        code = search_figure(s, p, h->near[q * h->k + i], h->similarity[q * h->k + i], (int)i + 1);
    report_raw(p, "</div>\n");
    return code;
}

/* ---- patch search: queries, result, page ---- */

/* Position of a window, or f.good. */
static inline size_t search_at(const search *s, size_t image, int patch)
{
    size_t lo = 0, hi = s->f.good;
    const size_t item = image * SEARCH_WINDOWS + (size_t)patch;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (s->f.rows[mid] < item) lo = mid + 1;
        else hi = mid;
    }
    return lo < s->f.good && s->f.rows[lo] == item ? lo : s->f.good;
}
/* "IMAGE:PATCH" to both numbers. */
static inline int search_query(search *s, const char *word, size_t *number, int *window)
{
    const char *colon = strrchr(word, ':');
    char *end = NULL;
    size_t image = s->images.count, i;
    const long patch = colon ? strtol(colon + 1, &end, 10) : -1;
    if (!colon || end == colon + 1 || *end || patch < 0 || patch >= SEARCH_WINDOWS)
        return cli_error(s->app, CLI_USAGE, "--query '%s' is not IMAGE:PATCH, patches 0 to %d",
                         word, SEARCH_WINDOWS - 1);
    for (i = 0; i < s->images.count; ++i) {
        const char *base = cli_base(s->images.paths[i]);
        if (strlen(base) == (size_t)(colon - word) && !memcmp(base, word, strlen(base))) image = i;
    }
    if (image == s->images.count) {
        const unsigned long given = strtoul(word, &end, 10);
        if (end == colon && isdigit((unsigned char)*word)) image = given;
    }
    if (image >= s->images.count)
        return cli_error(s->app, CLI_USAGE, "--query '%s': no such image among %lu", word,
                         (unsigned long)s->images.count);
    *number = image;
    *window = (int)patch;
    return CLI_OK;
}
/* Wrong queries are told before anything is encoded. */
static inline int search_check_queries(search *s)
{
    const int k = cli_at(s->app, "--query");
    size_t image;
    int i, window, code = CLI_OK;
    for (i = 0; !code && i < s->app->given[k]; ++i)
        code = search_query(s, s->app->argv[s->app->at[k] + i], &image, &window);
    return code;
}
static inline int search_queries(search *s, size_t top, search_hits *out)
{
    const int k = cli_at(s->app, "--query"), given = s->app->given[k];
    int i, window, code = search_hits_new(s->app, out, given ? (size_t)given : 3, top);
    size_t image;
    for (i = 0; !code && i < given; ++i) {
        const char *word = s->app->argv[s->app->at[k] + i];
        if ((code = search_query(s, word, &image, &window))) break;
        out->query[i] = search_at(s, image, window);
        if (out->query[i] >= s->f.good)
            code = cli_error(s->app, CLI_INPUT, "--query '%s': %s cannot be read", word,
                             s->images.paths[image]);
    }
    for (i = 0; !code && !given && i < 3; ++i) {
        image = search_image(s, (size_t)i * s->f.good / 3);
        out->query[i] = search_at(s, image, SEARCH_WINDOWS / 2);
    }
    return code;
}
/* A row of the table: does the feature follow the colour, does it find the class. */
static inline void search_put(search *s, cli_result *r, const char *name,
                              const search_colour_result *c)
{
    static const cli_column columns[] = {
        { "feature", "feature" }, { "hue overlap of 24 nearest", "overlap" },
        { "of random", "overlap_random" }, { "of nearest by hue", "overlap_by_hue" },
        { "follows colour %", "follows_colour" }, { "+-", "standard_error" },
        { "same class %", "same_class" }, { "chance %", "same_class_chance" } };
    static const cli_table with = { NULL, columns, 8 }, without = { NULL, columns, 6 };
    const cli_table *t = s->labels ? &with : &without;
    cli_cell(r, t, cli_s(name));
    cli_cell(r, t, cli_r(c->overlap, 3));
    cli_cell(r, t, cli_r(c->random, 3));
    cli_cell(r, t, cli_r(c->by_hue, 3));
    cli_cell(r, t, cli_r(100 * c->colour, 1));
    cli_cell(r, t, cli_r(100 * c->error, 1));
    if (!s->labels) return;
    cli_cell(r, t, cli_r(c->same, 1));
    cli_cell(r, t, cli_r(c->chance, 1));
}
static inline void search_put_settings(search *s, size_t zeros, cli_result *r)
{
    char hex[20];
    cli_put(r, "images", cli_n(s->images.count));
    cli_put(r, "patches", cli_n(s->f.good));
    cli_put(r, "unreadable_patches", cli_n(s->f.job.count - s->f.good));
    cli_put(r, "zero_features", cli_n(zeros));
    cli_put(r, "protocol", cli_s("7 x 7 windows of the centre enlarged four times, cosine"));
    cli_put(r, "top", cli_n((size_t)cli_int(s->app, "--top")));
    cli_put(r, "own_image", cli_s(cli_has(s->app, "--other-images") ? "left out" : "included"));
    cli_put(r, "colour_sample", cli_n((size_t)cli_int(s->app, "--sample")));
    cli_put(r, "cache_dtype", cli_s(cli_text(s->app, "--cache-dtype")));
    cli_put_settings(s->app, r, &s->info, s->px);
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)s->weights);
    cli_put(r, "weights_hash", cli_s(hex));
    cli_put(r, "notes[]", cli_s("follows colour: hue overlap of the 24 nearest windows of other "
                                "images, 0: as of random ones, 100: as of those nearest by hue"));
    cli_put(r, "notes[]", cli_s("hue overlap: 36 hues weighed by chroma and one share of grey"));
}
/* Bars of how far each feature follows the colour. */
static inline void search_bars(report *p, const char *const *names,
                               const search_colour_result *colour, unsigned set)
{
    int k;
    report_raw(p, "<h2>Does the encoder retrieve by colour?</h2>\n<p>Hue overlap between a window "
                  "and its 24 nearest windows of other images, on the way from random windows (0) "
                  "to the windows nearest by hue alone (100). An encoder that looks at colour "
                  "instead of parts is far to the right.</p>\n<div class=\"bars\">\n");
    for (k = 0; k < SEARCH_FEATURES; ++k) {
        const double share = 100 * colour[k].colour;
        if (!(set >> k & 1)) continue;
        report_element(p, "div", names[k]);
        report_add(p, "<div class=\"track\" role=\"img\" aria-label=\"%s follows colour: %.1f of "
                      "100\"><i class=\"b%d\" style=\"width:%.1f%%\"></i><span>%.1f &plusmn; %.1f"
                      "</span></div>\n", names[k], share, k,
                   share < 0 ? 0 : share > 100 ? 100 : share, share, 100 * colour[k].error);
    }
    report_raw(p, "</div>\n");
}
/* The 49 windows of a query's image as links, and for each its nearest; no script: :target. */
static inline int search_clicks(search *s, report *p, size_t q, size_t at, const char *const *names,
                                const int *kinds, unsigned set)
{
    enum { SHOWN = 6 };
    const size_t image = search_image(s, at);
    search_hits h[SEARCH_FEATURES];
    int k, i, code = CLI_OK;
    memset(h, 0, sizeof h);
    for (k = 0; !code && k < SEARCH_FEATURES; ++k) {
        if (!(set >> k & 1)) continue;
        code = search_hits_new(s->app, &h[k], SEARCH_WINDOWS, SHOWN);
        for (i = 0; !code && i < SEARCH_WINDOWS; ++i) h[k].query[i] = search_at(s, image, i);
        if (!code) code = search_nearest(s, kinds[k], 1, &h[k]);
    }
    report_raw(p, "<h3>Every window of this image</h3>\n<p>Choose one: its nearest windows of "
                  "other images appear below.</p>\n<div class=\"pick\">\n");
    for (i = 0; !code && i < SEARCH_WINDOWS; ++i) {
        report_add(p, "<a href=\"#q%lu-%d\"%s>", (unsigned long)q, i,
                   i == search_patch(s, at) ? " class=\"here\"" : "");
        code = search_figure(s, p, search_at(s, image, i), 1, 0);
        report_raw(p, "</a>\n");
    }
    report_raw(p, "</div>\n");
    for (i = 0; !code && i < SEARCH_WINDOWS; ++i) {
        report_add(p, "<div class=\"answer\" id=\"q%lu-%d\"><h3>Window %d</h3><div class=\"pair\">",
                   (unsigned long)q, i, i);
        for (k = 0; !code && k < SEARCH_FEATURES; ++k) {
            if (!(set >> k & 1)) continue;
            report_raw(p, "<div>");
            report_element(p, "p class=\"soft\"", names[k]);
            code = search_grid(s, p, &h[k], (size_t)i, SHOWN);
            report_raw(p, "</div>");
        }
        report_raw(p, "</div></div>\n");
    }
    for (k = 0; k < SEARCH_FEATURES; ++k) search_hits_free(&h[k]);
    return code;
}
/* Sheets and page into folder. */
static inline int search_write(search *s, const cli_result *r, const char *folder,
                               const char *const *names, const int *kinds, const search_hits *hits,
                               const search_colour_result *colour, unsigned set,
                               const search_hits *queries)
{
    char text[1200];
    paw_image source;
    report p;
    size_t q;
    int k, code = cli_make_folder(s->app, folder);
    memset(&p, 0, sizeof p);
    report_begin(&p, "Patch search", "Windows of images query the windows of all images by cosine "
                 "similarity. Encoded: class token and average of the patch tokens. Projected: "
                 "what the pretraining compared.");
    if (cli_is_random(s->app))
        report_element(&p, "p class=\"warn\"", "The weights are random: this page shows what an "
                       "untrained encoder gives, not what a checkpoint knows.");
    report_rows(&p, r);
    search_bars(&p, names, colour, set);
    source.w = source.h = 4 * SEARCH_CELL;
    source.px = (uint8_t *)cli_alloc((size_t)source.w * (size_t)source.h, 3);
    if (!source.px) code = cli_no_memory(s->app);
    for (q = 0; !code && q < queries->count; ++q) {
        const size_t at = queries->query[q], image = search_image(s, at);
        snprintf(text, sizeof text, "Query %lu:%d, %s", (unsigned long)image, search_patch(s, at),
                 cli_base(s->images.paths[image]));
        report_element(&p, "h2", text);
        if (search_source(s, at, &source)) code = cli_fail(s->app, PAW_E_IO);
        snprintf(text, sizeof text, "%s with the queried window, %d, in a red frame",
                 cli_base(s->images.paths[image]), search_patch(s, at));
        if (!code) report_image(&p, &source, text);
        report_raw(&p, "<div class=\"pair\">\n");
        for (k = 0; !code && k < SEARCH_FEATURES; ++k) {
            if (!(set >> k & 1)) continue;
            report_raw(&p, "<div>");
            snprintf(text, sizeof text, "%s: %s", k < 2 ? "encoded" : "projected", names[k]);
            report_element(&p, "h3", text);
            code = search_grid(s, &p, &hits[k], q, hits[k].k);
            report_raw(&p, "</div>\n");
            snprintf(text, sizeof text, "%lu_%d_%s.png", (unsigned long)image, search_patch(s, at),
                     names[k]);
            if (!code) code = search_sheet(s, &hits[k], q, folder, text);
        }
        report_raw(&p, "</div>\n");
        if (!code) code = search_clicks(s, &p, q, at, names, kinds, set);
        if (!code) code = cli_interrupted();
    }
    free(source.px);
    report_provenance(&p, s->app, r, s->f.encoded);
    if (!code) code = report_save(s->app, &p, folder);
    report_free(&p);
    return code;
}

/* ---- probing: a head trained on frozen features, accuracy, curves, confusion ---- */

#define REPORT_PROBE_OPTIONS                                                                       \
    {"--runs", "N", CLI_INT, "1", 1, 1000, "train so many heads, seeds from --seed on"},           \
        {"--seed", "N", CLI_INT, "0", 0, 1e9, "of weights, order and augmentation"},               \
        {"--epochs", "N", CLI_INT, NULL, 1, 100000, "instead of the recipe's 90"},                 \
        {"--lr", "X", CLI_REAL, NULL, 0, 1e6,                                                      \
         "highest learning rate; else the recipe's, scaled by --train-batch"},                     \
        {"--train-batch", "N", CLI_INT, NULL, 1, 1e6, "rows of a step, instead of the recipe's"},  \
        {"--bn-eval", "batch|running", CLI_CHOICE, NULL, 0, 0,                                     \
         "statistics of batch norm in tests; else the recipe's"},                                  \
        {"--bn-group", "N", CLI_INT, "0", 0, 1e6,                                                  \
         "rows that share training statistics, one GPU's; 0: all of a step"},                      \
        {"--feature", "cls|mean", CLI_CHOICE, "cls", 0, 0, "what a linear head reads"},            \
        {"--layer", "K", CLI_INT, NULL, 0, 511,                                                    \
         "output of block K from 0, without the final norm, instead of the features"},             \
        {"--memory", "GB", CLI_REAL, "4", 0, 1e6,                                                  \
         "features that need more are read from the cache batch by batch"},                        \
        {"--test-every", "N", CLI_INT, "1", 1, 1000000, "epochs from test to test"},               \
        {"--save", "FILE", CLI_STR, NULL, 0, 0, "keep the last head as safetensors"},              \
        {"--apply", "FILE", CLI_STR, NULL, 0, 0, "no training: test a head that was kept"},        \
        {"--predictions", "FILE", CLI_STR, NULL, 0, 0, "write path, label, prediction as CSV"}

typedef struct report_probe report_probe;
enum { REPORT_CLASSES, REPORT_READS, REPORT_WEIGHTS, REPORT_STATS, REPORT_RECIPE, REPORT_FACTS };
static const char *const report_facts[REPORT_FACTS] = { "class_names", "feature", "weights_hash",
                                                        "stats", "recipe" };
typedef struct { /* what a head was trained on, as its file says it; each owned, NULL: unknown */
    char *fact[REPORT_FACTS]; /* class_names: a line each, in the order of the outputs */
} report_origin;
typedef struct { /* rows of one set, in memory or from the store */
    report_probe *p;
    int set, kind;
    size_t row;    /* numbers of a row */
    int dtype;     /* of x and buffer: as the store keeps them; floats where images are augmented */
    char *x;       /* [count, row]; NULL: from the store */
    char *buffer;  /* of one batch */
    size_t room;   /* rows in buffer */
    size_t *at;    /* [room] */
} report_rows_of;
struct report_probe {
    cli *app;
    const char *title, *lead, *train, *test; /* of the page; names of the splits */
    paw_index_fn *open;
    int frame;            /* of training images; tests have PAW_FRAME_AUTO */
    const char *recipe;   /* of the result; with --apply as the head's file says */
    double paper;         /* percent; 0: none */
    const char *paper_at; /* "Table 4, ..." */
    cli_items set[2];     /* training, test */
    report_rows_of rows[2];
    paw_features x[2];
    paw_model_info info;
    const paw_model *model;
    uint64_t weights;
    paw_head_opts o;
    paw_head *head;
    report_origin origin, kept; /* of this run; of the head of --apply */
    cli_file predictions;
    int augment; /* training images are cut at random and encoded anew in each epoch */
    float *logits;                            /* [test count, classes] */
    double *loss, *acc;                       /* [epochs] of the last run; acc NaN: not tested */
    double *last, *best, *other, seconds;     /* [runs] percent; other: of the other bn_eval */
    int *best_epoch, run, runs;
    size_t *confusion, absent; /* of the last run; classes without a training item */
    size_t encoded;            /* images augmented so far */
    cli_progress progress;
    cli_column columns[3];
    cli_table table;
};

static inline void report_probe_free(report_probe *p)
{
    int i;
    for (i = 0; i < 2; ++i) {
        free(p->rows[i].x);
        free(p->rows[i].buffer);
        free(p->rows[i].at);
        free((void *)(uintptr_t)p->x[i].labels);
        cli_items_free(&p->set[i]);
    }
    for (i = 0; i < REPORT_FACTS; ++i) {
        free(p->origin.fact[i]);
        free(p->kept.fact[i]);
    }
    cli_file_drop(&p->predictions);
    paw_head_free(p->head);
    free(p->logits);
    free(p->loss);
    free(p->acc);
    free(p->last);
    free(p->best);
    free(p->other);
    free(p->best_epoch);
    free(p->confusion);
}
/* One training image as an epoch sees it. */
static inline paw_err report_augmented(report_probe *p, int epoch, size_t item, float *chw)
{
    cli_items *s = &p->set[0];
    paw_image image;
    const paw_err e = paw_reader_augment(p->app->ctx, &s->reader, &s->index.items[item], s->px,
                                         p->o.seed, epoch, item, &image);
    if (e) return e;
    paw_normalize(&image, paw_stats_find(cli_text(p->app, "--stats")), chw);
    paw_image_free(p->app->ctx, &image);
    return PAW_OK;
}
static inline paw_err report_encode_rows(report_rows_of *r, int epoch, const size_t *items,
                                         size_t n)
{
    report_probe *p = r->p;
    const size_t most = (size_t)cli_int(p->app, "--batch"), px = (size_t)p->info.image_px;
    float *chw = (float *)cli_alloc(most * 3 * px * px, sizeof *chw);
    paw_err e = chw ? PAW_OK : PAW_E_OOM;
    size_t i, k, m;
    for (i = 0; !e && i < n; i += m) {
        float *to = (float *)(void *)r->buffer + i * r->row;
        paw_outputs out;
        memset(&out, 0, sizeof out);
        m = n - i < most ? n - i : most;
        for (k = 0; !e && k < m; ++k)
            e = report_augmented(p, epoch, items[i + k], chw + k * 3 * px * px);
        if (r->kind == CLI_TOKENS) out.tokens = to;
        else if (r->kind == CLI_MEAN) out.mean = to;
        else out.cls = to;
        if (!e) e = paw_encode(p->model, p->app->ctx, chw, m, (int)px, (int)px, &out);
        if (!e && cli_interrupted()) e = PAW_E_IO;
        p->encoded += e ? 0 : m;
        cli_progress_show(&p->progress, p->encoded);
    }
    free(chw);
    return e;
}
static inline paw_err report_get(void *user, int epoch, const size_t *items, size_t n,
                                 const void **rows)
{
    report_rows_of *r = (report_rows_of *)user;
    const cli_features *f = &r->p->set[r->set].f;
    const size_t bytes = r->row * (r->dtype == PAW_F32 ? 4 : 2);
    size_t i;
    if (cli_interrupted()) return PAW_E_IO; /* said by report_probe_code */
    if (r->x) {
        for (i = 0; i < n; ++i) rows[i] = r->x + items[i] * bytes;
        return PAW_OK;
    }
    if (n > r->room) {
        free(r->buffer);
        free(r->at);
        r->buffer = (char *)cli_alloc(n, bytes);
        r->at = (size_t *)cli_alloc(n, sizeof *r->at);
        r->room = r->buffer && r->at ? n : 0;
        if (!r->room) return PAW_E_OOM;
    }
    for (i = 0; i < n; ++i) {
        r->at[i] = r->p->augment && !r->set ? items[i] : f->rows[items[i]];
        rows[i] = r->buffer + i * bytes;
    }
    if (r->p->augment && !r->set) return report_encode_rows(r, epoch, items, n);
    return paw_store_read(r->p->app->ctx, f->store[r->kind], r->at, n, r->dtype, r->buffer);
}
static inline int report_probe_code(report_probe *p, paw_err e)
{
    const int stop = cli_interrupted();
    if (!e) return CLI_OK;
    if (stop) cli_say_stopped(p->app, "interrupted in run %d", p->run + 1);
    if (stop) return stop;
    return e == PAW_E_OOM ? cli_no_memory(p->app) : cli_fail(p->app, e);
}
/* Top-1 accuracy of the present head on the test set, in percent. */
static inline paw_err report_test(report_probe *p, double *percent)
{
    const paw_features *x = &p->x[1];
    const paw_err e = paw_head_predict(p->head, p->app->ctx, x, p->logits);
    if (e) return e;
    *percent = 100.0 / (double)x->count *
               (double)paw_topk_correct(p->logits, x->labels, x->count, p->o.classes, 1);
    return PAW_OK;
}
static inline paw_err report_told(void *user, const paw_progress *s)
{
    report_probe *p = (report_probe *)user;
    const int every = cli_int(p->app, "--test-every"), end = s->epoch + 1 == p->o.epochs;
    double percent;
    paw_err e;
    if (!p->augment)
        cli_progress_show(&p->progress, ((size_t)p->run * (size_t)p->o.epochs + (size_t)s->epoch) *
                                            p->x[0].count + s->step * p->x[0].count / s->steps);
    if (s->step < s->steps) return PAW_OK;
    p->loss[s->epoch] = s->loss;
    p->acc[s->epoch] = (double)NAN;
    if ((s->epoch + 1) % every && !end) return PAW_OK;
    e = report_test(p, &percent);
    if (e) return e;
    p->acc[s->epoch] = percent;
    p->last[p->run] = percent;
    if (percent > p->best[p->run]) {
        p->best[p->run] = percent;
        p->best_epoch[p->run] = s->epoch + 1;
    }
    return PAW_OK;
}
static inline int report_set_open(report_probe *p, int i)
{
    const int kind = p->rows[i].kind, tokens = kind == CLI_TOKENS || kind == CLI_BLOCKS;
    const int skip = p->augment && !i;
    cli_items *s = &p->set[i];
    report_rows_of *r = &p->rows[i];
    size_t k, t = (size_t)p->info.tokens, dim = (size_t)p->info.dim;
    paw_store_info d;
    int32_t *labels;
    int code = CLI_OK;
    s->block = kind == CLI_BLOCKS ? 1 + cli_int(p->app, "--layer") : 0;
    s->px = p->info.image_px;
    if (!skip)
        code = cli_items_run(s, p->model, CLI_BIT(kind), p->info.image_px,
                             i ? PAW_FRAME_AUTO : p->frame);
    if (code) return code;
    r->p = p;
    r->set = i;
    r->row = tokens ? t * dim : dim;
    paw_store_describe(s->f.store[kind], &d); /* of no store: floats */
    r->dtype = p->x[i].dtype = d.dtype;
    p->x[i].count = s->index.count;
    p->x[i].tokens = p->o.kind == PAW_ATTENTIVE ? t : 1;
    p->x[i].get = report_get;
    p->x[i].user = r;
    labels = (int32_t *)cli_alloc(s->index.count, sizeof *labels);
    p->x[i].labels = labels;
    if (!labels) return cli_no_memory(p->app);
    for (k = 0; k < s->index.count; ++k) labels[k] = s->index.items[k].label;
    if (skip || (double)r->row * (double)s->index.count * (r->dtype == PAW_F32 ? 4 : 2) >
                    5e8 * cli_real(p->app, "--memory")) /* half of it for each set */
        return CLI_OK;
    r->x = (char *)cli_features_read(p->app, &s->f, kind, r->dtype);
    return r->x ? CLI_OK : (int)CLI_RESOURCE;
}
/* Appends a name to a line of a file that takes UTF-8 alone: ? for bytes that are none. */
static inline char *report_name(char *to, const char *s)
{
    int n;
    for (; *s; s += n ? n : 1) {
        n = cli_utf8(s);
        if (n) memcpy(to, s, (size_t)n);
        else *to = '?';
        to += n ? n : 1;
    }
    return to;
}
/* What a head of this run is trained on. */
static inline int report_origin_of(report_probe *p)
{
    const paw_index *x = &p->set[1].index;
    char **fact = p->origin.fact, text[64], *to;
    size_t n = 1;
    int c;
    for (c = 0; c < x->classes; ++c) n += strlen(x->class_names[c]) + 1;
    to = fact[REPORT_CLASSES] = (char *)cli_alloc(n, 1);
    for (c = 0; to && c < x->classes; ++c) {
        if (c) *to++ = '\n';
        to = report_name(to, x->class_names[c]);
    }
    snprintf(text, sizeof text, "%s", p->o.kind == PAW_ATTENTIVE ? "tokens"
                                                                 : cli_text(p->app, "--feature"));
    if (cli_has(p->app, "--layer"))
        snprintf(text + strlen(text), 32, " of block %d", cli_int(p->app, "--layer"));
    fact[REPORT_READS] = strdup(text);
    snprintf(text, sizeof text, "%016llx", (unsigned long long)p->weights);
    fact[REPORT_WEIGHTS] = strdup(text);
    fact[REPORT_STATS] = strdup(cli_text(p->app, "--stats"));
    fact[REPORT_RECIPE] = strdup(p->recipe);
    for (c = 0; c < REPORT_FACTS; ++c)
        if (!fact[c]) return cli_no_memory(p->app);
    return CLI_OK;
}
/* Names the first class that is not the same in both lists. */
static inline int report_other_class(report_probe *p, const char *kept, const char *here)
{
    int c;
    for (c = 0;; ++c) {
        const int n = (int)strcspn(kept, "\n"), m = (int)strcspn(here, "\n");
        if (n != m || memcmp(kept, here, (size_t)n) || (!kept[n] && !here[m]))
            return cli_error(p->app, CLI_INPUT, "%s: its class %d is '%.*s', here '%.*s'",
                             cli_text(p->app, "--apply"), c, n, kept, m, here);
        kept += n + (kept[n] != 0);
        here += m + (here[m] != 0);
    }
}
/* A head of other classes or other features says nothing of these: refused. Other weights may be
   wanted (the same in other numbers), so that is said only, here and with the result. */
static inline int report_origin_check(report_probe *p)
{
    char *const *kept = p->kept.fact, *const *here = p->origin.fact;
    const char *path = cli_text(p->app, "--apply");
    if (kept[REPORT_CLASSES] && strcmp(kept[REPORT_CLASSES], here[REPORT_CLASSES]))
        return report_other_class(p, kept[REPORT_CLASSES], here[REPORT_CLASSES]);
    if (kept[REPORT_READS] && strcmp(kept[REPORT_READS], here[REPORT_READS]))
        return cli_error(p->app, CLI_INPUT, "%s: reads %s, not %s: see --feature and --layer", path,
                         kept[REPORT_READS], here[REPORT_READS]);
    if (!kept[REPORT_CLASSES] || !kept[REPORT_READS] || !kept[REPORT_WEIGHTS])
        cli_say(p->app, "%s does not say on what it was trained: take care that it is this", path);
    else if (strcmp(kept[REPORT_WEIGHTS], here[REPORT_WEIGHTS]))
        cli_say(p->app, "%s was trained on features of other weights, %s, not %s", path,
                kept[REPORT_WEIGHTS], here[REPORT_WEIGHTS]);
    if (kept[REPORT_STATS] && strcmp(kept[REPORT_STATS], here[REPORT_STATS]))
        cli_say(p->app, "%s was trained with --stats %s", path, kept[REPORT_STATS]);
    return CLI_OK;
}
/* Asked before the data are opened, and again when the head of --apply has told its kind. */
static inline int report_feature_check(report_probe *p)
{
    const int layer = cli_has(p->app, "--layer");
    if (!cli_choice(p->app, "--feature") || (!layer && p->o.kind != PAW_ATTENTIVE)) return CLI_OK;
    return cli_error(p->app, CLI_USAGE, "--feature mean is of a linear head on the last features: "
                     "not with %s", layer ? "--layer" : "an attentive head");
}
/* The head of --apply, and what its file says of it. */
static inline int report_apply(report_probe *p)
{
    static const char *const training[] = { "--augment", "--train-split", "--probe", "--runs",
                                            "--seed", "--epochs", "--lr", "--train-batch",
                                            "--bn-group", "--test-every", "--save" };
    const char *path = cli_text(p->app, "--apply");
    const int kind = p->o.kind;
    paw_tensors *t = NULL;
    paw_err e;
    int i;
    for (i = 0; i < CLI_COUNT(training); ++i)
        if (cli_find(p->app->program, training[i], strlen(training[i])) >= 0 &&
            cli_has(p->app, training[i]))
            return cli_error(p->app, CLI_USAGE, "%s is of training: not with --apply", training[i]);
    e = paw_head_load(p->app->ctx, path, &p->head);
    if (!e) e = paw_tensors_open(p->app->ctx, path, &t);
    if (e) return cli_fail(p->app, e);
    for (i = 0; i < REPORT_FACTS; ++i) {
        const char *fact = paw_tensors_meta(t, report_facts[i]);
        p->kept.fact[i] = fact ? strdup(fact) : NULL;
        if (fact && !p->kept.fact[i]) e = PAW_E_OOM;
    }
    paw_tensors_close(t);
    if (e) return cli_no_memory(p->app);
    paw_head_describe(p->head, &p->o, NULL);
    p->recipe = p->kept.fact[REPORT_RECIPE] ? p->kept.fact[REPORT_RECIPE] : "unknown";
    if (cli_has(p->app, "--head") && p->o.kind != kind)
        return cli_error(p->app, CLI_USAGE, "%s: not --head %s", path, cli_text(p->app, "--head"));
    if (p->o.dim != (size_t)p->info.dim || p->o.classes != p->set[1].index.classes)
        return cli_error(p->app, CLI_INPUT, "%s: width %lu and %d classes, not %d and %d", path,
                         (unsigned long)p->o.dim, p->o.classes, p->info.dim,
                         p->set[1].index.classes);
    return report_feature_check(p);
}
/* What would fail after hours fails before them: --save, --predictions. */
static inline int report_probe_files(report_probe *p)
{
    const char *save = cli_text(p->app, "--save"), *csv = cli_text(p->app, "--predictions");
    cli_file o;
    int code = save ? cli_file_open(p->app, &o, NULL, save) : (int)CLI_OK;
    if (code) return code;
    if (save) cli_file_drop(&o);
    return csv ? cli_file_open(p->app, &p->predictions, NULL, csv) : (int)CLI_OK;
}
/* The recipe's settings as the options change them. */
static inline void report_probe_settings(report_probe *p)
{
    cli *app = p->app;
    const double batch = (double)p->o.batch;
    if (cli_has(app, "--epochs")) p->o.epochs = cli_int(app, "--epochs");
    if (cli_has(app, "--train-batch")) p->o.batch = (size_t)cli_int(app, "--train-batch");
    p->o.lr *= (double)p->o.batch / batch;
    if (cli_has(app, "--lr")) p->o.lr = cli_real(app, "--lr");
    p->o.bn_group = (size_t)cli_int(app, "--bn-group");
    if (p->o.warmup < p->o.epochs || !(p->o.warmup > 0)) return;
    cli_say(app, "no warm-up: the recipe's %g epochs of it leave nothing of %d", p->o.warmup,
            p->o.epochs);
    p->o.warmup = 0;
}
/* Data, features and settings; p->o holds the recipe. */
static inline int report_probe_open(report_probe *p, const paw_model *model)
{
    cli *app = p->app;
    const int apply = cli_has(app, "--apply"), layer = cli_has(app, "--layer");
    int code = CLI_OK, i, c;
    size_t k, *count;
    if (p->augment && layer)
        return cli_error(app, CLI_USAGE, "--augment and --layer do not go together");
    if ((code = report_feature_check(p)) != CLI_OK) return code;
    p->model = model;
    p->weights = paw_model_hash(model);
    for (i = apply; !code && i < 2; ++i)
        code = cli_items_split(app, &p->set[i], p->open, i ? p->test : p->train);
    if (code) return code;
    if (!apply && p->set[0].index.classes != p->set[1].index.classes)
        return cli_error(app, CLI_INPUT, "%d classes to train, %d to test",
                         p->set[0].index.classes, p->set[1].index.classes);
    if (apply) code = report_apply(p);
    else report_probe_settings(p);
    if (!code) code = report_probe_files(p);
    if (code) return code;
    p->o.dim = (size_t)p->info.dim;
    p->o.classes = p->set[1].index.classes;
    code = report_origin_of(p);
    if (!code && apply) code = report_origin_check(p);
    if (code) return code;
    if (cli_has(app, "--bn-eval")) p->o.bn_eval = cli_choice(app, "--bn-eval");
    if (p->head) (void)paw_head_bn_eval(p->head, p->o.bn_eval);
    for (i = apply; (!code || code == CLI_DONE) && i < 2; ++i) { /* --shard: a part of each set */
        p->rows[i].kind = layer ? CLI_BLOCKS : p->o.kind == PAW_ATTENTIVE ? CLI_TOKENS
                          : cli_choice(app, "--feature")                  ? CLI_MEAN : CLI_CLS;
        code = report_set_open(p, i);
    }
    p->runs = apply ? 1 : cli_int(app, "--runs");
    p->logits = (float *)cli_alloc(p->x[1].count * (size_t)p->o.classes, sizeof(float));
    p->loss = (double *)cli_alloc((size_t)p->o.epochs, sizeof(double));
    p->acc = (double *)cli_alloc((size_t)p->o.epochs, sizeof(double));
    p->last = (double *)cli_alloc((size_t)p->runs, sizeof(double));
    p->best = (double *)cli_alloc((size_t)p->runs, sizeof(double));
    p->other = (double *)cli_alloc((size_t)p->runs, sizeof(double));
    p->best_epoch = (int *)cli_alloc((size_t)p->runs, sizeof(int));
    p->confusion = (size_t *)cli_alloc((size_t)p->o.classes * (size_t)p->o.classes, sizeof(size_t));
    count = (size_t *)cli_alloc((size_t)p->o.classes, sizeof *count);
    if (!code && (!p->logits || !p->loss || !p->acc || !p->last || !p->best || !p->other ||
                  !p->best_epoch || !p->confusion || !count))
        code = cli_no_memory(app);
    for (k = 0; !code && !apply && k < p->x[0].count; ++k) ++count[p->x[0].labels[k]];
    for (c = 0; !code && !apply && c < p->o.classes; ++c)
        if (!count[c]) {
            ++p->absent;
            cli_say(app, "class %s has no training item", p->set[1].index.class_names[c]);
        }
    free(count);
    return code ? code : cli_first(app);
}
static inline int report_keep_head(report_probe *p)
{
    const char *path = cli_text(p->app, "--save"), *meta[2 * REPORT_FACTS + 1];
    int i;
    if (!path) return CLI_OK;
    for (i = 0; i < REPORT_FACTS; ++i) {
        meta[2 * i] = report_facts[i];
        meta[2 * i + 1] = p->origin.fact[i];
    }
    meta[2 * i] = NULL;
    return paw_head_save(p->head, p->app->ctx, path, meta)
               ? cli_error(p->app, CLI_RESOURCE, "%s", paw_message(p->app->ctx)) : CLI_OK;
}
static inline int report_predictions(report_probe *p)
{
    const paw_index *x = &p->set[1].index;
    FILE *f = p->predictions.f;
    size_t i;
    int c, best;
    if (!f) return CLI_OK;
    fprintf(f, "path,entry,part_id,label,prediction,logit\n");
    for (i = 0; i < x->count; ++i) {
        const float *row = p->logits + i * (size_t)p->o.classes;
        for (best = 0, c = 1; c < p->o.classes; ++c)
            if (row[c] > row[best]) best = c;
        cli_csv_text(f, x->items[i].path);
        fprintf(f, ",%lld,%d,", (long long)x->items[i].entry, (int)x->items[i].part_id);
        cli_csv_text(f, x->class_names[x->items[i].label]);
        fputc(',', f);
        cli_csv_text(f, x->class_names[best]);
        fputc(',', f);
        cli_csv_value(f, cli_r((double)row[best], 6));
        fputc('\n', f);
    }
    return cli_file_keep(p->app, &p->predictions);
}
/* With augmentation every epoch encodes: says how long before it starts. */
static inline int report_probe_eta(report_probe *p)
{
    const size_t n = p->x[0].count < 16 ? p->x[0].count : 16;
    const void *rows[16];
    size_t items[16], i;
    double start, total;
    paw_err e;
    for (i = 0; i < n; ++i) items[i] = i;
    e = report_get(&p->rows[0], 0, items, n, rows);
    start = cli_seconds();
    if (!e) e = report_get(&p->rows[0], 0, items, n, rows);
    total = (cli_seconds() - start) / (double)n * (double)p->x[0].count * p->o.epochs * p->runs;
    if (e) return report_probe_code(p, e);
    cli_say(p->app, "%lu images x %d epochs x %d runs are encoded: about %.1f %s",
            (unsigned long)p->x[0].count, p->o.epochs, p->runs,
            total > 7200 ? total / 3600 : total > 120 ? total / 60 : total,
            total > 7200 ? "hours" : total > 120 ? "minutes" : "seconds");
    return CLI_OK;
}
static inline int report_probe_train(report_probe *p)
{
    const uint64_t seed = (uint64_t)cli_int(p->app, "--seed");
    double start;
    paw_err e = PAW_OK;
    int code = CLI_OK;
    p->augment = p->augment && !p->head;
    cli_progress_start(&p->progress, p->app, "rows", p->head ? 0 : (size_t)p->runs *
                                             (size_t)p->o.epochs * p->x[0].count);
    if (p->augment) code = report_probe_eta(p);
    p->encoded = 0;
    start = cli_seconds();
    for (p->run = 0; !code && p->run < p->runs; ++p->run) {
        if (!cli_has(p->app, "--apply")) {
            p->o.seed = seed + (uint64_t)p->run;
            paw_head_free(p->head);
            p->head = NULL;
            e = paw_head_create(p->app->ctx, &p->o, &p->head);
            if (!e) e = paw_head_train(p->head, p->app->ctx, &p->x[0], report_told, p);
        }
        if (!e && p->o.kind == PAW_ATTENTIVE) {
            (void)paw_head_bn_eval(p->head, !p->o.bn_eval);
            e = report_test(p, &p->other[p->run]);
            (void)paw_head_bn_eval(p->head, p->o.bn_eval);
        }
        if (!e) e = report_test(p, &p->last[p->run]);
        code = report_probe_code(p, e);
    }
    p->seconds = cli_seconds() - start;
    cli_progress_end(&p->progress);
    if (code) return code;
    paw_confusion(p->logits, p->x[1].labels, p->x[1].count, p->o.classes, p->confusion);
    code = report_keep_head(p);
    return code ? code : report_predictions(p);
}

/* mean and deviation (of a sample) of n values */
static inline void report_mean(const double *x, int n, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    int i;
    for (i = 0; i < n; ++i) sum += x[i];
    *mean = sum / n;
    for (i = 0; i < n; ++i) squares += (x[i] - *mean) * (x[i] - *mean);
    *deviation = n > 1 ? sqrt(squares / (n - 1)) : (double)NAN;
}
static inline void report_put_runs(cli_result *r, const char *name, const double *x, int n)
{
    char key[48];
    double mean, deviation;
    int i;
    report_mean(x, n, &mean, &deviation);
    snprintf(key, sizeof key, "%s[]", name);
    for (i = 0; i < n; ++i) cli_put(r, key, cli_r(x[i], 4));
    snprintf(key, sizeof key, "%s_mean", name);
    cli_put(r, key, cli_r(mean, 2));
    snprintf(key, sizeof key, "%s_deviation", name);
    if (n > 1) cli_put(r, key, cli_r(deviation, 2));
}
static inline void report_put_probe(report_probe *p, cli_result *r)
{
    static const char *const modes[] = { "batch", "running" };
    static const char *const optimizers[] = { "sgd", "lars", "adamw" };
    const paw_index *x = &p->set[1].index;
    const int apply = cli_has(p->app, "--apply"), norm = p->o.norm || p->o.kind == PAW_ATTENTIVE;
    char text[1024];
    int c, k;
    p->columns[0].title = p->columns[0].key = "class";
    p->columns[1].title = p->columns[1].key = "items";
    p->columns[2].title = p->columns[2].key = "accuracy";
    p->table.columns = p->columns;
    p->table.count = 3;
    p->table.name = "per_class";
    for (c = 0; c < x->classes; ++c) {
        const size_t *row = p->confusion + (size_t)c * (size_t)x->classes;
        size_t all = 0;
        for (k = 0; k < x->classes; ++k) all += row[k];
        cli_cell(r, &p->table, cli_s(x->class_names[c]));
        cli_cell(r, &p->table, cli_n(all));
        cli_cell(r, &p->table, all ? cli_r(100.0 * (double)row[c] / (double)all, 2) : cli_none());
    }
    report_put_runs(r, "last_acc", p->last, p->runs);
    if (!apply) report_put_runs(r, "best_acc", p->best, p->runs);
    for (c = 0; !apply && c < p->runs; ++c)
        cli_put(r, "best_epoch[]", cli_n((size_t)p->best_epoch[c]));
    snprintf(text, sizeof text, "last_acc_bn_%s", modes[!p->o.bn_eval]);
    if (p->o.kind == PAW_ATTENTIVE) report_put_runs(r, text, p->other, p->runs);
    if (p->paper > 0) cli_put(r, "acc_paper", cli_r(p->paper, 1));
    cli_put(r, "recipe_of_the_head", cli_s(p->recipe));
    cli_put(r, "head", cli_s(p->o.kind == PAW_ATTENTIVE ? "attentive" : "linear"));
    if (p->o.kind == PAW_ATTENTIVE)
        cli_put(r, "head_heads", cli_n((size_t)(p->o.heads ? p->o.heads
                                                : p->o.dim >= 128 ? (int)(p->o.dim / 64) : 1)));
    if (cli_has(p->app, "--layer"))
        cli_put(r, "layer", cli_n((size_t)cli_int(p->app, "--layer")));
    if (p->o.kind == PAW_LINEAR) cli_put(r, "feature", cli_s(cli_text(p->app, "--feature")));
    if (norm) cli_put(r, "bn_eval", cli_s(modes[p->o.bn_eval]));
    if (norm) cli_put(r, "bn_test_batch", cli_n(p->o.test_batch));
    if (norm) cli_put(r, "bn_group", cli_n(p->o.bn_group));
    cli_put(r, "optimizer", cli_s(p->o.nesterov ? "sgd, Nesterov" : optimizers[p->o.optimizer]));
    cli_put(r, "lr", cli_r(p->o.lr, -1));
    cli_put(r, "train_batch", cli_n(p->o.batch));
    cli_put(r, "epochs", cli_n((size_t)p->o.epochs));
    cli_put(r, "warmup_epochs", cli_r(p->o.warmup, -1));
    cli_put(r, "seed", cli_n(apply ? (size_t)p->o.seed : (size_t)cli_int(p->app, "--seed")));
    if (!apply) {
        cli_put(r, "augmented", cli_s(p->augment ? "yes" : "no"));
        cli_put(r, "train_items", cli_n(p->x[0].count));
        cli_put(r, "train_classes_absent", cli_n(p->absent));
        cli_put(r, "train_seconds", cli_r(p->seconds, 2));
    }
    cli_put(r, "test_items", cli_n(p->x[1].count));
    cli_put(r, "dataset", cli_s(cli_text(p->app, "--dataset")));
    cli_put(r, "root", cli_s(cli_base(cli_text(p->app, "--root"))));
    snprintf(text, sizeof text, "%s%s%s", apply ? "" : p->train, apply ? "" : ", ", p->test);
    cli_put(r, "splits", cli_s(text));
    if (cli_find(p->app->program, "--protocol", 10) >= 0)
        cli_put(r, "protocol", cli_s(cli_text(p->app, "--protocol")));
    cli_put(r, "missing_files", cli_n(p->set[0].missing + p->set[1].missing));
    cli_put(r, "bad_items", cli_n(p->set[0].bad_count + p->set[1].bad_count));
    cli_put(r, "cache_dtype", cli_s(cli_text(p->app, "--cache-dtype")));
    cli_put_settings(p->app, r, &p->info, p->info.image_px);
    cli_put(r, "weights_hash", cli_s(p->origin.fact[REPORT_WEIGHTS]));
    for (c = REPORT_WEIGHTS; c <= REPORT_STATS; ++c) {
        if (!apply || !p->kept.fact[c] || !strcmp(p->kept.fact[c], p->origin.fact[c])) continue;
        snprintf(text, sizeof text, "the head was trained with another %s: %s", report_facts[c],
                 p->kept.fact[c]);
        cli_put(r, "notes[]", cli_s(text));
    }
    if (!apply)
        cli_put(r, "notes[]", cli_s("last: after the last epoch; best: of all epochs, chosen on "
                                    "the test set as the released code does"));
    if (p->paper > 0) cli_put(r, "notes[]", cli_s(p->paper_at));
    cli_put_width(p->app, r, &p->info, p->paper);
}
/* A line over the epochs; NaN is left out. */
static inline void report_curve(report *p, const char *title, const double *y, int n)
{
    double low = (double)INFINITY, high = -(double)INFINITY;
    int i;
    for (i = 0; i < n; ++i) {
        if (y[i] != y[i]) continue;
        low = y[i] < low ? y[i] : low;
        high = y[i] > high ? y[i] : high;
    }
    if (!(high >= low)) return;
    report_element(p, "h3", title);
    report_add(p, "<svg viewBox=\"0 0 640 200\" width=\"640\" style=\"max-width:100%%;"
                  "height:auto\" fill=\"currentColor\" role=\"img\" aria-label=\"%s, between %.4g "
                  "and %.4g\">", title, low, high);
    report_raw(p, "<path d=\"M50 10V170H630\" fill=\"none\" stroke=\"currentColor\"/>"
                  "<polyline fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" points=\"");
    for (i = 0; i < n; ++i)
        if (y[i] == y[i])
            report_add(p, "%.1f,%.1f ", 50 + 580.0 * i / (n > 1 ? n - 1 : 1),
                       170 - (high > low ? 160 * (y[i] - low) / (high - low) : 80));
    report_add(p, "\"/><text x=\"0\" y=\"16\" font-size=\"12\">%.4g</text>"
                  "<text x=\"0\" y=\"174\" font-size=\"12\">%.4g</text>", high, low);
    report_add(p, "<text x=\"50\" y=\"190\" font-size=\"12\">1</text>"
                  "<text x=\"600\" y=\"190\" font-size=\"12\">%d</text></svg>\n", n);
}
static inline void report_confusion(report *p, const report_probe *d)
{
    const paw_index *x = &d->set[1].index;
    int a, b;
    report_raw(p, "<h2>Confusion</h2>\n<p class=\"soft\">Rows: label; columns: prediction; of the "
                  "last run.</p>\n<table><tr><th></th>");
    for (b = 0; b < x->classes; ++b) report_element(p, "th", x->class_names[b]);
    report_raw(p, "</tr>\n");
    for (a = 0; a < x->classes; ++a) {
        report_raw(p, "<tr>");
        report_element(p, "th", x->class_names[a]);
        for (b = 0; b < x->classes; ++b)
            report_add(p, a == b ? "<td><b>%lu</b></td>" : "<td>%lu</td>",
                       (unsigned long)d->confusion[a * x->classes + b]);
        report_raw(p, "</tr>\n");
    }
    report_raw(p, "</table>\n");
}
static inline int report_write_probe(report_probe *d, const cli_result *r, const char *folder)
{
    const int apply = cli_has(d->app, "--apply");
    char text[64];
    double mean, deviation;
    report p;
    int code;
    memset(&p, 0, sizeof p);
    report_begin(&p, d->title, d->lead);
    if (cli_is_random(d->app))
        report_element(&p, "p class=\"warn\"", "The weights are random: this page shows what an "
                       "untrained encoder gives, not what a checkpoint knows.");
    report_raw(&p, "<div class=\"cards\">\n");
    report_mean(d->last, d->runs, &mean, &deviation);
    snprintf(text, sizeof text, "%.2f", mean);
    report_card(&p, text, "accuracy in percent, last epoch");
    report_mean(d->best, d->runs, &mean, &deviation);
    snprintf(text, sizeof text, "%.2f", mean);
    if (!apply) report_card(&p, text, "accuracy in percent, best epoch");
    snprintf(text, sizeof text, "%lu", (unsigned long)d->x[1].count);
    report_card(&p, text, "test items");
    report_card(&p, cli_is_random(d->app) ? cli_text(d->app, "--random")
                                          : cli_base(cli_text(d->app, "--weights")),
                cli_is_random(d->app) ? "random weights" : "weights");
    report_raw(&p, "</div>\n<h2>Accuracy per class</h2>\n");
    report_rows(&p, r);
    if (!apply) {
        report_raw(&p, "<h2>Training</h2>\n");
        report_curve(&p, "Loss, mean of the epoch", d->loss, d->o.epochs);
        report_curve(&p, "Test accuracy in percent", d->acc, d->o.epochs);
    }
    if (d->set[1].index.classes <= 64) report_confusion(&p, d);
    report_provenance(&p, d->app, r, d->set[0].f.encoded + d->set[1].f.encoded);
    code = report_save(d->app, &p, folder);
    report_free(&p);
    return code;
}
/* Trains, tests, prints and writes the page. */
static inline int report_probe_finish(report_probe *p)
{
    const char *folder = cli_text(p->app, "--report");
    cli_result r = CLI_EMPTY_RESULT;
    int code = report_probe_train(p);
    if (!code) {
        report_put_probe(p, &r);
        if (folder) code = report_write_probe(p, &r, folder);
    }
    if (!code) code = cli_print(p->app, &r);
    cli_result_free(&r);
    return code ? code : p->set[0].bad_count || p->set[1].bad_count || p->set[0].missing ||
                         p->set[1].missing ? CLI_PARTIAL : CLI_OK;
}

/* ---- drawing: labels over images, with a legend of names ---- */

/* Three by five pixels a character, rows as octal digits; small letters are drawn as capitals. */
static inline unsigned report_glyph(int ch)
{
    static const unsigned letters[26] = {
        025755, 065656, 034443, 065556, 074647, 074644, 034553, 055755, 072227, 011152, 055655,
        044447, 057755, 065555, 025552, 065644, 025573, 065655, 034216, 072222, 055557, 055552,
        055775, 055255, 055222, 071247
    };
    static const unsigned digits[10] = { 075557, 026227, 061247, 061216, 055711,
                                         074616, 034757, 071222, 075757, 075716 };
    if (ch >= 'a' && ch <= 'z') return letters[ch - 'a'];
    if (ch >= 'A' && ch <= 'Z') return letters[ch - 'A'];
    if (ch >= '0' && ch <= '9') return digits[ch - '0'];
    return ch == '.' ? 2u : ch == '-' || ch == '_' ? 0700u : ch == '%' ? 051245u
         : ch == '/' ? 011244u : ch == ':' ? 02020u : ch == '+' ? 02720u : 0u;
}
static inline void report_dot_at(paw_image *to, int x, int y, const uint8_t rgb[3])
{
    if (x >= 0 && y >= 0 && x < to->w && y < to->h)
        memcpy(to->px + 3 * ((size_t)y * (size_t)to->w + (size_t)x), rgb, 3);
}
static inline void report_fill(paw_image *to, int x, int y, int w, int h, const uint8_t rgb[3])
{
    int i, j;
    for (j = 0; j < h; ++j)
        for (i = 0; i < w; ++i) report_dot_at(to, x + i, y + j, rgb);
}
static inline void report_write(paw_image *to, int x, int y, const char *text, size_t most)
{
    static const uint8_t ink[3] = { 30, 34, 40 };
    int i;
    for (; *text && most; ++text, --most, x += 8)
        for (i = 0; i < 15; ++i)
            if (report_glyph((unsigned char)*text) >> (14 - i) & 1)
                report_fill(to, x + 2 * (i % 3), y + 2 * (i / 3), 2, 2, ink);
}
/* Colours far from each other, for a few hundred classes: the hue turns by the golden angle; light
   and depth by angles of their own, so that no two classes come near in all three. */
static inline void report_colour(int k, uint8_t rgb[3])
{
    const double hue = fmod(0.13 + 0.38196601125 * k, 1) * 6, f = hue - floor(hue);
    const double v = 250 - 140 * fmod(0.75487767 * k, 1);
    const double low = (0.6 - 0.5 * fmod(0.5 + 0.41421356 * k, 1)) * v;
    const double up = low + (v - low) * f, down = v - (v - low) * f;
    const double c[6][3] = { { v, up, low }, { down, v, low }, { low, v, up },
                             { low, down, v }, { up, low, v }, { v, low, down } };
    int i;
    for (i = 0; i < 3; ++i) rgb[i] = (uint8_t)c[(int)hue % 6][i];
}
/* Image, truth and prediction side by side, below them the names of what is in either. */
static inline paw_err report_overlay(const paw_image *image, const paw_mask *truth,
                                     const uint16_t *predicted, char *const *names, int classes,
                                     paw_image *out)
{
    static const char *const titles[] = { "image", "truth", "predicted" };
    static const uint8_t page[3] = { 255, 255, 255 };
    enum { ENTRY = 176, LINE = 18 };
    const int w = image->w, h = image->h, wide = 3 * w + 20;
    const int columns = wide < ENTRY ? 1 : wide / ENTRY;
    uint8_t *seen = (uint8_t *)cli_alloc((size_t)classes, 1), rgb[3];
    size_t i, n = (size_t)w * (size_t)h;
    int k, panel, used = 0;
    if (!seen) return PAW_E_OOM;
    for (i = 0; i < n; ++i) {
        if (truth->px[i] == PAW_IGNORED) continue;
        seen[truth->px[i]] = seen[predicted[i]] = 1;
    }
    for (k = 0; k < classes; ++k) used += seen[k];
    out->w = wide;
    out->h = h + LINE + 6 + (used + columns - 1) / columns * LINE;
    out->px = (uint8_t *)cli_alloc((size_t)out->w * (size_t)out->h, 3);
    if (!out->px) {
        free(seen);
        return PAW_E_OOM;
    }
    report_fill(out, 0, 0, out->w, out->h, page);
    for (panel = 0; panel < 3; ++panel) {
        report_write(out, panel * (w + 10), 4, titles[panel], 16);
        for (i = 0; i < n; ++i) {
            const uint16_t label = panel == 1 ? truth->px[i] : predicted[i];
            const int plain = !panel || truth->px[i] == PAW_IGNORED;
            const uint8_t *from = image->px + 3 * i;
            memcpy(rgb, from, 3);
            if (!plain) report_colour(label, rgb);
            for (k = 0; panel && k < 3; ++k)
                rgb[k] = (uint8_t)(plain ? from[k] / 2 + 110 : (2 * rgb[k] + from[k]) / 3);
            report_dot_at(out, panel * (w + 10) + (int)(i % (size_t)w),
                          LINE + (int)(i / (size_t)w), rgb);
        }
    }
    for (k = used = 0; k < classes; ++k) {
        const int x = used % columns * ENTRY, y = h + LINE + 6 + used / columns * LINE;
        if (!seen[k]) continue;
        report_colour(k, rgb);
        report_fill(out, x, y, 12, 12, rgb);
        report_write(out, x + 18, y + 1, names[k], 19);
        ++used;
    }
    free(seen);
    return PAW_OK;
}
static inline int report_png(cli *app, const char *folder, const char *name, const paw_image *image)
{
    report file;
    cli_file o;
    int code = CLI_OK;
    memset(&file, 0, sizeof file);
    if (!stbi_write_png_to_func(report_collect, &file, image->w, image->h, 3, image->px,
                                3 * image->w) || file.failed)
        code = cli_no_memory(app);
    if (!code) code = cli_file_open(app, &o, folder, name);
    if (!code) (void)fwrite(file.s, 1, file.n, o.f);
    if (!code) code = cli_file_keep(app, &o);
    free(file.s);
    return code;
}
static inline int report_stem(const char *name) /* its length without the ending */
{
    const char *dot = strrchr(name, '.');
    return (int)(dot && dot > name ? (size_t)(dot - name) : strlen(name));
}
/* The overlay of validation image i as a PNG in --out and in the page. seen: as it was scaled. */
static inline int report_seg(report *page, cli_seg *s, size_t i, const paw_image *seen,
                             const paw_mask *truth, const uint16_t *labels)
{
    const char *stem = cli_base(s->files[1].images[i]);
    paw_image image, drawn;
    char name[300];
    int code;
    paw_err e = paw_image_resize(s->app->ctx, seen, truth->w, truth->h, PAW_BILINEAR, &image);
    if (e) return cli_fail(s->app, e);
    e = report_overlay(&image, truth, labels, s->names, s->p.classes, &drawn);
    paw_image_free(s->app->ctx, &image);
    if (e) return cli_no_memory(s->app);
    snprintf(name, sizeof name, "overlay-%lu-%.*s.png", (unsigned long)i, report_stem(stem), stem);
    code = report_png(s->app, cli_text(s->app, "--out"), name, &drawn);
    report_raw(page, "<figure>");
    report_image(page, &drawn, name);
    report_element(page, "figcaption", cli_below_root(s->app, s->files[1].images[i]));
    report_raw(page, "</figure>\n");
    free(drawn.px);
    return code;
}
static inline void report_line(paw_image *to, const double a[3], const double b[3],
                               const uint8_t rgb[3])
{
    const double dx = b[0] - a[0], dy = b[1] - a[1];
    const int steps = (int)(fabs(dx) > fabs(dy) ? fabs(dx) : fabs(dy)) + 1;
    int i;
    for (i = 0; i <= steps && steps < 10000; ++i)
        report_fill(to, (int)(a[0] + dx * i / steps) - 1, (int)(a[1] + dy * i / steps) - 1, 3, 3,
                    rgb);
}
/* COCO's skeleton; truth: only labelled points */
static inline void report_skeleton(paw_image *to, const paw_pose *p, int shift, int truth)
{
    static const uint8_t bones[19][2] = { { 15, 13 }, { 13, 11 }, { 16, 14 }, { 14, 12 },
        { 11, 12 }, { 5, 11 }, { 6, 12 }, { 5, 6 }, { 5, 7 }, { 6, 8 }, { 7, 9 }, { 8, 10 },
        { 1, 2 }, { 0, 1 }, { 0, 2 }, { 1, 3 }, { 2, 4 }, { 3, 5 }, { 4, 6 } };
    uint8_t rgb[3];
    int i, k, j;
    for (i = 0; i < 19; ++i) {
        double end[2][3];
        for (k = 0; k < 2; ++k)
            for (j = 0; j < 3; ++j)
                end[k][j] = p->points[bones[i][k]][j] + (j == 0 ? shift : j == 1 ? 18 : 0);
        if (truth && (end[0][2] <= 0 || end[1][2] <= 0)) continue;
        report_colour(i % 7, rgb);
        report_line(to, end[0], end[1], rgb);
    }
}
/* One image with what is annotated and what was found, as a PNG in --out and in the page. */
static inline int report_pose(report *page, cli *app, paw_reader *reader, const paw_poses *truth,
                              const size_t *use, const paw_pose *found, size_t n)
{
    static const uint8_t white[3] = { 255, 255, 255 };
    const paw_image *in = &reader->image;
    const char *stem = cli_base(reader->path);
    paw_image to;
    char name[300];
    size_t i;
    int y, k, code;
    to.w = 2 * in->w + 10;
    to.h = in->h + 18;
    to.px = (uint8_t *)cli_alloc((size_t)to.w * (size_t)to.h, 3);
    if (!to.px) return cli_no_memory(app);
    report_fill(&to, 0, 0, to.w, to.h, white);
    for (k = 0; k < 2; ++k)
        for (y = 0; y < in->h; ++y)
            memcpy(to.px + 3 * ((size_t)(y + 18) * (size_t)to.w + (size_t)(k * (in->w + 10))),
                   in->px + 3 * (size_t)y * (size_t)in->w, 3 * (size_t)in->w);
    report_write(&to, 0, 4, "annotated", 16);
    report_write(&to, in->w + 10, 4, "found", 16);
    for (i = 0; i < n; ++i) {
        report_skeleton(&to, &truth->items[use[i]], 0, 1);
        report_skeleton(&to, &found[i], in->w + 10, 0);
    }
    snprintf(name, sizeof name, "pose-%lld-%.*s.png", (long long)found->image_id,
             report_stem(stem), stem);
    code = report_png(app, cli_text(app, "--out"), name, &to);
    report_raw(page, "<figure>");
    report_image(page, &to, name);
    report_element(page, "figcaption", stem);
    report_raw(page, "</figure>\n");
    free(to.px);
    return code;
}
/* About --overlays of the images, each with all its persons; found[i] belongs to use[i]. */
static inline int report_poses(report *page, cli *app, paw_reader *reader, const paw_poses *truth,
                               const size_t *use, const paw_pose *found, size_t n)
{
    const size_t most = cli_text(app, "--out") ? (size_t)cli_int(app, "--overlays") : 0;
    size_t i, end, images = 0, seen = 0, drawn = 0;
    int code = CLI_OK;
    for (i = 0; i < n; ++i) images += !i || found[i].image_id != found[i - 1].image_id;
    for (i = 0; !code && i < n && drawn < most; i = end, ++seen) {
        for (end = i + 1; end < n && found[end].image_id == found[i].image_id;) ++end;
        if (seen * most < drawn * images) continue;
        if ((code = cli_pose_image(app, reader, truth->paths[use[i]])) != CLI_OK) break;
        code = report_pose(page, app, reader, truth, use + i, found + i, end - i);
        ++drawn;
    }
    return code;
}
/* Result, curve of the loss, overlays and settings in report.html of --out */
static inline int report_dense(cli *app, const char *title, const cli_result *r, const cli_dense *d,
                               const report *overlays)
{
    enum { BINS = 100 };
    double bins[BINS];
    const size_t n = d->iters < BINS ? d->iters : BINS;
    size_t i, j;
    report p;
    int code;
    memset(&p, 0, sizeof p);
    report_begin(&p, title, "One linear layer on the tokens of a frozen encoder, its outputs "
                 "upsampled to the labels.");
    if (cli_is_random(app))
        report_element(&p, "p class=\"warn\"", "The weights are random: this page shows what an "
                       "untrained encoder gives, not what a checkpoint knows.");
    report_raw(&p, "<h2>Result</h2>\n");
    report_rows(&p, r);
    for (i = 0; i < n; ++i) {
        const size_t end = d->iters * (i + 1) / n;
        bins[i] = 0;
        for (j = d->iters * i / n; j < end; ++j)
            bins[i] += d->losses[j] / (double)(end - d->iters * i / n);
    }
    if (!cli_has(app, "--eval-only") && n > 1)
        report_curve(&p, "Loss, mean of each hundredth of the updates", bins, (int)n);
    report_raw(&p, "<h2>Validation images</h2>\n");
    if (overlays->s) report_bytes(&p, overlays->s, overlays->n);
    report_provenance(&p, app, r, REPORT_NOT_COUNTED);
    code = report_save(app, &p, cli_text(app, "--out"));
    report_free(&p);
    return code;
}

/* ---- the tables of the paper ---- */

static inline char *report_file(cli *app, const char *path) /* its text, to be freed; or NULL */
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    char *text = NULL;
    if (paw_file_read(app->ctx, path, &bytes, &n)) return NULL;
    if ((text = (char *)cli_alloc(n + 1, 1)) != NULL) memcpy(text, bytes, n);
    paw_file_free(app->ctx, bytes);
    return text;
}
/* What the program said last, and how it ended */
static inline char *report_last_line(cli *app, const char *path, int status)
{
    char *text = report_file(app, path), line[400], *last = text;
    size_t n = text ? strlen(text) : 0;
    while (n && text[n - 1] == '\n') text[--n] = 0;
    if (n && (last = strrchr(text, '\n')) != NULL) ++last;
    else last = text;
    snprintf(line, sizeof line, "exit %d: %s", status, last && *last ? last : "no message");
    free(text);
    return strdup(line);
}
/* No number of one method under the name of another: why [300] says so, or stays empty. */
static inline void report_check_method(cli *app, const char *weights, const char *method, char *why)
{
    paw_model *model = NULL;
    paw_model_info info;
    if (!weights) return;
    if (paw_model_load(app->ctx, weights, NULL, &model)) {
        snprintf(why, 300, "%.299s", paw_message(app->ctx));
        return;
    }
    paw_model_describe(model, &info);
    if (strcmp(info.recipe, method))
        snprintf(why, 300, "%s is a %s checkpoint", cli_base(weights), info.recipe);
    paw_model_free(model);
}
/* What a program printed, or why it did not; its command. The texts live as long as the process. */
typedef struct {
    char *text, *why, *command;
    double hours, mb; /* of what report_dry estimates */
    int failed;       /* the configuration names it, but there is no result */
} report_run;
/* What a program of features would read, encode and keep: its data set is opened, files are looked
   for, four items timed. splits: "a|b", "" its default; passes: over the first one, random crops */
static inline void report_dry(cli *app, const char *weights, const char *root, paw_index_fn *open,
                              const char *splits, int tokens, int passes, report_run *o)
{
    paw_model *model = NULL;
    paw_model_info info;
    char split[32], line[400] = "";
    size_t items = 0, encoded = 0, missing = 0;
    double seconds = 0;
    float *chw = NULL, *x = NULL;
    int k;
    paw_err e = paw_model_load(app->ctx, weights, NULL, &model);
    if (!e) paw_model_describe(model, &info);
    if (!e) chw = (float *)cli_alloc(4 * 3 * 224, 224 * sizeof *chw);
    if (!e) x = (float *)cli_alloc(4 * (size_t)info.dim, sizeof *x);
    if (!e && (!chw || !x)) e = PAW_E_OOM;
    for (k = 0; !e && cli_word(splits, k, split, sizeof split); ++k) {
        paw_index_opts opts;
        paw_reader reader;
        paw_outputs out;
        paw_index index;
        double start = cli_seconds();
        size_t i, some;
        memset(&opts, 0, sizeof opts);
        memset(&out, 0, sizeof out);
        memset(&reader, 0, sizeof reader);
        opts.split = *split ? split : NULL;
        out.cls = x;
        if ((e = open(app->ctx, root, &opts, &index)) != PAW_OK) break;
        missing += paw_index_drop_missing(&index, NULL);
        some = index.count < 4 ? index.count : 4;
        for (i = 0; !e && i < some; ++i) {
            paw_image image;
            e = paw_reader_item(app->ctx, &reader, &index.items[i * index.count / some], 224,
                                PAW_FRAME_AUTO, &image);
            if (!e) paw_normalize(&image, paw_stats_find("imagenet"), chw + i * 3 * 224 * 224);
            if (!e) paw_image_free(app->ctx, &image);
        }
        if (!e && some) e = paw_encode(model, app->ctx, chw, some, 224, 224, &out);
        start = cli_seconds() - start;
        items += index.count;
        encoded += index.count * (k || !passes ? 1 : (size_t)passes);
        if (some) seconds += start / (double)some * (double)index.count *
                             (k || !passes ? 1 : passes);
        paw_reader_free(app->ctx, &reader);
        paw_index_free(app->ctx, &index);
    }
    if (e) snprintf(line, sizeof line, "cannot run: %.370s", paw_message(app->ctx));
    else if (!items) snprintf(line, sizeof line, "cannot run: %.360s: no items", root);
    else {
        o->hours = seconds / 3600;
        o->mb = passes ? 0 : 4e-6 * (double)items * info.dim * (tokens ? info.tokens : 2);
        snprintf(line, sizeof line, "would read %lu items (%lu more are missing) and encode %lu: "
                 "about %.2f hours, %.1f MB of features; heads not counted", (unsigned long)items,
                 (unsigned long)missing, (unsigned long)encoded, o->hours, o->mb);
    }
    o->failed = e || !items;
    paw_model_free(model);
    free(chw);
    free(x);
    o->why = strdup(line);
}
/* "metric=anchors;..." -> the anchors of a metric; the metric may hold = itself. */
static inline const char *report_cell(const char *cells, const char *metric)
{
    const size_t n = strlen(metric);
    for (; *cells; cells += strcspn(cells, ";"), cells += *cells == ';')
        if (!strncmp(cells, metric, n) && cells[n] == '=' && cells[n + 1] == '"')
            return cells + n + 1;
    return NULL;
}
static const cli_column report_cells_columns[] = {
    { "cell", "cell" }, { "table", "table" }, { "data", "data" }, { "metric", "metric" },
    { "method", "method" }, { "paper", "paper" }, { "ours", "ours" },
    { "difference", "difference" }, { "width", "width" }, { "protocol, or why not", "protocol" }
};
static const cli_table report_cells_table = { NULL, report_cells_columns, 10 };
/* Hours as people say them */
static inline const char *report_hours(double hours, char text[32])
{
    if (hours < 1.0 / 60) snprintf(text, 32, "%.0f s", 3600 * hours);
    else if (hours < 2) snprintf(text, 32, "%.0f min", 60 * hours);
    else snprintf(text, 32, "%.0f h", hours);
    return text;
}
/* Reads --config; where no program could run by it, says which lines it lacks. */
static inline int report_config(cli *app, const char *const *keys, cli_config *config)
{
    const char *path = cli_text(app, "--config");
    const int code = cli_config_read(app, path, keys, config);
    int i, methods = 0, data = 0;
    for (i = 0; !code && i < config->count; ++i) {
        methods |= !strncmp(config->key[i], "method.", 7);
        data |= !strncmp(config->key[i], "data.", 5);
    }
    if (code || (methods && data)) return code;
    return cli_error(app, CLI_INPUT, "%s: nothing can run: no line %s%s%s", path,
                     methods ? "" : "method.NAME = FILE", methods || data ? "" : ", and no line ",
                     data ? "" : "data.NAME = DIR");
}
#define REPORT_LEFT_OUT " in the configuration"
/* Why a method cannot run on a data set, where it cannot. */
static inline void report_why(const cli_config *config, const char *method, const char *wrong,
                              const char *root, report_run *o)
{
    const int weights = cli_config_get(config, "method", method) != NULL;
    const int data = cli_config_get(config, "data", root) != NULL;
    char line[300];
    o->failed = *wrong && data;
    if (weights && !*wrong && data) return;
    snprintf(line, sizeof line, "no %s" REPORT_LEFT_OUT,
             weights ? root : "checkpoint of this method");
    o->why = strdup(weights && *wrong ? wrong : line);
}
#if !defined(_WIN32)
/* What decides the result of a program: its version, its command, the file of weights. */
static inline char *report_key(const char *line, const char *root, const char *weights)
{
    char key[6000];
    struct stat s;
    memset(&s, 0, sizeof s);
    (void)stat(weights, &s);
    snprintf(key, sizeof key, "partaware %s, commit %s\n%s --root %s --weights %s\n%.0f bytes, "
             "%.0f\n", cli_version(), CLI_COMMIT, line, root, weights, (double)s.st_size,
             (double)s.st_mtime);
    return strdup(key);
}
/* Keeps what a program printed as ID.json; with ID.command a later run takes it from there. */
static inline void report_keep_child(cli *app, const char *id, const char *key, const char *text)
{
    const char *out = cli_text(app, "--out");
    char name[100], path[1100];
    cli_file o;
    snprintf(name, sizeof name, "%s.json", id);
    snprintf(path, sizeof path, "%s/%s.command", out, id);
    (void)remove(path);
    if (cli_file_open(app, &o, out, name)) return;
    (void)fputs(text, o.f);
    if (cli_file_keep(app, &o) || !key) return;
    snprintf(name, sizeof name, "%s.command", id);
    if (cli_file_open(app, &o, out, name)) return;
    (void)fputs(key, o.f);
    (void)cli_file_keep(app, &o);
}
/* Says which program begins, after done others. */
static inline void report_running(cli_progress *p, size_t done, const char *method,
                                  const char *data, const char *program, const char *words)
{
    char now[200];
    snprintf(now, sizeof now, "%s, %s, %s %s", method, data, program, words);
    p->now = now;
    cli_progress_show(p, done);
    p->now = NULL;
}
/* Adds an option of ours to the command of a program, if it was given. */
static inline void report_pass(const cli *app, const char *option, char *line, size_t size)
{
    const size_t n = strlen(line);
    if (cli_has(app, option)) snprintf(line + n, size - n, " %s %s", option, cli_text(app, option));
}
/* Runs a program; in --out its output is ID.json, its messages ID.log. kept: the option that says
   where it keeps what a next run goes on from. look: only takes what an earlier run has finished */
static inline void report_child(cli *app, const char *id, const char *words, const char *root,
                                const char *weights, const char *kept, int look, report_run *o)
{
    const char *out = cli_text(app, "--out"), *dry = cli_has(app, "--dry-run") ? "dry-" : "";
    const int dense = !strcmp(kept, "--out");
    char line[2100], name[64], path[4][1100], *key, *before;
    const char *last[12] = { "--root", root, "--weights", weights };
    int n = 4, status;
    snprintf(name, sizeof name, "%s%s", dry, id);
    snprintf(path[0], sizeof path[0], "%s/%s.json%s", out, name, look ? "" : ".new");
    snprintf(path[1], sizeof path[1], "%s/%s.log", out, name);
    snprintf(path[2], sizeof path[2], "%s/%s", out, dense ? id : "cache");
    snprintf(path[3], sizeof path[3], "%s/%s.command", out, id);
    snprintf(line, sizeof line, "%s --json%s", words, *dry ? " --dry-run" : "");
    report_pass(app, "--math", line, sizeof line);
    report_pass(app, "--max-pixels", line, sizeof line);
    free(o->command);
    o->command = strdup(line);
    key = report_key(line, root, weights);
    if (look) {
        before = *dry ? NULL : report_file(app, path[3]);
        if (before && key && !strcmp(before, key)) o->text = report_file(app, path[0]);
        if (o->text && !cli_has(app, "--quiet")) cli_say(app, "%s: kept: %s", name, line);
        free(before);
        free(key);
        return;
    }
    if (cli_has(app, "--threads")) { /* changes no number: what was kept stays good */
        last[n++] = "--threads";
        last[n++] = cli_text(app, "--threads");
    }
    if (!*dry) {
        last[n++] = kept;
        last[n++] = path[2];
        last[n] = dense ? "--resume" : NULL;
    }
    status = cli_child(app, line, last, path[0], path[1]);
    if (status == CLI_OK || status == CLI_PARTIAL) o->text = report_file(app, path[0]);
    (void)remove(path[0]);
    if (o->text && *o->text) {
        report_keep_child(app, name, status == CLI_OK && !*dry ? key : NULL, o->text);
    } else if (status == CLI_OK || status == CLI_PARTIAL) {
        free(o->text);
        o->text = NULL;
        snprintf(line, sizeof line, "exit %d, but no result; see %s.log", status, name);
        o->why = strdup(line);
    } else o->why = report_last_line(app, path[1], status);
    o->failed = !o->text;
    free(key);
}
#endif
/* Hours and MB of all dry runs, by what dense programs printed or report_dry found. */
static inline void report_cost(cli_result *r, const report_run *runs, int n)
{
    static const char *const keys[] = { "\"hours_encoding_once\"", "\"hours_training\"",
                                        "\"hours_scoring\"" };
    double hours = 0, mb = 0;
    int i, k;
    for (i = 0; i < n; ++i) {
        const char *text = runs[i].text;
        const double m = text ? cli_find_number(text, "\"MB_of_heads_on_disk\"") : runs[i].mb;
        double h = runs[i].hours;
        for (k = 0; text && k < 3; ++k) h += cli_find_number(text, keys[k]);
        if (h >= 0) hours += h;
        if (m >= 0) mb += m;
    }
    cli_put(r, "hours_in_all", cli_r(hours, 2));
    cli_put(r, "MB_in_all", cli_r(mb, 1));
}
/* How ours was made: the command, how many items, an encoder of which width. */
static inline void report_protocol(const char *text, const char *command, double width,
                                   char one[600])
{
    const double items = cli_find_number(text, "\"items\""); /* of a class where there is train */
    const double train = cli_find_number(text, "\"train_items\"");
    const double test = cli_find_number(text, "\"test_items\"");
    int n = snprintf(one, 600, "%.400s", command);
    if (train == train)
        n += snprintf(one + n, 600 - (size_t)n, "; %.0f + %.0f items", train, test);
    else if (items == items) n += snprintf(one + n, 600 - (size_t)n, "; %.0f items", items);
    if (width < 768 || width > 768)
        snprintf(one + n, 600 - (size_t)n, "; an encoder of width %.0f, the paper's: 768", width);
}
/* A number with its command, or the reason why there is none. */
static inline void report_put_cell(cli_result *r, const struct cli_paper_row *p, const char *method,
                                   int m, const report_run *run, const char *anchors)
{
    const char *text = run->text, *why = run->why;
    char one[600], id[128], time[2][32];
    double ours = (double)NAN, width = (double)NAN, hours = (double)NAN;
    if (text) {
        snprintf(one, sizeof one, "%.*s", (int)strcspn(anchors, ";"), anchors);
        ours = cli_find_number(text, one);
        width = cli_find_number(text, "\"dim\"");
        hours = cli_find_number(text, "\"hours_training\"");
        why = "this checkpoint or data set has no such number";
    }
    if (ours == ours) {
        report_protocol(text, run->command, width, one);
        why = one;
    } else if (hours == hours) {
        snprintf(one, sizeof one, "would train on %.0f and score %.0f samples: %s and %s, "
                 "%.1f MB of heads", cli_find_number(text, "\"images_train\""),
                 cli_find_number(text, "\"images_val\""),
                 report_hours(hours + cli_find_number(text, "\"hours_encoding_once\""), time[0]),
                 report_hours(cli_find_number(text, "\"hours_scoring\""), time[1]),
                 cli_find_number(text, "\"MB_of_heads_on_disk\""));
        why = one;
    }
    snprintf(id, sizeof id, "%s/%s/%s/%s", p->table, p->data, p->metric, method);
    cli_cell(r, &report_cells_table, cli_s(id));
    cli_cell(r, &report_cells_table, cli_s(p->table));
    cli_cell(r, &report_cells_table, cli_s(p->data));
    cli_cell(r, &report_cells_table, cli_s(p->metric));
    cli_cell(r, &report_cells_table, cli_s(method));
    cli_cell(r, &report_cells_table, p->v[m] > 0 ? cli_r(p->v[m], 1) : cli_none());
    cli_cell(r, &report_cells_table, ours == ours ? cli_r(ours, 2) : cli_none());
    cli_cell(r, &report_cells_table,
             ours == ours && p->v[m] > 0 ? cli_r(ours - p->v[m], 2) : cli_none());
    cli_cell(r, &report_cells_table, width == width ? cli_n((size_t)width) : cli_none());
    cli_cell(r, &report_cells_table, cli_s(why ? why : "did not run"));
}
/* Prints the cells: as text those with a number, then each reason why others have none, once; what
   the configuration leaves out comes last. */
static inline int report_print_cells(cli *app, const cli_result *r)
{
    static const cli_column of_numbers[] = { { "cell", "cell" }, { "paper", "paper" },
                                             { "ours", "ours" }, { "difference", "difference" },
                                             { "protocol", "protocol" } };
    static const cli_column of_reasons[] = { { "cells", "cells" }, { "the first", "first" },
                                             { "why they have no number", "reason" } };
    static const cli_table numbers = { NULL, of_numbers, 5 }, reasons = { NULL, of_reasons, 3 };
    static const int shown[] = { 0, 5, 6, 7, 9 };
    const size_t columns = report_cells_table.count;
    const cli_item *x = r->items;
    cli_result s = CLI_EMPTY_RESULT;
    size_t i, j, first, n, end;
    int k, code;
    if (cli_has(app, "--json") || cli_has(app, "--csv") || cli_has(app, "--markdown"))
        return cli_print(app, r);
    for (end = 0; end < r->count && x[end].table; end += columns)
        for (k = 0; k < CLI_COUNT(shown) && x[end + 6].value.kind; ++k)
            cli_cell(&s, &numbers, x[end + (size_t)shown[k]].value);
    for (k = 0; k < 2; ++k)
        for (i = 0; i < end; i += columns) {
            const char *why = x[i + 9].text;
            if (x[i + 6].value.kind || !strstr(why, REPORT_LEFT_OUT) != !k) continue;
            for (j = n = 0, first = end; j < end; j += columns) {
                if (x[j + 6].value.kind || strcmp(x[j + 9].text, why)) continue;
                first = j < first ? j : first;
                ++n;
            }
            if (first < i) continue;
            cli_cell(&s, &reasons, cli_n(n));
            cli_cell(&s, &reasons, x[i].value);
            cli_cell(&s, &reasons, cli_s(why));
        }
    for (i = end; i < r->count; ++i) cli_put(&s, x[i].key, x[i].value);
    code = cli_print(app, &s);
    cli_result_free(&s);
    return code;
}
/* Figure 7: mIoU of parts across, of objects up */
typedef struct {
    double at[2]; /* part, object */
    int hollow;
    char name[200];
} report_mark;
/* Ends of an axis that holds the marks, whole tens. */
static inline void report_range(const report_mark *marks, int n, int axis, int ends[2])
{
    int i;
    ends[0] = n ? 90 : 0;
    ends[1] = 10;
    for (i = 0; i < n; ++i) {
        const int ten = (int)(marks[i].at[axis] / 10) * 10;
        if (ten < ends[0]) ends[0] = ten;
        if (ten + 10 > ends[1]) ends[1] = ten + 10;
    }
}
static inline void report_chart(report *p, const char *title, const report_mark *marks, int n)
{
    enum { LEFT = 50, WIDE = 560, HIGH = 370, MOST = 64 };
    double label[MOST][2];
    int x[2], y[2], i, j, k;
    report_range(marks, n, 0, x);
    report_range(marks, n, 1, y);
    report_element(p, "h2", title);
    report_raw(p, "<svg viewBox=\"0 0 700 430\" width=\"700\" style=\"max-width:100%;height:auto\" "
                  "role=\"img\" aria-label=\"mIoU of objects and of parts\" font-size=\"12\" "
                  "fill=\"currentColor\"><path d=\"M50 10V380H610\" fill=\"none\" "
                  "stroke=\"currentColor\"/><text x=\"280\" y=\"424\" font-size=\"13\">mIoU of "
                  "parts</text><text x=\"56\" y=\"20\" font-size=\"13\">mIoU of objects</text>\n");
    for (i = x[0]; i <= x[1]; i += 10)
        report_add(p, "<text x=\"%d\" y=\"400\" text-anchor=\"middle\">%d</text>",
                   LEFT + WIDE * (i - x[0]) / (x[1] - x[0]), i);
    for (i = y[0]; i <= y[1]; i += 10)
        report_add(p, "<text x=\"42\" y=\"%d\" text-anchor=\"end\">%d</text>",
                   384 - HIGH * (i - y[0]) / (y[1] - y[0]), i);
    for (i = 0; i < n; ++i) {
        const double cx = LEFT + WIDE * (marks[i].at[0] - x[0]) / (x[1] - x[0]);
        const double cy = 380 - HIGH * (marks[i].at[1] - y[0]) / (y[1] - y[0]), left = cx + 8;
        double top = cy + 4;
        for (k = 0; k < i; ++k) /* each move may meet another label */
            for (j = 0; j < i && j < MOST; ++j)
                if (fabs(label[j][0] - left) < 7 * (double)strlen(marks[j].name) &&
                    fabs(label[j][1] - top) < 12)
                    top = label[j][1] + 12;
        if (i < MOST) label[i][0] = left;
        if (i < MOST) label[i][1] = top;
        report_add(p, "\n<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"%s\" "
                      "stroke=\"var(--bar)\"/><text x=\"%.1f\" y=\"%.1f\">", cx, cy,
                   marks[i].hollow ? "none" : "var(--bar)", left, top);
        report_text(p, marks[i].name);
        report_raw(p, "</text>");
    }
    report_raw(p, "</svg>\n");
}
static inline void report_object_part(report *p, const cli_result *r, const char *object,
                                      const char *part)
{
    const size_t n = report_cells_table.count;
    report_mark marks[14];
    char title[100];
    size_t i, j;
    int k, count = 0;
    snprintf(title, sizeof title, "%s against %s", object, part);
    for (i = 0; i < r->count && r->items[i].table; i += n)
        for (j = 0; j < r->count && r->items[j].table; j += n)
            for (k = 5; k < 7; ++k) {
                const cli_item *a = &r->items[i], *b = &r->items[j];
                if (strcmp(a[2].text, object) || strcmp(b[2].text, part) ||
                    strcmp(a[3].text, "mIoU") || strcmp(b[3].text, "mIoU") ||
                    strcmp(a[4].text, b[4].text) || a[k].value.kind != 3 ||
                    b[k].value.kind != 3 || strcmp(a[1].text, b[1].text) || count == 14)
                    continue;
                marks[count].at[0] = b[k].value.real;
                marks[count].at[1] = a[k].value.real;
                marks[count].hollow = k == 5;
                snprintf(marks[count++].name, sizeof marks->name, "%s", a[4].text);
            }
    report_chart(p, title, marks, count);
    report_raw(p, "<p class=\"soft\">Hollow: the paper. Filled: ours.</p>\n");
}
/* "key": "text" of our JSON, as it stands there; "" if it is not there */
static inline void report_string(const char *json, const char *key, char out[200])
{
    char quoted[40];
    const char *at;
    snprintf(quoted, sizeof quoted, "\"%s\": \"", key);
    at = strstr(json, quoted);
    if (at) at += strlen(quoted);
    snprintf(out, 200, "%.*s", at ? (int)strcspn(at, "\"\n") : 0, at ? at : "");
}
/* Results of segmentation --json, objects and parts of each encoder -> a chart in --out */
static inline int report_figure(cli *app)
{
    static const cli_column columns[] = { { "weights", "weights" }, { "objects", "object_data" },
                                          { "mIoU", "object_mIoU" }, { "parts", "part_data" },
                                          { "mIoU", "part_mIoU" } };
    static const cli_table table = { "encoders", columns, 5 };
    static const char *const options[2] = { "--object", "--part" };
    const int n = app->given[cli_at(app, "--object")];
    cli_result r = CLI_EMPTY_RESULT;
    report_mark *marks = (report_mark *)cli_alloc((size_t)n, sizeof *marks);
    report p;
    int i, k, code = marks ? CLI_OK : cli_no_memory(app);
    if (n != app->given[cli_at(app, "--part")])
        code = cli_error(app, CLI_USAGE, "--object and --part name as many results each, those of "
                         "an encoder at the same place");
    for (i = 0; !code && i < n; ++i) {
        char name[2][200], data[200];
        for (k = 0; !code && k < 2; ++k) {
            const char *path = app->argv[app->at[cli_at(app, options[k])] + i];
            char *text = report_file(app, path);
            const double x = text ? cli_find_number(text, "\"mIoU\"") : (double)NAN;
            if (!text) code = cli_error(app, CLI_INPUT, "%s", paw_message(app->ctx));
            else if (!(x >= 0 && x <= 100))
                code = cli_error(app, CLI_INPUT, "%s: no mIoU: not what segmentation --json prints",
                                 path);
            if (!code) {
                report_string(text, "weights", name[k]);
                report_string(text, "data", data);
                if (!k) cli_cell(&r, &table, cli_s(name[0]));
                cli_cell(&r, &table, cli_s(data));
                cli_cell(&r, &table, cli_r(x, 2));
                marks[i].at[!k] = x;
                snprintf(marks[i].name, sizeof marks[i].name, "%s", name[0]);
                if (k && strcmp(name[0], name[1]))
                    code = cli_error(app, CLI_INPUT, "%s is of %s, not of %s", path, name[1],
                                     name[0]);
            }
            free(text);
        }
    }
    memset(&p, 0, sizeof p);
    report_begin(&p, "Objects against parts", "What a linear head segments on the same frozen "
                 "encoder: objects up, parts across (Figure 7 of the paper).");
    if (!code) report_chart(&p, "mIoU in percent", marks, n);
    report_rows(&p, &r);
    if (!code) code = report_save(app, &p, cli_text(app, "--out"));
    if (!code) code = cli_print(app, &r);
    report_free(&p);
    cli_result_free(&r);
    free(marks);
    return code;
}
/* How a number was made, or why there is none, each text once: rows [n] of a table share it. */
static inline size_t report_note(const cli_result *r, const size_t *rows, size_t n, size_t row)
{
    size_t i, j, number = 1;
    for (i = 0; i < n; ++i) {
        const char *text = r->items[rows[i] + 9].text;
        if (!strcmp(text, r->items[row + 9].text)) break;
        for (j = 0; j < i && strcmp(text, r->items[rows[j] + 9].text);) ++j;
        number += j == i;
    }
    return number;
}
/* One table of the paper, methods down: ours, below it the paper's number and the difference. */
static inline void report_one_table(report *p, const cli_result *r, const size_t *rows, size_t n)
{
    char text[64];
    size_t i, m, k;
    snprintf(text, sizeof text, "Table %s", r->items[rows[0] + 1].text);
    report_element(p, "h2", text);
    report_raw(p, "<div class=\"scroll\"><table>\n<tr><th scope=\"col\">method</th>");
    for (i = 0; i < n; i += 7) {
        report_raw(p, "<th scope=\"col\">");
        report_text(p, r->items[rows[i] + 2].text);
        report_raw(p, "<br>");
        report_text(p, r->items[rows[i] + 3].text);
        report_raw(p, "</th>");
    }
    for (m = 0; m < 7; ++m) {
        report_raw(p, "</tr>\n<tr>");
        report_element(p, "td", r->items[rows[m] + 4].text);
        for (i = m; i < n; i += 7) {
            const cli_item *cell = &r->items[rows[i]];
            report_add(p, "<td>%s", cli_show(cell[6].value, text));
            report_add(p, "<sup>%lu</sup><br><small>%s",
                       (unsigned long)report_note(r, rows, n, rows[i]),
                       cli_show(cell[5].value, text));
            if (cell[7].value.kind == 3) report_add(p, ", %+.2f", cell[7].value.real);
            report_raw(p, "</small></td>");
        }
    }
    report_raw(p, "</tr>\n</table></div>\n<ol class=\"soft\">\n");
    for (i = k = 0; i < n; ++i)
        if (report_note(r, rows, n, rows[i]) > k) {
            report_element(p, "li", r->items[rows[i] + 9].text);
            ++k;
        }
    report_raw(p, "</ol>\n");
}
/* The result as DIR/tables.json, .csv, .md and report.html; a dry run's: dry-tables.json, ... */
static inline int report_cells(cli *app, const cli_result *r, const char *folder)
{
    static const char *const names[] = { "tables.json", "tables.csv", "tables.md" };
    const size_t columns = report_cells_table.count;
    size_t rows[20 * 7], i, n;
    const char *dry = cli_has(app, "--dry-run") ? "dry-" : "";
    char name[32];
    report p;
    int k, code = r->failed ? cli_no_memory(app) : CLI_OK;
    for (k = 0; !code && k < 3; ++k) {
        cli_file o;
        snprintf(name, sizeof name, "%s%s", dry, names[k]);
        if ((code = cli_file_open(app, &o, folder, name)) != CLI_OK) break;
        if (k == 0) cli_print_json(o.f, r);
        else if (k == 1) cli_print_csv(o.f, r);
        else cli_print_rows(o.f, &report_cells_table, r->items, r->count, 1);
        code = cli_file_keep(app, &o);
    }
    if (code) return code;
    memset(&p, 0, sizeof p);
    report_begin(&p, "The tables of the paper", "Our number, below it the paper's and the "
                 "difference; its note says how it was made, or why there is none. "
                 "The paper's encoders are 768 wide (ViT-B/16): a number of another width is no "
                 "reproduction, and its note says so.");
    for (i = 0; i < r->count && r->items[i].table; i += n * columns) {
        for (n = 0; i + n * columns < r->count && r->items[i + n * columns].table &&
                    !strcmp(r->items[i + n * columns + 1].text, r->items[i + 1].text); ++n)
            if (n < CLI_COUNT(rows)) rows[n] = i + n * columns;
        report_one_table(&p, r, rows, n < CLI_COUNT(rows) ? n : CLI_COUNT(rows));
    }
    report_object_part(&p, r, "ADE20K-Object-59", "ADE20K-Part-209");
    report_object_part(&p, r, "Pascal-Object-16", "Pascal-Part-193");
    report_provenance(&p, app, r, REPORT_NOT_COUNTED);
    snprintf(name, sizeof name, "%sreport.html", dry);
    if (!code) code = report_save_as(app, &p, folder, name);
    report_free(&p);
    return code;
}
#endif
