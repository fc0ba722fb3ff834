/* Tests of base/decimal.c. */
#include "base/decimal.h"

#include <float.h>
#include <stdint.h>

#include "base/rng.h"
#include "tests/test.h"

static double any_double(struct rng *rng)
{
    double v;

    do {
        uint64_t bits = rng_u64(rng);

        memcpy(&v, &bits, sizeof(v));
    } while (!isfinite(v));
    return v;
}

/* Sizes that answers hold: probabilities, bids, microseconds. */
static double usual_double(struct rng *rng)
{
    return (rng_double(rng) - 0.5) * pow(10, (double)rng_below(rng, 34) - 16);
}

/* printf is the oracle: both texts must mean the same number, rounded alike. */
static void check_against_printf(double v, int digits)
{
    char got[DECIMAL_MAX_BYTES], want[64];
    size_t len = decimal_format(v, digits, got);

    snprintf(want, sizeof(want), "%.*e", digits - 1, v);
    CHECK_INT(strlen(got), len);
    if (strtod(got, NULL) != strtod(want, NULL))
        FAIL("%.17g at %d digits: %s, want %s", v, digits, got, want);
}

TEST(decimal__format_rounds_as_printf)
{
    struct rng rng;

    rng_init(&rng, 1);
    for (int i = 0; i < 200000; i++) {
        check_against_printf(usual_double(&rng), 1 + (int)rng_below(&rng, 17));
        check_against_printf(any_double(&rng), 1 + (int)rng_below(&rng, 17));
    }
}

TEST(decimal__format_texts)
{
    static const struct {
        double v;
        int digits;
        const char *want;
    } rows[] = {{0, 6, "0"},
                {-0.0, 6, "0"},
                {1, 6, "1"},
                {-1.5, 6, "-1.5"},
                {0.0312, 6, "0.0312"},
                {1.872, 6, "1.872"},
                {123456.7, 6, "123457"},
                {1234567, 6, "1234570"},
                {999999.9, 6, "1000000"},
                {9.9999999, 3, "10"},
                {0.1 + 0.2, 15, "0.3"},
                {1e-7, 6, "0.0000001"},
                {1.5e-8, 6, "1.5e-8"},
                {1e16, 6, "10000000000000000"},
                {1e17, 6, "1e17"},
                {-1.25e300, 6, "-1.25e300"},
                {DBL_MAX, 17, "1.7976931348623157e308"},
                {5e-324, 3, "4.94e-324"},
                /* ties go to even */
                {2.5, 1, "2"},
                {3.5, 1, "4"},
                {0.125, 2, "0.12"},
                {1250000, 2, "1200000"},
                {1350000, 2, "1400000"}};

    for (int i = 0; i < COUNT(rows); i++) {
        char text[DECIMAL_MAX_BYTES];

        test_row("%s", rows[i].want);
        CHECK_INT(decimal_format(rows[i].v, rows[i].digits, text), strlen(rows[i].want));
        CHECK_STR(text, rows[i].want);
    }
}

static int significant_digits(const char *text)
{
    int n = 0, zeros = 0;

    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (n == 0 && *text == '0'))
            continue;
        if (*text == '0') {
            zeros++;
        } else {
            n += zeros + 1;
            zeros = 0;
        }
    }
    return n;
}

/* printf finds the nearest text of n digits: ours never has more digits than its first that reads
 * back. */
static void check_shortest(double v)
{
    char text[DECIMAL_MAX_BYTES], other[64];

    decimal_shortest(v, text);
    if (strtod(text, NULL) != v)
        FAIL("%.17g is written as %s", v, text);
    for (int n = 1; n < significant_digits(text); n++) {
        snprintf(other, sizeof(other), "%.*e", n - 1, v);
        if (strtod(other, NULL) == v)
            FAIL("%s is longer than %s", text, other);
    }
}

TEST(decimal__shortest_reads_back)
{
    struct rng rng;

    rng_init(&rng, 2);
    for (int i = 0; i < 20000; i++) {
        check_shortest(any_double(&rng));
        check_shortest(usual_double(&rng));
        check_shortest((double)(int64_t)rng_u64(&rng) / 1000);
    }
    for (int e = -1074; e < 1024; e++)
        check_shortest(ldexp(1, e));
}

TEST(decimal__shortest_texts)
{
    static const struct {
        double v;
        const char *want;
    } rows[] = {{0.1, "0.1"},
                {-0.0, "-0"},
                {1.0 / 3, "0.3333333333333333"},
                {0.1 + 0.2, "0.30000000000000004"},
                {5e-324, "5e-324"},
                {1e23, "1e23"},
                {100, "100"},
                {0x1p-44, "5.684341886080802e-14"},
                {9007199254740993.0, "9007199254740992"}};

    for (int i = 0; i < COUNT(rows); i++) {
        char text[DECIMAL_MAX_BYTES];

        test_row("%s", rows[i].want);
        decimal_shortest(rows[i].v, text);
        CHECK_STR(text, rows[i].want);
    }
}
