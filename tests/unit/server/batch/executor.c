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
    struct rig_worker worker;
    int64_t wait_us = 0;

    stub_reset();
    stub_scripts[0].batch_us = 500 * MS;
    struct executor *executor = rig_open_executor("0", 1);
    struct served_model *served = rig_open_model(1, executor, NULL);
    rig_init_worker(&worker, 0, 8);
    CHECK_INT(rig_submit(&worker, rig_new_job(&worker, served, 1, 3, FOR_EVER)), SUBMIT_ADMITTED);
    CHECK_INT(rig_submit(&worker, rig_new_job(&worker, served, 1, 3, FOR_EVER)), SUBMIT_ADMITTED);
    struct batch_job *job = rig_new_job(&worker, served, 1, 3, 700 * MS);
    CHECK_INT(executor_submit(job, clock_now_us(), &wait_us), SUBMIT_LATE);
    CHECK_INT(job->outcome, JOB_REFUSED);
    CHECK(wait_us > 700 * MS);
    batch_jobs_put(&worker.jobs, job);
    /* The queue's bound, live. */
    executor_set_options(executor, &(struct executor_options){256, 1},
                         &(struct deadline_options){0});
    CHECK_INT(rig_submit(&worker, rig_new_job(&worker, served, 1, 3, FOR_EVER)), SUBMIT_FULL);
    CHECK(rig_settle(&worker));
    CHECK_INT(worker.outcomes[JOB_OK], 2);
    rig_release_worker(&worker);
    served_model_unref(served);
    executor_close(executor);
    rig_check_clean();
}

TEST(executor__drops_cancelled_and_expired_unpaid)
{
    struct rig_worker worker;

    stub_reset();
    struct executor *executor = rig_open_executor("0", 4);
    struct served_model *served = rig_open_model(1, executor, NULL);
    rig_init_worker(&worker, 0, 8);
    stub_scripts[0].hang = true;
    CHECK_INT(rig_submit(&worker, rig_new_job(&worker, served, 1, 3, FOR_EVER)), SUBMIT_ADMITTED);
    while (!stub_scripts[0].most_launched)
        rig_nap(100);
    struct batch_job *cancelled = rig_new_job(&worker, served, 1, 3, FOR_EVER);
    CHECK_INT(rig_submit(&worker, rig_new_job(&worker, served, 1, 3, 500 * MS)), SUBMIT_ADMITTED);
    CHECK_INT(rig_submit(&worker, cancelled), SUBMIT_ADMITTED);
    CHECK_INT(rig_submit(&worker, rig_new_job(&worker, served, 1, 3, FOR_EVER)), SUBMIT_ADMITTED);
    batch_job_cancel(cancelled);
    rig_nap(600 * MS);
    stub_scripts[0].hang = false;
    CHECK(rig_settle(&worker));
    CHECK_INT(worker.outcomes[JOB_OK], 2);
    CHECK_INT(worker.outcomes[JOB_CANCELLED], 1);
    CHECK_INT(worker.outcomes[JOB_EXPIRED], 1);
    CHECK_INT(stub_scripts[0].batches, 2);
    rig_release_worker(&worker);
    served_model_unref(served);
    executor_close(executor);
    rig_check_clean();
}

TEST(executor__runs_a_job_larger_than_a_batch_in_parts)
{
    for (int launched = 1; launched <= 2; launched++) {
        struct rig_worker worker;
        stub_reset();
        stub_scripts[0].max_launched = launched;
        struct executor *executor = rig_open_executor("0", 8);
        struct served_model *served = rig_open_model(3, executor, NULL);
        rig_init_worker(&worker, 0, 8);
        for (int i = 0; i < 4; i++) /* 101 segments of 8 tokens in batches of 256, and small ones */
            CHECK_INT(
                rig_submit(&worker, rig_new_job(&worker, served, 3, i % 2 ? 3 : 100, FOR_EVER)),
                SUBMIT_ADMITTED);
        CHECK(rig_settle(&worker));
        CHECK_INT(worker.outcomes[JOB_OK], 4);
        CHECK_INT(worker.wrong, 0);
        CHECK(stub_scripts[0].batches >= 2 * 4 + 1);
        CHECK_INT(stub_scripts[0].most_launched, launched);
        rig_release_worker(&worker);
        served_model_unref(served);
        executor_close(executor);
        rig_check_clean();
    }
}

TEST(executor__allocates_nothing_once_warm)
{
    struct rig_worker worker;

    stub_reset();
    stub_scripts[0].batch_us = 100;
    struct executor *executor = rig_open_executor("0", 4);
    struct served_model *served = rig_open_model(1, executor, NULL);
    rig_init_worker(&worker, 0, 8);
    int before = 0;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 8; i++) /* all jobs of the pool grow to the largest, parts included */
            CHECK_INT(rig_submit(&worker, rig_new_job(&worker, served, 1, round ? 1 + 17 * i : 120,
                                                      FOR_EVER)),
                      SUBMIT_ADMITTED);
        CHECK(rig_settle(&worker));
        if (round == 0)
            before = allocations;
    }
    CHECK(before > 0); /* it counts */
    CHECK_INT(allocations, before);
    CHECK_INT(worker.wrong, 0);
    rig_release_worker(&worker);
    served_model_unref(served);
    executor_close(executor);
    rig_check_clean();
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
    struct rig_worker worker;

    stub_reset();
    struct executor *executor = rig_open_executor("0", 8);
    struct served_model *served = rig_open_model(1, executor, NULL);
    rig_init_worker(&worker, 0, 8);
    for (int i = 0; i < 6; i++) {
        struct batch_job *job = rig_new_job(&worker, served, 1, i == 5 ? 100 : 3, FOR_EVER);
        if (i == 3)
            job->input.ids[job->input.segments[2].start] = STUB_NAN_TOKEN;
        if (i == 5)
            job->input.ids[job->input.segments[90].start] = STUB_NAN_TOKEN;
        CHECK_INT(rig_submit(&worker, job), SUBMIT_ADMITTED);
    }
    CHECK(rig_settle(&worker));
    CHECK_INT(worker.outcomes[JOB_OK], 4);
    CHECK_INT(worker.outcomes[JOB_NOT_FINITE], 2);
    CHECK_INT(worker.wrong, 0);
    rig_release_worker(&worker);
    served_model_unref(served);
    executor_close(executor);
    rig_check_clean();
}

TEST_MAIN
