/* One self-contained HTML page: results, settings, and a contact sheet of nearest neighbours.
   Include after partaware.h and cli.h. Pages need no script and no other file. */
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
        ".scroll{overflow-x:auto;margin-bottom:12px}table{border-collapse:collapse;"
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
/* Ends the page and writes it as FOLDER/report.html; returns an exit code. */
static inline int report_save(cli *app, report *p, const char *folder)
{
    cli_file o;
    int code;
    report_raw(p, "</main>\n</body>\n</html>\n");
    if (p->failed) return cli_no_memory(app);
    code = cli_make_folder(app, folder);
    if (!code) code = cli_file_open(app, &o, folder, "report.html");
    if (code) return code;
    (void)fwrite(p->s, 1, p->n, o.f);
    return cli_file_keep(app, &o);
}
static inline void report_free(report *p)
{
    free(p->s);
    memset(p, 0, sizeof *p);
}

/* ---- retrieval: scores, table, bars per class, contact sheet ---- */

typedef struct {
    const char *name; /* "cls" */
    float *x;         /* [n, dim]; NULL: the model has no such feature, or it was not asked for */
    size_t dim;
    double *ap; /* [n] of each query, 0..1 */
    double per_class[CLI_MAX_PARTS];
    paw_ap_summary sum, without_query;
} report_feature;
typedef struct {
    cli *app;
    cli_patch_source *source;
    const paw_index *list;
    const report_feature *features;
    int feature_count, best; /* best: the feature of the contact sheet */
    const size_t *per_class; /* [classes] patches */
    double chance;           /* AP of a random order, 0..1 */
} report_retrieval;

enum { REPORT_NEIGHBOURS = 12, REPORT_THUMB = 96 };

/* AP of every query and its means, with the query among the hits and without. */
static inline int report_score(cli *app, report_feature *f, const int32_t *labels, size_t n,
                               int classes)
{
    paw_err e;
    int exclude;
    for (exclude = 1; exclude >= 0; --exclude) { /* what stays in f->ap is with the query */
        e = paw_retrieval_ap(app->ctx, f->x, n, f->dim, labels, exclude, f->ap);
        if (!e)
            e = paw_ap_mean(f->ap, labels, n, classes, f->per_class,
                            exclude ? &f->without_query : &f->sum);
        if (e) return cli_fail(app, e);
    }
    return CLI_OK;
}
/* Columns of the table of features; the caller keeps them until the result is printed. */
typedef struct {
    cli_column columns[CLI_MAX_PARTS + 6];
    cli_table table;
} report_columns;

/* A row for each feature; published: AP in percent of the paper's column for it, 0 without, or
   NULL where nothing compares. The better of cls and mean is the paper's "encoded". */
static inline void report_put_features(cli_result *r, report_columns *to, const report_retrieval *d,
                                       const double *published)
{
    static const cli_column last[] = { { "AP without query", "AP_exclude_query" },
                                       { "column", "column" }, { "paper's AP", "AP_paper" } };
    const size_t classes = (size_t)d->list->classes;
    size_t i;
    int k;
    to->columns[0].title = to->columns[0].key = "feature";
    to->columns[1].title = to->columns[1].key = "AP";
    to->columns[2].title = to->columns[2].key = "mAP";
    for (i = 0; i < classes; ++i) {
        to->columns[3 + i].title = d->list->class_names[i];
        to->columns[3 + i].key = "per_class[]";
    }
    memcpy(to->columns + 3 + classes, last, sizeof last);
    to->table.name = NULL;
    to->table.columns = to->columns;
    to->table.count = classes + (published ? 6 : 5);
    for (k = 0; k < d->feature_count; ++k) {
        const report_feature *f = &d->features[k];
        const char *column = k == 2 ? "projected" : k == d->best ? "encoded" : NULL;
        cli_cell(r, &to->table, cli_s(f->name));
        for (i = 1; !f->x && i < to->table.count; ++i) cli_cell(r, &to->table, cli_none());
        if (!f->x) continue;
        cli_cell(r, &to->table, cli_r(100 * f->sum.ap, 2));
        cli_cell(r, &to->table, cli_r(100 * f->sum.map, 2));
        for (i = 0; i < classes; ++i) cli_cell(r, &to->table, cli_r(100 * f->per_class[i], 2));
        cli_cell(r, &to->table, cli_r(100 * f->without_query.ap, 2));
        cli_cell(r, &to->table, cli_s(column));
        if (published)
            cli_cell(r, &to->table, column && published[k == 2] > 0 ? cli_r(published[k == 2], 1)
                                                                     : cli_none());
    }
}

