/* --find-max: the highest open-loop rate that keeps the SLO and 99 % goodput. */
#ifndef BENCH_LOAD_FIND_MAX_H
#define BENCH_LOAD_FIND_MAX_H

#include "bench/load/loop.h"

/* *found is 0 when not even a 64th of the starting rate keeps the SLO. stats: of the last run,
 * at the rate found; initialised here, released by the caller. Reports each trial on stderr. */
int find_max(const struct load_args *args, double *found, struct stats *stats,
             struct err *err) MUST_CHECK;

#endif
