/* Answers calls with errors, in their own format. */
#include "server/request/reply.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/request/worker_state.h"

enum step_result request_refuse(struct request *r, enum problem_code code,
                                const struct problems *problems)
{
    r->format->refuse(r->call, code, problems);
    r->call = NULL;
    return STEP_ENDED;
}

enum step_result request_fail(struct request *r, const struct err *err)
{
    if (err->code == ERR_NOMEM)
        return request_refuse(r, PROBLEM_OUT_OF_MEMORY, NULL);
    log_error("internal_error", LOG_STR("request_id", r->call->request_id),
              LOG_STR("step", request_steps[r->step].name), LOG_STR("error", err->text));
    return request_refuse(r, PROBLEM_INTERNAL, NULL);
}

/* A budget that was 0 from the start is not counted. If the client sent so slowly that too little
 * time was left, the lateness is the client's. */
void request_count_late(struct request *r)
{
    const struct http_call *call = r->call;
    const int64_t needed_us = r->world->config->deadline.encode_reserve_us;
    bool ours = r->arrived_us + needed_us < r->deadline_us;

    if (r->deadline_us > call->received_us && clock_now_us() > r->deadline_us)
        metrics_count(r->worker->shard, ours ? METRIC_LATE : METRIC_LATE_CLIENT, 0, 1);
}
