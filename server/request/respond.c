/* The 200 of a request: counted, logged, written. */
#include <inttypes.h>

#include "base/clock.h"
#include "server/request/request_state.h"

/* A budget that was none from the start is not counted. What the client's own slowness to send left too little of is
 * the client's lateness. */
void request_count_late(struct request *r)
{
    const struct http_call *x = r->call;
    const int64_t needed_us = r->world->config->deadline.encode_reserve_us;
    bool ours = x->complete_us + needed_us < r->deadline_us;

    if (r->deadline_us > x->received_us && clock_now_us() > r->deadline_us)
        metrics_count(r->worker->shard, ours ? METRIC_LATE : METRIC_LATE_CLIENT, 0, 1);
}

static void count(struct request *r, const struct ranked *ranked, int64_t total_us)
{
    struct metrics_shard *shard = r->worker->shard;

    for (int i = 0; i < DEGRADED_REASONS; i++)
        if (r->degraded & 1u << i)
            metrics_count(shard, METRIC_DEGRADED, i, 1);
    for (int i = 0; i < FILTERED_REASONS; i++)
        if (ranked->filtered[i])
            metrics_count(shard, METRIC_FILTERED, i, ranked->filtered[i]);
    metrics_observe(shard, METRIC_STAGE_DURATION, STAGE_RANK, r->timing.rank_us);
    metrics_observe(shard, METRIC_STAGE_DURATION, STAGE_TOTAL, total_us);
    request_count_late(r);
}

/* Milliseconds of a time in microseconds: converting doubles was a tenth of a small request. */
#define MS_FORMAT "%" PRId64 ".%03d"
#define MS(us) (us) / 1000, (int)((us) % 1000)

static struct view server_timing(struct request *r, const struct answer_timing *t)
{
    char *text = arena_printf(&r->arena,
                              "Server-Timing: parse;dur=" MS_FORMAT ", features;dur=" MS_FORMAT
                              ", queue;dur=" MS_FORMAT ", infer;dur=" MS_FORMAT
                              ", rank;dur=" MS_FORMAT ", total;dur=" MS_FORMAT "\r\n",
                              MS(t->parse_us), MS(t->features_us), MS(t->queue_us), MS(t->infer_us),
                              MS(t->rank_us), MS(t->total_us));

    return text ? view_of(text) : (struct view){0};
}

enum step_result request_respond(struct request *r, const struct ranked *ranked, int64_t start_us)
{
    const struct world *world = r->world;
    struct buf *body = &r->worker->body;
    int64_t now_us = clock_now_us();
    struct answer_timing timing;
    struct answer_args args;

    r->timing.rank_us = now_us - start_us;
    timing = (struct answer_timing){r->timing.parse_us, r->timing.features_us,
                                    r->timing.queue_us, r->timing.infer_us,
                                    r->timing.rank_us,  now_us - r->call->received_us};
    args = (struct answer_args){
        .request = &r->decoded,
        .request_id = view_of(r->call->request_id),
        .model = model_name(world_model(world)->model),
        .model_version = model_version(world_model(world)->model),
        .model_digest = model_digest(world_model(world)->model),
        .generation = world->generation,
        .currency = world->config->rank.currency,
        .ranked = ranked,
        .degraded = r->degraded,
        .timing = &timing,
    };
    buf_clear(body);
    answer_write(&args, body);
    if (buf_failed(body)) {
        buf_release(body); /* a failed one stays failed */
        return request_refuse(r, PROBLEM_OUT_OF_MEMORY, NULL, NULL);
    }
    count(r, ranked, timing.total_us);
    request_log(r, &args);
    http_call_respond(r->call, &(struct http_response){.status = 200,
                                                       .headers = server_timing(r, &timing),
                                                       .body = buf_view(body)});
    request_end(r);
    return STEP_ENDED;
}
