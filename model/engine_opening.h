/* What an engine holds only while it opens: the stages and where they stand. */
#ifndef MODEL_ENGINE_OPENING_H
#define MODEL_ENGINE_OPENING_H

#include "adrank/input.h"
#include "model/cost.h"
#include "model/request_input.h"

#define COST_SHAPES 9

struct engine_opening {
    int stage;        /* into the table of stages */
    int lane;         /* next one to open */
    int run;          /* next one to make */
    int shape, round; /* of the cost function's measurement */
    int64_t cost_began_us;
    struct cost_sample samples[COST_SHAPES];
    int n_samples;
    double best_us; /* of the shape under way */
    int golden;     /* next request */
    struct request_input requests;
    struct input input;
    float *logits; /* (max_batch_tokens, L) room for one input's */
    int max_logits;
    bool skip_golden;
};

struct engine;

/* A stage does one step: 1 more to do, 0 through, -1 failed. */
int opening_network(struct engine *engine, struct err *err);
int opening_lanes(struct engine *engine, struct err *err);
int opening_runs(struct engine *engine, struct err *err);
int opening_cost(struct engine *engine, struct err *err);
int opening_golden(struct engine *engine, struct err *err);

#endif
