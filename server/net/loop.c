/* The loop on top of libevent. */
#include "server/net/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"

/* Between the end of a turn and the start of the next; a busy loop takes less. */
#define SLEPT_US 50

static int64_t turn_us(struct loop *loop)
{
    if (!loop->turn_us)
        loop->turn_us = clock_now_us();
    return loop->turn_us;
}

int64_t loop_arrival_us(struct loop *loop)
{
    int64_t start_us = turn_us(loop);

    if (!loop->last_end_us || start_us - loop->last_end_us > SLEPT_US)
        return start_us;
    return loop->last_turn_us;
}

/* ---- timers ---------------------------------------------------------------------------------- */

static void arm(struct loop *loop, int64_t now_us)
{
    int64_t next_us = timers_next_us(&loop->timers);
    int64_t wait_us = next_us > now_us ? next_us - now_us : 1;
    struct itimerspec spec = {{0, 0}, {wait_us / 1000000, (wait_us % 1000000) * 1000}};

    if (next_us >= loop->timer_armed_us)
        return;
    BUG_ON(timerfd_settime(loop->timer_fd, 0, &spec, NULL) == -1);
    loop->timer_armed_us = next_us;
}

void loop_timer_set(struct loop *loop, struct timer *timer, int64_t due_us)
{
    timers_set(&loop->timers, timer, due_us);
    if (timers_next_us(&loop->timers) < loop->timer_armed_us)
        arm(loop, clock_now_us());
}

void loop_timer_remove(struct loop *loop, struct timer *timer)
{
    timers_remove(&loop->timers, timer);
}

static void on_timer_fd(evutil_socket_t fd, short events, void *arg)
{
    struct loop *loop = arg;
    uint64_t expirations;
    ssize_t n;

    (void)events;
    turn_us(loop);
    n = read(fd, &expirations, sizeof(expirations));
    if (n == -1 && errno == EAGAIN)
        return;
    loop->timer_armed_us = TIMER_NEVER;
    timers_run(&loop->timers, clock_now_us());
    arm(loop, clock_now_us());
}

static void on_tick(struct timer *timer, void *arg)
{
    struct loop *loop = arg;
    int64_t now_us = clock_now_us();
    int64_t due_us = atomic_load_explicit(&loop->heartbeat_us, memory_order_relaxed) + LOOP_TICK_US;
    int64_t lag_us = now_us > due_us ? now_us - due_us : 0;

    atomic_store_explicit(&loop->heartbeat_us, now_us, memory_order_relaxed);
    if (loop->on_lag)
        loop->on_lag(loop->on_lag_arg, lag_us);
    loop_timer_set(loop, timer, now_us + LOOP_TICK_US);
}

/* ---- letters --------------------------------------------------------------------------------- */

static void on_mailbox(evutil_socket_t fd, short events, void *arg)
{
    struct loop *loop = arg;

    (void)fd;
    (void)events;
    turn_us(loop);
    mailbox_drain(&loop->mailbox, loop->reader);
}

void loop_post(struct loop *loop, struct letter *letter)
{
    mailbox_post(&loop->mailbox, letter);
}

/* The loop is found by the letter's place in it; the reader is the owner's. */
static void on_stop(struct letter *letter, void *reader)
{
    struct loop *loop = (struct loop *)((char *)letter - offsetof(struct loop, stop_letter));

    (void)reader;
    atomic_store(&loop->stop_posted, false);
    loop->stopped = true;
    event_base_loopbreak(loop->base);
}

void loop_stop(struct loop *loop)
{
    if (!atomic_exchange(&loop->stop_posted, true))
        loop_post(loop, &loop->stop_letter);
}

/* ---- life ------------------------------------------------------------------------------------ */

static int add_event(struct loop *loop, struct event **event, int fd, event_callback_fn on_event,
                     struct err *err)
{
    *event = event_new(loop->base, fd, EV_READ | EV_PERSIST, on_event, loop);
    if (!*event || event_add(*event, NULL) == -1)
        return err_set(err, ERR_NOMEM, "loop: out of memory");
    return 0;
}

