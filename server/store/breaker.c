/* When to leave a Redis alone: failures in a row, and probes further and further apart. */
#include "server/store/breaker.h"

int64_t backoff_next_us(int64_t delay_us)
{
    delay_us *= 2;
    if (delay_us < BREAKER_MIN_US)
        return BREAKER_MIN_US;
    return delay_us < BREAKER_MAX_US ? delay_us : BREAKER_MAX_US;
}

int64_t backoff_jitter_us(int64_t delay_us, struct rng *rng)
{
    return delay_us / 2 + (int64_t)rng_below(rng, (uint64_t)(delay_us / 2 + 1));
}

void breaker_init(struct breaker *breaker)
{
    *breaker = (struct breaker){.state = BREAKER_CLOSED};
}

void breaker_success(struct breaker *breaker)
{
    breaker_init(breaker);
}

void breaker_failure(struct breaker *breaker, int64_t now_us, struct rng *rng)
{
    breaker->failures++;
    if (breaker->state == BREAKER_OPEN ||
        (breaker->state == BREAKER_CLOSED && breaker->failures < BREAKER_FAILURES))
        return;
    breaker->state = BREAKER_OPEN;
    breaker->delay_us = backoff_next_us(breaker->delay_us);
    breaker->probe_us = now_us + backoff_jitter_us(breaker->delay_us, rng);
}

bool breaker_probe(struct breaker *breaker, int64_t now_us)
{
    if (breaker->state != BREAKER_OPEN || now_us < breaker->probe_us)
        return false;
    breaker->state = BREAKER_HALF_OPEN;
    return true;
}
