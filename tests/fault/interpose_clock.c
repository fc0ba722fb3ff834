/* Clocks offset as the board specifies. */
#include <sys/time.h>
#include <time.h>

#include "tests/fault/interpose.h"

REPLACES(clock_gettime);
REPLACES(gettimeofday);
REPLACES(time);

static int64_t offset_us(clockid_t id)
{
    const struct fault_board *board = fault_board_here();

    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        return atomic_load_explicit(&board->wall_us, memory_order_relaxed);
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
        return atomic_load_explicit(&board->monotonic_us, memory_order_relaxed);
    default: /* processor time is what it is */
        return 0;
    }
}

int OURS(clock_gettime)(clockid_t id, struct timespec *out)
{
    int rc = REAL(clock_gettime)(id, out);
    int64_t us = offset_us(id), ns;

    if (rc == -1)
        return rc;
    ns = out->tv_nsec + us % 1000000 * 1000;
    out->tv_sec += us / 1000000 + (ns < 0 ? -1 : ns / 1000000000);
    out->tv_nsec = ns < 0 ? ns + 1000000000 : ns % 1000000000;
    return rc;
}

int OURS(gettimeofday)(struct timeval *restrict out, void *restrict zone)
{
    struct timespec t;
    int rc = OURS(clock_gettime)(CLOCK_REALTIME, &t);

    (void)zone;
    *out = (struct timeval){t.tv_sec, t.tv_nsec / 1000};
    return rc;
}

time_t OURS(time)(time_t *out)
{
    struct timespec t;

    OURS(clock_gettime)(CLOCK_REALTIME, &t);
    if (out)
        *out = t.tv_sec;
    return t.tv_sec;
}
