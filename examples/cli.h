/* What the example programs share. In order:
     options    one table per program drives parser, defaults, --help, --man and --completion
     processes  ranks of MPI (CLI_MPI), or --shard I/N, over one folder of features
     progress   one line on stderr
     results    fields and rows, printed as text, JSON, CSV or Markdown
     files      folders, files that appear only when whole, growing .npy, text, lists of images
     labels     "file name, class" lines
     models     --weights or --random; the settings that decide the numbers
     encoding   many items through a model, in batches
     features   the same through a store: what is kept is not encoded again
     data sets  indexes of parts, objects and images by --dataset
     dense      segmentation: pairs, label maps, metrics; training of dense heads; paper numbers
   Include after partaware.h, in a file whose first line defines _POSIX_C_SOURCE 200809L.
   Functions that return int return CLI_OK or an exit code, after one line on stderr. */
#ifndef PAW_EXAMPLES_CLI_H
#define PAW_EXAMPLES_CLI_H

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef CLI_MPI
#include <mpi.h>
#endif
#if defined(_WIN32) /* folders without modes; renames that do not replace */
#define mkdir(path, mode) mkdir(path)
#define rename(from, to) ((void)remove(to), rename(from, to))
#define CLI_BINARY O_BINARY
#else
#define CLI_BINARY 0
#endif

enum {
    CLI_DONE = -2,        /* nothing is left to do for this process: cli_end makes it CLI_OK */
    CLI_SKIP = -1,        /* of an item: leave it out */
    CLI_OK = 0,
    CLI_PARTIAL = 1,      /* finished, but inputs were skipped, or numbers were not finite */
    CLI_USAGE = 2,        /* wrong command line */
    CLI_INPUT = 3,        /* an input file is missing, malformed or does not fit */
    CLI_RESOURCE = 4      /* out of memory, or the output cannot be written */
};
#define CLI_EXIT_CODES                                                                             \
    "0 done; 1 done, but inputs were skipped or numbers were not finite;\n"           \
    "  2 wrong command line; 3 an input file is missing, malformed or does not fit;\n"             \
    "  4 out of memory or output not writable; 130 interrupted\n"

/* ---- options: the table drives the parser, --help, --man, --completion and the defaults ---- */

enum { CLI_STR, CLI_INT, CLI_REAL, CLI_FLAG, CLI_CHOICE, CLI_SET, CLI_LIST, CLI_REQUIRED = 16 };
typedef struct {
    const char *name;   /* "--batch" */
    const char *arg;    /* placeholder; of CLI_CHOICE and CLI_SET the words, "a|b|c" */
    int type;           /* CLI_SET: words with commas; CLI_LIST: words up to the next option */
    const char *preset; /* default, or NULL */
    double least, most; /* of CLI_INT and CLI_REAL */
    const char *help;
} cli_option;
typedef struct {
    const char *name, *usage, *about;
    const cli_option *options;
    int count;
} cli_program;
#define CLI_PROGRAM(name, usage, about)                                                            \
    static const cli_program program = { name, usage, about, options, CLI_COUNT(options) }

#define CLI_MODEL_OPTIONS                                                                          \
    {"--weights", "FILE", CLI_STR, NULL, 0, 0,                                                     \
     "checkpoint: torch .pth (never executed) or .safetensors"},                                   \
        {"--recipe", "auto|deit|mocov3|dino|ibot|beit|mae|cae", CLI_CHOICE, "auto", 0, 0,          \
         "encoder family; auto: by the names in the checkpoint"},                                  \
        {"--network", "teacher|student", CLI_CHOICE, "teacher", 0, 0,                              \
         "which one of a full DINO or iBOT checkpoint"},                                           \
        {"--heads", "N", CLI_INT, NULL, 1, 128, "attention heads, where the recipe's rule fails"}, \
        {"--eps", "X", CLI_REAL, NULL, 1e-12, 1e-2, "epsilon of layer norm; 1e-6 unless given"}
#define CLI_RANDOM_OPTION                                                                          \
    {"--random", "RECIPE_SIZE[:SEED]", CLI_STR, NULL, 0, 0,                                        \
     "random weights instead, such as deit_tiny:1; sizes tiny, small, base, large"}
#define CLI_RUN_OPTIONS                                                                            \
    {"--threads", "N", CLI_INT, "0", 0, 256, "0: PAW_THREADS, else every CPU"},                    \
        {"--math", "builtin|sleef", CLI_CHOICE, "builtin", 0, 0,                                   \
         "exp and GELU: same bits on every machine, or SLEEF's"},                                  \
        {"--max-pixels", "N", CLI_REAL, "1e8", 1, 1e12, "larger images are refused"},              \
        {"--quiet", NULL, CLI_FLAG, NULL, 0, 0, "no progress on stderr"}
#define CLI_ENCODE_OPTIONS                                                                         \
    {"--batch", "N", CLI_INT, "16", 1, 4096, "images encoded together; changes no bit"},           \
        {"--dtype", "f32|bf16", CLI_CHOICE, "f32", 0, 0,                                           \
         "of weights and inputs of products; bf16: half the memory for weights"},                  \
        {"--stats", "imagenet|half", CLI_CHOICE, "imagenet", 0, 0,                                 \
         "mean and deviation of the input; half: 0.5, as BEiT of ImageNet-22k expects"}
#define CLI_RESULT_OPTIONS                                                                         \
    {"--json", NULL, CLI_FLAG, NULL, 0, 0, "print one JSON object"},                               \
        {"--csv", NULL, CLI_FLAG, NULL, 0, 0, "print CSV"},                                        \
        {"--markdown", NULL, CLI_FLAG, NULL, 0, 0, "print Markdown"}
#define CLI_COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define CLI_MAX_OPTIONS 64

typedef struct {
    const cli_program *program;
    char **argv;
    const char *value[CLI_MAX_OPTIONS]; /* as given, or the default */
    int given[CLI_MAX_OPTIONS];         /* how many words; 0: not given */
    int at[CLI_MAX_OPTIONS];            /* of CLI_LIST: where the words start in argv */
    paw_ctx *ctx;
    double eps;   /* of layer norm, as asked; 0: 1e-6 */
    double start; /* seconds of the monotonic clock */
    int live;     /* a progress line stands on the terminal */
    int stopped;  /* how far it was when it was interrupted has been said */
    int part, parts; /* this process encodes shards part, part + parts, ... */
    int ranks;    /* 1: the parts are ranks of MPI */
    int threads;  /* wanted; fewer may start */
} cli;

static volatile sig_atomic_t cli_signalled;
static inline void cli_on_signal(int number)
{
    cli_signalled = number;
    (void)signal(number, SIG_DFL); /* a second Ctrl-C ends at once */
}
static inline int cli_interrupted(void) /* CLI_OK, or the exit code to stop with */
{
    return cli_signalled ? 128 + (int)cli_signalled : (int)CLI_OK;
}

static inline double cli_seconds(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC, &t)) return 0;
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static inline const char *cli_base(const char *path) /* name without folders */
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* Bytes of the UTF-8 character at s; 0 where it is none, as in file names of raw bytes. */
static inline int cli_utf8(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    const int n = *p < 0x80   ? 1
                  : *p < 0xc2 ? 0
                  : *p < 0xe0 ? 2
                  : *p < 0xf0 ? 3
                  : *p < 0xf5 ? 4
                              : 0;
    int k;
    for (k = 1; k < n; ++k)
        if ((p[k] & 0xc0) != 0x80) return 0;
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f)) return 0;
    return (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f) ? 0 : n;
}
/* Bytes of the character at s; *shown 0: for people it is ?, as it would break the line, command a
   terminal (as U+0080 to U+009F do, too), or is no UTF-8. */
static inline int cli_character(const char *s, int *shown)
{
    const int n = cli_utf8(s);
    *shown = n && (unsigned char)*s >= 32 && *s != 127 &&
             (n != 2 || strncmp(s, "\xc2\xa0", 2) >= 0);
    return n ? n : 1;
}
/* "program: sentence" on stderr, one line whatever the sentence holds. */
static inline void cli_vsay(cli *app, const char *format, va_list args)
{
    char text[1024], *s, *to;
    int n, shown;
    vsnprintf(text, sizeof text, format, args);
    for (s = to = text; *s; s += n, to += shown ? n : 1) {
        n = cli_character(s, &shown);
        if (shown) memmove(to, s, (size_t)n);
        else *to = '?';
    }
    *to = 0;
    if (app->live) fputc('\n', stderr);
    app->live = 0;
    if (app->ranks) fprintf(stderr, "%s: rank %d: %s\n", app->program->name, app->part, text);
    else fprintf(stderr, "%s: %s\n", app->program->name, text);
}
__attribute__((format(printf, 2, 3))) static inline void cli_say(cli *app, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cli_vsay(app, format, args);
    va_end(args);
}
/* The same, and returns code, so that a caller can leave with it. */
__attribute__((format(printf, 3, 4))) static inline int cli_error(cli *app, int code,
                                                                  const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cli_vsay(app, format, args);
    va_end(args);
    return code;
}
/* How far the program was when it was interrupted. */
__attribute__((format(printf, 2, 3))) static inline void cli_say_stopped(cli *app,
                                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cli_vsay(app, format, args);
    va_end(args);
    app->stopped = 1;
}
/* Says what the library said; returns the exit code of its error. */
static inline int cli_fail_at(cli *app, paw_err e, const char *path) /* path, if it was not named */
{
    const char *m = paw_message(app->ctx);
    const int code = e == PAW_E_ARG   ? CLI_USAGE
                     : e == PAW_E_OOM ? CLI_RESOURCE
                     : e == PAW_E_NUM ? CLI_PARTIAL
                                      : CLI_INPUT;
    const int named = !*path || strstr(m, path);
    return cli_error(app, code, "%s%s%s", named ? "" : path, named ? "" : ": ", m);
}
static inline int cli_fail(cli *app, paw_err e) { return cli_fail_at(app, e, ""); }
/* The same where an input was read: a weight that is not finite is a malformed input. */
static inline int cli_fail_input(cli *app, paw_err e)
{
    const int code = cli_fail(app, e);
    return code == CLI_PARTIAL ? (int)CLI_INPUT : code;
}
static inline int cli_no_memory(cli *app)
{
    return cli_error(app, CLI_RESOURCE, "out of memory");
}
static inline void *cli_alloc(size_t count, size_t size) /* zeroed; NULL also on overflow */
{
    return size && count > (size_t)-1 / size ? NULL : calloc(count ? count : 1, size);
}

static inline size_t cli_distance(const char *a, const char *b) /* edits between two words */
{
    size_t row[64], i, j, n = strlen(b);
    if (n > 63) return 64;
    for (j = 0; j <= n; ++j) row[j] = j;
    for (i = 0; a[i]; ++i) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (j = 1; j <= n; ++j) {
            const size_t above = row[j];
            size_t best = corner + (a[i] != b[j - 1]);
            if (above + 1 < best) best = above + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
            corner = above;
        }
    }
    return row[n];
}
static inline int cli_word(const char *words, int i, char *out, size_t size) /* i-th of "a|b|c" */
{
    const char *end;
    while (i-- > 0) {
        words = strchr(words, '|');
        if (!words) return 0;
        ++words;
    }
    end = strchr(words, '|');
    snprintf(out, size, "%.*s", end ? (int)(end - words) : (int)strlen(words), words);
    return 1;
}
static inline int cli_word_index(const char *words, const char *word) /* -1: not among them */
{
    char w[64];
    int i;
    for (i = 0; cli_word(words, i, w, sizeof w); ++i)
        if (!strcmp(w, word)) return i;
    return -1;
}

static inline void cli_print_wrapped(const char *text, size_t column, size_t indent)
{
    while (*text) {
        const size_t n = strcspn(text, " ");
        if (column > indent && column + 1 + n > 80) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            ++column;
        }
        printf("%.*s", (int)n, text);
        column += n;
        text += n + (text[n] == ' ');
    }
    putchar('\n');
}
static inline void cli_help(const cli_program *p)
{
    int i;
    printf("usage: %s %s\n\n%s\n", p->name, p->usage, p->about);
    for (i = 0; i < p->count; ++i) {
        const cli_option *o = &p->options[i];
        char help[512];
        int n = printf("  %s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        if (n > 22) {
            putchar('\n');
            n = 0;
        }
        printf("%*s", 24 - n, "");
        snprintf(help, sizeof help, "%s%s%s%s", o->help, o->preset ? " (default " : "",
                 o->preset ? o->preset : "", o->preset ? ")" : "");
        cli_print_wrapped(help, 24, 24);
    }
    printf("  --help, --version     this list; the version of partaware.h\n"
           "  --man, --completion   this list as a page for man, as completion for bash\n\n"
           "exit status: %s", CLI_EXIT_CODES);
}

/* s[0..n) as roff text, which must be able to start a line; newlines become blanks,
   and a line may end behind a |. */
static inline void cli_roff(const char *s, size_t n)
{
    static const char *const names[] = { "-\\-", "\\\\e", "'\\(aq", "`\\(ga", "^\\(ha", "~\\(ti",
                                         "\n ", "||\\:" };
    size_t i;
    int k;
    if (n && (s[0] == '.' || s[0] == '\'')) fputs("\\&", stdout);
    for (i = 0; i < n; ++i) {
        for (k = 0; k < CLI_COUNT(names) && names[k][0] != s[i]; ++k) continue;
        if (k < CLI_COUNT(names))
            fputs(names[k] + 1, stdout);
        else
            putchar(s[i]);
    }
}
static inline void cli_roff_option(const char *name, const char *arg, int words, const char *help)
{
    const char fonts[] = { 'I', 'B' };
    printf(".TP\n\\fB");
    cli_roff(name, strlen(name));
    printf("\\fR");
    if (arg) {
        printf(" \\f%c", fonts[words]);
        cli_roff(arg, strlen(arg));
        printf("\\fR");
    }
    putchar('\n');
    cli_roff(help, strlen(help));
}
static inline const char *cli_version(void) /* of partaware.h, such as 0.1.0 */
{
    static char text[32];
    const int v = paw_version();
    snprintf(text, sizeof text, "%d.%d.%d", v / 10000, v / 100 % 100, v % 100);
    return text;
}
/* A page in man(7) without a date, so that a build gives the same bytes tomorrow. */
static inline void cli_man(const cli_program *p)
{
    const char *s = p->about;
    const char first = (char)tolower((unsigned char)*s);
    size_t n = strcspn(s, ".");
    int i;
    printf(".TH ");
    for (i = 0; p->name[i]; ++i) putchar(toupper((unsigned char)p->name[i]));
    printf(" 1 \"\" \"partaware %s\"\n.ad l\n.nh\n", cli_version());
    printf(".SH NAME\n");
    cli_roff(p->name, strlen(p->name));
    printf(" \\- ");
    cli_roff(&first, 1);
    cli_roff(s + 1, n - 1);
    printf("\n.SH SYNOPSIS\n\\fB");
    cli_roff(p->name, strlen(p->name));
    printf("\\fR ");
    cli_roff(p->usage, strlen(p->usage));
    printf("\n.SH DESCRIPTION\n");
    while (*s) {
        const char *end = strstr(s, "\n\n");
        n = end ? (size_t)(end - s) : strlen(s);
        while (n && s[n - 1] == '\n') --n;
        if (s != p->about) printf(".PP\n");
        cli_roff(s, n);
        putchar('\n');
        s += n + strspn(s + n, "\n");
    }
    printf(".SH OPTIONS\n");
    for (i = 0; i < p->count; ++i) {
        const cli_option *o = &p->options[i];
        const int type = o->type & ~CLI_REQUIRED;
        cli_roff_option(o->name, o->arg, type == CLI_CHOICE || type == CLI_SET, o->help);
        if (o->preset) {
            printf(" (default ");
            cli_roff(o->preset, strlen(o->preset));
            putchar(')');
        }
        if (type == CLI_INT || type == CLI_REAL) printf("; %.9g to %.9g", o->least, o->most);
        putchar('\n');
    }
    cli_roff_option("--help, --version", NULL, 0, "list of the options; version of partaware.h\n");
    cli_roff_option("--man, --completion", NULL, 0, "this page; completion for bash\n");
    printf(".SH EXIT STATUS\n");
    cli_roff(CLI_EXIT_CODES, strlen(CLI_EXIT_CODES));
    printf("\n.SH ENVIRONMENT\n");
    cli_roff_option("PAW_THREADS", NULL, 0, "threads where --threads is 0\n");
    cli_roff_option("PAW_ISA", NULL, 0, "scalar, neon, avx2 or avx512: no wider instruction set\n");
}

/* For bash 4 and newer: the words after an option by its type and its
   placeholder, after a CLI_LIST up to the next option. */
static inline void cli_completion(const cli_program *p)
{
    char id[64];
    int i;
    snprintf(id, sizeof id, "%s", p->name);
    for (i = 0; id[i]; ++i)
        if (!isalnum((unsigned char)id[i])) id[i] = '_';
    printf("# Completion of %s for bash, as its --completion prints it.\n"
           "_%s()\n{\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} option= rest= at=$COMP_CWORD\n"
           "    [[ $cur == = ]] && cur=\n"
           "    while ((--at > 0)); do\n"
           "        [[ ${COMP_WORDS[at]} == --* ]] && { option=${COMP_WORDS[at]}; break; }\n"
           "        [[ ${COMP_WORDS[at]} == = ]] || rest=1\n"
           "    done\n"
           "    COMPREPLY=()\n"
           "    [[ $cur == -* ]] && option= rest=1\n"
           "    case $option$rest in\n", p->name, id);
    for (i = 0; i < p->count; ++i) {
        const cli_option *o = &p->options[i];
        const int type = o->type & ~CLI_REQUIRED;
        const char *s;
        if (type == CLI_FLAG) continue;
        printf("    %s%s)\n", o->name, type == CLI_LIST ? "*" : "");
        if (type == CLI_CHOICE || type == CLI_SET) {
            printf("        mapfile -t COMPREPLY < <(compgen ");
            if (type == CLI_SET)
                printf("-P \"$([[ $cur == *,* ]] && echo \"${cur%%,*},\")\" ");
            printf("-W '");
            for (s = o->arg; *s; ++s) putchar(*s == '|' ? ' ' : *s);
            printf("' -- \"${cur##*,}\")\n");
        } else if (strstr(o->arg, "FILE") || strstr(o->arg, "IMAGE"))
            printf("        compopt -o filenames\n"
                   "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n");
        else if (strstr(o->arg, "DIR"))
            printf("        compopt -o filenames\n"
                   "        mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n");
        else
            printf("        :\n");
        printf("        ;;\n");
    }
    printf("    *) mapfile -t COMPREPLY < <(compgen -W '");
    for (i = 0; i < p->count; ++i) printf("%s ", p->options[i].name);
    printf("--help --version --man --completion' -- \"$cur\") ;;\n    esac\n}\n"
           "complete -F _%s %s\n", id, p->name);
}

static inline int cli_find(const cli_program *p, const char *name, size_t length)
{
    int i;
    for (i = 0; i < p->count; ++i)
        if (strlen(p->options[i].name) == length && !strncmp(p->options[i].name, name, length))
            return i;
    return -1;
}
static inline int cli_unknown(cli *app, const char *word)
{
    const cli_program *p = app->program;
    size_t best = 4;
    int i, near = -1;
    if (strncmp(word, "--", 2)) return cli_error(app, CLI_USAGE, "unexpected argument '%s'; see "
                                                 "%s --help", word, p->name);
    for (i = 0; i < p->count; ++i) {
        const size_t d = cli_distance(word, p->options[i].name);
        if (d < best) {
            best = d;
            near = i;
        }
    }
    if (near < 0)
        return cli_error(app, CLI_USAGE, "unknown option %s; see %s --help", word, p->name);
    return cli_error(app, CLI_USAGE, "unknown option %s; did you mean %s?", word,
                     p->options[near].name);
}
static inline int cli_check_number(cli *app, const cli_option *o, const char *s)
{
    char *end;
    double x;
    errno = 0;
    x = o->type == CLI_INT ? (double)strtol(s, &end, 10) : strtod(s, &end);
    if (end == s || *end || isspace((unsigned char)*s))
        return cli_error(app, CLI_USAGE, "%s needs %s, not '%s'", o->name,
                         o->type == CLI_INT ? "a whole number" : "a number", s);
    if (!(x >= o->least && x <= o->most))
        return cli_error(app, CLI_USAGE, "%s %s is not in %.9g..%.9g", o->name, s, o->least,
                         o->most);
    return CLI_OK;
}
static inline int cli_check_words(cli *app, const cli_option *o, const char *s)
{
    for (;;) {
        char one[64], w[64];
        const size_t n = o->type == CLI_SET ? strcspn(s, ",") : strlen(s);
        size_t best = 3;
        int i, near = -1;
        snprintf(one, sizeof one, "%.*s", (int)(n < 63 ? n : 63), s);
        for (i = 0; cli_word(o->arg, i, w, sizeof w); ++i)
            if (cli_distance(one, w) < best) {
                best = cli_distance(one, w);
                near = i;
            }
        if (best && near >= 0) {
            (void)cli_word(o->arg, near, w, sizeof w);
            return cli_error(app, CLI_USAGE, "%s '%s': did you mean %s? (%s)", o->name, one, w,
                             o->arg);
        }
        if (best) return cli_error(app, CLI_USAGE, "%s '%s' is none of %s", o->name, one, o->arg);
        if (!s[n]) return CLI_OK;
        s += n + 1;
    }
}
static inline int cli_check(cli *app, const cli_option *o, const char *s)
{
    switch (o->type & ~CLI_REQUIRED) {
    case CLI_INT:
    case CLI_REAL: return cli_check_number(app, o, s);
    case CLI_CHOICE:
    case CLI_SET: return cli_check_words(app, o, s);
    default: return CLI_OK;
    }
}
/* One option at argv[*at] and its words; *at moves past them. */
static inline int cli_parse_one(cli *app, int argc, int *at)
{
    const char *word = app->argv[*at];
    const size_t length = strcspn(word, "=");
    const int k = cli_find(app->program, word, length);
    const cli_option *o = &app->program->options[k < 0 ? 0 : k];
    const int type = o->type & ~CLI_REQUIRED;
    if (k < 0) return cli_unknown(app, word);
    if (type == CLI_LIST && app->given[k])
        return cli_error(app, CLI_USAGE, "%s is given twice", o->name);
    ++*at;
    if (type == CLI_FLAG) {
        app->given[k] = 1;
        return word[length] ? cli_error(app, CLI_USAGE, "%s takes no value", o->name) : CLI_OK;
    }
    if (word[length]) {
        app->value[k] = word + length + 1;
        app->given[k] = 1;
        app->argv[app->at[k] = *at - 1] += length + 1;
        return cli_check(app, o, app->value[k]);
    }
    if (*at >= argc || !strncmp(app->argv[*at], "--", 2))
        return cli_error(app, CLI_USAGE, "%s needs %s", o->name, o->arg);
    app->at[k] = *at;
    app->value[k] = app->argv[*at];
    do ++*at;
    while (type == CLI_LIST && *at < argc && strncmp(app->argv[*at], "--", 2));
    app->given[k] = *at - app->at[k];
    return cli_check(app, o, app->value[k]);
}

