/* The pairing heap. */
#include "server/net/timers.h"

#include <stddef.h>

void timers_init(struct timers *timers)
{
    *timers = (struct timers){.root = NULL, .floor_us = INT64_MIN};
}

void timer_init(struct timer *timer, timer_fn fire, void *arg)
{
    *timer = (struct timer){.fire = fire, .arg = arg, .due_us = TIMER_NEVER};
}

/* The later of two roots becomes the earlier one's first child. */
static struct timer *meld(struct timer *a, struct timer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->key_us < a->key_us) {
        struct timer *earlier = b;

        b = a;
        a = earlier;
    }
    b->before = a;
    b->next = a->child;
    if (b->next)
        b->next->before = b;
    a->child = b;
    return a;
}

/* Two passes: pairs from the left, then all of them from the right; `before` strings the pairs
 * together. */
static struct timer *meld_children(struct timer *first)
{
    struct timer *pairs = NULL, *root = NULL;

    while (first) {
        struct timer *a = first, *b = a->next;

        first = b ? b->next : NULL;
        a->next = NULL;
        if (b)
            b->next = NULL;
        a = meld(a, b);
        a->before = pairs;
        pairs = a;
    }
    while (pairs) {
        struct timer *a = pairs;

        pairs = a->before;
        a->before = NULL;
        root = meld(a, root);
    }
    return root;
}

static void insert(struct timers *timers, struct timer *timer, int64_t key_us)
{
    timer->key_us = key_us;
    timer->child = timer->next = timer->before = NULL;
    timer->queued = true;
    timers->root = meld(timers->root, timer);
}

void timers_remove(struct timers *timers, struct timer *timer)
{
    struct timer *children;

    timer->due_us = TIMER_NEVER;
    if (!timer->queued)
        return;
    timer->queued = false;
    children = meld_children(timer->child);
    if (timers->root == timer) {
        timers->root = children;
        return;
    }
    if (timer->before->child == timer)
        timer->before->child = timer->next;
    else
        timer->before->next = timer->next;
    if (timer->next)
        timer->next->before = timer->before;
    timers->root = meld(timers->root, children);
}

void timers_set(struct timers *timers, struct timer *timer, int64_t due_us)
{
    if (timer->queued && timer->key_us <= due_us) {
        timer->due_us = due_us; /* sorted in again when its place comes up */
        return;
    }
    timers_remove(timers, timer);
    timer->due_us = due_us;
    if (due_us != TIMER_NEVER)
        insert(timers, timer, due_us > timers->floor_us ? due_us : timers->floor_us + 1);
}

void timers_run(struct timers *timers, int64_t now_us)
{
    struct timer *timer;

    timers->floor_us = now_us;
    while ((timer = timers->root) && timer->key_us <= now_us) {
        int64_t due_us = timer->due_us, key_us = timer->key_us;

        timers_remove(timers, timer);
        if (due_us <= key_us) {
            timer->fire(timer, timer->arg);
        } else if (due_us != TIMER_NEVER) { /* it was moved: to its right place */
            timer->due_us = due_us;
            insert(timers, timer, due_us);
        }
    }
    timers->floor_us = INT64_MIN;
}

int64_t timers_next_us(const struct timers *timers)
{
    return timers->root ? timers->root->key_us : TIMER_NEVER;
}
