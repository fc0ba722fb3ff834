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
#include "server/batch/split.h"

enum executor_state { EXECUTOR_SERVING, EXECUTOR_BROKEN, EXECUTOR_STOPPING };

/* Why it is broken. */
enum executor_failure {
    EXECUTOR_FAILURE_NONE,
    EXECUTOR_FAILURE_ERROR, /* the device reported an error */
    EXECUTOR_FAILURE_HANG,  /* a batch, or a call of the device, does not end */
    EXECUTOR_FAILURES
};

struct schedule {
    struct batch_options options;
    int max_jobs, max_queue; /* upper bounds of the options */
    struct queue queue;
    struct gate gate;
    struct split split;
    struct background background;
    struct batch batches[BATCH_MAX_LAUNCHED];
    struct batch beat; /* without works: shows that an idle device still computes */
    struct batch *launched[BATCH_MAX_LAUNCHED]; /* oldest first */
    int n_launched, max_launched; /* the latter is the device's: set by the executor, 1 at first */
    bool beats;                   /* the device may hang: set by the executor */
    int64_t free_since_us;        /* when the last batch was done */
    int64_t heartbeat_us;         /* see executor_heartbeat_us */
    bool broken;                  /* permanently: nothing is launched any more */
    bool hung;                    /* broken, and the device is not called any more, for anything */
    int n_abandoned;              /* batches that were in flight when it hung */
    bool stopping;                /* takes no new work */
    bool closing;                 /* ends as soon as nothing is left to do */
    int64_t drain_until_us;       /* when stopping: work still queued then fails */
    int64_t leak_after_us;        /* when closing: batches still in flight then are leaked */
};

int schedule_init(struct schedule *schedule, int max_jobs, int max_queue,
                  struct err *err) MUST_CHECK;
void schedule_release(struct schedule *schedule); /* does nothing if zeroed */

/* Values outside what it was made for are clamped. */
void schedule_set_options(struct schedule *schedule, const struct batch_options *options);

/* New jobs and tasks are taken while it is serving. Broken takes precedence over stopping. */
enum executor_state schedule_state(const struct schedule *schedule);
/* Whether options.max_queue is reached. */
bool schedule_is_full(const struct schedule *schedule);
/* Expired and cancelled work is dropped before the queue limit is checked: removes it where the
 * queue is full. A list by `next`, for the caller to return. */
struct work *schedule_make_room(struct schedule *schedule, int64_t now_us);
/* The second gate (gate.h). work is prepared; the executor is open. */
struct gate_answer schedule_admit(struct schedule *schedule, struct work *work, int64_t now_us);

/* The first call of each counts; schedule_close follows schedule_stop. */
void schedule_stop(struct schedule *schedule, int64_t now_us, int64_t drain_us);
void schedule_close(struct schedule *schedule, int64_t now_us);

/* What happened since the last decision. */
struct facts {
    int64_t now_us;
    int64_t polled_us;      /* just before the device was polled; 0: it was not */
    int n_engines;          /* open */
    double beat_us;         /* estimate of the smallest batch */
    struct batch *launched; /* the last actions': its shape is known now; NULL: none */
    struct batch *done[BATCH_MAX_LAUNCHED]; /* completed or not submitted; status says how */
    int n_done;
    bool stepped; /* the step was made: the task's rc is set */
};

/* What to do, in this order, once the batches that were done have been completed: these are free
 * again then. Works and tasks are lists by `next`. */
struct actions {
    struct work *rerouted; /* to the fallback; those of a batch that failed, too */
    struct work *returned[JOB_OUTCOMES];
    struct task *ended; /* done or failed */
    struct task *step;  /* a step of it is made */
    struct batch *launch;
    const struct batch *hung; /* it has just been found to hang; valid until the next decision */
    bool idle;                /* nothing to do until the next event */
    bool finished;            /* the executor ends; no work is left, or it is leaked */
};

/*
 * For a thread that watches the executor's, when that does not come back from a call of the device:
 * from now on the schedule is broken and hung. Returns the works that were queued, for the
 * fallback, and in *ended the tasks. What is launched stays with the executor's thread, which
 * abandons it should it ever come back.
 */
struct work *schedule_give_up(struct schedule *schedule, struct task **ended);

void schedule_decide(struct schedule *schedule, const struct facts *facts, struct actions *actions);

#endif
