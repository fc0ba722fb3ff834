/*
 * Background tasks: work for the executor's thread and its device, done in steps of some
 * milliseconds, one at a time, between batches, while nothing is launched. Opening an engine is
 * one, closing an engine is another. See run_task.h for how to run one.
 *
 * This file holds the tasks that wait and how long their steps take. Pure; the executor guards it
 * by its lock.
 */
#ifndef SERVER_BATCH_BACKGROUND_H
#define SERVER_BATCH_BACKGROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* All functions are called on the executor's thread, without its lock. */
struct task {
    /* 1: more to do, 0: done, -1: failed with err; it has cleaned up and is not abandoned. */
    int (*step)(void *arg, struct err *err);
    /* Undoes the steps made when the executor breaks or stops before the last one. May be NULL. */
    void (*abandon)(void *arg);
    void (*ended)(struct task *task); /* the last call: the memory is the owner's again */
    void (*release)(void *arg);       /* see executor_run_task */
    void *arg;                        /* of step, abandon and release */
    void *owner;                      /* for ended */
    bool always; /* runs on a broken or stopping executor too, before those that do not */

    /* The executor's. */
    bool begun;      /* a step was made */
    bool done;       /* executor_run_task's caller may return */
    bool committed;  /* it waits for the end of this step, whatever happens */
    bool lost;       /* it need not: the device hangs in the step */
    bool left;       /* it has returned before the end */
    int rc;          /* of the last step */
    const char *why; /* it failed because the executor is "broken" or "stopping"; else NULL */
    struct err err;
    struct task *next;
};

struct background {
    struct task *always, *others; /* first come, first served */
    struct task *running;         /* a step of it, since started_us; NULL: none */
    int64_t started_us, last_step_us;
    double step_us; /* duration of a step: a decaying maximum */
};

void background_add(struct background *background, struct task *task);
/* The task whose step is next; NULL: none. */
struct task *background_first(const struct background *background);
/* Time the gate leaves for a step; 0 without a task. One that always runs needs none: it is a
 * single short step. */
int64_t background_room_us(const struct background *background);

/* Whether the next step has waited so long that it no longer waits for room. */
bool background_is_overdue(const struct background *background, int64_t now_us);

/* The first task begins a step. Returns the task. */
struct task *background_begin(struct background *background, int64_t now_us);
/* The step ended; its rc is set. Returns the task if that was its last one: it is removed. */
struct task *background_stepped(struct background *background, int64_t now_us);

/*
 * Removes, as a list by `next`, the tasks that fail because the executor is broken or stopping
 * (`why`). A task that has begun holds something on the device: while batches are launched it
 * stays, with those after it.
 */
struct task *background_fail(struct background *background, const char *why, bool launched);

/*
 * The same where the device hangs: all tasks but the one that is running, those that always run
 * too. They are not to be undone: what they hold on the device is leaked.
 */
struct task *background_lose(struct background *background, const char *why);

#endif
