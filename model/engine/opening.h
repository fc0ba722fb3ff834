/* State an engine holds only while it opens: the stages and their progress. */
#ifndef MODEL_ENGINE_OPENING_H
#define MODEL_ENGINE_OPENING_H

#include "adrank/input.h"
#include "model/engine/cost.h"
#include "model/request_input.h"

/* The cost function's measurement. */
struct measuring {
    bool begun;
    int shape; /* in progress; the table's size: none */
    bool measured[COST_MAX_SAMPLES];
    int layers; /* of the next pass */
    int round;
    double few_us, more_us; /* fastest so far: with fewer layers, with one more (or with all) */
    double spent_us;
    struct cost_sample samples[COST_MAX_SAMPLES];
    int n_samples;
    struct engine_cost so_far;
};

struct engine_opening {
    int stage;  /* into the table of stages */
    int lane;   /* next one to open */
    int launch; /* next one to make */
    struct measuring measuring;
    int rung, rung_shape, rung_pass; /* next one to run */
    double rungs_us;                 /* predicted of those that ran */
    int golden, golden_part;         /* next request, and which part of it */
    struct request_input requests;
    struct input input, part;
    float *out; /* (max_out, out_width) for one input */
    int max_out;
    bool skip_golden;
    int max_step_us;     /* 0: no limit */
    int n_spares, spare; /* engines that reserve memory; the one that opens */
    struct engine **spares;
};

struct engine;

/* A stage does one step: 1 more to do, 0 done, -1 failed. */
int opening_weights(struct engine *engine, struct err *err);
int opening_lanes(struct engine *engine, struct err *err);
int opening_launches(struct engine *engine, struct err *err);
int opening_cost(struct engine *engine, struct err *err);
int opening_rungs(struct engine *engine, struct err *err);
int opening_golden(struct engine *engine, struct err *err);
int opening_spares(struct engine *engine, struct err *err);
void opening_release_spares(struct engine *engine);

/* Room for n rows of outputs, kept from one step to the next. */
int opening_reserve_out(struct engine *engine, int n, struct err *err) MUST_CHECK;

#endif
