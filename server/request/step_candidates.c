/* Chooses the ads that the request may show; the model scores these. */
#include "base/clock.h"
#include "server/request/reply.h"
#include "server/request/worker_state.h"

enum step_result step_candidates(struct request *r)
{
    const struct config *config = r->world->config;
    struct candidates_args args = {
        .request = &r->decoded,
        .catalog = r->world->catalog,
        .currency = config->rank.currency,
        .max_candidates = (int)config->rank.max_candidates,
        .eligible = r->world->eligible->of_worker[r->worker->worker->index],
        /* Not the request's own: requests overtake each other while they wait for Redis, and going
         * back in time costs as much as going forward. */
        .now_ms = clock_wall_ms(),
    };
    const int share = RANK_MAX_PAIRS / r->decoded.n_imps; /* of the pairs, for each imp */
    struct err err;

    if (args.max_candidates > share)
        args.max_candidates = share;
    if (candidates_choose(&args, &r->arena, &r->ads, &err))
        return request_refuse(r, PROBLEM_OUT_OF_MEMORY, NULL);
    if (r->ads.cut)
        request_degrade(r, DEGRADED_CANDIDATES);
    return STEP_NEXT;
}
