/* One request from launch to scores: what the host does meanwhile, and when each operation of the
 * recorded pass is done on the device. */
#ifndef BENCH_GPU_TIMELINE_H
#define BENCH_GPU_TIMELINE_H

#include "bench/gpu/scenario.h"

/* Prints medians of the host's steps, the recorded pass between two events, and the same pass with
 * an event after each operation: cumulative times, of the fastest pass of several. Of the
 * scenario's first batch; once for an engine, whose lane keeps the recording. */
int timeline_print(struct scenario *s, struct bench_engine *e, struct err *err) MUST_CHECK;

#endif
