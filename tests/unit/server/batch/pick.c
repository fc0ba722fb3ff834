/* Tests of server/batch/pick.c. */
#include "server/batch/pick.h"

#include "tests/test.h"
#include "tests/unit/server/batch/work_rig.h"

enum { JOBS = 8 };

static struct {
    struct cost cost, other;
    struct queue queue;
    struct work work[JOBS];
    struct work *chosen[JOBS], *dropped;
    struct extent extent;
} s;

static const struct batch_options options = {
    .max_tokens = 1000, .max_jobs = 4, .max_queue = JOBS, .reserve_us = 50};

static void start(void)
{
    struct err err;

    queue_release(&s.queue);
    memset(&s, 0, sizeof(s));
    rig_cost(&s.cost);
    rig_cost(&s.other);
    CHECK_OK(queue_init(&s.queue, JOBS, &err), err);
}

static struct work *add(int i, int64_t tokens, int64_t deadline_us, struct cost *cost)
{
    rig_work(&s.work[i], 0, deadline_us, tokens, cost, &options);
    queue_insert(&s.queue, &s.work[i]);
    return &s.work[i];
}

static void pick(int64_t now_us)
{
    s.dropped = pick_batch(&s.queue, &options, now_us, s.chosen, &s.extent);
}

TEST(pick__takes_the_earliest_up_to_the_tokens_and_jobs)
{
    start();
    for (int i = 0; i < 6; i++)
        add(i, 100, 10000 - i, &s.cost);
    pick(0);
    CHECK_INT(s.extent.n, 4); /* max_jobs */
    CHECK(s.chosen[0] == &s.work[5] && s.chosen[3] == &s.work[2]);
    CHECK_INT(s.extent.shape.tokens, 400);
    CHECK_NEAR(s.extent.cost_us, 500, 1e-9);
    CHECK_INT(s.queue.n, 2);
    start();
    for (int i = 0; i < 3; i++)
        add(i, 400, 10000, &s.cost);
    pick(0);
    CHECK_INT(s.extent.n, 2); /* max_tokens */
}

TEST(pick__grows_only_as_far_as_the_earliest_deadline_allows)
{
    start();
    add(0, 100, 450, &s.cost);
    add(1, 200, 10000, &s.cost);
    add(2, 1, 10000, &s.cost);
    /* 400 and the reserve of 50 just fit, 401 does not. */
    pick(0);
    CHECK_INT(s.extent.n, 2);
    start();
    add(0, 100, 450, &s.cost);
    add(1, 200, 10000, &s.cost);
    pick(1); /* a microsecond later they do not fit */
    CHECK_INT(s.extent.n, 1);
}

/* Filling up a rung costs nothing; a job that needs the next rung would be too late. */
TEST(pick__fills_to_a_rung)
{
    start();
    s.cost.engine.ladder = (struct ladder){.n = 2, .tokens = {256, 384}};
    for (int i = 0; i < 4; i++)
        add(i, 100, 470, &s.cost);
    pick(0);
    CHECK_INT(s.extent.n, 2);
    CHECK_NEAR(s.extent.cost_us, 356, 1e-9);
    start();
    s.cost.engine.ladder = (struct ladder){.n = 2, .tokens = {256, 384}};
    for (int i = 0; i < 4; i++)
        add(i, 100, 534, &s.cost);
    pick(0);
    CHECK_INT(s.extent.n, 3);
    CHECK_NEAR(s.extent.cost_us, 484, 1e-9);
}

/* Two segments that cannot be split run in parallel on two threads. */
TEST(pick__adds_up_shapes_and_not_costs)
{
    start();
    s.cost.engine.lanes = 2;
    for (int i = 0; i < 3; i++) {
        struct input_shape shape = {
            .tokens = 200, .segments = 1, .chain_tokens = i < 2 ? 200 : 210};
        s.work[i] = (struct work){.deadline_us = 370, .cost = &s.cost};
        work_prepare(&s.work[i], &shape, 0, &options);
        queue_insert(&s.queue, &s.work[i]);
    }
    pick(0);
    CHECK_INT(s.extent.n, 2);
    CHECK_NEAR(s.extent.cost_us, 300, 1e-9);
    /* The one that did not fit leaves no trace. */
    CHECK_INT(s.extent.shape.tokens, 400);
    CHECK_INT(s.extent.shape.segments, 2);
    CHECK_INT(s.extent.shape.chain_tokens, 200);
}

