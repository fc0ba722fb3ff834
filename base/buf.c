/* Growth by doubling. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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
static bool grow(struct buf *buf, size_t need)
{
    size_t capacity = buf->capacity < 128 ? 256 : buf->capacity;
    char *p;

    if (need > SIZE_MAX / 4)
        return false;
    while (capacity < need)
        capacity *= 2;
    p = realloc(buf->ptr, capacity);
    if (!p)
        return false;
    buf->ptr = p;
    buf->capacity = capacity;
    return true;
}

char *buf_reserve(struct buf *buf, size_t n)
{
    size_t need;

    if (buf->failed)
        return NULL;
    if (__builtin_add_overflow(buf->len, n, &need) ||
        ((need > buf->capacity || !buf->ptr) && !grow(buf, need))) {
        buf->failed = true;
        return NULL;
    }
    return buf->ptr + buf->len;
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
