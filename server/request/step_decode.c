/* Decodes the body into a struct impression_request and sets the deadline. */
#include "base/clock.h"
#include "server/request/reply.h"
#include "server/request/worker_state.h"

#define MAX_PROBLEM_BYTES (128 << 10) /* problems kept of a refused body; others are counted */

static bool spent(const struct request *r, int64_t now_us)
{
    const struct config *config = r->world->config;

    return now_us + config->deadline.encode_reserve_us >= r->deadline_us;
}

/* Budget of the whole call, counted from the request's first byte (CONTRACT 3, tmax). */
static void set_deadline(struct request *r)
{
    const struct config *config = r->world->config;
    int64_t tmax_ms = r->decoded.tmax_ms;
    int64_t budget_ms = config->deadline.default_ms;

    if (tmax_ms > 0) {
        budget_ms = tmax_ms < config->deadline.max_ms ? tmax_ms : config->deadline.max_ms;
        budget_ms -= config->deadline.network_ms;
    }
    r->deadline_us = r->call->received_us + budget_ms * 1000;
}

static enum step_result refuse(struct request *r, enum decode_status status,
                               const struct problems *problems)
{
    switch (status) {
    case DECODE_NOT_JSON:
        return request_refuse(r, PROBLEM_NOT_JSON, problems);
    case DECODE_INVALID:
        return request_refuse(r, PROBLEM_INVALID_REQUEST, problems);
    default:
        return request_refuse(r, PROBLEM_OUT_OF_MEMORY, NULL);
    }
}

_Static_assert(METRICS_PRIVACY_SIGNALS == PRIVACY_SIGNALS, "names of server/metrics/table.c");

/* Global Privacy Control as a header (its specification, 3.2), whatever the format of the body; of
 * several fields the strictest counts. */
static bool has_gpc_header(const struct http_call *call)
{
    uint32_t at = 0;
    struct view value;

    while ((value = http_call_field(call, "Sec-GPC", &at)).ptr)
        if (privacy_gpc_is_set(value))
            return true;
    return false;
}

static void count_privacy(struct request *r)
{
    request_degrade(r, DEGRADED_PRIVACY);
    for (int i = 0; i < PRIVACY_SIGNALS; i++)
        if (r->decoded.privacy & 1u << i)
            metrics_count(r->worker->shard, METRIC_REQUEST_PRIVACY, i, 1);
}

static void count_ignored(struct request *r)
{
    if (r->decoded.ignored_imps)
        metrics_count(r->worker->shard, METRIC_REQUEST_IGNORED, IGNORED_IMPS,
                      (uint64_t)r->decoded.ignored_imps);
    if (r->decoded.ignored_site)
        metrics_count(r->worker->shard, METRIC_REQUEST_IGNORED, IGNORED_SITE, 1);
}

enum step_result step_decode(struct request *r)
{
    const struct config *config = r->world->config;
    struct decode_limits limits = {
        .max_imps = (int)config->rank.max_imps,
        .max_candidates = (int)config->rank.max_candidates,
        .max_behaviour = (int)config->rank.max_behaviour,
        .max_top_n = (int)config->rank.max_top_n,
        .max_pairs = RANK_MAX_PAIRS,
        .max_results = RANK_MAX_RESULTS,
        .top_n = (int)config->rank.top_n,
    };
    int64_t start_us = clock_now_us(), now_us;
    struct problems problems;
    enum decode_status status;
    bool truncated = false;

    problems_init_bytes(&problems, &r->arena, MAX_PROBLEM_BYTES);
    status = r->format->decode(r->call, &limits, &r->arena, &r->decoded, &truncated, &problems);
    now_us = clock_now_us();
    r->timing_us[STAGE_PARSE] = now_us - start_us;
    metrics_observe(r->worker->shard, METRIC_STAGE_DURATION, STAGE_PARSE,
                    r->timing_us[STAGE_PARSE]);
    if (status != DECODE_OK)
        return refuse(r, status, &problems);
    if (has_gpc_header(r->call))
        r->decoded.privacy |= 1u << PRIVACY_GPC;
    if (r->decoded.privacy)
        count_privacy(r);
    else if (truncated) /* a history that is not used is not truncated either */
        request_degrade(r, DEGRADED_TRUNCATED);
    count_ignored(r);
    set_deadline(r);
    if (spent(r, now_us))
        return STEP_LATE;
    loop_timer_set(&r->worker->worker->loop, &r->answer_timer,
                   r->deadline_us - config->deadline.encode_reserve_us);
    return STEP_NEXT;
}
