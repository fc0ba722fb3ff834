/*
 * Inside of a connection, shared by the six files that implement it: connection.c (life, readiness,
 * deadlines), connection_read.c (bytes to calls), connection_call.c (the handler's side:
 * http_call.h), connection_write.c (responses to bytes), connection_memory.c (what it holds),
 * connection_room.c (which one is closed when there are too many). Private to them; others use
 * connection_pool.h.
 *
 *   READING --request complete--> WORK --response--> WRITING --taken--> READING
 *                                                       or LINGER --> ENDED
 *
 * Every entry from outside (readiness, deadline, a late response) is bracketed by
 * connection_enter() and connection_leave(): what ends a connection only marks it, leave() frees
 * it.
 */
#ifndef SERVER_NET_CONNECTION_H
#define SERVER_NET_CONNECTION_H

#include "server/net/connection_pool.h"
#include "server/net/http_call.h"
#include "server/net/http_reader.h"
#include "server/net/transport.h"

enum connection_state {
    CONNECTION_READING, /* between requests, or within one */
    CONNECTION_WORK,    /* a handler has the call */
    CONNECTION_WRITING, /* the response is not all taken yet */
    CONNECTION_LINGER,  /* the response is sent; further bytes are discarded */
    CONNECTION_ENDED,
};

struct connection {
    struct connection_pool *pool;
    struct connection *before, *next; /* of pool->open; next: of pool->spare too */
    struct connection_list *list;     /* of the pool, while it waits for its client */
    struct connection *list_before, *list_next;
    int64_t listed_us;
    struct loop_watch watch;
    struct timer timer; /* the one deadline of the state */
    struct transport transport;
    enum connection_state state;
    int entered;

    struct buffer in; /* from in_at on: the request in work, and what follows it */
    size_t in_at, in_len;
    size_t in_most;    /* bytes of the buffer that have been written since it is this one's */
    struct buffer out; /* of a response what the kernel has not taken */
    size_t out_len, out_pos;
    int64_t in_charged, out_charged; /* to shared->memory: body, response */
    struct holder holder;            /* of both, unless a handler has the call */

    struct http_reader reader;
    struct routing routing;
    struct http_call call;
    int64_t arrival_us; /* of the bytes read last, */
    size_t arrived;     /* which are so many */
    int64_t start_us;   /* what head_ms or body_ms count from */
    int64_t next_us;    /* of the first byte after the request in work; 0: none yet */
    bool used;          /* a first byte has been seen */
    bool started;       /* of the request that is being read */
    bool head_done;
    bool eof;      /* the client sends no more */
    bool hard;     /* close with a reset */
    bool last;     /* ends after the response that is being written */
    bool yielding; /* more requests are here, but others get a turn until the timer fires */
};

/* A limit in microseconds, from a name that ends in _ms. */
#define connection_limit_us(c, name) ((c)->pool->limits.http->name * 1000)

void connection_enter(struct connection *c);
void connection_leave(struct connection *c);
void connection_deadline(struct connection *c, int64_t due_us);
/* The state becomes ENDED; on_gone runs if a handler has the call. */
void connection_lost(struct connection *c);

/* connection_room.c. From now on it waits for its client, unless it does so already. */
void connection_wait(struct connection *c, struct connection_list *list, int64_t now_us);
void connection_unlist(struct connection *c); /* c->list is not NULL */
static inline void connection_wait_over(struct connection *c)
{
    if (c->list)
        connection_unlist(c);
}

/* connection_read.c. Serves what the buffer holds until more bytes, a response or the end is
 * needed. */
void connection_advance(struct connection *c);
/* The bytes of the request in work; they move when room is made. */
static inline char *connection_bytes(const struct connection *c)
{
    return c->in.ptr ? c->in.ptr + c->in_at : NULL;
}

/* Room for so many bytes from the request's first one on: grows the buffer, or takes one. false:
 * out of memory. */
bool connection_make_room(struct connection *c, size_t capacity);
/* The call is over: on to the next request. */
void connection_next(struct connection *c);

/* connection_memory.c. Both may end other connections to make room. */
/* Charges the bytes that are in `in`, or returns the excess. false: refused, charge unchanged. */
bool connection_charge_in(struct connection *c);
/* For a response of which `bytes` bytes are kept. */
bool connection_charge_out(struct connection *c, size_t bytes);
/* The buffer goes back to the free lists, and what it was charged to the budget. */
void connection_drop_in(struct connection *c);
void connection_drop_out(struct connection *c);
/* From now on it cannot be ended for others, or can again. */
void connection_shield(struct connection *c);
void connection_expose(struct connection *c);

/* connection_write.c. The state becomes WRITING, READING, LINGER or ENDED. */
void connection_respond(struct connection *c, const struct http_response *response);
void connection_problem(struct connection *c, enum problem_code code, const char *detail,
                        const struct problems *errors, const char *headers);
void connection_continue(struct connection *c); /* 100 */
void connection_flush(struct connection *c);
/* Sets the request id if unset: the one that the client sent, or a new one. */
void connection_make_id(struct connection *c);

#endif
