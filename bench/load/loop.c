/* Sends requests on schedule and collects the answers. */
#include "bench/load/loop.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "bench/load/conn.h"

#define MAX_WAITING (1 << 20)
#define GRACE_US 3000000  /* for outstanding answers at the end */
#define BACK_OFF_US 10000 /* after a failure to connect */
#define TICK_US 50000     /* between checks whether the run is over */

struct load {
    struct conn_owner owner; /* first: callbacks cast it back */
    const struct load_args *args;
    struct stats *stats;
    struct rng rng;
    int timer;
    struct conn *conns; /* (OPTIONS_MAX_CONNECTIONS) */
    int n_conns;
    struct conn *idle;                   /* last used first: its caches are warm */
    struct conn *resting, **resting_end; /* backing off, in order of expiry */
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

static void count_sent(struct load *load, int64_t intended_us)
{
    if (measured(load, intended_us))
        stats_sent(load->stats, seconds_in(load, intended_us));
}

static void count_failure(struct load *load, int64_t intended_us)
{
    if (measured(load, intended_us))
        stats_failure(load->stats, seconds_in(load, intended_us));
}

static void start_request(struct load *load, struct conn *conn, int64_t intended_us)
{
    const struct traffic *traffic = load->args->traffic;
    int64_t behind_us = clock_now_us() - intended_us;
    struct view request = traffic->requests[load->next_request];

    load->next_request = (load->next_request + 1) % traffic->n;
    load->in_flight++;
    if (measured(load, intended_us) && behind_us > (int64_t)load->stats->behind_us)
        load->stats->behind_us = (uint64_t)behind_us;
    conn->intended_us = intended_us;
    conn_start(conn, request);
}

static int64_t take_waiting(struct load *load)
{
    int64_t intended_us = load->waiting[load->waiting_head];

    load->waiting_head = (load->waiting_head + 1) % MAX_WAITING;
    load->n_waiting--;
    return intended_us;
}

/* A connection is free: in a closed loop it sends again, in an open one it takes the request that
 * has waited longest, else it becomes idle. */
static void reuse(struct load *load, struct conn *conn)
{
    int64_t now_us = clock_now_us();

    if (load->closed_loop && now_us < load->end_us) {
        count_sent(load, now_us);
        start_request(load, conn, now_us);
    } else if (load->n_waiting) {
        start_request(load, conn, take_waiting(load));
    } else {
        conn->next = load->idle;
        load->idle = conn;
    }
}

static void on_answer(struct conn_owner *owner, struct conn *conn)
{
    struct load *load = (struct load *)owner;

    if (measured(load, conn->intended_us))
        stats_answer(load->stats, conn->reader.status, conn_body(conn),
                     clock_now_us() - conn->intended_us, load->args->options->tmax_ms,
                     seconds_in(load, conn->intended_us));
    load->in_flight--;
    reuse(load, conn);
}

/* When nothing listens, a failure takes microseconds: without a pause a closed loop would spin. */
static void back_off(struct load *load, struct conn *conn)
{
    conn->intended_us = clock_now_us() + BACK_OFF_US;
    conn->next = NULL;
    *load->resting_end = conn;
    load->resting_end = &conn->next;
}

static void on_failure(struct conn_owner *owner, struct conn *conn)
{
    struct load *load = (struct load *)owner;

    count_failure(load, conn->intended_us);
    load->in_flight--;
    if (conn->unreachable)
        back_off(load, conn);
    else
        reuse(load, conn);
}

static void end_back_offs(struct load *load)
{
    int64_t now_us = clock_now_us();

    while (load->resting && load->resting->intended_us <= now_us) {
        struct conn *conn = load->resting;

        load->resting = conn->next;
        if (!load->resting)
            load->resting_end = &load->resting;
        reuse(load, conn);
    }
}

static struct conn *free_connection(struct load *load)
{
    struct conn *conn = load->idle;

