/*
 * A kept connection of the generator: a request goes out, its answer comes in, nothing blocks. One
 * thread, one epoll; the epoll's events carry the connection in data.ptr and go to conn_on_event.
 *
 * Every conn_start ends in exactly one call of on_answer or on_failure, perhaps before it returns.
 * Either may start the next request at once, but not on_failure that of an unreachable one, which
 * would fail again and again inside itself: that one waits for a later turn of the loop.
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
    /* conn->unreachable says whether it was the connecting that failed. */
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

    /* The owner's own: */
    struct conn *next;
    int64_t intended_us;
};

/* Opens nothing yet. */
void conn_init(struct conn *conn, struct conn_owner *owner);
void conn_release(struct conn *conn);

/* Of an idle one. The request's bytes stay until it ended. */
void conn_start(struct conn *conn, struct view request);
void conn_on_event(struct conn *conn, uint32_t events);
struct view conn_body(const struct conn *conn);

#endif
