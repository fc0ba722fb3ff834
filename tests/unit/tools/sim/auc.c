/* Tests of tools/sim/auc.c. */
#include "tools/sim/auc.h"

#include "base/rng.h"
#include "tests/test.h"

TEST(auc__of_labels_counts_pairs_and_halves_ties)
{
    struct sim_scored perfect[] = {{.1, 0}, {.9, 1}, {.2, 0}, {.8, 1}};
    struct sim_scored tied[] = {{1, 0}, {1, 1}};
    struct sim_scored mixed[] = {{1, 0}, {2, 1}, {3, 0}, {4, 1}};
    struct sim_scored one_class[] = {{1, 1}, {2, 1}};

    CHECK_NEAR(sim_auc(perfect, 4), 1, 0);
    CHECK_NEAR(sim_auc(tied, 2), .5, 0);
    CHECK_NEAR(sim_auc(mixed, 4), .75, 1e-12);
    CHECK(isnan(sim_auc(one_class, 2)));
}

/* Compared with counting every pair. */
TEST(auc__of_probabilities_is_the_expected_share_of_pairs)
{
    struct sim_scored rows[200];
    double above = 0, weight = 0;
    struct rng rng;

    rng_init(&rng, 3);
    for (int i = 0; i < 200; i++)
        rows[i] = (struct sim_scored){floor(20 * rng_double(&rng)), rng_double(&rng)};
    for (int i = 0; i < 200; i++) {
        for (int j = 0; j < 200; j++) {
            double w = rows[i].p * (1 - rows[j].p);
            weight += w;
            above += w * (rows[i].score > rows[j].score    ? 1
                          : rows[i].score == rows[j].score ? .5
                                                           : 0);
        }
    }
    CHECK_NEAR(sim_auc(rows, 200), above / weight, 1e-12);
}

TEST(auc__entropy_is_the_expected_log_loss)
{
    struct sim_scored rows[] = {{0, .5}, {0, .25}, {0, 0}, {0, 1}};
    double want = (log(2) - .25 * log(.25) - .75 * log(.75)) / 4;

    CHECK_NEAR(sim_entropy(rows, 4), want, 1e-12);
}
