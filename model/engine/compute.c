/* A batch or an input computed now. */
#include "model/engine/compute.h"

#include "model/engine/engine_state.h"
#include "model/engine/launch.h"

static int run(struct engine *engine, struct engine_batch *batch, struct layer_range layers,
               struct err *err)
{
    const struct launch_args args = {.batch = batch, .internal = true, .layers = layers};
    struct launch *launch;

    if (launch_start(engine, &args, &launch, err))
        return -1;
    launch_wait(launch);
    if (batch_computed(batch->status))
        return 0;
    *err = batch->err;
    return -1;
}

int engine_run(struct engine *engine, struct engine_batch *batch, struct err *err)
{
    return run(engine, batch, engine_layers(engine), err);
}

int engine_compute_batch(struct engine *engine, struct engine_job *job, struct layer_range layers,
                         struct engine_batch *batch, struct err *err)
{
    int rc;

    *batch = (struct engine_batch){.jobs = &job, .n_jobs = 1};
    rc = run(engine, batch, layers, err);
    batch->jobs = NULL;
    return rc;
}

int engine_not_finite(const struct engine *engine, struct err *err)
{
    return err_set(err, ERR_DATA, "%s: logits are not finite", engine->model->dir);
}

int engine_compute(struct engine *engine, const struct input *input, float *out, int64_t *run_us,
                   struct err *err)
{
    struct input part = {0};
    struct engine_batch batch;
    int first, rc = 0;

    *run_us = 0;
    for (int i = 0; (rc = input_part(input, engine->max_batch_tokens, i, &part, &first, err)) > 0;
         i++) {
        struct engine_job job = {.input = &part, .out = out + (ptrdiff_t)first * engine->out_width};
        rc = engine_compute_batch(engine, &job, engine_layers(engine), &batch, err);
        if (rc == 0 && batch.status == BATCH_NOT_FINITE)
            rc = engine_not_finite(engine, err);
        if (rc)
            break;
        *run_us += batch.run_us;
    }
    input_release(&part);
    return rc;
}
