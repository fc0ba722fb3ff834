#include "server/net/server.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "server/net/refuse.h"

#define DRAIN_LOOK_US 20000

/* A connection on its way from the acceptor to its worker. */
struct handoff {
    struct letter letter;
    int fd;
    bool over;    /* another one has to go for it */
    int n_passed; /* workers that had none */
};

static void hand_to(struct worker *worker, struct handoff *handoff)
{
    atomic_fetch_add(&worker->connections, 1);
    loop_post(&worker->loop, &handoff->letter);
}

static void on_handoff(struct letter *letter, void *reader)
{
    struct handoff *handoff = (struct handoff *)letter;
    struct worker *worker = reader;
    struct server *server = worker->server;
    bool refuse = handoff->over && !connection_pool_make_room(&worker->pool);

    if (refuse && ++handoff->n_passed < server->n_workers && !server->closing) {
        atomic_fetch_sub(&worker->connections, 1);
        hand_to(&server->workers[(worker->index + 1) % server->n_workers], handoff);
        return;
    }
    connection_pool_open(&worker->pool, handoff->fd, refuse);
    free(handoff);
}

static struct worker *least_loaded(struct server *server)
{
    struct worker *best = &server->workers[0];
    int64_t fewest = INT64_MAX;

    for (int i = 0; i < server->n_workers; i++) {
        int64_t n = atomic_load_explicit(&server->workers[i].connections, memory_order_relaxed);

        if (n < fewest) {
            fewest = n;
            best = &server->workers[i];
        }
    }
    return best;
}

/* Where there are too many, one of its own is to make room. */
static struct worker *most_idle(struct server *server)
{
    struct worker *best = NULL;
    int64_t most = 0;

    for (int i = 0; i < server->n_workers; i++) {
        int64_t n = atomic_load_explicit(&server->workers[i].pool.n_idle, memory_order_relaxed);

        if (n > most) {
            most = n;
            best = &server->workers[i];
        }
    }
    return best ? best : least_loaded(server);
}

/* ---- more than max_connections has become ------------------------------------------------------ */

static void on_shrink(struct letter *letter, void *reader)
{
    struct worker *worker = reader;
    struct server *server = worker->server;
    int n = connection_pool_shrink(&worker->pool);
    int next = (worker->index + 1) % server->n_workers;

    server->n_shrunk_none = n ? 0 : server->n_shrunk_none + 1;
    if (n >= 0 && server->n_shrunk_none < server->n_workers && !server->closing)
        loop_post(&server->workers[next].loop, letter);
    else
        atomic_store(&server->shrinking, false);
}

static void shrink(struct server *server)
{
    if (atomic_exchange(&server->shrinking, true))
        return;
    server->n_shrunk_none = 0;
    loop_post(&server->workers[0].loop, &server->shrink);
}

/* ---- accepting --------------------------------------------------------------------------------- */

static void on_accept(int fd, void *arg)
{
    struct server *server = arg;
    int over = connection_admit(&server->shared);
    struct handoff *handoff = over < 0 ? NULL : malloc(sizeof(*handoff));
    struct worker *worker = over > 0 ? most_idle(server) : least_loaded(server);

    if (!handoff) {
        refuse_at_once(fd);
        if (over >= 0)
            atomic_fetch_sub(&server->shared.connections, 1);
        else /* the next one may find room */
            shrink(server);
        return;
    }
    *handoff = (struct handoff){.letter.deliver = on_handoff, .fd = fd, .over = over > 0};
    hand_to(worker, handoff);
}

/* ---- workers ----------------------------------------------------------------------------------- */

static int open_worker(struct server *server, int index, struct err *err)
{
    struct worker *worker = &server->workers[index];

    worker->server = server;
    worker->index = index;
    if (loop_init(&worker->loop, worker, err))
        return -1;
    server->n_workers++;
    return connection_pool_init(&worker->pool,
                                &(struct connection_pool_args){.loop = &worker->loop,
                                                               .shared = &server->shared,
                                                               .router = &server->router,
                                                               .hooks = server->hooks,
                                                               .load = &worker->connections},
                                err);
}

static void *run_worker(void *arg)
{
    struct worker *worker = arg;

    loop_run(&worker->loop);
    connection_pool_release(&worker->pool);
    return NULL;
}

void worker_set_user(struct worker *worker, void *user)
{
    worker->user = user;
    worker->pool.user = user;
}

struct worker *server_worker(struct server *server, int index)
{
    BUG_ON(index < 0 || index >= server->n_workers);
    return &server->workers[index];
}

/* ---- life -------------------------------------------------------------------------------------- */

static void on_drain_look(struct timer *timer, void *arg);

