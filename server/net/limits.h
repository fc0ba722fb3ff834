/*
 * The numbers of the HTTP side, all live: a cell of them is read anew at each use, so that a reload
 * needs no message. Fields are independent of each other; a reader may see some old and some new.
 */
#ifndef SERVER_NET_LIMITS_H
#define SERVER_NET_LIMITS_H

#include <stdatomic.h>
#include <stdint.h>

/* field, default */
#define NET_LIMITS(X)                                                                              \
    X(max_head_bytes, 16384)  /* request line and fields, the empty line included; <= 64 KiB */    \
    X(max_fields, 64)         /* <= HTTP_MAX_FIELDS */                                             \
    X(max_body_bytes, 262144) /* decoded */                                                        \
    X(first_byte_ms, 5000)    /* before a new connection's first byte; idle_ms if that is less */  \
    X(head_ms, 2000)          /* from a request's first byte */                                    \
    X(body_ms, 5000)          /* from the end of its head */                                       \
    X(idle_ms, 75000)         /* without a byte between requests */                                \
    X(write_ms, 5000)         /* for an answer to be taken */                                      \
    X(max_connections, 10000) /* of all workers */                                                 \
    X(max_refusing, 1024)   /* more, while they are answered 503; beyond that refuse_at_once() */  \
    X(drain_grace_ms, 5000) /* new connections are still accepted */                               \
    X(drain_max_ms, 25000)  /* then what is left is cut */

struct net_limits {
#define FIELD(name, value) int64_t name;
    NET_LIMITS(FIELD)
#undef FIELD
};

#define NET_LIMITS_DEFAULT_FIELD(name, value) .name = (value),
#define NET_LIMITS_DEFAULT ((struct net_limits){NET_LIMITS(NET_LIMITS_DEFAULT_FIELD)})

struct net_limits_cell {
#define FIELD(name, value) _Atomic int64_t name;
    NET_LIMITS(FIELD)
#undef FIELD
};

/* Any thread. */
static inline void net_limits_store(struct net_limits_cell *cell, const struct net_limits *limits)
{
#define FIELD(name, value) atomic_store_explicit(&cell->name, limits->name, memory_order_relaxed);
    NET_LIMITS(FIELD)
#undef FIELD
}

/* Any thread: net_limit(cell, head_ms). */
#define net_limit(cell, name) atomic_load_explicit(&(cell)->name, memory_order_relaxed)

#endif
