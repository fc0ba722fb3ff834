#include "server/request/request_state.h"

/* Imps of one placement share a context and so its scores: everything else of it is the request's. */
static int group(struct request *r)
{
    const struct impression_request *decoded = &r->decoded;
    size_t n = (size_t)decoded->n_imps;

    r->contexts = arena_calloc(&r->arena, n, sizeof(*r->contexts));
    r->context_of = arena_array(&r->arena, n, sizeof(*r->context_of));
    if (!r->contexts || !r->context_of)
        return -1;
    for (int i = 0; i < decoded->n_imps; i++) {
        int c = 0;

        while (c < r->n_contexts && !view_eq(r->contexts[c].imp->tagid, decoded->imps[i].tagid))
            c++;
        if (c == r->n_contexts)
            r->contexts[r->n_contexts++].imp = &decoded->imps[i];
        r->context_of[i] = c;
    }
    return 0;
}

static const struct input_ad *input_ads(struct request *r)
{
    struct input_ad *ads = arena_array(&r->arena, (size_t)r->ads.n, sizeof(*ads));

    for (int i = 0; ads && i < r->ads.n; i++)
        ads[i] = (struct input_ad){r->ads.items[i].ad, r->ads.items[i].text};
    return ads;
}

static int build(struct request *r, struct context *context, const struct input_ad *ads,
                 struct err *err)
{
    const struct world *world = r->world;
    bool truncated = false;

    if (model_input(world->model,
                    &(struct input_args){.request = &r->decoded,
                                         .imp = context->imp,
                                         .behaviours = r->behaviours,
                                         .n_behaviours = r->n_behaviours,
                                         .ads = ads,
                                         .n_ads = r->ads.n,
                                         .encoded = world->ads->encoded,
                                         .now_ms = r->now_ms},
                    &r->arena, &context->job->input, &truncated, err))
        return -1;
    if (truncated)
        request_degrade(r, DEGRADED_TRUNCATED);
    return batch_jobs_reserve(&r->worker->jobs, context->job, model_labels(world->model), err);
}

/* Only now is the cost known: every token of every context. */
enum step_result step_tokens(struct request *r)
{
    const struct input_ad *ads;
    struct err err;

    if (group(r))
        return request_refuse(r, PROBLEM_OUT_OF_MEMORY, NULL, NULL);
    if (r->ads.n == 0)
        return STEP_NEXT;
    ads = input_ads(r);
    if (!ads)
        return request_refuse(r, PROBLEM_OUT_OF_MEMORY, NULL, NULL);
    for (int i = 0; i < r->n_contexts; i++) {
        r->contexts[i].job = batch_jobs_take(&r->worker->jobs);
        if (!r->contexts[i].job) { /* all are waiting somewhere */
            r->refused = true;
            return STEP_LATE;
        }
        if (build(r, &r->contexts[i], ads, &err))
            return request_fail(r, &err);
    }
    return STEP_NEXT;
}
