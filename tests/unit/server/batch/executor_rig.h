/*
 * Executors over scripted devices (stub/engine.h), models whose scores identify them, and workers
 * that submit jobs from separate threads and check every letter they receive.
 */
#ifndef TESTS_UNIT_SERVER_BATCH_EXECUTOR_RIG_H
#define TESTS_UNIT_SERVER_BATCH_EXECUTOR_RIG_H

#include <pthread.h>

#include "base/clock.h"
#include "server/batch/executor.h"
#include "server/batch/submit.h"
#include "tests/test.h"
#include "tests/unit/server/batch/stub/engine.h"

#define MS 1000
#define SECOND 1000000
#define FOR_EVER (60 * (int64_t)SECOND)

enum { RIG_WORKERS = 3 };

struct rig_worker {
    pthread_t thread;
    struct mailbox box;
    struct batch_jobs jobs;
    int to_submit, segments;
    int64_t budget_us, pause_us;
    bool cancel_some;
    uint64_t generation;
    _Atomic int admitted, refused, failed_submits, letters, wrong, by_fallback;
    _Atomic int outcomes[JOB_OUTCOMES];
};

void rig_nap(int64_t us);

static inline bool is_between(int64_t us, int64_t least_us, int64_t most_us)
{
    return us > least_us && us < most_us;
}

/* For checks of durations: a busy machine may spoil some attempts, a fault spoils every one. The
 * attempt cleans up and returns whether the durations were as expected. */
#define RIG_TRY(attempt)                                                                           \
    do {                                                                                           \
        int tries_ = 0;                                                                            \
        while (!(attempt))                                                                         \
            CHECK(++tries_ < 10);                                                                  \
    } while (0)

/* What an executor of rig_open_executor reports about its batches, by device. */
struct rig_stats {
    int batches, requests;
    int64_t tokens;
    double least_ratio, most_ratio;
};
extern struct rig_stats rig_stats[STUB_DEVICES];

/* device: number of a stub's script. FAILs if it cannot open, as do the functions below. */
struct executor *rig_open_executor(const char *device, int max_jobs);
struct served_model *rig_open_model(int number, struct executor *primary,
                                    struct executor *fallback);
void rig_init_worker(struct rig_worker *worker, int jobs);
void rig_release_worker(struct rig_worker *worker);
/* A job of that many segments that are read; NULL: all of the worker's are lent. */
struct batch_job *rig_new_job(struct rig_worker *worker, struct served_model *served, int number,
                              int segments, int64_t budget_us);
/* Counts the answer. */
enum submit rig_submit(struct rig_worker *worker, struct batch_job *job);
/* Takes letters until there were that many; false if one does not arrive within ten seconds. */
bool rig_await(struct rig_worker *worker, int letters);
/* Takes all letters that are due. */
bool rig_settle(struct rig_worker *worker);

/* An executor of device 0, perhaps with a fallback on device 1, and threads that submit jobs to the
 * model served last. */
struct rig_crowd {
    struct executor *executor, *fallback; /* the latter NULL: none */
    struct rig_worker workers[RIG_WORKERS];
    /* Sums over them, once they have joined. */
    int outcomes[JOB_OUTCOMES], refused, failed_submits, by_fallback;
};
extern struct rig_crowd crowd;

/* Batches take 300 us on both devices. Serves model 1. */
void rig_crowd_open(int max_jobs, int max_launched, bool with_fallback);
/* Each worker will submit this many jobs of this many segments. */
void rig_crowd_start(int to_submit, int segments);
void rig_crowd_run(void);
/* Requests use this model from now on; the reference is taken over. */
void rig_crowd_serve(struct served_model *served, int number);
/* Waits for the workers, checks their letters. */
void rig_crowd_join(void);
void rig_crowd_close(void);

/* An executor of device 0 with model 1 and a worker that the test's own thread drives. */
struct rig_one {
    struct executor *executor;
    struct served_model *served;
    struct rig_worker worker;
};
extern struct rig_one one;

/* Set the script first. */
void rig_one_open(int max_jobs);
/* Its answer is checked; NULL for a job that is not admitted. */
struct batch_job *rig_one_submit(int segments, int64_t budget_us, enum submit want);
/* Takes the letters that are due; checks how many jobs had this outcome so far. */
void rig_one_settle(enum job_outcome outcome, int n);
/* Takes the letters that are due, checks that nothing is left. */
void rig_one_close(void);
/* Waits until this many batches have completed and this many are launched. */
void rig_one_wait(int completed, int launched);

/* Checks that no executor, model or engine is leaked; resets the stubs for the next test. */
void rig_check_clean(void);

#endif
