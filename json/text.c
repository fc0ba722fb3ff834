/* Strings with escapes or malformed bytes, and skipping of values. */
#include "json/text.h"

#include "base/utf8.h"

void json_text_init(struct json_text *text, struct view bytes, struct arena *arena)
{
    *text = (struct json_text){
        .p = bytes.ptr, .end = bytes.ptr + bytes.len, .start = bytes.ptr, .arena = arena};
    if (bytes.len == 0)
        json_fail(text, "empty");
}

void json_fail(struct json_text *text, const char *wrong)
{
    if (!text->wrong) {
        text->wrong = wrong;
        text->wrong_at = (size_t)((text->p < text->end ? text->p : text->end) - text->start);
    }
    text->p = text->end;
}

void json_fail_memory(struct json_text *text)
{
    text->out_of_memory = true;
    json_fail(text, "out of memory");
}

void json_finish(struct json_text *text)
{
    if (json_peek(text))
        json_fail(text, "unexpected data after the document");
    else if (text->p < text->end)
        json_fail(text, "unexpected control character");
}

/* ---- strings --------------------------------------------------------------------------------- */

/* Bytes of the three-byte character at p when it needs no further check, else 0: its lead is
 * neither 0xe0 (overlong) nor 0xed (surrogates). Four bytes are readable. */
static inline size_t common_character(const char *p)
{
    const uint32_t leads = 0xdffe; /* bit i: 0xe0 + i */
    uint32_t w;

    memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap32(w);
#endif
    return (w & 0xc0c0f0) == 0x8080e0 && (leads >> (w & 15) & 1) ? 3 : 0;
}

/* Common characters are handled inline, the rest by the full decoder. */
bool json_utf8_valid(const char *p, const char *end)
{
    while (p < end) {
        size_t len = *p & 0x80 ? common_character(p) : 1;

        if (len == 0) {
            uint32_t code_point;

            len = utf8_decode(p, (size_t)(end - p), &code_point);
            if (code_point == UTF8_REPLACEMENT) /* a real one is common */
                return false;
        }
        p += len;
    }
    return p == end;
}

/* The closing quote of the string whose first byte is p; NULL when there is none; *control then
 * gives the reason. */
