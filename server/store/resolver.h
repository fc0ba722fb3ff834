/*
 * Names to addresses off the worker's thread: getaddrinfo may take seconds. One lookup at a time,
 * each on a thread of its own; its result is a letter to the loop.
 */
#ifndef SERVER_STORE_RESOLVER_H
#define SERVER_STORE_RESOLVER_H

#include "base/mailbox.h"
#include "server/net/address.h"

#define RESOLVER_WHY_BYTES 64

struct resolution;

/* Runs on the loop's thread. found: in the resolver's order, without ports, ADDRESSES_MAX at most;
 * n may be 0, then why is the reason, else "". Valid during the call. */
typedef void (*resolver_done_fn)(void *arg, const struct addresses *found, const char *why);

/* NULL: no thread could be started. The loop's thread. */
struct resolution *resolver_start(const char *host, struct mailbox *home, resolver_done_fn on_done,
                                  void *arg);
/* on_done will not run. The loop's thread, before the mailbox goes. resolution may be NULL. */
void resolver_abandon(struct resolution *resolution);

#endif
