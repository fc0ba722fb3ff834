#include "server/features/features.h"

#include <hiredis/hiredis.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/features/link.h"
#include "server/features/resolver.h"

#define SEATS_PER_CHUNK 64
#define MAX_CHUNKS (FEATURES_MAX_IN_FLIGHT / SEATS_PER_CHUNK)
#define PROBE_US 200000 /* a probe without an answer for this long has failed */
#define PROBES_BEFORE_RECONNECT 2
#define TOKEN_PROBE UINT64_MAX

/* A command on the wire. The seat stays taken until its reply comes or the link ends, so that no more than
 * max_in_flight commands are out whatever their callers gave up on. */
struct seat {
    struct features_call *call; /* NULL: given up, the reply is thrown away */
    struct features *features;
    struct timer timer;
    bool taken;
    uint32_t index, generation;
    struct seat *next_free;
};

struct features {
    struct loop *loop;
    struct rng rng;
    char *strings; /* owns url's, user's and password's bytes */
    struct features_options options;
    struct redis_url url;

    struct link *link; /* NULL: between two */
    struct resolution *resolution;
    struct timer retry;
    int64_t retry_delay_us;
    char address[RESOLVER_ADDRESS];
    bool told_down; /* one log line per outage */

    struct breaker breaker;
    struct timer probe;
    int lost_probes;
    uint64_t probe_ticket;

    struct seat *chunks[MAX_CHUNKS]; /* seats never move: timers are linked by address */
    uint32_t n_seats, n_taken;
    struct seat *free_seat;
    struct view *views; /* of the reply that is being told */
    size_t n_views;
    struct buf command;

    atomic_bool up;
    atomic_int shown_breaker;
};

static void connect_now(struct features *f);
static void drop_link(struct features *f);

bool features_up(const struct features *f)
{
    return atomic_load(&f->up);
}

enum breaker_state features_breaker(const struct features *f)
{
    return (enum breaker_state)atomic_load(&f->shown_breaker);
}

/* ---- breaker ------------------------------------------------------------------------------------ */

static void show(struct features *f)
{
    atomic_store(&f->shown_breaker, (int)f->breaker.state);
    atomic_store(&f->up, f->link && link_ready(f->link) && f->breaker.state == BREAKER_CLOSED);
    if (f->breaker.state == BREAKER_OPEN)
        loop_timer_set(f->loop, &f->probe, f->breaker.probe_us);
}

static void succeeded(struct features *f)
{
    if (f->breaker.state != BREAKER_CLOSED)
        return; /* only a probe closes it */
    breaker_success(&f->breaker);
    show(f);
}

static void failed(struct features *f)
{
    bool was_closed = f->breaker.state == BREAKER_CLOSED;

    if (!was_closed)
        return;
    breaker_failure(&f->breaker, clock_now_us(), &f->rng);
    if (f->breaker.state == BREAKER_OPEN)
        log_warn("redis_breaker_open");
    show(f);
}

static void probe_failed(struct features *f)
{
    breaker_failure(&f->breaker, clock_now_us(), &f->rng);
    show(f);
    if (++f->lost_probes < PROBES_BEFORE_RECONNECT || !f->link)
        return;
    /* A peer that vanished without a word answers nothing ever again: try another connection. */
    f->lost_probes = 0;
    drop_link(f);
    connect_now(f);
}

/* Due: either the breaker wants its probe, or the probe that is out was not answered. */
static void on_probe(struct timer *timer, void *arg)
{
    struct features *f = arg;
    int64_t now_us = clock_now_us();

    (void)timer;
    if (f->breaker.state == BREAKER_HALF_OPEN) {
        probe_failed(f);
        return;
    }
    if (!breaker_probe(&f->breaker, now_us))
        return;
    if (!f->link || !link_ready(f->link) ||
        link_send(f->link, VIEW_LIT("*1\r\n$4\r\nPING\r\n"), TOKEN_PROBE)) {
        probe_failed(f);
        return;
    }
    show(f);
    loop_timer_set(f->loop, &f->probe, now_us + PROBE_US);
}

