/* Builds the model's inputs: a job with token ids for each group of imps. */
#include "server/request/reply.h"
#include "server/request/score_group.h"
#include "server/request/worker_state.h"

/* Groups built before any is submitted, so that they can share a batch. A request with more costs
 * the worker more than most engines could answer in time, so the others are built one by one, each
 * after the previous one is admitted. */
#define AHEAD 16

enum step_result step_tokens(struct request *r)
{
    if (score_groups_init(r))
        return request_refuse(r, PROBLEM_OUT_OF_MEMORY, NULL);
    for (int i = 0; i < r->tokens.n_groups && i < AHEAD && r->ads.n; i++) {
        enum step_result result = score_group_build(r, &r->tokens.groups[i]);

        if (result == STEP_ENDED)
            return result;
        if (result == STEP_LATE && i > 0)
            break; /* the others may be answered */
        if (result == STEP_LATE) {
            r->refused = true;
            return result;
        }
    }
    return STEP_NEXT;
}

/* Jobs at the executor belong to step_batch. */
void step_tokens_abandon(struct request *r)
{
    for (int i = 0; i < r->tokens.n_groups; i++)
        if (r->tokens.groups[i].job)
            batch_jobs_put(&r->worker->jobs, r->tokens.groups[i].job);
    r->tokens.n_groups = 0;
}
