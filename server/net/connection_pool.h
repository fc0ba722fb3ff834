/*
 * Connections of one loop. A connection is a descriptor plus a transport; it reads requests one
 * after the other, hands each to a route's handler and writes the responses in order, one request
 * in work at a time.
 *
 * All deadlines are absolute: head_ms from a request's first byte, body_ms from the end of its head
 * (408, closed), first_byte_ms before the first request, idle_ms between two and write_ms for a
 * response to be taken (closed without a word). While a request is in work further bytes are read
 * only as far as the buffer holds them. A connection that ends with bytes unread is closed
 * lingering: sending is shut, what comes is thrown away for a second, so that the last response is
 * not lost to a reset.
 *
 * One buffer a connection, from free lists of the pool, returned while idle; connections come
 * from a free list too. It grows by what has come, not by what a head announces, and so does its
 * charge to the budget of memory; what the kernel does not take of a response is charged, too. When
 * the budget is full, the pool's own largest and newest connection goes: 503 while its request is
 * being read, cut while its response is not taken. Small requests never make way for larger ones.
 * No connection serves or discards more than a few reads' worth in one turn of the loop.
 *
 * Beyond max_connections a connection that waits for its client is closed for the new one: the
 * oldest that never sent a request (503), so that a flood of them only hurts itself, else the one
 * idle longest between two requests (without a response), else the one that has been slow longest
 * to send a request or to take a response. One in work never is; if there is no other, the new one
 * is refused.
 */
#ifndef SERVER_NET_CONNECTION_POOL_H
#define SERVER_NET_CONNECTION_POOL_H

#include <stdatomic.h>

#include "base/budget.h"
#include "base/rng.h"
#include "server/net/buffers.h"
#include "server/net/descriptors.h"
#include "server/net/holders.h"
#include "server/net/loop.h"
#include "server/net/router.h"

struct connection;

/* What several pools share: the account of memory, how many are open, and whether it drains. */
struct net_shared {
    struct budget *memory;       /* outlives it; all else is zero at first */
    _Atomic int64_t connections; /* open ones, those on their way to a thread included */
    atomic_bool draining;        /* responses carry Connection: close */
};

struct connection_hooks {
    /* Every response, those that no handler gave (400, 408, 503 ...) included; on the pool's
     * loop. May be NULL. label is that of the path's routes, 0 where there is none;
     * duration_us from the first byte to the response's writing. */
    void (*on_response)(void *user, int label, int status, int64_t duration_us);
    /* A connection was closed to make room for another; on the pool's loop. May be NULL. */
    void (*on_evicted)(void *user);
    /* Memory is short: frees what is only kept for later. May be NULL. */
    void (*reclaim)(void *user);
};

/* Connections that wait for their client, longest first. */
struct connection_list {
    struct connection *first, *last;
};

struct connection_pool {
    /* Set by the owner before connection_pool_init(), all else zero. */
    struct loop *loop;
    struct net_shared *shared;
    /* Replaced by the owner, on the loop's thread or before it runs, before the first connection
     * and whenever there are new ones: deadlines that are set stay. */
    struct net_limits limits;
    const struct router *router;
    struct connection_hooks hooks;
    void *user;            /* http_call_user() */
    _Atomic int64_t *load; /* decremented for each that closes; may be NULL */

    struct buffers buffers;   /* buffers_release() frees those that are only kept for later */
    struct holders holders;   /* connections that may be made to end */
    uint64_t n_requests;      /* begun; their serial numbers */
    struct buf scratch;       /* head of the response that is being made */
    struct buf body;          /* body of a problem that is being made */
    struct rng rng;           /* request ids */
    struct connection *open;  /* list of all */
    struct connection *spare; /* free list */
    int n_spare;
    struct connection_list silent; /* no request has ever come, nothing of one is here */
    struct connection_list idle;   /* nothing of the next request is here */
    struct connection_list slow;   /* a part of one is, or of a response is left */
    _Atomic int64_t n_idle;        /* in the first two; other threads may read it */
    int64_t n_open;
    int64_t n_busy; /* with a request in work */
    int64_t date_s; /* second of `date` */
    char date[40];
};

int connection_pool_init(struct connection_pool *pool, struct err *err) MUST_CHECK;
/* Cuts what is open: on_gone runs for requests in work. On the loop's thread, or after it has
 * ended. */
void connection_pool_release(struct connection_pool *pool);

/* Any thread. Counts one connection more: 0 admitted, 1 over max_connections (make room, or
 * refuse), -1 over max_refusing, too, and not counted. */
int connection_admit(struct net_shared *shared, const struct net_limits *limits) MUST_CHECK;

/* Closes a connection of the pool if there is one too many; false: none may be closed. */
bool connection_pool_make_room(struct connection_pool *pool) MUST_CHECK;
/* After max_connections was lowered: closes some of those that may be closed and returns their
 * number; -1: there are no longer too many. */
int connection_pool_shrink(struct connection_pool *pool) MUST_CHECK;

/* Takes fd (non-blocking), counted in shared->connections by the caller. Reports no
 * failure: out of memory closes it. With refuse, it is answered 503 too_many_connections and ends.
 */
void connection_pool_open(struct connection_pool *pool, int fd, bool refuse);

/* A listener_accept_fn for a listener on the pool's own loop (admin): counts and opens. arg is the
 * pool. */
int connection_pool_on_accept(int fd, void *arg);

#endif
