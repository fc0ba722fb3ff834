/* The engine's cost function (adrank/engine.h) from measured batches. Pure. */
#ifndef MODEL_ENGINE_COST_H
#define MODEL_ENGINE_COST_H

#include "adrank/engine.h"

#define COST_MAX_SAMPLES 16

struct cost_sample {
    struct input_shape shape; /* with a ladder: tokens as computed, a rung */
    double us;                /* above 0 */
};

/*
 * Least squares of the relative error, with less weight on batches below 512 tokens and no term
 * below zero (Lawson and Hanson 1974; with four terms every subset is tried), for the number of
 * lanes from 1 to threads that fits best, or threads where the samples do not decide. With fewer
 * samples than terms some terms stay zero, that of tokens last. Without samples the cost is zero.
 * At most COST_MAX_SAMPLES. The caller sets the ladder.
 */
void cost_fit(const struct cost_sample *samples, int n, int threads, struct engine_cost *out);

#endif
