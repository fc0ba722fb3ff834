/* Ranks the ads by their scores. */
#include "base/clock.h"
#include "server/request/reply.h"
#include "server/request/score_group.h"
#include "server/request/worker_state.h"

static const double *model_scores(struct request *r, const struct score_group *group)
{
    const struct model *model = group->model->model;
    double *pctr = arena_array(&r->arena, (size_t)r->ads.n + 1, sizeof(*pctr));
    int width = model_out_width(model);

    for (int i = 0; pctr && i < r->ads.n; i++)
        pctr[i] = model_pctr(model, group->logits + (ptrdiff_t)i * width);
    return pctr;
}

/* Scores for every imp: the prior where the model did not score in time. */
static struct rank_scores *scores(struct request *r)
{
    size_t n = (size_t)r->decoded.n_imps;
    struct rank_scores *out = arena_array(&r->arena, n, sizeof(*out));
    const double *priors =
        rank_priors(&r->ads, model_base_rate(world_model(r->world)->model), &r->arena);

    if (!out || !priors)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const struct score_group *group =
            r->tokens.n_groups ? &r->tokens.groups[r->tokens.group_of[i]] : NULL;
        bool scored = group && group->scored;

        out[i] = (struct rank_scores){SOURCE_PRIOR, priors};
        if (scored)
            out[i] = (struct rank_scores){SOURCE_MODEL, model_scores(r, group)};
        if (!out[i].pctr)
            return NULL;
    }
    return out;
}

static int rank(struct request *r)
{
    const struct config *config = r->world->config;
    const struct rank_scores *all = scores(r);
    struct err err;

    if (!all)
        return -1;
    return rank_run(
        &(struct rank_args){.request = &r->decoded,
                            .ads = &r->ads,
                            .scores = all,
                            .currency = config->rank.currency,
                            .top_n = r->decoded.top_n ? r->decoded.top_n : (int)config->rank.top_n,
                            .unique_in_request = config->rank.unique == UNIQUE_REQUEST},
        &r->arena, &r->rank.ranked, &err);
}

enum step_result step_rank(struct request *r)
{
    r->rank.start_us = clock_now_us();
    if (rank(r))
        return request_refuse(r, PROBLEM_OUT_OF_MEMORY, NULL);
    return STEP_NEXT;
}