static inline int cli_at(const cli *app, const char *name)
{
    const int k = cli_find(app->program, name, strlen(name));
    if (k >= 0) return k;
    fprintf(stderr, "%s: the program asks for %s, which is not in its table\n", app->program->name,
            name);
    exit(CLI_USAGE);
}
static inline int cli_has(const cli *app, const char *name) /* given on the command line */
{
    return app->given[cli_at(app, name)];
}
static inline const char *cli_text(const cli *app, const char *name)
{
    return app->value[cli_at(app, name)];
}
static inline double cli_real(const cli *app, const char *name) /* 0 without value and default */
{
    const char *s = cli_text(app, name);
    return s ? strtod(s, NULL) : 0;
}
static inline int cli_int(const cli *app, const char *name) { return (int)cli_real(app, name); }
static inline int cli_choice(const cli *app, const char *name) /* index of the word; -1: none */
{
    const int k = cli_at(app, name);
    return app->value[k] ? cli_word_index(app->program->options[k].arg, app->value[k]) : -1;
}
static inline unsigned cli_set(const cli *app, const char *name) /* bit i: the i-th word is there */
{
    const int k = cli_at(app, name);
    const char *s = app->value[k];
    unsigned set = 0;
    while (s && *s) {
        const size_t n = strcspn(s, ",");
        char w[64];
        snprintf(w, sizeof w, "%.*s", (int)(n < 63 ? n : 63), s);
        set |= 1u << cli_word_index(app->program->options[k].arg, w);
        s += n + (s[n] == ',');
    }
    return set;
}
/* Only one form of output. */
static inline int cli_check_forms(cli *app)
{
    static const char *const forms[] = { "--json", "--csv", "--markdown" };
    const char *first = NULL;
    int i;
    for (i = 0; i < CLI_COUNT(forms); ++i) {
        const int k = cli_find(app->program, forms[i], strlen(forms[i]));
        if (k < 0 || !app->given[k]) continue;
        if (first)
            return cli_error(app, CLI_USAGE, "%s and %s exclude each other", first, forms[i]);
        first = forms[i];
    }
    return CLI_OK;
}

/* ---- processes: ranks of MPI, or --shard I/N, over one folder of features ---- */

static inline int cli_digits(const char *s, size_t n) /* its first n characters, 1 to 9; or -1 */
{
    size_t i;
    int x = 0;
    for (i = 0; i < n; ++i) x = isdigit((unsigned char)s[i]) ? 10 * x + (s[i] - '0') : -1000000000;
    return n > 0 && n < 10 && x >= 0 ? x : -1;
}
static inline int cli_array_number(const char *name, int preset)
{
    const char *s = getenv(name);
    return s ? cli_digits(s, strlen(s)) : preset;
}
/* "I/N", or "array": what Slurm tells a task of a job array. */
static inline int cli_shard_of(cli *app, const char *s)
{
    const size_t slash = strcspn(s, "/");
    int least, step;
    if (!strcmp(s, "array")) {
        app->parts = cli_array_number("SLURM_ARRAY_TASK_COUNT", -1);
        app->part = cli_array_number("SLURM_ARRAY_TASK_ID", -1);
        least = cli_array_number("SLURM_ARRAY_TASK_MIN", 0);
        step = cli_array_number("SLURM_ARRAY_TASK_STEP", 1);
        if (app->parts < 1 || app->part < 0 || least < 0 || step < 1)
            return cli_error(app, CLI_USAGE, "--shard array: not in a job array of Slurm: "
                             "SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT are not set");
        if ((app->part - least) % step || app->part < least ||
            (app->part = (app->part - least) / step) >= app->parts)
            return cli_error(app, CLI_USAGE, "--shard array: the numbers of this job array have "
                             "gaps; --array=0-%d has none", app->parts - 1);
        return CLI_OK;
    }
    app->part = cli_digits(s, slash);
    app->parts = s[slash] ? cli_digits(s + slash + 1, strlen(s + slash + 1)) : -1;
    if (app->part < 0 || app->parts < 1)
        return cli_error(app, CLI_USAGE, "--shard '%s': I/N such as 0/4, or array", s);
    if (app->part >= app->parts)
        return cli_error(app, CLI_USAGE, "--shard %s: the parts of %d are 0/%d to %d/%d", s,
                         app->parts, app->parts, app->parts - 1, app->parts);
    return CLI_OK;
}
/* Which part of the work is this process's; *threads: of 0 this rank's share of its machine. */
static inline int cli_processes(cli *app, int *threads)
{
    const int divides = cli_find(app->program, "--shard", 7) >= 0;
    const int shard = divides && cli_has(app, "--shard");
    const char *const other =
        !divides ? "the work of this program is not divided: run it as one process"
        : cli_has(app, "--no-cache") ? "--no-cache: parts of the work meet in --cache" : NULL;
    app->parts = 1;
#ifdef CLI_MPI
    {
        int level, beside, most = (int)sysconf(_SC_NPROCESSORS_ONLN);
        MPI_Comm machine;
        MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
        MPI_Comm_rank(MPI_COMM_WORLD, &app->part);
        MPI_Comm_size(MPI_COMM_WORLD, &app->parts);
        MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
        MPI_Comm_size(machine, &beside);
        MPI_Comm_free(&machine);
        app->ranks = app->parts > 1;
        if (app->ranks && !*threads && !getenv("PAW_THREADS"))
            *threads = most > beside ? most / beside : 1;
        if (app->ranks && shard)
            return cli_error(app, CLI_USAGE, "--shard is for processes without MPI");
    }
#endif
    (void)threads;
    if ((app->ranks || shard) && other) return cli_error(app, CLI_USAGE, "%s", other);
    if (shard && cli_has(app, "--merge"))
        return cli_error(app, CLI_USAGE, "--shard and --merge exclude each other");
    return shard ? cli_shard_of(app, cli_text(app, "--shard")) : (int)CLI_OK;
}
/* Adds up x [n] of all ranks. */
static inline void cli_sum(const cli *app, double *x, size_t n)
{
#ifdef CLI_MPI
    const size_t most = (size_t)1 << 28;
    for (; app->ranks && n; x += most) {
        MPI_Allreduce(MPI_IN_PLACE, x, (int)(n < most ? n : most), MPI_DOUBLE, MPI_SUM,
                      MPI_COMM_WORLD);
        n -= n < most ? n : most;
    }
#endif
    (void)app, (void)x, (void)n;
}
static inline void cli_wait(const cli *app) /* until all ranks are here */
{
#ifdef CLI_MPI
    if (app->ranks) MPI_Barrier(MPI_COMM_WORLD);
#endif
    (void)app;
}
/* Where the divided work ends: the first rank goes on. */
static inline int cli_first(const cli *app)
{
    return app->ranks && app->part ? (int)CLI_DONE : (int)CLI_OK;
}
/* A rank that fails takes the others along: they would wait for it. What is kept is kept. */
static inline int cli_leave(const cli *app, int code)
{
#ifdef CLI_MPI
    if (app->ranks && code > CLI_PARTIAL) MPI_Abort(MPI_COMM_WORLD, code);
    MPI_Finalize();
#endif
    (void)app;
    return code;
}

static inline int cli_create(cli *app)
{
    paw_config config;
    paw_err e;
    int k, code;
    memset(&config, 0, sizeof config);
    if ((k = cli_find(app->program, "--threads", 9)) >= 0) config.threads = atoi(app->value[k]);
    if ((code = cli_processes(app, &config.threads)) != CLI_OK) return code;
    if (cli_find(app->program, "--math", 6) >= 0) config.math = cli_choice(app, "--math");
    if (cli_find(app->program, "--max-pixels", 12) >= 0)
        config.max_pixels = (uint64_t)cli_real(app, "--max-pixels");
    e = paw_create(&config, &app->ctx);
    if (e == PAW_E_UNSUP) return cli_error(app, CLI_USAGE, "--math sleef: built without SLEEF");
    app->threads = paw_threads_used(app->ctx);
    return e ? cli_error(app, CLI_RESOURCE, "%s", paw_strerror(e)) : CLI_OK;
}
/* A file that is opened must not take the place of a standard stream that is closed. */
static inline void cli_hold_streams(void)
{
    int fd;
    do fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd < 3);
    if (fd >= 3) (void)close(fd);
}
/* Parses, and opens app->ctx. --help, its kin and a wrong command line end the process here. */
static inline void cli_start(cli *app, int argc, char **argv, const cli_program *program)
{
    static cli_program called; /* under the name it has here */
    int i, code = CLI_OK;
    called = *program;
    if (argc > 0) called.name = cli_base(argv[0]);
    program = &called;
    memset(app, 0, sizeof *app);
    app->program = program;
    app->argv = argv;
    app->start = cli_seconds();
    cli_hold_streams();
    if (program->count > CLI_MAX_OPTIONS) code = cli_error(app, CLI_USAGE, "too many options");
    for (i = 0; !code && i < program->count; ++i) app->value[i] = program->options[i].preset;
    for (i = 1; !code && i < argc;) {
        const int page = cli_word_index("--help|-h|--version|--man|--completion", argv[i]);
        if (page < 0) {
            code = cli_parse_one(app, argc, &i);
            continue;
        }
        if (page < 2) cli_help(program);
        if (page == 2) printf("%s, partaware %s\n", program->name, cli_version());
        if (page == 3) cli_man(program);
        if (page == 4) cli_completion(program);
        exit(fflush(stdout) ? CLI_RESOURCE : CLI_OK);
    }
    for (i = 0; !code && i < program->count; ++i)
        if ((program->options[i].type & CLI_REQUIRED) && !app->given[i])
            code = cli_error(app, CLI_USAGE, "%s %s is needed; see %s --help",
                             program->options[i].name, program->options[i].arg, program->name);
    if (!code) code = cli_check_forms(app);
    if (code) exit(code);
    if ((code = cli_create(app)) != CLI_OK) exit(cli_leave(app, code));
    if (cli_find(program, "--eps", 5) >= 0) app->eps = cli_real(app, "--eps");
    (void)signal(SIGINT, cli_on_signal);
    (void)signal(SIGTERM, cli_on_signal);
}
/* Closes the context; returns the exit status. */
static inline int cli_end(cli *app, int code)
{
    if (code == CLI_DONE) code = CLI_OK;
    if (code && code == cli_interrupted() && !app->stopped) cli_say(app, "interrupted");
    if ((fflush(stdout) || ferror(stdout)) && !code)
        code = cli_error(app, CLI_RESOURCE, "cannot write to standard output");
    if (paw_threads_used(app->ctx) < app->threads)
        cli_say(app, "ran on %d threads of %d: no more could be started",
                paw_threads_used(app->ctx), app->threads);
    paw_destroy(app->ctx);
    return cli_leave(app, code);
}

/* ---- progress: one line that updates on a terminal, a line every 10 s elsewhere ---- */

typedef struct {
    cli *app;
    const char *unit; /* "images" */
    const char *now;  /* what is running, said as it begins; or NULL */
    size_t total, first; /* first: done by an earlier process */
    double start, last;
    int silent, tty;
} cli_progress;

static inline void cli_progress_start(cli_progress *p, cli *app, const char *unit, size_t total)
{
    p->app = app;
    p->unit = unit;
    p->now = NULL;
    p->total = total;
    p->first = 0;
    p->start = p->last = cli_seconds();
    p->silent = cli_find(app->program, "--quiet", 7) < 0 || cli_has(app, "--quiet") ||
                cli_first(app);
    p->tty = isatty(STDERR_FILENO) && strcmp(getenv("TERM") ? getenv("TERM") : "", "dumb");
}
static inline void cli_progress_show(cli_progress *p, size_t done)
{
    const double now = cli_seconds(), passed = now - p->start;
    const double rate = passed > 0 && done > p->first ? (double)(done - p->first) / passed : 0;
    char eta[32] = "";
    if (p->silent || (!p->now && done < p->total && now - p->last < (p->tty ? 0.2 : 10))) return;
    if (!p->tty && !p->now && passed < 10) return;
    p->last = now;
    if (rate > 0 && done < p->total) {
        const double left = (double)(p->total - done) / rate;
        snprintf(eta, sizeof eta, ", %.0f:%02d left", floor(left / 60), (int)fmod(left, 60));
    }
    /* On a terminal too narrow the line is cut, not wrapped. */
    fprintf(stderr, "%s%s: %lu/%lu %s, %.1f/s%s%s%s%s", p->tty ? "\r\033[?7l" : "",
            p->app->program->name, (unsigned long)done, (unsigned long)p->total, p->unit, rate, eta,
            p->now ? ": " : "", p->now ? p->now : "", p->tty ? "\033[K\033[?7h" : "\n");
    fflush(stderr);
    p->app->live = p->tty;
}
static inline void cli_progress_end(cli_progress *p)
{
    if (p->app->live) fputc('\n', stderr);
    p->app->live = 0;
}

/* ---- results: fields and table rows, printed in the form that was asked for ---- */

typedef struct {
    int kind; /* 0 nothing, 1 text, 2 whole number, 3 real */
    int digits;
    const char *text;
    long long whole;
    double real;
} cli_value;
#define CLI_EMPTY_RESULT { NULL, 0, 0, 0 }
static inline cli_value cli_none(void)
{
    cli_value v;
    memset(&v, 0, sizeof v);
    return v;
}
static inline cli_value cli_s(const char *text) /* copied by cli_put and cli_cell */
{
    cli_value v = cli_none();
    v.kind = text ? 1 : 0;
    v.text = text;
    return v;
}
static inline cli_value cli_n(size_t whole)
{
    cli_value v = cli_none();
    v.kind = 2;
    v.whole = (long long)whole;
    return v;
}
static inline cli_value cli_r(double real, int digits) /* digits after the point in tables */
{
    cli_value v = cli_none();
    v.kind = 3;
    v.real = real;
    v.digits = digits;
    return v;
}

enum { CLI_MAX_COLUMNS = 32 };
/* Equal keys in a row that end in [] make one array. Rows become JSON objects under their first
   cell, inside the table's name if it has one; a row that is empty but for it becomes null. */
typedef struct {
    const char *title, *key;
} cli_column;
typedef struct {
    const char *name; /* or NULL */
    const cli_column *columns;
    size_t count; /* CLI_MAX_COLUMNS at most */
} cli_table;
typedef struct {
    const cli_table *table; /* NULL: a field */
    char *key, *text;       /* own copies */
    cli_value value;
} cli_item;
typedef struct {
    cli_item *items;
    size_t count, room;
    int failed; /* out of memory; cli_print says so */
} cli_result; /* all zero: empty */

static inline void cli_add(cli_result *r, const cli_table *table, const char *key, cli_value v)
{
    cli_item *item;
    if (!r->failed && r->count == r->room) {
        const size_t room = r->room ? 2 * r->room : 64;
        cli_item *items = (cli_item *)realloc(r->items, room * sizeof *items);
        r->failed = !items;
        if (items) r->items = items;
        if (items) r->room = room;
    }
    if (r->failed) return;
    item = &r->items[r->count++];
    item->table = table;
    item->key = key ? strdup(key) : NULL;
    item->text = v.text ? strdup(v.text) : NULL;
    item->value = v;
    item->value.text = item->text;
    r->failed = (key && !item->key) || (v.text && !item->text);
}
static inline void cli_put(cli_result *r, const char *key, cli_value v) /* a field */
{
    cli_add(r, NULL, key, v);
}
static inline void cli_cell(cli_result *r, const cli_table *t, cli_value v) /* the next cell */
{
    cli_add(r, t, NULL, v);
}
static inline void cli_result_free(cli_result *r)
{
    size_t i;
    for (i = 0; i < r->count; ++i) {
        free(r->items[i].key);
        free(r->items[i].text);
    }
    free(r->items);
    memset(r, 0, sizeof *r);
}

/* Always with a point, whatever the locale. digits < 0: as many as needed. */
static inline void cli_number(double x, int digits, char out[64])
{
    char *s;
    if (digits < 0) snprintf(out, 64, "%.12g", x);
    else snprintf(out, 64, "%.*f", digits, x);
    for (s = out; *s; ++s)
        if (*s == ',') *s = '.';
}
static inline const char *cli_show(cli_value v, char out[64]) /* for people */
{
    if (v.kind == 1) return v.text;
    if (v.kind == 2) snprintf(out, 64, "%lld", v.whole);
    else if (v.kind == 3 && v.real == v.real) cli_number(v.real, v.digits, out);
    else snprintf(out, 64, "-");
    return out;
}
static inline int cli_is_array(const char *key)
{
    const size_t n = strlen(key);
    return n > 2 && !strcmp(key + n - 2, "[]");
}
static inline size_t cli_width(const char *s) /* characters */
{
    size_t n = 0;
    int shown;
    for (; *s; ++n) s += cli_character(s, &shown);
    return n;
}
/* How many items from i on belong together: an array, a run of fields, or rows of one table. */
static inline size_t cli_run(const cli_result *r, size_t i)
{
    const cli_table *t = r->items[i].table;
    size_t n = 1;
    while (i + n < r->count && r->items[i + n].table == t) ++n;
    return n;
}
static inline size_t cli_array_run(const cli_result *r, size_t i, size_t end)
{
    size_t n = 1;
    if (!cli_is_array(r->items[i].key)) return 1;
    while (i + n < end && !strcmp(r->items[i + n].key, r->items[i].key)) ++n;
    return n;
}
static inline const char *cli_title(const char *key, char out[64]) /* per_class[] -> per class */
{
    size_t i;
    snprintf(out, 64, "%s", key);
    for (i = 0; out[i]; ++i)
        if (out[i] == '_') out[i] = ' ';
        else if (out[i] == '[') out[i--] = 0;
    return out;
}

static inline void cli_json_string(FILE *f, const char *s) /* what is no UTF-8: U+FFFD */
{
    int n;
    fputc('"', f);
    for (; *s; s += n ? n : 1) {
        const unsigned char ch = (unsigned char)*s;
        n = cli_utf8(s);
        if (ch == '"' || ch == '\\') fprintf(f, "\\%c", ch);
        else if (ch < 32 || ch == 127) fprintf(f, "\\u%04x", ch);
        else if (!n) fputs("\\ufffd", f);
        else fwrite(s, 1, (size_t)n, f);
    }
    fputc('"', f);
}
static inline void cli_json_value(FILE *f, cli_value v)
{
    char text[64];
    if (v.kind == 1) cli_json_string(f, v.text);
    else if (v.kind == 2) fprintf(f, "%lld", v.whole);
    else if (v.kind == 3 && v.real - v.real == 0) {
        cli_number(v.real, -1, text);
        fputs(text, f);
    } else
        fputs("null", f);
}
/* "key": value, or "key": [values] of count; *first says whether a comma is due. */
static inline void cli_json_member(FILE *f, const char *key, const cli_item *items, size_t count,
                                   const char *indent, int *first)
{
    char name[64];
    size_t i;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(key, "["), key);
    fprintf(f, "%s\n%s", *first ? "" : ",", indent);
    *first = 0;
    cli_json_string(f, name);
    fputs(cli_is_array(key) ? ": [" : ": ", f);
    for (i = 0; i < count; ++i) {
        if (i) fputs(", ", f);
        cli_json_value(f, items[i].value);
    }
    if (cli_is_array(key)) fputc(']', f);
}
static inline void cli_json_row(FILE *f, const cli_table *t, const cli_item *cells,
                                const char *indent, int *first)
{
    char deeper[16];
    size_t i, n, some = 0;
    int inner = 1;
    for (i = 1; i < t->count; ++i) some += cells[i].value.kind != 0;
    fprintf(f, "%s\n%s", *first ? "" : ",", indent);
    *first = 0;
    snprintf(deeper, sizeof deeper, "%s  ", indent);
    cli_json_value(f, cells[0].value);
    fputs(some ? ": {" : ": null", f);
    for (i = 1; some && i < t->count; i += n) {
        const char *key = t->columns[i].key;
        for (n = 1; cli_is_array(key) && i + n < t->count; ++n)
            if (strcmp(t->columns[i + n].key, key)) break;
        cli_json_member(f, key, cells + i, n, deeper, &inner);
    }
    if (some) fprintf(f, "\n%s}", indent);
}
static inline void cli_print_json(FILE *f, const cli_result *r)
{
    size_t i, j, n;
    int first = 1;
    fputc('{', f);
    for (i = 0; i < r->count; i += n) {
        const cli_table *t = r->items[i].table;
        int inner = 1;
        n = t ? cli_run(r, i) : cli_array_run(r, i, r->count);
        if (!t) cli_json_member(f, r->items[i].key, r->items + i, n, "  ", &first);
        if (t && t->name) {
            fprintf(f, "%s\n  ", first ? "" : ",");
            first = 0;
            cli_json_string(f, t->name);
            fputs(": {", f);
        }
        for (j = 0; t && j + t->count <= n; j += t->count)
            cli_json_row(f, t, r->items + i + j, t->name ? "    " : "  ",
                         t->name ? &inner : &first);
        if (t && t->name) fputs("\n  }", f);
    }
    fputs("\n}\n", f);
}