TEST(pick__drops_cancelled_expired_and_hopeless_work)
{
    start();
    add(0, 100, 1000, &s.cost); /* expired */
    add(1, 100, 1199, &s.cost); /* 200 us do not fit any more */
    add(2, 100, 1200, &s.cost); /* just fits */
    atomic_store(&add(3, 100, 1150, &s.cost)->cancelled, true);
    add(4, 100, 1100, &s.cost)->trial = true; /* admitted as a trial */
    pick(1000);
    CHECK(s.dropped == &s.work[0] && s.dropped->next == &s.work[3]);
    CHECK(s.dropped->next->next == &s.work[1] && !s.work[1].next);
    CHECK_INT(s.extent.n, 1); /* no time left for another one with it */
    CHECK(s.chosen[0] == &s.work[4]);
    CHECK_INT(s.queue.n, 1);
}

TEST(pick__never_mixes_engines)
{
    start();
    add(0, 10, 5000, &s.cost);
    add(1, 10, 5001, &s.cost);
    add(2, 10, 5002, &s.other);
    add(3, 10, 5003, &s.cost);
    pick(0);
    CHECK_INT(s.extent.n, 2);
    pick(0);
    CHECK_INT(s.extent.n, 1);
    CHECK(s.chosen[0] == &s.work[2]);
}

TEST(pick__takes_a_large_job_alone)
{
    start();
    add(0, 2500, 20000, &s.cost);
    add(1, 10, 20001, &s.cost);
    pick(0);
    CHECK_INT(s.extent.n, 1);
    CHECK_INT(s.extent.batches, 3);
    CHECK_NEAR(s.extent.cost_us, 2800, 1e-9);
    start();
    add(0, 10, 20000, &s.cost);
    add(1, 2500, 20001, &s.cost);
    pick(0);
    CHECK_INT(s.extent.n, 1);
}

TEST(pick__takes_nothing_from_an_empty_queue)
{
    start();
    pick(0);
    CHECK(s.extent.n == 0 && !s.dropped);
    add(0, 10, 5, &s.cost);
    pick(10);
    CHECK_INT(s.extent.n, 0);
    CHECK(s.dropped == &s.work[0] && !s.dropped->next);
    CHECK_INT(s.queue.n, 0);
}

TEST(pick__dropped_work_makes_room)
{
    start();
    for (int i = 0; i < 7; i++)
        add(i, 100, i == 4 ? 1150 : 10000 + i, &s.cost); /* 4 is at the front */
    queue_remove(&s.queue, 1);                           /* work 0; the array's front is free */
    atomic_store(&s.work[2].cancelled, true);
    atomic_store(&s.work[6].cancelled, true);
    CHECK(!pick_dropped(&s.queue, 950)->next->next); /* 2 and 6: 4 needs 200 us */
    CHECK_INT(s.queue.n, 4);
    atomic_store(&s.work[5].cancelled, true);
    struct work *dropped = pick_dropped(&s.queue, 951);
    CHECK(dropped == &s.work[4] && dropped->next == &s.work[5] && !dropped->next->next);
    CHECK_INT(s.queue.n, 2);
    CHECK(queue_at(&s.queue, 0) == &s.work[1] && queue_at(&s.queue, 1) == &s.work[3]);
    CHECK(!pick_dropped(&s.queue, 951));
    for (int i = 1; i <= 3; i += 2)
        atomic_store(&s.work[i].cancelled, true);
    dropped = pick_dropped(&s.queue, 951);
    CHECK(dropped == &s.work[1] && dropped->next == &s.work[3]);
    CHECK_INT(s.queue.n, 0);
    for (int i = 0; i < JOBS; i++) /* the whole array is used again */
        add(i, 100, 10000, &s.cost);
    CHECK(queue_at(&s.queue, JOBS - 1) == &s.work[JOBS - 1]);
}
