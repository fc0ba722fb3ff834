/* What is measured: some requests of 64 tokens and 100 ads of 8 to 24 each, in batches of a kind.
 */
#ifndef BENCH_GPU_SCENARIO_H
#define BENCH_GPU_SCENARIO_H

#include "bench/gpu/engine.h"
#include "model/engine/plan.h"

#define SCENARIO_BATCHES 8
#define SCENARIO_REQUESTS 16

struct scenario_args {
    const char *kind;
    int requests;       /* request 0 is the last of them */
    int context, pairs; /* tokens and ads of a request */
    int max_tokens;     /* of a batch */
};

struct scenario {
    struct scenario_args args;
    struct device *device;
    struct input inputs[SCENARIO_REQUESTS];
    struct engine_job jobs[SCENARIO_REQUESTS];
    float *logits; /* (requests, pairs) */
    struct plan plans[SCENARIO_BATCHES];
    void *memory[SCENARIO_BATCHES]; /* pinned: what a plan points into */
    int n_batches;
    int n_tokens;
    double flop; /* what has to be computed, and nothing else (model/engine/flop.h) */
};

int scenario_init(struct scenario *s, struct device *device, const struct encoder_config *config,
                  const struct scenario_args *args, struct err *err) MUST_CHECK;
void scenario_release(struct scenario *s);

/* Computes the logits once, and keeps them. */
int scenario_run(struct scenario *s, struct bench_engine *e, bool plain,
                 struct err *err) MUST_CHECK;
/* Microseconds of all batches, back to back, by the device's clock. */
int scenario_time(struct scenario *s, struct bench_engine *e, bool plain, int repeats, double *us,
                  struct err *err) MUST_CHECK;
/* From the first launch to the last score on the host, by the host's clock. */
int scenario_latency(struct scenario *s, struct bench_engine *e, double *us,
                     struct err *err) MUST_CHECK;

/* The logits of request 0. */
const float *scenario_first(const struct scenario *s);

#endif
