/*
 * struct loop: the event loop of one thread: descriptors, timers, a mailbox and a heartbeat.
 *
 * Everything but loop_post(), loop_stop() and the two readings below belongs to the thread that
 * runs the loop (before loop_run(): to the one that prepares it). No allocation after init, except
 * by loop_watch_init(). libevent is hidden behind it.
 */
#ifndef SERVER_NET_LOOP_H
#define SERVER_NET_LOOP_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/mailbox.h"
#include "server/net/timers.h"

struct event;
struct event_base;

#define LOOP_TICK_US 100000 /* the heartbeat */

struct loop {
    struct event_base *base;
    struct timers timers;
    struct mailbox mailbox; /* for senders that do not know the loop; the same as loop_post() */
    void *reader;           /* second argument of letters' deliver() */

    struct event *mailbox_event;
    /* On a timerfd: microseconds, and one syscall only when the earliest moves. */
    struct event *timer_event;
    int timer_fd;
    int64_t timer_armed_us; /* TIMER_NEVER: not */

    struct timer tick;
    /* Set before loop_run(), or NULL: runs at every heartbeat with how late it was. */
    void (*on_lag)(void *arg, int64_t lag_us);
    void *on_lag_arg;

    int64_t turn_us;      /* start of this turn, 0: not read yet */
    int64_t last_turn_us; /* start of the turn before */
    int64_t last_end_us;  /* its end */

    struct letter stop_letter;
    atomic_bool stop_posted;
    bool stopped;
    bool running;
    pthread_t thread; /* valid while running */

    _Atomic int64_t heartbeat_us;
};

/* reader goes to letters' deliver(). */
int loop_init(struct loop *loop, void *reader, struct err *err) MUST_CHECK;
/* Not while it runs; watches are released first. */
void loop_release(struct loop *loop);

/* Runs on the calling thread until loop_stop(). May be run again. */
void loop_run(struct loop *loop);
/* Any thread, signal handlers excepted. Letters posted before it are still delivered. */
void loop_stop(struct loop *loop);
/* Any thread: letter->deliver(letter, loop->reader) runs on the loop's. */
void loop_post(struct loop *loop, struct letter *letter);
/* BUG() when called on another thread than the running loop's. */
void loop_assert(const struct loop *loop);

/* Timers: struct timer is the caller's (timer_init() first). */
void loop_timer_set(struct loop *loop, struct timer *timer, int64_t due_us);
void loop_timer_remove(struct loop *loop, struct timer *timer);

/* ---- descriptors ----------------------------------------------------------------------------- */

#define LOOP_READ (1u << 0)
#define LOOP_WRITE (1u << 1)
#define LOOP_HANGUP (1u << 2) /* alone: an error or a reset, reported once; may be spurious */

struct loop_watch;
/* ready: LOOP_READ, LOOP_WRITE or both, or LOOP_HANGUP; an error or hang-up is reported as
 * whatever is watched. */
typedef void (*loop_ready_fn)(struct loop_watch *watch, unsigned ready, void *arg);

struct loop_watch {
    struct loop *loop;
    struct event *event;
    loop_ready_fn on_ready;
    void *arg;
    int fd;
    unsigned wanted;
};

int loop_watch_init(struct loop_watch *watch, struct loop *loop, loop_ready_fn on_ready, void *arg,
                    struct err *err) MUST_CHECK;
void loop_watch_release(struct loop_watch *watch);
/* Level-triggered until changed; wanted 0 stops (and must come before the descriptor is closed).
 * -1: the kernel refused (out of memory or watches). */
int loop_watch_set(struct loop_watch *watch, int fd, unsigned wanted) MUST_CHECK;

/* ---- time ------------------------------------------------------------------------------------ */

/* The earliest time at which bytes that are being read now may have arrived: now if the loop had
 * slept, else the start of the turn in which it was busy. A request's budget starts here. */
int64_t loop_arrival_us(struct loop *loop);

/* Any thread. Monotonic time of the last heartbeat (0: none yet). */
int64_t loop_heartbeat_us(const struct loop *loop);

#endif
