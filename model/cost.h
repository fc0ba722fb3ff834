/* The engine's cost function from measured batches: us = fixed + per_token tokens +
 * per_attention attention. Pure. */
#ifndef MODEL_COST_H
#define MODEL_COST_H

#include "adrank/engine.h"

struct cost_sample {
    double tokens, attention, us;
};

/* Least squares of the relative error with no term below zero (Lawson and Hanson 1974; with
 * three terms every subset is tried). No samples give a cost of nothing. */
void cost_fit(const struct cost_sample *samples, int n, struct engine_cost *out);

double cost_of(const struct engine_cost *cost, double tokens, double attention);

#endif
