/* Tests of server/batch/gate.c. */
#include "server/batch/gate.h"

#include "base/rng.h"
#include "server/batch/pick.h"
#include "tests/test.h"
#include "tests/unit/server/batch/work_rig.h"

enum { JOBS = 64 };

static struct {
    struct cost cost;
    struct gate gate;
    struct queue queue;
    struct work work[JOBS];
    struct batch_options options;
    struct engine_state engine;
} s;

static void start(void)
{
    struct err err;

    queue_release(&s.queue);
    memset(&s, 0, sizeof(s));
    rig_cost(&s.cost);
    CHECK_OK(queue_init(&s.queue, JOBS, &err), err);
    s.options = (struct batch_options){
        .max_tokens = 1000, .max_jobs = 8, .max_queue = JOBS, .reserve_us = 50};
    s.engine = (struct engine_state){.free_us = 5000}; /* a batch runs until then */
}

static struct gate_answer ask(int i, int64_t tokens, int64_t deadline_us, int64_t now_us)
{
    rig_work(&s.work[i], now_us, deadline_us, tokens, &s.cost, &s.options);
    return gate_decide(&s.gate, &s.queue, &s.work[i], &s.options, &s.engine, now_us);
}

TEST(gate__counts_what_is_running)
{
    start();
    CHECK_INT(ask(0, 100, 5249, 0).submit, SUBMIT_LATE); /* 5000 + 200 + the reserve of 50 */
    CHECK_INT(s.queue.n, 0);
    struct gate_answer answer = ask(0, 100, 5250, 0);
    CHECK_INT(answer.submit, SUBMIT_ADMITTED);
    CHECK_INT(answer.wait_us, 5200);
    CHECK_INT(s.queue.n, 1);
}

TEST(gate__protects_admitted_jobs)
{
    start();
    CHECK_INT(ask(0, 900, 6050, 0).submit, SUBMIT_ADMITTED); /* no time to spare */
    CHECK_INT(ask(1, 100, 5800, 0).submit, SUBMIT_LATE);     /* in time, but it would make 0 late */
    CHECK_INT(s.queue.n, 1);
    CHECK_INT(ask(1, 100, 20000, 0).submit,
              SUBMIT_ADMITTED); /* queued last, it makes no job late */
    CHECK(queue_at(&s.queue, 0) == &s.work[0]);
}

TEST(gate__ignores_jobs_that_are_late_anyway)
{
    start();
    CHECK_INT(ask(0, 900, 6050, 0).submit, SUBMIT_ADMITTED);
    s.engine.free_us = 5300; /* the running batch takes longer: 0 will be late */
    CHECK_INT(ask(1, 100, 5800, 0).submit, SUBMIT_ADMITTED);
}

TEST(gate__an_idle_engine_always_admits)
{
    start();
    s.engine = (struct engine_state){.idle = true};
    s.cost.ratio = 4; /* an old stall */
    CHECK_INT(ask(0, 900, 1100, 0).submit, SUBMIT_ADMITTED);
    CHECK(s.work[0].trial);
    CHECK_INT(ask(1, 900, 1100, 0).submit, SUBMIT_LATE); /* the queue is not empty now */
    /* A quarter of the estimate is too long, or the deadline has passed. */
    start();
    s.engine = (struct engine_state){.idle = true};
    CHECK_INT(ask(0, 900, 249, 0).submit, SUBMIT_LATE);
    CHECK_INT(ask(0, 900, 0, 0).submit, SUBMIT_LATE);
    CHECK_INT(ask(0, 900, 250, 0).submit, SUBMIT_ADMITTED);
}

TEST(gate__bounds_the_queue)
{
    start();
    s.options.max_queue = 2;
    CHECK_INT(ask(0, 10, 100000, 0).submit, SUBMIT_ADMITTED);
    CHECK_INT(ask(1, 10, 100000, 0).submit, SUBMIT_ADMITTED);
    struct gate_answer answer = ask(2, 10, 100000, 0);
    CHECK_INT(answer.submit, SUBMIT_FULL);
    CHECK(answer.wait_us >= 5000);
    CHECK_INT(s.queue.n, 2);
}

TEST(gate__the_first_of_a_later_batch_leaves_room_for_others)
{
    start();
    s.options.max_jobs = 2;
    s.engine.free_us = 20000;
    CHECK_INT(ask(0, 400, 21500, 0).submit, SUBMIT_ADMITTED);
    CHECK_INT(ask(1, 400, 21500, 0).submit, SUBMIT_ADMITTED);
    /* The first batch ends at 20900. Alone the next would end at 21400; full, with two of these,
     * at 21800. */
    CHECK_INT(ask(2, 400, 21849, 0).submit, SUBMIT_LATE);
    CHECK_INT(ask(2, 400, 21850, 0).submit, SUBMIT_ADMITTED);
    CHECK_INT(ask(3, 400, 21850, 0).submit,
              SUBMIT_ADMITTED); /* the job that the room was kept for */
}

