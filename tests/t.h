/* Test plumbing: named checks, counted; a failure prints its place, a skip its reason.
   Every test program ends with t_end("name"): "name: N passed, N failed, N skipped". */
#ifndef PAW_TEST_T_H
#define PAW_TEST_T_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int t_passed, t_failed, t_skipped;

static inline void t_vsay(const char *kind, const char *file, int line, const char *format,
                          va_list args)
{
    printf("%s %s:%d: ", kind, file, line);
    vprintf(format, args);
    printf("\n");
    fflush(stdout);
}
/* One named check; returns ok. */
__attribute__((format(printf, 4, 5), unused)) static int t_check(int ok, const char *file, int line,
                                                                 const char *format, ...)
{
    va_list args;
    if (ok) {
        ++t_passed;
        return 1;
    }
    ++t_failed;
    va_start(args, format);
    t_vsay("FAIL", file, line, format, args);
    va_end(args);
    return 0;
}
__attribute__((format(printf, 3, 4), unused)) static void t_skip_at(const char *file, int line,
                                                                    const char *format, ...)
{
    va_list args;
    ++t_skipped;
    va_start(args, format);
    t_vsay("SKIP", file, line, format, args);
    va_end(args);
}
#define T(ok, ...) t_check(!!(ok), __FILE__, __LINE__, __VA_ARGS__)
#define T_SKIP(...) t_skip_at(__FILE__, __LINE__, __VA_ARGS__)

/* The folder of real data beside the project, or NULL. */
__attribute__((unused)) static const char *t_shared(void)
{
    const char *s = getenv("PAW_SHARED");
    FILE *f;
    static char path[1024];
    if (!s || !*s) s = "../shared";
    snprintf(path, sizeof path, "%s/golden/meta.json", s);
    f = fopen(path, "rb");
    if (!f) return NULL;
    fclose(f);
    return s;
}

static uint64_t t_seed = 1;
/* splitmix64: the same stream on every machine */
__attribute__((unused)) static uint64_t t_random(void)
{
    uint64_t z = (t_seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
__attribute__((unused)) static float t_uniform(void) /* [-1, 1) */
{
    return (float)((double)(t_random() >> 40) / 8388608.0 - 1.0);
}

__attribute__((unused)) static int t_end(const char *name)
{
    printf("%s: %d passed, %d failed, %d skipped\n", name, t_passed, t_failed, t_skipped);
    return t_failed ? 1 : 0;
}
#endif