static inline void cli_csv_text(FILE *f, const char *s)
{
    const int quote = s[strcspn(s, ",\"\r\n")] != 0;
    if (quote) fputc('"', f);
    for (; *s; ++s) {
        if (*s == '"') fputc('"', f);
        fputc(*s, f);
    }
    if (quote) fputc('"', f);
}
static inline void cli_csv_value(FILE *f, cli_value v)
{
    char text[64];
    v.digits = -1;
    if (v.kind && !(v.kind == 3 && v.real != v.real)) cli_csv_text(f, cli_show(v, text));
}
/* Fields as columns that repeat in every row: titles, or values. */
static inline void cli_csv_fields(FILE *f, const cli_result *r, int titles, const char *comma)
{
    size_t i, j, n;
    for (i = 0; i < r->count; i += n) {
        char text[64], all[512] = "";
        n = 1;
        if (r->items[i].table) continue;
        n = cli_array_run(r, i, r->count);
        fputs(comma, f);
        comma = ",";
        if (titles) {
            const char *key = r->items[i].key;
            snprintf(text, sizeof text, "%.*s", (int)strcspn(key, "["), key);
            cli_csv_text(f, text);
        } else if (n == 1) {
            cli_csv_value(f, r->items[i].value);
        } else {
            for (j = 0; j < n; ++j)
                snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", j ? ";" : "",
                         cli_show(r->items[i + j].value, text));
            cli_csv_text(f, all);
        }
    }
}
static inline void cli_print_csv(FILE *f, const cli_result *r)
{
    const cli_table *t = NULL;
    size_t i, j;
    for (i = 0; i < r->count; i += t ? t->count : 1) {
        const int heads = r->items[i].table != t;
        t = r->items[i].table;
        for (j = 0; heads && t && j < t->count; ++j) {
            if (j) fputc(',', f);
            cli_csv_text(f, t->columns[j].title);
        }
        if (heads && t) cli_csv_fields(f, r, 1, ",");
        if (heads && t) fputc('\n', f);
        for (j = 0; t && j < t->count; ++j) {
            if (j) fputc(',', f);
            cli_csv_value(f, r->items[i + j].value);
        }
        if (t) cli_csv_fields(f, r, 0, ",");
        if (t) fputc('\n', f);
    }
    for (i = 0; i < r->count; ++i)
        if (r->items[i].table) return;
    cli_csv_fields(f, r, 1, "");
    fputc('\n', f);
    cli_csv_fields(f, r, 0, "");
    fputc('\n', f);
}

static inline void cli_put_clean(FILE *f, const char *s)
{
    int n, shown;
    for (; *s; s += n) {
        n = cli_character(s, &shown);
        if (shown) fwrite(s, 1, (size_t)n, f);
        else fputc('?', f);
    }
}
static inline void cli_put_line(FILE *f, const char *s)
{
    cli_put_clean(f, s);
    fputc('\n', f);
}
static inline void cli_pad(FILE *f, const char *s, size_t width, int right)
{
    const int pad = (int)(width - cli_width(s));
    if (right) fprintf(f, "%*s", pad, "");
    cli_put_clean(f, s);
    if (!right) fprintf(f, "%*s", pad, "");
}
/* Rows of one table, columns aligned, numbers to the right. */
static inline void cli_print_rows(FILE *f, const cli_table *t, const cli_item *cells, size_t n,
                                  int markdown)
{
    const char *edge = markdown ? "| " : "", *gap = markdown ? " | " : "  ";
    size_t i, j, row, width[CLI_MAX_COLUMNS];
    int numbers[CLI_MAX_COLUMNS] = { 0 };
    char text[64];
    for (i = 0; i < t->count; ++i) width[i] = cli_width(t->columns[i].title);
    for (j = 0; j < n; ++j) {
        const size_t w = cli_width(cli_show(cells[j].value, text));
        i = j % t->count;
        width[i] = w > width[i] ? w : width[i];
        numbers[i] |= cells[j].value.kind >= 2;
    }
    for (row = 0; row <= n / t->count + 1; ++row) {
        if (row == 1 && !markdown) continue;
        fputs(edge, f);
        for (i = 0; i < t->count; ++i) {
            const char *s = row < 2 ? t->columns[i].title
                                    : cli_show(cells[(row - 2) * t->count + i].value, text);
            if (i) fputs(gap, f);
            if (row == 1)
                for (j = 0; j < width[i]; ++j)
                    fputc(numbers[i] && j + 1 == width[i] ? ':' : '-', f);
            else if (i + 1 == t->count && !markdown && !numbers[i]) cli_put_clean(f, s);
            else cli_pad(f, s, width[i], numbers[i]);
        }
        fputs(markdown ? " |\n" : "\n", f);
    }
}
static inline int cli_long_items(const cli_item *items, size_t n) /* sentences: a line for each */
{
    size_t i;
    for (i = 0; i < n; ++i)
        if (items[i].value.kind == 1 && strlen(items[i].value.text) > 40) return 1;
    return 0;
}
static inline void cli_print_fields(FILE *f, const cli_result *r, size_t i, size_t n, int markdown)
{
    const size_t end = i + n;
    size_t j, k, width = 0;
    char text[64];
    for (j = i; j < end; ++j) {
        const size_t w = cli_width(cli_title(r->items[j].key, text));
        width = w > width ? w : width;
    }
    for (; i < end; i += k) {
        k = cli_array_run(r, i, end);
        fputs(markdown ? "- " : "", f);
        cli_title(r->items[i].key, text);
        if (markdown) fprintf(f, "%s: ", text);
        else cli_pad(f, text, width + 2, 0);
        for (j = 0; j < k; ++j) {
            const char *s = cli_show(r->items[i + j].value, text);
            if (j && !cli_long_items(r->items + i, k)) fputs(", ", f);
            else if (j && markdown) fputs("; ", f);
            else if (j) fprintf(f, "\n%*s", (int)width + 2, "");
            cli_put_clean(f, s);
        }
        fputc('\n', f);
    }
}
/* Prints to standard output in the asked form; returns an exit code. */
static inline int cli_print(cli *app, const cli_result *r)
{
    const int markdown = cli_has(app, "--markdown");
    size_t i, n;
    if (r->failed) return cli_no_memory(app);
    if (cli_has(app, "--json")) cli_print_json(stdout, r);
    else if (cli_has(app, "--csv")) cli_print_csv(stdout, r);
    else
        for (i = 0; i < r->count; i += n) {
            const cli_table *t = r->items[i].table;
            n = cli_run(r, i);
            if (i) fputc('\n', stdout);
            if (t) cli_print_rows(stdout, t, r->items + i, n, markdown);
            else cli_print_fields(stdout, r, i, n, markdown);
        }
    return CLI_OK;
}

/* ---- files ---- */

/* Creates a folder unless it is there; files can be made in it. */
static inline int cli_make_folder(cli *app, const char *path)
{
    struct stat s;
    if (!mkdir(path, 0777)) return CLI_OK;
    if (errno == EEXIST && !stat(path, &s) && S_ISDIR(s.st_mode))
        return access(path, W_OK) ? cli_error(app, CLI_RESOURCE, "%s: %s", path, strerror(errno))
                                  : (int)CLI_OK;
    return cli_error(app, CLI_RESOURCE, "%s: cannot create the folder: %s", path,
                     strerror(errno == EEXIST ? ENOTDIR : errno));
}
/* A file that appears under its name only when it is whole: written as NAME.PROCESS.tmp, which is
   never one that is there, nor one that a link leads to; then renamed. A device or a pipe must not
   be renamed away. */
typedef struct {
    FILE *f; /* NULL: not open */
    char path[1024], tmp[1056];
} cli_file;

static inline int cli_file_open(cli *app, cli_file *o, const char *folder, const char *name)
{
    const int n = snprintf(o->path, sizeof o->path, "%s%s%s", folder ? folder : "",
                           folder ? "/" : "", name);
    struct stat s;
    int fd;
    o->f = NULL;
    if (n < 0 || (size_t)n >= sizeof o->path)
        return cli_error(app, CLI_RESOURCE, "%s: the name is too long", name);
    snprintf(o->tmp, sizeof o->tmp, "%s.%ld.tmp", o->path, (long)getpid());
    if (!stat(o->path, &s) && !S_ISREG(s.st_mode))
        return cli_error(app, CLI_RESOURCE, "%s: is there and not a regular file", o->path);
    (void)remove(o->tmp); /* of a process that had this number and was killed */
    fd = open(o->tmp, O_WRONLY | O_CREAT | O_EXCL | CLI_BINARY, 0666);
    if (fd >= 0) o->f = fdopen(fd, "wb");
    if (o->f) return CLI_OK;
    if (fd >= 0) (void)close(fd);
    return cli_error(app, CLI_RESOURCE, "%s: %s", o->tmp, strerror(errno));
}
static inline void cli_file_drop(cli_file *o) /* a file that is not open is fine */
{
    if (!o->f) return;
    (void)fclose(o->f);
    o->f = NULL;
    (void)remove(o->tmp);
}
static inline int cli_file_keep(cli *app, cli_file *o)
{
    const int bad = ferror(o->f), closed = fclose(o->f);
    o->f = NULL;
    if (!closed && !bad && !rename(o->tmp, o->path)) return CLI_OK;
    cli_say(app, "%s: cannot be written: %s", o->path, strerror(errno));
    (void)remove(o->tmp);
    return CLI_RESOURCE;
}

typedef struct {
    char **paths; /* [count], owned */
    size_t count, room;
} cli_paths;

static inline void cli_paths_free(cli_paths *p)
{
    while (p->count) free(p->paths[--p->count]);
    free(p->paths);
    memset(p, 0, sizeof *p);
}
static inline int cli_paths_add(cli *app, cli_paths *p, const char *path)
{
    if (p->count == p->room) {
        const size_t room = p->room ? 2 * p->room : 64;
        char **paths = (char **)realloc(p->paths, room * sizeof *paths);
        if (!paths) return cli_no_memory(app);
        p->paths = paths;
        p->room = room;
    }
    p->paths[p->count] = strdup(path);
    return p->paths[p->count] ? (int)(p->count++, CLI_OK) : cli_no_memory(app);
}
/* The files and folders that follow a CLI_LIST option; folders give their images, sorted. */
static inline int cli_images(cli *app, const char *option, cli_paths *out)
{
    const int k = cli_at(app, option);
    int i, code = CLI_OK;
    size_t j;
    for (i = 0; !code && i < app->given[k]; ++i) {
        paw_files files;
        const paw_err e = paw_files_list(app->ctx, app->argv[app->at[k] + i], &files);
        if (e) return cli_fail(app, e);
        if (!files.count)
            code = cli_error(app, CLI_INPUT, "%s: no image in this folder",
                             app->argv[app->at[k] + i]);
        for (j = 0; !code && j < files.count; ++j) code = cli_paths_add(app, out, files.paths[j]);
        paw_files_free(app->ctx, &files);
    }
    return code;
}
#define CLI_SKIP_OPTION                                                                            \
    {"--skip-bad", NULL, CLI_FLAG, NULL, 0, 0, "leave out images that cannot be read (exit 1)"}
#define CLI_ITEM_OPTIONS                                                                           \
    CLI_SKIP_OPTION,                                                                               \
        {"--strict", NULL, CLI_FLAG, NULL, 0, 0, "missing images end the run (3), not exit 1"}
/* Image to chw [3, size, size]: short side to resize, then the centre; resize 0: squashed. */
static inline paw_err cli_image_scale(paw_ctx *c, const char *path, int resize, int size,
                                      const paw_stats *stats, float *chw)
{
    paw_image image, scaled, crop;
    paw_err e = paw_image_load(c, path, &image);
    if (e) return e;
    e = resize ? paw_image_resize_short(c, &image, resize, &scaled)
               : paw_image_resize(c, &image, size, size, PAW_BICUBIC, &scaled);
    paw_image_free(c, &image);
    if (e) return e;
    e = paw_image_center_crop(c, &scaled, size, size, &crop);
    paw_image_free(c, &scaled);
    if (e) return e;
    paw_normalize(&crop, stats, chw);
    paw_image_free(c, &crop);
    return PAW_OK;
}
/* The same by --stats and --skip-bad, for a cli_encoder; *skipped counts. */
static inline int cli_image_input(cli *app, const char *path, int resize, int size, float *chw,
                                  size_t *skipped)
{
    const paw_stats *stats = paw_stats_find(cli_text(app, "--stats"));
    const paw_err e = cli_image_scale(app->ctx, path, resize, size, stats, chw);
    const int code = e ? cli_fail_at(app, e, path) : CLI_OK;
    if (!e || e == PAW_E_OOM || !cli_has(app, "--skip-bad")) return code;
    ++*skipped;
    return CLI_SKIP;
}
/* A float32 .npy [n, 3, h, w] as one block to free(); names gets "path[0]" and so on. */
static inline int cli_read_tensor(cli *app, const char *path, float **out, cli_paths *names, int *h,
                                  int *w)
{
    char name[1100];
    size_t i;
    paw_tensors *t = NULL;
    paw_tensor_info info;
    float *data = NULL;
    int code = CLI_OK;
    paw_err e = paw_tensors_open(app->ctx, path, &t);
    if (!e) e = paw_tensors_info(t, 0, &info);
    if (!e && (info.ndim != 4 || info.shape[1] != 3 || !info.count || info.shape[2] > 65536 ||
               info.shape[3] > 65536 || info.dtype != PAW_F32))
        code = cli_error(app, CLI_INPUT, "%s: not float32 [n, 3, h, w]", path);
    if (!e && !code && !(data = (float *)cli_alloc(info.count, sizeof *data)))
        code = cli_no_memory(app);
    if (!e && !code) e = paw_tensors_read(app->ctx, t, 0, PAW_F32, data, info.count);
    if (e) code = cli_fail(app, e);
    paw_tensors_close(t);
    for (i = 0; !code && i < info.shape[0]; ++i) {
        snprintf(name, sizeof name, "%s[%lu]", path, (unsigned long)i);
        code = cli_paths_add(app, names, name);
    }
    if (code) {
        free(data);
        return code;
    }
    *out = data;
    *h = (int)info.shape[2];
    *w = (int)info.shape[3];
    return CLI_OK;
}
/* A float32 .npy that grows row by row; shape[0] is known at the end. */
typedef struct {
    cli_file file;
    size_t header, shape[5];
    int ndim;
} cli_npy;

/* The header keeps the length it had when there were at most shape[0] rows. */
static inline int cli_npy_header(cli *app, cli_npy *o)
{
    char header[512];
    size_t n = paw_npy_header("<f4", o->ndim, o->shape, header);
    if (n && n < o->header) {
        memset(header + n - 1, ' ', o->header - n);
        header[o->header - 1] = '\n';
        n = o->header;
        header[8] = (char)((n - 10) & 255);
        header[9] = (char)((n - 10) >> 8);
    }
    o->header = n;
    rewind(o->file.f);
    return n && fwrite(header, 1, n, o->file.f) == n ? CLI_OK
           : cli_error(app, CLI_RESOURCE, "%s: cannot be written", o->file.path);
}
static inline int cli_npy_open(cli *app, cli_npy *o, const char *folder, const char *name)
{
    const int code = cli_file_open(app, &o->file, folder, name);
    o->header = 0;
    return code ? code : cli_npy_header(app, o);
}
static inline int cli_npy_write(cli *app, cli_npy *o, const float *x, size_t rows)
{
    size_t count = rows;
    int k;
    for (k = 1; k < o->ndim; ++k) count *= o->shape[k];
    if (fwrite(x, sizeof *x, count, o->file.f) == count) return CLI_OK;
    return cli_error(app, CLI_RESOURCE, "%s: cannot be written: %s", o->file.path, strerror(errno));
}
static inline int cli_npy_keep(cli *app, cli_npy *o, size_t rows)
{
    int code = CLI_OK;
    if (rows != o->shape[0]) {
        o->shape[0] = rows;
        code = cli_npy_header(app, o);
    }
    return code ? code : cli_file_keep(app, &o->file);
}
/* Name and shape as a row of the table of files. */
static inline void cli_put_npy(cli_result *r, const cli_npy *o)
{
    static const cli_column columns[] = { { "file", "file" }, { "shape", "shape" } };
    static const cli_table table = { "files", columns, 2 };
    char shape[128] = "";
    int k;
    for (k = 0; k < o->ndim; ++k)
        snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%s%lu", k ? " x " : "",
                 (unsigned long)o->shape[k]);
    cli_cell(r, &table, cli_s(cli_base(o->file.path)));
    cli_cell(r, &table, cli_s(shape));
}
/* A text file, to be freed, without a byte order mark; NULL: *code is what was said. A byte of 0
   would hide what follows it. */
static inline char *cli_text_read(cli *app, const char *path, int *code)
{
    uint8_t *bytes = NULL;
    size_t size = 0, mark;
    char *text;
    const paw_err e = paw_file_read(app->ctx, path, &bytes, &size);
    if (e) *code = cli_fail(app, e);
    if (e) return NULL;
    mark = size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3) ? 3 : 0;
    text = (char *)cli_alloc(size + 1, 1);
    if (text) memcpy(text, bytes + mark, size - mark);
    paw_file_free(app->ctx, bytes);
    *code = text ? CLI_OK : cli_no_memory(app);
    if (!text || strlen(text) == size - mark) return text;
    *code = cli_error(app, CLI_INPUT, "%s: not text: byte %lu is 0", path,
                      (unsigned long)(strlen(text) + mark));
    free(text);
    return NULL;
}

/* ---- labels: lines "file name, blanks, class" ---- */

typedef struct {
    char *name; /* without folders */
    int32_t label;
    int used;
} cli_label;
typedef struct {
    cli_label *items; /* sorted by name */
    size_t count;
    char *text; /* owns the names */
} cli_labels;

static inline int cli_label_order(const void *a, const void *b)
{
    return strcmp(((const cli_label *)a)->name, ((const cli_label *)b)->name);
}
static inline void cli_labels_free(cli_labels *l)
{
    free(l->items);
    free(l->text);
    memset(l, 0, sizeof *l);
}
/* One line, cut into name and class; *next: the line after it. 0: malformed. */
static inline int cli_label_line(char *line, char **next, int classes, cli_label *out)
{
    char *blank, *end;
    long label;
    *next = line + strcspn(line, "\n");
    if (**next) *(*next)++ = 0;
    line[strcspn(line, "\r")] = 0;
    out->name = line;
    if (!*line) return 1;
    blank = strrchr(line, ' ');
    if (!blank) return 0;
    label = strtol(blank + 1, &end, 10);
    if (end == blank + 1 || *end || label < 0 || label >= classes) return 0;
    while (blank > line && blank[-1] == ' ') --blank;
    *blank = 0;
    out->label = (int32_t)label;
    return *line != 0;
}
static inline int cli_labels_read(cli *app, const char *path, int classes, cli_labels *l)
{
    size_t i, lines = 1;
    char *line, *next;
    int code;
    if (!(l->text = cli_text_read(app, path, &code))) return code;
    for (i = 0; l->text[i]; ++i) lines += l->text[i] == '\n';
    l->items = (cli_label *)cli_alloc(lines + 1, sizeof *l->items);
    if (!l->items) return cli_no_memory(app);
    for (line = l->text, lines = 1; *line; line = next, ++lines) {
        if (!cli_label_line(line, &next, classes, &l->items[l->count]))
            return cli_error(app, CLI_INPUT, "%s: line %lu is not a file name and a class 0 to %d",
                             path, (unsigned long)lines, classes - 1);
        l->count += l->items[l->count].name[0] != 0;
    }
    qsort(l->items, l->count, sizeof *l->items, cli_label_order);
    for (i = 1; i < l->count; ++i)
        if (!cli_label_order(&l->items[i - 1], &l->items[i]))
            return cli_error(app, CLI_INPUT, "%s: '%s' stands there twice", path, l->items[i].name);
    return CLI_OK;
}
/* Label of an image by its name without folders; -1: it has none. */
static inline int32_t cli_labels_find(cli_labels *l, char *path)
{
    char *slash = strrchr(path, '/');
    cli_label key, *found;
    key.name = slash ? slash + 1 : path;
    found = (cli_label *)bsearch(&key, l->items, l->count, sizeof key, cli_label_order);
    if (!found) return -1;
    found->used = 1;
    return found->label;
}
static inline size_t cli_labels_unused(const cli_labels *l)
{
    size_t i, n = 0;
    for (i = 0; i < l->count; ++i) n += !l->items[i].used;
    return n;
}

