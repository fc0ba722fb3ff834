/*
 * The executor's own state, shared by its four parts: executor.c (life and loop), submit.c (jobs
 * in and out), flight.c (launched batches) and opening.c (models that come and go). Nobody else
 * includes it.
 */
#ifndef SERVER_BATCH_EXECUTOR_STATE_H
#define SERVER_BATCH_EXECUTOR_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/batch/executor.h"
#include "server/batch/pick.h"

#define EXECUTOR_MAX_LAUNCHED 4

/* A batch on its way through the engine, with all that the engine reads while it is. */
struct flight {
    struct engine_batch batch;
    struct served_engine *engine;
    struct batch_job **jobs;        /* (max_batch_jobs) */
    struct engine_job *engine_jobs; /* (max_batch_jobs) */
    struct engine_job **pointers;   /* (max_batch_jobs) */
    struct input part;              /* of a split job; reserved when an engine opens */
    bool is_part;                   /* of the split job, which then is jobs[0] */
    int n_jobs;                     /* 0: not in use */
    int64_t launched_us;
    double cost_us, base_us;
    struct input_shape shape;
};

/* The job larger than a batch that is being run, part by part, before anything else. */
struct split {
    struct batch_job *job; /* NULL: none */
    int n_parts, next_part, in_flight;
    bool ended;               /* no further part is launched */
    bool broken;              /* the engine is: the whole job is for the fallback */
    enum job_outcome outcome; /* JOB_OK until something went wrong */
    double part_us, left_us;  /* estimate of one part, and of those not launched yet */
};

/* An engine to be opened; lies on the stack of the thread that waits for it. */
struct opening {
    struct served_engine *engine;
    struct engine_args args;
    bool begun, done;
    int rc;
    struct err err;
    struct opening *next;
};

struct executor {
    /* Constant after the start. */
    struct launcher *launcher;
    const struct device_caps *caps;
    const char *backend;
    struct executor_args args;
    int max_launched;
    pthread_t thread;

    _Atomic(enum executor_state) state;
    _Atomic int64_t heartbeat_us;

    pthread_mutex_t lock;
    pthread_cond_t wake;   /* the executor's thread waits here; monotonic clock */
    pthread_cond_t opened; /* threads that wait for an opening */

    /* Under the lock. */
    struct batch_options options;
    struct queue queue;
    struct gate gate;
    struct flight *launched[EXECUTOR_MAX_LAUNCHED]; /* oldest first */
    int n_launched;
    int64_t free_since_us; /* when the last batch completed */
    struct split split;
    struct opening *openings;       /* first come first */
    struct served_engine *closings; /* those without a model's reference left */
    int n_engines;                  /* open */
    bool step_running;              /* a background step, since step_started_us */
    int64_t step_started_us, last_step_us;
    double step_us; /* what one takes: decaying maximum */
    bool started;   /* the device is open, or start_err tells */
    struct err start_err;
    bool progress; /* the device has something to tell */
    bool broken, stopping, quit;
    int64_t drain_until_us, leak_after_us;
    double ratio; /* of the engine that ran last */
    uint64_t admitted, refused;
    struct hist batch_tokens, batch_requests;

    _Atomic uint64_t outcomes[JOB_OUTCOMES], late;
    atomic_bool looks_full; /* the queue was full when somebody last looked, under the lock */

    /* The executor's thread only. */
    struct flight flights[EXECUTOR_MAX_LAUNCHED];
    struct work **chosen, **dropped; /* (max_batch_jobs), (max_queue): of a pick */
    struct work **emptied;           /* (max_queue) */
};

/* submit.c */

/* Outside the lock: takes the job into this executor's queue if its gate lets it, with a
 * reference to the model. */
enum submit executor_admit(struct executor *executor, int engine, struct batch_job *job,
                           int64_t now_us, int64_t *wait_us) MUST_CHECK;
/* Outside the lock: the letter goes out, the model's reference goes. The job is no longer ours. */
void executor_return(struct executor *executor, struct batch_job *job, enum job_outcome outcome);
/* The same for what pick.h dropped. */
void executor_return_dropped(struct executor *executor, struct work *work);
/* Outside the lock: a job of an engine that broke goes to the fallback, or back. */
void executor_reroute(struct executor *executor, struct batch_job *job);
/* Under the lock: estimate of when all that is launched is through. */
int64_t executor_free_us(const struct executor *executor, int64_t now_us);

/* executor.c */

/* Outside the lock, the executor's thread: nothing is launched any more, what was queued is
 * rerouted. */
void executor_break(struct executor *executor, const struct err *err);

/* flight.c: the executor's thread */

int flights_init(struct executor *executor, struct err *err) MUST_CHECK;
void flights_release(struct executor *executor);
/* Under the lock, which it lets go meanwhile: launches a batch or the next part of a split job,
 * returns what was dropped. False: there was nothing to do. */
bool flight_launch(struct executor *executor, int64_t now_us);
/* Under the lock, which it lets go meanwhile: no further part is launched, and the split job, if
 * there is one, goes back once none is under way. */
void split_end(struct executor *executor);
/* Outside the lock: takes back all that the device has finished. Returns how many batches. */
int flights_complete(struct executor *executor);

/* opening.c */

/* Not the executor's thread: waits until the engine is open or has failed. */
int executor_open_engine(struct executor *executor, struct served_engine *engine,
                         const struct engine_args *args, struct err *err) MUST_CHECK;
/* Any thread. */
void executor_close_engine(struct executor *executor, struct served_engine *engine);
/* Under the lock: whether a background step is to be made before the next batch. */
bool background_due(const struct executor *executor, int64_t now_us);
/* Under the lock, which it lets go meanwhile; nothing is launched. The executor's thread. */
void background_step(struct executor *executor, int64_t now_us);
/* Under the lock: all who wait for an opening are told why there is none; one that has begun, and those behind it,
 * once nothing is launched. The executor's thread. */
void openings_fail(struct executor *executor, const char *why);

/* served.c: after engine_close */
void served_engine_closed(struct served_engine *engine);

#endif
