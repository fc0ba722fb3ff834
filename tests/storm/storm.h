/*
 * A storm: hostile clients, a failing Redis and reloads, all at the same time against one daemon,
 * until storm.until_us. Its threads report errors through storm_fail(); the test waits, then checks
 * that the daemon is in its initial state. What is sent depends on the seed alone; the timing does
 * not.
 */
#ifndef TESTS_STORM_STORM_H
#define TESTS_STORM_STORM_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/rng.h"
#include "tests/e2e/driver.h"
#include "tests/redis.h"

/* Part of every user's id and every secret, and of nothing else. */
#define STORM_MARK "nobody-may-see-this"
#define STORM_USER STORM_MARK "-user"
#define STORM_KEY STORM_MARK "-key"
#define STORM_PASSWORD STORM_MARK "-password"
#define STORM_USERS 8 /* STORM_USER "-0" and so on have a stored history */

struct storm {
    struct driver *daemon;
    struct redis *redis;
    uint64_t seed;
    int64_t until_us;
    int patience_ms; /* how long an answer may take during the storm */
    atomic_bool failed;
    pthread_mutex_t lock;
    char failure[2048]; /* the first one; under the lock until the threads have ended */
    atomic_int connections, sent, answered, good, reloads;
    atomic_int statuses[600];
    double most_held; /* bytes of memory the daemon reports; the watcher's until the threads have
                         ended */
};

bool storm_goes_on(struct storm *storm);
/* Keeps the first failure and ends the storm. */
void storm_fail(struct storm *storm, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Below n. */
int storm_below(struct rng *rng, int n);
/* One in n. */
bool storm_one_in(struct rng *rng, int n);

#endif
