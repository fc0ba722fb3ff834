/* Tests of base/quantile.c. */
#include "base/quantile.h"

#include "tests/test.h"

TEST(quantile__sorts_and_picks)
{
    double values[] = {3, 1, 5, 2, 4}, one[] = {7};

    CHECK_NEAR(quantile(values, 5, 0.5), 3, 0);
    CHECK_NEAR(quantile(values, 5, 0), 1, 0);
    CHECK_NEAR(quantile(values, 5, 0.99), 5, 0);
    CHECK_NEAR(quantile(one, 1, 1), 7, 0);
}
