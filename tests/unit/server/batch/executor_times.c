/* The executor and time: its heartbeat, what batches cost, how long jobs waited and ran. */
#include "tests/unit/server/batch/executor_rig.h"

enum { TWO_PARTS = 50 }; /* segments of 8 in batches of 256 */

TEST(executor__heartbeat_is_the_oldest_batch)
{
    struct rig_one one;

    stub_reset();
    stub_scripts[0].max_launched = 2;
    stub_scripts[0].batch_us = 300 * MS;
    stub_scripts[0].hang = true;
    rig_one_open(&one, 1);
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(0, 1);
    int64_t first_us = executor_heartbeat_us(one.executor);
    rig_nap(50 * MS);
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(0, 2);
    CHECK_INT(executor_heartbeat_us(one.executor), first_us);
    /* The first one comes back, the second hangs in its place, a third is launched. */
    stub_scripts[0].hang = false;
    while (!stub_scripts[0].batches)
        rig_nap(MS);
    stub_scripts[0].hang = true;
    while (executor_queue_depth(one.executor))
        rig_nap(MS);
    rig_one_wait(1, 2);
    int64_t second_us = executor_heartbeat_us(one.executor);
    CHECK(second_us > first_us + 50 * MS);
    rig_nap(400 * MS);
    CHECK_INT(executor_heartbeat_us(one.executor), second_us);
    CHECK_INT(stub_scripts[0].batches, 1);
    stub_scripts[0].hang = false;
    rig_one_settle(&one, JOB_OK, 3);
    rig_one_close(&one);
}

static double learnt_ratio(int launched)
{
    struct rig_one one;

    stub_reset();
    stub_scripts[0].max_launched = launched;
    stub_scripts[0].batch_us = 30 * MS;
    rig_one_open(&one, 1);
    stub_scripts[0].batch_us = 90 * MS;
    for (int i = 0; i < 12; i++)
        rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    CHECK(rig_settle(&one.worker));
    CHECK_INT(stub_scripts[0].most_launched, launched);
    double ratio = one.served->engines[SERVED_PRIMARY].cost.ratio; /* nothing runs any more */
    rig_one_close(&one);
    return ratio;
}

static bool learns_cost(int launched)
{
    double ratio = learnt_ratio(launched);

    test_row("%d launched: three times what it said is taken for %g times", launched, ratio);
    return ratio > 2.8 && ratio < 3.9;
}

TEST(executor__learns_cost)
{
    for (int launched = 1; launched <= 2; launched++)
        RIG_TRY(learns_cost(launched));
}

static bool tells_times_and_batches(void)
{
    const struct rig_stats *stats = &rig_stats[0];
    struct rig_one one;
    bool in_time;

    stub_reset();
    stub_scripts[0].batch_us = 150 * MS;
    rig_one_open(&one, 4);
    struct batch_job *first = rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    rig_one_wait(0, 1);
    struct batch_job *second = rig_one_submit(&one, 3, FOR_EVER, SUBMIT_ADMITTED);
    struct batch_job *third = rig_one_submit(&one, 4, FOR_EVER, SUBMIT_ADMITTED);
    struct batch_job *split = rig_one_submit(&one, TWO_PARTS, FOR_EVER, SUBMIT_ADMITTED);
    in_time = executor_queue_depth(one.executor) == 3; /* the first is still running */
    CHECK(rig_settle(&one.worker));
    CHECK(first->infer_us >= 150 * MS);
    CHECK(second->infer_us >= 150 * MS);
    CHECK(split->infer_us >= 300 * MS);
    in_time = in_time && is_between(first->queue_us, -1, 90 * MS) && first->infer_us < 240 * MS &&
              is_between(second->queue_us, 50 * MS, 240 * MS) && second->infer_us < 240 * MS &&
              is_between(third->queue_us, 50 * MS, 240 * MS) &&
              third->launched_us == second->launched_us && /* together */
              is_between(split->queue_us, 200 * MS, 480 * MS) && split->infer_us < 480 * MS;
    rig_one_close(&one);
    if (!in_time)
        return false;
    CHECK_INT(stats->batches, 4);
    CHECK_INT(stats->requests, 1 + 2 + 1 + 1);
    CHECK_INT(stats->tokens, 8 * (4 + 4 + 5 + TWO_PARTS + 2));
    /* Estimates are half too long at first. */
    return stats->least_ratio > 0.5 && stats->most_ratio < 1.2;
}

TEST(executor__tells_times_and_batches)
{
    RIG_TRY(tells_times_and_batches());
}
