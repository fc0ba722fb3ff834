/* Threads against a scripted engine that swaps, breaks, hangs, stops: every admitted job comes back
 * exactly once, with the scores of its own model. */
#include "tests/test.h"
#include "tests/unit/server/batch/executor_rig.h"

TEST(executor__swaps_models_under_load)
{
    struct rig_worker workers[RIG_WORKERS];

    stub_reset();
    stub_scripts[0].batch_us = 300;
    stub_scripts[0].open_steps = 5;
    stub_scripts[0].step_us = 500;
    struct executor *executor = rig_open_executor("0", 8);
    rig_world_set(rig_open_model(1, executor, NULL), 1);
    rig_start_workers(workers, 500);
    rig_run_workers(workers);
    for (int number = 2; number <= 12; number++) {
        stub_scripts[0].open_fails = number % 3 == 0;
        struct served_model_args args = {
            .model = stub_model_new(number), .primary = executor, .max_batch_tokens = 256};
        struct served_model *served;
        struct err err;
        int rc = served_model_open(&args, &served, &err);
        model_unref(args.model);
        CHECK_INT(rc, number % 3 == 0 ? -1 : 0);
        if (rc == 0)
            rig_world_set(served, number);
        else
            CHECK_STR(err.text, "golden requests miss");
    }
    rig_join_workers(workers);
    for (int i = 0; i < RIG_WORKERS; i++) {
        CHECK_INT(workers[i].outcomes[JOB_OK], 500);
    }
    rig_world_set(NULL, 0);
    executor_close(executor);
    rig_check_clean();
}

static void break_down(bool with_fallback, bool at_submit, int segments)
{
    struct rig_worker workers[RIG_WORKERS];

    stub_reset();
    stub_scripts[0].batch_us = stub_scripts[1].batch_us = 300;
    stub_scripts[0].max_launched = 2;
    struct executor *executor = rig_open_executor("0", 4);
    struct executor *fallback = with_fallback ? rig_open_executor("1", 4) : NULL;
    rig_world_set(rig_open_model(1, executor, fallback), 1);
    *(at_submit ? &stub_scripts[0].refuse_after : &stub_scripts[0].fail_after) = 20;
    rig_start_workers(workers, 150);
    for (int i = 0; i < RIG_WORKERS; i++)
        workers[i].segments = segments;
    rig_run_workers(workers);
    rig_join_workers(workers);
    CHECK_INT(executor_state(executor), EXECUTOR_BROKEN);
    int ok = 0, failed = 0, by_fallback = 0, rest = 0;
    for (int i = 0; i < RIG_WORKERS; i++) {
        ok += workers[i].outcomes[JOB_OK];
        by_fallback += workers[i].by_fallback;
        failed += workers[i].outcomes[JOB_FAILED] + workers[i].failed_submits;
        rest += workers[i].refused + workers[i].outcomes[JOB_REFUSED];
    }
    CHECK_INT(ok + failed + rest, RIG_WORKERS * 150);
    if (with_fallback) {
        CHECK_INT(failed, 0);
        CHECK(by_fallback > 200);
    } else {
        CHECK(failed > 200);
        CHECK_INT(by_fallback, 0);
    }
    struct served_model_args args = {.model = stub_model_new(2), .primary = executor};
    struct served_model *served;
    struct err err;
    CHECK_ERR(served_model_open(&args, &served, &err), err, "broken");
    model_unref(args.model);
    rig_world_set(NULL, 0);
    executor_close(executor);
    if (fallback)
        executor_close(fallback);
    rig_check_clean();
}

TEST(executor__goes_on_with_the_fallback)
{
    test_row("batches fail");
    break_down(true, false, 3);
    test_row("submits fail");
    break_down(true, true, 3);
    test_row("parts of large jobs fail");
    break_down(true, false, 80);
    test_row("submits of parts fail");
    break_down(true, true, 80);
}

TEST(executor__fails_at_once_without_a_fallback)
{
    test_row("batches fail");
    break_down(false, false, 3);
    test_row("submits fail");
    break_down(false, true, 3);
    test_row("parts of large jobs fail");
    break_down(false, false, 80);
}