static const char *closing_quote(const char *p, const char *end, bool *control)
{
    unsigned high = 0;

    *control = false;
    while ((p = json_plain_end(p, end, &high)) < end) {
        if (*p == '"')
            return p;
        if (*p != '\\') {
            *control = true;
            return NULL;
        }
        p += 2;
    }
    return NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Four hex digits at p, -1 when they are not. The string's closing quote follows and is not a
 * digit, so it is never passed. */
static int hex4(const char *p)
{
    int v = 0;

    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);

        if (digit < 0)
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

/* The character of a \u escape whose digits begin at *p, which is advanced past it; surrogates come
 * in pairs. */
__attribute__((always_inline)) static inline bool unicode_escape(const char **p,
                                                                 uint32_t *code_point)
{
    int first = hex4(*p), second;

    if (first < 0 || (first >= 0xdc00 && first <= 0xdfff))
        return false;
    *p += 4;
    *code_point = (uint32_t)first;
    if (first < 0xd800 || first > 0xdbff)
        return true;
    if ((*p)[0] != '\\' || (*p)[1] != 'u')
        return false;
    second = hex4(*p + 2);
    if (second < 0xdc00 || second > 0xdfff)
        return false;
    *p += 6;
    *code_point = 0x10000 + (((uint32_t)first - 0xd800) << 10) + ((uint32_t)second - 0xdc00);
    return true;
}

/* Decodes the escape after a backslash and advances *p past it. Returns the bytes written, 0 when
 * it is invalid. */
__attribute__((always_inline)) static inline size_t unescape(const char **p, char *out,
                                                             bool *has_nul)
{
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *found;
    uint32_t code_point;

    if (**p == 'u') {
        ++*p;
        if (!unicode_escape(p, &code_point))
            return 0;
        *has_nul |= code_point == 0;
        return utf8_encode(code_point, out);
    }
    found = **p ? strchr(plain, **p) : NULL;
    if (!found)
        return 0;
    ++*p;
    *out = meant[found - plain];
    return 1;
}

/* p..stop is the text between the quotes. An escape is never shorter than its character. */
static struct view unescape_all(struct json_text *text, const char *p, const char *stop)
{
    char *out = arena_alloc(text->arena, (size_t)(stop - p)), *at = out;

    if (!out) {
        json_fail_memory(text);
        return (struct view){0};
    }
    while (p < stop) {
        const char *escape = memchr(p, '\\', (size_t)(stop - p));
        size_t plain = (size_t)((escape ? escape : stop) - p), n;

        memcpy(at, p, plain);
        at += plain;
        p += plain;
        if (!escape)
            break;
        p++;
        n = unescape(&p, at, &text->has_nul);
        if (n == 0) {
            json_fail(text, "invalid escape in a string");
            return (struct view){0};
        }
        at += n;
    }
    return (struct view){out, (size_t)(at - out)};
}

/* Whether every escape between p and stop denotes a character. */
static bool escapes_valid(const char *p, const char *stop)
{
    char character[4];
    bool has_nul = false;

    while ((p = memchr(p, '\\', (size_t)(stop - p)))) {
        p++;
        if (unescape(&p, character, &has_nul) == 0)
            return false;
    }
    return true;
}

/* keep: it is unescaped into the arena; else it is only checked. */
__attribute__((always_inline)) static inline struct view string_slow(struct json_text *text,
                                                                     bool keep)
{
    const char *start = text->p + 1;
    struct view s = {0};
    bool control;
    const char *stop = closing_quote(start, text->end, &control);

    if (!stop) {
        json_fail(text,
                  control ? "unescaped control character in a string" : "unterminated string");
        return (struct view){0};
    }
    if (!json_utf8_valid(start, stop)) {
        json_fail(text, "not UTF-8");
        return (struct view){0};
    }
    if (keep)
        s = unescape_all(text, start, stop);
    else if (!escapes_valid(start, stop))
        json_fail(text, "invalid escape in a string");
    if (!text->wrong)
        text->p = stop + 1;
    return s;
}

struct view json_string_slow(struct json_text *text)
{
    return string_slow(text, true);
}

/* ---- values that are skipped ----------------------------------------------------------------- */

static bool starts_with_bom(const struct json_text *text)
{
    return text->p == text->start &&
           utf8_has_bom((struct view){text->p, (size_t)(text->end - text->p)});
}

static void skip_word(struct json_text *text, const char *word, size_t len)
{
    if ((size_t)(text->end - text->p) < len || memcmp(text->p, word, len) != 0)
        json_fail(text, "not a JSON value");
    else
        text->p += len;
}

static void skip_string(struct json_text *text)
{
    const char *start = text->p + 1;
    unsigned high = 0;
    const char *stop = json_plain_end(start, text->end, &high);

    if (stop < text->end && *stop == '"' && (!high || json_utf8_valid(start, stop)))
        text->p = stop + 1;
    else
        (void)string_slow(text, false);
}

static void skip_object(struct json_text *text)
{
    if (!json_begin(text, '}'))
        return;
    do {
        if (json_peek(text) != '"') {
            json_fail(text, "expected a key");
            return;
        }
        skip_string(text);
        if (!json_take(text, ':')) {
            json_fail(text, "expected a colon");
            return;
        }
        json_skip(text);
    } while (json_more(text, '}'));
}

static void skip_array(struct json_text *text)
{
    if (!json_begin(text, ']'))
        return;
    do
        json_skip(text);
    while (json_more(text, ']'));
}

void json_skip(struct json_text *text)
{
    char c = json_peek(text);

    switch (c) {
    case '"':
        skip_string(text);
        break;
    case '{':
        skip_object(text);
        break;
    case '[':
        skip_array(text);
        break;
    case 't':
        skip_word(text, "true", 4);
        break;
    case 'f':
        skip_word(text, "false", 5);
        break;
    case 'n':
        skip_word(text, "null", 4);
        break;
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            json_number_skip(text);
        else
            json_fail(text, !c                      ? "unexpected end"
                            : starts_with_bom(text) ? "not a JSON value: " UTF8_BOM_REASON
                                                    : "not a JSON value");
    }
}
