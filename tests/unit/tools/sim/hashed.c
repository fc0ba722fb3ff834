/* Tests of tools/sim/hashed.c. */
#include "tools/sim/hashed.h"

#include "base/rng.h"
#include "tests/test.h"

static double logit_of(const struct sim_hashed *model, uint64_t a, uint64_t b)
{
    struct sim_features features = {0};

    sim_features_add(&features, 1, a, b);
    return sim_hashed_logit(model, &features);
}

/* Pair (a, b) is clicked with 80 % where a equals b, else with 10 %. */
TEST(hashed__learns_pairs)
{
    static struct sim_hashed model;
    struct sim_features features = {0};
    struct rng rng;

    rng_init(&rng, 4);
    for (int i = 0; i < 200000; i++) {
        uint64_t a = rng_below(&rng, 5), b = rng_below(&rng, 5);
        features.n = 0;
        sim_features_add(&features, 1, a, b);
        sim_hashed_learn(&model, &features, rng_double(&rng) < (a == b ? .8 : .1));
    }
    for (uint64_t a = 0; a < 5; a++) {
        for (uint64_t b = 0; b < 5; b++)
            CHECK(a == b ? logit_of(&model, a, b) > 1 : logit_of(&model, a, b) < -1.4);
    }
    CHECK_NEAR(logit_of(&model, 9, 9), 0, 0);
}
