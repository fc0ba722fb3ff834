/* Rounding to f16. */
#include "kernels/cpu/f16.h"

#include "tests/test.h"

/* The finite f16 of these bits, exactly. */
static float value_of(int bits)
{
    const int exponent = bits >> 10, fraction = bits & 0x3ff;

    return exponent ? ldexpf((float)(1024 + fraction), exponent - 25)
                    : ldexpf((float)fraction, -24);
}

static void check(float x, float want)
{
    test_row("%a", (double)x);
    CHECK(f16_round(x) == want && f16_round(-x) == -want);
    CHECK(!signbit(f16_round(x)) && signbit(f16_round(-x)));
}

/* Every value stays; the middle of two goes to the even one, what is beside it to the nearer. */
TEST(f16__rounds_to_the_nearest_and_ties_to_even)
{
    for (int bits = 0; bits < 0x7bff; bits++) {
        const float low = value_of(bits), high = value_of(bits + 1), middle = (low + high) / 2;

        check(low, low);
        check(middle, bits % 2 ? high : low);
        check(nextafterf(middle, 0), low);
        check(nextafterf(middle, INFINITY), high);
    }
}

TEST(f16__is_infinite_beyond_its_range)
{
    check(65504, 65504);
    check(nextafterf(65520, 0), 65504);
    check(65520, INFINITY);
    check(3e38F, INFINITY);
    check(INFINITY, INFINITY);
    CHECK(isnan(f16_round(NAN)));
}
