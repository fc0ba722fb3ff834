/* One input computed now and waited for: for opening and for tools. Nothing else is in flight. */
#ifndef MODEL_ENGINE_COMPUTE_H
#define MODEL_ENGINE_COMPUTE_H

#include "adrank/engine.h"

/* Of any size, in parts if need be. logits: (n_read, L), all finite. */
int engine_compute(struct engine *engine, const struct input *input, float *logits, int64_t *run_us,
                   struct err *err) MUST_CHECK;
/* Of an input that fits a batch; out has status and run_us. Logits that are not finite are no
 * failure. */
int engine_compute_batch(struct engine *engine, const struct input *input, float *logits,
                         struct engine_batch *out, struct err *err) MUST_CHECK;
/* Fills err; returns -1. */
int engine_not_finite(const struct engine *engine, struct err *err);

#endif
