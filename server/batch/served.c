/* A model with its engines: opened, counted, closed; see served.h. */
#include "server/batch/served.h"

#include <stdlib.h>

static void free_served(struct served_model *served)
{
    model_unref(served->model);
    free(served);
}

static int open_engine(struct served_model *served, int i, struct executor *executor,
                       const struct engine_args *args, struct err *err)
{
    if (served_engine_open(&served->engines[i], executor, args, err))
        return -1;
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
        .skip_golden = args->skip_golden,
    };
    if (open_engine(served, SERVED_PRIMARY, args->primary, &engine, err))
        goto fail;
    engine.precision = args->fallback_precision;
    if (args->fallback && open_engine(served, SERVED_FALLBACK, args->fallback, &engine, err))
        goto fail;
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

static void on_closed(void *arg)
{
    struct served_model *served = arg;

    if (atomic_fetch_sub(&served->open_engines, 1) == 1)
        free_served(served);
}

void served_model_unref(struct served_model *served)
{
    if (!served || atomic_fetch_sub_explicit(&served->refs, 1, memory_order_acq_rel) != 1)
        return;
    bool has_fallback = served->engines[SERVED_FALLBACK].executor;
    if (!served->engines[SERVED_PRIMARY].executor) { /* the open failed at once */
        free_served(served);
        return;
    }
    /* The executor that closes the last engine frees the struct: it is not ours after the last of
     * these. */
    served_engine_close(&served->engines[SERVED_PRIMARY], on_closed, served);
    if (has_fallback)
        served_engine_close(&served->engines[SERVED_FALLBACK], on_closed, served);
}
