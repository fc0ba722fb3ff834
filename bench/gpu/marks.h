/*
 * A pass with an event after each of its operations: where its time goes on the device. One pass at
 * a time, since operations carry no argument of the caller's. An event between two operations costs
 * about a microsecond.
 */
#ifndef BENCH_GPU_MARKS_H
#define BENCH_GPU_MARKS_H

#include "bench/gpu/engine.h"

#define MARKS_MAX 256

struct marks {
    int n;
    struct mark {
        char label[40]; /* the operation before the event; the first one: "begin" */
        cudaEvent_t event;
    } items[MARKS_MAX];
};

int marks_init(struct marks *marks, struct err *err) MUST_CHECK;
void marks_release(struct marks *marks);

/* Queues a pass. recorded: as a graph with the events in it, from its third launch on; else
 * operation by operation. The lane must be idle. */
int marks_launch(struct marks *marks, struct bench_engine *e, int lane, const struct slice *slice,
                 bool recorded, struct err *err) MUST_CHECK;
/* Microseconds from one event to another, once the pass is done. */
int marks_elapsed(const struct marks *marks, int from, int to, double *us,
                  struct err *err) MUST_CHECK;

#endif
