/* hostile.c - what strangers' files, odd numbers and failing machines may not do. One row a case,
   by its id: --list prints every row and how it is covered, ROW... runs only these, --scripts also
   runs the scripts that cover rows. make hostile runs all of it. A row asks for the code, for one
   line that names file and cause, for outputs left alone, and for bounded memory and time:
   at most 2 s and 64 MB above what the row says the limit is, an input. */
#define _XOPEN_SOURCE 700
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
#include "t.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Without optimisation and under a sanitizer everything takes longer; sanitizers hold more, too. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if !defined(SANITIZED)
#define SANITIZED 0
#endif
#if SANITIZED || !defined(__OPTIMIZE__)
#define SECONDS 40.0
#else
#define SECONDS 2.0
#endif
#define MEGA ((size_t)1 << 20)

typedef struct {
    const char *id, *title;
    void (*run)(void);  /* the checks; NULL: elsewhere */
    const char *script; /* tests/NAME.sh, whose check has the id in its text; NULL: none */
    const char *reason; /* why the row has no check: what is so instead; NULL: it has one */
} h_row;
static const h_row *h_now; /* the row in work */
#define H_HELPER __attribute__((unused))

/* ---- checks by the row's id; the measure of an input ---- */

static int h_check(int ok, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int h_check(int ok, int line, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return t_check(ok, h_now->id, line, "%s", text);
}
#define H(ok, ...) h_check(!!(ok), __LINE__, __VA_ARGS__)
#define H_SKIP(...) t_skip_at(h_now->id, __LINE__, __VA_ARGS__)

typedef struct { /* of a context's allocator */
    size_t live, peak;
    long calls, fail_at; /* the number of the call that fails, from 1; 0: none */
} h_meter;
static h_meter meter;
static void *h_alloc(void *user, size_t n)
{
    h_meter *m = (h_meter *)user;
    void *p = ++m->calls == m->fail_at ? NULL : malloc(n);
    if (!p) return NULL;
    m->live += n;
    if (m->live > m->peak) m->peak = m->live;
    return p;
}
static void h_free(void *user, void *p, size_t n)
{
    ((h_meter *)user)->live -= n;
    free(p);
}
static paw_ctx *h_context(int threads, uint64_t max_pixels)
{
    paw_config config;
    paw_ctx *c = NULL;
    memset(&config, 0, sizeof config);
    config.threads = threads;
    config.max_pixels = max_pixels;
    config.mem.alloc = h_alloc;
    config.mem.free = h_free;
    config.mem.user = &meter;
    if (paw_create(&config, &c)) abort();
    return c;
}
static paw_ctx *ctx; /* of the checks: one thread, metered */

/* CPU time, which other work on the machine does not lengthen. */
static double h_seconds(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)r.ru_utime.tv_sec + 1e-6 * (double)r.ru_utime.tv_usec +
           (double)r.ru_stime.tv_sec + 1e-6 * (double)r.ru_stime.tv_usec;
}
/* Bytes of a line of /proc/self/status; without it the peak that getrusage knows. */
static size_t h_resident(const char *field)
{
    char line[128];
    size_t kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    struct rusage r;
    while (f && !kb && fgets(line, sizeof line, f))
        if (!strncmp(line, field, strlen(field)))
            kb = (size_t)strtoul(line + strlen(field), NULL, 10);
    if (f) fclose(f);
    if (kb) return kb * 1024;
    getrusage(RUSAGE_SELF, &r);
    return (size_t)r.ru_maxrss * 1024;
}
static double h_from, h_most_seconds;
static size_t h_before, h_held, h_most_bytes;
static void h_begin(void) /* an input: peaks start anew */
{
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (f) {
        fputs("5", f);
        fclose(f);
    }
    h_held = meter.peak = meter.live;
    h_before = h_resident("VmRSS:");
    h_from = h_seconds();
    alarm(120); /* what hangs ends here */
}
/* Since h_begin: time, memory of the allocator and of the process; cap: what the row may hold. */
static int h_within(const char *what, size_t cap)
{
    const double took = h_seconds() - h_from;
    const size_t heap = meter.peak - h_held, peak = h_resident("VmHWM:");
    const size_t grown = peak > h_before && !SANITIZED ? peak - h_before : 0;
    alarm(0);
    if (took > h_most_seconds) h_most_seconds = took;
    if (heap > h_most_bytes) h_most_bytes = heap;
    if (grown > h_most_bytes) h_most_bytes = grown;
    return H(took <= SECONDS, "%s: took %.1f s", what, took) &
           H(heap <= cap + 64 * MEGA && grown <= cap + 64 * MEGA,
             "%s: held %zu MB, process grew by %zu MB, %zu + 64 allowed", what, heap / MEGA,
             grown / MEGA, cap / MEGA);
}
/* The code and the one line: it names the file and says words. */
static int h_says(paw_err got, paw_err want, const char *file, const char *words)
{
    const char *m = paw_message(ctx);
    return H(got == want, "%s: code %d, not %d (%s)", file, got, want, got ? m : "") &&
           H(strstr(m, file) && strstr(m, words) && !strchr(m, '\n'),
             "%s: message '%s' lacks the name or '%s'", file, m, words);
}
H_HELPER static int h_refused(paw_err got, paw_err want, const char *file, const char *words)
{
    const int ok = h_says(got, want, file, words);
    return ok & h_within(file, 0);
}
H_HELPER static int h_accepted(paw_err got, const char *file)
{
    const int ok = H(!got, "%s: %s", file, paw_message(ctx));
    return ok & h_within(file, 0);
}