static void on_probe_reply(struct features *f, const redisReply *reply)
{
    if (f->breaker.state != BREAKER_HALF_OPEN)
        return; /* of an earlier, lost one */
    if (reply->type == REDIS_REPLY_ERROR) {
        probe_failed(f);
        return;
    }
    f->lost_probes = 0;
    loop_timer_set(f->loop, &f->probe, TIMER_NEVER);
    breaker_success(&f->breaker);
    log_info("redis_breaker_closed");
    show(f);
}

/* ---- seats -------------------------------------------------------------------------------------- */

static void seat_release(struct seat *seat)
{
    struct features *f = seat->features;

    loop_timer_remove(f->loop, &seat->timer);
    seat->call = NULL;
    seat->taken = false;
    seat->generation++;
    seat->next_free = f->free_seat;
    f->free_seat = seat;
    f->n_taken--;
}

static void tell(struct seat *seat, enum features_status status, const struct view *events, int n)
{
    struct features_call *call = seat->call;

    seat->call = NULL;
    loop_timer_remove(seat->features->loop, &seat->timer);
    if (call)
        call->on_done(call, status, events, n);
}

static void on_late(struct timer *timer, void *arg)
{
    struct seat *seat = arg;

    (void)timer;
    failed(seat->features);
    tell(seat, FEATURES_LATE, NULL, 0); /* the seat stays taken: its reply is still on the way */
}

static struct seat *seat_at(struct features *f, uint32_t index)
{
    return &f->chunks[index / SEATS_PER_CHUNK][index % SEATS_PER_CHUNK];
}

static int more_seats(struct features *f)
{
    uint32_t chunk = f->n_seats / SEATS_PER_CHUNK;
    struct seat *seats = chunk < MAX_CHUNKS ? calloc(SEATS_PER_CHUNK, sizeof(*seats)) : NULL;

    if (!seats)
        return -1;
    f->chunks[chunk] = seats;
    for (uint32_t i = 0; i < SEATS_PER_CHUNK; i++) {
        seats[i].features = f;
        seats[i].index = f->n_seats++;
        timer_init(&seats[i].timer, on_late, &seats[i]);
        seats[i].next_free = f->free_seat;
        f->free_seat = &seats[i];
    }
    return 0;
}

static void fail_all(struct features *f)
{
    for (uint32_t i = 0; i < f->n_seats && f->n_taken; i++) {
        struct seat *seat = seat_at(f, i);

        if (!seat->taken)
            continue;
        if (seat->call)
            failed(f);
        tell(seat, FEATURES_DOWN, NULL, 0);
        seat_release(seat);
    }
}

/* Commands that are out on it never get a reply: their seats are free again. */
static void drop_link(struct features *f)
{
    link_close(f->link);
    f->link = NULL;
    fail_all(f);
}

/* ---- the connection ----------------------------------------------------------------------------- */

static void retry_later(struct features *f)
{
    f->retry_delay_us = backoff_next_us(f->retry_delay_us);
    loop_timer_set(f->loop, &f->retry,
                   clock_now_us() + backoff_jitter_us(f->retry_delay_us, &f->rng));
}

static void on_ready(struct link *link, void *arg)
{
    struct features *f = arg;

    (void)link;
    f->retry_delay_us = 0;
    if (f->told_down)
        log_info("redis_back");
    f->told_down = false;
    f->lost_probes = 0;
    /* A fresh connection that was greeted has proven itself. */
    loop_timer_set(f->loop, &f->probe, TIMER_NEVER);
    breaker_success(&f->breaker);
    show(f);
}

static void on_end(struct link *link, const char *why, void *arg)
{
    struct features *f = arg;

    (void)link;
    f->link = NULL;
    if (!f->told_down)
        log_warn("redis_gone", LOG_STR("reason", why));
    f->told_down = true;
    fail_all(f);
    show(f);
    retry_later(f);
}

