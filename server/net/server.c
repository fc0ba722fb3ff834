/* Starts threads, hands connections to them, drains and stops. */
#include "server/net/server.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"

#define DRAIN_LOOK_US 20000

/* A connection on its way from the acceptor to its thread. */
struct handoff {
    struct letter letter;
    int fd;
    bool over;    /* another connection has to be closed for it */
    int n_passed; /* threads that had none to close */
};

static void hand_to(struct net_thread *thread, struct handoff *handoff)
{
    atomic_fetch_add(&thread->connections, 1);
    loop_post(&thread->loop, &handoff->letter);
}

static void on_handoff(struct letter *letter, void *reader)
{
    struct handoff *handoff = (struct handoff *)letter;
    struct net_thread *thread = reader;
    struct server *server = thread->server;
    bool refuse = handoff->over && !connection_pool_make_room(&thread->pool);

    if (refuse && ++handoff->n_passed < server->n_threads && !server->closing) {
        atomic_fetch_sub(&thread->connections, 1);
        hand_to(&server->threads[(thread->index + 1) % server->n_threads], handoff);
        return;
    }
    connection_pool_open(&thread->pool, handoff->fd, refuse);
    free(handoff);
}

/* The thread with the fewest connections; for one too many the one with the most that it may close
 * for it, if any thread has some. */
static struct net_thread *choose_thread(struct server *server, bool over)
{
    struct net_thread *best = NULL;
    int64_t least = INT64_MAX;

    for (int i = 0; i < server->n_threads; i++) {
        struct net_thread *thread = &server->threads[i];
        int64_t load = atomic_load_explicit(&thread->connections, memory_order_relaxed);
        int64_t n_idle = atomic_load_explicit(&thread->pool.n_idle, memory_order_relaxed);

        if (over && n_idle > 0)
            load = -n_idle;
        if (load < least) {
            least = load;
            best = thread;
        }
    }
    return best;
}

/* ---- more than max_connections has become ---------------------------------------------------- */

static void on_shrink(struct letter *letter, void *reader)
{
    struct net_thread *thread = reader;
    struct server *server = thread->server;
    int n = connection_pool_shrink(&thread->pool);
    int next = (thread->index + 1) % server->n_threads;

    server->n_shrunk_none = n ? 0 : server->n_shrunk_none + 1;
    if (n >= 0 && server->n_shrunk_none < server->n_threads && !server->closing)
        loop_post(&server->threads[next].loop, letter);
    else
        atomic_store(&server->shrinking, false);
}

static void shrink(struct server *server)
{
    if (atomic_exchange(&server->shrinking, true))
        return;
    server->n_shrunk_none = 0;
    loop_post(&server->threads[0].loop, &server->shrink);
}

/* ---- accepting ------------------------------------------------------------------------------- */

static int on_accept(int fd, void *arg)
{
    struct server *server = arg;
    int over = connection_admit(&server->shared, &server->limits);
    struct handoff *handoff = over < 0 ? NULL : malloc(sizeof(*handoff));

    if (!handoff) {
        if (over >= 0)
            atomic_fetch_sub(&server->shared.connections, 1);
        else /* the next one may find room */
            shrink(server);
        return -1;
    }
    *handoff = (struct handoff){.letter.deliver = on_handoff, .fd = fd, .over = over > 0};
    hand_to(choose_thread(server, over > 0), handoff);
    return 0;
}

/* ---- threads --------------------------------------------------------------------------------- */

static int open_thread(struct server *server, int index, struct err *err)
{
    struct net_thread *thread = &server->threads[index];

    thread->server = server;
    thread->index = index;
    if (loop_init(&thread->loop, thread, err))
        return -1;
    server->n_threads++;
    thread->pool = (struct connection_pool){.loop = &thread->loop,
                                            .shared = &server->shared,
                                            .limits = server->limits,
                                            .router = &server->router,
                                            .hooks = server->hooks,
                                            .load = &thread->connections};
    return connection_pool_init(&thread->pool, err);
}

static void *run_thread(void *arg)
{
    struct net_thread *thread = arg;

    (void)pthread_setname_np(pthread_self(), "worker");
    loop_run(&thread->loop);
    connection_pool_release(&thread->pool);
    return NULL;
}

