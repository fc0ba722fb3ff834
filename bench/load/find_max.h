/* --find-max: the highest open-loop rate that keeps the SLO and 99 % goodput. */
#ifndef BENCH_LOAD_FIND_MAX_H
#define BENCH_LOAD_FIND_MAX_H

#include "bench/load/loop.h"

/* *found is 0 when not even the starting rate is kept. stats: of the last run that kept it (of
 * the starting one otherwise), initialised; the caller releases it. Each trial's line goes to
 * stderr. */
int find_max(const struct load_args *args, double *found, struct stats *stats,
             struct err *err) MUST_CHECK;

#endif
