/* Threads against a scripted engine: every admitted job returns exactly once, with its own model's
 * scores. */
#include "server/batch/executor.h"

#include "tests/unit/server/batch/executor_rig.h"

/* The linker routes every allocation of this program through these (see CMakeLists.txt). */
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
    rig_crowd_open(8, 1, false);
    rig_crowd_start(400, 3);
    crowd.workers[1].cancel_some = true;
    rig_crowd_run();
    rig_crowd_join();
    CHECK_INT(crowd.workers[0].outcomes[JOB_OK], 400);
    CHECK(crowd.workers[1].outcomes[JOB_OK] >= 200);
    CHECK(stub_scripts[0].largest_batch > 1); /* batched together, not one by one */
    CHECK_INT(executor_queue_depth(crowd.executor), 0);
    /* Cancelled jobs never ran, or returned as ok. */
    CHECK_INT(rig_stats[0].requests, crowd.outcomes[JOB_OK]);
    rig_crowd_close();
}

TEST(executor__keeps_as_many_batches_launched_as_device_and_executor_take)
{
    static const struct {
        int device, launched;
    } rows[] = {{1, 1}, {2, 2}, {8, BATCH_MAX_LAUNCHED}};

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("the device takes %d", rows[i].device);
        rig_crowd_open(1, rows[i].device, false);
        stub_scripts[0].poll_us = 50;
        rig_crowd_start(200, 3);
        rig_crowd_run();
        /* With a second engine, which shares the device's batches. */
        rig_crowd_serve(rig_open_model(2, crowd.executor, NULL), 2);
        rig_crowd_join();
        CHECK_INT(stub_scripts[0].most_launched, rows[i].launched);
        rig_crowd_close();
    }
}

TEST(executor__refuses_at_once_what_would_be_late)
{
    stub_scripts[0].batch_us = 500 * MS;
    rig_one_open(1);
    rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
    struct batch_job *job = rig_new_job(&one.worker, one.served, 1, 3, 700 * MS);
    CHECK_INT(executor_submit(job, clock_now_us()), SUBMIT_LATE);
    CHECK_INT(job->outcome, JOB_REFUSED);
    batch_jobs_put(&one.worker.jobs, job);
    /* The queue's limit, changed live. */
    executor_set_options(one.executor,
                         &(struct executor_options){.max_tokens = 256, .max_queue = 1},
                         &(struct deadline_options){0});
    rig_one_submit(3, FOR_EVER, SUBMIT_FULL);
    rig_one_settle(JOB_OK, 2);
    rig_one_close();
}

TEST(executor__drops_cancelled_and_expired_unpaid)
{
    rig_one_open(4);
    stub_scripts[0].hang = true;
    rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(0, 1);
    rig_one_submit(3, 500 * MS, SUBMIT_ADMITTED);
    batch_job_cancel(rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED));
    rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
    rig_nap(600 * MS);
    stub_scripts[0].hang = false;
    rig_one_settle(JOB_OK, 2);
    CHECK_INT(one.worker.outcomes[JOB_CANCELLED], 1);
    CHECK_INT(one.worker.outcomes[JOB_EXPIRED], 1);
    CHECK_INT(stub_scripts[0].batches, 2);
    rig_one_close();
}

TEST(executor__drops_jobs_before_it_checks_the_queue_limit)
{
    rig_one_open(4);
    executor_set_options(one.executor,
                         &(struct executor_options){.max_tokens = 256, .max_queue = 2},
                         &(struct deadline_options){0});
    stub_scripts[0].hang = true;
    rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(0, 1);
    struct batch_job *first = rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
    CHECK(!executor_is_full(one.served, clock_now_us()));
    rig_one_submit(3, 300 * MS, SUBMIT_ADMITTED);
    CHECK(executor_is_full(one.served, clock_now_us()));
    rig_one_submit(3, FOR_EVER, SUBMIT_FULL);
    batch_job_cancel(first);
    CHECK(!executor_is_full(one.served, clock_now_us()));
    rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_submit(3, FOR_EVER, SUBMIT_FULL);
    CHECK(executor_is_full(one.served, clock_now_us()));
    rig_nap(350 * MS);
    CHECK(!executor_is_full(one.served, clock_now_us()));
    rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
    /* Their letters arrive immediately, whatever the engine does. */
    CHECK(rig_await(&one.worker, 2));
    CHECK_INT(one.worker.outcomes[JOB_CANCELLED], 1);
    CHECK_INT(one.worker.outcomes[JOB_EXPIRED], 1);
    stub_scripts[0].hang = false;
    rig_one_settle(JOB_OK, 3);
    rig_one_close();
}

