/* A disk that fails: preloaded into a program, it counts the operations that change files below
   FAILING_DISK_FOLDER, and lets the n-th of them fail, or all from the n-th on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long calls, first = -1, last = -1;
static int number;

/* Let operations `from` to `to` fail with `error`; counting starts anew. */
void disk_fail(long from, long to, int error) { calls = 0; first = from; last = to; number = error; }
long disk_calls(void) { return calls; }

static int below(const char *path) {
    const char *folder = getenv("FAILING_DISK_FOLDER");
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int fails(const char *path) {
    if (first < 0 || !below(path)) return 0;
    long now = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    if (now < first || now > last) return 0;
    errno = number;
    return 1;
}

static int fails_at(int fd) {
    char link[64], path[4096];
    if (first < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails(path);
}

#define REAL(type, name) ((type)dlsym(RTLD_NEXT, name))
#define BY_HANDLE(result, name, declared, passed)                                   \
    result name declared {                                                          \
        return fails_at(fd) ? -1 : REAL(result(*) declared, #name) passed;          \
    }
#define BY_NAME(name, declared, passed)                                             \
    int name declared { return fails(path) ? -1 : REAL(int(*) declared, #name) passed; }

BY_HANDLE(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
BY_HANDLE(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
BY_HANDLE(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
BY_HANDLE(int, fsync, (int fd), (fd))
BY_HANDLE(int, fdatasync, (int fd), (fd))
BY_HANDLE(int, ftruncate, (int fd, off_t size), (fd, size))
BY_HANDLE(int, ftruncate64, (int fd, off64_t size), (fd, size))
BY_NAME(mkdir, (const char *path, mode_t mode), (path, mode))
BY_NAME(rename, (const char *path, const char *to), (path, to))

#define OPENING(name)                                                               \
    int name(const char *path, int flags, ...) {                                    \
        va_list rest;                                                               \
        va_start(rest, flags);                                                      \
        mode_t mode = va_arg(rest, mode_t);                                         \
        va_end(rest);                                                               \
        if (flags & (O_CREAT | O_TRUNC) && fails(path)) return -1;                  \
        return REAL(int (*)(const char *, int, ...), #name)(path, flags, mode);     \
    }
OPENING(open)
OPENING(open64)
