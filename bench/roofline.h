/* The rows of a run as one picture: what each computes a second over what it computes a byte, under
   the roofs that were measured beside it. Include after print.h. */
#ifndef PAW_BENCH_ROOFLINE_H
#define PAW_BENCH_ROOFLINE_H

static inline int bench_roofline_add(bench_roofline *o, const bench_row *r)
{
    const bench_figures f = bench_figures_of(r);
    const double flops = r->flops > 0 ? r->flops : r->work;
    bench_point *p;
    if (flops <= 0 || r->bytes <= 0) {
        ++o->left_out;
        return CLI_OK;
    }
    if (o->count == o->room) {
        const size_t room = 2 * o->room + 64;
        p = (bench_point *)realloc(o->points, room * sizeof *p);
        if (!p) return CLI_RESOURCE;
        o->points = p;
        o->room = room;
    }
    p = &o->points[o->count++];
    p->isa = r->isa;
    p->threads = r->threads;
    p->intensity = flops / r->bytes;
    p->gflops = flops / f.wall * 1e-9;
    p->peak = bench_of_core(r->reference) ? f.peak : 0;
    (void)bench_name(r, p->name);
    snprintf(p->title, sizeof p->title, "%s: %.4g GFLOP/s, %.4g FLOP/byte", p->name, p->gflops,
             p->intensity);
    if (f.peak > 0) {
        const size_t n = strlen(p->title);
        snprintf(p->title + n, sizeof p->title - n, ", %.1f %% of %.4g %s %s", f.percent, f.peak,
                 bench_of_core(r->reference) ? "GFLOP/s" : "GB/s", bench_unit(r));
    }
    return CLI_OK;
}
static inline void bench_xml(FILE *f, const char *s)
{
    for (; *s; ++s) {
        if (*s == '&') fputs("&amp;", f);
        else if (*s == '<') fputs("&lt;", f);
        else if (*s == '>') fputs("&gt;", f);
        else if (*s == '"') fputs("&quot;", f);
        else putc((unsigned char)*s < 32 ? ' ' : *s, f);
    }
}

/* ---- the plane: logarithms on both axes ---- */

typedef struct {
    FILE *f;
    double x0, x1, y0, y1; /* ranges, decimal logarithms */
} bench_plot;
enum { BENCH_LEFT = 80, BENCH_RIGHT = 930, BENCH_TOP = 70, BENCH_BOTTOM = 560 };