TEST(executor__runs_a_job_larger_than_a_batch_in_parts)
{
    for (int launched = 1; launched <= 2; launched++) {
        stub_scripts[0].max_launched = launched;
        rig_one_open(8);
        for (int i = 0; i < 4; i++) /* 101 segments of 8 tokens in batches of 256, and small ones */
            rig_one_submit(i % 2 ? 3 : 100, FOR_EVER, SUBMIT_ADMITTED);
        rig_one_settle(JOB_OK, 4);
        CHECK(stub_scripts[0].batches >= 2 * 4 + 1);
        CHECK_INT(stub_scripts[0].most_launched, launched);
        rig_one_close();
    }
}

TEST(executor__allocates_nothing_once_warm)
{
    enum { LENT = 8 }; /* all jobs of the pool grow to the largest, parts included */
    int before = 0;

    stub_scripts[0].batch_us = 100;
    rig_one_open(4);
    rig_release_worker(&one.worker);
    rig_init_worker(&one.worker, LENT);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < LENT; i++)
            rig_one_submit(round ? 1 + 17 * i : 120, FOR_EVER, SUBMIT_ADMITTED);
        CHECK(rig_settle(&one.worker));
        if (round == 0)
            before = allocations;
    }
    CHECK(before > 0); /* the counter works */
    CHECK_INT(allocations, before);
    rig_one_close();
}

/* Nothing waits for the engine that opens first. */
TEST(executor__limits_steps_beside_served_engines)
{
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
    rig_one_open(8);
    for (int i = 0; i < 6; i++) {
        struct batch_job *job = rig_new_job(&one.worker, one.served, 1, i == 5 ? 100 : 3, FOR_EVER);
        if (i == 3)
            job->input.ids[job->input.segments[2].start] = STUB_NAN_TOKEN;
        if (i == 5)
            job->input.ids[job->input.segments[90].start] = STUB_NAN_TOKEN;
        CHECK_INT(rig_submit(&one.worker, job), SUBMIT_ADMITTED);
    }
    rig_one_settle(JOB_OK, 4);
    CHECK_INT(one.worker.outcomes[JOB_NOT_FINITE], 2);
    rig_one_close();
}

enum { TWO_PARTS = 50 }; /* segments of 8 in batches of 256 */

static bool reports_times_and_batches(void)
{
    const struct rig_stats *stats = &rig_stats[0];
    bool in_time;

    stub_scripts[0].batch_us = 150 * MS;
    rig_one_open(4);
    struct batch_job *first = rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(0, 1);
    struct batch_job *second = rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
    struct batch_job *third = rig_one_submit(4, FOR_EVER, SUBMIT_ADMITTED);
    struct batch_job *split = rig_one_submit(TWO_PARTS, FOR_EVER, SUBMIT_ADMITTED);
    in_time = executor_queue_depth(one.executor) == 3; /* the first is still running */
    CHECK(rig_settle(&one.worker));
    CHECK(first->infer_us >= 150 * MS);
    CHECK(second->infer_us >= 150 * MS);
    CHECK(split->infer_us >= 300 * MS);
    in_time = in_time && is_between(first->queue_us, -1, 90 * MS) && first->infer_us < 240 * MS &&
              is_between(second->queue_us, 50 * MS, 240 * MS) && second->infer_us < 240 * MS &&
              is_between(third->queue_us, 50 * MS, 240 * MS) &&
              third->launched_us == second->launched_us && /* in the same batch */
              is_between(split->queue_us, 200 * MS, 480 * MS) && split->infer_us < 480 * MS;
    rig_one_close();
    if (!in_time)
        return false;
    CHECK_INT(stats->batches, 4);
    CHECK_INT(stats->requests, 1 + 2 + 1 + 1);
    CHECK_INT(stats->tokens, 8 * (4 + 4 + 5 + TWO_PARTS + 2));
    /* Estimates are 50 % too long at first. */
    return stats->least_ratio > 0.5 && stats->most_ratio < 1.2;
}

TEST(executor__reports_times_and_batches)
{
    RIG_TRY(reports_times_and_batches());
}
