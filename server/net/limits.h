/*
 * What the connections of a listener may take: section "http" of the world that the owning thread
 * serves, and how many connections the process has descriptors for. A value: every pool has its
 * own, and the accepting loop, and each thread replaces its own when a new world reaches it.
 */
#ifndef SERVER_NET_LIMITS_H
#define SERVER_NET_LIMITS_H

#include "server/net/http_options.h"

struct net_limits {
    const struct http_options *http; /* outlives its use: replaced before its world is released */
    int64_t max_connections;         /* served at the same time, by all threads */
    int64_t max_refusing; /* more, while they are answered 503; beyond that refuse_at_once() */
};

/* Of the public listener. */
struct net_limits net_limits_of(const struct http_options *http);

#endif