static inline double bench_px(const bench_plot *p, double x)
{
    return (double)BENCH_LEFT + (log10(x) - p->x0) / (p->x1 - p->x0) * (BENCH_RIGHT - BENCH_LEFT);
}
static inline double bench_py(const bench_plot *p, double y)
{
    return (double)BENCH_BOTTOM - (log10(y) - p->y0) / (p->y1 - p->y0) * (BENCH_BOTTOM - BENCH_TOP);
}
static inline void bench_plot_range(bench_plot *p, const bench_roofline *o)
{
    double x0 = 1e300, x1 = 1, y0 = 1e300, y1 = 0;
    size_t i;
    for (i = 0; i < o->count; ++i) {
        const bench_point *q = &o->points[i];
        x0 = q->intensity < x0 ? q->intensity : x0;
        x1 = q->intensity > x1 ? q->intensity : x1;
        y0 = q->gflops < y0 ? q->gflops : y0;
        y1 = q->gflops > y1 ? q->gflops : y1;
        y1 = q->peak > y1 ? q->peak : y1;
    }
    p->x0 = floor(log10(x0 < 0.15 ? x0 / 1.5 : 0.1)); /* ridges are in sight */
    p->x1 = ceil(log10(x1 * 1.5));
    p->y0 = floor(log10(y0 < y1 / 50 ? y0 / 1.2 : y1 / 50));
    p->y1 = log10(y1 * 1.7);
}
static inline void bench_plot_tick(const bench_plot *p, double at, int vertical, int decade)
{
    const double x = vertical ? bench_px(p, at) : 0, y = vertical ? 0 : bench_py(p, at);
    if (vertical)
        fprintf(p->f, "<path class=\"%s\" d=\"M%.1f %dV%d\"/>\n", decade ? "grid" : "grid minor", x,
                BENCH_TOP, BENCH_BOTTOM);
    else
        fprintf(p->f, "<path class=\"%s\" d=\"M%d %.1fH%d\"/>\n", decade ? "grid" : "grid minor",
                BENCH_LEFT, y, BENCH_RIGHT);
    if (!decade) return;
    fprintf(p->f, "<text class=\"quiet\" text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">%g</text>\n",
            vertical ? "middle" : "end", vertical ? x : (double)BENCH_LEFT - 8.0,
            vertical ? (double)BENCH_BOTTOM + 18.0 : y + 4, at);
}
static inline void bench_plot_axes(const bench_plot *p)
{
    double d;
    int i;
    for (d = p->x0; d <= p->x1; ++d)
        for (i = 1; i < 10 && (i == 1 || d < p->x1); ++i)
            bench_plot_tick(p, i * pow(10, d), 1, i == 1);
    for (d = p->y0; d <= p->y1; ++d)
        for (i = 1; i < 10 && d + log10(i) <= p->y1; ++i)
            bench_plot_tick(p, i * pow(10, d), 0, i == 1);
    fprintf(p->f, "<text text-anchor=\"middle\" x=\"%d\" y=\"%d\">FLOP a byte that has to move at "
            "least once</text>\n<text text-anchor=\"middle\" transform=\"translate(24 %d) "
            "rotate(-90)\">GFLOP/s</text>\n", (BENCH_LEFT + BENCH_RIGHT) / 2, BENCH_BOTTOM + 42,
            (BENCH_TOP + BENCH_BOTTOM) / 2);
}

/* ---- roofs ---- */

/* From the lower left edge up to the highest peak. */
static inline void bench_slope(const bench_plot *p, const char *name, double gbs, double most)
{
    const double left = pow(10, p->x0), low = pow(10, p->y0);
    const double x0 = gbs * left < low ? low / gbs : left;
    const double end = most / gbs, x1 = end < pow(10, p->x1) ? end : pow(10, p->x1);
    const double ax = bench_px(p, x0), ay = bench_py(p, gbs * x0);
    const double bx = bench_px(p, x1), by = bench_py(p, gbs * x1);
    if (!(gbs > 0) || x1 <= x0) return;
    fprintf(p->f, "<path class=\"roof\" d=\"M%.1f %.1fL%.1f %.1f\"><title>%s: %.4g GB/s</title>"
            "</path>\n", ax, ay, bx, by, name, gbs);
    if (hypot(bx - ax, by - ay) < 200) return; /* no room for the name */
    fprintf(p->f, "<text class=\"quiet\" transform=\"translate(%.1f %.1f) rotate(%.1f)\">"
            "%s %.3g GB/s</text>\n", ax + 12 * (bx - ax) / hypot(bx - ax, by - ay) + 3,
            ay + 12 * (by - ay) / hypot(bx - ax, by - ay) - 5,
            atan2(by - ay, bx - ax) * 57.29577951308232, name, gbs);
}
/* The median of the rows' peaks, per instruction set and number of threads. */
static inline double bench_peaks(const bench_plot *p, const bench_roofline *o, double steepest)
{
    double most = 0;
    size_t i, j;
    for (i = 0; i < o->count; ++i) {
        const bench_point *a = &o->points[i];
        double x[BENCH_MOST], peak, left;
        int n = 0, first = a->peak > 0;
        for (j = 0; j < i; ++j)
            if (o->points[j].peak > 0 && o->points[j].isa == a->isa &&
                o->points[j].threads == a->threads)
                first = 0;
        if (!first) continue;
        for (j = i; j < o->count && n < BENCH_MOST; ++j)
            if (o->points[j].peak > 0 && o->points[j].isa == a->isa &&
                o->points[j].threads == a->threads)
                x[n++] = o->points[j].peak;
        peak = bench_median(x, n, NULL, NULL);
        most = peak > most ? peak : most;
        left = steepest > 0 ? peak / steepest : 0;
        left = left > pow(10, p->x0) ? left : pow(10, p->x0);
        fprintf(p->f, "<path class=\"roof\" d=\"M%.1f %.1fH%d\"><title>%s FMA: %.4g GFLOP/s</title>"
                "</path>\n<text class=\"quiet\" text-anchor=\"end\" x=\"%d\" y=\"%.1f\">%s FMA, "
                "%d thread%s: %.4g GFLOP/s</text>\n", bench_px(p, left), bench_py(p, peak),
                BENCH_RIGHT, bench_isa_name(a->isa), peak, BENCH_RIGHT - 4, bench_py(p, peak) - 5,
                bench_isa_name(a->isa), a->threads, a->threads > 1 ? "s" : "", peak);
    }
    return most;
}
static inline void bench_roofs(const bench_plot *p, const bench_roofline *o)
{
    double steepest = o->l1 > o->l2 ? o->l1 : o->l2, most;
    steepest = steepest > o->read ? steepest : o->read;
    most = bench_peaks(p, o, steepest);
    if (!(most > 0)) most = pow(10, p->y1);
    bench_slope(p, "first-level cache, read", o->l1, most);
    bench_slope(p, "second-level cache, read", o->l2, most);
    bench_slope(p, "memory, read", o->read, most);
    bench_slope(p, "memory, triad", o->triad, most);
}

