/*
 * Runs slices of launched batches through the forward pass, on the crew's threads where lanes are
 * host threads. The crew takes the next ready slice, in launch order.
 */
#ifndef MODEL_ENGINE_SLICES_H
#define MODEL_ENGINE_SLICES_H

#include "model/engine/crew.h"
#include "model/engine/launch_state.h"

extern const struct crew_ops slices_crew_ops; /* arg is the launcher */

/* Runs it in the caller, or queues it. lane is one of the engine's. */
int slice_forward(struct launch_slice *slice, int lane, struct err *err) MUST_CHECK;

/* (the crew's lock) Moves a launch from the running to the finished list. */
void launch_finish(struct launcher *launcher, struct launch *launch);

void launch_append(struct launch **list, struct launch *launch);

#endif