int loop_init(struct loop *loop, void *reader, struct err *err)
{
    struct event_config *config;

    *loop = (struct loop){.reader = reader, .timer_fd = -1, .timer_armed_us = TIMER_NEVER};
    loop->stop_letter.deliver = on_stop;
    timers_init(&loop->timers);
    timer_init(&loop->tick, on_tick, loop);
    if (mailbox_init(&loop->mailbox, err))
        return -1;
    config = event_config_new();
    if (config) {
        /* one thread only, the mailbox wakes it: libevent needs no locks */
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        loop->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    if (!loop->base) {
        err_set(err, ERR_NOMEM, "loop: no event base");
        goto fail;
    }
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (loop->timer_fd == -1) {
        err_set_errno(err, ERR_UNAVAILABLE, "loop: timerfd");
        goto fail;
    }
    if (add_event(loop, &loop->timer_event, loop->timer_fd, on_timer_fd, err) ||
        add_event(loop, &loop->mailbox_event, loop->mailbox.fd, on_mailbox, err))
        goto fail;
    return 0;
fail:
    loop_release(loop);
    return -1;
}

void loop_release(struct loop *loop)
{
    BUG_ON(loop->running);
    if (loop->mailbox_event)
        event_free(loop->mailbox_event);
    if (loop->timer_event)
        event_free(loop->timer_event);
    if (loop->timer_fd != -1)
        close(loop->timer_fd);
    if (loop->base)
        event_base_free(loop->base);
    mailbox_release(&loop->mailbox);
    *loop = (struct loop){.timer_fd = -1};
}

void loop_run(struct loop *loop)
{
    int64_t now_us = clock_now_us();

    loop->thread = pthread_self();
    loop->running = true;
    loop->stopped = false;
    atomic_store_explicit(&loop->heartbeat_us, now_us, memory_order_relaxed);
    loop_timer_set(loop, &loop->tick, now_us + LOOP_TICK_US);
    while (!loop->stopped) {
        BUG_ON(event_base_loop(loop->base, EVLOOP_ONCE) == -1);
        loop->last_end_us = clock_now_us();
        loop->last_turn_us = loop->turn_us ? loop->turn_us : loop->last_end_us;
        loop->turn_us = 0;
    }
    loop->running = false;
}

void loop_assert(const struct loop *loop)
{
    BUG_ON(loop->running && !pthread_equal(loop->thread, pthread_self()));
}

/* ---- descriptors ----------------------------------------------------------------------------- */

static void on_fd(evutil_socket_t fd, short events, void *arg)
{
    struct loop_watch *watch = arg;
    unsigned ready = (events & EV_READ ? LOOP_READ : 0) | (events & EV_WRITE ? LOOP_WRITE : 0);

    (void)fd;
    if (watch->wanted & LOOP_HANGUP)
        ready = LOOP_HANGUP;
    turn_us(watch->loop);
    watch->on_ready(watch, ready, watch->arg);
}

int loop_watch_init(struct loop_watch *watch, struct loop *loop, loop_ready_fn on_ready, void *arg,
                    struct err *err)
{
    *watch = (struct loop_watch){.loop = loop, .on_ready = on_ready, .arg = arg, .fd = -1};
    watch->event = event_new(loop->base, -1, 0, on_fd, watch);
    return watch->event ? 0 : err_set(err, ERR_NOMEM, "loop: out of memory");
}

void loop_watch_release(struct loop_watch *watch)
{
    if (watch->event)
        event_free(watch->event);
    watch->event = NULL;
}

int loop_watch_set(struct loop_watch *watch, int fd, unsigned wanted)
{
    short events = EV_PERSIST;

    if (fd == watch->fd && wanted == watch->wanted)
        return 0;
    if (watch->wanted)
        event_del(watch->event);
    watch->wanted = 0;
    watch->fd = wanted ? fd : -1;
    if (!wanted)
        return 0;
    events |=
        wanted & LOOP_HANGUP ? EV_WRITE | EV_ET : 0; /* the kernel reports errors by any event */
    events |= wanted & LOOP_READ ? EV_READ : 0;
    events |= wanted & LOOP_WRITE ? EV_WRITE : 0;
    event_assign(watch->event, watch->loop->base, fd, events, on_fd, watch);
    if (event_add(watch->event, NULL) == -1)
        return -1;
    watch->wanted = wanted;
    return 0;
}

/* ---- readings -------------------------------------------------------------------------------- */

int64_t loop_heartbeat_us(const struct loop *loop)
{
    return atomic_load_explicit(&loop->heartbeat_us, memory_order_relaxed);
}
