/* Tests of server/net/loop.c. */
#include "server/net/loop.h"

#include <unistd.h>

#include "base/clock.h"
#include "tests/test.h"

#define SENDERS 3
#define LETTERS 2000

struct counted_letter {
    struct letter letter;
    int from, number;
};

static struct {
    struct loop loop;
    int next[SENDERS];
    int delivered, bad;
    struct timer timer;
    int64_t due_us, fired_us;
    int64_t arrivals[2], busy_until_us;
    int pipe[2], ready;
    int lags;
    int64_t lag_us; /* of the last beat */
} state;

static void on_counted(struct letter *letter, void *reader)
{
    struct counted_letter *counted = (struct counted_letter *)letter;

    if (reader != &state || counted->number != state.next[counted->from]++)
        state.bad++;
    free(counted);
    if (++state.delivered == SENDERS * LETTERS)
        loop_stop(&state.loop);
}

static void *send_letters(void *arg)
{
    int from = (int)(intptr_t)arg;

    for (int i = 0; i < LETTERS; i++) {
        struct counted_letter *counted = malloc(sizeof(*counted));

        *counted = (struct counted_letter){{.deliver = on_counted}, from, i};
        loop_post(&state.loop, &counted->letter);
    }
    return NULL;
}

static void start(void)
{
    struct err err;

    memset(&state, 0, sizeof(state));
    CHECK_OK(loop_init(&state.loop, &state, &err), err);
}

TEST(loop__delivers_letters_of_many_threads_in_order)
{
    pthread_t threads[SENDERS];

    start();
    for (intptr_t i = 0; i < SENDERS; i++)
        CHECK(pthread_create(&threads[i], NULL, send_letters, (void *)i) == 0);
    loop_run(&state.loop);
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(state.delivered, SENDERS * LETTERS);
    CHECK_INT(state.bad, 0);
    CHECK(loop_heartbeat_us(&state.loop) > 0);
    loop_release(&state.loop);
}

static void on_due(struct timer *timer, void *arg)
{
    (void)timer;
    (void)arg;
    state.fired_us = clock_now_us();
    loop_stop(&state.loop);
}

TEST(loop__fires_not_before_the_time)
{
    start();
    timer_init(&state.timer, on_due, NULL);
    state.due_us = clock_now_us() + 3000;
    loop_timer_set(&state.loop, &state.timer, state.due_us);
    loop_run(&state.loop);
    CHECK(state.fired_us >= state.due_us);
    /* and in a second run, when the time has already passed */
    state.due_us = state.fired_us = 0;
    loop_timer_set(&state.loop, &state.timer, 1);
    loop_run(&state.loop);
    CHECK(state.fired_us > 0);
    loop_release(&state.loop);
}

static void on_lag(void *arg, int64_t lag_us)
{
    CHECK(arg == &state);
    CHECK(lag_us >= 0);
    state.lag_us = lag_us;
    if (++state.lags == 2)
        loop_stop(&state.loop);
    else
        usleep(LOOP_TICK_US + 30000); /* the next beat is late by that */
}

TEST(loop__reports_its_lag)
{
    start();
    state.loop.on_lag = on_lag;
    state.loop.on_lag_arg = &state;
    loop_run(&state.loop);
    CHECK_INT(state.lags, 2);
    CHECK(state.lag_us >= 30000);
    loop_release(&state.loop);
}

static void on_readable(struct loop_watch *watch, unsigned ready, void *arg)
{
    char byte;

    CHECK(arg == &state);
    CHECK_INT(ready, LOOP_READ);
    CHECK_INT(read(state.pipe[0], &byte, 1), 1);
    state.arrivals[state.ready] = loop_arrival_us(watch->loop);
    if (++state.ready == 2) {
        loop_stop(&state.loop);
    } else {
        usleep(10000); /* the second byte waits meanwhile */
        state.busy_until_us = clock_now_us();
    }
}

/* Whether the second byte's time is before the loop could read it. */
static bool arrives_while_busy(void)
{
    struct loop_watch watch;
    struct err err;
    int64_t before_us;

    start();
    CHECK(pipe(state.pipe) == 0);
    CHECK_OK(loop_watch_init(&watch, &state.loop, on_readable, &state, &err), err);
    CHECK_INT(loop_watch_set(&watch, state.pipe[0], LOOP_READ), 0);
    before_us = clock_now_us();
    CHECK_INT(write(state.pipe[1], "ab", 2), 2);
    loop_run(&state.loop);
    CHECK_INT(state.ready, 2);
    CHECK(state.arrivals[0] >= before_us);
    CHECK(state.arrivals[1] >= state.arrivals[0]);
    CHECK_INT(loop_watch_set(&watch, state.pipe[0], 0), 0);
    loop_watch_release(&watch);
    close(state.pipe[0]);
    close(state.pipe[1]);
    loop_release(&state.loop);
    return state.arrivals[1] < state.busy_until_us;
}

/* Bytes that arrived while the loop was busy count from the earliest possible time. If a busy
 * machine stops the thread between two turns, the loop seems to have slept: then it is tried again.
 */
TEST(loop__arrival_counts_the_time_it_was_busy)
{
    int tries = 0;

    while (!arrives_while_busy())
        CHECK(++tries < 100);
}
