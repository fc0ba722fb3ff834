/* The stages of opening an engine that make what it needs: weights, lanes, launches. */
#include "model/engine/opening.h"

#include <stdlib.h>

#include "model/engine/engine_state.h"
#include "model/engine/launch.h"
#include "model/engine/launcher_state.h"
#include "model/engine/plan.h"

/* A step of the first network that has one left; then of the head. */
int opening_weights(struct engine *engine, struct err *err)
{
    for (int i = 0; i < engine->n_networks; i++) {
        int rc = upload_step(&engine->networks[i].upload, err);
        if (rc)
            return rc;
    }
    return upload_step(&engine->head.upload, err);
}

static int open_kept(struct engine *engine, struct err *err)
{
    int rows = engine->networks[0].config->positions;

    if (rows < PLAN_MIN_TOKENS)
        rows = PLAN_MIN_TOKENS;
    engine->kept = calloc((size_t)engine->n_kept + 1, sizeof(*engine->kept));
    if (!engine->kept)
        return err_set(err, ERR_NOMEM, "engine: out of memory");
    for (int i = 0; i < engine->n_kept; i++) {
        struct layer_block *kept = &engine->kept[i].qkv;
        size_t bytes = forward_qkv_bytes(&engine->networks[0], rows, &kept->layer_bytes);
        kept->memory = engine->ops->alloc(engine->session, bytes, err);
        if (!kept->memory)
            return -1;
    }
    return 0;
}

static int max_hidden(const struct engine *engine)
{
    int hidden = 0;

    for (int i = 0; i < engine->n_networks; i++)
        if (engine->networks[i].config->hidden > hidden)
            hidden = engine->networks[i].config->hidden;
    return hidden;
}

int opening_lanes(struct engine *engine, struct err *err)
{
    const struct forward_scratch_args scratch = {.networks = engine->networks,
                                                 .n_networks = engine->n_networks,
                                                 .max_tokens = engine->max_slice_tokens,
                                                 .out_width = engine->out_width};
    int i = engine->opening->lane;

    if (i == 0) {
        engine->lanes = calloc((size_t)engine->n_lanes, sizeof(*engine->lanes));
        engine->scratch = calloc((size_t)engine->n_threads, sizeof(*engine->scratch));
        if (!engine->lanes || !engine->scratch)
            return err_set(err, ERR_NOMEM, "engine: out of memory");
    }
    if (engine->ops->lane_open(engine->session, engine->max_slice_tokens, max_hidden(engine),
                               &engine->lanes[i], err) ||
        (i < engine->n_threads && forward_scratch_init(&engine->scratch[i], &scratch, err)))
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
