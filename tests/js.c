/* Writes texts into a ring of buffers. */
#include "tests/js.h"

struct buf *js_buf(void)
{
    static struct buf ring[64];
    static int turn;
    struct buf *out = &ring[turn++ % COUNT(ring)];

    buf_clear(out);
    return out;
}

const char *vjs(const char *fmt, va_list ap)
{
    struct buf *out = js_buf();
    va_list again;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    CHECK(n >= 0 && buf_reserve(out, (size_t)n + 1));
    vsnprintf(out->ptr, (size_t)n + 1, fmt, ap);
    out->len = (size_t)n;
    for (size_t i = 0; i < out->len; i++)
        if (out->ptr[i] == '\'')
            out->ptr[i] = '"';
    return buf_str(out);
}

const char *js(const char *fmt, ...)
{
    const char *text;
    va_list ap;

    va_start(ap, fmt);
    text = vjs(fmt, ap);
    va_end(ap);
    return text;
}

static const char *numbered(int n, const char *item, const char *between)
{
    struct buf *out = js_buf();

    for (int i = 0; i < n; i++) {
        buf_add_str(out, i ? between : "");
        for (const char *c = item; *c; c++)
            if (*c == '#')
                buf_printf(out, "%d", i);
            else
                buf_add(out, *c == '\'' ? "\"" : c, 1);
    }
    return buf_str(out);
}

const char *js_repeat(int n, const char *item)
{
    return numbered(n, item, "");
}

const char *js_list(int n, const char *item)
{
    return numbered(n, item, ",");
}
