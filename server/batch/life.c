/* How an executor ends; see life.h. */
#include "server/batch/life.h"

#define LEAK_AFTER_US 1000000 /* beyond the drain, for a batch that does not complete */

enum executor_state life_state(const struct life *life)
{
    if (life->broken)
        return EXECUTOR_BROKEN;
    return life->stopping ? EXECUTOR_STOPPING : EXECUTOR_SERVING;
}

void life_stop(struct life *life, int64_t now_us, int64_t drain_us)
{
    if (life->stopping)
        return;
    life->stopping = true;
    life->drain_until_us = now_us + drain_us;
}

void life_close(struct life *life, int64_t now_us)
{
    /* The drain may be over already. */
    int64_t from_us = now_us > life->drain_until_us ? now_us : life->drain_until_us;

    if (life->closing)
        return;
    life->closing = true;
    life->leak_after_us = from_us + LEAK_AFTER_US;
}

bool life_drain_is_over(const struct life *life, int64_t now_us)
{
    return life->stopping && now_us >= life->drain_until_us;
}
