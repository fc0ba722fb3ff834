/* clock_gettime() in the units used throughout. */
#include "base/clock.h"

#include <time.h>

#include "base/bug.h"

static struct timespec read_clock(clockid_t id)
{
    struct timespec t;

    BUG_ON(clock_gettime(id, &t) == -1);
    return t;
}

int64_t clock_now_us(void)
{
    struct timespec t = read_clock(CLOCK_MONOTONIC);

    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
    struct timespec t = read_clock(CLOCK_REALTIME);

    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
