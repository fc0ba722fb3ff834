/* Who gets in: what the gate is told of everything that stands between a newcomer and the engine.
 * Estimates are half as long again as what the device says until some batches were seen. */
#include "tests/unit/server/batch/executor_rig.h"

enum { FOUR_PARTS = 120 }; /* segments of 8 in batches of 256 */

TEST(executor__jobs_that_are_given_up_take_no_place)
{
    struct rig_one one;

    stub_reset();
    rig_one_open(&one, 4);
    executor_set_options(one.executor, &(struct executor_options){256, 2},
                         &(struct deadline_options){0});
    stub_scripts[0].hang = true;
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(0, 1);
    struct batch_job *first = rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    CHECK(!executor_is_full(one.served, clock_now_us()));
    rig_one_submit(&one, 3, 300 * MS, SUBMIT_ADMITTED);
    CHECK(executor_is_full(one.served, clock_now_us()));
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_FULL);
    batch_job_cancel(first);
    CHECK(!executor_is_full(one.served, clock_now_us()));
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_FULL);
    CHECK(executor_is_full(one.served, clock_now_us()));
    rig_nap(350 * MS);
    CHECK(!executor_is_full(one.served, clock_now_us()));
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    /* Their letters come at once, whatever the engine does. */
    for (int i = 0; i < 1000 && one.worker.letters < 2; i++) {
        mailbox_drain(&one.worker.box, &one.worker);
        rig_nap(MS);
    }
    CHECK_INT(one.worker.outcomes[JOB_CANCELLED], 1);
    CHECK_INT(one.worker.outcomes[JOB_EXPIRED], 1);
    stub_scripts[0].hang = false;
    rig_one_settle(&one, JOB_OK, 3);
    rig_one_close(&one);
}

/* Of a job that is not admitted, and could not make it: the work planned in front of it. 0 where it
 * was admitted, for that work is nearly done. */
static int64_t refused_wait_us(struct rig_one *one, int64_t budget_us)
{
    struct batch_job *job = rig_new_job(&one->worker, one->served, 1, 3, budget_us);
    int64_t wait_us;

    if (executor_submit(job, clock_now_us(), &wait_us) == SUBMIT_ADMITTED) {
        one->worker.admitted++;
        return 0;
    }
    batch_jobs_put(&one->worker.jobs, job);
    return wait_us;
}

static bool knows_the_parts_that_are_left(void)
{
    struct rig_one one;
    bool knows;

    stub_reset();
    stub_scripts[0].batch_us = 100 * MS;
    rig_one_open(&one, 1);
    rig_one_submit(&one, FOUR_PARTS, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(0, 1);
    knows = is_between(refused_wait_us(&one, 500 * MS), 500 * MS, 700 * MS); /* four parts of 150 */
    if (knows) {
        rig_one_wait(2, 1);
        knows = is_between(refused_wait_us(&one, 250 * MS), 200 * MS, 400 * MS); /* two less */
    }
    rig_one_submit(&one, 3, 10 * SECOND, SUBMIT_ADMITTED);
    rig_one_close(&one);
    return knows;
}

TEST(executor__gate_knows_the_parts_that_are_left)
{
    RIG_TRY(knows_the_parts_that_are_left());
}

static bool knows_the_step_that_is_running(void)
{
    struct rig_one one;
    struct rig_opening opening;

    stub_reset();
    stub_scripts[0].step_us = 300 * MS;
    rig_one_open(&one, 1);
    rig_opening_start(&opening, one.executor);
    while (stub_scripts[0].open_engines < 2) /* begun: 300 ms later */
        rig_nap(MS);
    rig_nap(10 * MS);
    /* The rest of this step, room for another: an engine that is at a step is not idle. */
    int64_t wait_us = refused_wait_us(&one, 200 * MS);
    stub_scripts[0].step_us = 0;
    rig_opening_end(&opening);
    rig_one_close(&one);
    return is_between(wait_us, 400 * MS, 700 * MS);
}

TEST(executor__gate_knows_the_step_that_is_running)
{
    RIG_TRY(knows_the_step_that_is_running());
}

static bool knows_both_batches_that_are_launched(void)
{
    struct rig_one one;

    stub_reset();
    stub_scripts[0].max_launched = 2;
    stub_scripts[0].batch_us = 200 * MS;
    rig_one_open(&one, 1);
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(0, 2);
    int64_t wait_us = refused_wait_us(&one, 700 * MS); /* two of 300 */
    rig_one_submit(&one, 3, 10 * SECOND, SUBMIT_ADMITTED);
    rig_one_close(&one);
    return is_between(wait_us, 500 * MS, 700 * MS);
}

TEST(executor__gate_knows_both_batches_that_are_launched)
{
    RIG_TRY(knows_both_batches_that_are_launched());
}

/* A batch of 100 ms, then one whose deadline a step of 300 ms in front of it would pass. */
static enum job_outcome outcome_before_a_step(int64_t rest_us)
{
    struct rig_one one;
    struct rig_opening opening;

    stub_reset();
    stub_scripts[0].batch_us = 100 * MS;
    stub_scripts[0].step_us = 300 * MS;
    rig_one_open(&one, 1);
    rig_nap(rest_us);
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(0, 1);
    struct batch_job *job = rig_one_submit(&one, 3, 480 * MS, SUBMIT_ADMITTED);
    rig_opening_start(&opening, one.executor);
    CHECK(rig_settle(&one.worker));
    enum job_outcome outcome = job->outcome;
    stub_scripts[0].step_us = 0;
    rig_opening_end(&opening);
    rig_one_close(&one);
    return outcome;
}

TEST(executor__steps_wait_for_room_but_not_for_ever)
{
    RIG_TRY(outcome_before_a_step(0) == JOB_OK);
    CHECK_INT(outcome_before_a_step(200 * MS), JOB_EXPIRED); /* the last step was 300 ms ago */
}
