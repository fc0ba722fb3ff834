/* The three values of deadline.on_late. */
#include "server/request/on_late.h"

#include "server/request/reply.h"
#include "server/request/worker_state.h"

/* Scores that came in time are used, and the prior for the rest. */
static enum step_result by_prior(struct request *r)
{
    (void)r;
    return STEP_NEXT;
}

static enum step_result empty(struct request *r)
{
    r->step = STEP_RANK;
    return STEP_NEXT;
}

static enum step_result reject(struct request *r)
{
    metrics_count(r->worker->shard, METRIC_DEGRADED, DEGRADED_DEADLINE, 1);
    request_count_late(r);
    return request_refuse(r, r->refused ? PROBLEM_OVERLOADED : PROBLEM_DEADLINE, NULL);
}

enum step_result request_go_late(struct request *r)
{
    static enum step_result (*const ways[])(struct request * r) = {
        [ON_LATE_PRIOR] = by_prior,
        [ON_LATE_EMPTY] = empty,
        [ON_LATE_REJECT] = reject,
    };

    return ways[r->world->config->deadline.on_late](r);
}