/* ---- files, and the programs beside this one ---- */

static char h_dir[600];   /* a folder of our own; emptied and removed at the end */
static char h_build[600]; /* where tests/, examples/ and fixtures/ are */
static const char *h_join(const char *folder, const char *name)
{
    static char path[4][1300];
    char joined[1300];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(joined, sizeof joined, "%s/%s", folder, name); /* either may be of path */
    memcpy(path[turn], joined, sizeof joined);
    return path[turn];
}
static const char *h_path(const char *name) { return h_join(h_dir, name); }
/* Writes a file below h_dir, with the folders on the way; returns its path. */
H_HELPER static const char *h_write(const char *name, const void *p, size_t n)
{
    char path[1300];
    size_t i;
    FILE *f;
    snprintf(path, sizeof path, "%s", h_path(name));
    for (i = strlen(h_dir) + 1; path[i]; ++i)
        if (path[i] == '/') {
            path[i] = 0;
            mkdir(path, 0700);
            path[i] = '/';
        }
    remove(path);
    f = fopen(path, "wb");
    if (!f || fwrite(p, 1, n, f) != n || fclose(f)) abort();
    return h_path(name);
}
H_HELPER static const char *h_text(const char *name, const char *text)
{
    return h_write(name, text, strlen(text));
}
H_HELPER static char *h_read(const char *path, size_t *n) /* a NUL behind; NULL: no such file */
{
    FILE *f = fopen(path, "rb");
    char *p = NULL;
    size_t cap = 65536, got;
    if (n) *n = 0;
    if (!f) return NULL;
    p = (char *)malloc(cap + 1);
    for (got = 0; p;) {
        const size_t k = fread(p + got, 1, cap - got, f);
        got += k;
        if (got < cap) break;
        p = (char *)realloc(p, (cap *= 2) + 1);
    }
    if (!p) abort();
    fclose(f);
    p[got] = 0;
    if (n) *n = got;
    return p;
}
static void h_remove(const char *path) /* with all below */
{
    struct stat st;
    struct dirent *d;
    DIR *folder;
    char below[1300];
    if (lstat(path, &st)) return;
    if (!S_ISDIR(st.st_mode)) {
        unlink(path);
        return;
    }
    folder = opendir(path);
    while (folder && (d = readdir(folder)) != NULL) {
        if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..")) continue;
        snprintf(below, sizeof below, "%s/%s", path, d->d_name);
        h_remove(below);
    }
    if (folder) closedir(folder);
    rmdir(path);
}
/* Runs an example with its options up to NULL; standard output and errors go to h_path("out") and
   h_path("err"). Returns its exit status, 128 + the signal that ended it, or -1 with a skip where
   the examples are not built. */
