/* deadline.on_late: what is answered when there is no time, or no place, for all of it. */
#include "base/clock.h"
#include "server/request/request_state.h"

/* The prior needs candidates; what ran before the time was up is used. */
static void answer_by_prior(struct request *r)
{
    request_go(r, r->step <= STEP_CANDIDATES ? STEP_CANDIDATES : STEP_RANK);
}

static void answer_empty(struct request *r)
{
    const struct ranked none = {0};

    (void)request_respond(r, &none, clock_now_us());
}

static void answer_reject(struct request *r)
{
    metrics_count(r->worker->shard, METRIC_DEGRADED, DEGRADED_DEADLINE, 1);
    request_count_late(r);
    (void)request_refuse(r, r->refused ? PROBLEM_OVERLOADED : PROBLEM_DEADLINE, NULL, NULL);
}

void request_late(struct request *r)
{
    static void (*const answers[])(struct request * r) = {
        [ON_LATE_PRIOR] = answer_by_prior,
        [ON_LATE_EMPTY] = answer_empty,
        [ON_LATE_REJECT] = answer_reject,
    };

    if (r->features_out)
        request_lacks_features(r, FEATURES_REASON_TIMEOUT);
    step_features_abandon(r);
    request_degrade(r, DEGRADED_DEADLINE);
    r->late = true;
    answers[r->world->config->deadline.on_late](r);
}
