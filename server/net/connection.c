/* Life, readiness and deadlines of a connection. */
#include "server/net/connection.h"

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define MAX_DISCARDS_A_TURN 16
#define KEEP_BUFFER_BYTES (4u << 20)
#define KEEP_SPARE 1024    /* connections */
#define REFUSAL_BYTES 2048 /* head, or body, of a problem without a list of errors */

int connection_pool_init(struct connection_pool *pool, struct err *err)
{
    uint64_t seed;

    buffers_init(&pool->buffers, KEEP_BUFFER_BYTES);
    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        return err_set_errno(err, ERR_INTERNAL, "getrandom");
    rng_init(&pool->rng, seed);
    /* So that the out_of_memory response needs no allocation. */
    if (!buf_reserve(&pool->scratch, REFUSAL_BYTES) || !buf_reserve(&pool->body, REFUSAL_BYTES)) {
        buf_release(&pool->scratch);
        return err_set(err, ERR_NOMEM, "connections: out of memory");
    }
    return 0;
}

static void free_connection(struct connection *c)
{
    loop_watch_release(&c->watch);
    free(c);
}

void connection_pool_release(struct connection_pool *pool)
{
    struct connection *c;

    while ((c = pool->open)) {
        connection_enter(c);
        connection_lost(c);
        connection_leave(c);
    }
    while ((c = pool->spare)) {
        pool->spare = c->next;
        free_connection(c);
    }
    pool->n_spare = 0;
    buffers_release(&pool->buffers);
    buf_release(&pool->scratch);
    buf_release(&pool->body);
}

/* ---- readiness and deadlines ----------------------------------------------------------------- */

void connection_enter(struct connection *c)
{
    c->entered++;
}

void connection_deadline(struct connection *c, int64_t due_us)
{
    loop_timer_set(c->pool->loop, &c->timer, due_us);
}

static void count_closed(struct connection_pool *pool)
{
    atomic_fetch_sub(&pool->shared->connections, 1);
    if (pool->load)
        atomic_fetch_sub(pool->load, 1);
}

static void end(struct connection *c)
{
    struct connection_pool *pool = c->pool;

    connection_wait_over(c);
    (void)!loop_watch_set(&c->watch, c->transport.fd, 0);
    loop_timer_remove(pool->loop, &c->timer);
    c->transport.ops->close(&c->transport, c->hard);
    connection_drop_in(c);
    connection_drop_out(c);
    connection_shield(c);
    if (c->before)
        c->before->next = c->next;
    else
        pool->open = c->next;
    if (c->next)
        c->next->before = c->before;
    pool->n_open--;
    count_closed(pool);
    if (pool->n_spare >= KEEP_SPARE) {
        free_connection(c);
        return;
    }
    c->next = pool->spare;
    pool->spare = c;
    pool->n_spare++;
}

/* Bytes that can be read after those in the buffer; after a large body, which is charged as it
 * arrived, none. */
static size_t room(const struct connection *c)
{
    const size_t taken = c->in_at + c->in_len + HTTP_CALL_BODY_PADDING;

    if (c->state == CONNECTION_WORK && c->in.capacity > BUFFERS_BASE_BYTES)
        return 0;
    return taken < c->in.capacity ? c->in.capacity - taken : 0;
}

static unsigned wanted(const struct connection *c)
{
    unsigned write = c->out_len ? LOOP_WRITE : 0;

    switch (c->state) {
    case CONNECTION_READING:
        return (c->yielding ? 0 : LOOP_READ) | write;
    case CONNECTION_WORK: /* only while it fits: the buffer may not move under the handler */
        if (!c->eof && room(c))
            return LOOP_READ | write;
        return write ? write : LOOP_HANGUP;
    case CONNECTION_LINGER:
        return LOOP_READ;
    default:
        return write;
    }
}

void connection_leave(struct connection *c)
{
    if (--c->entered > 0)
        return;
    if (c->state != CONNECTION_ENDED && loop_watch_set(&c->watch, c->transport.fd, wanted(c)))
        connection_lost(c);
    if (c->state == CONNECTION_ENDED)
        end(c);
}

void connection_lost(struct connection *c)
{
    struct http_call *x = &c->call;
    http_call_gone_fn on_gone = c->state == CONNECTION_WORK ? x->on_gone : NULL;

    if (c->state == CONNECTION_WORK)
        c->pool->n_busy--;
    c->state = CONNECTION_ENDED;
    x->on_gone = NULL;
    if (on_gone)
        on_gone(x, x->gone_arg);
}

/* Discards bytes that are no longer needed; only a part of a flood, so that others get a turn. */
static void discard(struct connection *c)
{
    char bytes[4096];
    ssize_t n;
    int n_reads = 0;

    do
        n = c->transport.ops->read(&c->transport, bytes, sizeof(bytes));
    while (n == (ssize_t)sizeof(bytes) && ++n_reads < MAX_DISCARDS_A_TURN);
    if (n == 0 || n == TRANSPORT_LOST)
        c->state = CONNECTION_ENDED;
}

