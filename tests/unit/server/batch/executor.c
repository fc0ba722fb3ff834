/* Threads against a scripted engine: every admitted job comes back exactly once, with the scores of
 * its own model. */
#include "server/batch/executor.h"

#include "base/clock.h"
#include "tests/test.h"
#include "tests/unit/server/batch/executor_rig.h"

/* The linker sends every allocation of this program through these (see CMakeLists.txt). */
static _Atomic int allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    allocations++;
    return __real_realloc(memory, size);
}

TEST(executor__answers_every_job_once)
{
    struct rig_worker workers[RIG_WORKERS];

    stub_reset();
    stub_scripts[0].batch_us = 300;
    struct executor *executor = rig_open_executor("0", 8);
    rig_world_set(rig_open_model(1, executor, NULL), 1);
    rig_start_workers(workers, 400);
    workers[1].cancel_some = true;
    rig_run_workers(workers);
    rig_join_workers(workers);
    CHECK_INT(workers[0].outcomes[JOB_OK], 400);
    CHECK(workers[1].outcomes[JOB_OK] >= 200);
    CHECK(stub_scripts[0].largest_batch > 1); /* together, not one by one */
    CHECK_INT(executor_queue_depth(executor), 0);
    /* Cancelled ones were not paid for, or came back as ok. */
    int ok = 0;
    for (int i = 0; i < RIG_WORKERS; i++)
        ok += workers[i].outcomes[JOB_OK];
    CHECK_INT(rig_stats[0].requests, ok);
    rig_world_set(NULL, 0);
    executor_close(executor);
    rig_check_clean();
}

TEST(executor__keeps_two_batches_launched_where_the_device_takes_them)
{
    struct rig_worker workers[RIG_WORKERS];

    stub_reset();
    stub_scripts[0].max_launched = 2;
    stub_scripts[0].poll_us = 50;
    stub_scripts[0].batch_us = 500;
    struct executor *executor = rig_open_executor("0", 4);
    rig_world_set(rig_open_model(2, executor, NULL), 2);
    rig_start_workers(workers, 200);
    rig_run_workers(workers);
    rig_join_workers(workers);
    CHECK_INT(stub_scripts[0].most_launched, 2);
    rig_world_set(NULL, 0);
    executor_close(executor);
    rig_check_clean();
}

TEST(executor__refuses_at_once_what_would_be_late)
{
    struct rig_one one;
    int64_t wait_us = 0;

    stub_reset();
    stub_scripts[0].batch_us = 500 * MS;
    rig_one_open(&one, 1);
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    struct batch_job *job = rig_new_job(&one.worker, one.served, 1, 3, 700 * MS);
    CHECK_INT(executor_submit(job, clock_now_us(), &wait_us), SUBMIT_LATE);
    CHECK_INT(job->outcome, JOB_REFUSED);
    CHECK(wait_us > 700 * MS);
    batch_jobs_put(&one.worker.jobs, job);
    /* The queue's bound, live. */
    executor_set_options(one.executor, &(struct executor_options){256, 1},
                         &(struct deadline_options){0});
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_FULL);
    CHECK(rig_settle(&one.worker));
    CHECK_INT(one.worker.outcomes[JOB_OK], 2);
    rig_one_close(&one);
}

TEST(executor__drops_cancelled_and_expired_unpaid)
{
    struct rig_one one;

    stub_reset();
    rig_one_open(&one, 4);
    stub_scripts[0].hang = true;
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(&one, 0, 1);
    rig_one_submit(&one, 3, 500 * MS, SUBMIT_ADMITTED);
    batch_job_cancel(rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED));
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    rig_nap(600 * MS);
    stub_scripts[0].hang = false;
    CHECK(rig_settle(&one.worker));
    CHECK_INT(one.worker.outcomes[JOB_OK], 2);
    CHECK_INT(one.worker.outcomes[JOB_CANCELLED], 1);
    CHECK_INT(one.worker.outcomes[JOB_EXPIRED], 1);
    CHECK_INT(stub_scripts[0].batches, 2);
    rig_one_close(&one);
}

TEST(executor__runs_a_job_larger_than_a_batch_in_parts)
{
    for (int launched = 1; launched <= 2; launched++) {
        struct rig_one one;
        stub_reset();
        stub_scripts[0].max_launched = launched;
        rig_one_open(&one, 8);
        for (int i = 0; i < 4; i++) /* 101 segments of 8 tokens in batches of 256, and small ones */
            rig_one_submit(&one, i % 2 ? 3 : 100, FOR_EVER, SUBMIT_ADMITTED);
        CHECK(rig_settle(&one.worker));
        CHECK_INT(one.worker.outcomes[JOB_OK], 4);
        CHECK(stub_scripts[0].batches >= 2 * 4 + 1);
        CHECK_INT(stub_scripts[0].most_launched, launched);
        rig_one_close(&one);
    }
}

TEST(executor__allocates_nothing_once_warm)
{
    enum { LENT = 8 }; /* all jobs of the pool grow to the largest, parts included */
    struct rig_one one;
    int before = 0;

    stub_reset();
    stub_scripts[0].batch_us = 100;
    rig_one_open(&one, 4);
    rig_release_worker(&one.worker);
    rig_init_worker(&one.worker, 0, LENT);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < LENT; i++)
            rig_one_submit(&one, round ? 1 + 17 * i : 120, FOR_EVER, SUBMIT_ADMITTED);
        CHECK(rig_settle(&one.worker));
        if (round == 0)
            before = allocations;
    }
    CHECK(before > 0); /* it counts */
    CHECK_INT(allocations, before);
    rig_one_close(&one);
}

/* What opens first has nobody to wait for it. */
TEST(executor__asks_for_short_steps_beside_served_engines)
{
    stub_reset();
    struct executor *executor = rig_open_executor("0", 4);
    struct served_model *first = rig_open_model(1, executor, NULL);
    CHECK_INT(stub_scripts[0].max_step_us, 0);
    struct served_model *second = rig_open_model(2, executor, NULL);
    CHECK_INT(stub_scripts[0].max_step_us, 10000);
    served_model_unref(first);
    served_model_unref(second);
    executor_close(executor);
    rig_check_clean();
}

TEST(executor__gives_nan_to_its_own_job_only)
{
    struct rig_one one;

    stub_reset();
    rig_one_open(&one, 8);
    for (int i = 0; i < 6; i++) {
        struct batch_job *job = rig_new_job(&one.worker, one.served, 1, i == 5 ? 100 : 3, FOR_EVER);
        if (i == 3)
            job->input.ids[job->input.segments[2].start] = STUB_NAN_TOKEN;
        if (i == 5)
            job->input.ids[job->input.segments[90].start] = STUB_NAN_TOKEN;
        CHECK_INT(rig_submit(&one.worker, job), SUBMIT_ADMITTED);
    }
    CHECK(rig_settle(&one.worker));
    CHECK_INT(one.worker.outcomes[JOB_OK], 4);
    CHECK_INT(one.worker.outcomes[JOB_NOT_FINITE], 2);
    rig_one_close(&one);
}
