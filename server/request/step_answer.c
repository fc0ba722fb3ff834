/* Writes, counts and logs the answer. */
#include "base/clock.h"
#include "server/request/reply.h"
#include "server/request/request_log.h"
#include "server/request/worker_state.h"

static void count(struct request *r)
{
    struct metrics_shard *shard = r->worker->shard;

    for (int i = 0; i < DEGRADED_REASONS; i++)
        if (r->degraded & 1u << i)
            metrics_count(shard, METRIC_DEGRADED, i, 1);
    for (int i = 0; i < FILTERED_REASONS; i++)
        if (r->rank.ranked.filtered[i])
            metrics_count(shard, METRIC_FILTERED, i, r->rank.ranked.filtered[i]);
    metrics_observe(shard, METRIC_STAGE_DURATION, STAGE_RANK, r->timing_us[STAGE_RANK]);
    metrics_observe(shard, METRIC_STAGE_DURATION, STAGE_TOTAL, r->timing_us[STAGE_TOTAL]);
    request_count_late(r);
}

enum step_result step_answer(struct request *r)
{
    const struct world *world = r->world;
    struct buf *body = &r->worker->body;
    const struct answer answer = {
        .request = &r->decoded,
        .request_id = view_of(r->call->request_id),
        .model = model_name(world_model(world)->model),
        .model_version = model_version(world_model(world)->model),
        .model_digest = model_digest(world_model(world)->model),
        .generation = world->generation,
        .currency = world->config->rank.currency,
        .ranked = &r->rank.ranked,
        .degraded = r->degraded,
        .timing_us = r->timing_us,
    };
    struct http_response response = {0};
    int64_t now_us = clock_now_us();
    wire_write_fn write = r->rank.ranked.n ? r->format->write_answer : r->format->write_none;

    r->timing_us[STAGE_TOTAL] = now_us - r->call->received_us;
    if (r->rank.start_us)
        r->timing_us[STAGE_RANK] = now_us - r->rank.start_us;
    buf_clear(body);
    write(&answer, &r->arena, body, &response);
    if (buf_failed(body)) {
        buf_release(body); /* a failed one stays failed */
        return request_refuse(r, PROBLEM_OUT_OF_MEMORY, NULL);
    }
    count(r);
    request_log(r, &answer);
    response.body = buf_view(body);
    http_call_respond(r->call, &response);
    r->call = NULL;
    return STEP_ENDED;
}
