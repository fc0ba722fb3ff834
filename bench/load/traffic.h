/*
 * The traffic: complete HTTP requests, built before the clock starts, so that sending one costs a
 * copy. Either the lines of a file, or generated from texts in English and Chinese; the same seed
 * gives the same bytes.
 */
#ifndef BENCH_LOAD_TRAFFIC_H
#define BENCH_LOAD_TRAFFIC_H

#include "base/arena.h"
#include "bench/load/options.h"

struct traffic {
    struct arena arena;
    struct view *requests; /* (n) */
    int n;
    int ads; /* per request, for the ads/s of the report; 0: unknown */
};

int traffic_init(struct traffic *traffic, const struct options *options,
                 struct err *err) MUST_CHECK;
void traffic_release(struct traffic *traffic);

#endif