static void on_readable(struct connection *c)
{
    ssize_t n;

    if (c->state == CONNECTION_LINGER) {
        discard(c);
        return;
    }
    if (!c->in.ptr && !connection_make_room(c, BUFFERS_BASE_BYTES)) {
        connection_problem(c, PROBLEM_OUT_OF_MEMORY, NULL, NULL, "");
        return;
    }
    if (room(c) == 0)
        return;
    n = c->transport.ops->read(&c->transport, connection_bytes(c) + c->in_len, room(c));
    if (n == TRANSPORT_LOST) {
        connection_lost(c);
    } else if (n != TRANSPORT_AGAIN) {
        c->eof |= n == 0;
        c->arrival_us = loop_arrival_us(c->pool->loop);
        if (c->state == CONNECTION_WORK && c->in_len == c->reader.end)
            c->next_us = c->arrival_us;
        c->arrived = (size_t)n;
        c->in_len += (size_t)n;
        if (c->in_at + c->in_len > c->in_most)
            c->in_most = c->in_at + c->in_len;
        connection_advance(c);
    }
}

static void on_ready(struct loop_watch *watch, unsigned ready, void *arg)
{
    struct connection *c = arg;

    (void)watch;
    connection_enter(c);
    if (ready & LOOP_HANGUP && c->transport.ops->lost(&c->transport))
        connection_lost(c);
    if (ready & LOOP_WRITE)
        connection_flush(c);
    if (ready & LOOP_READ && c->state != CONNECTION_ENDED && c->state != CONNECTION_WRITING)
        on_readable(c);
    connection_leave(c);
}

static void on_deadline(struct timer *timer, void *arg)
{
    struct connection *c = arg;

    (void)timer;
    connection_enter(c);
    if (c->yielding) {
        c->yielding = false;
        connection_advance(c);
    } else if (c->state == CONNECTION_READING && c->started) {
        connection_problem(c, PROBLEM_REQUEST_TIMEOUT,
                           c->head_done ? "the body took too long" : "the head took too long", NULL,
                           "");
    } else {
        c->hard = c->state == CONNECTION_WRITING; /* else the kernel would keep trying */
        c->state = CONNECTION_ENDED;
    }
    connection_leave(c);
}

/* ---- opening --------------------------------------------------------------------------------- */

static struct connection *take(struct connection_pool *pool)
{
    struct connection *c = pool->spare;
    struct loop_watch watch;
    struct err err;

    if (c) {
        pool->spare = c->next;
        pool->n_spare--;
    } else {
        c = malloc(sizeof(*c));
        if (!c || loop_watch_init(&c->watch, pool->loop, on_ready, c, &err)) {
            free(c);
            return NULL;
        }
    }
    watch = c->watch;
    memset(c, 0, sizeof(*c));
    c->watch = watch;
    c->pool = pool;
    timer_init(&c->timer, on_deadline, c);
    return c;
}

/* Half of max_refusing may linger: the other half is for connections still on their way here, which
 * may yet be admitted. */
static void refuse_open(struct connection *c)
{
    const struct net_limits *limits = &c->pool->limits;
    int64_t lingering = atomic_load(&c->pool->shared->connections) - limits->max_connections;

    connection_problem(c, PROBLEM_TOO_MANY_CONNECTIONS, NULL, NULL, "");
    if (lingering > limits->max_refusing / 2)
        c->state = CONNECTION_ENDED;
}

void connection_pool_open(struct connection_pool *pool, int fd, bool refuse)
{
    struct connection *c = take(pool);

    if (!c) {
        close(fd);
        count_closed(pool);
        return;
    }
    c->transport = (struct transport){&transport_plain, fd};
    c->next = pool->open;
    if (c->next)
        c->next->before = c;
    pool->open = c;
    pool->n_open++;
    connection_enter(c);
    connection_next(c);
    connection_advance(c);
    if (refuse)
        refuse_open(c);
    connection_leave(c);
}

int connection_admit(struct net_shared *shared, const struct net_limits *limits)
{
    int64_t open = atomic_fetch_add(&shared->connections, 1);

    if (open < limits->max_connections)
        return 0;
    if (open < limits->max_connections + limits->max_refusing)
        return 1;
    atomic_fetch_sub(&shared->connections, 1);
    return -1;
}

int connection_pool_on_accept(int fd, void *arg)
{
    struct connection_pool *pool = arg;
    int over = connection_admit(pool->shared, &pool->limits);

    if (over >= 0)
        connection_pool_open(pool, fd, over > 0 && !connection_pool_make_room(pool));
    return over < 0 ? -1 : 0;
}
