/* A device that hangs in a batch or in a call: its jobs return from the fallback or by their
 * owners' deadlines, and it is not called any more. */
#include <pthread.h>

#include "server/batch/executor_state.h"
#include "tests/unit/server/batch/executor_rig.h"

enum { HANG_MS = 30 };

static struct executor *executor, *fallback;
static struct served_model *served;
static struct rig_worker worker;

static void start(bool with_fallback, int max_launched)
{
    stub_scripts[0].max_launched = max_launched;
    executor = rig_open_executor("0", 1);
    fallback = with_fallback ? rig_open_executor("1", 1) : NULL;
    served = rig_open_model(1, executor, fallback);
    rig_init_worker(&worker, 16);
    executor_set_options(
        executor,
        &(struct executor_options){.max_tokens = 256, .max_queue = 64, .hang_ms = HANG_MS},
        &(struct deadline_options){0});
}

static void submit(int n)
{
    for (int i = 0; i < n; i++)
        rig_submit(&worker, rig_new_job(&worker, served, 1, 3, FOR_EVER));
}

static void wait_launched(int n)
{
    while (stub_scripts[0].launched != n)
        rig_nap(100);
}

static void wait_broken(void)
{
    while (executor_state(executor) != EXECUTOR_BROKEN)
        rig_nap(100);
}

/* The engines of so many models, the launcher and the executor are leaked, as the device may still
 * use them. */
static void finish(int n_models)
{
    CHECK(rig_settle(&worker));
    CHECK_INT(worker.wrong, 0);
    rig_release_worker(&worker);
    served_model_unref(served);
    rig_nap(120 * MS); /* it makes turns without the model */
    CHECK_INT(executor_close(executor), 0);
    if (fallback)
        CHECK_INT(executor_close(fallback), 0);
    CHECK_INT(stub_scripts[0].closed_engines, 0);
    CHECK_INT(stub_scripts[1].closed_engines, stub_scripts[1].open_engines);
    CHECK_INT(stub_scripts[0].threads_seen + stub_scripts[1].threads_seen, 0);
    CHECK_INT(stub_launchers, 1);
    CHECK_INT(stub_models, n_models);
}

static void forget(void)
{
    stub_abandon(0);
    stub_reset();
}

static void check_failure(void)
{
    struct err text;

    CHECK_INT(executor_failure(executor, &text), EXECUTOR_FAILURE_HANG);
    CHECK(text.text[0]);
}

/* Three jobs: one or two are launched, the others wait. */
static void hang_in_a_batch(bool with_fallback, int max_launched)
{
    struct served_model *other;
    struct served_model_args args = {.model = stub_model_new(2), .max_batch_tokens = 256};
    struct err err;

    test_row("%d launched, %s", max_launched, with_fallback ? "with a fallback" : "without");
    start(with_fallback, max_launched);
    stub_scripts[0].hang = true;
    submit(3);
    wait_launched(max_launched);
    wait_broken();
    CHECK(rig_settle(&worker));
    CHECK_INT(worker.outcomes[with_fallback ? JOB_OK : JOB_FAILED], 3);
    CHECK_INT(worker.by_fallback, with_fallback ? 3 : 0);
    CHECK_INT(stub_scripts[0].batches, 0);
    check_failure();
    submit(1);
    CHECK(rig_settle(&worker));
    CHECK_INT(worker.by_fallback + worker.failed_submits, with_fallback ? 4 : 1);
    test_row("a model that is opened now");
    args.primary = executor;
    args.fallback = fallback;
    if (!with_fallback) {
        CHECK_ERR(served_model_open(&args, &other, &err), err, "broken");
    } else {
        CHECK_OK(served_model_open(&args, &other, &err), err);
        CHECK(served_model_on_fallback(other) && served_model_on_fallback(served));
        served_model_unref(other);
    }
    model_unref(args.model);
    finish(1);
    forget();
}

TEST(executor__leaves_a_device_that_hangs_in_a_batch)
{
    for (int with_fallback = 0; with_fallback < 2; with_fallback++)
        for (int max_launched = 1; max_launched < 3; max_launched++)
            hang_in_a_batch(with_fallback, max_launched);
}

/* Each call counts as EXECUTOR_WATCH_US, more than the device may take. */
static void watch(void)
{
    for (int i = 0; i < 6; i++)
        executor_watch(executor);
}

TEST(executor__leaves_a_device_whose_call_does_not_return)
{
    start(true, 1);
    stub_scripts[0].stuck = stub_scripts[0].hang = true;
    submit(3);
    while (executor_queue_depth(executor) != 2)
        rig_nap(100);
    rig_nap(HANG_MS * MS); /* until it is in the call */
    watch();
    CHECK_INT(executor_state(executor), EXECUTOR_BROKEN);
    check_failure();
    test_row("what was queued has been returned");
    CHECK(rig_await(&worker, 2));
    CHECK_INT(worker.by_fallback, 2);
    test_row("the fallback answers");
    submit(2);
    CHECK(rig_await(&worker, 4));
    CHECK_INT(worker.by_fallback, 4);
    test_row("the thread comes back");
    stub_scripts[0].stuck = false;
    finish(1);
    CHECK_INT(worker.by_fallback, 5);
    forget();
}

