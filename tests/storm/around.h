/*
 * What goes on around the clients: a Redis that is changed, paused and killed, reloads, one client
 * that is good, and one that watches.
 */
#ifndef TESTS_STORM_AROUND_H
#define TESTS_STORM_AROUND_H

#include "tests/storm/storm.h"

/* The configuration that the storm starts with; reloads vary it. */
const char *around_config(const struct storm *storm);
/* Stored histories of all users, and what the good client's answer is with each model. Once, before
 * the threads. */
void around_prepare(struct storm *storm);

/* Threads; arg is the struct storm. */
void *around_redis(void *arg);
void *around_reloads(void *arg);
void *around_good_client(void *arg);
void *around_watch(void *arg);

#endif
