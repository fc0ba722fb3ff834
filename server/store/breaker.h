/*
 * struct breaker: when to leave a Redis alone that does not answer. Pure: it is handed the time,
 * and draws jitter from the generator it is handed.
 *
 * Closed: calls go through. FAILURES in a row open it. Open: no call goes through until probe_us;
 * then one probe (half open): its success closes, its failure opens again, each time for twice as
 * long, at most MAX_US, half of it jitter.
 */
#ifndef SERVER_STORE_BREAKER_H
#define SERVER_STORE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

#define BREAKER_FAILURES 5
#define BREAKER_MIN_US 20000
#define BREAKER_MAX_US 250000

enum breaker_state { BREAKER_CLOSED, BREAKER_HALF_OPEN, BREAKER_OPEN };

struct breaker {
    enum breaker_state state;
    int failures;     /* in a row */
    int64_t delay_us; /* of the next opening */
    int64_t probe_us; /* OPEN: when a probe is due */
};

void breaker_init(struct breaker *breaker);
void breaker_success(struct breaker *breaker);
/* Of a call while closed, or of the probe while half open. */
void breaker_failure(struct breaker *breaker, int64_t now_us, struct rng *rng);
/* OPEN and probe_us has come: becomes HALF_OPEN and true. */
bool breaker_probe(struct breaker *breaker, int64_t now_us);

/* The delay after `delay_us`, doubled and kept within [MIN, MAX]; what is waited is half of it and
 * jitter. */
int64_t backoff_next_us(int64_t delay_us);
int64_t backoff_jitter_us(int64_t delay_us, struct rng *rng);

#endif
