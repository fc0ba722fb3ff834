/* Corrects the engine's cost by observed durations. */
#include "server/batch/cost.h"

#include <math.h>

#define DECAY 0.98
#define START_WEIGHT 20.0
#define START_DOUBT 2.0 /* of which nothing is known yet: counted as START_RATIO */
#define START_RATIO 1.5
#define QUANTILE 0.95

/* Bucket i holds the ratios up to RATIO_MIN * (MAX / MIN)^((i + 1) / BUCKETS). */
static int bucket_of(double ratio)
{
    double position = log(ratio / COST_RATIO_MIN) / log(COST_RATIO_MAX / COST_RATIO_MIN);

    /* A ratio on an edge, such as 1, belongs below it in spite of rounding. */
    int i = (int)ceil(position * COST_RATIO_BUCKETS - 1e-6) - 1;
    return i < 0 ? 0 : i >= COST_RATIO_BUCKETS ? COST_RATIO_BUCKETS - 1 : i;
}

static double edge_of(int i)
{
    return COST_RATIO_MIN *
           pow(COST_RATIO_MAX / COST_RATIO_MIN, (double)(i + 1) / COST_RATIO_BUCKETS);
}

double cost_base_us(const struct cost *cost, const struct input_shape *shape, int batches)
{
    double us = engine_cost_us(&cost->engine, shape, batches);

    return us > 0 ? us : 0;
}

static double quantile(const struct cost *cost)
{
    double above = 0;

    for (int i = COST_RATIO_BUCKETS - 1; i > 0; i--) {
        above += cost->weights[i];
        if (above > (1 - QUANTILE) * cost->total_weight)
            return edge_of(i);
    }
    return edge_of(0);
}

void cost_init(struct cost *cost, const struct engine_cost *engine, int min_tokens, int max_tokens)
{
    *cost = (struct cost){.engine = *engine,
                          .min_tokens = min_tokens,
                          .max_tokens = max_tokens,
                          .total_weight = START_WEIGHT + START_DOUBT};
    cost->weights[bucket_of(1)] = START_WEIGHT;
    cost->weights[bucket_of(START_RATIO)] = START_DOUBT;
    cost->ratio = quantile(cost);
}

void cost_observe(struct cost *cost, double base_us, double observed_us)
{
    if (!(base_us > 0) || !(observed_us >= 0))
        return;
    double ratio = fmin(fmax(observed_us / base_us, COST_RATIO_MIN), COST_RATIO_MAX);

    for (int i = 0; i < COST_RATIO_BUCKETS; i++)
        cost->weights[i] *= DECAY;
    cost->weights[bucket_of(ratio)] += 1;
    cost->total_weight = cost->total_weight * DECAY + 1;
    cost->ratio = quantile(cost);
}