/* Every n-th batch has none: its jobs come back failed, all others as ever, and none goes to the
 * fallback. */
static void starve(int every, int segments)
{
    struct rig_worker workers[RIG_WORKERS];
    int ok = 0, failed = 0;

    stub_reset();
    stub_scripts[0].batch_us = stub_scripts[1].batch_us = 300;
    stub_scripts[0].max_launched = 2;
    stub_scripts[0].starve_every = every;
    struct executor *executor = rig_open_executor("0", 4);
    struct executor *fallback = rig_open_executor("1", 4);
    rig_world_set(rig_open_model(1, executor, fallback), 1);
    rig_start_workers(workers, 100);
    for (int i = 0; i < RIG_WORKERS; i++)
        workers[i].segments = segments;
    rig_run_workers(workers);
    rig_join_workers(workers);
    for (int i = 0; i < RIG_WORKERS; i++) {
        ok += workers[i].outcomes[JOB_OK];
        failed += workers[i].outcomes[JOB_FAILED];
        CHECK_INT(workers[i].by_fallback + workers[i].failed_submits, 0);
    }
    CHECK(failed > 20 && ok > 20);
    CHECK_INT(ok + failed, RIG_WORKERS * 100);
    CHECK_INT(executor_state(executor), EXECUTOR_SERVING);
    rig_world_set(rig_open_model(2, executor, fallback), 2); /* is not refused */
    rig_world_set(NULL, 0);
    executor_close(executor);
    executor_close(fallback);
    rig_check_clean();
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
    struct rig_one one;

    stub_reset();
    rig_one_open(&one, 4);
    int64_t beat_us = executor_heartbeat_us(one.executor);
    for (int i = 0; i < 1000 && executor_heartbeat_us(one.executor) == beat_us; i++)
        rig_nap(10 * MS);
    CHECK(executor_heartbeat_us(one.executor) > beat_us); /* idle is well */
    stub_scripts[0].hang = true;
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(&one, 0, 1);
    beat_us = executor_heartbeat_us(one.executor);
    rig_nap(300 * MS);
    CHECK_INT(executor_heartbeat_us(one.executor), beat_us);
    /* The gate shuts by itself: who knows how long it will take. */
    rig_one_submit(&one, 3, 100 * MS, SUBMIT_LATE);
    stub_scripts[0].hang = false;
    CHECK(rig_settle(&one.worker));
    rig_one_submit(&one, 3, 100 * MS, SUBMIT_ADMITTED);
    CHECK(rig_settle(&one.worker));
    CHECK_INT(one.worker.outcomes[JOB_OK], 2);
    rig_one_close(&one);
}

TEST(executor__stops_under_load)
{
    for (int drain = 0; drain < 2; drain++) {
        struct rig_worker workers[RIG_WORKERS];
        stub_reset();
        stub_scripts[0].batch_us = 2 * MS;
        struct executor *executor = rig_open_executor("0", 2);
        rig_world_set(rig_open_model(1, executor, NULL), 1);
        rig_start_workers(workers, 1500);
        for (int i = 0; i < RIG_WORKERS; i++)
            workers[i].pause_us = 500;
        rig_run_workers(workers);
        rig_nap(20 * MS);
        executor_stop(executor, drain ? 5 * SECOND : 0);
        CHECK_INT(executor_state(executor), EXECUTOR_STOPPING);
        rig_join_workers(workers);
        int failed = 0;
        for (int i = 0; i < RIG_WORKERS; i++) {
            CHECK(workers[i].failed_submits > 0);
            failed += workers[i].outcomes[JOB_FAILED];
        }
        if (drain)
            CHECK_INT(failed, 0); /* all that was admitted was served */
        rig_world_set(NULL, 0);
        executor_close(executor);
        rig_check_clean();
    }
}

TEST(executor__tells_why_a_device_does_not_open)
{
    struct executor_args args = {.launcher = {.backend = "stub", .device = "9"},
                                 .max_queue = 4,
                                 .max_batch_jobs = 4,
                                 .options = &(struct executor_options){256, 4},
                                 .deadline = &(struct deadline_options){0}};
    struct executor *executor;
    struct err err;

    CHECK_ERR(executor_open(&args, &executor, &err), err, "no device 9");
}
