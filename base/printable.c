/* Replaces or escapes what a terminal would interpret. */
#include "base/printable.h"

#include <string.h>

#include "base/utf8.h"

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* A real U+FFFD takes three bytes that are valid; a malformed part does not. */
static bool is_malformed(const char *p, size_t n, uint32_t c)
{
    return c == UTF8_REPLACEMENT && !utf8_valid((struct view){p, n});
}

void printable_blank(char *text)
{
    const size_t len = strlen(text);
    char *out = text;
    uint32_t c;

    for (size_t at = 0, n; at < len; at += n) {
        n = utf8_decode(text + at, len - at, &c);
        if (is_control(c) || is_malformed(text + at, n, c)) {
            *out++ = ' ';
            continue;
        }
        memmove(out, text + at, n);
        out += n;
    }
    *out = 0;
}

void printable_add(struct buf *out, struct view v)
{
    char text[UTF8_MAX_BYTES];
    uint32_t c;

    for (size_t at = 0; at < v.len;) {
        at += utf8_decode(v.ptr + at, v.len - at, &c);
        if (is_control(c))
            buf_printf(out, "\\u%04x", c);
        else
            buf_add(out, text, utf8_encode(c, text));
    }
}
