/* Reads the user's history in one round trip and merges it with the behaviour in the request. */
#include <stddef.h>

#include "base/clock.h"
#include "server/request/request.h"
#include "server/request/stored_events.h"
#include "server/request/worker_state.h"

static struct request *request_of(struct store_call *call)
{
    return (struct request *)(void *)((char *)call - offsetof(struct request, history.call));
}

/* Some or all stored behaviour is missing: marks the request, and counts it once. */
static void lack(struct request *r, enum features_reason reason)
{
    if (r->degraded & 1u << DEGRADED_FEATURES)
        return; /* the first reason counts */
    request_degrade(r, DEGRADED_FEATURES);
    r->history.reason = reason;
    metrics_count(r->worker->shard, METRIC_FEATURES_FAILED, reason, 1);
}

/* Turns stored events, newest first, into behaviour, oldest first; malformed ones are dropped and
 * the request is marked. */
static int unpack(struct request *r, const struct store_reply *events, int n, struct behaviour *out)
{
    int kept = 0, corrupt = 0;
    struct err err;

    for (int i = n - 1; i >= 0; i--) {
        struct view copy = {NULL, 0};

        if (events[i].text.len <= BEHAVIOUR_MAX_BYTES) {
            copy = arena_copy(&r->arena, events[i].text);
            if (!copy.ptr) {
                lack(r, FEATURES_REASON_NO_MEMORY);
                continue;
            }
        }
        if (copy.ptr && behaviour_unpack(copy, &out[kept], &err) == 0)
            kept++;
        else
            corrupt++;
    }
    if (corrupt) {
        lack(r, FEATURES_REASON_CORRUPT);
        metrics_count(r->worker->shard, METRIC_STORED_EVENTS_CORRUPT, 0, (uint64_t)corrupt);
    }
    return kept;
}

/* Fills in the texts of items that are in the catalog. */
static void fill_texts(struct request *r, struct behaviour *behaviours, int n)
{
    for (int i = 0; i < n; i++)
        if (behaviours[i].text.len == 0 && behaviours[i].item.len)
            behaviours[i].text = catalog_item_text(r->world->catalog, behaviours[i].item);
}

static void merge(struct request *r, const struct behaviour *stored, int n_stored)
{
    struct behaviour *filled;
    bool truncated = false;
    int n = 0;
    const struct behaviour *merged =
        behaviour_merge(stored, n_stored, r->decoded.behaviours, r->decoded.n_behaviours,
                        (int)r->world->config->rank.max_behaviour, &r->arena, &n, &truncated);

    filled = merged ? arena_array(&r->arena, (size_t)n, sizeof(*filled)) : NULL;
    if (!filled) {
        lack(r, FEATURES_REASON_NO_MEMORY);
        return;
    }
    if (n)
        memcpy(filled, merged, (size_t)n * sizeof(*filled));
    fill_texts(r, filled, n);
    r->history.behaviours = filled;
    r->history.n = n;
    if (truncated)
        request_degrade(r, DEGRADED_TRUNCATED);
}

static void on_features(struct store_call *call, enum store_status status,
                        const struct store_reply *replies, int n_replies)
{
    struct request *r = request_of(call);
    enum features_reason reason = stored_events_reason(status, replies);
    struct behaviour *stored = NULL;
    int64_t duration_us = clock_now_us() - call->start_us;
    int n = 0;

    r->history.out = false;
    r->timing_us[STAGE_FEATURES] = duration_us;
    if (reason == FEATURES_REASONS && n_replies && replies[0].n) {
        stored = arena_array(&r->arena, (size_t)replies[0].n, sizeof(*stored));
        if (stored)
            n = unpack(r, replies[0].elements, replies[0].n, stored);
        else
            reason = FEATURES_REASON_NO_MEMORY;
    }
    if (reason != FEATURES_REASONS)
        lack(r, reason);
    if (status != STORE_NONE) {
        metrics_observe(r->worker->shard, METRIC_REDIS_DURATION, 0, duration_us);
        metrics_observe(r->worker->shard, METRIC_STAGE_DURATION, STAGE_FEATURES, duration_us);
    }
    merge(r, stored, n);
    request_resume(r, STEP_NEXT);
}

enum step_result step_features(struct request *r)
{
    const struct config *config = r->world->config;

    if (r->decoded.privacy) /* no history is read or used */
        return STEP_NEXT;
    if (!config->features.url || r->decoded.user_id.len == 0 || config->rank.max_behaviour == 0) {
        merge(r, NULL, 0);
        return STEP_NEXT;
    }
    behaviour_pid(config->privacy.user_key.value, r->decoded.user_id, r->history.pid);
    r->history.out = true;
    r->history.call.on_done = on_features;
    r->history.call.start_us = clock_now_us();
    stored_events_read(r->worker->store, &r->history.call, r->history.pid,
                       (int)config->rank.max_behaviour,
                       r->deadline_us - config->deadline.encode_reserve_us);
    return STEP_WAIT;
}

void step_features_abandon(struct request *r)
{
    if (!r->history.out)
        return;
    if (r->late)
        lack(r, FEATURES_REASON_TIMEOUT);
    store_cancel(r->worker->store, &r->history.call);
    r->history.out = false;
}
