/*
 * struct http_call: one request and its response. It belongs to the loop that its connection is on;
 * every function here is for that thread.
 *
 * A route's handler gets it with head and body complete. It responds with http_call_respond() or
 * http_call_problem() before it returns, or calls http_call_defer() and responds later, exactly
 * once. From the response on, or once on_gone has run, the call is no longer the handler's. A
 * handler that does neither causes a 500.
 *
 * Views point into the connection's buffer; they and the bytes after the body are valid until the
 * response.
 */
#ifndef SERVER_NET_HTTP_CALL_H
#define SERVER_NET_HTTP_CALL_H

#include <stdint.h>

#include "base/buf.h"
#include "server/net/problem.h"

#define HTTP_CALL_BODY_PADDING                                                                     \
    64 /* readable bytes after the body, for decoders that look ahead                              \
        */
#define HTTP_CALL_ID_MAX 64

struct connection;
struct http_call;
typedef void (*http_call_gone_fn)(struct http_call *call, void *arg);

struct http_call {
    struct view method;
    struct view path;  /* as sent */
    struct view query; /* after "?"; empty if absent */
    struct view body;  /* decoded, contiguous */
    /* First byte, with what the loop was late by taken off: budgets start here. */
    int64_t received_us;
    /* X-Request-Id if it is 1 to 64 of [A-Za-z0-9._:+/=-], else made up. */
    char request_id[HTTP_CALL_ID_MAX + 1];
    struct view traceparent; /* W3C form checked; empty when absent or malformed */

    struct connection *connection;
    http_call_gone_fn on_gone; /* NULL: not deferred */
    void *gone_arg;
};

/* The value of the next field of that name (letter case aside) in the head, from *at on, which
 * begins at 0; ptr NULL when there is none. */
struct view http_call_field(const struct http_call *call, const char *name, uint32_t *at);
/* The host that the client addressed: the authority of the target, or else Host; ptr NULL if both
 * are absent. */
struct view http_call_authority(const struct http_call *call);
/* The `user` of the connection pool: the thread's own state. */
void *http_call_user(const struct http_call *call);

/* The response comes later. on_gone runs, once, if the client resets the connection or the loop
 * ends before that; then there is nothing to answer. A client that only shut down its sending
 * side still gets its response. */
void http_call_defer(struct http_call *call, http_call_gone_fn on_gone, void *arg);

struct http_response {
    int status;
    const char *content_type; /* NULL: application/json */
    struct view headers;      /* more of them, each "Name: value\r\n" */
    struct view body;         /* not needed after the call: what is not written is copied */
    bool close;               /* the connection ends with this response */
};

/* Writes the whole response with one system call if the kernel takes it. Adds Content-Length,
 * Date, X-Request-Id, Cache-Control: no-store and, where it ends, Connection: close. */
void http_call_respond(struct http_call *call, const struct http_response *response);

/* The same with a body that was built for it, which is released; 503 if that failed. content_type
 * may be NULL. */
void http_call_respond_buf(struct http_call *call, int status, const char *content_type,
                           struct buf *body);

/* The same for an error; status, closing and Retry-After by code. errors may be NULL. */
void http_call_problem(struct http_call *call, enum problem_code code, const char *detail,
                       const struct problems *errors);

#endif
