/* Tests of base/rng.c. */
#include "base/rng.h"

#include "tests/test.h"

/* First outputs of the published C code of xoshiro256** for the state {1, 2, 3, 4}. */
TEST(rng__follows_the_published_generator)
{
    static const uint64_t want[] = {11520u, 0u, 1509978240u, 1215971899390074240u};
    struct rng rng = {{1, 2, 3, 4}};

    for (int i = 0; i < 4; i++)
        CHECK(rng_u64(&rng) == want[i]);
}

/* splitmix64 from state 0 starts with e220a8397b1dcdaf. */
TEST(rng__seed_is_splitmix64)
{
    struct rng rng;

    rng_init(&rng, 0);
    CHECK(rng.s[0] == UINT64_C(0xe220a8397b1dcdaf));
}

TEST(rng__same_seed_same_numbers)
{
    struct rng a, b, c;
    int differ = 0;

    rng_init(&a, 7);
    rng_init(&b, 7);
    rng_init(&c, 8);
    for (int i = 0; i < 1000; i++) {
        uint64_t v = rng_u64(&a);

        CHECK(v == rng_u64(&b));
        differ += v != rng_u64(&c);
    }
    CHECK_INT(differ, 1000);
}

TEST(rng__below_is_uniform)
{
    enum { SIDES = 7, DRAWS = 70000 };
    int counts[SIDES] = {0};
    double chi2 = 0, expected = (double)DRAWS / SIDES;
    struct rng rng;

    rng_init(&rng, 3);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t v = rng_below(&rng, SIDES);

        CHECK(v < SIDES);
        counts[v]++;
    }
    for (int i = 0; i < SIDES; i++)
        chi2 += (counts[i] - expected) * (counts[i] - expected) / expected;
    CHECK(chi2 < 22.5); /* 6 degrees of freedom, p = 0.001 */
    CHECK_INT(rng_below(&rng, 1), 0);
}

static void moments(struct rng *rng, double (*draw)(struct rng *), double *mean, double *variance)
{
    enum { N = 200000 };
    double sum = 0, squares = 0;

    for (int i = 0; i < N; i++) {
        double v = draw(rng);

        sum += v;
        squares += v * v;
    }
    *mean = sum / N;
    *variance = squares / N - *mean * *mean;
}

TEST(rng__distributions_have_their_moments)
{
    struct rng rng;
    double mean, variance;

    rng_init(&rng, 11);
    moments(&rng, rng_double, &mean, &variance);
    CHECK_NEAR(mean, 0.5, 0.005);
    CHECK_NEAR(variance, 1.0 / 12, 0.002);
    moments(&rng, rng_normal, &mean, &variance);
    CHECK_NEAR(mean, 0, 0.02);
    CHECK_NEAR(variance, 1, 0.02);
    moments(&rng, rng_exponential, &mean, &variance);
    CHECK_NEAR(mean, 1, 0.02);
    CHECK_NEAR(variance, 1, 0.04);
}

/* The logarithm inside is our own: an exponential draw is -ln(1 - u) of the same u. */
TEST(rng__exponential_agrees_with_libm)
{
    struct rng a, b;

    rng_init(&a, 2);
    rng_init(&b, 2);
    for (int i = 0; i < 10000; i++) {
        double want = -log(1 - rng_double(&b));

        CHECK_NEAR(rng_exponential(&a), want, 4e-16 * (1 + fabs(want)));
    }
}