/* ---- models ---- */

/* "deit_tiny:7" */
static inline int cli_random_spec(cli *app, const char *text, paw_random_spec *s)
{
    static const char sizes[] = "tiny|small|base|large";
    static const int dims[] = { 192, 384, 768, 1024 }, depths[] = { 12, 12, 12, 24 };
    const char *under = strchr(text, '_'), *colon = strchr(text, ':');
    char recipe[32] = "", size[32] = "";
    int i, k = -1;
    memset(s, 0, sizeof *s);
    s->seed = 1;
    if (colon) {
        char *end;
        s->seed = strtoull(colon + 1, &end, 10);
        if (!isdigit((unsigned char)colon[1]) || *end) under = NULL;
    }
    if (under) {
        snprintf(recipe, sizeof recipe, "%.*s", (int)(under - text < 31 ? under - text : 31), text);
        snprintf(size, sizeof size, "%.*s", (int)strcspn(under + 1, ":"), under + 1);
        k = cli_word_index(sizes, size);
    }
    for (i = 1; i < PAW_RECIPES; ++i)
        if (!strcmp(recipe, paw_recipe_name(i))) s->recipe = i;
    if (k < 0 || !s->recipe)
        return cli_error(app, CLI_USAGE, "--random '%s': RECIPE_SIZE[:SEED] with sizes %s", text,
                         sizes);
    s->image_px = 224;
    s->patch_px = 16;
    s->dim = dims[k];
    s->depth = depths[k];
    s->classes = s->recipe == PAW_DEIT ? 1000 : 0;
    s->projected = s->recipe == PAW_MOCOV3 ? 256
                   : s->recipe == PAW_DINO || s->recipe == PAW_IBOT ? 1024 : 0;
    return CLI_OK;
}
static inline int cli_is_random(const cli *app)
{
    return cli_find(app->program, "--random", 8) >= 0 && cli_has(app, "--random");
}
static inline paw_model_opts cli_model_opts(const cli *app)
{
    paw_model_opts o;
    memset(&o, 0, sizeof o);
    o.recipe = cli_choice(app, "--recipe");
    o.network = cli_choice(app, "--network");
    o.heads = cli_int(app, "--heads");
    o.dtype = cli_find(app->program, "--dtype", 7) >= 0 && cli_choice(app, "--dtype") ? PAW_BF16
                                                                                      : PAW_F32;
    o.norm_eps = (float)app->eps;
    return o;
}
/* Exactly one of two options has to be given. */
static inline int cli_either(cli *app, const char *a, const char *b)
{
    const int n = (cli_has(app, a) != 0) + (cli_has(app, b) != 0);
    if (n == 1) return CLI_OK;
    return cli_error(app, CLI_USAGE, n ? "%s and %s exclude each other" : "%s or %s is needed", a,
                     b);
}
static inline void cli_say_rounded(cli *app, const paw_model_info *info)
{
    if (info->rounded && !(app->ranks && app->part))
        cli_say(app, info->rounded == 1 ? "%s: %lu tensor is float64 and was rounded to float32"
                                        : "%s: %lu tensors are float64 and were rounded to float32",
                cli_text(app, "--weights"), (unsigned long)info->rounded);
}
/* The model of --weights or --random. */
static inline int cli_model(cli *app, paw_model **model, paw_model_info *info)
{
    const paw_model_opts o = cli_model_opts(app);
    paw_random_spec spec;
    paw_tensors *t = NULL;
    paw_err e;
    int code = cli_either(app, "--weights", "--random");
    if (code) return code;
    if (!cli_is_random(app)) {
        e = paw_model_load(app->ctx, cli_text(app, "--weights"), &o, model);
    } else {
        if ((code = cli_random_spec(app, cli_text(app, "--random"), &spec))) return code;
        e = paw_tensors_random(app->ctx, &spec, &t);
        if (!e) e = paw_model_from_tensors(app->ctx, t, &o, model);
        paw_tensors_close(t);
    }
    if (e) return cli_fail_input(app, e);
    paw_model_describe(*model, info);
    return CLI_OK;
}
/* The same with what is to be said of it, and the folder of --report. */
static inline int cli_load(cli *app, paw_model **model, paw_model_info *info)
{
    const int code = cli_model(app, model, info);
    if (code) return code;
    cli_say_rounded(app, info);
    if (cli_find(app->program, "--report", 8) >= 0 && cli_has(app, "--report"))
        return cli_make_folder(app, cli_text(app, "--report")); /* fails before the work */
    return CLI_OK;
}
/* The released code has another epsilon for CAE with parts (protocol, section 9, item 20). Loaded
   twice then: the family, which the checkpoint tells, is known once it is loaded. */
static inline int cli_load_for_parts(cli *app, paw_model **model, paw_model_info *info)
{
    const int code = cli_load(app, model, info);
    if (code || strcmp(info->recipe, "cae") || cli_choice(app, "--protocol") ||
        cli_has(app, "--eps"))
        return code;
    app->eps = 1e-5;
    paw_model_free(*model);
    *model = NULL;
    return cli_model(app, model, info);
}
/* What decides the numbers, as fields. */
static inline void cli_put_settings(cli *app, cli_result *r, const paw_model_info *info, int px)
{
    const int random = cli_is_random(app);
    cli_put(r, "weights", cli_s(random ? cli_text(app, "--random")
                                       : cli_base(cli_text(app, "--weights"))));
    if (random) cli_put(r, "weights_are", cli_s("random: this is an untrained encoder"));
    cli_put(r, "recipe", cli_s(info->recipe));
    if (!strcmp(info->recipe, "dino") || !strcmp(info->recipe, "ibot"))
        cli_put(r, "network", cli_s(cli_text(app, "--network")));
    cli_put(r, "dim", cli_n((size_t)info->dim));
    cli_put(r, "depth", cli_n((size_t)info->depth));
    cli_put(r, "heads", cli_n((size_t)info->heads));
    cli_put(r, "eps", cli_r(app->eps > 0 ? app->eps : 1e-6, -1));
    cli_put(r, "dtype", cli_s(cli_text(app, "--dtype")));
    cli_put(r, "size", cli_n((size_t)px));
    cli_put(r, "stats", cli_s(cli_text(app, "--stats")));
    cli_put(r, "math", cli_s(cli_text(app, "--math")));
    cli_put(r, "isa", cli_s(paw_isa_name(paw_isa())));
    cli_put(r, "threads", cli_n((size_t)paw_threads_used(app->ctx)));
    cli_put(r, "version", cli_s(cli_version()));
    cli_put(r, "seconds", cli_r(floor(100 * (cli_seconds() - app->start)) / 100, 2));
}

/* ---- encoding many items ---- */

#define CLI_KIND_WORDS "cls|mean|tokens|projected|logits|attention|bottleneck|predicted|blocks"
enum {
    CLI_CLS, CLI_MEAN, CLI_TOKENS, CLI_PROJECTED, CLI_LOGITS, CLI_ATTENTION, CLI_BOTTLENECK,
    CLI_PREDICTED, CLI_BLOCKS, CLI_COSINE, /* PAW_PROJECTED_COSINE */
    CLI_KINDS
};
#define CLI_BIT(kind) (1u << (kind))
typedef struct {
    const paw_model *model;
    const char *unit; /* "images" */
    size_t count;     /* items */
    int h, w;
    unsigned want; /* CLI_BIT(CLI_CLS) | ... */
    int layer;     /* block of attention and blocks, -1: the last */
    int one_block; /* blocks: of layer only, instead of all */
    /* Fills item into chw [3, h, w]; CLI_OK, CLI_SKIP, or an exit code after saying why. */
    int (*fill)(void *user, size_t item, float *chw);
    /* Of each wanted kind x[kind]: [n, shape as cli_shape says]; items: [n], their numbers.
       Returns CLI_OK, or an exit code after saying why. */
    int (*take)(void *user, const size_t *items, size_t n, const float *const *x);
    void *user;
    int patient; /* 1: the caller looks after interrupts */
} cli_encoder;

static inline int cli_head(int kind) /* PAW_... of paw_project, or -1 */
{
    switch (kind) {
    case CLI_PROJECTED: return PAW_PROJECTED;
    case CLI_LOGITS: return PAW_LOGITS;
    case CLI_BOTTLENECK: return PAW_BOTTLENECK;
    case CLI_PREDICTED: return PAW_PREDICTED;
    case CLI_COSINE: return PAW_PROJECTED_COSINE;
    default: return -1;
    }
}
/* Shape of n items of a kind; returns its dimensions, 0 where the model has no such output. */
static inline int cli_shape(const cli_encoder *e, int kind, size_t n, size_t shape[5])
{
    paw_model_info m;
    size_t t;
    paw_model_describe(e->model, &m);
    t = 1 + (size_t)(e->h / m.patch_px) * (size_t)(e->w / m.patch_px);
    memset(shape, 0, 5 * sizeof *shape);
    shape[0] = n;
    shape[1] = kind == CLI_TOKENS      ? t
               : kind == CLI_ATTENTION ? (size_t)m.heads
               : kind == CLI_BLOCKS    ? (size_t)(e->one_block ? 1 : m.depth)
               : cli_head(kind) >= 0   ? (size_t)paw_project_dim(e->model, cli_head(kind))
                                       : (size_t)m.dim;
    shape[2] = kind == CLI_TOKENS ? (size_t)m.dim : t;
    shape[3] = kind == CLI_BLOCKS ? (size_t)m.dim : t;
    return !shape[1] ? 0 : kind == CLI_TOKENS ? 3
           : kind == CLI_ATTENTION || kind == CLI_BLOCKS ? 4 : 2;
}
/* n items of a kind, zeroed; NULL: no memory. */
static inline float *cli_rows(const cli_encoder *e, int kind, size_t n)
{
    size_t shape[5], count = sizeof(float);
    const int ndim = cli_shape(e, kind, n, shape);
    int k;
    for (k = 1; k < ndim; ++k) {
        if (count > (size_t)-1 / shape[k]) return NULL;
        count *= shape[k];
    }
    return (float *)cli_alloc(n, count);
}

typedef struct { /* buffers of one batch */
    float *chw, *x[CLI_KINDS], *blocks; /* blocks: as paw_encode gives them, [block, n, ...] */
    size_t *items;
    int *which;
    paw_outputs out;
} cli_batch;

static inline void cli_batch_free(cli_batch *b)
{
    int k;
    for (k = 0; k < CLI_KINDS; ++k) free(b->x[k]);
    free(b->chw);
    free(b->blocks);
    free(b->items);
    free(b->which);
}
static inline int cli_batch_alloc(cli *app, const cli_encoder *e, size_t n, cli_batch *b)
{
    size_t shape[5];
    int k, ok = 1;
    memset(b, 0, sizeof *b);
    b->chw = (float *)cli_alloc(3 * n, (size_t)e->h * (size_t)e->w * sizeof(float));
    b->items = (size_t *)cli_alloc(n, sizeof(size_t));
    for (k = 0; k < CLI_KINDS; ++k) {
        const int cls = k == CLI_CLS && (e->want & ~(CLI_BIT(CLI_MEAN) | CLI_BIT(CLI_TOKENS)));
        if (!(e->want & CLI_BIT(k)) && !cls) continue;
        b->x[k] = cli_rows(e, k, n);
        ok &= b->x[k] != NULL;
    }
    b->out.cls = b->x[CLI_CLS];
    b->out.mean = b->x[CLI_MEAN];
    b->out.tokens = b->x[CLI_TOKENS];
    b->out.attention = b->x[CLI_ATTENTION];
    b->out.attention_block = e->layer;
    if (e->want & CLI_BIT(CLI_BLOCKS)) {
        (void)cli_shape(e, CLI_BLOCKS, n, shape);
        b->out.block_count = (int)shape[1];
        b->which = (int *)cli_alloc(shape[1], sizeof *b->which);
        b->out.block_outputs = b->blocks = cli_rows(e, CLI_BLOCKS, n);
        b->out.blocks = b->which;
        ok &= b->which && b->blocks;
        for (k = 0; b->which && k < b->out.block_count; ++k) b->which[k] = k;
        if (b->which && e->one_block) {
            paw_model_info m;
            paw_model_describe(e->model, &m);
            b->which[0] = e->layer < 0 ? m.depth - 1 : e->layer;
        }
    }
    return ok && b->chw && b->items ? CLI_OK : cli_no_memory(app);
}
/* Encodes what was filled and completes x. */
static inline paw_err cli_batch_run(cli *app, const cli_encoder *e, cli_batch *b, size_t n)
{
    paw_err err = paw_encode(e->model, app->ctx, b->chw, n, e->h, e->w, &b->out);
    size_t shape[5], i, each;
    int k;
    for (k = 0; !err && k < CLI_KINDS; ++k)
        if (b->x[k] && cli_head(k) >= 0)
            err = paw_project(e->model, app->ctx, cli_head(k), b->x[CLI_CLS], n, b->x[k]);
    if (err || !b->blocks) return err;
    (void)cli_shape(e, CLI_BLOCKS, n, shape);
    each = shape[2] * shape[3];
    for (i = 0; i < n * shape[1]; ++i) /* [block, n] to [n, block] */
        memcpy(b->x[CLI_BLOCKS] + i * each, b->blocks + (i % shape[1] * n + i / shape[1]) * each,
               each * sizeof(float));
    return PAW_OK;
}
/* Fills up to most images from item *next on; *n: how many. */
static inline int cli_batch_fill(const cli_encoder *e, cli_batch *b, size_t most, size_t *next,
                                 size_t *n)
{
    const size_t pixels = 3 * (size_t)e->h * (size_t)e->w;
    for (*n = 0; *n < most && *next < e->count; ++*next) {
        int code = e->patient ? (int)CLI_OK : cli_interrupted();
        if (!code) code = e->fill(e->user, *next, b->chw + *n * pixels);
        if (code == CLI_SKIP) continue;
        if (code) return code;
        b->items[(*n)++] = *next;
    }
    return CLI_OK;
}
/* Fills, encodes and hands out all items, --batch at a time; returns an exit code. */
static inline int cli_encode(cli *app, const cli_encoder *e)
{
    const size_t asked = (size_t)cli_int(app, "--batch");
    const size_t most = asked < e->count ? asked : e->count;
    size_t next = 0, n = 0;
    cli_progress progress;
    cli_batch batch;
    int code = cli_batch_alloc(app, e, most, &batch);
    cli_progress_start(&progress, app, e->unit, e->count);
    while (!code && next < e->count) {
        const size_t first = next;
        paw_err err = PAW_OK;
        code = cli_batch_fill(e, &batch, most, &next, &n);
        if (!code && n) err = cli_batch_run(app, e, &batch, n);
        if (err) code = cli_fail(app, err);
        if (!code && n)
            code = e->take(e->user, batch.items, n, (const float *const *)batch.x);
        if (code) next = first;
        cli_progress_show(&progress, next);
    }
    cli_progress_end(&progress);
    cli_batch_free(&batch);
    if (code && code == cli_interrupted())
        cli_say_stopped(app, "interrupted after %lu of %lu %s", (unsigned long)next,
                        (unsigned long)e->count, e->unit);
    return code;
}

/* ---- features through a store: what an earlier run has kept is not encoded again ---- */

#define CLI_STORE_OPTIONS                                                                          \
    {"--cache", "DIR", CLI_STR, "partaware-cache", 0, 0,                                           \
     "folder where features are kept, and taken from when nothing has changed"},                   \
        {"--no-cache", NULL, CLI_FLAG, NULL, 0, 0, "keep features in memory only"},                \
        {"--require-cache", NULL, CLI_FLAG, NULL, 0, 0,                                            \
         "fail where the folder cannot be used, instead of going on without"},                     \
        {"--resume", "yes|no", CLI_CHOICE, "yes", 0, 0, "no: encode all, whatever is kept"},       \
        {"--cache-dtype", "f32|f16|bf16", CLI_CHOICE, "f32", 0, 0,                                 \
         "type of the numbers kept; the shorter ones round, and the result says so"},              \
        {"--shard-items", "N", CLI_INT, "64", 1, 65536,                                            \
         "items per file: what a killed run can lose"},                                            \
        {"--shard", "I/N|array", CLI_STR, NULL, 0, 0,                                              \
         "only encode, part I of N (from 0) into --cache; array: as a task of Slurm's"},           \
        {"--merge", NULL, CLI_FLAG, NULL, 0, 0,                                                    \
         "encode nothing: the result of the parts in --cache, refused where one is missing"}

typedef struct {
    cli_encoder job;        /* all but take; fill may return CLI_SKIP */
    const char *frame;      /* how an image becomes the input, for the manifest */
    const char *data;       /* which data, so that others do not count as changed */
    const uint64_t *hashes; /* [job.count] of the items' inputs */
    const char **names;     /* [job.count] for the manifest, or NULL */
    /* set by cli_features_run */
    paw_store *store[CLI_KINDS];
    size_t *rows; /* [good] rows of the items that could be read */
    size_t good, encoded;
} cli_features;

static inline void cli_features_free(cli_features *f)
{
    int k;
    for (k = 0; k < CLI_KINDS; ++k) paw_store_close(f->store[k]);
    free(f->rows);
    memset(f, 0, sizeof *f);
}
static inline size_t cli_row_count(const cli_features *f, int kind)
{
    paw_store_info d;
    paw_store_describe(f->store[kind], &d);
    return d.row_count;
}
enum { CLI_SETTINGS = 32, CLI_SETTING = 160 };
static inline int cli_manifest(const char *folder, char lines[CLI_SETTINGS][CLI_SETTING])
{
    char path[1300];
    FILE *f;
    int n = 0;
    snprintf(path, sizeof path, "%s/manifest.json", folder);
    f = fopen(path, "r");
    for (; f && n < CLI_SETTINGS && fgets(lines[n], CLI_SETTING, f); ++n) {
        char *end = lines[n] + strlen(lines[n]);
        while (end > lines[n] && strchr(",\n", end[-1])) *--end = 0;
    }
    if (f) fclose(f);
    return n;
}
/* Settings of two folders that differ, as text [size]; returns how many. */
static inline int cli_settings_differ(const char *ours, const char *other, char *text, size_t size)
{
    char a[CLI_SETTINGS][CLI_SETTING], b[CLI_SETTINGS][CLI_SETTING];
    const int na = cli_manifest(ours, a), nb = cli_manifest(other, b);
    int i, k, n = 0;
    for (i = 0, *text = 0; i < na; ++i) {
        const size_t key = strcspn(a[i], ":"), at = strlen(text);
        for (k = 0; k < nb && strncmp(a[i], b[k], key + 1); ++k) continue;
        if (k < nb && !strcmp(a[i], b[k])) continue;
        snprintf(text + at, size - at, "%s%.*s is%s here and%s there", n++ ? "; " : "",
                 (int)key - (int)strspn(a[i], " "), a[i] + strspn(a[i], " "), a[i] + key + 1,
                 k < nb ? b[k] + key + 1 : " not");
    }
    return n;
}
static inline int cli_has_shards(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int n = 0;
    while (dir && (entry = readdir(dir)) != NULL) n += strstr(entry->d_name, ".npy") != NULL;
    if (dir) closedir(dir);
    return n > 0;
}
/* The folder of the feature of kind that differs least from its own and has shards, "" if there is
   none, and what differs. only: of those where just that differs, unless NULL. */
