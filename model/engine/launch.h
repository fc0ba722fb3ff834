/* Launched batches, for the engine itself; everybody else has engine_submit and launcher_poll. */
#ifndef MODEL_ENGINE_LAUNCH_H
#define MODEL_ENGINE_LAUNCH_H

#include "model/engine/launch_state.h"

/* Its memory, all of it in one block of the device's host memory. On failure nothing is left. */
int launch_init(struct launch *launch, struct engine *engine, int lane, struct err *err) MUST_CHECK;
void launch_release(struct launch *launch); /* not in flight */

struct launch_args {
    struct engine_batch *batch;
    bool internal; /* ends in launch_wait alone */
    struct layer_range layers;
};

/* Launches as engine_submit does. */
int launch_start(struct engine *engine, const struct launch_args *args, struct launch **out,
                 struct err *err) MUST_CHECK;
/* Waits for the end: fills the batch's out fields, and the launch is free again. */
void launch_wait(struct launch *launch);

#endif
