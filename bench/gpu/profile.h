/* Where the time of a pass goes: one pass, operation by operation, by events between them. */
#ifndef BENCH_GPU_PROFILE_H
#define BENCH_GPU_PROFILE_H

#include "bench/gpu/bare.h"
#include "kernels/cuda/lane.h"

/* Prints a line per kind of operation: how often, microseconds, nanoseconds a token and layer; the
 * best of a few passes. `before` runs first, for so long that the operations are in the queue when
 * it ends: none waits for the host. An event between two of them adds about a microsecond. */
int profile_print(struct scenario *s, struct bench_engine *e, struct bare *before,
                  struct err *err) MUST_CHECK;

#endif
