/* Shared by the threads of a storm: its end and its failures. */
#include "tests/storm/storm.h"

#include "base/clock.h"

bool storm_goes_on(struct storm *storm)
{
    return clock_now_us() < storm->until_us && !atomic_load(&storm->failed);
}

void storm_fail(struct storm *storm, const char *fmt, ...)
{
    va_list args;

    pthread_mutex_lock(&storm->lock);
    if (!storm->failure[0]) {
        va_start(args, fmt);
        vsnprintf(storm->failure, sizeof(storm->failure), fmt, args);
        va_end(args);
    }
    atomic_store(&storm->failed, true);
    pthread_mutex_unlock(&storm->lock);
}

int storm_below(struct rng *rng, int n)
{
    return (int)rng_below(rng, (uint64_t)n);
}

bool storm_one_in(struct rng *rng, int n)
{
    return rng_below(rng, (uint64_t)n) == 0;
}
