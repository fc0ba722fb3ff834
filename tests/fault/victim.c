/*
 * usage: fault_victim CALL N: makes a call N times and prints what came back: a number, or the name of errno.
 * "line CALL N": waits for a line on stdin before each call.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static char bytes[64];
static struct iovec parts[2] = {{bytes, 16}, {bytes + 16, 16}};
static int zero, null, pair[2], listener, epoll;
static const char *file = "/proc/self/exe";

static void *volatile block; /* volatile, or the compiler drops the allocation */

static long call_malloc(void)
{
    block = malloc(10);
    free(block);
    return block ? 1 : -1;
}

static long call_calloc(void)
{
    block = calloc(2, 10);
    free(block);
    return block ? 1 : -1;
}

static long call_realloc(void)
{
    block = realloc(NULL, 10);
    free(block);
    return block ? 1 : -1;
}

static long call_aligned_alloc(void)
{
    block = aligned_alloc(64, 64);
    free(block);
    return block ? 1 : -1;
}

static long call_posix_memalign(void)
{
    void *p = NULL;

    errno = posix_memalign(&p, 64, 64);
    free(p);
    return errno ? -1 : 1;
}

static long call_read(void)
{
    return read(zero, bytes, 32);
}

static long call_readv(void)
{
    return readv(zero, parts, 2);
}

static long call_write(void)
{
    return write(null, bytes, 32);
}

static long call_writev(void)
{
    return writev(null, parts, 2);
}

static long call_send(void)
{
    return send(pair[0], bytes, 32, MSG_DONTWAIT);
}

static long call_recv(void)
{
    if (write(pair[0], bytes, 32) != 32)
        return -1;
    return recv(pair[1], bytes, 32, MSG_DONTWAIT);
}

static long call_recvmsg(void)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    if (write(pair[0], bytes, 32) != 32)
        return -1;
    return recvmsg(pair[1], &message, MSG_DONTWAIT);
}

static long call_sendmsg(void)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    return sendmsg(pair[0], &message, MSG_DONTWAIT);
}

static long call_pread(void)
{
    int fd = open(file, O_RDONLY);
    long n = pread(fd, bytes, 32, 1);
    int saved = errno;

    close(fd);
    errno = saved;
    return n;
}

static long call_accept(void)
{
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK);
}

static long call_connect(void)
{
    return connect(zero, &(struct sockaddr){.sa_family = AF_UNIX}, sizeof(struct sockaddr));
}

static long call_epoll_wait(void)
{
    struct epoll_event event;

    return epoll_wait(epoll, &event, 1, 0);
}

static long call_open(void)
{
    int fd = open(file, O_RDONLY);

    return fd == -1 ? -1 : close(fd);
}

static long call_openat(void)
{
    int fd = openat(AT_FDCWD, file, O_RDONLY);

    return fd == -1 ? -1 : close(fd);
}

static long call_close(void)
{
    return close(dup(zero));
}

static long call_fsync(void)
{
    int fd = fileno(stdin);

    return fsync(fd);
}

static long call_rename(void)
{
    return rename("/no/such/file", "/no/such/other");
}

static long call_monotonic(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long)t.tv_sec;
}

static long call_wall(void)
{
    return (long)time(NULL);
}

static long call_geteuid(void)
{
    return (long)geteuid();
}

/* An allocation by the C library's own code. */
static long call_fopen(void)
{
    FILE *f = fopen(file, "r");

    return f ? fclose(f) : -1;
}

static const struct {
    const char *name;
    long (*make)(void);
} calls[] = {{"malloc", call_malloc},
             {"calloc", call_calloc},
             {"realloc", call_realloc},
             {"aligned_alloc", call_aligned_alloc},
             {"posix_memalign", call_posix_memalign},
             {"read", call_read},
             {"readv", call_readv},
             {"write", call_write},
             {"writev", call_writev},
             {"recv", call_recv},
             {"recvmsg", call_recvmsg},
             {"send", call_send},
             {"sendmsg", call_sendmsg},
             {"pread", call_pread},
             {"accept", call_accept},
             {"connect", call_connect},
             {"epoll_wait", call_epoll_wait},
             {"open", call_open},
             {"openat", call_openat},
             {"close", call_close},
             {"fsync", call_fsync},
             {"rename", call_rename},
             {"monotonic", call_monotonic},
             {"wall", call_wall},
             {"geteuid", call_geteuid},
             {"fopen", call_fopen}};

/* By the bare system call, which nobody replaces. */
static void tell(long result)
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
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    epoll = epoll_create1(0);
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
            tell(calls[i].make());
        }
        return 0;
    }
    return 64;
}
