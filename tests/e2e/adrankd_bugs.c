/*
 * Bugs for adrankd, from outside: the objects of the shipped program are linked once more, with
 * three of its functions wrapped (-Wl,--wrap), as tests/adrankd-bugs. A request asks for a bug by
 * its X-Request-Id.
 */
#include "adrank/model.h"
#include "server/net/http_call.h"
#include "server/request/request.h"
#include "server/request/request_state.h"

void __real_request_handle(struct http_call *x, void *arg);
void __wrap_request_handle(struct http_call *x, void *arg);
enum step_result __real_step_rank(struct request *r);
enum step_result __wrap_step_rank(struct request *r);
extern __typeof__(model_input) __real_model_input, __wrap_model_input;

static bool asks_for(const struct http_call *x, const char *bug)
{
    return strcmp(x->request_id, bug) == 0;
}

/* Neither answers nor defers. */
void __wrap_request_handle(struct http_call *x, void *arg)
{
    if (!asks_for(x, "handler-forgets"))
        __real_request_handle(x, arg);
}

/* Reports that the request has ended, and has not answered. */
enum step_result __wrap_step_rank(struct request *r)
{
    return asks_for(r->call, "step-forgets") ? STEP_ENDED : __real_step_rank(r);
}

/* Fails in a way its contract forbids. Without the call, the request id selects the bug. */
int __wrap_model_input(const struct model *model, const struct input_args *args,
                       struct arena *scratch, struct input *out, bool *truncated, struct err *err)
{
    if (view_is(args->request->id, "step-fails"))
        return err_set(err, ERR_INTERNAL, "a bug");
    return __real_model_input(model, args, scratch, out, truncated, err);
}
