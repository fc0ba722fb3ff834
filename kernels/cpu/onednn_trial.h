/*
 * Tests whether a row's bits depend on the number of rows: one row, constructed so that any change
 * in summation order shows, is run through every rung of a product at every position.
 */
#ifndef KERNELS_CPU_ONEDNN_TRIAL_H
#define KERNELS_CPU_ONEDNN_TRIAL_H

#include "kernels/cpu/onednn_product.h"

/*
 * Rungs of equal class gave the row the same bits at every position; -1: not at every position, or
 * it cannot run. The classes depend only on shape, processor and library. Takes milliseconds, up to
 * a few hundred for the largest shapes; the result for a shape is cached for the life of the
 * process. Any thread.
 */
dnnl_status_t onednn_trial(const struct onednn_product *product, dnnl_engine_t engine,
                           dnnl_stream_t stream, int classes[ONEDNN_RUNGS]);

#endif
