/* Groups of a request's imps, and the jobs that score them. */
#include "server/request/score_group.h"

#include "server/request/reply.h"
#include "server/request/worker_state.h"

/* Text that may be tokenised for all groups of a request: some hundred times what one needs. It
 * bounds the cost of a crafted request; groups beyond it are treated as if the queue were full. */
#define TEXT_BYTES ((size_t)256 << 10)

/* Imps of one placement share a context, and so their scores: nothing else in it is per imp. */
static int group_imps(struct request *r)
{
    const struct impression_request *decoded = &r->decoded;
    const bool one = decoded->n_imps == 1 || !model_reads_placement(world_model(r->world)->model);
    size_t n = (size_t)decoded->n_imps;

    r->tokens.groups = arena_calloc(&r->arena, one ? 1 : n, sizeof(*r->tokens.groups));
    r->tokens.group_of = arena_array(&r->arena, n, sizeof(*r->tokens.group_of));
    if (!r->tokens.groups || !r->tokens.group_of)
        return -1;
    for (int i = 0; i < decoded->n_imps; i++) {
        int c = 0;

        while (c < r->tokens.n_groups && !one &&
               !view_eq(r->tokens.groups[c].imp->tagid, decoded->imps[i].tagid))
            c++;
        if (c == r->tokens.n_groups)
            r->tokens.groups[r->tokens.n_groups++] =
                (struct score_group){.imp = &decoded->imps[i], .model = world_model(r->world)};
        r->tokens.group_of[i] = c;
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

int score_groups_init(struct request *r)
{
    r->tokens.input = (struct input_args){.request = &r->decoded,
                                          .behaviours = r->history.behaviours,
                                          .n_behaviours = r->history.n,
                                          .n_ads = r->ads.n,
                                          .encoded = world_model(r->world)->ads->encoded,
                                          .now_ms = r->now_ms};
    if (group_imps(r))
        return -1;
    if (r->ads.n == 0)
        return 0;
    r->tokens.input.ads = input_ads(r);
    r->tokens.input.shared =
        model_share_texts(world_model(r->world)->model, &r->tokens.input, &r->arena);
    return r->tokens.input.ads && r->tokens.input.shared ? 0 : -1;
}

enum step_result score_group_build(struct request *r, struct score_group *group)
{
    struct batch_jobs *jobs = &r->worker->jobs;
    const struct model *model = group->model->model;
    bool truncated = false;
    struct err err;

    if (model_shared_bytes(r->tokens.input.shared) > TEXT_BYTES)
        return STEP_LATE;
    group->job = batch_jobs_take(jobs);
    if (!group->job) /* all are in use */
        return STEP_LATE;
    r->tokens.input.imp = group->imp;
    if (model_input(model, &r->tokens.input, &r->arena, &group->job->input, &truncated, &err) ||
        batch_jobs_reserve(jobs, group->job, model_out_width(model), &err))
        return request_fail(r, &err);
    if (truncated)
        request_degrade(r, DEGRADED_TRUNCATED);
    return STEP_NEXT;
}
