#include "server/store/features.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/secret.h"
#include "server/store/features_state.h"

int features_new(struct loop *loop, const struct features_options *options, uint64_t seed,
                 struct features **out, struct err *err)
{
    struct features *f = calloc(1, sizeof(*f));

    if (!f)
        return err_set(err, ERR_NOMEM, "features: out of memory");
    f->loop = loop;
    rng_init(&f->rng, seed);
    breaker_init(&f->breaker);
    timer_init(&f->retry, session_on_retry, f);
    timer_init(&f->probe, features_on_probe, f);
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
    session_drop(f);
    loop_timer_remove(f->loop, &f->retry);
    loop_timer_remove(f->loop, &f->probe);
    for (uint32_t i = 0; i * SEATS_PER_CHUNK < f->n_seats; i++)
        free(f->chunks[i]);
    free(f->views);
    buf_release(&f->command);
    secret_free(&f->strings);
    free(f);
}

static void write_command(struct features *f, const char *key, int max_events)
{
    char last[16];
    int n = snprintf(last, sizeof(last), "%d", max_events - 1);

    buf_clear(&f->command);
    buf_printf(&f->command, "*4\r\n$6\r\nLRANGE\r\n$%zu\r\n%s\r\n$1\r\n0\r\n$%d\r\n%s\r\n",
               strlen(key), key, n, last);
}

void features_fetch(struct features *f, struct features_call *call, const char *key, int max_events,
                    int64_t deadline_us)
{
    int64_t late_us = call->start_us + f->options.timeout_ms * 1000LL;
    enum features_status status;
    struct seat *seat;
    uint64_t token;

    if (!f->options.url) {
        call->on_done(call, FEATURES_NONE, NULL, 0);
        return;
    }
    if (!f->link || !features_link_ready(f->link) || f->breaker.state != BREAKER_CLOSED) {
        call->on_done(call, FEATURES_DOWN, NULL, 0);
        return;
    }
    seat = seat_take(f, &status);
    if (!seat) {
        call->on_done(call, status, NULL, 0);
        return;
    }
    write_command(f, key, max_events);
    call->seat = seat->index;
    seat->call = call;
    seat->overdue_us = late_us;
    seat->max_events = max_events;
    token = (uint64_t)seat->generation << 32 | call->seat;
    if (buf_failed(&f->command) ||
        features_link_send(f->link, buf_view(&f->command), max_events, token)) {
        seat_tell(seat, FEATURES_NO_MEMORY, NULL, 0);
        seat_release(seat);
        return;
    }
    loop_timer_set(f->loop, &seat->timer, late_us < deadline_us ? late_us : deadline_us);
}

void features_cancel(struct features *f, struct features_call *call)
{
    struct seat *seat = seat_at(f, call->seat);

    BUG_ON(seat->call != call);
    seat_give_up(seat);
}

static int more_views(struct features *f, size_t n)
{
    struct view *views = n > f->n_views ? realloc(f->views, n * sizeof(*views)) : f->views;

    if (n && !views)
        return -1;
    f->views = views;
    f->n_views = n > f->n_views ? n : f->n_views;
    return 0;
}

/* A list's strings as f->views. */
static enum features_status take_views(struct features *f, const redisReply *reply, int max_events)
{
    if (reply->type == REDIS_REPLY_ERROR)
        return strncmp(reply->str, "WRONGTYPE", 9) == 0 ? FEATURES_WRONG_TYPE : FEATURES_REFUSED;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements > (size_t)max_events)
        return FEATURES_NONSENSE;
    if (more_views(f, reply->elements))
        return FEATURES_NO_MEMORY;
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *item = reply->element[i];

        if (item->type != REDIS_REPLY_STRING)
            return FEATURES_NONSENSE;
        f->views[i] = (struct view){item->str, (size_t)item->len};
    }
    return FEATURES_OK;
}

static void note(struct features *f, enum features_status status, const redisReply *reply)
{
    if (status == FEATURES_REFUSED)
        features_refused(f, (struct view){reply->str, (size_t)reply->len});
    else if (status != FEATURES_NO_MEMORY)
        features_succeeded(f); /* a key of another type is that user's trouble */
}

void features_on_reply(struct features_link *link, uint64_t token, const redisReply *reply,
                       void *arg)
{
    struct features *f = arg;
    struct seat *seat = token == TOKEN_PROBE ? NULL : seat_at(f, (uint32_t)token);
    enum features_status status = take_views(f, reply, seat ? seat->max_events : 1);
    const int n = status == FEATURES_OK ? (int)reply->elements : 0;

    if (status == FEATURES_NONSENSE) {
        /* Whose reply this is, nobody can tell, nor of those behind it. */
        features_link_fail(link, FEATURES_NONSENSE, "nonsense: not a list of strings");
        return;
    }
    if (!seat) {
        features_on_probe_reply(f, status);
        return;
    }
    if (!seat->taken || seat->generation != (uint32_t)(token >> 32))
        return;
    note(f, status, reply);
    seat_tell(seat, status, f->views, n);
    seat_release(seat);
}
