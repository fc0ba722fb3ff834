/* Extracts a domain from text, and compares domains by labels. */
#include "impression/domain.h"

#include <utf8proc.h>

#include "base/utf8.h"
#include "impression/punycode.h"

#define LABEL_MAX_BYTES 63
#define HOST_MAX_BYTES 1024 /* before it is mapped: a character of 3 bytes may be one letter */
#define IDEOGRAPHIC_FULL_STOP 0x3002

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct view after(struct view v, size_t n)
{
    return (struct view){v.ptr + n, v.len - n};
}

static struct view first(struct view v, size_t n)
{
    return (struct view){v.ptr, n};
}

static bool starts_with(struct view v, const char *prefix)
{
    size_t n = strlen(prefix);

    return v.len >= n && memcmp(v.ptr, prefix, n) == 0;
}

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

struct view domain_trim(struct view v)
{
    while (v.len && is_blank(v.ptr[0]))
        v = after(v, 1);
    while (v.len && is_blank(v.ptr[v.len - 1]))
        v.len--;
    return v;
}

static struct view without_dots(struct view v)
{
    while (v.len && (is_blank(v.ptr[0]) || v.ptr[0] == '.'))
        v = after(v, 1);
    while (v.len && (is_blank(v.ptr[v.len - 1]) || v.ptr[v.len - 1] == '.'))
        v.len--;
    return v;
}

/* RFC 3986, 3.1; "//host" has none. */
static struct view without_scheme(struct view v)
{
    size_t n = 0;

    while (n < v.len && (is_letter(v.ptr[n]) || is_digit(v.ptr[n]) || v.ptr[n] == '+' ||
                         v.ptr[n] == '-' || v.ptr[n] == '.'))
        n++;
    if (n && starts_with(after(v, n), ":"))
        return starts_with(after(v, n), "://") ? after(v, n + 3) : v;
    return starts_with(v, "//") ? after(v, 2) : v;
}

static struct view without_port(struct view v)
{
    size_t n = v.len;

    while (n && is_digit(v.ptr[n - 1]))
        n--;
    return n && v.ptr[n - 1] == ':' ? first(v, n - 1) : v;
}

/* The host of an address (RFC 3986, 3.2), without leading or trailing dots. */
static struct view host_of(struct view v)
{
    size_t n = 0;

    v = without_scheme(domain_trim(v));
    while (n < v.len && !memchr("/?#\\", v.ptr[n], 4))
        n++;
    v = first(v, n);
    while (n && v.ptr[n - 1] != '@')
        n--;
    v = without_port(domain_trim(after(v, n)));
    return without_dots(starts_with(v, "*.") ? after(v, 1) : v);
}

/* Compatibility forms, canonical order and letter case made one, UTF-8 to UTF-8; nothing when it
 * does not fit. */
static struct view map_characters(struct view v, char *out, size_t size)
{
    utf8proc_int32_t points[HOST_MAX_BYTES];
    utf8proc_ssize_t n;
    size_t len = 0;

    n = utf8proc_decompose(
        (const utf8proc_uint8_t *)v.ptr, (utf8proc_ssize_t)v.len, points, HOST_MAX_BYTES,
        UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_IGNORE);
    if (n < 0 || n > HOST_MAX_BYTES)
        return (struct view){NULL, 0};
    for (utf8proc_ssize_t i = 0; i < n; i++)
        points[i] = utf8proc_tolower(points[i]);
    n = utf8proc_normalize_utf32(points, n, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    for (utf8proc_ssize_t i = 0; i < n && len + UTF8_MAX_BYTES <= size; i++) {
        uint32_t point = points[i] == IDEOGRAPHIC_FULL_STOP ? '.' : (uint32_t)points[i];

        len += utf8_encode(point, out + len);
    }
    return (struct view){out, len};
}

/* One label into out (size), as an A-label where it is not ASCII; 0: it does not fit. */
static size_t put_label(struct view label, char *out, size_t size)
{
    int32_t points[LABEL_MAX_BYTES];
    size_t n = 0, len;

    if (size < label.len || size < LABEL_MAX_BYTES)
        return 0;
    if (view_is_ascii(label)) {
        memcpy(out, label.ptr, label.len);
        return label.len;
    }
    for (size_t at = 0; at < label.len; n++) {
        uint32_t point;

        if (n == LABEL_MAX_BYTES)
            return 0;
        at += utf8_decode(label.ptr + at, label.len - at, &point);
        points[n] = (int32_t)point;
    }
    memcpy(out, "xn--", 4);
    len = punycode_encode(points, n, out + 4, LABEL_MAX_BYTES - 4);
    return len ? 4 + len : 0;
}

static struct view map_labels(struct view host, char *out, size_t size)
{
    size_t len = 0;

    for (;;) {
        const char *dot = host.len ? memchr(host.ptr, '.', host.len) : NULL;
        struct view label = first(host, dot ? (size_t)(dot - host.ptr) : host.len);
        size_t n = label.len ? put_label(label, out + len, size - len) : 0;

        if (n == 0 && label.len)
            return (struct view){NULL, 0};
        len += n;
        if (!dot)
            return (struct view){out, len};
        if (len == size)
            return (struct view){NULL, 0};
        out[len++] = '.';
        host = after(host, label.len + 1);
    }
}

/* In lower case, without "www.". */
static size_t write_ascii(struct view host, char out[DOMAIN_MAX_BYTES])
{
    if (host.len > 4 && view_is_nocase(first(host, 4), "www.") &&
        memchr(host.ptr + 4, '.', host.len - 4))
        host = after(host, 4);
    if (host.len > DOMAIN_MAX_BYTES)
        return 0;
    for (size_t i = 0; i < host.len; i++)
        out[i] =
            host.ptr[i] >= 'A' && host.ptr[i] <= 'Z' ? (char)(host.ptr[i] | 0x20) : host.ptr[i];
    return host.len;
}

/* The rare ones, which take two kilobytes of stack. */
static size_t write_international(struct view host, char out[DOMAIN_MAX_BYTES])
{
    char characters[HOST_MAX_BYTES], labels[HOST_MAX_BYTES];

    if (host.len > HOST_MAX_BYTES)
        return 0;
    host = host_of(map_characters(host, characters, sizeof(characters)));
    return write_ascii(map_labels(host, labels, sizeof(labels)), out);
}

size_t domain_normalize(struct view text, char out[DOMAIN_MAX_BYTES])
{
    struct view host = host_of(text);

    return view_is_ascii(host) ? write_ascii(host, out) : write_international(host, out);
}
