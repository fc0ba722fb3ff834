/* Executors whose stop needs a time limit: more is queued than a drain has time for, or a batch
 * hangs. */
#include "tests/unit/server/batch/executor_rig.h"

TEST(executor__drain_is_bounded)
{
    enum { JOBS = 40 };
    stub_scripts[0].batch_us = 50 * MS;
    rig_one_open(1);
    for (int i = 0; i < JOBS; i++) /* two seconds of work */
        rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(0, 1);
    int64_t from_us = clock_now_us();
    executor_stop(one.executor, 300 * MS);
    executor_stop(one.executor, FOR_EVER); /* the first call counts */
    rig_one_submit(3, FOR_EVER, SUBMIT_FAILED);
    CHECK(rig_settle(&one.worker));
    int64_t took_us = clock_now_us() - from_us;
    CHECK(took_us >= 300 * MS);
    CHECK(one.worker.outcomes[JOB_OK] >= 1);
    CHECK(one.worker.outcomes[JOB_FAILED] >= 1); /* a drain without a bound runs them all */
    CHECK_INT(one.worker.outcomes[JOB_OK] + one.worker.outcomes[JOB_FAILED], JOBS);
    rig_one_close();
}

TEST(executor__closes_with_a_split_job_in_progress)
{
    for (int launched = 1; launched <= 2; launched++)
        for (int drain = 0; drain < 2; drain++) {
            test_row("%s, %d launched", drain ? "drained" : "without a drain", launched);
            stub_scripts[0].max_launched = launched;
            stub_scripts[0].batch_us = 100 * MS;
            rig_one_open(4);
            rig_one_submit(120, FOR_EVER, SUBMIT_ADMITTED);
            rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
            rig_one_wait(1, launched);
            executor_stop(one.executor, drain ? 10 * SECOND : 0);
            served_model_unref(one.served);
            executor_close(one.executor);
            rig_one_settle(drain ? JOB_OK : JOB_FAILED, 2);
            CHECK_INT(one.worker.wrong, 0);
            if (!drain)
                CHECK(stub_scripts[0].batches <= 1 + launched);
            rig_release_worker(&one.worker);
            rig_check_clean();
        }
}

TEST(executor__leaks_a_batch_that_hangs)
{
    stub_scripts[0].hang = true;
    rig_one_open(1);
    rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(0, 1);
    rig_one_submit(3, FOR_EVER, SUBMIT_ADMITTED);
    served_model_unref(one.served);
    int64_t from_us = clock_now_us();
    executor_close(one.executor);
    int64_t took_us = clock_now_us() - from_us;
    CHECK(took_us > 900 * MS && took_us < 20 * SECOND);
    mailbox_drain(&one.worker.box, &one.worker);
    CHECK_INT(one.worker.letters,
              1); /* that of the queued job; the device may still write to the other */
    CHECK_INT(one.worker.outcomes[JOB_FAILED], 1);
    CHECK_INT(stub_scripts[0].closed_engines, 0);
    /* The device may complete it at any time. */
    stub_scripts[0].hang = false;
    while (!stub_scripts[0].batches)
        rig_nap(MS);
    rig_nap(20 * MS);
    CHECK_INT(one.worker.letters, 1);
}
