/* A scripted engine that is swapped, breaks, hangs, stops: every admitted job returns exactly
 * once, with its own model's scores. */
#include "tests/unit/server/batch/executor_rig.h"

static int try_model(int number, struct executor *executor, struct served_model **served,
                     struct err *err)
{
    struct served_model_args args = {
        .model = stub_model_new(number), .primary = executor, .max_batch_tokens = 256};
    int rc = served_model_open(&args, served, err);

    model_unref(args.model);
    return rc;
}

TEST(executor__swaps_models_under_load)
{
    rig_crowd_open(8, 1, false);
    stub_scripts[0].open_steps = 5;
    stub_scripts[0].step_us = 500;
    rig_crowd_start(500, 3);
    rig_crowd_run();
    for (int number = 2; number <= 12; number++) {
        struct served_model *served;
        struct err err;
        stub_scripts[0].open_fails = number % 3 == 0;
        if (number % 3 == 0) {
            CHECK_ERR(try_model(number, crowd.executor, &served, &err), err,
                      "golden requests miss");
            continue;
        }
        CHECK_OK(try_model(number, crowd.executor, &served, &err), err);
        rig_crowd_serve(served, number);
    }
    rig_crowd_join();
    CHECK_INT(crowd.outcomes[JOB_OK], RIG_WORKERS * 500);
    rig_crowd_close();
}

static void break_down(bool with_fallback, bool at_submit, int segments)
{
    struct served_model *served;
    struct err err;
    int failed, refused;

    test_row("%s, %d segments, %s", at_submit ? "submits fail" : "batches fail", segments,
             with_fallback ? "with a fallback" : "without a fallback");
    rig_crowd_open(4, 2, with_fallback);
    *(at_submit ? &stub_scripts[0].refuse_after : &stub_scripts[0].fail_after) = 20;
    rig_crowd_start(150, segments);
    rig_crowd_run();
    rig_crowd_join();
    CHECK_INT(executor_state(crowd.executor), EXECUTOR_BROKEN);
    failed = crowd.outcomes[JOB_FAILED] + crowd.failed_submits;
    refused = crowd.outcomes[JOB_REFUSED] + crowd.refused;
    CHECK_INT(crowd.outcomes[JOB_OK] + failed + refused, RIG_WORKERS * 150);
    CHECK(with_fallback ? failed == 0 : failed > 200);
    CHECK(with_fallback ? crowd.by_fallback > 200 : crowd.by_fallback == 0);
    CHECK_ERR(try_model(2, crowd.executor, &served, &err), err, "broken");
    rig_crowd_close();
}

TEST(executor__serves_by_the_fallback_or_fails_at_once)
{
    for (int with_fallback = 0; with_fallback < 2; with_fallback++)
        for (int at_submit = 0; at_submit < 2; at_submit++)
            for (int large = 0; large < 2; large++)
                break_down(with_fallback, at_submit, large ? 80 : 3);
}

/* How a job is answered when its device breaks, by the state of the fallback. */
static const struct reroute {
    const char *name;
    int max_queue; /* of the fallback */
    bool stops, breaks, waits;
    enum job_outcome outcome;
} reroutes[] = {
    {"free", .max_queue = 64, .outcome = JOB_OK},
    {"full", .max_queue = 1, .waits = true, .outcome = JOB_REFUSED},
    {"stopping", .max_queue = 64, .stops = true, .outcome = JOB_FAILED},
    {"breaks with it", .max_queue = 64, .breaks = true, .outcome = JOB_FAILED},
};

/* queued: the job waits for the batch that breaks the device; otherwise it is in it. */
static void reroute(const struct reroute *row, bool queued)
{
    struct executor *executor, *fallback;
    struct served_model *served, *other;
    struct rig_worker worker;

    test_row("%s, the fallback is: %s", queued ? "queued" : "launched", row->name);
    executor = rig_open_executor("0", 1);
    fallback = rig_open_executor("1", 1);
    served = rig_open_model(1, executor, fallback);
    other = rig_open_model(1, fallback, NULL);
    rig_init_worker(&worker, 8);
    executor_set_options(fallback,
                         &(struct executor_options){.max_tokens = 256, .max_queue = row->max_queue},
                         &(struct deadline_options){0});
    stub_scripts[0].hang = stub_scripts[1].hang = true;
    stub_scripts[0].fail_after = 0;
    if (row->breaks)
        stub_scripts[1].fail_after = 0;
    for (int i = 0; i < 1 + queued; i++)
        rig_submit(&worker, rig_new_job(&worker, served, 1, 3, FOR_EVER));
    while (!stub_scripts[0].launched)
        rig_nap(100);
    for (int i = 0; i < 2 * row->waits; i++) { /* one launched, one in the queue */
        rig_submit(&worker, rig_new_job(&worker, other, 1, 3, FOR_EVER));
        while (!stub_scripts[1].launched)
            rig_nap(100);
    }
    if (row->stops)
        executor_stop(fallback, SECOND);
    stub_scripts[0].hang = false;
    while (executor_state(executor) == EXECUTOR_SERVING)
        rig_nap(100);
    if (row->waits) /* refused while the fallback still hangs */
        CHECK(rig_await(&worker, 1 + queued));
    stub_scripts[1].hang = false;
    CHECK(rig_settle(&worker));
    CHECK_INT(worker.outcomes[row->outcome], 1 + queued);
    CHECK_INT(worker.by_fallback, row->outcome == JOB_OK ? 1 + queued : 0);
    CHECK_INT(worker.wrong, 0);
    rig_release_worker(&worker);
    served_model_unref(served);
    served_model_unref(other);
    executor_close(executor);
    executor_close(fallback);
    rig_check_clean();
}

