/*
 * The behaviour that is stored for a user: what the store is asked for, and what its answer means.
 * A list of packed events (adrank/behaviour.h), newest first.
 */
#ifndef SERVER_REQUEST_STORED_EVENTS_H
#define SERVER_REQUEST_STORED_EVENTS_H

#include "adrank/behaviour.h"
#include "server/metrics/metrics.h"
#include "server/store/store.h"

/* The history of nobody, for every user has a <pid>. */
extern const struct store_command stored_events_probe;

/* Asks for at most max_events, the newest. call and deadline_us as in store_send(). */
void stored_events_read(struct store *store, struct store_call *call,
                        const char pid[BEHAVIOUR_PID_HEX + 1], int max_events, int64_t deadline_us);

/* Why a call gave no list, FEATURES_REASONS if it did: then it is replies[0]. STORE_NONE is no
 * failure either, but has no list. */
enum features_reason stored_events_reason(enum store_status status,
                                          const struct store_reply *replies);

#endif
