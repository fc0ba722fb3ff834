#include "bench/load/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "client/dial.h"
#include "client/response.h"

#define MAX_CONNECTIONS 4096
#define MAX_WAITING (1 << 20)
#define GRACE_US 3000000 /* for answers that are still out at the end */
#define READ_BYTES 65536

enum state { IDLE, CONNECTING, SENDING, RECEIVING };

struct conn {
    struct conn *next_idle;
    int fd;
    enum state state;
    struct view request;
    size_t sent;
    int64_t intended_us;
    struct response_reader reader;
    char *in;
    size_t len, capacity;
};

struct load {
    const struct load_args *args;
    struct stats *stats;
    struct rng rng;
    int epoll, timer;
    struct conn *conns; /* (MAX_CONNECTIONS) */
    int n_conns, n_open;
    struct conn *idle; /* last used first: its caches are warm */
    int64_t start_us, measure_us, end_us;
    int64_t due_us;   /* of the next arrival */
    int64_t *waiting; /* ring of intended times */
    size_t waiting_head, n_waiting;
    int in_flight, next_request;
    bool closed_loop;
};

static double seconds_in(const struct load *load, int64_t t_us)
{
    return (double)(t_us - load->measure_us) / 1e6;
}

static bool measured(const struct load *load, int64_t intended_us)
{
    return intended_us >= load->measure_us;
}

static void watch(struct load *load, struct conn *conn, uint32_t events, int op)
{
    struct epoll_event event = {.events = events, .data.ptr = conn};

    epoll_ctl(load->epoll, op, conn->fd, &event);
}

static void start_request(struct load *load, struct conn *conn, int64_t intended_us);

/* The connection is free: it takes what waits longest, else rests. */
static void rest(struct load *load, struct conn *conn)
{
    conn->state = IDLE;
    if (load->n_waiting) {
        int64_t intended_us = load->waiting[load->waiting_head];

        load->waiting_head = (load->waiting_head + 1) % MAX_WAITING;
        load->n_waiting--;
        start_request(load, conn, intended_us);
        return;
    }
    conn->next_idle = load->idle;
    load->idle = conn;
}

static void hang_up(struct load *load, struct conn *conn)
{
    if (conn->fd == -1)
        return;
    close(conn->fd);
    conn->fd = -1;
    load->n_open--;
}

static void failed(struct load *load, struct conn *conn)
{
    if (measured(load, conn->intended_us))
        stats_failure(load->stats, seconds_in(load, conn->intended_us));
    load->in_flight--;
    hang_up(load, conn);
    rest(load, conn);
}

static void send_some(struct load *load, struct conn *conn)
{
    while (conn->sent < conn->request.len) {
        ssize_t n = send(conn->fd, conn->request.ptr + conn->sent, conn->request.len - conn->sent,
                         MSG_NOSIGNAL);

        if (n > 0) {
            conn->sent += (size_t)n;
            continue;
        }
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1 && errno == EAGAIN) {
            watch(load, conn, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            return;
        }
        failed(load, conn);
        return;
    }
    conn->state = RECEIVING;
    watch(load, conn, EPOLLIN, EPOLL_CTL_MOD);
}

static int open_connection(struct load *load, struct conn *conn)
{
    struct err err;

    conn->fd = dial(load->args->options->address, &err);
    if (conn->fd == -1)
        return -1;
    load->n_open++;
    conn->state = CONNECTING;
    watch(load, conn, EPOLLOUT, EPOLL_CTL_ADD);
    return 0;
}

static void start_request(struct load *load, struct conn *conn, int64_t intended_us)
{
    const struct traffic *traffic = load->args->traffic;
    int64_t behind_us = clock_now_us() - intended_us;

    conn->request = traffic->requests[load->next_request];
    load->next_request = (load->next_request + 1) % traffic->n;
    conn->sent = 0;
    conn->len = 0;
    conn->intended_us = intended_us;
    response_reader_init(&conn->reader, false);
    load->in_flight++;
    if (measured(load, intended_us) && behind_us > (int64_t)load->stats->behind_us)
        load->stats->behind_us = (uint64_t)behind_us;
    if (conn->fd != -1) {
        conn->state = SENDING;
        send_some(load, conn);
    } else if (open_connection(load, conn)) {
        if (measured(load, intended_us))
            stats_failure(load->stats, seconds_in(load, intended_us));
        load->in_flight--;
        conn->state = IDLE;
        conn->next_idle = load->idle;
        load->idle = conn;
    }
}

