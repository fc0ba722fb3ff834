/*
 * JSON text (RFC 8259) read in one pass, directly into the caller's variables: no tree, no tape.
 * Strict: UTF-8 without a byte order mark, escapes must denote a character, containers at most
 * JSON_MAX_DEPTH deep. Numbers may be of any size: the caller checks the range. A value must be
 * read from its first byte and as a whole; values skipped by json_skip are checked too, and take no
 * memory.
 *
 * Failure is sticky: `wrong` is set once, after which json_peek() always returns 0, so loops end
 * and the caller checks once at the end. JSON_PADDING bytes after the text must be readable; their
 * values do not matter.
 */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/arena.h"
#include "base/view.h"

#define JSON_PADDING 64 /* names compared in place must be shorter */
#define JSON_MAX_DEPTH 32

struct json_text {
    const char *p, *end;
    const char *start;
    struct arena *arena; /* strings with escapes go there */
    int depth;           /* containers that are open */
    bool has_nul;        /* the last string read contains U+0000 */
    bool out_of_memory;
    const char *wrong; /* a constant; NULL: no error */
    size_t wrong_at;   /* byte of the text, from 0 */
};

enum json_number_kind { JSON_NO_NUMBER, JSON_INTEGER, JSON_BIG_INTEGER, JSON_REAL };

struct json_number {
    enum json_number_kind kind; /* JSON_BIG_INTEGER: beyond int64_t */
    int64_t integer;            /* JSON_INTEGER */
    double real;                /* all kinds; infinite beyond the range of a double */
};

void json_text_init(struct json_text *text, struct view bytes, struct arena *arena);

/* Only white space may be left. */
void json_finish(struct json_text *text);

/* Sets wrong, at the current byte, unless already set. */
void json_fail(struct json_text *text, const char *wrong) __attribute__((cold));
void json_fail_memory(struct json_text *text) __attribute__((cold));

/* Skips a value of any kind. */
void json_skip(struct json_text *text);
/* JSON_NO_NUMBER when it is malformed (wrong is set). Precondition: at '-' or a digit. */
struct json_number json_number_read(struct json_text *text);
/* Same, without the value. */
void json_number_skip(struct json_text *text);
/* The integer that exactly equals a well-formed number: 100.0 and 1e2 are 100. false: not an
 * integer, or beyond int64_t. */
bool json_number_integer(struct view number, int64_t *out);
/* Slow path, for escapes or malformed bytes; use json_string(). */
struct view json_string_slow(struct json_text *text);

/* The next byte that is not white space, without consuming it; 0 at the end. */
static inline char json_peek(struct json_text *text)
{
    while (text->p < text->end) {
        char c = *text->p;

        if (c > ' ' || (c != ' ' && c != '\n' && c != '\r' && c != '\t'))
            return c;
        text->p++;
    }
    return 0;
}

/* Consumes c if it is next. */
static inline bool json_take(struct json_text *text, char c)
{
    if (json_peek(text) != c)
        return false;
    text->p++;
    return true;
}

/* The first of " \ and control characters at or after p, or some position at or after end. Sets a
 * bit in *high for every byte above 0x7f before it. */
static inline const char *json_plain_end(const char *p, const char *end, unsigned *high)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), escape = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1f);

    for (; p < end; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i ends =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, escape)),
                         _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
        unsigned stop = (unsigned)_mm_movemask_epi8(ends), above = (unsigned)_mm_movemask_epi8(v);

        if (stop) {
            unsigned n = (unsigned)__builtin_ctz(stop);

            *high |= above & ((1u << n) - 1);
            return p + n;
        }
        *high |= above;
    }
#else
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;

        if (c == '"' || c == '\\' || c < 0x20)
            return p;
        *high |= c & 0x80;
    }
#endif
    return p;
}

bool json_utf8_valid(const char *p, const char *end);

/* Precondition: at '"'. A view into the text or, where there are escapes, into the arena. */
static inline struct view json_string(struct json_text *text)
{
    const char *start = text->p + 1;
    unsigned high = 0;
    const char *stop = json_plain_end(start, text->end, &high);

    text->has_nul = false;
    if (__builtin_expect(stop >= text->end || *stop != '"', 0))
        return json_string_slow(text);
    if (high && __builtin_expect(!json_utf8_valid(start, stop), 0)) {
        json_fail(text, "not UTF-8");
        return (struct view){0};
    }
    text->p = stop + 1;
    return (struct view){start, (size_t)(stop - start)};
}

static inline void json_open(struct json_text *text)
{
    text->p++;
    if (++text->depth > JSON_MAX_DEPTH)
        json_fail(text, "nested more than 32 levels deep");
}

/* After a member of a container that ends with `close`: true when another one follows. */
static inline bool json_more(struct json_text *text, char close)
{
    char c = json_peek(text);

    if (c == ',') {
        text->p++;
        return true;
    }
    if (c == close) {
        text->p++;
        text->depth--;
        return false;
    }
    json_fail(text, "expected a comma or the end of an array or object");
    return false;
}

/* Opens the container whose bracket is next; true when it has a member. */
static inline bool json_begin(struct json_text *text, char close)
{
    char c;

    json_open(text);
    c = json_peek(text);
    if (c == close) {
        text->p++;
        text->depth--;
        return false;
    }
    if (c == 0)
        json_fail(text, "unexpected end");
    return c != 0;
}

#endif
