/* The heap compared with a sorted list, under random operations. */
#include "server/net/timers.h"

#include "base/rng.h"
#include "tests/test.h"

#define N 200

static struct {
    struct timers timers;
    struct timer list[N];
    int64_t due_us[N]; /* expected; TIMER_NEVER if not set */
    int64_t now_us, last_us;
    int fired;
} state;

static void on_fire(struct timer *timer, void *arg)
{
    int i = (int)(timer - state.list);

    CHECK(arg == &state);
    if (state.due_us[i] == TIMER_NEVER || state.due_us[i] > state.now_us)
        FAIL("timer %d fired without being set", i);
    if (state.due_us[i] < state.last_us)
        FAIL("timer %d fired after a later one", i);
    state.last_us = state.due_us[i];
    state.due_us[i] = TIMER_NEVER;
    state.fired++;
}

static void set(int i, int64_t due_us)
{
    timers_set(&state.timers, &state.list[i], due_us);
    state.due_us[i] = due_us;
}

static int count_due(void)
{
    int n = 0;

    for (int i = 0; i < N; i++)
        n += state.due_us[i] <= state.now_us;
    return n;
}

static int64_t earliest(void)
{
    int64_t us = TIMER_NEVER;

    for (int i = 0; i < N; i++)
        us = state.due_us[i] < us ? state.due_us[i] : us;
    return us;
}

static void start(void)
{
    memset(&state, 0, sizeof(state));
    timers_init(&state.timers);
    for (int i = 0; i < N; i++) {
        timer_init(&state.list[i], on_fire, &state);
        state.due_us[i] = TIMER_NEVER;
    }
}

TEST(timers__fire_in_order_whatever_is_done_to_them)
{
    struct rng rng;
    int total = 0;

    rng_init(&rng, 11);
    start();
    for (int step = 0; step < 20000; step++) {
        int i = (int)rng_below(&rng, N), due;

        switch (rng_below(&rng, 4)) {
        case 0:
        case 1:
            set(i, state.now_us + 1 + (int64_t)rng_below(&rng, 1000));
            break;
        case 2:
            timers_remove(&state.timers, &state.list[i]);
            state.due_us[i] = TIMER_NEVER;
            break;
        default:
            state.now_us += (int64_t)rng_below(&rng, 30);
            due = count_due();
            state.fired = 0;
            state.last_us = 0;
            timers_run(&state.timers, state.now_us);
            CHECK_INT(state.fired, due);
            total += due;
        }
        /* the next wake-up is never too late */
        CHECK(timers_next_us(&state.timers) <= earliest());
    }
    CHECK(total > 1000);
    for (int i = 0; i < N; i++)
        timers_remove(&state.timers, &state.list[i]);
    CHECK(timers_next_us(&state.timers) == TIMER_NEVER);
}

TEST(timers__moved_later_fires_once_and_later)
{
    start();
    set(0, 100);
    for (int64_t us = 200; us <= 1000; us += 100)
        set(0, us);
    CHECK_INT(timers_next_us(&state.timers), 100); /* the old time, updated lazily */
    state.now_us = 999;
    timers_run(&state.timers, state.now_us);
    CHECK_INT(state.fired, 0);
    CHECK_INT(timers_next_us(&state.timers), 1000);
    state.now_us = 1000;
    timers_run(&state.timers, state.now_us);
    CHECK_INT(state.fired, 1);
}

TEST(timers__unset_does_not_fire)
{
    start();
    set(0, 100);
    set(0, TIMER_NEVER);
    state.now_us = 1000;
    timers_run(&state.timers, state.now_us);
    CHECK_INT(state.fired, 0);
    CHECK(timers_next_us(&state.timers) == TIMER_NEVER);
}

static void on_fire_again(struct timer *timer, void *arg)
{
    (void)arg;
    state.fired++;
    timers_set(&state.timers, timer, 0); /* long past */
}

TEST(timers__set_to_the_past_waits_for_the_next_run)
{
    struct timer again;

    start();
    timer_init(&again, on_fire_again, NULL);
    timers_set(&state.timers, &again, 5);
    timers_run(&state.timers, 10);
    CHECK_INT(state.fired, 1);
    timers_run(&state.timers, 11);
    CHECK_INT(state.fired, 2);
    timers_remove(&state.timers, &again);
}
