/* One input computed now. */
#include "model/engine/compute.h"

#include "model/engine/engine_state.h"
#include "model/engine/launch.h"

int engine_compute_batch(struct engine *engine, const struct input *input, float *logits,
                         struct engine_batch *out, struct err *err)
{
    struct engine_job job = {.input = input, .logits = logits};
    struct engine_job *jobs[] = {&job};
    struct launch *launch;

    *out = (struct engine_batch){.jobs = jobs, .n_jobs = 1};
    if (launch_start(engine, out, true, &launch, err))
        return -1;
    launch_wait(launch);
    out->jobs = NULL;
    if (!batch_computed(out->status)) {
        *err = out->err;
        return -1;
    }
    return 0;
}

int engine_not_finite(const struct engine *engine, struct err *err)
{
    return err_set(err, ERR_DATA, "%s: logits are not finite", engine->model->dir);
}

int engine_compute(struct engine *engine, const struct input *input, float *logits, int64_t *run_us,
                   struct err *err)
{
    struct input part = {0};
    struct engine_batch batch;
    int first, rc = 0;

    *run_us = 0;
    for (int i = 0; (rc = input_part(input, engine->max_batch_tokens, i, &part, &first, err)) > 0;
         i++) {
        float *to = logits + (ptrdiff_t)first * engine->model->config.labels;
        rc = engine_compute_batch(engine, &part, to, &batch, err);
        if (rc == 0 && batch.status == BATCH_NOT_FINITE)
            rc = engine_not_finite(engine, err);
        if (rc)
            break;
        *run_us += batch.run_us;
    }
    input_release(&part);
    return rc;
}
