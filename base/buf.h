/*
 * struct buf: bytes that grow. Failure is sticky: appends after an out-of-memory do nothing and
 * buf_failed() reports it at the end, so writers need no check at each step. buf_clear() keeps the
 * memory.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

struct buf {
    char *ptr; /* heap, ours */
    size_t len;
    size_t capacity;
    bool failed;
};

#define BUF_INIT ((struct buf){0})

void buf_release(struct buf *buf);
void buf_clear(struct buf *buf);
/* Makes room for n more bytes, as buf_reserve(), which calls this only when there is none. */
char *buf_grow(struct buf *buf, size_t n);
void buf_add(struct buf *buf, const void *bytes, size_t n);
void buf_add_view(struct buf *buf, struct view v);
void buf_add_str(struct buf *buf, const char *s);
void buf_add_int(struct buf *buf, int64_t v); /* decimal */
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* NUL-terminates without counting it; "" when empty or failed. */
const char *buf_str(struct buf *buf);

/* Room for n more bytes; NULL, with sticky failure, when out of memory. The caller adds to len. */
static inline char *buf_reserve(struct buf *buf, size_t n)
{
    return n < buf->capacity - buf->len && !buf->failed ? buf->ptr + buf->len : buf_grow(buf, n);
}

static inline bool buf_failed(const struct buf *buf)
{
    return buf->failed;
}

static inline struct view buf_view(const struct buf *buf)
{
    return (struct view){buf->ptr, buf->len};
}

#endif
