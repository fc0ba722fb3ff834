/*
 * Executors over scripted devices (stub/engine.h), models whose scores show which of them answered,
 * and workers that submit jobs from threads of their own and check every letter that comes back.
 */
#ifndef TESTS_UNIT_SERVER_BATCH_EXECUTOR_RIG_H
#define TESTS_UNIT_SERVER_BATCH_EXECUTOR_RIG_H

#include <pthread.h>

#include "server/batch/executor.h"
#include "server/batch/submit.h"
#include "tests/unit/server/batch/stub/engine.h"

#define MS 1000
#define SECOND 1000000
#define FOR_EVER (60 * (int64_t)SECOND)

enum { RIG_WORKERS = 3 };

struct rig_worker {
    pthread_t thread;
    struct mailbox box;
    struct batch_jobs jobs;
    uint32_t number;
    int to_submit, segments;
    int64_t budget_us, pause_us;
    bool cancel_some;
    uint64_t generation;
    _Atomic int admitted, refused, failed_submits, letters, wrong, by_fallback;
    _Atomic int outcomes[JOB_OUTCOMES];
};

void rig_nap(int64_t us);

/* For what shows in times: a machine that is busy with others may spoil it, what is broken spoils
 * it each time. The attempt cleans up and returns whether the times were as they should be. */
#define RIG_TRY(attempt)                                                                           \
    do {                                                                                           \
        int tries_ = 0;                                                                            \
        while (!(attempt))                                                                         \
            CHECK(++tries_ < 10);                                                                  \
    } while (0)

/* What an executor of rig_open_executor reports of its batches, by device. */
struct rig_stats {
    int batches, requests;
    int64_t tokens;
    double least_ratio, most_ratio;
};
extern struct rig_stats rig_stats[STUB_DEVICES];

/* device: number of a stub's script. Fails the test when it does not open; so do the others. */
struct executor *rig_open_executor(const char *device, int max_jobs);
struct served_model *rig_open_model(int number, struct executor *primary,
                                    struct executor *fallback);
/* What the workers' threads serve from now on; the reference is taken over. */
void rig_world_set(struct served_model *served, int number);

void rig_init_worker(struct rig_worker *worker, uint32_t number, int jobs);
void rig_release_worker(struct rig_worker *worker);
/* A job of that many segments that are read; NULL: all of the worker's are lent. */
struct batch_job *rig_new_job(struct rig_worker *worker, struct served_model *served, int number,
                              int segments, int64_t budget_us);
/* Counts the answer. */
enum submit rig_submit(struct rig_worker *worker, struct batch_job *job);
/* Takes all letters that are due; false when one stays out for ten seconds. */
bool rig_settle(struct rig_worker *worker);

/* RIG_WORKERS of them, each to submit so many jobs once it runs; joining checks their letters and
 * releases them. */
void rig_start_workers(struct rig_worker *workers, int to_submit);
void rig_run_workers(struct rig_worker *workers);
void rig_join_workers(struct rig_worker *workers);

/* An executor of device 0 with model 1 and a worker that the test's own thread drives. */
struct rig_one {
    struct executor *executor;
    struct served_model *served;
    struct rig_worker worker;
};

/* The script is set already. */
void rig_one_open(struct rig_one *one, int max_jobs);
/* Its answer is checked; NULL for a job that is not admitted. */
struct batch_job *rig_one_submit(struct rig_one *one, int segments, int64_t budget_us,
                                 enum submit want);
/* Takes the letters that are due, checks that nothing is left. */
void rig_one_close(struct rig_one *one);
/* Waits until so many batches have completed, and so many are launched. */
void rig_one_wait(struct rig_one *one, int completed, int launched);

/* A model that is opened by a thread of its own. */
struct rig_opening {
    pthread_t thread;
    struct executor *executor;
    struct served_model *served;
};

void rig_opening_start(struct rig_opening *opening, struct executor *executor);
void rig_opening_end(struct rig_opening *opening); /* waits for it, and gives the model back */

/* Nothing of executors, models and engines is left behind. */
void rig_check_clean(void);

#endif
