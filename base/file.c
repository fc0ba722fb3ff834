/* Reads files whole, and replaces them by rename. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP_BYTES ((size_t)64 * 1024)

/* Non-blocking, or opening a FIFO in place of the file would wait for a writer. */
int file_open(const char *path, struct stat *st, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd == -1)
        return err_set_errno(err, ERR_NOINPUT, "%s", path);
    if (fstat(fd, st) == -1) {
        err_set_errno(err, ERR_NOINPUT, "%s", path);
        close(fd);
        return -1;
    }
    if (!S_ISREG(st->st_mode)) {
        close(fd);
        return err_set(err, ERR_NOINPUT, "%s: not a regular file", path);
    }
    return fd;
}

/* The reported size is only an estimate: the file may grow, and in /proc it is 0. */
static int read_all(int fd, const char *path, size_t max_bytes, struct buf *out, struct err *err)
{
    for (;;) {
        size_t room = out->capacity > out->len + 1 ? out->capacity - out->len - 1 : READ_STEP_BYTES;
        char *p = buf_reserve(out, room + 1);
        ssize_t n;

        if (!p)
            return err_set(err, ERR_NOMEM, "%s: out of memory", path);
        n = read(fd, p, room);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return err_set_errno(err, ERR_NOINPUT, "%s", path);
        if (n == 0)
            return 0;
        out->len += (size_t)n;
        if (out->len > max_bytes)
            return err_set(err, ERR_DATA, "%s: more than %zu bytes", path, max_bytes);
    }
}

int file_read(const char *path, size_t max_bytes, struct buf *out, struct err *err)
{
    struct stat st;
    int rc = -1;
    int fd;

    buf_clear(out);
    fd = file_open(path, &st, err);
    if (fd == -1)
        return -1;
    if ((uintmax_t)st.st_size > max_bytes) {
        err_set(err, ERR_DATA, "%s: more than %zu bytes", path, max_bytes);
        goto out;
    }
    /* One byte to detect the end of file, one for the NUL, so that the file is read without growing
     * the buffer. */
    if (!buf_reserve(out, (size_t)st.st_size + 2)) {
        err_set(err, ERR_NOMEM, "%s: out of memory", path);
        goto out;
    }
    if (read_all(fd, path, max_bytes, out, err))
        goto out;
    buf_str(out);
    rc = 0;
out:
    close(fd);
    return rc;
}

static int write_all(int fd, struct view bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        bytes.ptr += n;
        bytes.len -= (size_t)n;
    }
    return 0;
}

/* The rename itself must be on disk too. A directory that cannot be synced (some network mounts) is
 * not an error. */
static void sync_folder_of(const char *path)
{
    char dir[4096];
    const char *slash = strrchr(path, '/');
    int len = slash ? (int)(slash - path) : 1;
    int fd;

    if (snprintf(dir, sizeof(dir), "%.*s", len ? len : 1, slash ? path : ".") >= (int)sizeof(dir))
        return;
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1)
        return;
    (void)fsync(fd);
    close(fd);
}

/* Creates a file beside path under an unpredictable name. */
static int create_beside(const char *path, char *out, size_t size, struct err *err)
{
    for (int tries = 0;; tries++) {
        uint64_t random;
        int fd, len;

        if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
            return err_set_errno(err, ERR_UNAVAILABLE, "random numbers");
        len = snprintf(out, size, "%s.%016llx.tmp", path, (unsigned long long)random);
        if (len < 0 || (size_t)len >= size)
            return err_set(err, ERR_NOINPUT, "%s: path too long", path);
        fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd != -1)
            return fd;
        if (errno != EEXIST || tries == 10)
            return err_set_errno(err, ERR_NOINPUT, "%s", out);
    }
}

/* The replaced file may have a stricter mode than a new one. */
static int take_mode(int fd, const char *path)
{
    struct stat st;

    if (stat(path, &st) == -1 || !S_ISREG(st.st_mode))
        return 0;
    return fchmod(fd, st.st_mode & 07777);
}

/* A terminal, a pipe, /dev/null: a rename would replace it with a file, which as root would break
 * the whole system. */
static bool is_special(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static int write_in_place(const char *path, struct view bytes, struct err *err)
{
    int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC), rc;

    if (fd == -1)
        return err_set_errno(err, ERR_NOINPUT, "%s", path);
    rc = write_all(fd, bytes) ? err_set_errno(err, ERR_NOINPUT, "%s", path) : 0;
    if (close(fd) == -1 && rc == 0)
        rc = err_set_errno(err, ERR_NOINPUT, "%s", path);
    return rc;
}

int file_write(const char *path, struct view bytes, struct err *err)
{
    char temporary[4096];
    int fd;

    if (is_special(path))
        return write_in_place(path, bytes, err);
    fd = create_beside(path, temporary, sizeof(temporary), err);
    if (fd == -1)
        return -1;
    if (take_mode(fd, path) == -1 || write_all(fd, bytes) || fsync(fd) == -1) {
        err_set_errno(err, ERR_NOINPUT, "%s", temporary);
        close(fd);
        goto out;
    }
    if (close(fd) == -1 || rename(temporary, path) == -1) {
        err_set_errno(err, ERR_NOINPUT, "%s", path);
        goto out;
    }
    sync_folder_of(path);
    return 0;
out:
    unlink(temporary);
    return -1;
}
