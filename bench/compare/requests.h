/*
 * The fixed requests that builds are compared by: requests.tsv, a name and a body a line. Those
 * named stored_* are for a user of history.jsonl; they need a Redis. Ads are those of
 * catalog.jsonl.
 */
#ifndef BENCH_COMPARE_REQUESTS_H
#define BENCH_COMPARE_REQUESTS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

#define COMPARE_FOLDER "bench/compare"
#define COMPARE_MAX_REQUESTS 64

struct compare_request {
    const char *name;
    struct view body;
    bool stored;
};

struct compare_requests {
    struct buf text; /* what the requests point into */
    struct compare_request items[COMPARE_MAX_REQUESTS];
    int n;
};

int compare_requests_read(struct compare_requests *out, struct err *err) MUST_CHECK;
void compare_requests_release(struct compare_requests *requests);

#endif
