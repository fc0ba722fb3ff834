/* Commas, escapes and numbers. */
#include "json/writer.h"

#include <math.h>

#include "base/bug.h"
#include "base/decimal.h"
#include "base/utf8.h"

void json_writer_init(struct json_writer *w, struct buf *out)
{
    *w = (struct json_writer){.out = out};
}

static void put(struct json_writer *w, char c)
{
    char *p = buf_reserve(w->out, 1);

    if (!p)
        return;
    *p = c;
    w->out->len++;
}

/* Called before every value and key: writes the comma, unless it is the first of its level or
 * follows its key. */
static void separate(struct json_writer *w)
{
    uint64_t bit = UINT64_C(1) << w->depth;

    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->depth && (w->has_item & bit))
        put(w, ',');
    w->has_item |= bit;
}

static void begin(struct json_writer *w, char c)
{
    separate(w);
    BUG_ON(w->depth >= JSON_WRITER_MAX_DEPTH);
    w->depth++;
    w->has_item &= ~(UINT64_C(1) << w->depth);
    put(w, c);
}

static void end(struct json_writer *w, char c)
{
    BUG_ON(w->depth == 0 || w->after_key);
    w->depth--;
    put(w, c);
}

void jw_object_begin(struct json_writer *w)
{
    begin(w, '{');
}

void jw_object_end(struct json_writer *w)
{
    end(w, '}');
}

void jw_array_begin(struct json_writer *w)
{
    begin(w, '[');
}

void jw_array_end(struct json_writer *w)
{
    end(w, ']');
}

void jw_key(struct json_writer *w, const char *key)
{
    size_t len = strlen(key);
    char *p;

    BUG_ON(w->depth == 0 || w->after_key);
    separate(w);
    p = buf_reserve(w->out, len + 3);
    w->after_key = true;
    if (!p)
        return;
    p[0] = '"';
    memcpy(p + 1, key, len);
    p[len + 1] = '"';
    p[len + 2] = ':';
    w->out->len += len + 3;
}

/* The two-letter form of an escaped character, 0 where only \u00xx will do. */
static char short_escape(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static void put_escaped(struct json_writer *w, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char name = short_escape(c);

    if (name)
        buf_add(w->out, (char[]){'\\', name}, 2);
    else
        buf_add(w->out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
}

/* Number of leading bytes of v that need no escape. */
static size_t plain_len(struct view v)
{
    size_t at = 0;

    while (at < v.len) {
        unsigned char c = (unsigned char)v.ptr[at];

        if (c < 0x20 || c == '"' || c == '\\' || c >= 0x80)
            break;
        at++;
    }
    return at;
}

void jw_view(struct json_writer *w, struct view v)
{
    separate(w);
    put(w, '"');
    while (v.len) {
        size_t n = plain_len(v);

        if (n == 0 && (unsigned char)v.ptr[0] < 0x80) {
            put_escaped(w, (unsigned char)v.ptr[0]);
            n = 1;
        } else if (n) {
            buf_add(w->out, v.ptr, n);
        } else {
            char bytes[UTF8_MAX_BYTES];
            uint32_t c;

            n = utf8_decode(v.ptr, v.len, &c);
            buf_add(w->out, bytes, utf8_encode(c, bytes));
        }
        v.ptr += n;
        v.len -= n;
    }
    put(w, '"');
}

void jw_str(struct json_writer *w, const char *s)
{
    jw_view(w, view_of(s));
}

void jw_int(struct json_writer *w, int64_t v)
{
    separate(w);
    buf_add_int(w->out, v);
}

void jw_double(struct json_writer *w, double v)
{
    char text[DECIMAL_MAX_BYTES];

    BUG_ON(!isfinite(v));
    jw_raw(w, (struct view){text, decimal_shortest(v, text)});
}

void jw_number(struct json_writer *w, double v, int digits)
{
    char text[DECIMAL_MAX_BYTES];

    BUG_ON(!isfinite(v));
    jw_raw(w, (struct view){text, decimal_format(v, digits, text)});
}

void jw_raw(struct json_writer *w, struct view json)
{
    separate(w);
    buf_add_view(w->out, json);
}

void jw_member_str(struct json_writer *w, const char *key, const char *s)
{
    jw_key(w, key);
    jw_str(w, s);
}

void jw_member_view(struct json_writer *w, const char *key, struct view v)
{
    jw_key(w, key);
    jw_view(w, v);
}

void jw_member_filled(struct json_writer *w, const char *key, struct view v)
{
    if (v.len)
        jw_member_view(w, key, v);
}

void jw_member_views(struct json_writer *w, const char *key, const struct views *values)
{
    if (values->n == 0)
        return;
    jw_member_array(w, key);
    for (int i = 0; i < values->n; i++)
        jw_view(w, values->items[i]);
    jw_array_end(w);
}

void jw_member_object(struct json_writer *w, const char *key)
{
    jw_key(w, key);
    jw_object_begin(w);
}

void jw_member_array(struct json_writer *w, const char *key)
{
    jw_key(w, key);
    jw_array_begin(w);
}

void jw_member_int(struct json_writer *w, const char *key, int64_t v)
{
    jw_key(w, key);
    jw_int(w, v);
}

void jw_member_bool(struct json_writer *w, const char *key, bool v)
{
    jw_key(w, key);
    jw_raw(w, v ? VIEW_LIT("true") : VIEW_LIT("false"));
}

void jw_member_double(struct json_writer *w, const char *key, double v)
{
    jw_key(w, key);
    jw_double(w, v);
}

void jw_member_number(struct json_writer *w, const char *key, double v, int digits)
{
    jw_key(w, key);
    jw_number(w, v, digits);
}