static inline void report_bars(report *p, const report_retrieval *d)
{
    int c, k;
    report_raw(p, "<h2>Average precision per part</h2>\n<div class=\"key\">");
    for (k = 0; k < d->feature_count; ++k)
        if (d->features[k].x)
            report_add(p, "<span><i class=\"b%d\"></i>%s</span>", k, d->features[k].name);
    report_raw(p, "<span>| chance: this part's share of the patches</span></div>\n"
                  "<div class=\"bars\">\n");
    for (c = 0; c < d->list->classes; ++c) {
        const double share = 100.0 * (double)d->per_class[c] / (double)d->list->count;
        if (!d->per_class[c]) continue;
        report_element(p, "div", d->list->class_names[c]);
        report_raw(p, "<div>");
        for (k = 0; k < d->feature_count; ++k) {
            const double ap = 100 * d->features[k].per_class[c];
            if (!d->features[k].x || ap != ap) continue;
            report_add(p, "<div class=\"track\" role=\"img\" "
                          "aria-label=\"%s: AP %.1f, chance %.1f\">",
                       d->features[k].name, ap, share);
            report_add(p, "<i class=\"b%d\" style=\"width:%.1f%%\"></i>"
                          "<u style=\"left:%.1f%%\"></u><span>%.1f</span></div>",
                       k, ap, share, ap);
        }
        report_raw(p, "</div>\n");
    }
    report_raw(p, "</div>\n");
}

