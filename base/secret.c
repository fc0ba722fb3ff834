/* Pages for secrets: mapped, locked, wiped. */
#include "base/secret.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static size_t whole_pages(size_t n)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return n == 0 ? page : (n + page - 1) / page * page;
}

char *secret_alloc(size_t n)
{
    void *pages;

    if (n > SIZE_MAX / 2)
        return NULL;
    n = whole_pages(n);
    pages = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    (void)madvise(pages, n, MADV_DONTDUMP);
    (void)mlock(pages, n); /* the limit may be 0: it is still not dumped, and wiped */
    return pages;
}

struct view secret_copy(struct view bytes)
{
    char *copy = secret_alloc(bytes.len);

    if (copy && bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    return (struct view){copy, copy ? bytes.len : 0};
}

void secret_free(struct view *secret)
{
    void *pages = (void *)(uintptr_t)secret->ptr;
    size_t n = whole_pages(secret->len);

    if (pages) {
        explicit_bzero(pages, n);
        munmap(pages, n);
    }
    *secret = (struct view){0};
}

/* One byte more than the limit, to detect a longer file. */
static int read_all(int fd, char *bytes, size_t *len)
{
    *len = 0;
    while (*len < SECRET_MAX_BYTES + 1) {
        ssize_t n = read(fd, bytes + *len, SECRET_MAX_BYTES + 1 - *len);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        if (n == 0)
            break;
        *len += (size_t)n;
    }
    return 0;
}

static size_t without_line_ends(const char *bytes, size_t len)
{
    while (len && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
        len--;
    return len;
}

int secret_read(const char *path, struct view *out, struct err *err)
{
    char *bytes = secret_alloc(SECRET_MAX_BYTES + 1);
    struct view all = {bytes, SECRET_MAX_BYTES + 1};
    struct stat st;
    size_t len;
    int fd = -1, rc = -1;

    if (!bytes)
        return err_set(err, ERR_NOMEM, "%s: out of memory", path);
    fd = file_open(path, &st, err);
    if (fd == -1)
        goto out;
    if (read_all(fd, bytes, &len)) {
        err_set_errno(err, ERR_NOINPUT, "%s", path);
        goto out;
    }
    if (len > SECRET_MAX_BYTES) {
        err_set(err, ERR_DATA, "%s: more than %d bytes", path, SECRET_MAX_BYTES);
        goto out;
    }
    len = without_line_ends(bytes, len);
    if (len == 0) {
        err_set(err, ERR_DATA, "%s: the file is empty", path);
        goto out;
    }
    *out = secret_copy((struct view){bytes, len});
    rc = out->ptr ? 0 : err_set(err, ERR_NOMEM, "%s: out of memory", path);
out:
    if (fd != -1)
        close(fd);
    secret_free(&all);
    return rc;
}

const char *secret_exposed(const char *path, mode_t *mode)
{
    static const struct {
        mode_t bit;
        const char *phrase;
    } rows[] = {{S_IWOTH, "is writable by everyone"},
                {S_IROTH, "is readable by others"},
                {S_IWGRP, "is writable by its group"},
                {S_IRGRP, "is readable by its group"}};
    struct stat st;

    if (stat(path, &st) == -1)
        return NULL;
    *mode = st.st_mode & 07777;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (st.st_mode & rows[i].bit)
            return rows[i].phrase;
    return NULL;
}
