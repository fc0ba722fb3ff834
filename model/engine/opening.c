/* The stages of opening an engine that make what it needs: weights, lanes, launches. */
#include "model/engine/opening.h"

#include <stdlib.h>

#include "model/engine/engine_state.h"
#include "model/engine/launch.h"
#include "model/engine/launcher_state.h"
#include "model/engine/plan.h"

int opening_network(struct engine *engine, struct err *err)
{
    return network_step(&engine->network, err);
}

static int open_kept(struct engine *engine, struct err *err)
{
    int rows = engine->model->config.positions;

    if (rows < PLAN_MIN_TOKENS)
        rows = PLAN_MIN_TOKENS;
    engine->kept = calloc((size_t)engine->n_kept + 1, sizeof(*engine->kept));
    if (!engine->kept)
        return err_set(err, ERR_NOMEM, "engine: out of memory");
    for (int i = 0; i < engine->n_kept; i++) {
        struct kept_qkv *kept = &engine->kept[i].qkv;
        size_t bytes = forward_kept_bytes(&engine->network, rows, &kept->layer_bytes);
        kept->memory = engine->ops->alloc(engine->session, bytes, err);
        if (!kept->memory)
            return -1;
    }
    return 0;
}

int opening_lanes(struct engine *engine, struct err *err)
{
    int i = engine->opening->lane;

    if (i == 0) {
        engine->lanes = calloc((size_t)engine->n_lanes, sizeof(*engine->lanes));
        engine->scratch = calloc((size_t)engine->n_threads, sizeof(*engine->scratch));
        if (!engine->lanes || !engine->scratch)
            return err_set(err, ERR_NOMEM, "engine: out of memory");
    }
    if (engine->ops->lane_open(engine->session, engine->max_slice_tokens,
                               engine->model->config.hidden, &engine->lanes[i], err) ||
        (i < engine->n_threads && forward_scratch_init(&engine->scratch[i], &engine->network,
                                                       engine->max_slice_tokens, err)))
        return -1;
    engine->opening->lane++;
    if (engine->opening->lane < engine->n_lanes)
        return 1;
    return open_kept(engine, err);
}

int opening_launches(struct engine *engine, struct err *err)
{
    int i = engine->opening->launch;

    if (!engine->launches) {
        engine->launches = calloc((size_t)engine->n_launches, sizeof(*engine->launches));
        if (!engine->launches)
            return err_set(err, ERR_NOMEM, "engine: out of memory");
    }
    if (launch_init(&engine->launches[i], engine, i, err))
        return -1;
    return ++engine->opening->launch < engine->n_launches;
}
