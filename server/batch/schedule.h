/*
 * The schedule of an executor: what waits, what is launched, and what is to be done next. The
 * executor's thread reports what happened (facts) and gets back what to do (actions); it does that
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
    int max_jobs, max_queue; /* what the options may be at most */
    struct queue queue;
    struct gate gate;
    struct split split;
    struct background background;
    struct life life;
    struct batch batches[BATCH_MAX_LAUNCHED];
    struct batch *launched[BATCH_MAX_LAUNCHED]; /* oldest first */
    int n_launched, max_launched;
    int64_t free_since_us; /* when the last batch was through */
};

int schedule_init(struct schedule *schedule, int max_jobs, int max_queue,
                  struct err *err) MUST_CHECK;
void schedule_release(struct schedule *schedule); /* zeroed memory is legal */

/* Values outside of what it was made for are clamped. */
void schedule_set_options(struct schedule *schedule, const struct batch_options *options);

/* Whether new jobs and tasks are taken. */
bool schedule_is_open(const struct schedule *schedule);
/* Whether options.max_queue is reached. */
bool schedule_is_full(const struct schedule *schedule);
/* Expired and cancelled work is dropped before the queue's limit is checked: where it is full,
 * takes such work out. A list by `next`, for the caller to return. */
struct work *schedule_make_room(struct schedule *schedule, int64_t now_us);
/* The second gate (gate.h). work is prepared. */
struct gate_answer schedule_admit(struct schedule *schedule, struct work *work, int64_t now_us);

/* What happened since the last decision. */
struct facts {
    int64_t now_us;
    int n_engines;          /* open */
    int max_launched;       /* what the device and all of them can take */
    struct batch *launched; /* ACTION_LAUNCH was done: its shape is known. May be NULL */
    struct batch *done[BATCH_MAX_LAUNCHED]; /* through or not submitted; status says how */
    int n_done;
    struct task *stepped; /* ACTION_STEP was done; may be NULL */
    int step_rc;
    int64_t step_ended_us;
};

enum action_kind {
    ACTION_BREAK,    /* batch failed: log that the device is broken */
    ACTION_COMPLETE, /* batch: hand its jobs back, or to the fallback when it failed. It is free */
    ACTION_RETURN,   /* works go back with outcome; JOB_EXPIRED: or as cancelled, if they are */
    ACTION_REROUTE,  /* works go to the fallback */
    ACTION_LAUNCH,   /* batch: submit it to its engine */
    ACTION_STEP,     /* task: make a step */
    ACTION_END_TASK, /* task, and those behind it: done or failed */
};

struct action {
    enum action_kind kind;
    struct batch *batch;
    struct work *works; /* a list by `next` */
    enum job_outcome outcome;
    struct task *task;
};

#define MAX_ACTIONS 16

/* To be done in this order. */
struct actions {
    struct action items[MAX_ACTIONS];
    int n;         /* 0: nothing to do until somebody has news */
    bool finished; /* the executor ends; no work is left, or it is left behind */
};

void schedule_decide(struct schedule *schedule, const struct facts *facts, struct actions *actions);

#endif