int server_open(struct server *server, const struct server_args *args, struct err *err)
{
    struct listener_args listener_args = {.loop = args->accept_loop,
                                          .address = args->address,
                                          .inherited = args->inherited,
                                          .fd = args->listen_fd,
                                          .backlog = args->backlog,
                                          .on_accept = on_accept,
                                          .arg = server};

    memset(server, 0, sizeof(*server));
    server->accept_loop = args->accept_loop;
    listener_init(&server->listener);
    server->router = (struct router){args->routes, args->n_routes};
    server->hooks = args->hooks;
    server->shrink.deliver = on_shrink;
    timer_init(&server->drain_timer, on_drain_look, server);
    net_shared_init(&server->shared, args->limits, args->memory);
    BUG_ON(args->n_workers < 1);
    server->workers = calloc((size_t)args->n_workers, sizeof(*server->workers));
    if (!server->workers) {
        err_set(err, ERR_NOMEM, "workers: out of memory");
        goto fail;
    }
    for (int i = 0; i < args->n_workers; i++)
        if (open_worker(server, i, err))
            goto fail;
    /* bound now, so that a taken address is known before anything slow is done; the kernel queues */
    if (listener_open(&server->listener, &listener_args, err))
        goto fail;
    return 0;
fail:
    server_close(server);
    return -1;
}

int server_start(struct server *server, struct err *err)
{
    for (int i = 0; i < server->n_workers; i++) {
        struct worker *worker = &server->workers[i];

        int rc = pthread_create(&worker->thread, NULL, run_worker, worker);

        if (rc != 0) {
            server_stop(server);
            return err_set_no_thread(err, rc, "worker");
        }
        worker->started = true;
    }
    return 0;
}

void server_stop(struct server *server)
{
    listener_close(&server->listener);
    loop_timer_remove(server->accept_loop, &server->drain_timer);
    for (int i = 0; i < server->n_workers; i++)
        if (server->workers[i].started)
            loop_stop(&server->workers[i].loop);
    for (int i = 0; i < server->n_workers; i++) {
        if (server->workers[i].started)
            pthread_join(server->workers[i].thread, NULL);
        server->workers[i].started = false;
    }
    server->closing = true; /* from here on mailboxes are emptied one after the other */
}

void server_close(struct server *server)
{
    server->closing = true; /* where it was never started */
    listener_close(&server->listener);
    for (int i = 0; i < server->n_workers; i++) {
        struct worker *worker = &server->workers[i];

        BUG_ON(worker->started);
        mailbox_drain(&worker->loop.mailbox, worker); /* handed over, never taken */
        connection_pool_release(&worker->pool);
        loop_release(&worker->loop);
    }
    free(server->workers);
    server->workers = NULL;
    server->n_workers = 0;
}

/* ---- drain ------------------------------------------------------------------------------------- */

static void on_drain_look(struct timer *timer, void *arg)
{
    struct server *server = arg;
    struct net_limits_cell *limits = &server->shared.limits;
    int64_t now_us = clock_now_us();
    int64_t since_ms = (now_us - server->drain_began_us) / 1000;
    int64_t open = server_connections(server);

    if (since_ms >= net_limit(limits, drain_grace_ms)) {
        listener_close(&server->listener);
        if (open == 0 || since_ms >= net_limit(limits, drain_max_ms)) {
            server->on_drained(&(struct drain_outcome){.cut = open}, server->drained_arg);
            return;
        }
    }
    loop_timer_set(server->accept_loop, timer, now_us + DRAIN_LOOK_US);
}

void server_drain(struct server *server, server_drained_fn on_drained, void *arg)
{
    if (atomic_exchange(&server->shared.draining, true))
        return;
    server->on_drained = on_drained;
    server->drained_arg = arg;
    server->drain_began_us = clock_now_us();
    loop_timer_set(server->accept_loop, &server->drain_timer, server->drain_began_us);
}

bool server_draining(const struct server *server)
{
    return atomic_load(&server->shared.draining);
}

/* ---- readings ---------------------------------------------------------------------------------- */

const char *server_address(const struct server *server)
{
    return listener_text(&server->listener);
}

void server_set_limits(struct server *server, const struct net_limits *limits)
{
    net_limits_store(&server->shared.limits, limits);
    if (server_connections(server) > limits->max_connections)
        shrink(server);
}

void server_set_backlog(struct server *server, int backlog)
{
    listener_set_backlog(&server->listener, backlog);
}

int64_t server_connections(const struct server *server)
{
    return atomic_load_explicit(&server->shared.connections, memory_order_relaxed);
}

int64_t server_heartbeat_us(const struct server *server)
{
    int64_t oldest_us = INT64_MAX;

    for (int i = 0; i < server->n_workers; i++) {
        int64_t beat_us = loop_heartbeat_us(&server->workers[i].loop);

        oldest_us = beat_us < oldest_us ? beat_us : oldest_us;
    }
    return oldest_us;
}
