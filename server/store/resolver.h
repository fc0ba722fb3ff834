/*
 * Names to addresses off the worker's thread: getaddrinfo may take seconds. One lookup at a time, each on a
 * thread of its own; its answer is a letter to the loop.
 */
#ifndef SERVER_STORE_RESOLVER_H
#define SERVER_STORE_RESOLVER_H

#include "base/mailbox.h"

#define RESOLVER_ADDRESS 64
#define RESOLVER_WHY 64
#define RESOLVER_ADDRESSES 8 /* of one name; more are left out */

struct resolution;

struct addresses {
    int n;                                              /* 0: the name has none */
    char numeric[RESOLVER_ADDRESSES][RESOLVER_ADDRESS]; /* in the resolver's order */
    char why[RESOLVER_WHY];                             /* it has none; else "" */
};

/* Runs on the loop's thread. */
typedef void (*resolver_done_fn)(void *arg, const struct addresses *addresses);

/* NULL: no thread could be had. The loop's thread. */
struct resolution *resolver_start(const char *host, struct mailbox *home, resolver_done_fn on_done,
                                  void *arg);
/* on_done will not run. The loop's thread, before the mailbox goes. NULL is legal. */
void resolver_abandon(struct resolution *resolution);

/* Whether host is numeric already: no lookup is needed. */
int resolver_is_numeric(const char *host);

#endif
