/* Numbers of JSON text, correctly rounded. */
#include <stdlib.h>

#include "json/text.h"

#define MAX_EXPONENT 100000 /* not counted beyond */
#define MAX_EXACT_DIGITS 19 /* always fit a uint64_t */

/* 10^0 to 10^22 are exact doubles: a product or quotient of one of them and an integer below 2^53
 * is rounded once, so it is the correctly rounded value (Clinger 1990, "How to read floating point
 * numbers accurately"). */
static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define MAX_EXACT_POWER 22

struct digits {
    uint64_t value; /* of the first MAX_EXACT_DIGITS */
    int n;          /* leading zeros not counted */
    int exponent;   /* of ten, of the last digit */
    bool negative, real;
    bool clamped; /* exponent hit MAX_EXPONENT */
};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

static const char *take_digits(const char *p, const char *end, struct digits *out)
{
    for (; p < end && is_digit(*p); p++) {
        if (out->n < MAX_EXACT_DIGITS)
            out->value = out->value * 10 + (uint64_t)(*p - '0');
        out->n += out->n || *p != '0';
    }
    return p;
}

static const char *take_exponent(const char *p, const char *end, int *exponent)
{
    bool negative = p < end && *p == '-';
    const char *first;
    int v = 0;

    if (p < end && (*p == '-' || *p == '+'))
        p++;
    for (first = p; p < end && is_digit(*p); p++)
        v = v < MAX_EXPONENT ? v * 10 + (*p - '0') : v;
    *exponent = negative ? -v : v;
    return p > first ? p : NULL;
}

/* The position after the number at p, NULL when it is malformed. */
static const char *take_number(const char *p, const char *end, struct digits *out)
{
    const char *first;
    int exponent = 0;

    *out = (struct digits){.negative = *p == '-'};
    p += out->negative;
    first = p;
    p = take_digits(p, end, out);
    if (p == first || (*first == '0' && p > first + 1))
        return NULL;
    if (p < end && *p == '.') {
        out->real = true;
        first = ++p;
        p = take_digits(p, end, out);
        if (p == first)
            return NULL;
        out->clamped = p - first >= MAX_EXPONENT;
        exponent = out->clamped ? -MAX_EXPONENT : -(int)(p - first);
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        int written;

        out->real = true;
        p = take_exponent(p + 1, end, &written);
        out->clamped |= written >= MAX_EXPONENT || written <= -MAX_EXPONENT;
        exponent += written;
    }
    out->exponent = exponent;
    return p;
}

/* The rare numbers: long, tiny or huge. */
__attribute__((cold)) static double convert_slowly(struct json_text *text, const char *stop)
{
    struct view copy = arena_copy(text->arena, (struct view){text->p, (size_t)(stop - text->p)});

    if (!copy.ptr) {
        json_fail_memory(text);
        return 0;
    }
    return strtod(copy.ptr, NULL);
}

static double convert(struct json_text *text, const struct digits *digits, const char *stop)
{
    int e = digits->exponent;
    double v = (double)digits->value;

    if (digits->clamped || digits->n > MAX_EXACT_DIGITS || digits->value > UINT64_C(1) << 53 ||
        e > MAX_EXACT_POWER || e < -MAX_EXACT_POWER)
        return convert_slowly(text, stop);
    v = e < 0 ? v / powers_of_ten[-e] : v * powers_of_ten[e];
    return digits->negative ? -v : v;
}

static bool with_sign(uint64_t v, bool negative, int64_t *out)
{
    if (v > (uint64_t)INT64_MAX + negative)
        return false;
    *out = (int64_t)(negative ? 0 - v : v);
    return true;
}

static struct json_number integer(const struct digits *digits)
{
    double v = (double)digits->value;
    struct json_number out = {.kind = JSON_INTEGER, .real = digits->negative ? -v : v};

    if (!with_sign(digits->value, digits->negative, &out.integer))
        out.kind = JSON_BIG_INTEGER;
    return out;
}

/* Fast path for ordinary numbers: at most 18 digits, a fraction, no exponent. NULL: use the slow
 * path. At most 20 bytes are examined, so there is no need to check for the end. */
static inline const char *short_number(struct json_text *text, struct json_number *out)
{
    bool negative = *text->p == '-';
    const char *first = text->p + negative, *p = first, *point;
    uint64_t v = 0;
    unsigned d;
    int64_t i;

    while ((d = (unsigned)(unsigned char)*p - '0') <= 9 && p < first + 18) {
        v = v * 10 + d;
        p++;
    }
    point = p;
    if (*p == '.') {
        p++;
        while ((d = (unsigned)(unsigned char)*p - '0') <= 9 && p < first + 18) {
            v = v * 10 + d;
            p++;
        }
    }
    if (p >= text->end || d <= 9 || (*p | 0x20) == 'e' || point == first || p == point + 1 ||
        v > UINT64_C(1) << 53 || (*first == '0' && point > first + 1))
        return NULL;
    i = negative ? -(int64_t)v : (int64_t)v;
    if (p == point)
        *out = (struct json_number){JSON_INTEGER, i, (double)i};
    else
        *out = (struct json_number){JSON_REAL, 0, (double)i / powers_of_ten[p - point - 1]};
    return p;
}

struct json_number json_number_read(struct json_text *text)
{
    struct json_number out = {.kind = JSON_NO_NUMBER};
    struct digits digits;
    const char *stop = short_number(text, &out);

    if (stop) {
        text->p = stop;
        return out;
    }
    stop = take_number(text->p, text->end, &digits);
    if (!stop) {
        json_fail(text, "malformed number");
        return out;
    }
    if (!digits.real && digits.n <= MAX_EXACT_DIGITS)
        out = integer(&digits);
    else
        out = (struct json_number){.kind = digits.real ? JSON_REAL : JSON_BIG_INTEGER,
                                   .real = convert(text, &digits, stop)};
    if (!text->wrong)
        text->p = stop;
    return out;
}

void json_number_skip(struct json_text *text)
{
    struct json_number ignored;
    struct digits digits;
    const char *stop = short_number(text, &ignored);

    if (!stop)
        stop = take_number(text->p, text->end, &digits);
    if (stop)
        text->p = stop;
    else
        json_fail(text, "malformed number");
}

/* ---- integers by value ----------------------------------------------------------------------- */

/* v x 10^n; false when that is beyond 64 bits. */
static bool shift(uint64_t *v, int64_t n)
{
    if (*v == 0)
        return true;
    if (n > MAX_EXACT_DIGITS)
        return false;
    while (n-- > 0)
        if (__builtin_mul_overflow(*v, (uint64_t)10, v))
            return false;
    return true;
}

bool json_number_integer(struct view number, int64_t *out)
{
    const char *p = number.ptr, *end = p + number.len;
    bool negative = *p == '-', after_point = false;
    int64_t zeros = 0, decimals = 0; /* zeros: trailing ones */
    int exponent = 0;
    uint64_t v = 0;

    for (p += negative; p < end && (is_digit(*p) || *p == '.'); p++) {
        after_point |= *p == '.';
        decimals += after_point && *p != '.';
        if (*p == '0') {
            zeros++;
        } else if (*p != '.') {
            if (!shift(&v, zeros + 1) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
                return false;
            zeros = 0;
        }
    }
    if (p < end)
        (void)take_exponent(p + 1, end, &exponent);
    zeros += exponent - decimals;
    if (v && (zeros < 0 || !shift(&v, zeros)))
        return false;
    return with_sign(v, negative, out);
}
