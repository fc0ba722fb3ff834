/*
 * A storm: hostile clients, a Redis that goes wrong and reloads, all at once and against one
 * daemon, for as long as storm.until_us says. Its threads report what must not be through
 * storm_fail(); the test waits, then asks the daemon whether it is as it was. What is sent follows
 * from the seed alone; when it is sent does not.
 */
#ifndef TESTS_STORM_STORM_H
#define TESTS_STORM_STORM_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/rng.h"
#include "tests/e2e/driver.h"
#include "tests/redis.h"

/* Stands in every user's id and in every secret, and nowhere else. */
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
    int patience_ms; /* how long an answer may take, with everything that goes on */
    atomic_bool failed;
    pthread_mutex_t lock;
    char failure[2048]; /* the first one; under the lock until the threads have ended */
    atomic_int connections, sent, answered, good, reloads;
    atomic_int statuses[600];
    double most_held; /* bytes of memory, by the daemon's word; the watcher's until the threads have
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
