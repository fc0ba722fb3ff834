/* State an engine holds only while it opens: the stages and their progress. */
#ifndef MODEL_ENGINE_OPENING_H
#define MODEL_ENGINE_OPENING_H

#include "adrank/input.h"
#include "model/engine/cost.h"
#include "model/engine/network.h"
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

/* Whether the tanh form of GELU is taken (opening_gelu.c). [2]: erf, tanh. */
struct gelu_trial {
    bool wanted;
    int stage;                                /* into its table of stages */
    struct network twins[MODEL_MAX_ENCODERS]; /* with the inner layers that are not in place */
    int tokens, round;                        /* of the batches that are timed */
    double us[2];                             /* fastest pass so far */
    double token_us;                          /* about; 0: not known yet */
    int first;                                /* form that was listed, in place at first */
    int form;                                 /* that is in place */
    double error[2];
};

struct engine_opening {
    int stage;  /* into the table of stages */
    int lane;   /* next one to open */
    int launch; /* next one to make */
    struct gelu_trial trial;
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
int opening_gelu(struct engine *engine, struct err *err);
int opening_cost(struct engine *engine, struct err *err);
int opening_rungs(struct engine *engine, struct err *err);
int opening_golden(struct engine *engine, struct err *err);
int opening_spares(struct engine *engine, struct err *err);
void opening_release_spares(struct engine *engine);

/* What the engine's session opened with: settles engine->gelu, or that a trial is needed. */
void opening_gelu_request(struct engine *engine, enum gelu requested);
void opening_gelu_release(struct engine *engine); /* the trial's weights; none is fine */

/* One step of running the golden requests: 1 more to do, 0 all are done, -1 failed, as where an
 * error is above the limit. *worst grows to the largest error over the spread. */
int opening_golden_step(struct engine *engine, double limit, double *worst, struct err *err);

/* An input of about that many tokens, all of id 0, in segments as they are read in practice: shape
 * 0 children of a parent, 1 pairs. */
int opening_rung_input(const struct engine *engine, int tokens, int shape, struct input *out,
                       struct err *err) MUST_CHECK;

/* Room for n rows of outputs, kept from one step to the next. */
int opening_reserve_out(struct engine *engine, int n, struct err *err) MUST_CHECK;

#endif
