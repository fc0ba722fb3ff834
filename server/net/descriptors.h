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

#endif
