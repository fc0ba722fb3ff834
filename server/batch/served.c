#include "server/batch/served.h"

#include <stdlib.h>

#include "server/batch/executor_state.h"

static void free_served(struct served_model *served)
{
    model_unref(served->model);
    free(served);
}

static int open_engine(struct served_model *served, int i, struct executor *executor,
                       const struct engine_args *args, struct err *err)
{
    struct served_engine *engine = &served->engines[i];

    engine->model = served;
    if (executor_open_engine(executor, engine, args, err))
        return -1;
    engine->executor = executor;
    atomic_fetch_add(&served->open_engines, 1);
    return 0;
}

int served_model_open(const struct served_model_args *args, struct served_model **out,
                      struct err *err)
{
    struct served_model *served = calloc(1, sizeof(*served));
    int longest = model_max_tokens(args->model);

    if (!served)
        return err_set(err, ERR_NOMEM, "model to be served: out of memory");
    served->model = model_ref(args->model);
    atomic_init(&served->refs, 1);
    struct engine_args engine = {
        .model = args->model,
        .precision = args->precision,
        .max_batch_tokens = args->max_batch_tokens < longest ? longest : args->max_batch_tokens,
        .max_batch_jobs = args->primary->args.max_batch_jobs,
        .skip_golden = args->skip_golden,
    };
    if (open_engine(served, SERVED_PRIMARY, args->primary, &engine, err))
        goto fail;
    if (args->fallback) {
        engine.precision = args->fallback_precision;
        engine.max_batch_jobs = args->fallback->args.max_batch_jobs;
        if (open_engine(served, SERVED_FALLBACK, args->fallback, &engine, err))
            goto fail;
    }
    *out = served;
    return 0;
fail:
    served_model_unref(served);
    return -1;
}

struct served_model *served_model_ref(struct served_model *served)
{
    atomic_fetch_add_explicit(&served->refs, 1, memory_order_relaxed);
    return served;
}

void served_model_unref(struct served_model *served)
{
    if (!served || atomic_fetch_sub_explicit(&served->refs, 1, memory_order_acq_rel) != 1)
        return;
    struct executor *executors[SERVED_ENGINES];
    for (int i = 0; i < SERVED_ENGINES; i++)
        executors[i] = served->engines[i].executor;
    if (!executors
            [SERVED_PRIMARY]) { /* the open failed at once: nothing for an executor to close */
        free_served(served);
        return;
    }
    /* The executor that closes the last engine frees the struct: it is not ours after the last
     * of these. */
    for (int i = 0; i < SERVED_ENGINES; i++)
        if (executors[i])
            executor_close_engine(executors[i], &served->engines[i]);
}

void served_engine_closed(struct served_engine *engine)
{
    struct served_model *served = engine->model;

    if (atomic_fetch_sub(&served->open_engines, 1) == 1)
        free_served(served);
}