    if (conn) {
        load->idle = conn->next;
        return conn;
    }
    if (load->n_conns == OPTIONS_MAX_CONNECTIONS)
        return NULL;
    conn = &load->conns[load->n_conns++];
    conn_init(conn, &load->owner);
    return conn;
}

static void arrive(struct load *load, int64_t intended_us)
{
    struct conn *conn = free_connection(load);

    count_sent(load, intended_us);
    if (conn) {
        start_request(load, conn, intended_us);
        return;
    }
    if (measured(load, intended_us))
        load->stats->waited++;
    if (load->n_waiting == MAX_WAITING) {
        count_failure(load, intended_us);
        return;
    }
    load->waiting[(load->waiting_head + load->n_waiting++) % MAX_WAITING] = intended_us;
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

static int64_t wake_us(const struct load *load)
{
    int64_t at_us = clock_now_us() + TICK_US;

    if (!load->closed_loop && load->due_us < load->end_us)
        at_us = load->due_us;
    if (load->resting && load->resting->intended_us < at_us)
        at_us = load->resting->intended_us;
    return at_us;
}

static void turn(struct load *load)
{
    struct epoll_event events[256];
    int n;

    set_timer(load, wake_us(load));
    n = epoll_wait(load->owner.epoll, events, 256, -1);
    for (int i = 0; i < n; i++) {
        uint64_t ticks;

        if (events[i].data.ptr)
            conn_on_event(events[i].data.ptr, events[i].events);
        else if (read(load->timer, &ticks, sizeof(ticks)) == -1)
            continue;
        arrivals(load); /* between events too: a burst of answers must not delay arrivals */
    }
    end_back_offs(load);
}

static void count_lost(struct load *load)
{
    for (int i = 0; i < load->n_conns; i++)
        if (load->conns[i].state != CONN_IDLE)
            count_failure(load, load->conns[i].intended_us);
    while (load->n_waiting)
        count_failure(load, take_waiting(load));
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

    load->owner = (struct conn_owner){.epoll = epoll_create1(EPOLL_CLOEXEC),
                                      .address = load->args->options->address,
                                      .on_answer = on_answer,
                                      .on_failure = on_failure};
    load->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    load->conns = calloc(OPTIONS_MAX_CONNECTIONS, sizeof(*load->conns));
    load->waiting = calloc(MAX_WAITING, sizeof(*load->waiting));
    if (load->owner.epoll == -1 || load->timer == -1 || !load->conns || !load->waiting)
        return err_set(err, ERR_NOMEM, "load: out of memory or descriptors");
    if (epoll_ctl(load->owner.epoll, EPOLL_CTL_ADD, load->timer, &event))
        return err_set_errno(err, ERR_INTERNAL, "epoll");
    return 0;
}

static void close_all(struct load *load)
{
    for (int i = 0; load->conns && i < load->n_conns; i++)
        conn_release(&load->conns[i]);
    if (load->owner.epoll != -1)
        close(load->owner.epoll);
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

/* Whether something other than adrankd answers there. */
static bool all_failed(const struct stats *stats)
{
    uint64_t n = 0;

    for (int i = 0; i < OUTCOMES; i++)
        n += stats->outcomes[i];
    return n && n == stats->outcomes[OUTCOME_FAILED];
}

int load_run(const struct load_args *args, struct stats *stats, struct err *err)
{
    struct load load = {.owner.epoll = -1,
                        .args = args,
                        .stats = stats,
                        .timer = -1,
                        .closed_loop = args->options->connections > 0};
    double cpu_s = cpu_seconds();
    int rc = -1;

    if (stats_init(stats, args->duration_s))
        return err_set(err, ERR_NOMEM, "load: out of memory");
    load.resting_end = &load.resting;
    rng_init(&load.rng, (uint64_t)args->options->seed ^ 0x5bd1e995);
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
    else if (all_failed(stats))
        rc = err_set(err, ERR_UNAVAILABLE, "%s: no request was answered as adrankd answers /rank",
                     args->options->address);
out:
    close_all(&load);
    return rc;
}