/* Strings of a list reply; -1 when it is anything else. */
static int take_views(struct features *f, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY)
        return -1;
    if (reply->elements > f->n_views) {
        struct view *views = realloc(f->views, reply->elements * sizeof(*views));

        if (!views)
            return -1;
        f->views = views;
        f->n_views = reply->elements;
    }
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *item = reply->element[i];

        if (item->type != REDIS_REPLY_STRING)
            return -1;
        f->views[i] = (struct view){item->str, (size_t)item->len};
    }
    return (int)reply->elements;
}

static void on_reply(struct link *link, uint64_t token, const redisReply *reply, void *arg)
{
    struct features *f = arg;
    struct seat *seat;
    int n;

    (void)link;
    if (token == TOKEN_PROBE) {
        on_probe_reply(f, reply);
        return;
    }
    seat = seat_at(f, (uint32_t)token);
    if (!seat->taken || seat->generation != (uint32_t)(token >> 32))
        return;
    n = take_views(f, reply);
    /* A key of another type is that user's trouble; any other error is the server's. */
    if (n >= 0 || (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "WRONGTYPE", 9) == 0))
        succeeded(f);
    else
        failed(f);
    tell(seat, n >= 0 ? FEATURES_OK : FEATURES_BAD, f->views, n >= 0 ? n : 0);
    seat_release(seat);
}

static void dial(struct features *f)
{
    const char *why = NULL;
    struct link_args args = {
        .loop = f->loop,
        .url = &f->url,
        .address = f->address,
        .user = view_of(f->options.user),
        .password = f->options.password,
        .database = f->options.database,
        .connect_ms = f->options.connect_ms,
        .events = {.on_ready = on_ready, .on_reply = on_reply, .on_end = on_end, .arg = f},
    };

    f->link = link_open(&args, &why);
    if (!f->link)
        on_end(NULL, why, f);
}

static void on_resolved(void *arg, const char *address)
{
    struct features *f = arg;

    f->resolution = NULL;
    if (!address[0]) {
        on_end(NULL, "its name does not resolve", f);
        return;
    }
    memcpy(f->address, address, sizeof(f->address));
    dial(f);
}

static void connect_now(struct features *f)
{
    if (!f->options.url || f->options.hold || f->link || f->resolution)
        return;
    if (f->url.is_unix || resolver_is_numeric(f->url.host)) {
        if (!f->url.is_unix)
            memcpy(f->address, f->url.host, sizeof(f->address));
        dial(f);
        return;
    }
    f->resolution = resolver_start(f->url.host, &f->loop->mailbox, on_resolved, f);
    if (!f->resolution)
        retry_later(f);
}

static void on_retry(struct timer *timer, void *arg)
{
    (void)timer;
    connect_now(arg);
}

/* ---- options ------------------------------------------------------------------------------------ */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_server(const struct features_options *a, const struct features_options *b)
{
    return same_text(a->url, b->url) && same_text(a->user, b->user) &&
           view_eq(a->password, b->password) && a->database == b->database && a->hold == b->hold;
}

/* One block holds the three strings. */
static int copy_options(const struct features_options *from, struct features_options *to,
                        char **strings)
{
    size_t url = from->url ? strlen(from->url) + 1 : 0,
           user = from->user ? strlen(from->user) + 1 : 0;
    char *at = malloc(url + user + from->password.len + 1);

    if (!at)
        return -1;
    *to = *from;
    *strings = at;
    if (url)
        to->url = memcpy(at, from->url, url);
    if (user)
        to->user = memcpy(at + url, from->user, user);
    if (from->password.len)
        to->password.ptr = memcpy(at + url + user, from->password.ptr, from->password.len);
    return 0;
}

