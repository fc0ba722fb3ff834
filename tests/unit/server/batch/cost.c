/* Tests of server/batch/cost.c. */
#include "server/batch/cost.h"

#include "base/rng.h"
#include "tests/test.h"

static const struct engine_cost engine = {
    .fixed_us = 100, .per_token_us = 2, .per_attention_us = 0.5};

TEST(cost__adds_fixed_tokens_and_attention)
{
    struct cost cost;
    struct input_shape shape = {.tokens = 10, .attention = 40};

    cost_init(&cost, &engine, 1, 100);
    CHECK_NEAR(cost_base_us(&cost, &shape, 1), 140, 1e-9);
    CHECK_NEAR(cost_base_us(&cost, &shape, 3), 340, 1e-9);
    cost.engine.fixed_us = -1000; /* a fit may give such a value */
    CHECK_NEAR(cost_base_us(&cost, &shape, 1), 0, 0);
}

/* Two threads and segments that cannot be split: two segments cost the same as one. */
TEST(cost__depends_on_the_shape_and_is_not_additive)
{
    struct cost cost;
    struct input_shape one = {.tokens = 200, .segments = 1, .chain_tokens = 200}, two = one;

    cost_init(&cost, &(struct engine_cost){.fixed_us = 100, .per_token_us = 2, .lanes = 2}, 1,
              1000);
    input_shape_add(&two, &one);
    CHECK_NEAR(cost_base_us(&cost, &one, 1), 500, 1e-9);
    CHECK_NEAR(cost_base_us(&cost, &two, 1), 500, 1e-9);
    input_shape_add(&two, &one);
    CHECK_NEAR(cost_base_us(&cost, &two, 1), 700, 1e-9);
}

TEST(cost__clamps_batches_to_the_engine)
{
    struct cost cost;

    cost_init(&cost, &engine, 64, 4096);
    CHECK_INT(cost_batch_tokens(&cost, 1000), 1000);
    CHECK_INT(cost_batch_tokens(&cost, 3), 64);
    CHECK_INT(cost_batch_tokens(&cost, 100000), 4096);
}

static double ratio_after(struct cost *cost, int n, double observed)
{
    for (int i = 0; i < n; i++)
        cost_observe(cost, 1000, 1000 * observed);
    return cost->ratio;
}

TEST(cost__is_cautious_at_first_and_soon_exact)
{
    struct cost cost;

    cost_init(&cost, &engine, 1, 100);
    CHECK_NEAR(cost.ratio, 1.5, 0.04);
    CHECK_NEAR(ratio_after(&cost, 20, 1), 1, 0.001); /* an edge: no rounding up to the next step */
}

TEST(cost__rises_within_a_few_batches_and_falls_slowly)
{
    struct cost cost;

    cost_init(&cost, &engine, 1, 100);
    ratio_after(&cost, 200, 1);
    CHECK_NEAR(ratio_after(&cost, 4, 1.3), 1.3, 0.04);
    CHECK(ratio_after(&cost, 20, 0.7) > 1);
    CHECK_NEAR(ratio_after(&cost, 200, 0.7), 0.7, 0.02);
}

TEST(cost__one_stall_moves_nothing)
{
    struct cost cost;

    cost_init(&cost, &engine, 1, 100);
    ratio_after(&cost, 200, 1);
    double before = cost.ratio;
    cost_observe(&cost, 1000, 500000);
    CHECK_NEAR(cost.ratio, before, 0);
}

TEST(cost__stays_within_its_bounds_and_ignores_nonsense)
{
    struct cost cost;

    cost_init(&cost, &engine, 1, 100);
    CHECK_NEAR(ratio_after(&cost, 300, 1000), COST_RATIO_MAX, 1e-9);
    CHECK_NEAR(ratio_after(&cost, 1000, 0), COST_RATIO_MIN, 0.01);
    double before = cost.ratio;
    cost_observe(&cost, 0, 100);
    cost_observe(&cost, 100, NAN);
    cost_observe(&cost, 100, -5);
    CHECK_NEAR(cost.ratio, before, 0);
}

/* 95 of 100 batches take no longer than the corrected estimate (98 where its step is on the safe
 * side). */
TEST(cost__follows_the_95th_percentile)
{
    struct cost cost;
    struct rng rng;
    int over = 0;

    rng_init(&rng, 3);
    cost_init(&cost, &engine, 1, 100);
    for (int i = 0; i < 20000; i++) {
        double observed = 1 + 0.3 * (2 * rng_double(&rng) - 1);
        over += i >= 1000 && observed > cost.ratio;
        cost_observe(&cost, 1000, 1000 * observed);
    }
    CHECK(over <= 19000 * 0.05 && over >= 19000 * 0.02);
}
