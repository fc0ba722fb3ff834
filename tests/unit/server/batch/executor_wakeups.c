/* The executor's thread sleeps up to 100 ms unless it is woken: every event wakes it. */
#include <sys/prctl.h>

#include "base/rng.h"
#include "server/batch/run_task.h"
#include "tests/unit/server/batch/executor_rig.h"

static bool one_by_one(int n, int most_us, int poll_takes_us)
{
    struct rng rng;

    stub_scripts[0].poll_takes_us = poll_takes_us;
    rig_one_open(4);
    rng_init(&rng, 4);
    int64_t from_us = clock_now_us();
    for (int i = 0; i < n; i++) {
        stub_scripts[0].batch_us = (int)rng_below(&rng, (uint64_t)most_us);
        rig_nap((int64_t)rng_below(&rng, 1000)); /* the thread may or may not sleep by now */
        rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
        CHECK(rig_settle(&one.worker));
    }
    int64_t took_us = clock_now_us() - from_us;
    CHECK_INT(one.worker.outcomes[JOB_OK], n);
    rig_one_close();
    return took_us < (int64_t)n * 30 * MS;
}

TEST(executor__loses_no_wake_up)
{
    test_row("jobs one by one");
    RIG_TRY(one_by_one(300, 200, 0));
    test_row("batches that complete between the check and the sleep");
    RIG_TRY(one_by_one(50, 200, 5 * MS));
}

static void wait_for_closed(int n)
{
    for (int i = 0; i < 10000 && stub_scripts[0].closed_engines < n; i++)
        rig_nap(200);
}

static bool wakes_up_for_models(void)
{
    enum { N = 20 };
    int64_t open_us = 0, close_us = 0;

    struct executor *executor = rig_open_executor("0", 4);
    for (int i = 0; i < N; i++) {
        rig_nap(2 * MS); /* the thread sleeps by now */
        int64_t from_us = clock_now_us();
        struct served_model *served = rig_open_model(1, executor, NULL);
        open_us += clock_now_us() - from_us;
        rig_nap(2 * MS);
        from_us = clock_now_us();
        served_model_unref(served);
        wait_for_closed(i + 1);
        close_us += clock_now_us() - from_us;
    }
    executor_close(executor);
    rig_check_clean();
    return open_us < N * 50 * MS && close_us < N * 50 * MS;
}

TEST(executor__wakes_up_for_models_that_come_and_go)
{
    RIG_TRY(wakes_up_for_models());
}

static bool wakes_up_to_stop(void)
{
    enum { N = 20 };
    int64_t stop_us = 0, close_us = 0;

    for (int i = 0; i < N; i++) {
        struct executor *executor = rig_open_executor("0", 4);
        rig_nap(2 * MS);
        int64_t from_us = clock_now_us();
        executor_close(executor);
        close_us += clock_now_us() - from_us;

        /* Queued jobs return immediately. */
        rig_one_open(1);
        stub_scripts[0].hang = true;
        rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
        rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
        rig_one_wait(0, 1);
        rig_nap(2 * MS);
        from_us = clock_now_us();
        executor_stop(one.executor, 0);
        CHECK(rig_await(&one.worker, 1));
        stop_us += clock_now_us() - from_us;
        stub_scripts[0].hang = false;
        rig_one_settle(JOB_FAILED, 1);
        rig_one_close();
    }
    return close_us < N * 50 * MS && stop_us < N * 50 * MS;
}

TEST(executor__wakes_up_to_stop)
{
    RIG_TRY(wakes_up_to_stop());
}

static int read_slack(void *arg, struct err *err)
{
    (void)err;
    *(int *)arg = prctl(PR_GET_TIMERSLACK);
    return 0;
}

/* Nanoseconds by which the thread's waits may be late. */
static int slack_with(int poll_us)
{
    int slack = -1;
    struct task task = {.step = read_slack, .arg = &slack};
    struct executor *executor;
    struct err err;

    stub_scripts[0].poll_us = poll_us;
    executor = rig_open_executor("0", 4);
    CHECK_OK(executor_run_task(executor, &task, &err), err);
    executor_close(executor);
    rig_check_clean();
    return slack;
}

TEST(executor__polls_on_time)
{
    CHECK_INT(slack_with(20), 1);
    CHECK(slack_with(0) > 1); /* the usual */
}