static inline void cli_store_nearest(cli *app, const cli_features *f, int kind, const char *only,
                                     char nearest[1200], char best[600])
{
    const char *cache = cli_text(app, "--cache");
    char folder[1200], text[600];
    struct dirent *entry;
    paw_store_info d;
    size_t name;
    DIR *dir = opendir(cache);
    int least = CLI_SETTINGS + 1;
    paw_store_describe(f->store[kind], &d);
    name = strlen(cli_base(d.folder)) - 16; /* NAME- before the key */
    *nearest = 0;
    while (dir && (entry = readdir(dir)) != NULL) {
        int n;
        if (strlen(entry->d_name) != name + 16 || strncmp(entry->d_name, cli_base(d.folder), name))
            continue;
        snprintf(folder, sizeof folder, "%s/%s", cache, entry->d_name);
        n = cli_settings_differ(d.folder, folder, text, sizeof text);
        if (!n || n >= least || (only && strcmp(text, only)) || !cli_has_shards(folder)) continue;
        least = n;
        memcpy(best, text, 600);
        memcpy(nearest, folder, 1200);
    }
    if (dir) closedir(dir);
}
/* --merge without all shards of kind */
static inline int cli_merge_refused(cli *app, const cli_features *f, int kind)
{
    char best[600], nearest[1200];
    paw_store_info d;
    paw_store_describe(f->store[kind], &d);
    cli_store_nearest(app, f, kind, NULL, nearest, best);
    return cli_error(app, CLI_INPUT, "--merge: %lu of %lu shards are missing in %s%s%s%s%s",
                     (unsigned long)(d.shards - d.ready), (unsigned long)d.shards, d.folder,
                     *nearest ? "; of other settings is " : "", nearest, *nearest ? ": " : "",
                     *nearest ? best : "");
}
/* What is kept as floats is rounded for this process's part of a store of shorter numbers. */
static inline int cli_store_round(cli *app, cli_features *f, int kind, paw_store_spec o)
{
    const size_t size = (size_t)cli_int(app, "--shard-items");
    char only[80], text[600], folder[1200];
    paw_store *from = NULL, *to = f->store[kind];
    size_t i, n, k, taken = 0, *at;
    paw_err e;
    float *x;
    snprintf(only, sizeof only, "\"dtype\" is \"%s\" here and \"float32\" there",
             o.dtype == PAW_F16 ? "float16" : "bfloat16");
    cli_store_nearest(app, f, kind, only, folder, text);
    if (!*folder) return CLI_OK;
    o.dtype = PAW_F32;
    e = paw_store_open(app->ctx, &o, &from);
    at = (size_t *)cli_alloc(size, sizeof *at);
    x = (float *)cli_alloc(size * cli_row_count(f, kind), sizeof *x);
    if (!e && (!at || !x)) e = PAW_E_OOM;
    for (i = 0; !e && i * size < o.count; ++i) {
        if (i % (size_t)app->parts != (size_t)app->part || paw_store_has(to, i) ||
            !paw_store_has(from, i))
            continue;
        n = o.count - i * size < size ? o.count - i * size : size;
        for (k = 0; k < n; ++k) at[k] = i * size + k;
        e = paw_store_read(app->ctx, from, at, n, PAW_F32, x);
        if (!e) e = paw_store_write(app->ctx, to, i, x);
        taken += n;
    }
    paw_store_close(from);
    free(at);
    free(x);
    if (e == PAW_E_IO) return cli_error(app, CLI_RESOURCE, "%s", paw_message(app->ctx));
    if (e) return e == PAW_E_OOM ? cli_no_memory(app) : cli_fail(app, e);
    if (taken)
        cli_say(app, "%lu of %lu %s are in the cache as f32 and rounded", (unsigned long)taken,
                (unsigned long)o.count, f->job.unit);
    return CLI_OK;
}
/* again: after this process has written its part, to find those of the others. */
static inline int cli_store_open(cli *app, cli_features *f, int kind, int again)
{
    static const int types[] = { PAW_F32, PAW_F16, PAW_BF16 };
    const char *about[16];
    char word[64] = "cosine", size[32], layer[16];
    size_t shape[5];
    paw_model_info info;
    paw_store_info d;
    paw_store_spec o;
    paw_err e;
    int n = 0;
    memset(&o, 0, sizeof o);
    o.ndim = cli_shape(&f->job, kind, 1, shape) - 1;
    if (kind != CLI_COSINE) (void)cli_word(CLI_KIND_WORDS, kind, word, sizeof word);
    if (o.ndim < 1) return cli_error(app, CLI_INPUT, "this checkpoint has no %s output", word);
    paw_model_describe(f->job.model, &info);
    snprintf(size, sizeof size, "%dx%d", f->job.h, f->job.w);
    snprintf(layer, sizeof layer, "%d", f->job.layer);
    about[n++] = "recipe";
    about[n++] = info.recipe;
    about[n++] = "size";
    about[n++] = size;
    about[n++] = "stats";
    about[n++] = cli_text(app, "--stats");
    about[n++] = "frame";
    about[n++] = f->frame;
    about[n++] = "data";
    about[n++] = f->data;
    if (kind == CLI_ATTENTION || (kind == CLI_BLOCKS && f->job.one_block)) {
        about[n++] = "layer";
        about[n++] = layer;
    }
    about[n] = NULL;
    o.dir = cli_has(app, "--no-cache") ? NULL : cli_text(app, "--cache");
    o.name = word;
    o.about = about;
    o.weights = paw_model_hash(f->job.model);
    o.items = f->hashes;
    o.names = f->names;
    o.count = f->job.count;
    memcpy(o.shape, shape + 1, (size_t)o.ndim * sizeof *shape);
    o.dtype = types[cli_choice(app, "--cache-dtype")];
    o.shard_rows = (size_t)cli_int(app, "--shard-items");
    o.fresh = cli_choice(app, "--resume") == 1 && !again;
    e = paw_store_open(app->ctx, &o, &f->store[kind]);
    if (e == PAW_E_IO && (cli_has(app, "--require-cache") || app->parts > 1))
        return cli_error(app, CLI_RESOURCE, "%s", paw_message(app->ctx));
    if (e == PAW_E_IO) {
        cli_say(app, "%s; going on without a cache", paw_message(app->ctx));
        o.dir = NULL;
        e = paw_store_open(app->ctx, &o, &f->store[kind]);
    }
    if (e) return cli_fail(app, e);
    if (o.dir && o.dtype != PAW_F32 && !o.fresh && !again) {
        const int code = cli_store_round(app, f, kind, o);
        if (code) return code;
    }
    paw_store_describe(f->store[kind], &d);
    if (again || cli_first(app)) return CLI_OK;
    if (d.torn)
        cli_say(app, "%s: %lu shards are torn or foreign and will be encoded again", d.folder,
                (unsigned long)d.torn);
    if (d.stale && d.ready < d.shards && (d.ready || d.stale == d.shards)) /* else another list */
        cli_say(app, "%s: %lu shards are of other or changed inputs and not taken", d.folder,
                (unsigned long)d.stale);
    return CLI_OK;
}
/* 1: nothing to encode, because it is there or another process's. */
static inline int cli_shard_ready(const cli_features *f, size_t shard, size_t part, size_t parts)
{
    int k, ready = 1;
    if (shard % parts != part) return 1;
    for (k = 0; k < CLI_KINDS; ++k) ready &= !f->store[k] || paw_store_has(f->store[k], shard);
    return ready;
}
/* Encodes the items first to end and keeps them; what cannot be read becomes rows of NaN. */
static inline int cli_shard_encode(cli *app, cli_features *f, cli_batch *b, float **kept,
                                   size_t most, size_t shard, size_t first, size_t end,
                                   cli_progress *progress)
{
    const cli_encoder job = f->job;
    cli_encoder part = job;
    size_t next = first, n, i;
    int k, code = CLI_OK;
    paw_err e = PAW_OK;
    part.count = end;
    for (k = 0; k < CLI_KINDS; ++k)
        for (i = 0; kept[k] && i < (end - first) * cli_row_count(f, k); ++i) kept[k][i] = NAN;
    while (next < end) {
        code = cli_batch_fill(&part, b, most, &next, &n);
        if (!code && n) e = cli_batch_run(app, &part, b, n);
        if (code || e) return e ? cli_fail(app, e) : code;
        for (k = 0; k < CLI_KINDS; ++k) {
            const size_t row = kept[k] ? cli_row_count(f, k) : 0;
            for (i = 0; i < n && row; ++i)
                memcpy(kept[k] + (b->items[i] - first) * row, b->x[k] + i * row,
                       row * sizeof(float));
        }
        f->encoded += n;
        cli_progress_show(progress, f->encoded);
    }
    for (k = 0; !e && k < CLI_KINDS; ++k)
        if (f->store[k] && !paw_store_has(f->store[k], shard))
            e = paw_store_write(app->ctx, f->store[k], shard, kept[k]);
    return !e ? CLI_OK : e == PAW_E_IO ? cli_error(app, CLI_RESOURCE, "%s", paw_message(app->ctx))
                                       : cli_fail(app, e);
}
static inline int cli_features_encode(cli *app, cli_features *f, size_t part, size_t parts)
{
    const size_t size = (size_t)cli_int(app, "--shard-items");
    const size_t asked = (size_t)cli_int(app, "--batch");
    const size_t count = f->job.count, most = asked < size ? asked : size;
    float *kept[CLI_KINDS] = { NULL };
    size_t i, todo = 0;
    cli_progress progress;
    cli_batch batch;
    int k, code = CLI_OK;
    for (i = 0; i < count; ++i) todo += !cli_shard_ready(f, i / size, part, parts);
    if (!todo) return CLI_OK;
    f->job.patient = !cli_has(app, "--no-cache");
    code = cli_batch_alloc(app, &f->job, most, &batch);
    for (k = 0; !code && k < CLI_KINDS; ++k) {
        if (!f->store[k]) continue;
        kept[k] = cli_rows(&f->job, k, size < count ? size : count);
        if (!kept[k]) code = cli_no_memory(app);
    }
    cli_progress_start(&progress, app, f->job.unit, todo);
    if (todo < count && parts == 1 && !progress.silent)
        cli_say(app, "%lu of %lu %s are in the cache", (unsigned long)(count - todo),
                (unsigned long)count, f->job.unit);
    for (i = 0; !code && i < count; i += size) {
        if (cli_shard_ready(f, i / size, part, parts)) continue;
        code = cli_interrupted();
        if (!code)
            code = cli_shard_encode(app, f, &batch, kept, most, i / size, i,
                                    i + size < count ? i + size : count, &progress);
    }
    cli_progress_end(&progress);
    cli_batch_free(&batch);
    for (k = 0; k < CLI_KINDS; ++k) free(kept[k]);
    if (code && code == cli_interrupted())
        cli_say_stopped(app, "interrupted after %lu of %lu %s%s", (unsigned long)f->encoded,
                        (unsigned long)todo, f->job.unit,
                        f->job.patient ? "; the same command goes on from there" : "");
    return code;
}
/* Encodes this process's part. Ranks then have all of it: what another one has not written, or a
   slow file system not yet shown, is encoded here. */
static inline int cli_features_part(cli *app, cli_features *f)
{
    int k, kind = -1, code = cli_features_encode(app, f, (size_t)app->part, (size_t)app->parts);
    paw_store_info d;
    if (code || (!app->ranks && !cli_has(app, "--shard"))) return code;
    cli_wait(app);
    for (k = 0; !code && k < CLI_KINDS; ++k) {
        if (!f->store[k]) continue;
        paw_store_close(f->store[k]);
        f->store[k] = NULL;
        code = cli_store_open(app, f, kind = k, 1);
    }
    if (code || kind < 0) return code;
    if (app->ranks) return cli_features_encode(app, f, 0, 1);
    paw_store_describe(f->store[kind], &d);
    cli_say(app, "part %d of %d: %lu %s encoded, %lu of %lu shards are there; --merge for --shard "
                 "gives the result", app->part, app->parts, (unsigned long)f->encoded, f->job.unit,
            (unsigned long)d.ready, (unsigned long)d.shards);
    return CLI_DONE;
}
/* Opens the stores of job.want, encodes what they lack, finds the items that could be read. */
static inline int cli_features_run(cli *app, cli_features *f)
{
    int k, smallest = -1, code = CLI_OK;
    size_t i, n, j;
    float *x;
    for (k = 0; !code && k < CLI_KINDS; ++k) {
        paw_store_info d;
        if (!(f->job.want & CLI_BIT(k))) continue;
        code = cli_store_open(app, f, k, 0);
        if (code) break;
        paw_store_describe(f->store[k], &d);
        if (d.ready < d.shards && cli_has(app, "--merge")) return cli_merge_refused(app, f, k);
        if (smallest < 0 || cli_row_count(f, k) < cli_row_count(f, smallest)) smallest = k;
    }
    if (!code) code = cli_features_part(app, f);
    if (code || smallest < 0) return code;
    f->rows = (size_t *)cli_alloc(f->job.count + 64, sizeof *f->rows);
    x = (float *)cli_alloc(64 * cli_row_count(f, smallest), sizeof *x);
    if (!f->rows || !x) code = cli_no_memory(app);
    for (i = 0, f->good = 0; !code && i < f->job.count; i += n) {
        size_t *at = f->rows + f->good;
        paw_err e;
        n = f->job.count - i < 64 ? f->job.count - i : 64;
        for (j = 0; j < n; ++j) at[j] = i + j;
        e = paw_store_read(app->ctx, f->store[smallest], at, n, PAW_F32, x);
        if (e) code = cli_fail(app, e);
        for (j = 0; !code && j < n; ++j) {
            const float first = x[j * cli_row_count(f, smallest)];
            if (first == first) f->rows[f->good++] = i + j;
        }
    }
    free(x);
    return code;
}
/* All good rows of a kind as one block to free(), of dtype as for paw_store_read, or NULL after
   saying why. */
static inline void *cli_features_read(cli *app, const cli_features *f, int kind, int dtype)
{
    void *x = cli_alloc(f->good * cli_row_count(f, kind), dtype == PAW_F32 ? 4 : 2);
    paw_err e;
    if (!x) {
        (void)cli_no_memory(app);
        return NULL;
    }
    e = paw_store_read(app->ctx, f->store[kind], f->rows, f->good, dtype, x);
    if (!e) return x;
    (void)cli_fail(app, e);
    free(x);
    return NULL;
}

/* ---- data sets ---- */

#define CLI_DATA_OPTIONS                                                                           \
    {"--root", "DIR|FILE", CLI_STR | CLI_REQUIRED, NULL, 0, 0,                                     \
     "folder of the data set; of a list, its CSV file"},                                           \
        {"--split", "NAME", CLI_STR, NULL, 0, 0, "which split; else the data set's default"},      \
        {"--limit", "N", CLI_INT, NULL, 1, 1e9, "only the first N images"}
#define CLI_PARTS_OPTIONS                                                                          \
    {"--protocol", "code|paper", CLI_CHOICE, "code", 0, 0,                                         \
     "code: as released, crops half as wide and CAE's eps 1e-5; paper: as the text says"},         \
        {"--parts", "IDS|NAMES|all", CLI_STR, NULL, 0, 0,                                          \
         "ids or names of parts, with commas between; else the paper's choice"}
enum { CLI_MAX_PARTS = 64 };

typedef struct { /* the items of a data set and their features */
    cli *app;
    paw_index index; /* after cli_items_run: what could be read */
    paw_reader reader;
    const char *split; /* as asked */
    int px, frame;
    int block;      /* 1 + the block whose output CLI_BLOCKS is; 0: all of them */
    size_t missing; /* image files */
    char **bad;     /* [bad_count] items that could not be read, said */
    size_t bad_count;
    cli_features f;
} cli_items;

static inline void cli_items_free(cli_items *s)
{
    while (s->bad_count) free(s->bad[--s->bad_count]);
    free(s->bad);
    cli_features_free(&s->f);
    paw_reader_free(s->app->ctx, &s->reader);
    paw_index_free(s->app->ctx, &s->index);
}
/* ids [CLI_MAX_PARTS] of "11,tail,...", by an index of all parts. The id of a part without items is
   its number from 1, as in CUB and COCO. */
static inline int cli_part_ids(cli *app, const paw_index *all, const char *words, int *ids,
                               int *count)
{
    char word[64], number[16], names[1024] = "";
    size_t i;
    int c;
    for (*count = 0;; words += strcspn(words, ",") + 1) {
        const size_t n = strcspn(words, ",");
        snprintf(word, sizeof word, "%.*s", (int)(n < 63 ? n : 63), words);
        for (c = 0; c < all->classes && *count < CLI_MAX_PARTS; ++c) {
            ids[*count] = c + 1;
            for (i = 0; i < all->count; ++i)
                if (all->items[i].label == c) ids[*count] = all->items[i].part_id;
            snprintf(number, sizeof number, "%d", ids[*count]);
            if (!strcmp(word, number) || !strcmp(word, all->class_names[c])) break;
        }
        if (c == all->classes || *count == CLI_MAX_PARTS) {
            for (c = 0; c < all->classes; ++c)
                snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s",
                         c ? ", " : "", all->class_names[c]);
            return cli_error(app, CLI_USAGE, "--parts: no part is called '%s'; there are %s", word,
                             names);
        }
        ++*count;
        if (!words[n]) return CLI_OK;
    }
}
/* The items of a split that the options ask for. */
static inline int cli_items_split(cli *app, cli_items *s, paw_index_fn *open, const char *split)
{
    const int parts = cli_find(app->program, "--parts", 7) >= 0 && cli_has(app, "--parts");
    const char *root = cli_text(app, "--root"), *first = NULL;
    const size_t limit = (size_t)cli_int(app, "--limit");
    int ids[CLI_MAX_PARTS], code = CLI_OK;
    size_t i, images = 0;
    paw_index_opts o;
    paw_err e;
    s->app = app;
    s->split = split;
    memset(&o, 0, sizeof o);
    o.split = split;
    if (cli_find(app->program, "--protocol", 10) >= 0) o.protocol = cli_choice(app, "--protocol");
    if (cli_find(app->program, "--ratio", 7) >= 0) o.max_ratio = cli_real(app, "--ratio");
    if (cli_find(app->program, "--min-side", 10) >= 0) o.min_side = cli_real(app, "--min-side");
    if (parts) o.part_count = -1;
    e = open(app->ctx, root, &o, &s->index);
    if (!e && parts && strcmp(cli_text(app, "--parts"), "all")) {
        code = cli_part_ids(app, &s->index, cli_text(app, "--parts"), ids, &o.part_count);
        paw_index_free(app->ctx, &s->index);
        o.parts = ids;
        if (!code) e = open(app->ctx, root, &o, &s->index);
    }
    if (e || code) return e ? cli_fail(app, e) : code;
    s->missing = paw_index_drop_missing(&s->index, &first);
    if (s->missing)
        cli_say(app, "%lu image files are missing, the first is %s", (unsigned long)s->missing,
                first);
    if (s->missing && cli_has(app, "--strict")) return CLI_INPUT;
    for (i = 0; limit && i < s->index.count && images <= limit; ++i)
        images += !i || s->index.items[i].image_id != s->index.items[i - 1].image_id;
    if (images > limit) s->index.count = i - 1;
    return s->index.count ? CLI_OK : cli_error(app, CLI_INPUT, "%s: no items", root);
}
/* of: a function for each word of --dataset. */
static inline int cli_items_open(cli *app, cli_items *s, paw_index_fn *const *of)
{
    return cli_items_split(app, s, of[cli_choice(app, "--dataset")], cli_text(app, "--split"));
}
static inline int cli_items_bad(cli_items *s, const char *path)
{
    char **more = (char **)realloc(s->bad, (s->bad_count + 1) * sizeof *more);
    if (!more) return cli_no_memory(s->app);
    s->bad = more;
    s->bad[s->bad_count] = strdup(path);
    return s->bad[s->bad_count] ? (int)(++s->bad_count, CLI_OK) : cli_no_memory(s->app);
}
static inline int cli_items_fill(void *user, size_t item, float *chw)
{
    cli_items *s = (cli_items *)user;
    paw_image image;
    const paw_err e = paw_reader_item(s->app->ctx, &s->reader, &s->index.items[item], s->px,
                                      s->frame, &image);
    const int code = e ? cli_fail(s->app, e) : CLI_OK;
    if (e && e != PAW_E_OOM && (e == PAW_E_SHAPE || cli_has(s->app, "--skip-bad")))
        return CLI_SKIP;
    if (code) return code;
    paw_normalize(&image, paw_stats_find(cli_text(s->app, "--stats")), chw);
    paw_image_free(s->app->ctx, &image);
    return CLI_OK;
}
/* Features of all items, want: CLI_BIT(CLI_CLS) | ...; what cannot be read leaves the index. */
static inline int cli_items_run(cli_items *s, const paw_model *model, unsigned want, int px,
                                int frame)
{
    static const char *const frames[] = { "auto", "full", "center" };
    const size_t n = s->index.count;
    uint64_t *hashes = (uint64_t *)cli_alloc(n, sizeof *hashes);
    const char **names = (const char **)cli_alloc(n, sizeof *names);
    const int protocol = cli_find(s->app->program, "--protocol", 10) >= 0;
    const char *split = s->split;
    char data[256];
    size_t i, good;
    int code = hashes && names ? CLI_OK : cli_no_memory(s->app);
    paw_err e = PAW_OK;
    for (i = 0; !code && i < n; ++i) names[i] = s->index.items[i].path;
    if (!code) e = paw_index_hash(s->app->ctx, &s->index, hashes);
    if (e) code = cli_fail(s->app, e);
    s->px = px;
    s->frame = frame;
    s->f.job.model = model;
    s->f.job.unit = "items";
    s->f.job.count = n;
    s->f.job.h = s->f.job.w = px;
    s->f.job.want = want;
    s->f.job.layer = s->block - 1;
    s->f.job.one_block = s->block > 0;
    s->f.job.fill = cli_items_fill;
    s->f.job.user = s;
    s->f.frame = frames[frame];
    snprintf(data, sizeof data, "%s%s%s%s%s", cli_text(s->app, "--dataset"), split ? " " : "",
             split ? split : "", protocol ? " parts by " : "",
             protocol ? cli_text(s->app, "--protocol") : "");
    s->f.data = data;
    s->f.hashes = hashes;
    s->f.names = names;
    if (!code) code = cli_features_run(s->app, &s->f);
    for (i = good = 0; !code && i < n; ++i) {
        if (good < s->f.good && s->f.rows[good] == i) s->index.items[good++] = s->index.items[i];
        else code = cli_items_bad(s, s->index.items[i].path);
    }
    if (!code) s->index.count = good;
    if (!code && s->bad_count && !s->f.encoded) /* else each was said when it was met */
        cli_say(s->app, "%lu items could not be read when their features were made, such as %s",
                (unsigned long)s->bad_count, s->bad[0]);
    if (!code && !good) code = cli_error(s->app, CLI_INPUT, "none of the items can be read");
    free(hashes);
    free((void *)names);
    s->f.hashes = NULL;
    s->f.names = NULL;
    s->f.data = NULL;
    return code;
}
/* What was compared, as fields; per_class: [classes], chance in percent. */
static inline void cli_put_items(cli *app, cli_result *r, const cli_items *s,
                                 const size_t *per_class, double chance)
{
    const paw_index *x = &s->index;
    char text[160];
    size_t i;
    int c;
    cli_put(r, "dataset", cli_s(cli_text(app, "--dataset")));
    cli_put(r, "root", cli_s(cli_base(cli_text(app, "--root"))));
    if (cli_has(app, "--split")) cli_put(r, "split", cli_s(cli_text(app, "--split")));
    if (cli_find(app->program, "--protocol", 10) >= 0)
        cli_put(r, "protocol", cli_s(cli_text(app, "--protocol")));
    if (cli_has(app, "--limit")) cli_put(r, "limit", cli_n((size_t)cli_int(app, "--limit")));
    cli_put(r, "images_listed", cli_n(x->images));
    cli_put(r, "items", cli_n(x->count));
    cli_put(r, "candidates", cli_n(x->candidates));
    for (c = 0; c < PAW_SKIPS; ++c) {
        if (!x->skipped[c]) continue;
        snprintf(text, sizeof text, "%lu x %s", (unsigned long)x->skipped[c], paw_skip_text(c));
        cli_put(r, "skipped[]", cli_s(text));
    }
    cli_put(r, "missing_files", cli_n(s->missing));
    cli_put(r, "bad_items", cli_n(s->bad_count));
    for (i = 0; i < s->bad_count; ++i) cli_put(r, "bad[]", cli_s(s->bad[i]));
    cli_put(r, "cache_dtype", cli_s(cli_text(app, "--cache-dtype")));
    for (c = 0; c < x->classes; ++c) cli_put(r, "classes[]", cli_s(x->class_names[c]));
    for (c = 0; c < x->classes; ++c) cli_put(r, "per_class_count[]", cli_n(per_class[c]));
    cli_put(r, "chance", cli_r(chance, 2));
}

