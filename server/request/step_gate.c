/* The first gate: where the queue is full, a request is answered before its history is read and its
 * texts are tokenised. Whether a job of it would be late is decided once it is known: step_batch. */
#include "base/clock.h"
#include "server/batch/submit.h"
#include "server/request/request_state.h"
#include "server/request/worker_state.h"

enum step_result step_gate(struct request *r)
{
    if (!executor_is_full(world_model(r->world)->served, clock_now_us()))
        return STEP_NEXT;
    r->refused = true;
    return STEP_LATE;
}
