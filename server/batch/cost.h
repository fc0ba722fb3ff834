/*
 * The estimated duration of a batch. The engine measures a function of its shape when it opens
 * (struct engine_cost); here that function is corrected by how long served batches took: a factor
 * that is the 95th percentile of observed / estimated over the last batches (weights decay by 2 %
 * with each), kept within [0.25, 4]. It rises within a few batches, because late answers are worse
 * than idle moments, and falls within about eighty. A single outlier (one stall) never moves it.
 *
 * Pure: reads no clock, allocates nothing. One writer; the executor guards it by the lock of its
 * queue.
 */
#ifndef SERVER_BATCH_COST_H
#define SERVER_BATCH_COST_H

#include "adrank/engine.h"

#define COST_RATIO_MIN 0.25
#define COST_RATIO_MAX 4.0
#define COST_RATIO_BUCKETS 112 /* equal steps of the ratio's logarithm: 2.5 % each */

struct cost {
    struct engine_cost engine;
    int min_tokens, max_tokens; /* of the limit of a batch's tokens */
    double ratio;               /* the factor in effect */
    double weights[COST_RATIO_BUCKETS];
    double total_weight;
};

/* Starts with the weight of 20 batches at a ratio of 1 and of 2 at 1.5: cautious until about 15
 * batches were observed. min_tokens is the longest segment with its parent: the smallest limit a
 * batch may be given. */
void cost_init(struct cost *cost, const struct engine_cost *engine, int min_tokens, int max_tokens);

/* The requested limit of a batch's tokens, clamped to what the engine can do. */
static inline int cost_batch_tokens(const struct cost *cost, int wanted)
{
    wanted = wanted < cost->min_tokens ? cost->min_tokens : wanted;
    return wanted > cost->max_tokens ? cost->max_tokens : wanted;
}

/* The engine's own figure for inputs that run together, in `batches` batches; never negative. Not
 * linear: estimates do not add up, shapes do (input_shape_add). Times ratio it is corrected. */
double cost_base_us(const struct cost *cost, const struct input_shape *shape, int batches);

/* A batch whose cost_base_us was base_us took observed_us. */
void cost_observe(struct cost *cost, double base_us, double observed_us);

#endif
