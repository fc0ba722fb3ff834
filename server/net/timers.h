/*
 * struct timers: the timers of one loop, earliest first, as an intrusive pairing heap (Fredman,
 * Sedgewick, Sleator, Tarjan 1986). Pure: is passed the time, allocates nothing; a timer is
 * embedded in what it times.
 *
 * Postponing a timer costs one store: the heap keeps its old place, and the timer is sorted in
 * again when that comes up. So a deadline may be renewed with every request.
 */
#ifndef SERVER_NET_TIMERS_H
#define SERVER_NET_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#define TIMER_NEVER INT64_MAX

struct timer;
typedef void (*timer_fn)(struct timer *timer, void *arg);

struct timer {
    timer_fn fire;
    void *arg;
    int64_t due_us;       /* absolute monotonic; TIMER_NEVER: not set */
    int64_t key_us;       /* where the heap keeps it: due_us, or earlier if that was moved */
    struct timer *child;  /* heap links, the heap's alone */
    struct timer *next;   /* sibling */
    struct timer *before; /* parent of a first child, else the sibling before */
    bool queued;
};

struct timers {
    struct timer *root;
    /* Keys are beyond it: what is set while timers run has to wait for the next run. */
    int64_t floor_us;
};

void timers_init(struct timers *timers);

void timer_init(struct timer *timer, timer_fn fire, void *arg);
/* Any time, set or not. TIMER_NEVER unsets, cheaply, but the timer may stay linked: before its
 * memory goes away it must be removed. */
void timers_set(struct timers *timers, struct timer *timer, int64_t due_us);
void timers_remove(struct timers *timers, struct timer *timer);

/* Fires what is due, earliest first, at most once each; a timer may be set, removed or freed
 * from within. */
void timers_run(struct timers *timers, int64_t now_us);
/* No timer fires before this; TIMER_NEVER if none is set. May be earlier than the first due
 * one. */
int64_t timers_next_us(const struct timers *timers);

#endif
