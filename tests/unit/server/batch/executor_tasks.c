/* Background tasks of any kind, between batches, on the executor's thread. */
#include "server/batch/run_task.h"
#include "tests/unit/server/batch/executor_rig.h"

struct counted {
    int last, fails_at; /* step that is the last, that fails; 0: none */
    _Atomic int steps, abandoned, elsewhere;
    pthread_t thread; /* of the first step */
};

static void check_thread(struct counted *counted)
{
    if (!counted->steps)
        counted->thread = pthread_self();
    counted->elsewhere += !pthread_equal(counted->thread, pthread_self());
}

static int step(void *arg, struct err *err)
{
    struct counted *counted = arg;

    check_thread(counted);
    counted->elsewhere += stub_scripts[0].launched > 0;
    if (++counted->steps == counted->fails_at)
        return err_set(err, ERR_DATA, "step %d fails", counted->steps);
    rig_nap(500);
    return counted->steps == counted->last ? 0 : 1;
}

static void abandon(void *arg)
{
    struct counted *counted = arg;

    check_thread(counted);
    counted->abandoned++;
}

struct caller {
    pthread_t thread;
    struct executor *executor;
    struct counted counted;
    int rc;
    struct err err;
};

static void *run_task(void *arg)
{
    struct caller *caller = arg;
    struct task task = {.step = step, .abandon = abandon, .arg = &caller->counted};

    caller->rc = executor_run_task(caller->executor, &task, &caller->err);
    return NULL;
}

static void check_caller(const struct caller *caller, int steps, int abandoned, const char *error)
{
    CHECK_INT(caller->counted.steps, steps);
    CHECK_INT(caller->counted.abandoned, abandoned);
    CHECK_INT(caller->counted.elsewhere, 0);
    CHECK_INT(caller->rc, error ? -1 : 0);
    if (error)
        CHECK_STR(caller->err.text, error);
}

TEST(executor__runs_tasks_between_batches)
{
    struct caller done = {.counted.last = 20}, failed = {.counted.fails_at = 3};

    rig_crowd_open(4, 2, false);
    done.executor = failed.executor = crowd.executor;
    rig_crowd_start(200, 3);
    rig_crowd_run();
    run_task(&failed);
    run_task(&done);
    rig_crowd_join();
    check_caller(&failed, 3, 0, "step 3 fails");
    check_caller(&done, 20, 0, NULL);
    rig_crowd_close();
}

/* Submits until a job meets the failure: a near deadline leaves no time for steps, but on a busy
 * machine it may pass before a step ends. */
static void break_executor(void)
{
    for (int i = 0; i < 40 && executor_state(one.executor) == EXECUTOR_SERVING; i++) {
        rig_submit(&one.worker, rig_new_job(&one.worker, one.served, 1, 3, 100 * MS));
        for (int ms = 0; ms < 200 && executor_state(one.executor) == EXECUTOR_SERVING; ms++)
            rig_nap(MS);
    }
}

/* One has begun, one waits for it, one is submitted too late. */
TEST(executor__tasks_fail_when_it_stops_or_breaks)
{
    for (int breaks = 0; breaks < 2; breaks++) {
        const char *why = breaks ? "backend stub is broken" : "backend stub is stopping";
        struct caller callers[3] = {0};

        test_row("%s", why);
        rig_one_open(4);
        for (int i = 0; i < 3; i++)
            callers[i].executor = one.executor;
        CHECK(pthread_create(&callers[0].thread, NULL, run_task, &callers[0]) == 0);
        while (!callers[0].counted.steps)
            rig_nap(100);
        CHECK(pthread_create(&callers[1].thread, NULL, run_task, &callers[1]) == 0);
        rig_nap(5 * MS);
        if (breaks) {
            stub_scripts[0].fail_after = 0;
            break_executor();
        } else {
            executor_stop(one.executor, SECOND);
        }
        for (int i = 0; i < 2; i++)
            pthread_join(callers[i].thread, NULL);
        run_task(&callers[2]);
        check_caller(&callers[0], callers[0].counted.steps, 1, why);
        check_caller(&callers[1], 0, 0, why);
        check_caller(&callers[2], 0, 0, why);
        rig_one_close();
    }
}
