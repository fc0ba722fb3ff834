/* Checked conversions by strtoll and strtod. */
#include "base/number.h"

#include <math.h>
#include <stdlib.h>

/* No sensible number has more digits, and the copy for strtod stays on the stack. */
#define MAX_TEXT 127

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int number_int(struct view text, int64_t min, int64_t max, int64_t *out)
{
    bool negative = text.len > 0 && text.ptr[0] == '-' && min < 0;
    int64_t n = 0;

    if (text.len == (size_t)negative)
        return -1;
    for (size_t i = negative; i < text.len; i++) {
        int digit = text.ptr[i] - '0';

        if (!is_digit(text.ptr[i]) || __builtin_mul_overflow(n, (int64_t)10, &n) ||
            __builtin_add_overflow(n, (int64_t)(negative ? -digit : digit), &n))
            return -1;
    }
    if (n < min || n > max)
        return -1;
    *out = n;
    return 0;
}

static bool skip_digits(const char **p, const char *end)
{
    const char *first = *p;

    while (*p < end && is_digit(**p))
        ++*p;
    return *p > first;
}

static bool skip_char(const char **p, const char *end, const char *one_of)
{
    return *p < end && memchr(one_of, **p, strlen(one_of)) && ++*p;
}

/* [-] digits [. digits] [(e|E) [+|-] digits], all of text. */
static bool is_decimal(struct view text, bool may_be_negative)
{
    const char *p = text.ptr, *end = p + text.len;

    if (may_be_negative)
        skip_char(&p, end, "-");
    if (!skip_digits(&p, end) || (skip_char(&p, end, ".") && !skip_digits(&p, end)))
        return false;
    if (skip_char(&p, end, "eE")) {
        skip_char(&p, end, "+-");
        if (!skip_digits(&p, end))
            return false;
    }
    return p == end;
}

int number_double(struct view text, double min, double max, double *out)
{
    char copy[MAX_TEXT + 1];
    double v;

    if (text.len > MAX_TEXT || !is_decimal(text, min < 0))
        return -1;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    v = strtod(copy, NULL);
    if (!isfinite(v) || v < min || v > max)
        return -1;
    *out = v;
    return 0;
}