TEST(gate__patient_jobs_leave_time_for_short_ones)
{
    start();
    s.engine.free_us = 0;
    for (int i = 0; i < 200; i++) { /* the observed mix: half have 10 ms, half 100 */
        s.engine.free_us = 1000000;
        CHECK_INT(ask(0, 10, i % 2 ? 10000 : 100000, 0).submit, SUBMIT_LATE);
    }
    s.engine.free_us = 65000; /* more than halfway from 10 to 100 ms */
    CHECK_INT(ask(0, 10, 100000, 0).submit, SUBMIT_LATE);
    s.engine.free_us = 45000;
    CHECK_INT(ask(0, 10, 100000, 0).submit, SUBMIT_ADMITTED);
    /* If all budgets are equal, the whole budget counts. */
    start();
    for (int i = 0; i < 200; i++) {
        s.engine.free_us = 1000000;
        CHECK_INT(ask(0, 10, 100000, 0).submit, SUBMIT_LATE);
    }
    s.engine.free_us = 99000;
    CHECK_INT(ask(0, 10, 100000, 0).submit, SUBMIT_ADMITTED);
}

/* Whether a job of 100 ms is admitted after 99 ms of work, where of every 20 arrivals the first
 * had that budget. */
static bool whole_budget_with(int64_t budget_us, int64_t tokens, int64_t min_us)
{
    start();
    s.options.min_us = min_us;
    s.engine.free_us = 1000000;
    for (int i = 0; i < 1000; i++)
        CHECK_INT(i % 20 ? ask(0, 10, 100000, 0).submit : ask(0, tokens, budget_us, 0).submit,
                  SUBMIT_LATE);
    s.engine.free_us = 99000;
    return ask(0, 10, 100000, 0).submit == SUBMIT_ADMITTED;
}

TEST(gate__leaves_no_time_for_budgets_that_nothing_could_meet)
{
    CHECK(whole_budget_with(-1000, 10, 0));
    CHECK(whole_budget_with(0, 10, 0));
    CHECK(whole_budget_with(999, 900, 0)); /* it takes 1000 alone */
    CHECK(!whole_budget_with(1000, 900, 0));
    CHECK(whole_budget_with(4999, 900, 5000));
    CHECK(!whole_budget_with(5000, 900, 5000));
}

TEST(gate__expects_a_late_batch_as_late_again)
{
    CHECK_INT(launched_free_us(1000, 500, 1200), 1500);
    CHECK_INT(launched_free_us(1000, 500, 1500), 1500);
    CHECK_INT(launched_free_us(1000, 500, 1700), 1900);
    CHECK_INT(launched_free_us(0, 500, 100500), 200500);
}

TEST(gate__fits_where_there_is_time_for_something_else)
{
    start();
    s.engine.free_us = 0;
    CHECK(gate_fits(&s.queue, &s.options, 1000000, 0)); /* nothing waits */
    CHECK_INT(ask(0, 100, 2000, 0).submit, SUBMIT_ADMITTED);
    CHECK(gate_fits(&s.queue, &s.options, 1750, 0));
    CHECK(!gate_fits(&s.queue, &s.options, 1751, 0));
    CHECK(!gate_fits(&s.queue, &s.options, 2500, 0)); /* it would be dropped, so it does not fit */
}

/* With exact costs every admitted job is served in time, whatever arrives later. */
TEST(gate__keeps_its_promises)
{
    struct work *chosen[JOBS];
    struct extent extent;
    struct rng rng;
    int admitted = 0, refused = 0;

    rng_init(&rng, 9);
    for (int round = 0; round < 300; round++) {
        start();
        s.options.min_us = (int64_t)rng_below(&rng, 3) * 2000;
        s.engine = (struct engine_state){.idle = false, .free_us = 500};
        bool free_slot[JOBS];
        memset(free_slot, true, sizeof(free_slot));
        int64_t now_us = 0, arrival_us = 0;
        while (now_us < 100000) {
            while (arrival_us <= s.engine.free_us) { /* all arrivals until the engine is free */
                int slot = 0;
                while (slot < JOBS && !free_slot[slot])
                    slot++;
                if (slot < JOBS) {
                    int64_t budget_us = 300 + (int64_t)rng_below(&rng, 12000);
                    bool in = ask(slot, 10 + (int64_t)rng_below(&rng, 1500), arrival_us + budget_us,
                                  arrival_us)
                                  .submit == SUBMIT_ADMITTED;
                    free_slot[slot] = !in;
                    admitted += in;
                    refused += !in;
                }
                arrival_us += 1 + (int64_t)rng_below(&rng, 500);
            }
            now_us = s.engine.free_us;
            CHECK(!pick_batch(&s.queue, &s.options, now_us, chosen, &extent));
            int64_t end_us = now_us + (int64_t)extent.cost_us;
            for (int i = 0; i < extent.n; i++) {
                CHECK(end_us <= chosen[i]->deadline_us);
                free_slot[chosen[i] - s.work] = true;
            }
            s.engine.free_us = extent.n ? end_us : arrival_us;
        }
    }
    CHECK(admitted > 1000 && refused > 1000);
}
