/* Decodes and checks UTF-8. */
#include "base/utf8.h"

#include <string.h>

/* Properties of a lead byte: the character's length and the allowed second bytes (table 3-7 of the
 * Unicode standard); len 0: not a lead byte. */
struct lead {
    unsigned char len, second_min, second_max;
};

static struct lead lead_of(unsigned char c)
{
    if (c < 0x80)
        return (struct lead){1, 0, 0};
    if (c < 0xc2)
        return (struct lead){0, 0, 0};
    if (c < 0xe0)
        return (struct lead){2, 0x80, 0xbf};
    if (c < 0xf0)
        return (struct lead){3, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf};
    if (c < 0xf5)
        return (struct lead){4, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf};
    return (struct lead){0, 0, 0};
}

/* Bytes of the character or of the malformed part at p; *whole is set accordingly. */
static size_t measure(const unsigned char *p, size_t len, bool *whole)
{
    struct lead lead = lead_of(p[0]);
    size_t n = 1;

    *whole = lead.len == 1;
    if (lead.len < 2)
        return 1;
    if (len < 2 || p[1] < lead.second_min || p[1] > lead.second_max)
        return 1;
    for (n = 2; n < lead.len; n++)
        if (n >= len || (p[n] & 0xc0) != 0x80)
            return n;
    *whole = true;
    return n;
}

static size_t ascii_len(const char *p, size_t len)
{
    size_t at = 0;
    uint64_t eight;

    for (; at + 8 <= len; at += 8) {
        memcpy(&eight, p + at, 8);
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    while (at < len && (unsigned char)p[at] < 0x80)
        at++;
    return at;
}

size_t utf8_valid_len(struct view v)
{
    size_t at = 0;

    while (at < v.len) {
        bool whole = true;
        size_t n;

        if ((unsigned char)v.ptr[at] < 0x80) {
            at += ascii_len(v.ptr + at, v.len - at);
            continue;
        }
        n = measure((const unsigned char *)v.ptr + at, v.len - at, &whole);
        if (!whole)
            return at;
        at += n;
    }
    return at;
}

bool utf8_valid(struct view v)
{
    return utf8_valid_len(v) == v.len;
}

size_t utf8_decode(const char *p, size_t len, uint32_t *code_point)
{
    static const unsigned char lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    const unsigned char *u = (const unsigned char *)p;
    bool whole;
    size_t n = measure(u, len, &whole);
    uint32_t c;

    if (!whole) {
        *code_point = UTF8_REPLACEMENT;
        return n;
    }
    c = u[0] & lead_bits[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (u[i] & 0x3f);
    *code_point = c;
    return n;
}

size_t utf8_encode(uint32_t c, char out[UTF8_MAX_BYTES])
{
    static const unsigned char lead_mark[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n;

    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        c = UTF8_REPLACEMENT;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (char)(lead_mark[n] | c);
    return n;
}

bool utf8_has_bom(struct view v)
{
    return v.len >= 3 && memcmp(v.ptr, "\xef\xbb\xbf", 3) == 0;
}