/* ---- data of dense heads ---- */

static inline const char *cli_below_root(cli *app, const char *path)
{
    const char *root = cli_text(app, "--root");
    const size_t n = strlen(root);
    if (strncmp(path, root, n)) return path;
    return path + n + strspn(path + n, "/");
}
/* Adds name and content of a file to *hash; of its content only the size if whole is 0. */
static inline int cli_hash_file(cli *app, const char *path, int whole, uint64_t *hash)
{
    const char *name = cli_below_root(app, path);
    char size[32];
    struct stat st;
    if (stat(path, &st)) return cli_error(app, CLI_INPUT, "%s: %s", path, strerror(errno));
    *hash = paw_hash(name, strlen(name) + 1, *hash);
    snprintf(size, sizeof size, "%llu", (unsigned long long)st.st_size);
    if (!whole) *hash = paw_hash(size, strlen(size), *hash);
    else if (paw_file_hash(app->ctx, path, *hash, hash)) return cli_fail(app, PAW_E_IO);
    return CLI_OK;
}

/* ---- segmentation ---- */

#define CLI_SEG_PRESETS                                                                            \
    "folder|ade20k|ade20k-object59|ade20k-part209|pascal-part193|pascal-object16|lip19"
#define CLI_SEG_OPTIONS                                                                            \
    {"--root", "DIR", CLI_STR | CLI_REQUIRED, NULL, 0, 0,                                          \
     "data: img/{train,val} and ann/{train,val} with PNG masks of label indices; of "              \
     "ade20k and its objects {images,annotations}/{training,validation}"},                         \
        {"--preset", CLI_SEG_PRESETS, CLI_CHOICE, "folder", 0, 0,                                  \
         "data set of the paper: classes, sizes and folders; folder: by the options below"},       \
        {"--classes", "N", CLI_INT, NULL, 1, 4096, "of a folder"},                                 \
        {"--offset", "N", CLI_INT, "1", 0, 4096,                                                   \
         "stored value of the first class; values below are ignored"},                             \
        {"--names", "FILE", CLI_STR, NULL, 0, 0,                                                   \
         "class names, one a line: each behind its stored value, or all in the order of the "      \
         "classes; DIR/classes.txt if it is there"},                                               \
        {"--unknown", "refuse|ignore", CLI_CHOICE, "refuse", 0, 0, "values of no class"},          \
        {"--crop", "PX", CLI_INT, NULL, 16, 4096, "side of the input; a preset has its own"},      \
        {"--resize-exact", NULL, CLI_FLAG, NULL, 0, 0,                                             \
         "evaluate on image and mask squashed to crop x crop (Pillow's bilinear, nearest)"},       \
        {"--eval", "slide|whole", CLI_CHOICE, "slide", 0, 0,                                       \
         "windows of crop x crop, or the whole image at once"},                                    \
        {"--limit", "N", CLI_INT, NULL, 1, 1e9, "only the first N images of each split"}
typedef struct {
    cli *app;
    paw_seg_preset p;
    const char *name; /* of the preset, or "folder" */
    paw_label_map *map;
    paw_seg_files files[2]; /* train, val */
    char **names;           /* [p.classes] */
    uint64_t *pixels;       /* [2][p.classes + 1] of the labels; ignored ones last */
} cli_seg;

static inline void cli_seg_close(cli_seg *s)
{
    int i;
    for (i = 0; i < 2; ++i) paw_seg_files_free(s->app->ctx, &s->files[i]);
    for (i = 0; s->names && i < s->p.classes; ++i) free(s->names[i]);
    free(s->names);
    free(s->map);
    free(s->pixels);
}
static inline int cli_seg_names(cli_seg *s)
{
    const char *file = cli_text(s->app, "--names");
    char path[1024], *text = NULL, *next;
    int k, lines = 0, valued = 0, code = CLI_OK, twice = -1;
    s->names = (char **)cli_alloc((size_t)s->p.classes, sizeof *s->names);
    if (!s->names) return cli_no_memory(s->app);
    snprintf(path, sizeof path, "%s/classes.txt", cli_text(s->app, "--root"));
    if (!file && !access(path, F_OK)) file = path;
    if (file && !(text = cli_text_read(s->app, file, &code))) return code;
    for (next = text; next && *next;) {
        char *at = next, *end;
        long value;
        next += strcspn(next, "\n");
        if (*next) *next++ = 0;
        at[strcspn(at, "\r")] = 0;
        if (!*at) continue;
        value = strtol(at, &end, 10);
        k = lines++;
        if (end != at && (*end == ' ' || *end == '\t')) { /* "value name" */
            k = value >= 0 && value < 65536 ? s->map->class_of[value] : PAW_UNKNOWN;
            at = end + strspn(end, " \t");
            ++valued;
        }
        if (!*at || k >= s->p.classes) continue;
        if (s->names[k]) twice = k;
        else s->names[k] = strdup(at);
    }
    free(text);
    if (lines != valued && (valued || lines != s->p.classes))
        return cli_error(s->app, CLI_INPUT, "%s: %d names, %d with a value in front, of %d classes:"
                         " all need their stored value, or one line a class", file, lines, valued,
                         s->p.classes);
    if (twice >= 0)
        return cli_error(s->app, CLI_INPUT, "%s: two names of class %d, '%s' the first", file,
                         twice, s->names[twice]);
    for (k = 0; k < s->p.classes; ++k) {
        snprintf(path, sizeof path, "class %d", k);
        if (!s->names[k]) s->names[k] = strdup(path);
        if (!s->names[k]) return cli_no_memory(s->app);
    }
    return CLI_OK;
}
static inline int cli_seg_open(cli *app, cli_seg *s)
{
    const paw_seg_preset *found = paw_seg_preset_find(cli_text(app, "--preset"));
    const int n = cli_has(app, "--limit") ? cli_int(app, "--limit") : 0;
    const int crop = cli_has(app, "--crop") ? cli_int(app, "--crop") : found ? found->crop : 512;
    char path[2][1024];
    int i, code;
    memset(s, 0, sizeof *s);
    s->app = app;
    s->name = found ? found->name : "folder";
    if (found) s->p = *found;
    else if (!cli_has(app, "--classes"))
        return cli_error(app, CLI_USAGE, "--classes is needed with --preset folder");
    if (found && cli_has(app, "--classes") && cli_int(app, "--classes") != found->classes)
        return cli_error(app, CLI_USAGE, "%s has %d classes", found->name, found->classes);
    if (!found) {
        s->p.name = s->name;
        s->p.classes = cli_int(app, "--classes");
        memcpy(s->p.folders, paw_seg_preset_find("lip19")->folders, sizeof s->p.folders);
    }
    if (!found || crop != found->crop) {
        s->p.crop = crop;
        s->p.stride = s->p.crop * 2 / 3;
        s->p.train_scale[0] = s->p.test_scale[0] = 4 * s->p.crop;
        s->p.train_scale[1] = s->p.test_scale[1] = s->p.crop;
    }
    s->map = (paw_label_map *)cli_alloc(1, sizeof *s->map);
    s->pixels = (uint64_t *)cli_alloc(2 * ((size_t)s->p.classes + 1), sizeof *s->pixels);
    if (!s->map || !s->pixels) return cli_no_memory(app);
    if (s->p.values) paw_label_map_values(s->p.classes, s->p.values, s->map);
    else paw_label_map_offset(s->p.classes, cli_int(app, "--offset"), s->map);
    for (i = 0; i < 2; ++i) {
        paw_err e;
        snprintf(path[0], sizeof path[0], "%s/%s", cli_text(app, "--root"), s->p.folders[i][0]);
        snprintf(path[1], sizeof path[1], "%s/%s", cli_text(app, "--root"), s->p.folders[i][1]);
        e = paw_seg_files_list(app->ctx, path[0], path[1], &s->files[i]);
        if (e) return cli_fail(app, e);
        while (n && s->files[i].count > (size_t)n) {
            const size_t last = --s->files[i].count; /* freed one by one: the lists own them */
            paw_file_free(app->ctx, (uint8_t *)s->files[i].images[last]);
            paw_file_free(app->ctx, (uint8_t *)s->files[i].masks[last]);
        }
    }
    code = cli_seg_names(s);
    return code;
}
/* What of the data decides the trained bytes: their hash, and sizes and labels in words. */
static inline int cli_seg_about(cli_seg *s, uint64_t *hash, char about[200])
{
    const paw_seg_files *f = &s->files[0];
    size_t i;
    int code = CLI_OK;
    for (i = 0; !code && i < f->count; ++i)
        if (!(code = cli_interrupted()) && !(code = cli_hash_file(s->app, f->images[i], 0, hash)))
            code = cli_hash_file(s->app, f->masks[i], 1, hash);
    snprintf(about, 200, "%s, %d classes, offset %d, unknown %s, scale %d x %d, %s, %s", s->name,
             s->p.classes, cli_int(s->app, "--offset"), cli_text(s->app, "--unknown"),
             s->p.train_scale[0], s->p.train_scale[1],
             cli_has(s->app, "--no-augment") ? "squashed" : "augmented",
             cli_text(s->app, "--average"));
    return code;
}
/* Mask of classes; image NULL: not wanted. Both to be freed. */
static inline int cli_seg_load(cli_seg *s, int split, size_t i, paw_image *image, paw_mask *mask)
{
    const paw_seg_files *f = &s->files[split];
    paw_ctx *c = s->app->ctx;
    paw_err e = paw_mask_load(c, f->masks[i], mask);
    if (e) return cli_fail_input(s->app, e);
    e = paw_mask_classes(c, s->map, cli_choice(s->app, "--unknown") == 1, f->masks[i], mask);
    if (!e && image) {
        e = paw_image_load(c, f->images[i], image);
        if (!e && (image->w != mask->w || image->h != mask->h)) {
            cli_say(s->app, "%s: %d x %d pixels, its mask has %d x %d", f->images[i], image->w,
                    image->h, mask->w, mask->h);
            paw_image_free(c, image);
            paw_mask_free(c, mask);
            return CLI_INPUT;
        }
    }
    if (!e) return CLI_OK;
    paw_mask_free(c, mask);
    return cli_fail_input(s->app, e);
}
/* Reads every mask once: refuses what does not fit before any time is spent, counts the labels and
   says how they are mapped. */
static inline int cli_seg_histogram(cli_seg *s)
{
    const int most = s->p.classes > 41 ? 40 : 41;
    cli_progress progress;
    double more[2] = { 0, 0 };
    size_t i, n;
    int split, k, code = CLI_OK;
    cli_progress_start(&progress, s->app, "masks", s->files[0].count + s->files[1].count);
    for (split = 0, n = 0; split < 2; ++split) {
        uint64_t *to = s->pixels + (size_t)split * ((size_t)s->p.classes + 1);
        for (i = 0; !code && i < s->files[split].count; ++i) {
            paw_mask m;
            size_t j;
            if ((code = cli_interrupted()) || (code = cli_seg_load(s, split, i, NULL, &m))) break;
            for (j = 0; j < (size_t)m.w * (size_t)m.h; ++j)
                ++to[m.px[j] == PAW_IGNORED ? s->p.classes : m.px[j]];
            paw_mask_free(s->app->ctx, &m);
            cli_progress_show(&progress, ++n);
        }
    }
    cli_progress_end(&progress);
    if (code || cli_has(s->app, "--quiet")) return code;
    cli_say(s->app, "class = %s%s, %d classes; percent of the pixels of %lu + %lu images:",
            s->p.values ? "place in the preset's list of stored values" : "stored value - ",
            s->p.values ? "" : cli_text(s->app, "--offset"), s->p.classes,
            (unsigned long)s->files[0].count, (unsigned long)s->files[1].count);
    fprintf(stderr, "    train     val\n");
    for (k = 0; k <= s->p.classes; ++k) {
        double share[2];
        for (split = 0; split < 2; ++split) {
            const uint64_t *from = s->pixels + (size_t)split * ((size_t)s->p.classes + 1);
            uint64_t all = 0;
            int j;
            for (j = 0; j <= s->p.classes; ++j) all += from[j];
            share[split] = all ? 100 * (double)from[k] / (double)all : 0;
        }
        if (k >= most && k < s->p.classes) {
            more[0] += share[0];
            more[1] += share[1];
            if (k + 1 == s->p.classes)
                fprintf(stderr, "  %7.3f %7.3f  (%d more classes)\n", more[0], more[1],
                        s->p.classes - most);
        } else {
            fprintf(stderr, "  %7.3f %7.3f  ", share[0], share[1]);
            cli_put_line(stderr, k < s->p.classes ? s->names[k] : "(ignored)");
        }
    }
    return CLI_OK;
}
/* One image of the validation split as the encoder sees it, chw to be freed, with its labels at the
   size of the evaluation. */
static inline int cli_seg_input(cli_seg *s, size_t i, float **chw, paw_image *seen, paw_mask *truth)
{
    paw_ctx *c = s->app->ctx;
    paw_image image;
    paw_mask mask, small;
    int w = s->p.crop, h = s->p.crop, code = cli_seg_load(s, 1, i, &image, &mask);
    paw_err e = PAW_OK;
    if (code) return code;
    memset(&small, 0, sizeof small);
    if (cli_has(s->app, "--resize-exact")) {
        e = paw_image_resize(c, &image, w, h, PAW_BILINEAR, seen);
        if (!e && (e = paw_mask_resize(c, &mask, w, h, 1, &small)) != PAW_OK)
            paw_image_free(c, seen);
        paw_mask_free(c, &mask);
        mask = small;
    } else {
        paw_seg_size(image.w, image.h, s->p.test_scale[0], s->p.test_scale[1], &w, &h);
        e = paw_image_resize_linear(c, &image, w, h, seen);
    }
    paw_image_free(c, &image);
    if (e) return cli_fail(s->app, e);
    *truth = mask;
    *chw = (float *)cli_alloc(3 * (size_t)w * (size_t)h, sizeof **chw);
    if (*chw) paw_normalize(seen, paw_stats_find(cli_text(s->app, "--stats")), *chw);
    return *chw ? CLI_OK : cli_no_memory(s->app);
}
/* Training image `item` as sample `at` of the run: augmented, or squashed with --no-augment */
static inline int cli_seg_sample(cli_seg *s, size_t item, uint64_t at, float *chw, uint16_t *labels)
{
    const paw_stats *stats = paw_stats_find(cli_text(s->app, "--stats"));
    const int px = s->p.crop;
    paw_ctx *c = s->app->ctx;
    paw_image image, square;
    paw_mask mask, small;
    paw_err e;
    const int code = cli_seg_load(s, 0, item, &image, &mask);
    if (code) return code;
    if (!cli_has(s->app, "--no-augment")) {
        e = paw_seg_augment(c, &s->p, stats, &image, &mask, (uint64_t)cli_int(s->app, "--seed"), at,
                            chw, labels);
    } else if ((e = paw_image_resize(c, &image, px, px, PAW_BILINEAR, &square)) == PAW_OK) {
        paw_normalize(&square, stats, chw);
        paw_image_free(c, &square);
        e = paw_mask_resize(c, &mask, px, px, 1, &small);
        if (!e) memcpy(labels, small.px, (size_t)px * (size_t)px * sizeof *labels);
        if (!e) paw_mask_free(c, &small);
    }
    paw_image_free(c, &image);
    paw_mask_free(c, &mask);
    return e ? cli_fail(s->app, e) : CLI_OK;
}
/* Mean IoU of a guess that knows nothing: every class as often, anywhere. */
static inline double cli_seg_chance(const uint64_t *counts, int classes)
{
    double all = 0, sum = 0;
    int k, n = 0;
    for (k = 0; k < classes; ++k) all += (double)counts[2 * classes + k];
    for (k = 0; k < classes; ++k) {
        const double g = (double)counts[2 * classes + k], hit = g / classes;
        if (g > 0) sum += hit / (all / classes + g - hit);
        n += g > 0;
    }
    return n ? sum / n : 0;
}
static inline void cli_seg_put_classes(cli_result *r, const cli_seg *s, const uint64_t *counts)
{
    static const cli_column columns[] = { { "class", "class" }, { "IoU", "IoU" }, { "Acc", "Acc" },
                                          { "% of pixels", "pixels_percent" } };
    static const cli_table table = { "classes", columns, 4 };
    const size_t n = (size_t)s->p.classes;
    double *iou = (double *)cli_alloc(2 * n, sizeof *iou);
    paw_seg_summary sum;
    size_t k;
    if (!iou) return;
    (void)paw_seg_score(counts, s->p.classes, iou, iou + n, &sum);
    for (k = 0; k < n; ++k) {
        cli_cell(r, &table, cli_s(s->names[k]));
        cli_cell(r, &table, cli_r(100 * iou[k], 2));
        cli_cell(r, &table, cli_r(100 * iou[n + k], 2));
        cli_cell(r, &table, cli_r(100 * (double)counts[2 * n + k] / (double)sum.pixels, 2));
    }
    free(iou);
}

/* Learning rates "1e-5,2e-4" -> rates [most]; returns how many, 0 after a message. */
static inline int cli_rates(cli *app, const char *text, double *rates, int most)
{
    int n = 0;
    while (*text) {
        char *end;
        const double x = strtod(text, &end);
        if (end == text || (*end && *end != ',') || !(x > 0 && x < 100) || n == most)
            return cli_error(app, 0, "--lr '%s': up to %d rates with commas", text, most);
        rates[n++] = x;
        text = end + (*end == ',');
    }
    return n ? n : cli_error(app, 0, "--lr needs a rate");
}

/* ---- training of dense heads: segmentation and pose ---- */

#define CLI_MAX_HEADS 8
#define CLI_DENSE_OPTIONS(iters, batch, lr)                                                        \
    {"--iters", "N", CLI_INT, iters, 1, 1e8, "updates"},                                           \
        {"--batch", "N", CLI_INT, batch, 1, 4096, "samples of an update"},                         \
        {"--lr", "LIST", CLI_STR, lr, 0, 0, "rates with commas: a head each, same samples"},       \
        {"--warm-up", "N", CLI_INT, NULL, 0, 1e8,                                                  \
         "updates of linear warm-up; 1500, or a tenth of fewer than 15000 updates"},               \
        {"--decay", "X", CLI_REAL, "0.05", 0, 1, "AdamW's weight decay"},                          \
        {"--decay-bias", "auto|yes|no", CLI_CHOICE, "auto", 0, 0,                                  \
         "decay the bias too; auto: as the released configurations, not for BEiT, CAE and MAE"},   \
        {"--seed", "N", CLI_INT, "0", 0, 2e9, "of weights, order and augmentation"},               \
        {"--dtype", "f32|bf16", CLI_CHOICE, "f32", 0, 0, "of the encoder's products"},             \
        {"--stats", "imagenet|half", CLI_CHOICE, "imagenet", 0, 0,                                 \
         "mean and deviation of the input; half: 0.5, as BEiT of ImageNet-22k expects"},           \
        {"--out", "DIR", CLI_STR, NULL, 0, 0, "heads, overlays and report.html go there"},         \
        {"--overlays", "N", CLI_INT, "6", 0, 1000, "pictures of the validation split in --out"},   \
        {"--checkpoint", "N", CLI_INT, "1000", 1, 1e8, "save the heads every N updates in --out"}, \
        {"--resume", NULL, CLI_FLAG, NULL, 0, 0, "go on from the heads in --out"},           \
        {"--head", "FILE", CLI_STR, NULL, 0, 0, "start from it; with --eval-only: score it"},      \
        {"--eval-only", NULL, CLI_FLAG, NULL, 0, 0,                                                \
         "no training: scores --head, or with --resume the heads in --out"},                       \
        {"--dry-run", NULL, CLI_FLAG, NULL, 0, 0,                                                  \
         "check the data, time a few updates, say how long all would take"}
typedef struct {
    cli *app;
    void *user;
    /* Sample number `at` of the run, which is training item `item`: chw [3, h, w] and target. */
    int (*fill)(void *user, size_t item, uint64_t at, float *chw, void *target);
    paw_err (*step)(void *user, paw_dense *head, size_t n, double lr, double *loss);
    int (*evaluate)(void *user, size_t n); /* the first n of the validation split */
    int outputs, h, w, milestones; /* milestones 1: rates a tenth after 170 and 200 of 210 parts */
    size_t target_bytes, train, val;
    uint64_t data; /* hash of the training split */
    paw_model *model;
    paw_model_info info;
    int blocks[4], block_count;
    size_t heads, batch, iters, warm, tokens, width;
    double lr[CLI_MAX_HEADS];
    char names[CLI_MAX_HEADS][32], settings[512];
    paw_dense head[CLI_MAX_HEADS];
    float *chw, *x, *cache; /* of a batch; cache: features of all of the training split */
    uint8_t *target, *targets;
    size_t *order;
    double *losses, times[3]; /* in this process: of the first head; of data, encoder, heads */
} cli_dense;

