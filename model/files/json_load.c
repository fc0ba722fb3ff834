/* Parses a JSON file with jansson. */
#include "model/files/json_load.h"

#include <string.h>

#include "base/buf.h"
#include "model/files/json_memory.h"

#define MAX_DIGITS 18 /* always fit 64 bits */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The position after the string whose opening quote is at p. */
static const char *skip_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        p += *p == '\\' && p + 1 < end;
    return p < end ? p + 1 : end;
}

/* The position after the number at p; *integer: it has neither fraction nor exponent. */
static const char *skip_number(const char *p, const char *end, bool *integer)
{
    *integer = true;
    for (; p < end && (is_digit(*p) || strchr("+-.eE", *p)); p++)
        *integer &= *p == '-' || is_digit(*p);
    return p;
}

/* Copies the text, adding ".0" to every long integer. */
static void widen(struct view text, struct buf *out)
{
    const char *end = text.ptr + text.len, *p = text.ptr;

    while (p < end) {
        const char *from = p;
        bool integer = false;

        if (*p == '"')
            p = skip_string(p, end);
        else if (is_digit(*p))
            p = skip_number(p, end, &integer);
        else
            p++;
        buf_add(out, from, (size_t)(p - from));
        if (integer && p - from > MAX_DIGITS)
            buf_add_str(out, ".0");
    }
}

/* Feeds the rest of the text; stops as soon as memory is short. */
static size_t next_bytes(void *buffer, size_t len, void *arg)
{
    struct view *rest = arg;
    size_t n = rest->len < len ? rest->len : len;

    if (json_memory_refused())
        return (size_t)-1;
    if (n)
        memcpy(buffer, rest->ptr, n);
    rest->ptr += n;
    rest->len -= n;
    return n;
}

json_t *json_parse(struct view text, size_t flags, json_error_t *at)
{
    bool refused;
    json_t *root;

    json_memory_begin();
    root = json_load_callback(next_bytes, &text, flags, at);
    refused = json_memory_refused();
    if (refused) {
        json_decref(root);
        root = NULL;
        at->text[JSON_ERROR_TEXT_LENGTH - 1] = json_error_out_of_memory;
    }
    json_memory_end();
    return root;
}

json_t *json_load(struct view text, size_t flags, json_error_t *at)
{
    json_t *root = json_parse(text, flags, at);
    struct buf wide = BUF_INIT;

    if (root || json_error_code(at) != json_error_numeric_overflow)
        return root;
    widen(text, &wide);
    if (buf_failed(&wide))
        at->text[JSON_ERROR_TEXT_LENGTH - 1] = json_error_out_of_memory;
    else
        root = json_parse(buf_view(&wide), flags, at);
    buf_release(&wide);
    return root;
}

/* Its parser may also fail without a message: then no line is set. */
bool json_load_no_memory(const json_error_t *at)
{
    return at->line == -1 || json_error_code(at) == json_error_out_of_memory;
}
