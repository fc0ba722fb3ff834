/* Where the time of a pass goes: one pass, operation by operation, by events between them. */
#ifndef BENCH_GPU_PROFILE_H
#define BENCH_GPU_PROFILE_H

#include "bench/gpu/scenario.h"
#include "kernels/cuda/lane.h"

/* Prints a line per kind of operation: how often, microseconds, nanoseconds a token and layer. The
 * best of a few passes. Small passes wait for the host between operations: only large ones count.
 */
int profile_print(struct scenario *s, struct bench_engine *e, struct err *err) MUST_CHECK;

#endif
