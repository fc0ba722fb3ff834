/*
 * Background tasks: work for the executor's thread and its device that is done in steps of some
 * milliseconds, one at a time, between batches, while nothing is launched. Opening an engine is
 * one, closing an engine is one. See executor_run_task for how to have one run.
 *
 * This file is the list of those that wait, and how long their steps take. Pure.
 */
#ifndef SERVER_BATCH_BACKGROUND_H
#define SERVER_BATCH_BACKGROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* All functions are called on the executor's thread, outside its lock. */
struct task {
    /* 1: more to do, 0: done, -1: failed with err; it has cleaned up then, and is not abandoned. */
    int (*step)(void *arg, struct err *err);
    /* Undoes steps that were made: the executor breaks or stops before the last one. May be
     * NULL. */
    void (*abandon)(void *arg);
    /* The last call: the task's memory is its owner's again. */
    void (*ended)(struct task *task);
    void *arg;   /* of step and abandon */
    bool always; /* runs on a broken or stopping executor, too, and before those that do not */

    /* The executor's. */
    bool begun;      /* a step was made */
    int rc;          /* of the last step */
    const char *why; /* not NULL: it failed because the executor is "broken", "stopping" */
    struct err err;
    struct task *next;
};

struct background {
    struct task *first; /* those that always run in front, then first come first */
    bool running;       /* a step, since started_us */
    int64_t started_us, last_step_us;
    double step_us; /* what a step takes: decaying maximum */
};

void background_add(struct background *background, struct task *task);
/* Time that the gate is to leave for a step; 0 where there is none to be made. What always runs
 * needs none: it is one short step. */
int64_t background_room_us(const struct background *background);

/* Whether the next step has waited for so long that it waits no more for room. */
bool background_is_overdue(const struct background *background, int64_t now_us);

/* The first task's step begins. Returns the task. */
struct task *background_begin(struct background *background, int64_t now_us);
/* The step is through. Whether that was the last one: the task is out of the list then. */
bool background_stepped(struct background *background, struct task *task, int rc, int64_t now_us);

/*
 * Takes out, as a list by `next`, the tasks that fail because the executor is broken or stopping
 * (`why`). One that has begun holds something on the device: while batches are launched it stays,
 * with those behind it.
 */
struct task *background_fail(struct background *background, const char *why, bool launched);

#endif
