/* Hashing of features, and one pass of AdaGrad. */
#include "tools/sim/hashed.h"

#include <math.h>

#include "base/bug.h"

#define RATE .02

void sim_features_add(struct sim_features *features, uint64_t kind, uint64_t a, uint64_t b)
{
    uint64_t x = kind * UINT64_C(0x9e3779b97f4a7c15) + a * UINT64_C(0xff51afd7ed558ccd) +
                 b * UINT64_C(0xc4ceb9fe1a85ec53);

    BUG_ON(features->n == SIM_MAX_FEATURES);
    x = (x ^ (x >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
    features->items[features->n++] = (uint32_t)(x >> (64 - SIM_HASHED_BITS));
}

double sim_hashed_logit(const struct sim_hashed *model, const struct sim_features *features)
{
    double z = 0;
    for (size_t i = 0; i < features->n; i++)
        z += (double)model->weights[features->items[i]];
    return z;
}

void sim_hashed_learn(struct sim_hashed *model, const struct sim_features *features, bool label)
{
    double p = 1 / (1 + exp(-sim_hashed_logit(model, features)));
    float gradient = (float)(p - (double)label);

    for (size_t i = 0; i < features->n; i++) {
        uint32_t at = features->items[i];
        model->squares[at] += gradient * gradient;
        model->weights[at] -= (float)RATE * gradient / sqrtf(1 + model->squares[at]);
    }
}
