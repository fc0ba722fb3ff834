/* A server in Redis' place that replies as a table row specifies, in a separate thread. */
#ifndef TESTS_E2E_HOSTILE_REDIS_PEER_H
#define TESTS_E2E_HOSTILE_REDIS_PEER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/view.h"

/* A zero row is a good server, which has the peer's list under every key. */
struct peer_row {
    const char *name;
    struct view greets;    /* sent on connect */
    struct view to_auth;   /* +OK */
    struct view to_select; /* +OK */
    struct view to_lrange; /* the list */
    struct view then;  /* sent repeatedly after any answer to LRANGE, until the other side closes */
    struct view later; /* once, 10 ms after the answer to LRANGE */
    int answers;       /* to LRANGE, one after the other; 0: 1 */
    bool mute;         /* LRANGE is not answered */
    bool by_bytes;     /* answers are sent byte by byte */
    bool closes;       /* after the answer to LRANGE, or after `greets` */
    bool closes_on_select; /* in place of the answer */
    bool resets;           /* the connection, in place of an answer to LRANGE */
    int greets_ms;         /* before SELECT is answered */

    /* What is expected of the daemon. */
    bool lists;         /* the list arrives, perhaps with other data, and may be used */
    const char *reason; /* counted by features_failed_total; NULL: any */
    const char *logged; /* in the line of redis_disconnected or redis_breaker_open; NULL: any */
};

extern const struct peer_row hostile_rows[];
extern const size_t n_hostile_rows;

struct peer {
    pthread_t thread;
    int port, listen_fd;
    struct view list;
    _Atomic(const struct peer_row *) row;
    atomic_int generation; /* of row: connections of an older one are closed */
    atomic_bool stop;
};

/* list: what a good server answers to LRANGE; both must outlive the peer. */
void peer_start(struct peer *peer, struct view list);
void peer_set(struct peer *peer, const struct peer_row *row);
void peer_stop(struct peer *peer);

#endif
