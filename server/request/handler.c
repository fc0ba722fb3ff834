/* A call becomes a request, if there is a world to serve it and memory for it. */
#include "server/request/handler.h"

#include "server/request/request.h"
#include "server/request/worker.h"
#include "server/request/worker_state.h"

void request_handle(struct http_call *call, void *format)
{
    const struct wire_format *wire = format;
    struct request_worker *rw = http_call_user(call);
    struct request *r;

    if (!rw->world) {
        wire->refuse(call, PROBLEM_NOT_READY, NULL);
        return;
    }
    if (budget_is_short(rw->memory))
        request_worker_on_reclaim(rw);
    r = request_pool_take(&rw->pool);
    if (r)
        request_start(r, call, wire);
    else
        wire->refuse(call, PROBLEM_OUT_OF_MEMORY, NULL);
}
