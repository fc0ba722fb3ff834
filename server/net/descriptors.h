/*
 * How the descriptors that a process may open are divided, so that public connections never take
 * those that others need: the admin listener, logs, files that a load reads, Redis. Pure.
 */
#ifndef SERVER_NET_DESCRIPTORS_H
#define SERVER_NET_DESCRIPTORS_H

#include "server/net/http_options.h"

struct descriptors {
    /* Public ones served at the same time: max_connections, or what is left; at least 1. */
    int64_t connections;
    int64_t refusing; /* public ones beyond that, while they are answered 503: as many as fit */
    int64_t admin;    /* admin connections */
    int64_t admin_refusing;
    int64_t others; /* all but `connections` */
};

/* limit: RLIMIT_NOFILE; INT64_MAX: none. */
struct descriptors descriptors_share(int64_t limit, const struct http_options *http);
/* The soft limit now; INT64_MAX if there is none or it cannot be read. */
int64_t descriptors_limit(void);

/*
 * What the connections of a listener may take: section "http" of the world that the owning thread
 * serves, and how many connections the process has descriptors for. A value: every pool has its
 * own, and the accepting loop, and each thread replaces its own when a new world reaches it.
 */
struct net_limits {
    const struct http_options *http; /* outlives its use: replaced before its world is released */
    int64_t max_connections;         /* served at the same time, by all threads */
    int64_t max_refusing;            /* more, while they are answered 503; beyond that at once */
};

/* Of the public listener. */
struct net_limits net_limits_of(const struct http_options *http);

#endif
