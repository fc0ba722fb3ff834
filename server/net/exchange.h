/*
 * struct exchange: one request and its answer. It belongs to the loop that its connection is on; every
 * function here is for that thread.
 *
 * A route's handler gets it with head and body complete. It answers with exchange_respond() or
 * exchange_problem() before it returns, or calls exchange_defer() and answers later, exactly once. From the
 * answer on, or once on_gone has run, the exchange is no longer the handler's. A handler that does neither
 * answers 500.
 *
 * Views point into the connection's buffer; they and the bytes behind the body hold until the answer.
 */
#ifndef SERVER_NET_EXCHANGE_H
#define SERVER_NET_EXCHANGE_H

#include <stdint.h>

#include "base/buf.h"
#include "server/net/problem.h"

#define EXCHANGE_BODY_PADDING 64 /* readable bytes behind the body, for decoders that look ahead */
#define EXCHANGE_ID_MAX 64

struct connection;
struct exchange;
typedef void (*exchange_gone_fn)(struct exchange *x, void *arg);

struct exchange {
    struct view method;
    struct view path;  /* as sent */
    struct view query; /* behind "?"; empty when absent */
    struct view body;  /* decoded, contiguous */
    /* First byte, with what the loop was late by taken off: budgets start here. */
    int64_t received_us;
    int64_t complete_us; /* last byte, when it may have come at the earliest */
    /* X-Request-Id if it is 1 to 64 of [A-Za-z0-9._:+/=-], else made up. */
    char request_id[EXCHANGE_ID_MAX + 1];
    struct view traceparent; /* W3C form checked; empty when absent or malformed */

    struct connection *connection;
    exchange_gone_fn on_gone; /* NULL: not deferred */
    void *gone_arg;
};

/* The value of the next field of that name (letter case aside) in the head, from *at on, which begins at 0; ptr NULL
 * when there is none. */
struct view exchange_field(const struct exchange *x, const char *name, uint32_t *at);
/* Whom the client takes this server for: the authority of the target, or else Host; ptr NULL when neither is there. */
struct view exchange_authority(const struct exchange *x);
/* The `user` of the connection pool: the worker's own state. */
void *exchange_user(const struct exchange *x);

/* The answer comes later. on_gone runs, once, if the client resets the connection or the loop ends before
 * that; then there is nothing to answer any more. A client that only shut down its sending side still gets
 * its answer. */
void exchange_defer(struct exchange *x, exchange_gone_fn on_gone, void *arg);

struct answer {
    int status;
    const char *content_type; /* NULL: application/json */
    struct view headers;      /* more of them, each "Name: value\r\n" */
    struct view body;         /* copied if it cannot be written at once: free after the call */
    bool close;               /* the connection ends with this answer */
};

/* Writes the whole answer with one call of the kernel if that takes it. Adds Content-Length, Date,
 * X-Request-Id, Cache-Control: no-store and, where it ends, Connection: close. */
void exchange_respond(struct exchange *x, const struct answer *answer);

/* The same for an error; status, closing and Retry-After by code. errors may be NULL. */
void exchange_problem(struct exchange *x, enum problem_code code, const char *detail,
                      const struct problems *errors);

#endif
