#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/request/request_state.h"

static bool sampled(struct request_worker *rw, double share)
{
    return share > 0 && (share >= 1 || rng_double(&rw->rng) < share);
}

static const char *degraded_names(const struct request *r, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (int i = 0; i < DEGRADED_REASONS; i++)
        if (r->degraded & 1u << i)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? "," : "",
                                     degraded_reason_names[i]);
    return out;
}

static const char *lacking_features(const struct request *r)
{
    return r->degraded & 1u << DEGRADED_FEATURES ? features_reason_names[r->features_reason] : "";
}

static void wide_line(const struct request *r, const struct answer_args *answer)
{
    const struct answer_timing *t = answer->timing;
    char degraded[128];

    const struct log_field fields[] = {
        LOG_STR("request_id", r->exchange->request_id),
        LOG_VIEW("traceparent", r->exchange->traceparent),
        LOG_VIEW("user", request_user_logged(r)),
        LOG_INT("imps", r->decoded.n_imps),
        LOG_INT("candidates", r->ads.n),
        LOG_INT("behaviour", r->n_behaviours),
        LOG_INT("results", answer->ranked->n),
        LOG_STR("degraded", degraded_names(r, degraded, sizeof(degraded))),
        LOG_STR("features", lacking_features(r)),
        LOG_INT("generation", answer->generation),
        LOG_STR("model", answer->model_digest),
        LOG_INT("parse_us", t->parse_us),
        LOG_INT("features_us", t->features_us),
        LOG_INT("queue_us", t->queue_us),
        LOG_INT("infer_us", t->infer_us),
        LOG_INT("rank_us", t->rank_us),
        LOG_INT("total_us", t->total_us),
        LOG_INT("unknown_fields", r->decoded.unknown_fields),
    };

    /* No limit of rate: the contract promises the line, and the writer never waits. */
    log_write(NULL, LOG_INFO, "request", fields, (int)(sizeof(fields) / sizeof(fields[0])));
}

void request_log(struct request *r, const struct answer_args *answer)
{
    const struct config *config = r->world->config;

    if (r->degraded || answer->timing->total_us > config->log.slow_ms * 1000 ||
        sampled(r->worker, config->log.sample))
        wide_line(r, answer);
    if (config->log.impressions && sampled(r->worker, config->log.impressions_sample))
        impression_line_add(r, answer);
}
