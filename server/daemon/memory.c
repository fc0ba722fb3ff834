/* After a storm: what was only needed for it goes back to the system. */
#include <malloc.h>

#include "base/clock.h"
#include "server/daemon/state.h"

#define LOOK_US 1000000
#define STORM_SHARE 8 /* so much of the limit more than now was in use: that was one */

/* Workers let go of what they keep at one look, and free memory goes back at the next. */
static void on_look(struct timer *timer, void *arg)
{
    struct daemon *d = arg;
    int64_t peak_bytes = budget_take_peak(&d->memory);
    int64_t now_bytes = atomic_load(&d->memory.held_bytes);
    bool storm = peak_bytes - now_bytes > budget_limit(&d->memory) / STORM_SHARE;

    if (d->trim && !storm)
        malloc_trim(0);
    d->trim = storm;
    for (int i = 0; storm && i < d->server.n_threads; i++)
        request_worker_reclaim_soon(d->workers[i]);
    loop_timer_set(&d->loop, timer, clock_now_us() + LOOK_US);
}

void daemon_watch_memory(struct daemon *d)
{
    timer_init(&d->memory_timer, on_look, d);
    loop_timer_set(&d->loop, &d->memory_timer, clock_now_us() + LOOK_US);
}

void daemon_unwatch_memory(struct daemon *d)
{
    if (d->memory_timer.fire)
        loop_timer_remove(&d->loop, &d->memory_timer);
}
