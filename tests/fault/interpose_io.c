/* System calls on descriptors. The _chk and _2 names are what fortified callers call instead. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/fault/interpose.h"

ssize_t __read_chk(int fd, void *bytes, size_t n, size_t room);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);

REPLACES(read);
REPLACES(readv);
REPLACES(write);
REPLACES(writev);
REPLACES(send);
REPLACES(sendmsg);
REPLACES(open);
REPLACES(open64);
REPLACES(openat);
REPLACES(close);
REPLACES(fsync);
REPLACES(rename);
REPLACES(__read_chk);
REPLACES(__open_2);
REPLACES(__open64_2);
REPLACES(__openat_2);

static size_t at_most(size_t n, size_t max)
{
    return n < max ? n : max;
}

ssize_t OURS(read)(int fd, void *bytes, size_t n)
{
    DECIDE(FAULT_READ, fd);
    return REAL(read)(fd, bytes, at_most(n, verdict.max_bytes));
}

ssize_t OURS(__read_chk)(int fd, void *bytes, size_t n, size_t room)
{
    DECIDE(FAULT_READ, fd);
    return REAL(__read_chk)(fd, bytes, at_most(n, verdict.max_bytes), room);
}

ssize_t OURS(write)(int fd, const void *bytes, size_t n)
{
    DECIDE(FAULT_WRITE, fd);
    return REAL(write)(fd, bytes, at_most(n, verdict.max_bytes));
}

ssize_t OURS(send)(int fd, const void *bytes, size_t n, int flags)
{
    DECIDE(FAULT_SEND, fd);
    return REAL(send)(fd, bytes, at_most(n, verdict.max_bytes), flags);
}

/* The first part of a scattered transfer that must fall short. */
static struct iovec first_part(const struct iovec *parts, size_t max)
{
    return (struct iovec){parts[0].iov_base, at_most(parts[0].iov_len, max)};
}

ssize_t OURS(readv)(int fd, const struct iovec *parts, int n)
{
    DECIDE(FAULT_READ, fd);
    if (n > 0 && verdict.max_bytes != SIZE_MAX) {
        struct iovec part = first_part(parts, verdict.max_bytes);

        return REAL(readv)(fd, &part, 1);
    }
    return REAL(readv)(fd, parts, n);
}

ssize_t OURS(writev)(int fd, const struct iovec *parts, int n)
{
    DECIDE(FAULT_WRITE, fd);
    if (n > 0 && verdict.max_bytes != SIZE_MAX) {
        struct iovec part = first_part(parts, verdict.max_bytes);

        return REAL(writev)(fd, &part, 1);
    }
    return REAL(writev)(fd, parts, n);
}

ssize_t OURS(sendmsg)(int fd, const struct msghdr *message, int flags)
{
    struct msghdr cut = *message;
    struct iovec part;
    DECIDE(FAULT_SEND, fd);

    if (cut.msg_iovlen > 0 && verdict.max_bytes != SIZE_MAX) {
        part = first_part(cut.msg_iov, verdict.max_bytes);
        cut.msg_iov = &part;
        cut.msg_iovlen = 1;
    }
    return REAL(sendmsg)(fd, &cut, flags);
}

/* The mode argument exists only with these flags. */
static mode_t mode_of(int flags, va_list ap)
{
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(ap, mode_t) : 0;
}

/* name with these parameters before the flags, passed on unchanged. */
#define OPENS(name, parameters, handed_on)                                                         \
    int OURS(name)(UNWRAP parameters, int flags, ...)                                              \
    {                                                                                              \
        va_list ap;                                                                                \
        mode_t mode;                                                                               \
        DECIDE(FAULT_OPEN, -1);                                                                    \
                                                                                                   \
        va_start(ap, flags);                                                                       \
        mode = mode_of(flags, ap);                                                                 \
        va_end(ap);                                                                                \
        return REAL(name)(UNWRAP handed_on, flags, mode);                                          \
    }                                                                                              \
    int OURS(__##name##_2)(UNWRAP parameters, int flags)                                           \
    {                                                                                              \
        DECIDE(FAULT_OPEN, -1);                                                                    \
        return REAL(__##name##_2)(UNWRAP handed_on, flags);                                        \
    }
#define UNWRAP(...) __VA_ARGS__

OPENS(open, (const char *path), (path))
OPENS(open64, (const char *path), (path))
OPENS(openat, (int dir, const char *path), (dir, path))

int OURS(close)(int fd)
{
    struct fault_verdict verdict = fault_decide(FAULT_CLOSE, fd, __builtin_return_address(0));
    int rc = REAL(close)(fd);

    if (!verdict.error)
        return rc;
    errno = verdict.error;
    return -1;
}

int OURS(fsync)(int fd)
{
    DECIDE(FAULT_FSYNC, fd);
    return REAL(fsync)(fd);
}

int OURS(rename)(const char *from, const char *to)
{
    DECIDE(FAULT_RENAME, -1);
    return REAL(rename)(from, to);
}
