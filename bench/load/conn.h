/*
 * A persistent, non-blocking connection of the generator: sends one request at a time and reads its
 * answer. One thread, one epoll, whose events carry the connection in data.ptr and go to
 * conn_on_event.
 *
 * Every conn_start leads to exactly one call of on_answer or on_failure, possibly before it
 * returns. Either may start the next request immediately, except on_failure when the server is
 * unreachable: that would recurse for as long as it is, so the next request waits for a later turn
 * of the loop.
 */
#ifndef BENCH_LOAD_CONN_H
#define BENCH_LOAD_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "client/response.h"

struct conn;

/* Shared by all connections of a run; outlives them. */
struct conn_owner {
    int epoll;
    const char *address;
    /* conn->reader holds the answer, conn_body its body, until the next request. */
    void (*on_answer)(struct conn_owner *owner, struct conn *conn);
    /* conn->unreachable: it could not connect. */
    void (*on_failure)(struct conn_owner *owner, struct conn *conn);
};

enum conn_state { CONN_IDLE, CONN_CONNECTING, CONN_SENDING, CONN_RECEIVING };

struct conn {
    struct conn_owner *owner;
    int fd; /* -1: the next request opens one */
    enum conn_state state;
    bool unreachable;
    struct view request;
    size_t sent;
    struct response_reader reader;
    char *in;
    size_t len, capacity;

    /* For the owner's use: */
    struct conn *next;
    int64_t intended_us;
};

/* Opens nothing yet. */
void conn_init(struct conn *conn, struct conn_owner *owner);
void conn_release(struct conn *conn);

/* The connection must be idle. The request's bytes must stay valid until its end. */
void conn_start(struct conn *conn, struct view request);
void conn_on_event(struct conn *conn, uint32_t events);
struct view conn_body(const struct conn *conn);

#endif
