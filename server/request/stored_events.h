/*
 * The behaviour stored for a user, as a command for the store and the meaning of its reply: a list
 * of packed events (adrank/behaviour.h), newest first.
 */
#ifndef SERVER_REQUEST_STORED_EVENTS_H
#define SERVER_REQUEST_STORED_EVENTS_H

#include "adrank/behaviour.h"
#include "server/metrics/metrics.h"
#include "server/store/store.h"

/* Reads a history that no user has, for every user has a <pid>. */
extern const struct store_command stored_events_probe;

/* Requests at most the newest max_events. call and deadline_us as in store_send(). */
void stored_events_read(struct store *store, struct store_call *call,
                        const char pid[BEHAVIOUR_PID_HEX + 1], int max_events, int64_t deadline_us);

/* Why a call returned no list, or FEATURES_REASONS if replies[0] is the list. STORE_NONE is not a
 * failure either, but has no list. */
enum features_reason stored_events_reason(enum store_status status,
                                          const struct store_reply *replies);

#endif