static struct conn *free_connection(struct load *load)
{
    struct conn *conn = load->idle;

    if (conn) {
        load->idle = conn->next_idle;
        return conn;
    }
    if (load->n_conns == MAX_CONNECTIONS)
        return NULL;
    conn = &load->conns[load->n_conns++];
    conn->fd = -1;
    return conn;
}

static void arrive(struct load *load, int64_t intended_us)
{
    struct conn *conn = free_connection(load);

    if (measured(load, intended_us))
        stats_sent(load->stats, seconds_in(load, intended_us));
    if (conn) {
        start_request(load, conn, intended_us);
        return;
    }
    if (measured(load, intended_us))
        load->stats->waited++;
    if (load->n_waiting == MAX_WAITING) {
        if (measured(load, intended_us))
            stats_failure(load->stats, seconds_in(load, intended_us));
        return;
    }
    load->waiting[(load->waiting_head + load->n_waiting++) % MAX_WAITING] = intended_us;
}

static void answered(struct load *load, struct conn *conn)
{
    struct view body = {conn->in + conn->reader.body_start, conn->reader.body_len};
    int64_t now_us = clock_now_us();

    if (measured(load, conn->intended_us))
        stats_answer(load->stats, conn->reader.status, body, now_us - conn->intended_us,
                     load->args->options->tmax_ms, seconds_in(load, conn->intended_us));
    load->in_flight--;
    if (!conn->reader.keep_alive)
        hang_up(load, conn);
    if (load->closed_loop && now_us < load->end_us) {
        if (measured(load, now_us))
            stats_sent(load->stats, seconds_in(load, now_us));
        start_request(load, conn, now_us);
        return;
    }
    rest(load, conn);
}

static int make_room(struct conn *conn)
{
    size_t capacity = conn->capacity ? conn->capacity * 2 : READ_BYTES;
    char *in;

    if (conn->capacity - conn->len >= READ_BYTES / 4)
        return 0;
    in = realloc(conn->in, capacity);
    if (!in)
        return -1;
    conn->in = in;
    conn->capacity = capacity;
    return 0;
}

static void receive_some(struct load *load, struct conn *conn)
{
    ssize_t n;

    if (make_room(conn)) {
        failed(load, conn);
        return;
    }
    n = recv(conn->fd, conn->in + conn->len, conn->capacity - conn->len, 0);
    if (n == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        conn->len += (size_t)n;
    switch (response_reader_run(&conn->reader, conn->in, &conn->len, n <= 0)) {
    case RESPONSE_DONE:
        answered(load, conn);
        return;
    case RESPONSE_BAD:
        failed(load, conn);
        return;
    case RESPONSE_MORE:
        if (n <= 0)
            failed(load, conn);
        return;
    }
}

static void on_idle_event(struct load *load, struct conn *conn)
{
    hang_up(load, conn); /* closed by the server while it rested: the next request opens another */
}

static void on_event(struct load *load, struct conn *conn, uint32_t events)
{
    int error = 0;
    socklen_t size = sizeof(error);

    switch (conn->state) {
    case IDLE:
        on_idle_event(load, conn);
        return;
    case CONNECTING:
        if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size) || error) {
            failed(load, conn);
            return;
        }
        conn->state = SENDING;
        send_some(load, conn);
        return;
    case SENDING:
        if (events & EPOLLOUT)
            send_some(load, conn);
        return;
    case RECEIVING:
        receive_some(load, conn);
        return;
    }
}

