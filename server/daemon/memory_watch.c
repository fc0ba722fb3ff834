/* After a burst workers free what they keep at one check, and malloc returns it at the next. */
#include "server/daemon/memory_watch.h"

#include <malloc.h>

#include "base/clock.h"

#define LOOK_US 1000000
#define STORM_SHARE 8 /* a peak this fraction of the limit above the current use */

static void on_look(struct timer *timer, void *arg)
{
    struct memory_watch *watch = arg;
    struct serving *serving = watch->serving;
    int64_t peak_bytes = budget_take_peak(&serving->memory);
    int64_t now_bytes = atomic_load(&serving->memory.held_bytes);
    bool storm = peak_bytes - now_bytes > budget_limit(&serving->memory) / STORM_SHARE;

    if (watch->trim && !storm)
        malloc_trim(0);
    watch->trim = storm;
    for (int i = 0; storm && i < serving->server.n_threads; i++)
        request_worker_reclaim_soon(serving->workers[i]);
    loop_timer_set(watch->loop, timer, clock_now_us() + LOOK_US);
}

void memory_watch_start(struct memory_watch *watch, struct loop *loop, struct serving *serving)
{
    *watch = (struct memory_watch){.loop = loop, .serving = serving};
    timer_init(&watch->timer, on_look, watch);
    loop_timer_set(loop, &watch->timer, clock_now_us() + LOOK_US);
}

void memory_watch_stop(struct memory_watch *watch)
{
    if (watch->loop)
        loop_timer_remove(watch->loop, &watch->timer);
}
