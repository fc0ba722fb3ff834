/* Tests of base/hist.c. */
#include "base/hist.h"

#include "tests/test.h"

static struct hist a;

TEST(hist__small_values_are_exact)
{
    hist_init(&a);
    for (uint64_t v = 0; v < 64; v++)
        hist_record(&a, v);
    CHECK_INT(a.count, 64);
    CHECK_INT(a.sum, 63 * 64 / 2);
    CHECK_INT(hist_quantile(&a, 0.5), 31);
    CHECK_INT(hist_quantile(&a, 0), 0);
    CHECK_INT(hist_quantile(&a, 1), 63);
}

TEST(hist__empty)
{
    hist_init(&a);
    CHECK_INT(hist_quantile(&a, 0.5), 0);
    CHECK_INT(hist_quantile(&a, 1), 0);
}

/* One value alone, at both sides of every power of two: what comes out is at most 1/64 above it. */
TEST(hist__a_value_is_at_most_a_64th_off)
{
    for (int bit = 0; bit < HIST_MAX_BITS; bit++) {
        for (int64_t offset = -1; offset <= 1; offset++) {
            uint64_t v = (UINT64_C(1) << bit) + (uint64_t)offset, got;

            hist_init(&a);
            hist_record(&a, v);
            hist_record(&a, (UINT64_C(1) << HIST_MAX_BITS) - 1);
            got = hist_quantile(&a, 0.5);
            if (got < v || (double)(got - v) > (double)v / 64)
                FAIL("%llu came out as %llu", (unsigned long long)v, (unsigned long long)got);
        }
    }
}

TEST(hist__quantiles_of_known_values)
{
    hist_init(&a);
    for (uint64_t v = 1; v <= 100000; v++)
        hist_record(&a, v);
    CHECK_NEAR((double)hist_quantile(&a, 0.5), 50000, 50000 / 64.0);
    CHECK_NEAR((double)hist_quantile(&a, 0.99), 99000, 99000 / 64.0);
    CHECK_NEAR((double)hist_quantile(&a, 0.999), 99900, 99900 / 64.0);
    CHECK_INT(hist_quantile(&a, 1), 100000);
    CHECK(hist_quantile(&a, 0.99999) <= 100000);
}

TEST(hist__too_large_is_clamped)
{
    hist_init(&a);
    hist_record(&a, UINT64_MAX);
    CHECK_INT(a.count, 1);
    CHECK_INT(a.max, (INT64_C(1) << HIST_MAX_BITS) - 1);
    CHECK_INT(hist_quantile(&a, 0.5), (INT64_C(1) << HIST_MAX_BITS) - 1);
}
