/*
 * struct sim_hashed: logistic regression over hashed features (Weinberger et al. 2009), one pass of
 * AdaGrad. It is what a team builds in a day: a baseline for what ids alone, or pairs of words
 * alone, can predict.
 */
#ifndef TOOLS_SIM_HASHED_H
#define TOOLS_SIM_HASHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_HASHED_BITS 22

#define SIM_MAX_FEATURES 20000

struct sim_features {
    size_t n;
    uint32_t items[SIM_MAX_FEATURES]; /* (n) hashes; may repeat */
};

/* At most SIM_MAX_FEATURES. */
void sim_features_add(struct sim_features *features, uint64_t kind, uint64_t a, uint64_t b);

/* Starts out as zeros. */
struct sim_hashed {
    float weights[1 << SIM_HASHED_BITS], squares[1 << SIM_HASHED_BITS];
};

double sim_hashed_logit(const struct sim_hashed *model, const struct sim_features *features);
void sim_hashed_learn(struct sim_hashed *model, const struct sim_features *features, bool label);

#endif