/* ---- drain ----------------------------------------------------------------------------------- */

static void on_drain_look(struct timer *timer, void *arg)
{
    struct server *server = arg;
    const struct http_options *options = server->limits.http;
    int64_t now_us = clock_now_us();
    int64_t since_ms = (now_us - server->drain_began_us) / 1000;
    int64_t open = server_connections(server);

    if (since_ms >= options->drain_grace_ms) {
        listener_close(&server->listener);
        if (open == 0 || since_ms >= options->drain_max_ms) {
            server->on_drained(open, server->drained_arg);
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

/* ---- life ------------------------------------------------------------------------------------ */

int server_open(struct server *server, const struct server_args *args, struct err *err)
{
    struct listener_args listener_args = {.loop = args->accept_loop,
                                          .address = args->options->address,
                                          .backlog = (int)args->options->backlog,
                                          .on_accept = on_accept,
                                          .arg = server};

    memset(server, 0, sizeof(*server));
    server->accept_loop = args->accept_loop;
    server->router = (struct router){args->routes, args->n_routes};
    server->hooks = args->hooks;
    server->shrink.deliver = on_shrink;
    timer_init(&server->drain_timer, on_drain_look, server);
    server->shared.memory = args->memory;
    server->limits = net_limits_of(args->options);
    BUG_ON(args->options->workers < 1);
    server->threads = calloc((size_t)args->options->workers, sizeof(*server->threads));
    if (!server->threads) {
        err_set(err, ERR_NOMEM, "workers: out of memory");
        goto fail;
    }
    for (int i = 0; i < args->options->workers; i++)
        if (open_thread(server, i, err))
            goto fail;
    /* bound now, so that a taken address is known before anything slow is done; the kernel
     * queues */
    if (listener_open(&server->listener, &listener_args, err))
        goto fail;
    return 0;
fail:
    server_close(server);
    return -1;
}

int server_start(struct server *server, struct err *err)
{
    for (int i = 0; i < server->n_threads; i++) {
        struct net_thread *thread = &server->threads[i];

        int rc = pthread_create(&thread->thread, NULL, run_thread, thread);

        if (rc != 0) {
            server_stop(server);
            return err_set_no_thread(err, rc, "worker");
        }
        thread->started = true;
    }
    return 0;
}

void server_stop(struct server *server)
{
    listener_close(&server->listener);
    loop_timer_remove(server->accept_loop, &server->drain_timer);
    for (int i = 0; i < server->n_threads; i++)
        if (server->threads[i].started)
            loop_stop(&server->threads[i].loop);
    for (int i = 0; i < server->n_threads; i++) {
        if (server->threads[i].started)
            pthread_join(server->threads[i].thread, NULL);
        server->threads[i].started = false;
    }
    server->closing = true; /* from here on mailboxes are emptied one after the other */
}

void server_close(struct server *server)
{
    server->closing = true; /* where it was never started */
    listener_close(&server->listener);
    for (int i = 0; i < server->n_threads; i++) {
        struct net_thread *thread = &server->threads[i];

        BUG_ON(thread->started);
        mailbox_drain(&thread->loop.mailbox, thread); /* handed over, never taken */
        connection_pool_release(&thread->pool);
        loop_release(&thread->loop);
    }
    free(server->threads);
    server->threads = NULL;
    server->n_threads = 0;
}

/* ---- readings -------------------------------------------------------------------------------- */

void server_set_limits(struct server *server, const struct net_limits *limits)
{
    server->limits = *limits;
    listener_set_backlog(&server->listener, (int)limits->http->backlog);
    if (server_connections(server) > limits->max_connections)
        shrink(server);
}

int64_t server_connections(const struct server *server)
{
    return atomic_load_explicit(&server->shared.connections, memory_order_relaxed);
}

int64_t server_heartbeat_us(const struct server *server)
{
    int64_t oldest_us = INT64_MAX;

    for (int i = 0; i < server->n_threads; i++) {
        int64_t beat_us = loop_heartbeat_us(&server->threads[i].loop);

        oldest_us = beat_us < oldest_us ? beat_us : oldest_us;
    }
    return oldest_us;
}
