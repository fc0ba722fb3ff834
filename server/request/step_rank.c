#include "server/request/internal.h"

#include "base/clock.h"

static const double *model_scores(struct request *r, const struct context *context)
{
    const struct model *model = r->world->model;
    double *pctr = arena_array(&r->arena, (size_t)r->ads.n + 1, sizeof(*pctr));
    int labels = model_labels(model);

    for (int i = 0; pctr && i < r->ads.n; i++)
        pctr[i] = model_pctr(model, context->logits + (ptrdiff_t)i * labels);
    return pctr;
}

/* Scores of every imp's context; what the model did not score in time is worth its prior. */
static struct rank_scores *scores(struct request *r)
{
    size_t n = (size_t)r->decoded.n_imps;
    struct rank_scores *out = arena_array(&r->arena, n, sizeof(*out));
    const double *priors = rank_priors(&r->ads, model_base_rate(r->world->model), &r->arena);

    if (!out || !priors)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const struct context *context = r->n_contexts ? &r->contexts[r->context_of[i]] : NULL;
        bool scored = context && context->scored;

        out[i] = (struct rank_scores){SOURCE_PRIOR, priors};
        if (scored)
            out[i] = (struct rank_scores){SOURCE_MODEL, model_scores(r, context)};
        if (!out[i].pctr)
            return NULL;
    }
    return out;
}

static int rank(struct request *r, struct ranked *ranked)
{
    const struct config *config = r->world->config;
    const struct rank_scores *all = scores(r);
    struct err err;

    if (!all)
        return -1;
    return rank_run(
        &(struct rank_args){.request = &r->decoded,
                            .ads = &r->ads,
                            .scores = all,
                            .currency = config->rank.currency,
                            .top_n = r->decoded.top_n ? r->decoded.top_n : (int)config->rank.top_n,
                            .unique_in_request = config->rank.unique == UNIQUE_REQUEST},
        &r->arena, ranked, &err);
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
    if (r->exchange->received_us + total_us > r->deadline_us)
        metrics_count(shard, METRIC_LATE, 0, 1);
}

static struct view server_timing(struct request *r, const struct answer_timing *t)
{
    char *text = arena_printf(&r->arena,
                              "Server-Timing: parse;dur=%.3f, features;dur=%.3f, queue;dur=%.3f, "
                              "infer;dur=%.3f, rank;dur=%.3f, total;dur=%.3f\r\n",
                              (double)t->parse_us / 1e3, (double)t->features_us / 1e3,
                              (double)t->queue_us / 1e3, (double)t->infer_us / 1e3,
                              (double)t->rank_us / 1e3, (double)t->total_us / 1e3);

    return text ? view_of(text) : (struct view){0};
}

static enum step_result respond(struct request *r, const struct ranked *ranked, int64_t start_us)
{
    const struct world *world = r->world;
    struct buf *body = &r->worker->body;
    int64_t now_us = clock_now_us();
    struct answer_timing timing;
    struct answer_args args;

    r->timing.rank_us = now_us - start_us;
    timing = (struct answer_timing){r->timing.parse_us, r->timing.features_us,
                                    r->timing.queue_us, r->timing.infer_us,
                                    r->timing.rank_us,  now_us - r->exchange->received_us};
    args = (struct answer_args){
        .request = &r->decoded,
        .request_id = view_of(r->exchange->request_id),
        .model = model_name(world->model),
        .model_version = model_version(world->model),
        .model_digest = model_digest(world->model),
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
    exchange_respond(r->exchange, &(struct answer){.status = 200,
                                                   .headers = server_timing(r, &timing),
                                                   .body = buf_view(body)});
    request_end(r);
    return STEP_ENDED;
}

enum step_result step_rank(struct request *r)
{
    int64_t start_us = clock_now_us();
    struct ranked ranked;

    if (rank(r, &ranked))
        return request_refuse(r, PROBLEM_OUT_OF_MEMORY, NULL, NULL);
    return respond(r, &ranked, start_us);
}

/* ---- deadline.on_late ---------------------------------------------------------------------------- */

/* The prior needs candidates; what ran before the time was up is used. */
static enum step_result answer_by_prior(struct request *r)
{
    if (r->step <= STEP_CANDIDATES && step_candidates(r) == STEP_ENDED)
        return STEP_ENDED;
    return step_rank(r);
}

static enum step_result answer_empty(struct request *r)
{
    struct ranked none = {0};

    return respond(r, &none, clock_now_us());
}

static enum step_result answer_reject(struct request *r)
{
    metrics_count(r->worker->shard, METRIC_DEGRADED, DEGRADED_DEADLINE, 1);
    return request_refuse(r, r->refused ? PROBLEM_OVERLOADED : PROBLEM_DEADLINE, NULL, NULL);
}

void request_late(struct request *r)
{
    static enum step_result (*const answers[])(struct request * r) = {
        [ON_LATE_PRIOR] = answer_by_prior,
        [ON_LATE_EMPTY] = answer_empty,
        [ON_LATE_REJECT] = answer_reject,
    };

    if (r->features_out)
        request_degrade(r, DEGRADED_FEATURES);
    step_features_abandon(r);
    request_degrade(r, DEGRADED_DEADLINE);
    answers[r->world->config->deadline.on_late](r);
}