/* A thread that works, or has nothing to do, is left alone; so is a device without a limit. */
TEST(executor__is_not_broken_by_watching)
{
    rig_one_open(4);
    for (int round = 0; round < 2; round++) {
        executor_set_options(one.executor,
                             &(struct executor_options){
                                 .max_tokens = 256, .max_queue = 64, .hang_ms = round ? 60000 : 0},
                             &(struct deadline_options){0});
        stub_scripts[0].stuck = true;
        rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
        for (int i = 0; i < 50; i++)
            executor_watch(one.executor);
        stub_scripts[0].stuck = false;
        rig_one_settle(JOB_OK, round + 1);
        CHECK_INT(executor_state(one.executor), EXECUTOR_SERVING);
    }
    test_row("nothing to do, and a limit shorter than an idle turn");
    executor_set_options(
        one.executor, &(struct executor_options){.max_tokens = 256, .max_queue = 64, .hang_ms = 1},
        &(struct deadline_options){0});
    for (int i = 0; i < 3; i++)
        executor_watch(one.executor);
    CHECK_INT(executor_state(one.executor), EXECUTOR_SERVING);
    rig_one_close();
}

/* By the batches that an idle device computes. */
TEST(executor__notices_a_dead_device_before_traffic_comes)
{
    struct err text;

    stub_scripts[0].fail_after = 0;
    start(true, 1);
    wait_broken();
    while (!executor_failure(executor, &text))
        rig_nap(100);
    CHECK_STR(text.text, "the script has it fail");
    submit(1);
    CHECK(rig_settle(&worker));
    CHECK_INT(worker.by_fallback, 1);
    CHECK_INT(rig_stats[0].batches, 0); /* nothing was served, so nothing is counted */
    rig_release_worker(&worker);
    served_model_unref(served);
    executor_close(executor);
    executor_close(fallback);
    rig_check_clean();
}

struct open {
    struct served_model_args args;
    struct served_model *served;
    struct err err;
    int rc;
};

static void *open_model(void *arg)
{
    struct open *open = arg;

    open->rc = served_model_open(&open->args, &open->served, &open->err);
    return NULL;
}

static bool is_in_a_step(void)
{
    bool is;

    pthread_mutex_lock(&executor->lock);
    is = executor->schedule.background.running != NULL;
    pthread_mutex_unlock(&executor->lock);
    return is;
}

/* Opening a model there continues on the fallback, or fails. */
static void hang_in_a_step(bool with_fallback)
{
    struct open open = {.args = {.model = stub_model_new(2), .max_batch_tokens = 256}};
    pthread_t thread;

    test_row("%s", with_fallback ? "with a fallback" : "without");
    start(with_fallback, 1);
    open.args.primary = executor;
    open.args.fallback = fallback;
    stub_scripts[0].stuck_open = true;
    CHECK_INT(pthread_create(&thread, NULL, open_model, &open), 0);
    while (!is_in_a_step())
        rig_nap(100);
    for (int i = 0; i < 110; i++) /* a step may take 10 s */
        executor_watch(executor);
    CHECK_INT(executor_state(executor), EXECUTOR_BROKEN);
    pthread_join(thread, NULL);
    if (with_fallback) {
        CHECK_OK(open.rc, open.err);
        CHECK(served_model_on_fallback(open.served));
        served_model_unref(open.served);
    } else {
        CHECK_ERR(open.rc, open.err, "is broken");
    }
    model_unref(open.args.model);
    test_row("the thread comes back");
    stub_scripts[0].stuck_open = false;
    finish(2);
    stub_models = stub_launchers = 0;
    stub_reset();
}

TEST(executor__leaves_a_device_that_does_not_return_from_a_step)
{
    for (int with_fallback = 0; with_fallback < 2; with_fallback++)
        hang_in_a_step(with_fallback);
}

/* The last of this program: the thread keeps waiting. */
TEST(executor__closes_with_a_thread_that_does_not_come_back)
{
    start(true, 1);
    stub_scripts[0].stuck = true;
    submit(1);
    rig_nap(HANG_MS * MS);
    watch();
    CHECK_INT(executor_state(executor), EXECUTOR_BROKEN);
    served_model_unref(served);
    CHECK_INT(executor_close(executor), -1);
    CHECK_INT(executor_close(fallback), 0); /* the job's reference keeps its engine */
    CHECK_INT(worker.letters, 0);
}