/* ---- points ---- */

/* A shape and a colour per instruction set. */
static inline void bench_mark(FILE *f, int isa, double x, double y)
{
    static const char *const shapes[] = {
        "m-5 5l10 -10m0 10l-10 -10", "m0 -6l6 6l-6 6l-6 -6z", "m0 -6l6 10h-12z",
        "m-5 -5h10v10h-10z", "m-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0 -11 0z"
    };
    static const int shape_of[] = { 1, 2, 3, 4 }; /* scalar, NEON, AVX2, AVX-512 */
    const int shape = isa < 0 ? 0 : shape_of[isa];
    fprintf(f, "<path class=\"mark m%d\" d=\"M%.1f %.1f%s\"/>", shape, x, y, shapes[shape]);
}
/* From the highest point down, each below its point and below the name before. */
static inline void bench_point_names(const bench_plot *p, const bench_roofline *o)
{
    double line = 0;
    unsigned named = 0;
    size_t i, k, top;
    for (k = 0; k < o->count; ++k) {
        const bench_point *q;
        double x, y;
        for (i = 0, top = o->count; i < o->count; ++i)
            if (!(named >> i & 1) && (top == o->count ||
                                      o->points[i].gflops > o->points[top].gflops))
                top = i;
        named |= 1u << top;
        q = &o->points[top];
        x = bench_px(p, q->intensity);
        y = bench_py(p, q->gflops) + 16;
        line = y > line + 13 ? y : line + 13;
        fprintf(p->f, "<text class=\"name\" text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">",
                x > (BENCH_LEFT + BENCH_RIGHT) / 2 ? "end" : "start", x - 8, line);
        bench_xml(p->f, q->name);
        fputs("</text>\n", p->f);
    }
}
static inline void bench_points(const bench_plot *p, const bench_roofline *o)
{
    size_t i;
    for (i = 0; i < o->count; ++i) {
        const bench_point *q = &o->points[i];
        fputs("<g>", p->f);
        bench_mark(p->f, q->isa, bench_px(p, q->intensity), bench_py(p, q->gflops));
        fputs("<title>", p->f);
        bench_xml(p->f, q->title);
        fputs("</title></g>\n", p->f);
    }
    if (o->count <= 12) bench_point_names(p, o); /* more would hide each other */
}
static inline void bench_legend(FILE *f, const bench_roofline *o)
{
    double x = BENCH_LEFT + 6;
    int isa;
    size_t i;
    for (isa = PAW_ISA_AVX512; isa >= BENCH_NO_ISA; --isa) {
        for (i = 0; i < o->count && o->points[i].isa != isa; ++i) continue;
        if (i == o->count) continue;
        bench_mark(f, isa, x, BENCH_BOTTOM + 68);
        fprintf(f, "<text x=\"%.0f\" y=\"%d\">%s</text>\n", x + 12, BENCH_BOTTOM + 72,
                bench_isa_name(isa));
        x += 90;
    }
    if (o->left_out)
        fprintf(f, "<text class=\"quiet\" text-anchor=\"end\" x=\"%d\" y=\"%d\">%zu rows without "
                "arithmetic are not drawn</text>\n", BENCH_RIGHT, BENCH_BOTTOM + 72, o->left_out);
}
static inline void bench_svg_head(FILE *f, const bench_roofline *o, const char *program)
{
    char cpu[64];
    size_t i;
    fputs("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 650\" width=\"960\" "
          "height=\"650\" role=\"img\" aria-labelledby=\"t d\">\n<title id=\"t\">Roofline of ", f);
    bench_xml(f, program);
    fputs("</title>\n<desc id=\"d\">Logarithmic plot of GFLOP/s over FLOP per byte, a mark a row: ",
          f);
    for (i = 0; i < o->count; ++i) {
        if (i) fputs("; ", f);
        bench_xml(f, o->points[i].title);
    }
    fputs(".</desc>\n<style>\n"
          "text{font:13px system-ui,sans-serif;fill:#1c1c1c}.page{fill:#fff}\n"
          ".head{font-size:17px;font-weight:600}.quiet{fill:#595959;font-size:12px}\n"
          ".name{font-size:11px}.grid{stroke:#d9d9d9;fill:none}.minor{stroke:#f0f0f0}\n"
          ".roof{stroke:#555;stroke-width:1.5;fill:none}\n"
          ".mark{fill-opacity:.75;stroke-width:1.2}.mark:hover{stroke-width:3}\n"
          ".m0{fill:none;stroke:#555}.m1{fill:#cc79a7;stroke:#8f3f6b}\n"
          ".m2{fill:#009e73;stroke:#00664a}.m3{fill:#d55e00;stroke:#8f3f00}\n"
          ".m4{fill:#0072b2;stroke:#004a75}\n"
          "@media (prefers-color-scheme:dark){text{fill:#ececec}.page{fill:#14171a}\n"
          ".quiet{fill:#b0b5ba}.grid{stroke:#3a3f44}.minor{stroke:#23272b}.roof{stroke:#a9adb2}\n"
          ".m0{stroke:#c0c4c8}.m1{fill:#e59bc5;stroke:#fff}.m2{fill:#2bc79a;stroke:#fff}\n"
          ".m3{fill:#f0a04b;stroke:#fff}.m4{fill:#56b4e9;stroke:#fff}}\n</style>\n"
          "<rect class=\"page\" width=\"960\" height=\"650\"/>\n", f);
    fprintf(f, "<text class=\"head\" x=\"%d\" y=\"30\">Roofline of ", BENCH_LEFT);
    bench_xml(f, program);
    fprintf(f, "</text>\n<text class=\"quiet\" x=\"%d\" y=\"50\">", BENCH_LEFT);
    bench_xml(f, bench_cpu_model(cpu));
    fprintf(f, "; partaware %s; %s, ", cli_version(), BENCH_COMPILER);
    bench_xml(f, PAW_BENCH_FLAGS);
    fputs("</text>\n", f);
}
/* Writes what was added as an SVG that is whole or absent; a run without such rows is said. */
static inline int bench_roofline_save(cli *app, const bench_roofline *o, const char *path)
{
    bench_plot p;
    cli_file file;
    int code;
    if (!o->count) return cli_error(app, CLI_USAGE, "--roofline: no row with arithmetic and bytes");
    if ((code = cli_file_open(app, &file, NULL, path))) return code;
    p.f = file.f;
    bench_plot_range(&p, o);
    bench_svg_head(p.f, o, app->program->name);
    bench_plot_axes(&p);
    bench_roofs(&p, o);
    bench_points(&p, o);
    bench_legend(p.f, o);
    fputs("</svg>\n", p.f);
    return cli_file_keep(app, &file);
}
#endif
