/*
 * Matrix products and nothing else: the limits that passes are compared with. Without bias or
 * activation, by the algorithms that cuBLASLt is fastest with, as one recorded graph.
 */
#ifndef BENCH_GPU_BARE_H
#define BENCH_GPU_BARE_H

#include "bench/gpu/scenario.h"

struct bare {
    struct device *device;
    cudaGraphExec_t exec;
    void *memory; /* the yardstick's operands */
    double flop;
};

/* The products of a scenario's passes, with as many rows as the passes have (no padding), over the
 * engine's weights and scratch. */
int bare_init(struct bare *b, const struct scenario *s, struct bench_engine *e,
              struct err *err) MUST_CHECK;
/* n products of size x size matrices of random f16: the card's clock depends on what it computes.
 */
int yardstick_init(struct bare *b, struct device *device, int size, int n,
                   struct err *err) MUST_CHECK;
void bare_release(struct bare *b);

/* Queues the graph, without waiting. */
int bare_queue(struct bare *b, struct err *err) MUST_CHECK;
/* Microseconds of the graph, queued so many times, by the device's clock. */
int bare_time(struct bare *b, int repeats, double *us, struct err *err) MUST_CHECK;

#endif
