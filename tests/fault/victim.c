/*
 * usage: fault_victim CALL N: makes a call N times and prints the result: a number, or the name of
 * errno. "line CALL N": waits for a line on stdin before each call.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static char bytes[64];
static struct iovec parts[2] = {{bytes, 16}, {bytes + 16, 16}};
static struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
static int zero, null, pair[2];
static const char *file = "/proc/self/exe";

/* Returns 1 if it got memory, which it frees. volatile, or the compiler drops the allocation. */
static long got(void *volatile block)
{
    free(block);
    return block ? 1 : -1;
}

static void *posix_memaligned(void)
{
    void *p = NULL;

    errno = posix_memalign(&p, 64, 64);
    return p;
}

static long closed(int fd)
{
    return fd == -1 ? -1 : close(fd);
}

/* An allocation by the C library's own code. */
static long opened_file(void)
{
    FILE *f = fopen(file, "r");

    return f ? fclose(f) : -1;
}

static long monotonic_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long)t.tv_sec;
}

/* name, return value */
#define CALLS(X)                                                                                   \
    X(malloc, got(malloc(10)))                                                                     \
    X(calloc, got(calloc(2, 10)))                                                                  \
    X(realloc, got(realloc(NULL, 10)))                                                             \
    X(aligned_alloc, got(aligned_alloc(64, 64)))                                                   \
    X(posix_memalign, got(posix_memaligned()))                                                     \
    X(read, read(zero, bytes, 32))                                                                 \
    X(readv, readv(zero, parts, 2))                                                                \
    X(write, write(null, bytes, 32))                                                               \
    X(writev, writev(null, parts, 2))                                                              \
    X(send, send(pair[0], bytes, 32, MSG_DONTWAIT))                                                \
    X(sendmsg, sendmsg(pair[0], &message, MSG_DONTWAIT))                                           \
    X(open, closed(open(file, O_RDONLY)))                                                          \
    X(openat, closed(openat(AT_FDCWD, file, O_RDONLY)))                                            \
    X(close, close(dup(zero)))                                                                     \
    X(fsync, fsync(STDIN_FILENO))                                                                  \
    X(rename, rename("/no/such/file", "/no/such/other"))                                           \
    X(monotonic, monotonic_s())                                                                    \
    X(wall, (long)time(NULL))                                                                      \
    X(geteuid, (long)geteuid())                                                                    \
    X(fopen, opened_file())

#define X(name, expr)                                                                              \
    static long call_##name(void)                                                                  \
    {                                                                                              \
        return expr;                                                                               \
    }
CALLS(X)
#undef X

static const struct {
    const char *name;
    long (*make)(void);
} calls[] = {
#define X(name, expr) {#name, call_##name},
    CALLS(X)
#undef X
};

/* By the raw system call, which is not replaced. */
static void report(long result)
{
    char text[32];
    int len;

    if (result == -1)
        len = snprintf(text, sizeof(text), "%s ", strerrorname_np(errno));
    else
        len = snprintf(text, sizeof(text), "%ld ", result);
    syscall(SYS_write, STDOUT_FILENO, text, (size_t)len);
}

static void set_up(void)
{
    zero = open("/dev/zero", O_RDONLY);
    null = open("/dev/null", O_WRONLY);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
        exit(1);
}

int main(int argc, char **argv)
{
    bool by_line = argc > 1 && strcmp(argv[1], "line") == 0;
    const char *name = by_line ? argv[2] : argv[1];
    char line[8];

    if (argc != 3 + by_line)
        return 64;
    set_up();
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strcmp(calls[i].name, name) != 0)
            continue;
        for (long n = atol(argv[argc - 1]); n > 0; n--) {
            if (by_line && syscall(SYS_read, STDIN_FILENO, line, 1) != 1)
                return 1;
            report(calls[i].make());
        }
        return 0;
    }
    return 64;
}
