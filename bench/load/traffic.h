/*
 * What is sent: whole HTTP requests, made before the clock starts, so that sending costs a copy.
 * Either lines of a file, or made-up shoppers over texts in English and Chinese. Same seed, same
 * bytes.
 */
#ifndef BENCH_LOAD_TRAFFIC_H
#define BENCH_LOAD_TRAFFIC_H

#include "base/arena.h"
#include "bench/load/options.h"

struct traffic {
    struct arena arena;
    struct view *requests; /* (n) */
    int n;
    int ads; /* of one request, on average: for the ads/s of the report; 0: not known */
};

int traffic_init(struct traffic *traffic, const struct options *options,
                 struct err *err) MUST_CHECK;
void traffic_release(struct traffic *traffic);

#endif