H_HELPER static int h_program(const char *const *args)
{
    const char *path = h_join(h_build, h_join("examples", args[0]));
    char *copy[40];
    struct rusage before, after;
    int n = 0, status = 0;
    pid_t pid;
    if (access(path, X_OK)) {
        H_SKIP("%s is not built", path);
        return -1;
    }
    for (; args[n] && n < 39; ++n) copy[n] = strdup(n ? args[n] : path);
    copy[n] = NULL;
    getrusage(RUSAGE_CHILDREN, &before);
    pid = fork();
    if (pid == 0) {
        const int out = open(h_path("out"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        const int err = open(h_path("err"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (out < 0 || err < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) _exit(125);
        alarm(120);
        execv(path, copy);
        _exit(126);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) abort();
    getrusage(RUSAGE_CHILDREN, &after);
    H(after.ru_utime.tv_sec - before.ru_utime.tv_sec <= (long)(10 * SECONDS), "%s took %ld s", path,
      (long)(after.ru_utime.tv_sec - before.ru_utime.tv_sec));
    for (; n > 0; --n) free(copy[n - 1]);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
/* Whether a file that h_program left, "out" or "err", has words. */
H_HELPER static int h_has(const char *name, const char *words)
{
    char *text = h_read(h_path(name), NULL);
    const int ok = text && strstr(text, words) != NULL;
    free(text);
    return ok;
}

#include "hostile_files.h"
#include "hostile_weights.h"
#include "hostile_images.h"
#include "hostile_json.h"
#include "hostile_metrics.h"
#include "hostile_faults.h"

/* ---- the list ---- */

static const struct {
    const h_row *rows;
    size_t count;
    const char *file;
} groups[] = {
    { hostile_files, sizeof hostile_files / sizeof(h_row), "hostile_files.h" },
    { hostile_weights, sizeof hostile_weights / sizeof(h_row), "hostile_weights.h" },
    { hostile_images, sizeof hostile_images / sizeof(h_row), "hostile_images.h" },
    { hostile_json, sizeof hostile_json / sizeof(h_row), "hostile_json.h" },
    { hostile_metrics, sizeof hostile_metrics / sizeof(h_row), "hostile_metrics.h" },
    { hostile_faults, sizeof hostile_faults / sizeof(h_row), "hostile_faults.h" },
};
enum { GROUPS = sizeof groups / sizeof groups[0], SCRIPTS = 16 };

static const h_row *row_at(size_t i, const char **file) /* NULL behind the last */
{
    size_t g;
    for (g = 0; g < GROUPS; i -= groups[g++].count)
        if (i < groups[g].count) {
            if (file) *file = groups[g].file;
            return &groups[g].rows[i];
        }
    return NULL;
}
static void print_list(void)
{
    const char *file;
    const h_row *r;
    size_t i;
    for (i = 0; (r = row_at(i, &file)) != NULL; ++i) {
        printf("%-3s  %s\n     ", r->id, r->title);
        if (r->run) printf("checked in tests/%s\n", file);
        if (r->script) printf("%schecked by tests/%s\n", r->run ? "     " : "", r->script);
        if (r->reason) printf("%sexplained: %s\n", r->run || r->script ? "     " : "", r->reason);
        if (!r->run && !r->script && !r->reason) printf("not covered yet\n");
    }
    printf("%zu rows\n", i);
}
/* Status of a script, run once however many rows it covers: 0 passed, 1 failed, 2 checked nothing.
   What it skips is printed. */
static int script_fails(const char *name)
{
    static const char *names[SCRIPTS];
    static int status[SCRIPTS];
    char command[1500], *text, *p;
    int i;
    for (i = 0; i < SCRIPTS && names[i]; ++i)
        if (!strcmp(names[i], name)) return status[i];
    if (i == SCRIPTS) return 1;
    names[i] = name;
    snprintf(command, sizeof command, "B='%s' sh tests/%s >'%s' 2>&1", h_build, name,
             h_path("script"));
    status[i] = system(command) != 0;
    text = h_read(h_path("script"), NULL);
    if (status[i]) printf("%s\n", text ? text : "");
    else if (!text || strstr(text, ": 0 passed")) status[i] = 2;
    for (p = text; p && !status[i] && (p = strstr(p, "SKIP ")) != NULL; p += 5)
        if (p == text || p[-1] == '\n') printf("%.*s\n", (int)strcspn(p, "\n"), p);
    free(text);
    return status[i];
}
/* A word of the script, so that its check can be found. */
static int script_names(const char *script, const char *id)
{
    char *text = h_read(h_join("tests", script), NULL), *p = text;
    int found = 0;
    for (; p && !found && (p = strstr(p, id)) != NULL; ++p)
        found = (p == text || !strchr("ABCDEFG0123456789", p[-1])) &&
                !strchr("0123456789", p[strlen(id)] ? p[strlen(id)] : ' ');
    free(text);
    return found;
}
enum { PASSED, FAILED, SKIPPED, EXPLAINED, SCRIPTED, OUTCOMES };
static int run_row(const h_row *r, int with_scripts)
{
    const int passed = t_passed, failed = t_failed, skipped = t_skipped;
    int k;
    h_now = r;
    h_most_seconds = 0;
    h_most_bytes = 0;
    if (r->run) r->run();
    if (r->script) {
        H(script_names(r->script, r->id), "tests/%s has no check of this row", r->script);
        if (with_scripts && (k = script_fails(r->script)) != 2)
            H(!k, "tests/%s failed", r->script);
        else if (with_scripts) H_SKIP("tests/%s checked nothing", r->script);
    }
    if (!r->run && !r->script && !r->reason) H_SKIP("%s: not covered yet", r->title);
    if (t_failed > failed) return FAILED;
    if (!r->run && t_skipped > skipped) return SKIPPED;
    if (r->run || (r->script && with_scripts)) return t_passed > passed ? PASSED : SKIPPED;
    return r->script ? SCRIPTED : EXPLAINED;
}

int main(int argc, char **argv)
{
    static const char *const words[] = { "passed", "FAILED", "skipped", "explained", "by script" };
    const char *tmp = getenv("TMPDIR"), *slash = strrchr(argv[0], '/');
    int with_scripts = 0, only = 0, k, of[OUTCOMES] = { 0 };
    size_t i, rows = 0;
    const h_row *r;
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(h_build, sizeof h_build, "%.*s/..", slash ? (int)(slash - argv[0]) : 1,
             slash ? argv[0] : ".");
    for (k = 1; k < argc; ++k) {
        if (!strcmp(argv[k], "--list")) {
            print_list();
            return 0;
        }
        if (!strcmp(argv[k], "--scripts")) with_scripts = 1;
        else ++only;
    }
    snprintf(h_dir, sizeof h_dir, "%s/paw_hostile_XXXXXX", tmp && *tmp ? tmp : P_tmpdir);
    if (!mkdtemp(h_dir)) abort();
    ctx = h_context(1, 0);
    for (i = 0; (r = row_at(i, NULL)) != NULL; ++i) {
        const int before = t_passed;
        int outcome, wanted = !only;
        for (k = 1; k < argc; ++k) wanted |= !strcmp(argv[k], r->id);
        if (!wanted) continue;
        outcome = run_row(r, with_scripts);
        ++of[outcome];
        ++rows;
        printf("%-3s %-9s %4d checks %6.2f s %5.1f MB  %s\n", r->id, words[outcome],
               t_passed - before, h_most_seconds, (double)h_most_bytes / (double)MEGA, r->title);
    }
    paw_destroy(ctx);
    T(!meter.live, "%zu bytes are still held", meter.live);
    h_remove(h_dir);
    printf("%zu rows: %d passed, %d explained", rows, of[PASSED], of[EXPLAINED]);
    if (of[SCRIPTED]) printf(", %d by scripts", of[SCRIPTED]);
    if (of[SKIPPED]) printf(", %d skipped", of[SKIPPED]);
    if (of[FAILED]) printf(", %d failed", of[FAILED]);
    printf("\n");
    return t_end("hostile");
}
