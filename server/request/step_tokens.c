#include "server/request/request_state.h"

/* Contexts that are built before any is submitted, so that they can share a batch. A request with more costs the worker
 * more than most engines could answer in time: those are built as the one before them finds a place. */
#define AHEAD 16

enum step_result step_tokens(struct request *r)
{
    if (score_groups_init(r))
        return request_refuse(r, PROBLEM_OUT_OF_MEMORY, NULL, NULL);
    for (int i = 0; i < r->n_groups && i < AHEAD && r->ads.n; i++) {
        enum step_result result = score_group_build(r, &r->groups[i]);

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
