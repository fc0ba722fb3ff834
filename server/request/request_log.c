/* The wide line of a request. Each cause has its own budget of lines, so a client that provokes one
 * can neither fill the disk nor crowd out other causes. */
#include "server/request/request_log.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/request/impression_line.h"
#include "server/request/worker_state.h"

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
    return r->degraded & 1u << DEGRADED_FEATURES ? features_reason_names[r->history.reason] : "";
}

enum cause {
    CAUSE_SLOW = DEGRADED_REASONS, /* below: enum degraded_reason */
    CAUSE_SLOW_CLIENT,             /* slow since the first byte, but not since the last */
    CAUSE_HOPELESS,                /* late, but there was too little time for any answer */
    CAUSES
};

/* The daemon and its dependencies first: a line with several causes is charged to the first that
 * has any budget left. */
static const int causes_in_order[CAUSES] = {
    DEGRADED_MODEL,      DEGRADED_FEATURES,  DEGRADED_DEADLINE, CAUSE_SLOW,        DEGRADED_PRIVACY,
    DEGRADED_CANDIDATES, DEGRADED_TRUNCATED, CAUSE_HOPELESS,    CAUSE_SLOW_CLIENT,
};

static struct log_site budgets[CAUSES];

/* Too little time was left when the request had arrived: a tiny tmax, or a slow sender. */
static bool is_hopeless(const struct request *r)
{
    return r->deadline_us - r->arrived_us < r->world->config->deadline.min_ms * 1000;
}

/* A bit per cause. */
static uint32_t causes_of(const struct request *r, int64_t total_us)
{
    int64_t slow_us = r->world->config->log.slow_ms * 1000;
    int64_t sending_us = r->arrived_us - r->call->received_us;
    uint32_t causes = r->degraded;

    if (causes & 1u << DEGRADED_DEADLINE && is_hopeless(r))
        causes ^= 1u << DEGRADED_DEADLINE | 1u << CAUSE_HOPELESS;
    if (total_us > slow_us)
        causes |= 1u << (total_us - sending_us > slow_us ? CAUSE_SLOW : CAUSE_SLOW_CLIENT);
    return causes;
}

/* Whether one of the causes has a line left. */
static bool take(uint32_t causes, uint32_t *held_back)
{
    struct log_site *first = NULL;

    for (int i = 0; i < CAUSES; i++) {
        struct log_site *budget = &budgets[causes_in_order[i]];

        if (!(causes & 1u << causes_in_order[i]))
            continue;
        if (log_site_take(budget, held_back))
            return true;
        first = first ? first : budget;
    }
    if (first)
        log_site_hold(first);
    return false;
}

static void wide_line(const struct request *r, const struct answer *answer, uint32_t held_back)
{
    const int64_t *t = answer->timing_us;
    char degraded[128];

    const struct log_field fields[] = {
        LOG_INT("held_back", held_back),
        LOG_STR("request_id", r->call->request_id),
        LOG_VIEW("traceparent", r->call->traceparent),
        LOG_VIEW("user", request_user_logged(r)),
        LOG_INT("imps", r->decoded.n_imps),
        LOG_INT("candidates", r->ads.n),
        LOG_INT("behaviour", r->history.n),
        LOG_INT("results", answer->ranked->n),
        LOG_STR("degraded", degraded_names(r, degraded, sizeof(degraded))),
        LOG_STR("features", lacking_features(r)),
        LOG_INT("generation", answer->generation),
        LOG_STR("model", answer->model_digest),
        LOG_INT("parse_us", t[STAGE_PARSE]),
        LOG_INT("features_us", t[STAGE_FEATURES]),
        LOG_INT("queue_us", t[STAGE_QUEUE]),
        LOG_INT("infer_us", t[STAGE_INFER]),
        LOG_INT("rank_us", t[STAGE_RANK]),
        LOG_INT("total_us", t[STAGE_TOTAL]),
        LOG_INT("unknown_fields", r->decoded.unknown_fields),
    };
    const int skip = held_back ? 0 : 1;

    log_write(NULL, LOG_INFO, "request", fields + skip,
              (int)(sizeof(fields) / sizeof(fields[0])) - skip);
}

void request_log(struct request *r, const struct answer *answer)
{
    const struct config *config = r->world->config;
    uint32_t causes = causes_of(r, answer->timing_us[STAGE_TOTAL]);
    uint32_t held_back = 0;

    /* Sampling is bounded by the operator's choice of share alone. */
    if (sampled(r->worker, config->log.sample) || (causes && take(causes, &held_back)))
        wide_line(r, answer, held_back);
    if (config->log.impressions && sampled(r->worker, config->log.impressions_sample))
        impression_line_add(r, answer);
}
