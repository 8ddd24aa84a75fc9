/* Makes one call of a program fail as a disk would: preloaded by the tests of storage faults.
 *
 *   FAULT_FOLDER   only files below this folder count
 *   FAULT_CALL     sync, write, read, open, truncate or map
 *   FAULT_AT       which of them fails, the first is 1; 0: none, they are only counted
 *   FAULT_ERRNO    with what
 *   FAULT_STAYS    if set, all calls after that one that change anything fail too
 *   FAULT_LOG      a file that is told "fault PATH", "DELE after the fault", and at the end "count CALL N"
 *
 * Counted over all threads: strace counts by thread, which is another N each time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

enum { SYNC, WRITE, READ, OPEN, TRUNCATE, MAP, CALLS };
static const char *const NAMES[CALLS] = {"sync", "write", "read", "open", "truncate", "map"};
static atomic_long seen[CALLS];
static atomic_int broken;

static void tell(const char *line) {
    const char *path = getenv("FAULT_LOG");
    int (*open_it)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    ssize_t (*write_it)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    int log = path ? open_it(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (log >= 0) {
        if (write_it(log, line, strlen(line)) < 0) abort();
        close(log);
    }
}

static int counts(const char *path) {
    const char *folder = getenv("FAULT_FOLDER");
    size_t length = folder ? strlen(folder) : 0;
    return length && !strncmp(path, folder, length);
}

static int fails(int call, const char *path) {
    if (!counts(path)) return 0;
    long now = atomic_fetch_add(&seen[call], 1) + 1;
    const char *wanted = getenv("FAULT_CALL"), *at = getenv("FAULT_AT"), *with = getenv("FAULT_ERRNO");
    int it = wanted && at && !strcmp(wanted, NAMES[call]) && now == atol(at);
    int after = getenv("FAULT_STAYS") && atomic_load(&broken) && call != READ;
    if (!it && !after) return 0;
    if (it) {
        char line[PATH_MAX + 16];
        snprintf(line, sizeof line, "fault %s\n", path);
        atomic_store(&broken, 1);
        tell(line);
    }
    errno = with ? atoi(with) : EIO;
    return 1;
}

static int fails_on(int call, int file) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails(call, path);
}

__attribute__((destructor)) static void at_the_end(void) {
    for (int call = 0; call < CALLS; call++) {
        char line[64];
        if (!atomic_load(&seen[call])) continue;
        snprintf(line, sizeof line, "count %s %ld\n", NAMES[call], atomic_load(&seen[call]));
        tell(line);
    }
}

#define FIND(name)                                                                                                     \
    if (!next) next = dlsym(RTLD_NEXT, name)
#define ON_FILE(type, name, call, parameters, arguments)                                                                \
    type name parameters {                                                                                             \
        static type(*next) parameters;                                                                                 \
        if (fails_on(call, file)) return -1;                                                                           \
        FIND(#name);                                                                                                   \
        return next arguments;                                                                                         \
    }

ON_FILE(int, fsync, SYNC, (int file), (file))
ON_FILE(int, fdatasync, SYNC, (int file), (file))
ON_FILE(ssize_t, write, WRITE, (int file, const void *from, size_t count), (file, from, count))
ON_FILE(ssize_t, pwrite, WRITE, (int file, const void *from, size_t count, off_t at), (file, from, count, at))
ON_FILE(ssize_t, pwrite64, WRITE, (int file, const void *from, size_t count, off64_t at), (file, from, count, at))
ON_FILE(ssize_t, read, READ, (int file, void *to, size_t count), (file, to, count))
ON_FILE(ssize_t, pread, READ, (int file, void *to, size_t count, off_t at), (file, to, count, at))
ON_FILE(ssize_t, pread64, READ, (int file, void *to, size_t count, off64_t at), (file, to, count, at))
ON_FILE(int, ftruncate, TRUNCATE, (int file, off_t length), (file, length))
ON_FILE(int, ftruncate64, TRUNCATE, (int file, off64_t length), (file, length))

#define OPENS(name)                                                                                                    \
    int name(const char *path, int flags, ...) {                                                                       \
        static int (*next)(const char *, int, ...);                                                                    \
        va_list list;                                                                                                  \
        va_start(list, flags);                                                                                         \
        int mode = flags & O_CREAT ? va_arg(list, int) : 0;                                                            \
        va_end(list);                                                                                                  \
        if (fails(OPEN, path)) return -1;                                                                              \
        FIND(#name);                                                                                                   \
        return next(path, flags, mode);                                                                                \
    }
OPENS(open)
OPENS(open64)

#define MAPS(name, offset)                                                                                             \
    void *name(void *at, size_t length, int protection, int flags, int file, offset from) {                            \
        static void *(*next)(void *, size_t, int, int, int, offset);                                                   \
        if (file >= 0 && fails_on(MAP, file)) return MAP_FAILED;                                                       \
        FIND(#name);                                                                                                   \
        return next(at, length, protection, flags, file, from);                                                        \
    }
MAPS(mmap, off_t)
MAPS(mmap64, off64_t)

ssize_t send(int socket, const void *from, size_t count, int flags) {
    static ssize_t (*next)(int, const void *, size_t, int);
    if (atomic_load(&broken) && memmem(from, count, "DELE ", 5)) tell("DELE after the fault\n");
    FIND("send");
    return next(socket, from, count, flags);
}