static inline void cli_dense_calls(cli_dense *d, void *user,
                                   int (*fill)(void *, size_t, uint64_t, float *, void *),
                                   paw_err (*step)(void *, paw_dense *, size_t, double, double *),
                                   int (*evaluate)(void *, size_t))
{
    d->user = user;
    d->fill = fill;
    d->step = step;
    d->evaluate = evaluate;
}
static inline void cli_dense_close(cli_dense *d)
{
    size_t k;
    for (k = 0; k < d->heads; ++k) paw_dense_free(d->app->ctx, &d->head[k]);
    paw_model_free(d->model);
    free(d->chw);
    free(d->x);
    free(d->cache);
    free(d->target);
    free(d->targets);
    free(d->order);
    free(d->losses);
}
static inline int cli_dense_path(const cli_dense *d, size_t k, char path[1024])
{
    return snprintf(path, 1024, "%s/head-%s.safetensors", cli_text(d->app, "--out"), d->names[k]);
}
/* The heads: new, from --head, or from --out with the settings they were trained with. */
static inline int cli_dense_heads(cli_dense *d)
{
    cli *app = d->app;
    const char *from = cli_text(app, "--head");
    const int bias = cli_choice(app, "--decay-bias");
    size_t k;
    for (k = 0; k < d->heads; ++k) {
        char path[1024] = "";
        struct stat st;
        int there;
        paw_err e;
        if (cli_text(app, "--out")) cli_dense_path(d, k, path);
        there = *path && !stat(path, &st);
        if (there && !cli_has(app, "--resume") && !cli_has(app, "--eval-only") &&
            !cli_has(app, "--dry-run"))
            return cli_error(app, CLI_INPUT, "%s: trained before: --resume goes on with it; to "
                             "begin again remove it, or name another --out", path);
        if (there && cli_has(app, "--resume")) {
            paw_tensors *t = NULL;
            const char *was;
            int same;
            if ((e = paw_tensors_open(app->ctx, path, &t)) != PAW_OK) return cli_fail_input(app, e);
            was = paw_tensors_meta(t, "settings");
            same = was && !strcmp(was, d->settings);
            if (!same)
                cli_say(app, "%s: trained with other settings: %s; now: %s", path,
                        was ? was : "unknown", d->settings);
            paw_tensors_close(t);
            if (!same) return CLI_INPUT;
            e = paw_dense_load(app->ctx, path, &d->head[k]);
        } else if (from) {
            e = paw_dense_load(app->ctx, from, &d->head[k]);
            if (!cli_has(app, "--eval-only")) d->head[k].steps = 0;
        } else if (cli_has(app, "--eval-only")) {
            return cli_error(app, CLI_INPUT, "%s: no such head for --eval-only", path);
        } else
            e = paw_dense_create(app->ctx, d->outputs, d->width,
                                 (uint64_t)cli_int(app, "--seed"), &d->head[k]);
        if (e) return cli_fail_input(app, e);
        if (d->head[k].outputs != d->outputs || d->head[k].width != d->width)
            return cli_error(app, CLI_INPUT, "this head has %d outputs on features of %lu, not %d "
                             "on %lu", d->head[k].outputs, (unsigned long)d->head[k].width,
                             d->outputs, (unsigned long)d->width);
        d->head[k].decay = cli_real(app, "--decay");
        d->head[k].decay_bias = bias ? bias == 1
                                     : strcmp(d->info.recipe, "beit") &&
                                           strcmp(d->info.recipe, "cae") &&
                                           strcmp(d->info.recipe, "mae");
    }
    return CLI_OK;
}
/* about: what else decides the trained bytes */
static inline int cli_dense_open(cli *app, cli_dense *d, const char *about)
{
    const int last = cli_find(app->program, "--last-layer", 12) < 0 || cli_has(app, "--last-layer");
    int k, code = CLI_OK;
    size_t i;
    d->app = app;
    if (cli_has(app, "--resume") && !cli_text(app, "--out"))
        return cli_error(app, CLI_USAGE, "--resume needs --out");
    if (cli_has(app, "--eval-only") && !cli_text(app, "--head") && !cli_has(app, "--resume"))
        return cli_error(app, CLI_USAGE, "--eval-only needs --head, or --resume with heads in "
                         "--out");
    if (!(d->heads = (size_t)cli_rates(app, cli_text(app, "--lr"), d->lr, CLI_MAX_HEADS)))
        return CLI_USAGE;
    if (d->milestones && d->heads > 1)
        return cli_error(app, CLI_USAGE, "--lr '%s': one rate: pose scores one head",
                         cli_text(app, "--lr"));
    if (cli_text(app, "--head")) d->heads = 1;
    for (i = 0; i < d->heads; ++i) snprintf(d->names[i], sizeof d->names[i], "%g", d->lr[i]);
    if ((code = cli_load(app, &d->model, &d->info))) return code;
    if (d->h % d->info.patch_px || d->w % d->info.patch_px)
        return cli_error(app, CLI_USAGE, "%d x %d is no multiple of the patch of %d", d->w, d->h,
                         d->info.patch_px);
    if (d->block_count >= 0) { /* the paper's blocks 3, 5, 7, 11 of 12, spread over the depth */
        static const int of12[4] = { 4, 6, 8, 12 };
        d->block_count = last ? 1 : 4;
        for (k = 0; k < 4; ++k) d->blocks[k] = d->info.depth * of12[last ? 3 : k] / 12 - 1;
    } else d->block_count = 0; /* tokens behind the final norm */
    d->batch = (size_t)cli_int(app, "--batch");
    d->iters = (size_t)cli_int(app, "--iters");
    if (d->milestones && !cli_has(app, "--batch") && d->train && d->train < d->batch)
        d->batch = d->train; /* else an update sees the same ones many times */
    if (d->milestones && !cli_has(app, "--iters")) {
        const size_t passes = 210 * d->train / d->batch;
        d->iters = passes < 1000 ? 1000 : passes < d->iters ? passes : d->iters;
    }
    d->warm = cli_has(app, "--warm-up") ? (size_t)cli_int(app, "--warm-up")
              : d->iters < 15000 ? d->iters / 10 : 1500;
    d->tokens = (size_t)(d->h / d->info.patch_px) * (size_t)(d->w / d->info.patch_px);
    d->width = (size_t)d->info.dim * (size_t)(d->block_count ? d->block_count : 1);
    snprintf(d->settings, sizeof d->settings, "weights %016llx, blocks %d, %d x %d, batch %lu, "
             "iters %lu, warm-up %lu, decay %g %s, seed %d, stats %s, %s, %s, items %lu %016llx, "
             "%s",
             (unsigned long long)paw_model_hash(d->model), d->block_count, d->h, d->w,
             (unsigned long)d->batch, (unsigned long)d->iters, (unsigned long)d->warm,
             cli_real(app, "--decay"), cli_text(app, "--decay-bias"), cli_int(app, "--seed"),
             cli_text(app, "--stats"), cli_text(app, "--dtype"), cli_text(app, "--math"),
             (unsigned long)d->train, (unsigned long long)d->data, about);
    d->chw = (float *)cli_alloc(d->batch * 3, (size_t)d->h * (size_t)d->w * sizeof(float));
    d->x = (float *)cli_alloc(d->batch * d->tokens, d->width * sizeof(float));
    d->target = (uint8_t *)cli_alloc(d->batch, d->target_bytes);
    d->order = (size_t *)cli_alloc(d->train, sizeof *d->order);
    d->losses = (double *)cli_alloc(d->iters, sizeof *d->losses);
    if (!d->chw || !d->x || !d->target || !d->order || !d->losses) return cli_no_memory(app);
    for (i = 0; i < d->iters; ++i) d->losses[i] = (double)NAN; /* of an earlier process: unknown */
    if (cli_text(app, "--out") && !cli_has(app, "--dry-run"))
        code = cli_make_folder(app, cli_text(app, "--out"));
    return code ? code : cli_dense_heads(d);
}
static inline int cli_dense_encode(cli_dense *d, const float *chw, size_t n, float *x)
{
    const paw_err e = paw_dense_features(d->model, d->app->ctx, d->blocks, d->block_count, chw, n,
                                         d->h, d->w, x);
    return e ? cli_fail(d->app, e) : CLI_OK;
}
/* Features of every training item, once, for --no-augment. */
static inline int cli_dense_cache(cli_dense *d)
{
    const size_t row = d->tokens * d->width, px = 3 * (size_t)d->h * (size_t)d->w;
    cli_progress progress;
    size_t i, b;
    int code = CLI_OK;
    d->cache = (float *)cli_alloc(d->train, row * sizeof(float));
    d->targets = (uint8_t *)cli_alloc(d->train, d->target_bytes);
    if (!d->cache || !d->targets)
        return cli_error(d->app, CLI_RESOURCE, "%.1f GB for the features of %lu images are not "
                         "there: train with augmentation, or --last-layer",
                         (double)d->train * (double)row * 4e-9, (unsigned long)d->train);
    cli_progress_start(&progress, d->app, "images encoded", d->train);
    for (i = 0; !code && i < d->train; i += b) {
        for (b = 0; !code && b < d->batch && i + b < d->train; ++b)
            code = cli_interrupted() ? cli_interrupted()
                                     : d->fill(d->user, i + b, i + b, d->chw + b * px,
                                               d->targets + (i + b) * d->target_bytes);
        if (!code) code = cli_dense_encode(d, d->chw, b, d->cache + i * row);
        cli_progress_show(&progress, i + b);
    }
    cli_progress_end(&progress);
    return code;
}
/* Features and targets of update `it`: sample it * batch + b is at its place of that epoch's order,
   whatever was trained before in this process; the last samples of an epoch are dropped. */
static inline int cli_dense_batch(cli_dense *d, size_t it)
{
    const size_t whole = d->train < d->batch ? d->train : d->train - d->train % d->batch;
    const size_t row = d->tokens * d->width, px = 3 * (size_t)d->h * (size_t)d->w;
    size_t b, epoch = (size_t)-1;
    double start = cli_seconds(), end;
    int code = CLI_OK;
    for (b = 0; !code && b < d->batch; ++b) {
        const uint64_t at = (uint64_t)it * d->batch + b;
        size_t item;
        if (at / whole != epoch) {
            epoch = (size_t)(at / whole);
            paw_shuffle((uint64_t)cli_int(d->app, "--seed"), (uint32_t)epoch, d->order, d->train);
        }
        item = d->order[at % whole];
        if (d->cache) {
            memcpy(d->x + b * row, d->cache + item * row, row * sizeof *d->x);
            memcpy(d->target + b * d->target_bytes, d->targets + item * d->target_bytes,
                   d->target_bytes);
        } else
            code = d->fill(d->user, item, at, d->chw + b * px, d->target + b * d->target_bytes);
    }
    end = cli_seconds();
    d->times[0] += end - start;
    if (!code && !d->cache) code = cli_dense_encode(d, d->chw, d->batch, d->x);
    d->times[1] += cli_seconds() - end;
    return code;
}
static inline int cli_dense_update(cli_dense *d, size_t it)
{
    const double start = cli_seconds();
    size_t k;
    for (k = 0; k < d->heads; ++k) {
        const double poly = paw_seg_rate(d->lr[k], (double)d->warm, (double)d->iters, (double)it);
        const double part = 210 * (double)it / (double)d->iters;
        const double ramp = it < d->warm ? (double)(it + 1) / (double)d->warm : 1;
        const double lr = !d->milestones ? poly
                          : d->lr[k] * ramp * (part < 170 ? 1 : part < 200 ? 0.1 : 0.01);
        double loss = 0;
        paw_err e;
        if (d->head[k].steps > it) continue; /* saved a moment later than the others */
        e = d->step(d->user, &d->head[k], d->batch, lr, &loss);
        if (e) return cli_error(d->app, e == PAW_E_OOM ? CLI_RESOURCE : CLI_INPUT,
                                "update %lu, rate %g: %s%s", (unsigned long)it, d->lr[k],
                                paw_message(d->app->ctx), d->heads > 1 && cli_text(d->app, "--out")
                                ? "; --resume without this rate goes on with the others" : "");
        if (!k) d->losses[it] = loss;
    }
    d->times[2] += cli_seconds() - start;
    return CLI_OK;
}
static inline int cli_dense_save(cli_dense *d)
{
    const char *meta[] = { "settings", d->settings, "recipe", d->info.recipe, "rate", NULL, NULL };
    size_t k;
    for (k = 0; k < d->heads && cli_text(d->app, "--out"); ++k) {
        char path[1024];
        paw_err e;
        cli_dense_path(d, k, path);
        meta[5] = d->names[k];
        e = paw_dense_save(d->app->ctx, path, &d->head[k], meta);
        if (e) return cli_error(d->app, CLI_RESOURCE, "%s", paw_message(d->app->ctx));
    }
    return CLI_OK;
}
static inline int cli_dense_dry(cli_dense *d, int cached)
{
    const size_t some = d->val < 2 ? d->val : 2, updates = d->iters < 3 ? d->iters : 3;
    cli_result r = CLI_EMPTY_RESULT;
    double start, update, score, cores = 0;
    char what[80];
    cli_progress progress;
    size_t it, timed = 0;
    int code = CLI_OK;
    snprintf(what, sizeof what, "batches of %lu, %d x %d pixels", (unsigned long)d->batch, d->w,
             d->h);
    cli_progress_start(&progress, d->app, "updates timed", updates);
    progress.now = what; /* the first may take minutes */
    cli_progress_show(&progress, 0);
    progress.now = NULL;
    for (it = 0; !code && it < updates; ++it) {
        if (it == 1) memset(d->times, 0, sizeof d->times); /* the first one warms up */
        if (it < 2) cores = (double)clock();
        if (!(code = cli_dense_batch(d, it))) code = cli_dense_update(d, it);
        if (!code && !(code = cli_interrupted())) cli_progress_show(&progress, timed = it + 1);
    }
    cli_progress_end(&progress);
    start = cli_seconds();
    cores = ((double)clock() - cores) / CLOCKS_PER_SEC / (d->times[0] + d->times[1] + d->times[2]);
    if (!code) code = d->evaluate(d->user, some);
    score = (cli_seconds() - start) / (double)(some ? some : 1);
    if (code && code == cli_interrupted())
        cli_say_stopped(d->app, "interrupted after %lu of %lu updates timed",
                        (unsigned long)timed, (unsigned long)updates);
    if (code) return code;
    it = updates > 1 ? updates - 1 : 1;
    update = (d->times[0] + d->times[1] + d->times[2]) / (double)it;
    start = (double)d->train * (d->times[0] + d->times[1]) / (double)(it * d->batch);
    if (cached) update = d->times[2] / (double)it;
    cli_put(&r, "images_train", cli_n(d->train));
    cli_put(&r, "images_val", cli_n(d->val));
    cli_put(&r, "updates", cli_n(d->iters));
    cli_put(&r, "seconds_per_update", cli_r(update, 3));
    cli_put(&r, "of_it_data_percent",
            cli_r(cached ? 0 : 100 * d->times[0] / (double)it / update, 1));
    cli_put(&r, "of_it_heads_percent", cli_r(100 * d->times[2] / (double)it / update, 1));
    cli_put(&r, "seconds_per_scored_image", cli_r(score, 3));
    cli_put(&r, "hours_encoding_once", cli_r(cached ? start / 3600 : 0, 2));
    cli_put(&r, "hours_training", cli_r(update * (double)d->iters / 3600, 2));
    cli_put(&r, "core_hours_training",
            cli_r(cores * update * (double)d->iters / 3600, 2));
    cli_put(&r, "hours_scoring", cli_r(score * (double)d->val / 3600, 2));
    cli_put(&r, "MB_of_heads_on_disk",
            cli_r((double)d->heads * 12e-6 * (double)d->width * (double)d->outputs, 1));
    cli_put(&r, "MB_of_features_in_memory",
            cli_r((double)(cached ? d->train : d->batch) * (double)d->tokens * (double)d->width *
                  4e-6, 1));
    cli_put(&r, "settings", cli_s(d->settings));
    cli_put(&r, "notes[]", cli_s("extrapolated from two updates and two images after a warm-up, on "
                                 "this machine as loaded as it is now; core hours count the time "
                                 "on CPUs alone"));
    code = cli_print(d->app, &r);
    cli_result_free(&r);
    return code;
}
/* Where what was trained is kept, or that it is not. */
static inline void cli_dense_say_kept(cli_dense *d)
{
    const char *out = cli_text(d->app, "--out"), *s = d->heads > 1 ? "s" : "";
    if (out) cli_say(d->app, "trained head%s kept in %s", s, out);
    else cli_say(d->app, "trained head%s not kept: no --out", s);
}
/* Trains and scores; with --dry-run estimates and prints that. */
static inline int cli_dense_run(cli_dense *d)
{
    cli *app = d->app;
    const int cached = cli_find(app->program, "--no-augment", 12) >= 0 &&
                       cli_has(app, "--no-augment");
    const size_t every = (size_t)cli_int(app, "--checkpoint");
    cli_progress progress;
    size_t it = d->iters, k;
    int code = CLI_OK;
    if (cli_has(app, "--dry-run")) return cli_dense_dry(d, cached);
    for (k = 0; k < d->heads; ++k)
        if (d->head[k].steps < it) it = (size_t)d->head[k].steps;
    if (cli_has(app, "--eval-only")) it = d->iters;
    if (it < d->iters && cached) code = cli_dense_cache(d);
    cli_progress_start(&progress, app, "updates", d->iters);
    progress.first = it;
    for (; !code && it < d->iters; ++it) {
        if (!(code = cli_dense_batch(d, it)) && (code = cli_dense_update(d, it)) != CLI_OK)
            (void)cli_dense_save(d); /* a head that failed is as it was before */
        if (!code && ((it + 1) % every == 0 || it + 1 == d->iters || cli_interrupted()))
            code = cli_dense_save(d);
        if (!code && (code = cli_interrupted()) != CLI_OK)
            cli_say_stopped(app, "stopped after update %lu of %lu; %s", (unsigned long)it + 1,
                            (unsigned long)d->iters, cli_text(app, "--out")
                            ? "the same command with --resume goes on from there"
                            : "without --out nothing is kept");
        cli_progress_show(&progress, it + 1);
        if (!code && !progress.silent && !progress.tty && (it + 1) % 100 == 0)
            cli_say(app, "update %lu: loss %.4f", (unsigned long)it + 1, d->losses[it]);
    }
    cli_progress_end(&progress);
    if (!code && !cli_has(app, "--eval-only") && !cli_has(app, "--quiet")) cli_dense_say_kept(d);
    return code ? code : d->evaluate(d->user, d->val);
}
/* What decides the numbers, and the loss on its way. */
static inline void cli_dense_put(cli_result *r, const cli_dense *d)
{
    cli *app = d->app;
    const double all = d->times[0] + d->times[1] + d->times[2];
    const size_t shown = d->iters < 10 ? d->iters : 10;
    char hex[20];
    size_t i;
    int k;
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)paw_model_hash(d->model));
    cli_put(r, "weights_hash", cli_s(hex));
    cli_put(r, "updates", cli_n(cli_has(app, "--eval-only") ? 0 : d->iters));
    cli_put(r, "train_items", cli_n(d->train));
    cli_put(r, "test_items", cli_n(d->val));
    cli_put(r, "batch", cli_n(d->batch));
    cli_put(r, "lr", cli_s(cli_text(app, "--lr")));
    cli_put(r, "warm_up", cli_n(d->warm));
    cli_put(r, "decay", cli_r(cli_real(app, "--decay"), -1));
    cli_put(r, "decay_bias", cli_s(d->head[0].decay_bias ? "yes" : "no"));
    cli_put(r, "seed", cli_n((size_t)cli_int(app, "--seed")));
    for (k = 0; k < d->block_count; ++k) cli_put(r, "blocks[]", cli_n((size_t)d->blocks[k]));
    if (!d->block_count) cli_put(r, "blocks[]", cli_s("last, behind the final norm"));
    for (i = 0; !cli_has(app, "--eval-only") && i < shown; ++i)
        cli_put(r, "loss[]",
                cli_r(d->losses[shown > 1 ? (d->iters - 1) * i / (shown - 1) : 0], 4));
    if (all > 0) cli_put(r, "seconds_data", cli_r(d->times[0], 1));
    if (all > 0) cli_put(r, "seconds_encoder", cli_r(d->times[1], 1));
    if (all > 0) cli_put(r, "seconds_heads", cli_r(d->times[2], 1));
}

/* ---- the paper's numbers, in percent: DeiT, MoCo v3, DINO, BEiT, MAE, CAE, iBOT; 0: none ---- */

