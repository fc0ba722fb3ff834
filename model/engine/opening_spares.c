/*
 * The last stage of opening the first engine of a device without host lanes: it opens the model
 * again, once for every further model that is to be resident, and closes those engines. The device
 * keeps their memory and recorded passes (kernels/cuda/cuda.h), so that a model that is swapped in
 * later finds both. A step is one of theirs.
 */
#include <stdlib.h>

#include "model/engine/engine_state.h"
#include "model/engine/launcher_state.h"
#include "model/engine/opening.h"

static int begin_spare(struct engine *engine, struct err *err)
{
    const struct engine_opening *o = engine->opening;
    const struct engine_args args = {
        .model = engine->model,
        .precision = engine->caps.precision,
        .gelu = engine->gelu.activation == ACTIVATION_GELU_TANH ? GELU_TANH : GELU_ERF,
        .max_batch_tokens = engine->max_batch_tokens,
        .max_batch_jobs = engine->max_batch_jobs,
        .skip_golden = true,
    };

    return engine_open_begin(engine->launcher, &args, &o->spares[o->spare], err) ? -1 : 1;
}

int opening_spares(struct engine *engine, struct err *err)
{
    struct engine_opening *o = engine->opening;
    int rc;

    if (o->n_spares < 1 || o->max_step_us || engine->launcher->crew)
        return 0;
    if (!o->spares) {
        o->spares = calloc((size_t)o->n_spares, sizeof(struct engine *));
        if (!o->spares)
            return err_set(err, ERR_NOMEM, "engine: out of memory");
    }
    rc =
        o->spares[o->spare] ? engine_open_step(o->spares[o->spare], err) : begin_spare(engine, err);
    if (rc < 0)
        return err_prefix(err, "reserving memory for the next model (model.resident)");
    if (rc == 0 && ++o->spare == o->n_spares)
        opening_release_spares(engine);
    return o->spares != NULL;
}

void opening_release_spares(struct engine *engine)
{
    struct engine_opening *o = engine->opening;

    /* In reverse: the next engine takes the session of the one closed last, and the first pinned
     * memory that is free. Both must be the same engine's for its passes to be replayed. */
    for (int i = o->n_spares; o->spares && i-- > 0;)
        engine_close(o->spares[i]);
    free(o->spares);
    o->spares = NULL;
}
