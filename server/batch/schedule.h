/*
 * The schedule of an executor: what waits, what is launched, and what to do next. The executor's
 * thread reports what happened (facts) and gets back what to do (actions); it performs those
 * without the lock and reports the results with its next turn.
 *
 * Pure: no clock, no lock, no callback, memory only at init. The daemon drives it with threads and
 * a device, bench/scheduler in virtual time. The executor guards it by its lock; only its own
 * thread decides.
 */
#ifndef SERVER_BATCH_SCHEDULE_H
#define SERVER_BATCH_SCHEDULE_H

#include "server/batch/background.h"
#include "server/batch/batch.h"
#include "server/batch/gate.h"
#include "server/batch/life.h"
#include "server/batch/split.h"

struct schedule {
    struct batch_options options;
    int max_jobs, max_queue; /* upper bounds of the options */
    struct queue queue;
    struct gate gate;
    struct split split;
    struct background background;
    struct life life;
    struct batch batches[BATCH_MAX_LAUNCHED];
    struct batch *launched[BATCH_MAX_LAUNCHED]; /* oldest first */
    int n_launched, max_launched; /* the latter is the device's: set by the executor, 1 at first */
    int64_t free_since_us;        /* when the last batch was done */
};

int schedule_init(struct schedule *schedule, int max_jobs, int max_queue,
                  struct err *err) MUST_CHECK;
void schedule_release(struct schedule *schedule); /* does nothing if zeroed */

/* Values outside what it was made for are clamped. */
void schedule_set_options(struct schedule *schedule, const struct batch_options *options);

/* Whether new jobs and tasks are taken. */
bool schedule_is_open(const struct schedule *schedule);
/* Whether options.max_queue is reached. */
bool schedule_is_full(const struct schedule *schedule);
/* Expired and cancelled work is dropped before the queue limit is checked: removes it where the
 * queue is full. A list by `next`, for the caller to return. */
struct work *schedule_make_room(struct schedule *schedule, int64_t now_us);
/* The second gate (gate.h). work is prepared; the executor is open. */
struct gate_answer schedule_admit(struct schedule *schedule, struct work *work, int64_t now_us);

/* What happened since the last decision. */
struct facts {
    int64_t now_us;
    int n_engines;          /* open */
    struct batch *launched; /* ACTION_LAUNCH was performed: its shape is known. May be NULL */
    struct batch *done[BATCH_MAX_LAUNCHED]; /* completed or not submitted; status says how */
    int n_done;
    bool stepped; /* ACTION_STEP was performed: the task's rc is set */
};

enum action_kind {
    ACTION_COMPLETE, /* batch: return its jobs, or reroute them when it failed. It is free then */
    ACTION_RETURN,   /* works are returned with outcome */
    ACTION_REROUTE,  /* works go to the fallback */
    ACTION_LAUNCH,   /* batch: submit it to its engine */
    ACTION_STEP,     /* task: make a step */
    ACTION_END_TASK, /* task, and those after it: done or failed */
};

struct action {
    enum action_kind kind;
    struct batch *batch;
    struct work *works; /* a list by `next` */
    enum job_outcome outcome;
    struct task *task;
};

#define MAX_ACTIONS 16

/* To be performed in this order. */
struct actions {
    struct action items[MAX_ACTIONS];
    int n;         /* 0: nothing to do until the next event */
    bool finished; /* the executor ends; no work is left, or it is leaked */
};

void schedule_decide(struct schedule *schedule, const struct facts *facts, struct actions *actions);

#endif
