/* One input computed now and waited for: for opening and for tools. Nothing else is in flight. */
#ifndef MODEL_ENGINE_COMPUTE_H
#define MODEL_ENGINE_COMPUTE_H

#include "adrank/engine.h"
#include "model/engine/forward.h"

/* Of any size, in parts if need be. out: (n_read, model_out_width), all finite. */
int engine_compute(struct engine *engine, const struct input *input, float *out, int64_t *run_us,
                   struct err *err) MUST_CHECK;
/* Of a job that fits a batch, through these layers; batch has status and run_us. Outputs that are
 * not finite are no failure. */
int engine_compute_batch(struct engine *engine, struct engine_job *job, struct layer_range layers,
                         struct engine_batch *batch, struct err *err) MUST_CHECK;
/* Fills err; returns -1. */
int engine_not_finite(const struct engine *engine, struct err *err);

#endif
