/* The life of a call: sent, answered, late, cancelled, or ended with the connection. */
#include "base/bug.h"
#include "base/clock.h"
#include "server/store/store.h"
#include "server/store/store_state.h"

#define BUSY_US 1000         /* a timer that fires this late: the loop was busy */
#define MAX_GRACES 64        /* reads of 16 KiB each */
#define MAX_LATE_BYTES 65536 /* of a late answer that are kept until the rest comes */

static const char late[] = "no reply within features.timeout_ms";

static void set_timer(struct pending *pending, int64_t due_us)
{
    pending->due_us = due_us;
    loop_timer_set(pending->store->loop, &pending->timer, due_us);
}

static void end(struct store_call *call, enum store_status status)
{
    if (call)
        call->on_done(call, status, NULL, 0);
}

/* STORE_OK, or why no call may be sent now. */
static enum store_status availability(const struct store *store)
{
    if (!store->settings.redis.url)
        return STORE_NONE;
    if (!store_session_ready(&store->session) || store->breaker.state != BREAKER_CLOSED)
        return STORE_DOWN;
    return store->pendings.n_taken < store->settings.redis.max_in_flight ? STORE_OK : STORE_BUSY;
}

void store_send(struct store *store, struct store_call *call, const struct store_command *commands,
                int n_commands, int64_t deadline_us)
{
    const int64_t late_us = call->start_us + store->settings.redis.timeout_ms * 1000;
    const enum store_status status = availability(store);
    struct pending *pending = status == STORE_OK ? pending_take(&store->pendings) : NULL;

    BUG_ON(n_commands < 1);
    if (!pending) {
        end(call, status == STORE_OK ? STORE_NO_MEMORY : status);
        return;
    }
    if (store_link_send(store->session.link, commands, n_commands, pending_token(pending))) {
        pending_put(&store->pendings, pending);
        end(call, STORE_NO_MEMORY);
        return;
    }
    call->pending = pending->index;
    pending->call = call;
    pending->overdue_us = late_us;
    set_timer(pending, late_us < deadline_us ? late_us : deadline_us);
}

/* The caller no longer waits for the answer; the store still owes it. */
static void give_up(struct pending *pending)
{
    struct store *store = pending->store;

    pending->call = NULL;
    if (clock_now_us() < pending->overdue_us) {
        set_timer(pending, pending->overdue_us);
        return;
    }
    loop_timer_remove(store->loop, &pending->timer);
    health_failed(store, late);
}

void store_cancel(struct store *store, struct store_call *call)
{
    struct pending *pending = pending_at(&store->pendings, call->pending);

    BUG_ON(pending->call != call);
    give_up(pending);
}

/*
 * A timer that fires late shows that this loop was busy, so the store may not be late: unread bytes
 * are read first, and the store has failed only if it stays silent for another timeout_ms.
 */
static bool put_off(struct pending *pending, int64_t now_us)
{
    struct store *store = pending->store;
    const bool was_busy = now_us - pending->due_us >= BUSY_US;

    if (pending->n_graces == 0 && !was_busy)
        return false;
    if (pending->n_graces < MAX_GRACES && store->session.link &&
        store_link_unread(store->session.link)) {
        pending->n_graces++;
        set_timer(pending, now_us);
        return true;
    }
    pending->n_graces = 0;
    pending->overdue_us = now_us + store->settings.redis.timeout_ms * 1000;
    return false;
}

void call_on_timer(struct timer *timer, void *arg)
{
    struct pending *pending = arg;
    struct store *store = pending->store;
    struct store_call *call = pending->call;
    bool overdue;

    (void)timer;
    if (put_off(pending, clock_now_us()))
        return;
    overdue = clock_now_us() >= pending->overdue_us;
    give_up(pending);
    end(call, STORE_LATE);
    /* Stop reading a reply that does not end. */
    if (overdue && store->session.link && store_link_held(store->session.link) > MAX_LATE_BYTES)
        store_link_fail(store->session.link, STORE_LATE, "a long reply is late");
}

void call_on_answer(struct store *store, const struct store_answer *answer)
{
    struct pending *pending = pending_of(&store->pendings, answer->token);
    struct store_call *call;

    if (!pending)
        return;
    if (answer->refusal)
        health_refused(store, answer->refusal->text);
    else
        health_succeeded(store);
    call = pending->call;
    pending_put(&store->pendings, pending);
    if (call)
        call->on_done(call, STORE_OK, answer->replies, answer->n_replies);
}

void calls_fail(struct store *store, enum store_status status, const char *reason)
{
    for (uint32_t i = 0; i < store->pendings.n && store->pendings.n_taken; i++) {
        struct pending *pending = pending_at(&store->pendings, i);
        struct store_call *call = pending->call;

        if (!pending->taken)
            continue;
        if (call)
            health_failed(store, reason);
        pending_put(&store->pendings, pending);
        end(call, status);
    }
}
