/* A job larger than a batch, and what may come between its parts. */
#include "tests/unit/server/batch/executor_rig.h"

enum { TWO_PARTS = 50, FOUR_PARTS = 120 }; /* segments of 8 in batches of 256 */

static bool goes_back_before_a_background_step(void)
{
    struct rig_one one;
    struct rig_opening opening;

    stub_reset();
    stub_scripts[0].batch_us = 300 * MS;
    rig_one_open(&one, 4);
    stub_scripts[0].step_us = 500 * MS;
    struct batch_job *job = rig_one_submit(&one, TWO_PARTS, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(1, 1);
    rig_opening_start(&opening, one.executor); /* waits since so long that it does not wait more */
    CHECK(rig_settle(&one.worker));
    int64_t back_us = clock_now_us() - (job->launched_us + job->infer_us);
    CHECK_INT(one.worker.outcomes[JOB_OK], 1);
    CHECK_INT(stub_scripts[0].batches, 2);
    stub_scripts[0].step_us = 0;
    rig_opening_end(&opening);
    rig_one_close(&one);
    return back_us < 250 * MS;
}

TEST(executor__a_split_job_goes_back_before_a_background_step)
{
    RIG_TRY(goes_back_before_a_background_step());
}

TEST(executor__a_split_job_is_given_up_midway)
{
    for (int launched = 1; launched <= 2; launched++)
        for (int expires = 0; expires < 2; expires++) {
            struct rig_one one;
            test_row("%s, %d launched", expires ? "expired" : "cancelled", launched);
            stub_reset();
            stub_scripts[0].max_launched = launched;
            rig_one_open(&one, 4);
            stub_scripts[0].batch_us = 300 * MS; /* longer than it said */
            struct batch_job *job =
                rig_one_submit(&one, FOUR_PARTS, expires ? 150 * MS : FOR_EVER, SUBMIT_ADMITTED);
            rig_one_wait(0, launched);
            if (!expires)
                batch_job_cancel(job);
            rig_one_settle(&one, expires ? JOB_EXPIRED : JOB_CANCELLED, 1);
            CHECK_INT(stub_scripts[0].batches, launched); /* no further part, and all are back */
            stub_scripts[0].batch_us = MS;
            rig_one_submit(&one, FOUR_PARTS, FOR_EVER, SUBMIT_ADMITTED);
            rig_one_settle(&one, JOB_OK, 1);
            rig_one_close(&one);
        }
}

TEST(executor__closes_with_a_split_job_under_way)
{
    for (int launched = 1; launched <= 2; launched++)
        for (int drain = 0; drain < 2; drain++) {
            struct rig_one one;
            test_row("%s, %d launched", drain ? "drained" : "at once", launched);
            stub_reset();
            stub_scripts[0].max_launched = launched;
            stub_scripts[0].batch_us = 100 * MS;
            rig_one_open(&one, 4);
            rig_one_submit(&one, FOUR_PARTS, FOR_EVER, SUBMIT_ADMITTED);
            rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
            rig_one_wait(1, launched);
            executor_stop(one.executor, drain ? 10 * SECOND : 0);
            served_model_unref(one.served);
            executor_close(one.executor);
            rig_one_settle(&one, drain ? JOB_OK : JOB_FAILED, 2);
            CHECK_INT(one.worker.wrong, 0);
            if (!drain)
                CHECK(stub_scripts[0].batches <= 1 + launched);
            rig_release_worker(&one.worker);
            rig_check_clean();
        }
}
