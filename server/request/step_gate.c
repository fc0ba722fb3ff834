/* The first gate: while the queue is full, a request is answered before its history is read and its
 * texts are tokenised. Whether its jobs would be late is decided where they are known: step_batch.
 */
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
