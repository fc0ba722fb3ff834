#include "model/cost.h"

#include "base/rng.h"
#include "tests/test.h"

static void sample(struct cost_sample *out, int n, const struct engine_cost *cost, double noise)
{
    struct rng rng;

    rng_init(&rng, 3);
    for (int i = 0; i < n; i++) {
        out[i].tokens = 10 + 200 * i;
        out[i].attention = out[i].tokens * (20 + 37 * (i % 4));
        out[i].us =
            cost_of(cost, out[i].tokens, out[i].attention) * (1 + noise * (rng_double(&rng) - 0.5));
    }
}

TEST(cost__finds_the_terms_again)
{
    static const struct engine_cost costs[] = {{50, 10, 0.02}, {0, 3, 0.1}, {200, 0, 0.5},
                                               {5000, 0, 0},   {0, 7, 0},   {30, 2.5, 0}};

    for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
        struct cost_sample samples[9];
        struct engine_cost got;
        test_row("%g %g %g", costs[i].fixed_us, costs[i].per_token_us, costs[i].per_attention_us);
        sample(samples, 9, &costs[i], 0);
        cost_fit(samples, 9, &got);
        CHECK_NEAR(got.fixed_us, costs[i].fixed_us, 1e-3 * (1 + costs[i].fixed_us));
        CHECK_NEAR(got.per_token_us, costs[i].per_token_us, 1e-3 * (1 + costs[i].per_token_us));
        CHECK_NEAR(got.per_attention_us, costs[i].per_attention_us, 1e-4);
    }
}

/* Larger inputs that took no longer would give a negative term: it is zero instead, and the rest
 * still fits. */
TEST(cost__is_never_negative)
{
    static const struct cost_sample falling[] = {
        {16, 256, 90}, {64, 1000, 60}, {256, 4000, 40}, {1024, 16000, 30}};
    struct cost_sample noisy[9];
    struct engine_cost got;

    cost_fit(falling, 4, &got);
    CHECK(got.fixed_us > 20 && got.fixed_us < 100);
    CHECK(got.per_token_us == 0 && got.per_attention_us == 0);
    sample(noisy, 9, &(struct engine_cost){40, 8, 0.001}, 0.3);
    cost_fit(noisy, 9, &got);
    CHECK(got.fixed_us >= 0 && got.per_token_us >= 0 && got.per_attention_us >= 0);
    for (int i = 0; i < 9; i++)
        CHECK_NEAR(cost_of(&got, noisy[i].tokens, noisy[i].attention) / noisy[i].us, 1, 0.35);
}

TEST(cost__does_without_enough_samples)
{
    static const struct cost_sample one[] = {{100, 5000, 300}};
    struct engine_cost got;

    cost_fit(NULL, 0, &got);
    CHECK(cost_of(&got, 100, 100) == 0);
    cost_fit(one, 1, &got);
    CHECK_NEAR(cost_of(&got, 100, 5000), 300, 1e-6);
}

TEST_MAIN
