/* Computes digits with 128-bit integers where they suffice, otherwise with printf. */
#include "base/decimal.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"

typedef unsigned __int128 u128;

/* mantissa * 10^(exponent - digits + 1), mantissa of exactly `digits` digits. */
struct decimal {
    uint64_t mantissa;
    int digits;
    int exponent;
};

#define MAX_POWER 19
static const uint64_t power_of_10[MAX_POWER + 1] = {1,    10,   100,  1e3,  1e4,  1e5,  1e6,
                                                    1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13,
                                                    1e14, 1e15, 1e16, 1e17, 1e18, 1e19};

static uint64_t round_half_even(u128 whole, u128 rest, u128 unit)
{
    u128 other = unit - rest;

    return (uint64_t)whole + (rest > other || (rest == other && (whole & 1)));
}

/* m * 2^q * 10^k rounded to an integer that is known to fit; false when 128 bits are not enough to
 * compute it. */
static bool scale(uint64_t m, int q, int k, uint64_t *out)
{
    u128 n = m, unit = 1;

    if (k > MAX_POWER || k < -MAX_POWER)
        return false;
    if (k >= 0)
        n *= power_of_10[k];
    else
        unit = power_of_10[-k];
    if (q > 0) {
        if (q > 10 && n >> (127 - q))
            return false;
        n <<= q;
    } else if (q < 0) {
        if (q < -126 || unit >> (127 + q))
            return false;
        unit <<= -q;
    }
    if (k >= 0) /* a power of two: no division */
        *out = q < 0 ? round_half_even(n >> -q, n & (unit - 1), unit) : (uint64_t)n;
    else
        *out = round_half_even(n / unit, n % unit, unit);
    return true;
}

static struct decimal by_printf(double v, int digits)
{
    struct decimal d = {.digits = digits};
    char text[40];

    snprintf(text, sizeof(text), "%.*e", digits - 1, v);
    for (const char *p = text; *p != 'e'; p++)
        if (*p != '.')
            d.mantissa = d.mantissa * 10 + (uint64_t)(*p - '0');
    d.exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    return d;
}

/* v = mantissa * 2^exponent, for v > 0. */
static uint64_t take_apart(double v, int *exponent)
{
    uint64_t bits, mantissa;
    int biased;

    memcpy(&bits, &v, sizeof(bits));
    mantissa = bits & ((UINT64_C(1) << 52) - 1);
    biased = (int)(bits >> 52);
    *exponent = (biased ? biased : 1) - 1075;
    return biased ? mantissa | UINT64_C(1) << 52 : mantissa;
}

/* The largest n with 10^n <= 2^bit; 78913 / 2^18 is log10(2), precise enough for every double. */
static int power_below(int bit)
{
    return (bit * 78913) >> 18;
}

/* v > 0. The exponent is guessed from the power of two below v: right, or one too small. */
static struct decimal to_decimal(double v, int digits)
{
    struct decimal d = {.digits = digits};
    int q;
    uint64_t m = take_apart(v, &q);

    d.exponent = power_below(q + 63 - __builtin_clzll(m));
    for (int attempt = 0; attempt < 2; attempt++, d.exponent++) {
        if (!scale(m, q, digits - 1 - d.exponent, &d.mantissa))
            return by_printf(v, digits);
        if (d.mantissa < power_of_10[digits])
            return d;
    }
    return by_printf(v, digits);
}

/* Two digits at a time: half the divisions. */
static size_t put_digits(uint64_t n, char *out)
{
    char text[20];
    size_t at = sizeof(text);

    for (; n >= 100; n /= 100) {
        unsigned pair = (unsigned)(n % 100);

        text[--at] = (char)('0' + pair % 10);
        text[--at] = (char)('0' + pair / 10);
    }
    text[--at] = (char)('0' + n % 10);
    if (n >= 10)
        text[--at] = (char)('0' + n / 10);
    memcpy(out, text + at, sizeof(text) - at);
    return sizeof(text) - at;
}

static char *put_plain(char *p, const char *digits, int n, int exponent)
{
    int whole = exponent + 1; /* digits before the point */

    if (whole <= 0) {
        memcpy(p, "0.0000000", 9);
        p += 2 - whole;
        memcpy(p, digits, (size_t)n);
        return p + n;
    }
    if (whole >= n) {
        memcpy(p, digits, (size_t)n);
        memset(p + n, '0', (size_t)(whole - n));
        return p + whole;
    }
    memcpy(p, digits, (size_t)whole);
    p[whole] = '.';
    memcpy(p + whole + 1, digits + whole, (size_t)(n - whole));
    return p + n + 1;
}

static char *put_scientific(char *p, const char *digits, int n, int exponent)
{
    *p++ = digits[0];
    if (n > 1) {
        *p++ = '.';
        memcpy(p, digits + 1, (size_t)n - 1);
        p += n - 1;
    }
    *p++ = 'e';
    if (exponent < 0)
        *p++ = '-';
    return p + put_digits((uint64_t)abs(exponent), p);
}

static size_t write_decimal(struct decimal d, bool negative, char out[DECIMAL_MAX_BYTES])
{
    char digits[20];
    char *p = out;
    int n = (int)put_digits(d.mantissa, digits);

    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (negative)
        *p++ = '-';
    if (d.exponent >= -7 && d.exponent <= 16)
        p = put_plain(p, digits, n, d.exponent);
    else
        p = put_scientific(p, digits, n, d.exponent);
    *p = 0;
    return (size_t)(p - out);
}

size_t decimal_format(double v, int digits, char out[DECIMAL_MAX_BYTES])
{
    BUG_ON(!isfinite(v) || digits < 1 || digits > 17);
    if (v == 0)
        return write_decimal((struct decimal){.digits = 1}, false, out);
    return write_decimal(to_decimal(fabs(v), digits), v < 0, out);
}

/* 15 digits suffice for every double that came from a text that short, 17 for all. Subnormal
 * numbers carry fewer. Next to a power of two the nearest 16 digits may not round-trip while the
 * next ones do. */
size_t decimal_shortest(double v, char out[DECIMAL_MAX_BYTES])
{
    static const int nudges[] = {0, 1, -1};

    BUG_ON(!isfinite(v));
    if (v == 0)
        return write_decimal((struct decimal){.digits = 1}, signbit(v) != 0, out);
    for (int digits = fabs(v) < DBL_MIN ? 1 : 15; digits < 17; digits++) {
        struct decimal d = to_decimal(fabs(v), digits);

        for (int i = 0; i < 3; i++) {
            struct decimal near = d;
            size_t len;

            near.mantissa += (uint64_t)(int64_t)nudges[i];
            if (near.mantissa == 0 || near.mantissa >= power_of_10[digits] ||
                near.mantissa < power_of_10[digits - 1])
                continue;
            len = write_decimal(near, v < 0, out);
            if (strtod(out, NULL) == v)
                return len;
        }
    }
    return write_decimal(to_decimal(fabs(v), 17), v < 0, out);
}

size_t decimal_int(int64_t v, char out[DECIMAL_INT_BYTES])
{
    if (v >= 0)
        return put_digits((uint64_t)v, out);
    *out = '-';
    return 1 + put_digits(-(uint64_t)v, out + 1);
}
