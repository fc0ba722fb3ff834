/* What the executor reports: how long jobs waited and ran, and its batches. */
#include "tests/unit/server/batch/executor_rig.h"

enum { TWO_PARTS = 50 }; /* segments of 8 in batches of 256 */

static bool reports_times_and_batches(void)
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

TEST(executor__reports_times_and_batches)
{
    RIG_TRY(reports_times_and_batches());
}
