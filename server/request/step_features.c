#include "server/request/request_state.h"

#include "base/clock.h"

static struct request *request_of(struct features_call *call)
{
    return (struct request *)(void *)((char *)call - offsetof(struct request, features));
}

static const enum features_reason reasons[FEATURES_STATUSES] = {
    [FEATURES_LATE] = FEATURES_REASON_TIMEOUT,
    [FEATURES_DOWN] = FEATURES_REASON_DOWN,
    [FEATURES_BUSY] = FEATURES_REASON_BUSY,
    [FEATURES_REFUSED] = FEATURES_REASON_REFUSED,
    [FEATURES_WRONG_TYPE] = FEATURES_REASON_WRONG_TYPE,
    [FEATURES_NONSENSE] = FEATURES_REASON_NONSENSE,
    [FEATURES_NO_MEMORY] = FEATURES_REASON_NO_MEMORY,
};

void request_lacks_features(struct request *r, enum features_reason reason)
{
    if (r->degraded & 1u << DEGRADED_FEATURES)
        return; /* the first reason counts */
    request_degrade(r, DEGRADED_FEATURES);
    r->features_reason = reason;
    metrics_count(r->worker->shard, METRIC_FEATURES_FAILED, reason, 1);
}

/* Stored events, newest first, to behaviour oldest first; what cannot be read is left out and marked. */
static int unpack(struct request *r, const struct view *events, int n, struct behaviour *out)
{
    int kept = 0, corrupt = 0;
    struct err err;

    for (int i = n - 1; i >= 0; i--) {
        struct view copy = {NULL, 0};

        if (events[i].len <= BEHAVIOUR_MAX_BYTES) {
            copy = arena_copy(&r->arena, events[i]);
            if (!copy.ptr) {
                request_lacks_features(r, FEATURES_REASON_NO_MEMORY);
                continue;
            }
        }
        if (copy.ptr && behaviour_unpack(copy, &out[kept], &err) == 0)
            kept++;
        else
            corrupt++;
    }
    if (corrupt) {
        request_lacks_features(r, FEATURES_REASON_CORRUPT);
        metrics_count(r->worker->shard, METRIC_STORED_EVENTS_CORRUPT, 0, (uint64_t)corrupt);
    }
    return kept;
}

/* Texts of items that are in the catalog. */
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
        request_lacks_features(r, FEATURES_REASON_NO_MEMORY);
        return;
    }
    if (n)
        memcpy(filled, merged, (size_t)n * sizeof(*filled));
    fill_texts(r, filled, n);
    r->behaviours = filled;
    r->n_behaviours = n;
    if (truncated)
        request_degrade(r, DEGRADED_TRUNCATED);
}

static void on_features(struct features_call *call, enum features_status status,
                        const struct view *events, int n_events)
{
    struct request *r = request_of(call);
    struct behaviour *stored = NULL;
    int n = 0;

    r->features_out = false;
    r->timing.features_us = clock_now_us() - call->start_us;
    if (status == FEATURES_OK && n_events) {
        stored = arena_array(&r->arena, (size_t)n_events, sizeof(*stored));
        if (stored)
            n = unpack(r, events, n_events, stored);
        else
            status = FEATURES_NO_MEMORY;
    }
    if (status != FEATURES_OK && status != FEATURES_NONE)
        request_lacks_features(r, reasons[status]);
    if (status != FEATURES_NONE) {
        metrics_observe(r->worker->shard, METRIC_REDIS_DURATION, 0, r->timing.features_us);
        metrics_observe(r->worker->shard, METRIC_STAGE_DURATION, STAGE_FEATURES,
                        r->timing.features_us);
    }
    merge(r, stored, n);
    if (!r->in_step)
        request_resume(r);
}

enum step_result step_features(struct request *r)
{
    const struct config *config = r->world->config;
    char key[BEHAVIOUR_KEY_BYTES];

    if (r->decoded.privacy) /* no history is read or used */
        return STEP_NEXT;
    if (!config->features.url || r->decoded.user_id.len == 0 || config->rank.max_behaviour == 0) {
        merge(r, NULL, 0);
        return STEP_NEXT;
    }
    behaviour_pid(config->privacy.user_key.value, r->decoded.user_id, r->pid);
    behaviour_redis_key(r->pid, key);
    r->features_out = true;
    r->features.on_done = on_features;
    r->features.start_us = clock_now_us();
    features_fetch(r->worker->features, &r->features, key, (int)config->rank.max_behaviour,
                   r->deadline_us - config->deadline.encode_reserve_us);
    return r->features_out ? STEP_WAIT : STEP_NEXT;
}

void step_features_abandon(struct request *r)
{
    if (!r->features_out)
        return;
    features_cancel(r->worker->features, &r->features);
    r->features_out = false;
}
