/*
 * Whether a row's bits depend on how many rows there are: one row, made so that any other order of
 * adding up shows in it, goes through every rung of a product at every place.
 */
#ifndef KERNELS_CPU_ONEDNN_TRIAL_H
#define KERNELS_CPU_ONEDNN_TRIAL_H

#include "kernels/cpu/onednn_rungs.h"

/*
 * Rungs of equal class gave the row the same bits at every place; -1: not at every place, or it
 * cannot run. Numbers depend on shape, processor and library alone. Milliseconds, up to some
 * hundred for the largest shapes; what was found out for a shape is kept for the life of the
 * process. Any thread.
 */
dnnl_status_t onednn_trial(const struct onednn_rungs *rungs, dnnl_engine_t engine,
                           dnnl_stream_t stream, int classes[ONEDNN_RUNGS]);

#endif