static inline double report_dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    size_t i;
    for (i = 0; i < n; ++i) sum += (double)a[i] * (double)b[i];
    return sum;
}
/* The nearest items of query, itself left out, best first; returns how many. */
static inline int report_nearest(const report_feature *f, size_t n, size_t query, size_t *near,
                                 double *similarity)
{
    const float *q = f->x + query * f->dim;
    const double qq = report_dot(q, q, f->dim);
    size_t i;
    int count = 0, k;
    for (i = 0; i < n; ++i) {
        const float *x = f->x + i * f->dim;
        const double norm = sqrt(qq * report_dot(x, x, f->dim));
        const double s = report_dot(q, x, f->dim) / (norm > 1e-8 ? norm : 1e-8);
        if (i == query || (count == REPORT_NEIGHBOURS && s <= similarity[count - 1])) continue;
        if (count < REPORT_NEIGHBOURS) ++count;
        for (k = count - 1; k > 0 && similarity[k - 1] < s; --k) {
            similarity[k] = similarity[k - 1];
            near[k] = near[k - 1];
        }
        similarity[k] = s;
        near[k] = i;
    }
    return count;
}
/* The patch of this class with the given share of its patches at a lower AP; n if there is none. */
static inline size_t report_pick(const report_retrieval *d, int label, double share)
{
    const double *ap = d->features[d->best].ap;
    const size_t n = d->list->count;
    size_t i, j, best = n, rank, best_gap = n + 1, total = 0;
    for (i = 0; i < n; ++i) total += d->list->items[i].label == label && ap[i] == ap[i];
    for (i = 0; i < n; ++i) {
        size_t gap, want = (size_t)(share * (double)(total ? total - 1 : 0) + 0.5);
        if (d->list->items[i].label != label || ap[i] != ap[i]) continue;
        for (j = 0, rank = 0; j < n; ++j)
            rank += d->list->items[j].label == label &&
                    (ap[j] < ap[i] || (ap[j] == ap[i] && j < i));
        gap = rank > want ? rank - want : want - rank;
        if (gap < best_gap) {
            best = i;
            best_gap = gap;
        }
    }
    return best;
}
/* One framed patch; kind: "query", "same" or "other". */
static inline paw_err report_patch(report *p, const report_retrieval *d, size_t item,
                                   const char *kind, const char *caption)
{
    const paw_item *patch = &d->list->items[item];
    const char *part = d->list->class_names[patch->label];
    char alt[512];
    paw_image thumb;
    const paw_err e = cli_patch_image(d->source, item, REPORT_THUMB, &thumb);
    if (e) return e;
    snprintf(alt, sizeof alt, "%s of %s (%s, %s)", part, cli_base(patch->path), kind, caption);
    report_add(p, "<figure class=\"%s\">", kind);
    report_image(p, &thumb, alt);
    report_raw(p, "<figcaption>");
    report_text(p, part);
    report_raw(p, "<br>");
    report_text(p, caption);
    report_raw(p, "</figcaption></figure>\n");
    paw_image_free(d->app->ctx, &thumb);
    return PAW_OK;
}
/* For each class an easy, a typical and a hard query with its nearest patches. */
static inline int report_sheet(report *p, const report_retrieval *d)
{
    static const struct {
        const char *name;
        double share;
    } picks[] = { { "easy", 0.9 }, { "typical", 0.5 }, { "hard", 0.1 } };
    const report_feature *f = &d->features[d->best];
    double similarity[REPORT_NEIGHBOURS];
    size_t near[REPORT_NEIGHBOURS];
    char text[64];
    int c, k, i, count;
    report_raw(p, "<h2>Nearest patches</h2>\n<p>Per part three queries (red frame): at the 90th, "
                  "50th and 10th percentile of average precision, the number below them. Then the "
                  "12 nearest of all other patches with their similarity, ");
    report_add(p, "the cosine of <b>%s</b>. Green, solid frame: the same part. Grey, dashed: "
                  "another part.</p>\n", f->name);
    for (c = 0; c < d->list->classes; ++c) {
        if (!d->per_class[c]) continue;
        report_element(p, "h3", d->list->class_names[c]);
        for (k = 0; k < 3; ++k) {
            const size_t query = report_pick(d, c, picks[k].share);
            paw_err e;
            if (query == d->list->count || (k && query == report_pick(d, c, picks[k - 1].share)))
                continue;
            count = report_nearest(f, d->list->count, query, near, similarity);
            report_raw(p, "<div class=\"sheet\">\n");
            snprintf(text, sizeof text, "%s %.1f", picks[k].name, 100 * f->ap[query]);
            e = report_patch(p, d, query, "query", text);
            for (i = 0; !e && i < count; ++i) {
                snprintf(text, sizeof text, "%.3f", similarity[i]);
                e = report_patch(p, d, near[i],
                                 d->list->items[near[i]].label == c ? "same" : "other", text);
            }
            report_raw(p, "</div>\n");
            if (e) return cli_fail(d->app, e);
            if (cli_interrupted()) return cli_interrupted();
        }
    }
    return CLI_OK;
}
/* The whole page of a part retrieval, in DIR/report.html; returns an exit code. */
static inline int report_write_retrieval(const report_retrieval *d, const cli_result *r,
                                         const char *folder)
{
    const report_feature *f = &d->features[d->best];
    char text[128];
    report p;
    int code;
    memset(&p, 0, sizeof p);
    report_begin(&p, "Part retrieval", "Every patch around a key point queries all patches by "
                 "cosine similarity; a hit shows the same part. A frozen encoder that knows parts "
                 "ranks the hits first.");
    if (cli_is_random(d->app))
        report_element(&p, "p class=\"warn\"", "The weights are random: this page shows what an "
                       "untrained encoder gives, not what a checkpoint knows.");
    report_raw(&p, "<div class=\"cards\">\n");
    snprintf(text, sizeof text, "%.2f", 100 * f->sum.ap);
    report_card(&p, text, !strcmp(f->name, "cls")    ? "AP in percent, class token"
                          : !strcmp(f->name, "mean") ? "AP in percent, average of patch tokens"
                                                     : "AP in percent, projected class token");
    snprintf(text, sizeof text, "%.2f", 100 * d->chance);
    report_card(&p, text, "AP of a random order");
    snprintf(text, sizeof text, "%lu", (unsigned long)d->list->count);
    report_card(&p, text, "patches");
    report_card(&p, cli_is_random(d->app) ? cli_text(d->app, "--random")
                                          : cli_base(cli_text(d->app, "--weights")),
                cli_is_random(d->app) ? "random weights" : "weights");
    report_raw(&p, "</div>\n<h2>Result</h2>\n");
    report_rows(&p, r);
    report_raw(&p, "<p class=\"soft\">In percent. AP: mean over the queries; mAP: mean over the "
                   "parts. The query counts as its own hit, as in the released code, unless the "
                   "column says otherwise.</p>\n");
    report_bars(&p, d);
    code = report_sheet(&p, d);
    report_raw(&p, "<h2>Settings and provenance</h2>\n");
    report_fields(&p, r);
    if (!code) code = report_save(d->app, &p, folder);
    report_free(&p);
    return code;
}
#endif