int features_set(struct features *f, const struct features_options *options, struct err *err)
{
    struct features_options copy;
    struct redis_url url = {0};
    char *strings;
    bool same = same_server(&f->options, options);

    if (options->url && redis_url_parse(options->url, &url, err))
        return -1;
    if (copy_options(options, &copy, &strings))
        return err_set(err, ERR_NOMEM, "features: out of memory");
    free(f->strings);
    f->strings = strings;
    f->options = copy;
    f->url = url;
    if (same)
        return 0;
    /* Another server: what is out on the old connection is told DOWN. */
    resolver_abandon(f->resolution);
    f->resolution = NULL;
    drop_link(f);
    breaker_init(&f->breaker);
    loop_timer_set(f->loop, &f->probe, TIMER_NEVER);
    f->retry_delay_us = 0;
    f->told_down = false;
    show(f);
    loop_timer_set(f->loop, &f->retry, clock_now_us());
    return 0;
}

int features_new(struct loop *loop, const struct features_options *options, uint64_t seed,
                 struct features **out, struct err *err)
{
    struct features *f = calloc(1, sizeof(*f));

    if (!f)
        return err_set(err, ERR_NOMEM, "features: out of memory");
    f->loop = loop;
    rng_init(&f->rng, seed);
    breaker_init(&f->breaker);
    timer_init(&f->retry, on_retry, f);
    timer_init(&f->probe, on_probe, f);
    if (features_set(f, options, err)) {
        features_free(f);
        return -1;
    }
    *out = f;
    return 0;
}

void features_free(struct features *f)
{
    if (!f)
        return;
    resolver_abandon(f->resolution);
    drop_link(f);
    loop_timer_remove(f->loop, &f->retry);
    loop_timer_remove(f->loop, &f->probe);
    for (uint32_t i = 0; i * SEATS_PER_CHUNK < f->n_seats; i++)
        free(f->chunks[i]);
    free(f->views);
    buf_release(&f->command);
    free(f->strings);
    free(f);
}

/* ---- calls -------------------------------------------------------------------------------------- */

static void write_command(struct features *f, const char *key, int max_events)
{
    char last[16];
    int n = snprintf(last, sizeof(last), "%d", max_events - 1);

    buf_clear(&f->command);
    buf_printf(&f->command, "*4\r\n$6\r\nLRANGE\r\n$%zu\r\n%s\r\n$1\r\n0\r\n$%d\r\n%s\r\n",
               strlen(key), key, n, last);
}

static struct seat *take_seat(struct features *f)
{
    struct seat *seat;

    if (f->n_taken >= (uint32_t)f->options.max_in_flight)
        return NULL;
    if (!f->free_seat && more_seats(f))
        return NULL;
    seat = f->free_seat;
    f->free_seat = seat->next_free;
    f->n_taken++;
    seat->taken = true;
    return seat;
}

void features_fetch(struct features *f, struct features_call *call, const char *key, int max_events,
                    int64_t deadline_us)
{
    int64_t late_us = call->start_us + f->options.timeout_ms * 1000LL;
    struct seat *seat;
    uint64_t token;

    if (!f->options.url) {
        call->on_done(call, FEATURES_NONE, NULL, 0);
        return;
    }
    seat =
        f->link && link_ready(f->link) && f->breaker.state == BREAKER_CLOSED ? take_seat(f) : NULL;
    if (!seat) {
        call->on_done(call, FEATURES_DOWN, NULL, 0);
        return;
    }
    write_command(f, key, max_events);
    call->seat = seat->index;
    seat->call = call;
    token = (uint64_t)seat->generation << 32 | call->seat;
    if (buf_failed(&f->command) || link_send(f->link, buf_view(&f->command), token)) {
        tell(seat, FEATURES_DOWN, NULL, 0);
        seat_release(seat);
        return;
    }
    loop_timer_set(f->loop, &seat->timer, late_us < deadline_us ? late_us : deadline_us);
}

void features_cancel(struct features *f, struct features_call *call)
{
    struct seat *seat = seat_at(f, call->seat);

    BUG_ON(seat->call != call);
    /* Its timer and the caller's may be due at once: who comes first must not matter to the breaker. */
    if (seat->timer.due_us <= clock_now_us())
        failed(f);
    seat->call = NULL;
    loop_timer_remove(f->loop, &seat->timer);
}
