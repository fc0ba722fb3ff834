/*
 * struct sim_hashed: logistic regression over hashed features (Weinberger et al. 2009), one pass of
 * AdaGrad. It is what a team builds in a day, and stands for what ids, or pairs of words, tell by
 * themselves.
 */
#ifndef TOOLS_SIM_HASHED_H
#define TOOLS_SIM_HASHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_HASHED_BITS 22

struct sim_features {
    uint32_t *items; /* hashes; may repeat */
    size_t n, capacity;
    bool failed; /* sticky: out of memory */
};

void sim_features_add(struct sim_features *features, uint64_t kind, uint64_t a, uint64_t b);
void sim_features_release(struct sim_features *features);

struct sim_hashed {
    float *weights, *squares; /* (2^SIM_HASHED_BITS) */
};

/* false: out of memory. */
bool sim_hashed_init(struct sim_hashed *model);
void sim_hashed_release(struct sim_hashed *model);
double sim_hashed_logit(const struct sim_hashed *model, const struct sim_features *features);
void sim_hashed_learn(struct sim_hashed *model, const struct sim_features *features, bool label);

#endif