TEST(executor__reroutes_by_the_state_of_the_fallback)
{
    for (int i = 0; i < COUNT(reroutes); i++)
        for (int queued = 0; queued < 2; queued++)
            reroute(&reroutes[i], queued);
}

/* Every n-th batch runs out of memory: its jobs fail, all others are served, and none goes to the
 * fallback. */
static void starve(int every, int segments)
{
    rig_crowd_open(4, 2, true);
    stub_scripts[0].starve_every = every;
    rig_crowd_start(100, segments);
    rig_crowd_run();
    rig_crowd_join();
    CHECK_INT(crowd.by_fallback + crowd.failed_submits, 0);
    CHECK(crowd.outcomes[JOB_FAILED] > 20 && crowd.outcomes[JOB_OK] > 20);
    CHECK_INT(crowd.outcomes[JOB_OK] + crowd.outcomes[JOB_FAILED], RIG_WORKERS * 100);
    CHECK_INT(executor_state(crowd.executor), EXECUTOR_SERVING);
    rig_crowd_serve(rig_open_model(2, crowd.executor, crowd.fallback), 2); /* is not refused */
    rig_crowd_close();
}

TEST(executor__a_batch_without_memory_fails_alone)
{
    test_row("jobs of batches");
    starve(3, 3);
    test_row("parts of large jobs");
    starve(20, 80);
}

TEST(executor__shows_a_hang_by_its_heartbeat)
{
    rig_one_open(4);
    int64_t beat_us = executor_heartbeat_us(one.executor);
    for (int i = 0; i < 1000 && executor_heartbeat_us(one.executor) == beat_us; i++)
        rig_nap(10 * MS);
    CHECK(executor_heartbeat_us(one.executor) > beat_us); /* idle is fine */
    stub_scripts[0].hang = true;
    rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(0, 1);
    beat_us = executor_heartbeat_us(one.executor);
    rig_nap(300 * MS);
    CHECK_INT(executor_heartbeat_us(one.executor), beat_us);
    /* The gate shuts by itself: the hang may take any time. */
    rig_one_submit(3, 100 * MS, SUBMIT_LATE);
    stub_scripts[0].hang = false;
    CHECK(rig_settle(&one.worker));
    rig_one_submit(3, 100 * MS, SUBMIT_ADMITTED);
    rig_one_settle(JOB_OK, 2);
    rig_one_close();
}

TEST(executor__stops_under_load)
{
    for (int drain = 0; drain < 2; drain++) {
        rig_crowd_open(2, 1, false);
        stub_scripts[0].batch_us = 2 * MS;
        rig_crowd_start(1500, 3);
        for (int i = 0; i < RIG_WORKERS; i++)
            crowd.workers[i].pause_us = 500;
        rig_crowd_run();
        rig_nap(20 * MS);
        executor_stop(crowd.executor, drain ? 5 * SECOND : 0);
        CHECK_INT(executor_state(crowd.executor), EXECUTOR_STOPPING);
        rig_crowd_join();
        for (int i = 0; i < RIG_WORKERS; i++)
            CHECK(crowd.workers[i].failed_submits > 0);
        if (drain) /* every admitted job was served */
            CHECK_INT(crowd.outcomes[JOB_FAILED], 0);
        rig_crowd_close();
    }
}

TEST(executor__reports_why_a_device_does_not_open)
{
    struct executor_args args = {.launcher = {.backend = "stub", .device = "9"},
                                 .max_queue = 4,
                                 .max_batch_jobs = 4,
                                 .options =
                                     &(struct executor_options){.max_tokens = 256, .max_queue = 4},
                                 .deadline = &(struct deadline_options){0}};
    struct executor *executor;
    struct err err;

    CHECK_ERR(executor_open(&args, &executor, &err), err, "no device 9");
}
