/*
 * What runs during the storm besides the clients: a Redis that is changed, paused and killed,
 * reloads, one good client, and a watcher.
 */
#ifndef TESTS_STORM_AROUND_H
#define TESTS_STORM_AROUND_H

#include "tests/storm/storm.h"

/* The configuration that the storm starts with; reloads vary it. */
const char *around_config(const struct storm *storm);
/* Stores the histories of all users and records the good client's answer with each model. Call
 * once, before the threads start. */
void around_prepare(struct storm *storm);

/* Threads; arg is the struct storm. */
void *around_redis(void *arg);
void *around_reloads(void *arg);
void *around_good_client(void *arg);
void *around_watch(void *arg);

#endif
