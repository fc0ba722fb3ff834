/*
 * struct pendings: the calls that are out, by number. A pending stays taken until the store has
 * answered or its connection has ended, whether or not its caller still waits; its generation then
 * changes, so that a token which outlived it is recognised. They never move: timers are linked by
 * address. No allocation once as many were made as are out at a time.
 */
#ifndef SERVER_STORE_PENDING_H
#define SERVER_STORE_PENDING_H

#include "server/net/loop.h"

#define PENDING_PER_CHUNK 64
#define PENDING_MAX 65536

struct store;
struct store_call;

/*
 * A caller may give up early, at its own deadline; the store has failed only when overdue_us, which
 * is timeout_ms after the start, passes without an answer.
 */
struct pending {
    struct store *store;
    struct store_call *call; /* NULL: abandoned, the answer is dropped */
    struct timer timer;      /* its arg is the pending */
    int64_t due_us;          /* of the timer: the call's deadline, then overdue_us */
    int64_t overdue_us;
    int n_graces; /* times the timer was postponed because of unread bytes */
    bool taken;
    uint32_t index, generation;
    struct pending *next_free;
};

struct pendings {
    struct store *store;
    struct loop *loop;
    timer_fn on_timer;
    struct pending *chunks[PENDING_MAX / PENDING_PER_CHUNK];
    uint32_t n, n_taken;
    struct pending *free;
};

void pendings_init(struct pendings *pendings, struct store *store, struct loop *loop,
                   timer_fn on_timer);
void pendings_release(struct pendings *pendings);

struct pending *pending_take(struct pendings *pendings); /* NULL: out of memory */
void pending_put(struct pendings *pendings, struct pending *pending);

/* index < pendings->n, taken or not. */
struct pending *pending_at(const struct pendings *pendings, uint32_t index);
uint64_t pending_token(const struct pending *pending);
/* NULL if that one has been put back since. */
struct pending *pending_of(const struct pendings *pendings, uint64_t token);

#endif
