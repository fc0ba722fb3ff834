/* Computes one input and waits for it: for opening and for tools. Nothing else may be in flight. */
#ifndef MODEL_ENGINE_COMPUTE_H
#define MODEL_ENGINE_COMPUTE_H

#include "adrank/engine.h"
#include "model/engine/forward.h"

/* An input of any size, in parts if necessary. out: (n_read, model_out_width), all finite. */
int engine_compute(struct engine *engine, const struct input *input, float *out, int64_t *run_us,
                   struct err *err) MUST_CHECK;
/* A job that fits a batch, through these layers; batch receives status and run_us. Non-finite
 * outputs are not a failure. */
int engine_compute_batch(struct engine *engine, struct engine_job *job, struct layer_range layers,
                         struct engine_batch *batch, struct err *err) MUST_CHECK;
/* Fills err; returns -1. */
int engine_not_finite(const struct engine *engine, struct err *err);

#endif
