/*
 * struct server: the public HTTP side: one listening socket on the caller's loop and N threads that
 * share nothing. An accepted connection goes to the thread with the fewest; with one too many to a
 * thread that has another to close for it.
 *
 *   server_open()   binds, makes the threads' loops and pools; no thread yet. The caller gives each
 *                   of `threads` its pool.user and may prepare its loop.
 *   server_start()  starts the threads and accepts.
 *   server_drain()  see below; server_stop() ends the threads; server_close() frees.
 *
 * Thread: the one that runs the accepting loop, unless a function says otherwise.
 */
#ifndef SERVER_NET_SERVER_H
#define SERVER_NET_SERVER_H

#include "server/net/connection_pool.h"
#include "server/net/listener.h"

struct net_thread {
    /* Letters: loop_post(&thread->loop, ...) or &thread->loop.mailbox; reader: the thread. */
    struct loop loop;
    struct connection_pool pool;
    struct server *server;
    int index;
    pthread_t thread;
    bool started;
    _Atomic int64_t connections; /* its own, those on the way included */
};

struct server_args {
    struct loop *accept_loop;
    const struct http_options *options; /* until server_set_limits() */
    struct budget *memory;              /* outlives the server */
    const struct http_route *routes;    /* the caller's, until server_close() */
    int n_routes;
    struct connection_hooks hooks;
};

/* n_cut: connections that were still open at drain_max_ms. */
typedef void (*server_drained_fn)(int64_t n_cut, void *arg);

struct server {
    struct loop *accept_loop;
    struct listener listener;
    struct net_shared shared;
    struct net_limits limits; /* of the accepting loop */
    struct router router;
    struct connection_hooks hooks;
    struct net_thread *threads;
    int n_threads;
    bool closing;         /* no thread passes anything on to another */
    struct letter shrink; /* goes round the threads while there are too many connections */
    atomic_bool shrinking;
    int n_shrunk_none; /* threads in a row that had none to close */
    struct timer drain_timer;
    int64_t drain_began_us;
    server_drained_fn on_drained;
    void *drained_arg;
};

/* ERR_CONFIG, ERR_UNAVAILABLE (address), ERR_NOMEM. On failure everything is released. */
int server_open(struct server *server, const struct server_args *args, struct err *err) MUST_CHECK;
int server_start(struct server *server, struct err *err) MUST_CHECK;

/* From now on responses carry Connection: close; new connections are accepted for
 * drain_grace_ms; when the last is gone, or after drain_max_ms, on_drained runs (on the
 * accepting loop), and the caller calls server_stop(). */
void server_drain(struct server *server, server_drained_fn on_drained, void *arg);
/* Any thread. */
bool server_draining(const struct server *server);

/* Stops accepting, ends the threads (requests in work: on_gone) and joins them. Idempotent. */
void server_stop(struct server *server);
/* After server_stop(). */
void server_close(struct server *server);

/*
 * The accepting loop's share of new options: backlog, drain and admission. The threads' pools have
 * theirs from their own threads, and before: connections over max_connections are then closed where
 * they may be.
 */
void server_set_limits(struct server *server, const struct net_limits *limits);
int64_t server_connections(const struct server *server);
/* The oldest heartbeat of the threads, monotonic. */
int64_t server_heartbeat_us(const struct server *server);

#endif
