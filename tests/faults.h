/* partaware.h with what it asks of the C library counted, and one call of it failing in the way
   that is set. The test's own calls are real. Include once, instead of partaware.h. */
#ifndef PAW_TEST_FAULTS_H
#define PAW_TEST_FAULTS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h> /* has a malloc of its own, which the library does not call */
#endif

static struct {
    long allocs, fail_alloc, live; /* of the context's allocator; fail_alloc 0: none */
    int from_then_on;              /* 1: what is asked for later fails as well */
    long past;                     /* memory taken past the allocator */
    long ops, fail_op, open;       /* of files and folders */
    int error, half;               /* errno; 1: half of a transfer is done */
    long threads, fail_thread;     /* this pthread_create and all later ones */
    FILE *bad;                     /* whose transfer has failed */
    double clock;                  /* seconds by which it has jumped */
    int paused;                    /* 1: nothing fails or counts */
    int hit;
} fault;

static void fault_disarm(void)
{
    fault.fail_alloc = fault.fail_op = fault.fail_thread = 0;
}
static void *fault_alloc(void *user, size_t bytes)
{
    const long n = __atomic_add_fetch(&fault.allocs, 1, __ATOMIC_RELAXED);
    void *p;
    (void)user;
    if (fault.fail_alloc &&
        (n == fault.fail_alloc || (fault.from_then_on && n > fault.fail_alloc))) {
        __atomic_store_n(&fault.hit, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    p = malloc(bytes);
    if (p) __atomic_add_fetch(&fault.live, 1, __ATOMIC_RELAXED);
    return p;
}
static void fault_free(void *user, void *p, size_t bytes)
{
    (void)user;
    (void)bytes;
    __atomic_sub_fetch(&fault.live, p != NULL, __ATOMIC_RELAXED);
    free(p);
}
static void *fault_past(size_t bytes)
{
    fault.past += !fault.paused;
    return malloc(bytes);
}

static int fault_op(void) /* 1: the operation that follows fails */
{
    const long n = fault.paused ? 0 : __atomic_add_fetch(&fault.ops, 1, __ATOMIC_RELAXED);
    if (fault.paused || !fault.fail_op || n != fault.fail_op) return 0;
    fault.hit = 1;
    errno = fault.error;
    return 1;
}
static FILE *fault_fopen(const char *path, const char *mode)
{
    FILE *f = fault_op() ? NULL : fopen(path, mode);
    if (f) __atomic_add_fetch(&fault.open, 1, __ATOMIC_RELAXED);
    return f;
}
static int fault_fclose(FILE *f) /* closes whatever it says */
{
    const int bad = fault_op(), error = errno, e = fclose(f);
    __atomic_sub_fetch(&fault.open, 1, __ATOMIC_RELAXED);
    if (f == fault.bad) fault.bad = NULL;
    if (bad) errno = error;
    return bad ? EOF : e;
}
static size_t fault_fread(void *p, size_t size, size_t n, FILE *f)
{
    const int bad = fault_op(), error = errno;
    const size_t got = bad && !fault.half ? 0 : fread(p, size, bad ? n / 2 : n, f);
    if (bad) {
        fault.bad = f;
        errno = error;
    }
    return got;
}
static int fault_ferror(FILE *f) { return f == fault.bad || ferror(f); }
static int fault_fseek(FILE *f, long at, int from) { return fault_op() ? -1 : fseek(f, at, from); }
static int fault_stat(const char *path, struct stat *st)
{
    return fault_op() ? -1 : stat(path, st);
}
static int fault_fsync(int fd) { return fault_op() ? -1 : fsync(fd); }
static int fault_mkdir(const char *path, mode_t mode)
{
    return fault_op() ? -1 : mkdir(path, mode);
}
static int fault_rename(const char *from, const char *to)
{
    return fault_op() ? -1 : rename(from, to);
}
static int fault_open(const char *path, int flags, mode_t mode)
{
    const int fd = fault_op() ? -1 : open(path, flags, mode);
    if (fd >= 0) __atomic_add_fetch(&fault.open, 1, __ATOMIC_RELAXED);
    return fd;
}
static ssize_t fault_write(int fd, const void *p, size_t n)
{
    const int bad = fault_op();
    if (bad && (!fault.half || n < 2)) return -1;
    return write(fd, p, bad ? n / 2 : n);
}
static int fault_close(int fd)
{
    const int bad = fault_op(), error = errno, e = close(fd);
    __atomic_sub_fetch(&fault.open, 1, __ATOMIC_RELAXED);
    if (bad) errno = error;
    return bad ? -1 : e;
}
static DIR *fault_opendir(const char *path)
{
    DIR *d = fault_op() ? NULL : opendir(path);
    if (d) __atomic_add_fetch(&fault.open, 1, __ATOMIC_RELAXED);
    return d;
}
static struct dirent *fault_readdir(DIR *d) { return fault_op() ? NULL : readdir(d); }
static int fault_closedir(DIR *d)
{
    __atomic_sub_fetch(&fault.open, 1, __ATOMIC_RELAXED);
    return closedir(d);
}
static time_t fault_time(time_t *t)
{
    (void)t;
    return time(NULL) + (time_t)fault.clock;
}
static int fault_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *),
                                void *arg)
{
    if (fault.fail_thread && ++fault.threads >= fault.fail_thread) {
        fault.hit = 1;
        return EAGAIN;
    }
    return pthread_create(t, a, fn, arg);
}

#define malloc(n) fault_past(n)
#define calloc(n, size) fault_past((n) * (size))
#define fopen(path, mode) fault_fopen(path, mode)
#define fclose(f) fault_fclose(f)
#define fread(p, size, n, f) fault_fread(p, size, n, f)
#define ferror(f) fault_ferror(f)
#define fseek(f, at, from) fault_fseek(f, at, from)
#define stat(path, st) fault_stat(path, st)
#define mkdir(path, mode) fault_mkdir(path, mode)
#define rename(from, to) fault_rename(from, to)
#define open(path, flags, mode) fault_open(path, flags, mode)
#define write(fd, p, n) fault_write(fd, p, n)
#define fsync(fd) fault_fsync(fd)
#define close(fd) fault_close(fd)
#define opendir(path) fault_opendir(path)
#define readdir(d) fault_readdir(d)
#define closedir(d) fault_closedir(d)
#define time(t) fault_time(t)
#define pthread_create(t, a, fn, arg) fault_pthread_create(t, a, fn, arg)

#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"

#undef malloc
#undef calloc
#undef fopen
#undef fclose
#undef fread
#undef ferror
#undef fseek
#undef stat
#undef mkdir
#undef rename
#undef open
#undef write
#undef fsync
#undef close
#undef opendir
#undef readdir
#undef closedir
#undef time
#undef pthread_create
#endif
