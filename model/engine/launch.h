/* Launched batches, internal to the engine; other code uses engine_submit and launcher_poll. */
#ifndef MODEL_ENGINE_LAUNCH_H
#define MODEL_ENGINE_LAUNCH_H

#include "model/engine/launch_state.h"

/* Allocates its memory as one block of the device's host memory. On failure nothing is left
 * allocated. */
int launch_init(struct launch *launch, struct engine *engine, int lane, struct err *err) MUST_CHECK;
void launch_release(struct launch *launch); /* must not be in flight */

struct launch_args {
    struct engine_batch *batch;
    bool internal; /* completed only by launch_wait */
    struct layer_range layers;
};

/* Launches as engine_submit does. */
int launch_start(struct engine *engine, const struct launch_args *args, struct launch **out,
                 struct err *err) MUST_CHECK;
/* Waits until an internal launch is done: fills the batch's out fields and frees the launch for
 * reuse. */
void launch_wait(struct launch *launch);

/* ERR_UNAVAILABLE: the launcher is broken, and why; returns -1. */
int launcher_refuse(const struct launcher *launcher, struct err *err);

#endif