static void set_timer(struct load *load, int64_t at_us)
{
    struct itimerspec spec = {.it_value = {at_us / 1000000, at_us % 1000000 * 1000}};

    timerfd_settime(load->timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void arrivals(struct load *load)
{
    const struct load_args *args = load->args;
    int64_t now_us = clock_now_us();

    while (!load->closed_loop && load->due_us <= now_us && load->due_us < load->end_us) {
        double gap_us = 1e6 / args->rate;

        arrive(load, load->due_us);
        load->due_us +=
            (int64_t)(args->options->poisson ? gap_us * rng_exponential(&load->rng) : gap_us);
    }
}

static bool over(const struct load *load)
{
    int64_t now_us = clock_now_us();

    return now_us >= load->end_us &&
           ((load->in_flight == 0 && load->n_waiting == 0) || now_us >= load->end_us + GRACE_US);
}

static void turn(struct load *load)
{
    struct epoll_event events[256];
    int64_t wake_us =
        load->closed_loop || load->due_us >= load->end_us ? clock_now_us() + 50000 : load->due_us;
    int n;

    set_timer(load, wake_us);
    n = epoll_wait(load->epoll, events, 256, -1);
    for (int i = 0; i < n; i++) {
        uint64_t ticks;

        if (events[i].data.ptr)
            on_event(load, events[i].data.ptr, events[i].events);
        else if (read(load->timer, &ticks, sizeof(ticks)) == -1)
            continue;
        arrivals(load); /* between events too: a burst of answers must not hold arrivals up */
    }
}

static void count_lost(struct load *load)
{
    for (int i = 0; i < load->n_conns; i++)
        if (load->conns[i].state != IDLE && measured(load, load->conns[i].intended_us))
            stats_failure(load->stats, seconds_in(load, load->conns[i].intended_us));
    for (size_t i = 0; i < load->n_waiting; i++)
        stats_failure(load->stats, 0);
}

static double cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int open_all(struct load *load, struct err *err)
{
    struct epoll_event event = {.events = EPOLLIN};

    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    load->conns = calloc(MAX_CONNECTIONS, sizeof(*load->conns));
    load->waiting = calloc(MAX_WAITING, sizeof(*load->waiting));
    if (load->epoll == -1 || load->timer == -1 || !load->conns || !load->waiting)
        return err_set(err, ERR_NOMEM, "load: out of memory or descriptors");
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, load->timer, &event))
        return err_set_errno(err, ERR_INTERNAL, "epoll");
    return 0;
}

static void close_all(struct load *load)
{
    for (int i = 0; load->conns && i < load->n_conns; i++) {
        hang_up(load, &load->conns[i]);
        free(load->conns[i].in);
    }
    if (load->epoll != -1)
        close(load->epoll);
    if (load->timer != -1)
        close(load->timer);
    free(load->conns);
    free(load->waiting);
}

static void begin(struct load *load)
{
    const struct load_args *args = load->args;

    load->start_us = clock_now_us();
    load->measure_us = load->start_us + (int64_t)(args->warmup_s * 1e6);
    load->end_us = load->measure_us + (int64_t)(args->duration_s * 1e6);
    load->due_us = load->start_us;
    for (int i = 0; load->closed_loop && i < args->options->connections; i++)
        arrive(load, clock_now_us());
}

int load_run(const struct load_args *args, struct stats *stats, struct err *err)
{
    struct load load = {.args = args,
                        .stats = stats,
                        .epoll = -1,
                        .timer = -1,
                        .closed_loop = args->options->connections > 0};
    double cpu_s = cpu_seconds();
    int rc = -1;

    if (stats_init(stats, args->duration_s))
        return err_set(err, ERR_NOMEM, "load: out of memory");
    rng_init(&load.rng, args->options->seed ^ 0x5bd1e995);
    if (open_all(&load, err))
        goto out;
    begin(&load);
    while (!over(&load))
        turn(&load);
    count_lost(&load);
    stats->seconds = args->duration_s;
    stats->cpu_s = cpu_seconds() - cpu_s;
    rc = 0;
    if (stats->latency.count == 0 && stats->outcomes[OUTCOME_FAILED])
        rc = err_set(err, ERR_UNAVAILABLE, "%s: no request was answered", args->options->address);
out:
    close_all(&load);
    return rc;
}
