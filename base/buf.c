/* Growth by doubling. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/decimal.h"

void buf_release(struct buf *buf)
{
    free(buf->ptr);
    *buf = BUF_INIT;
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

/* Doubles, so that n appends cost n; at least 256, so that short texts allocate once. */
char *buf_grow(struct buf *buf, size_t n)
{
    size_t capacity = buf->capacity < 128 ? 256 : buf->capacity;
    char *p;

    if (buf->failed || n > SIZE_MAX / 4 - buf->len) {
        buf->failed = true;
        return NULL;
    }
    while (capacity < buf->len + n)
        capacity *= 2;
    p = capacity == buf->capacity ? buf->ptr : realloc(buf->ptr, capacity);
    if (!p) {
        buf->failed = true;
        return NULL;
    }
    buf->ptr = p;
    buf->capacity = capacity;
    return p + buf->len;
}

void buf_add(struct buf *buf, const void *bytes, size_t n)
{
    char *p = buf_reserve(buf, n);

    if (p && n) {
        memcpy(p, bytes, n);
        buf->len += n;
    }
}

void buf_add_view(struct buf *buf, struct view v)
{
    buf_add(buf, v.ptr, v.len);
}

void buf_add_str(struct buf *buf, const char *s)
{
    buf_add(buf, s, strlen(s));
}

void buf_add_int(struct buf *buf, int64_t v)
{
    char *p = buf_reserve(buf, DECIMAL_INT_BYTES);

    if (p)
        buf->len += decimal_int(v, p);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list ap, again;
    char *p;
    int len;

    va_start(ap, fmt);
    va_copy(again, ap);
    len = vsnprintf(NULL, 0, fmt, ap);
    p = len < 0 ? NULL : buf_reserve(buf, (size_t)len + 1);
    if (p) {
        vsnprintf(p, (size_t)len + 1, fmt, again);
        buf->len += (size_t)len;
    } else {
        buf->failed = true;
    }
    va_end(again);
    va_end(ap);
}

const char *buf_str(struct buf *buf)
{
    char *end = buf_reserve(buf, 1);

    if (!end)
        return "";
    *end = 0;
    return buf->ptr;
}