#define CLI_PAPER_METHODS "deit|mocov3|dino|beit|mae|cae|ibot"
#define CLI_PAPER_NAMES "DeiT|MoCo v3|DINO|BEiT|MAE|CAE|iBOT"
static const struct cli_paper_row {
    const char *table, *data, *metric;
    double v[7];
} cli_paper[] = {
    { "1", "ImageNet-1K", "linear_top1", { 81.8, 76.2, 77.3, 41.8, 67.8, 70.4, 79.5 } },
    { "1", "ImageNet-1K", "attentive_top1", { 81.8, 77.0, 77.8, 51.9, 74.2, 77.1, 79.8 } },
    { "2", "CIFAR10", "AP_encoded", { 71.3, 40.6, 31.3, 14.6, 15.9, 39.1, 40.2 } },
    { "2", "COCO-object", "AP_encoded", { 71.2, 47.7, 38.0, 11.7, 13.8, 46.0, 53.2 } },
    { "2", "CIFAR10", "AP_projected", { 0, 56.0, 61.5, 0, 0, 0, 60.0 } },
    { "2", "COCO-object", "AP_projected", { 0, 55.9, 57.3, 0, 0, 0, 55.8 } },
    { "3", "ADE20K-150", "mIoU", { 34.9, 34.7, 34.5, 17.8, 27.1, 32.6, 38.3 } },
    { "3", "ADE20K-150", "mAcc", { 44.2, 43.9, 43.5, 23.7, 34.8, 42.2, 47.4 } },
    { "3", "ADE20K-150", "aAcc", { 75.4, 75.9, 76.1, 64.9, 71.6, 75.2, 78.1 } },
    { "4", "CUB-200-2011", "AP_encoded", { 35.0, 50.8, 48.9, 27.9, 28.5, 58.0, 49.3 } },
    { "4", "COCO-part", "AP_encoded", { 44.1, 52.3, 51.8, 35.3, 37.1, 57.0, 59.2 } },
    { "4", "CUB-200-2011", "linear_acc", { 90.9, 93.8, 93.2, 55.4, 86.9, 89.5, 93.8 } },
    { "4", "CUB-200-2011", "attentive_acc", { 92.9, 96.0, 95.2, 86.5, 92.8, 95.8, 95.8 } },
    { "4", "COCO-part", "linear_acc", { 88.5, 92.4, 91.7, 69.3, 88.0, 91.1, 92.1 } },
    { "4", "COCO-part", "attentive_acc", { 91.4, 95.3, 94.5, 86.5, 93.9, 95.5, 95.1 } },
    { "4", "CUB-200-2011", "AP_projected", { 0, 28.4, 31.7, 0, 0, 0, 31.2 } },
    { "4", "COCO-part", "AP_projected", { 0, 36.8, 41.2, 0, 0, 0, 41.5 } },
    { "5", "ADE20K-Part-209", "mIoU", { 27.3, 27.1, 28.9, 18.6, 26.3, 28.4, 32.2 } },
    { "5", "ADE20K-Part-209", "mAcc", { 34.7, 34.7, 36.8, 25.8, 35.0, 36.9, 40.0 } },
    { "5", "ADE20K-Part-209", "aAcc", { 69.2, 70.1, 70.3, 58.2, 67.3, 71.1, 73.4 } },
    { "5", "Pascal-Part-193", "mIoU", { 27.4, 27.1, 27.8, 14.8, 24.3, 27.8, 30.7 } },
    { "5", "Pascal-Part-193", "mAcc", { 36.1, 35.8, 36.5, 21.4, 32.9, 37.0, 40.0 } },
    { "5", "Pascal-Part-193", "aAcc", { 65.8, 66.0, 66.4, 47.0, 61.5, 66.3, 69.7 } },
    { "5", "LIP-19", "mIoU", { 41.4, 41.9, 41.0, 27.2, 38.2, 43.7, 44.6 } },
    { "5", "LIP-19", "mAcc", { 52.6, 53.0, 51.9, 36.5, 48.7, 55.1, 55.7 } },
    { "5", "LIP-19", "aAcc", { 73.5, 74.5, 74.0, 60.1, 71.3, 75.9, 76.6 } },
    { "7", "ADE20K-Object-59", "mIoU", { 52.6, 50.2, 50.8, 28.6, 41.0, 47.4, 55.2 } },
    { "7", "ADE20K-Object-59", "mAcc", { 62.9, 60.4, 60.8, 37.2, 50.6, 58.4, 65.1 } },
    { "7", "ADE20K-Object-59", "aAcc", { 83.8, 83.6, 83.9, 73.4, 79.9, 82.9, 85.6 } },
    { "7", "ADE20K-Part-209", "mIoU", { 27.3, 27.1, 28.9, 18.6, 26.3, 28.4, 32.2 } },
    { "7", "ADE20K-Part-209", "mAcc", { 34.7, 34.7, 36.8, 25.8, 35.0, 36.9, 40.0 } },
    { "7", "ADE20K-Part-209", "aAcc", { 69.2, 70.1, 70.3, 58.2, 67.3, 71.1, 73.4 } },
    { "8", "Pascal-Object-16", "mIoU", { 92.2, 89.4, 88.0, 56.4, 76.1, 83.3, 92.1 } },
    { "8", "Pascal-Object-16", "mAcc", { 95.3, 93.7, 92.7, 69.0, 84.6, 89.7, 95.3 } },
    { "8", "Pascal-Object-16", "aAcc", { 96.8, 95.7, 95.3, 76.8, 89.5, 93.2, 97.1 } },
    { "8", "Pascal-Part-193", "mIoU", { 27.4, 27.1, 27.8, 14.8, 24.3, 27.8, 30.7 } },
    { "8", "Pascal-Part-193", "mAcc", { 36.2, 35.8, 36.5, 21.4, 32.9, 37.0, 40.0 } },
    { "8", "Pascal-Part-193", "aAcc", { 65.8, 66.0, 66.4, 47.0, 61.5, 66.3, 69.7 } },
    { "9", "LIP-19", "mIoU@lr=1e-5", { 40.5, 40.0, 38.1, 23.1, 34.7, 42.8, 41.5 } },
    { "9", "LIP-19", "mIoU@lr=2e-4", { 41.3, 41.7, 40.8, 27.2, 38.5, 44.1, 44.4 } },
    { "9", "LIP-19", "mIoU@lr=3e-4", { 41.4, 41.7, 40.9, 27.4, 38.6, 44.2, 44.5 } },
    { "9", "LIP-19", "mIoU@lr=4e-4", { 41.4, 41.9, 41.0, 27.2, 38.2, 43.7, 44.6 } },
    { "9", "LIP-19", "mIoU@lr=5e-4", { 41.3, 41.7, 40.9, 27.1, 38.7, 44.3, 44.5 } },
    { "9", "LIP-19", "mIoU@lr=1e-3", { 41.3, 41.8, 40.9, 27.5, 38.8, 44.3, 44.8 } },
    { "10", "COCO-pose", "AP", { 6.8, 12.6, 16.6, 0, 23.6, 17.5, 15.5 } },
    { "10", "COCO-pose", "AP50", { 27.5, 42.1, 49.0, 0, 59.8, 50.1, 48.1 } },
    { "10", "COCO-pose", "AR", { 14.7, 21.61, 25.9, 0, 33.3, 28.9, 26.0 } },
    { "10", "COCO-pose", "AR50", { 44.3, 56.3, 62.1, 0, 69.6, 64.0, 62.8 } },
};
/* NULL-safe look-up; NaN where the paper has nothing. */
static inline double cli_paper_value(const char *data, const char *metric, const char *recipe)
{
    const int k = cli_word_index(CLI_PAPER_METHODS, recipe);
    int i;
    for (i = 0; k >= 0 && i < CLI_COUNT(cli_paper); ++i)
        if (!strcmp(cli_paper[i].data, data) && !strcmp(cli_paper[i].metric, metric) &&
            cli_paper[i].v[k] > 0)
            return cli_paper[i].v[k];
    return (double)NAN;
}
/* Beside a number of the paper, which is of ViT-B throughout; NaN: there is none beside ours. */
static inline void cli_put_width(cli *app, cli_result *r, const paw_model_info *info, double paper)
{
    if (!cli_is_random(app) && paper > 0 && (info->dim != 768 || info->depth != 12))
        cli_put(r, "notes[]", cli_s("these weights are not a ViT-B: the paper's value is no target "
                                    "for them"));
}
/* NaN where the paper has nothing, or recipe is NULL. */
static inline double cli_seg_paper(const cli_seg *s, const char *metric, const char *recipe)
{
    static const char *const data[] = { NULL, "ADE20K-150", "ADE20K-Object-59", "ADE20K-Part-209",
                                        "Pascal-Part-193", "Pascal-Object-16", "LIP-19" };
    const char *set = data[cli_word_index(CLI_SEG_PRESETS, s->name)];
    return set && recipe ? cli_paper_value(set, metric, recipe) : (double)NAN;
}
/* One head in percent beside the paper's numbers; recipe NULL: they do not compare. */
static inline void cli_seg_put(cli_result *r, const cli_seg *s, const char *head,
                               const uint64_t *counts, const char *recipe)
{
    static const cli_column columns[] = { { "head", "head" }, { "mIoU", "mIoU" },
                                          { "mAcc", "mAcc" }, { "aAcc", "aAcc" },
                                          { "paper's mIoU", "paper_mIoU" },
                                          { "paper's mAcc", "paper_mAcc" },
                                          { "paper's aAcc", "paper_aAcc" },
                                          { "chance mIoU", "chance_mIoU" } };
    static const cli_table table = { NULL, columns, 8 };
    static const char *const metrics[] = { "mIoU", "mAcc", "aAcc" };
    paw_seg_summary sum;
    int k;
    (void)paw_seg_score(counts, s->p.classes, NULL, NULL, &sum);
    cli_cell(r, &table, cli_s(head));
    cli_cell(r, &table, cli_r(100 * sum.miou, 2));
    cli_cell(r, &table, cli_r(100 * sum.macc, 2));
    cli_cell(r, &table, cli_r(100 * sum.aacc, 2));
    for (k = 0; k < 3; ++k) {
        const double paper = cli_seg_paper(s, metrics[k], recipe);
        cli_cell(r, &table, paper > 0 ? cli_r(paper, 1) : cli_none());
    }
    cli_cell(r, &table, cli_r(100 * cli_seg_chance(counts, s->p.classes), 2));
}

/* ---- pose ---- */

/* Annotations of a split, and the persons of it that count: with key points, no crowds. hash: of
   it all, unless NULL. */
static inline int cli_pose_open(cli *app, const char *split, paw_poses *all, size_t **use,
                                size_t *count, uint64_t *hash)
{
    char file[1024], folder[1024];
    struct stat st;
    paw_err e;
    size_t i;
    int code = CLI_OK;
    snprintf(file, sizeof file, "%s/annotations/person_keypoints_%s.json", cli_text(app, "--root"),
             split);
    snprintf(folder, sizeof folder, "%s/images/%s", cli_text(app, "--root"), split);
    if (stat(folder, &st)) snprintf(folder, sizeof folder, "%s/%s", cli_text(app, "--root"), split);
    e = paw_poses_load(app->ctx, file, folder, all);
    if (e) return cli_fail_input(app, e);
    *use = (size_t *)cli_alloc(all->count, sizeof **use);
    if (!*use) return cli_no_memory(app);
    for (i = *count = 0; i < all->count; ++i) {
        const paw_pose *p = &all->items[i];
        if (p->labelled && !p->crowd && p->box[2] > 1 && p->box[3] > 1) (*use)[(*count)++] = i;
    }
    if (!*count) return cli_error(app, CLI_INPUT, "%s: nobody with key points", file);
    if (!all->paths[**use]) return cli_error(app, CLI_INPUT, "%s: names no images", file);
    for (i = 0; hash && !code && i < *count; ++i) {
        const char *path = all->paths[(*use)[i]];
        if (!i) code = cli_hash_file(app, file, 1, hash);
        if (!code && !(code = cli_interrupted())) code = cli_hash_file(app, path, 0, hash);
    }
    return code;
}
/* Decodes path to reader->image unless it is there. */
static inline int cli_pose_image(cli *app, paw_reader *reader, const char *path)
{
    paw_image image;
    paw_err e;
    if (reader->path && !strcmp(reader->path, path)) return CLI_OK;
    if ((e = paw_image_load(app->ctx, path, &image)) != PAW_OK) return cli_fail_input(app, e);
    paw_image_free(app->ctx, &reader->image);
    reader->image = image;
    reader->path = (char *)(uintptr_t)path; /* the annotations own it */
    return CLI_OK;
}
/* Results as pycocotools' loadRes reads them. */
static inline int cli_pose_save(cli *app, const char *folder, const paw_pose *found, size_t n)
{
    cli_file o;
    size_t i;
    int k, code = cli_file_open(app, &o, folder, "results.json");
    if (code) return code;
    for (i = 0; i < n; ++i) {
        char text[64];
        fprintf(o.f, "%s{\"image_id\": %lld, \"category_id\": 1, \"keypoints\": [", i ? ",\n" : "[",
                (long long)found[i].image_id);
        for (k = 0; k < 3 * PAW_KEYPOINTS; ++k) {
            cli_number(found[i].points[k / 3][k % 3], -1, text);
            fprintf(o.f, "%s%s", k ? ", " : "", text);
        }
        cli_number(found[i].score, -1, text);
        fprintf(o.f, "], \"score\": %s}", text);
    }
    fputs("]\n", o.f);
    return cli_file_keep(app, &o);
}
/* Drops what repeats a better one of the same image: similarity above 0.9 (protocol 7). */
static inline size_t cli_pose_distinct(paw_pose *found, size_t n)
{
    size_t i, j, kept = 0;
    for (i = 0; i < n; ++i) {
        int repeats = 0;
        for (j = 0; j < n && !repeats; ++j) {
            paw_pose t = found[j];
            int k;
            if (j == i || t.image_id != found[i].image_id) continue;
            if (t.score < found[i].score || (!(t.score > found[i].score) && j > i)) continue;
            for (k = 0; k < PAW_KEYPOINTS; ++k) t.points[k][2] = 2;
            repeats = paw_oks(&t, &found[i]) > 0.9;
        }
        found[i].labelled = !repeats; /* a mark until all are judged */
    }
    for (i = 0; i < n; ++i)
        if (found[i].labelled) found[kept++] = found[i];
    return kept;
}
/* COCO's statistics beside the paper's; recipe "": they do not compare. Writes the results too. */
static inline int cli_pose_put(cli *app, cli_result *r, const paw_poses *truth, paw_pose *found,
                               size_t n, const paw_model_info *info)
{
    static const char *const names[10] = { "AP", "AP50", "AP75", "APm", "APl",
                                           "AR", "AR50", "AR75", "ARm", "ARl" };
    static const cli_column columns[] = { { "statistic", "statistic" }, { "ours", "ours" },
                                          { "paper's", "paper" } };
    static const cli_table table = { NULL, columns, 3 };
    const char *recipe = cli_is_random(app) ? "" : info->recipe;
    const size_t kept = cli_pose_distinct(found, n);
    paw_pose_score score;
    double v[10];
    int k;
    const paw_err e = paw_pose_evaluate(app->ctx, truth->items, truth->count, found, kept, &score);
    if (e) return cli_fail(app, e);
    memcpy(v, &score, sizeof v);
    for (k = 0; k < 10; ++k) {
        const double paper = cli_paper_value("COCO-pose", names[k], recipe);
        cli_cell(r, &table, cli_s(names[k]));
        cli_cell(r, &table, v[k] < 0 ? cli_none() : cli_r(100 * v[k], 2));
        cli_cell(r, &table, paper == paper ? cli_r(paper, 1) : cli_none());
    }
    return cli_text(app, "--out") ? cli_pose_save(app, cli_text(app, "--out"), found, kept)
                                  : (int)CLI_OK;
}

/* ---- sibling programs as children ---- */

#if !defined(_WIN32)
#include <sys/wait.h>

/* The file of this program: as called, or where the shell found it. */
static inline void cli_self(const cli *app, char out[1200])
{
    const char *name = app->argv[0], *at = strchr(name, '/') ? "" : getenv("PATH");
    struct stat s;
    for (; at && *at; at += strcspn(at, ":"), at += *at == ':') {
        const int n = (int)strcspn(at, ":");
        snprintf(out, 1200, "%.*s/%s", n ? n : 1, n ? at : ".", name);
        if (!access(out, X_OK) && !stat(out, &s) && S_ISREG(s.st_mode)) return;
    }
    snprintf(out, 1200, "%s%s", strchr(name, '/') ? "" : "./", name);
}
/* The program beside this one, which may be installed as partaware-paper: all have the prefix. */
static inline void cli_sibling(const cli *app, const char *name, char out[1200])
{
    static const char own[] = "paper"; /* the program's name would have the prefix too */
    char self[1200];
    size_t n;
    cli_self(app, self);
    n = strlen(self);
    if (n >= sizeof own - 1 && !strcmp(self + n - (sizeof own - 1), own)) n -= sizeof own - 1;
    else n = (size_t)(cli_base(self) - self);
    snprintf(out, 1200, "%.*s%s", (int)n, self, name);
}
/* Runs the program beside this one, its output in files; returns its exit status, -1: not run. A
   signal that ends this process ends the child first. */
static inline int cli_child(cli *app, char *line, const char *const *last, const char *out,
                            const char *log)
{
    const struct timespec nap = { 0, 20000000 };
    char path[1200], *args[128], *at;
    int n = 0, status = 0, told = 0, from, to;
    pid_t id, ended;
    for (at = strtok(line, " "); at && n < 100; at = strtok(NULL, " ")) args[n++] = at;
    while (*last && n < 127) args[n++] = (char *)(uintptr_t)*last++;
    args[n] = NULL;
    cli_sibling(app, args[0], path);
    fflush(NULL);
    if ((id = fork()) < 0) return -1;
    if (!id) {
        (void)signal(SIGINT, SIG_DFL); /* until the program has its own */
        (void)signal(SIGTERM, SIG_DFL);
        if (cli_signalled) _exit(128 + (int)cli_signalled);
        from = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        to = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        if (from < 0 || to < 0 || dup2(from, 1) < 0 || dup2(to, 2) < 0) _exit(127);
        execv(path, args);
        fprintf(stderr, "cannot start %s: %s\n", path, strerror(errno));
        fflush(stderr);
        _exit(127);
    }
    /* Not one long wait: a signal just before it would go by. */
    while ((ended = waitpid(id, &status, WNOHANG)) <= 0) {
        if (ended < 0 && errno != EINTR) return -1;
        if (cli_signalled && !told) told = !kill(id, SIGTERM);
        (void)nanosleep(&nap, NULL);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
#endif
/* The number behind anchors, found one after the other; "<key" goes back to the last key before. */
static inline double cli_find_number(const char *text, const char *anchors)
{
    const char *at = text;
    char one[80];
    int i;
    for (i = 0; at && cli_word(anchors, i, one, sizeof one); ++i) {
        const char *last = NULL, *next = one[0] == '<' ? text : at;
        if (one[0] != '<') {
            at = strstr(at, one);
            if (at) at += strlen(one);
            continue;
        }
        while ((next = strstr(next, one + 1)) != NULL && next < at) last = next++;
        at = last ? last + strlen(one + 1) : NULL;
    }
    if (at) at += strspn(at, ": ");
    return at && (isdigit((unsigned char)*at) || *at == '-') ? strtod(at, NULL) : (double)NAN;
}
/* Rows "key = value" of a file; # begins a comment. */
typedef struct {
    char *text, *key[64], *value[64];
    int count;
} cli_config;
/* keys: kind, "name|name", ..., NULL: "kind.name" for each of them, once, and no others */
static inline int cli_config_check(cli *app, const char *path, const char *const *keys,
                                   const cli_config *c)
{
    int i, j, k;
    for (i = 0; i < c->count; ++i) {
        for (k = 0; keys[k]; k += 2) {
            const size_t n = strlen(keys[k]);
            if (!strncmp(c->key[i], keys[k], n) && c->key[i][n] == '.' &&
                cli_word_index(keys[k + 1], c->key[i] + n + 1) >= 0)
                break;
        }
        if (!keys[k])
            return cli_error(app, CLI_INPUT, "%s: no such key: '%s'; --help lists them", path,
                             c->key[i]);
        for (j = 0; j < i; ++j)
            if (!strcmp(c->key[i], c->key[j]))
                return cli_error(app, CLI_INPUT, "%s: '%s' stands there twice", path, c->key[i]);
    }
    return CLI_OK;
}
static inline int cli_config_read(cli *app, const char *path, const char *const *keys,
                                  cli_config *c)
{
    char *at, *next;
    size_t line = 0;
    int code;
    memset(c, 0, sizeof *c);
    if (!(c->text = cli_text_read(app, path, &code))) return code;
    for (at = c->text; *at; at = next) {
        char *equal, *end;
        next = at + strcspn(at, "\n");
        if (*next) *next++ = 0;
        ++line;
        at[strcspn(at, "#\r")] = 0;
        at += strspn(at, " \t");
        if (!*at) continue;
        equal = strchr(at, '=');
        if (!equal || c->count == CLI_COUNT(c->key))
            return cli_error(app, CLI_INPUT, "%s: line %lu is not key = value, or the 65th", path,
                             (unsigned long)line);
        c->value[c->count] = equal + 1 + strspn(equal + 1, " \t");
        for (end = equal; end > at && (end[-1] == ' ' || end[-1] == '\t');) --end;
        *end = 0;
        end = c->value[c->count] + strlen(c->value[c->count]);
        while (end > c->value[c->count] && (end[-1] == ' ' || end[-1] == '\t')) *--end = 0;
        c->key[c->count++] = at;
    }
    return cli_config_check(app, path, keys, c);
}
static inline const char *cli_config_get(const cli_config *c, const char *kind, const char *name)
{
    char key[128];
    int i;
    snprintf(key, sizeof key, "%s.%s", kind, name);
    for (i = 0; i < c->count; ++i)
        if (!strcmp(c->key[i], key)) return c->value[i];
    return NULL;
}
#endif
