/* An engine: opened in stages, closed, batches submitted to it. */
#include <stdlib.h>

#include "base/bug.h"
#include "model/engine/engine_state.h"
#include "model/engine/launch.h"
#include "model/engine/launcher_state.h"
#include "model/engine/opening.h"

/* Slices of parents that may be kept: one per thread and one more, so that the next can start while
 * the children of the others run; few, since each holds every layer. */
#define MAX_KEPT 8

static const struct {
    int (*step)(struct engine *engine, struct err *err);
    bool records; /* passes that will be served */
} stages[] = {{opening_weights, false}, {opening_lanes, false}, {opening_launches, false},
              {opening_gelu, false},    {opening_cost, true},   {opening_rungs, true},
              {opening_golden, false},  {opening_spares, false}};

static int check_args(const struct engine_args *args, struct err *err)
{
    const struct model *m = args->model;

    if (m->head.labels == 0)
        return err_set(err, ERR_DATA,
                       "%s: it has no classifier (architecture: %s): it can be inspected, but not "
                       "scored with; only "
                       "BertForSequenceClassification is served",
                       m->dir, m->architecture);
    if (args->max_batch_tokens < m->encoders[0].config.positions)
        return err_set(err, ERR_CONFIG,
                       "a batch of %d tokens does not hold the %d of one segment of %s",
                       args->max_batch_tokens, m->encoders[0].config.positions, m->dir);
    BUG_ON(args->max_batch_jobs < 1);
    return 0;
}

static int open_session(struct engine *engine, enum precision precision, struct err *err)
{
    struct session_args args = {.precision = precision, .linear = engine->launcher->linear};

    if (args.precision == PRECISION_AUTO)
        args.precision = engine->launcher->caps->precision;

    if (engine->ops->session_open(engine->launcher->device, &args, &engine->session, err))
        return -1;
    engine->caps = *engine->ops->session_caps(engine->session);
    return 0;
}

static void choose_sizes(struct engine *engine, const struct engine_args *args)
{
    const struct device_caps *caps = engine->launcher->caps;
    bool crew = engine->launcher->crew != NULL;
    int positions = args->model->encoders[0].config.positions;

    engine->out_width = model_out_width(args->model);
    engine->max_batch_tokens = args->max_batch_tokens;
    engine->max_batch_jobs = args->max_batch_jobs;
    engine->n_launches = caps->max_launched > 0 ? caps->max_launched : 1;
    engine->n_threads = crew ? engine->launcher->threads : 1;
    engine->n_lanes = crew ? engine->n_threads : engine->n_launches;
    engine->max_slice_tokens = ladder_rung(&caps->ladder, args->max_batch_tokens);
    if (!crew || !caps->slice_tokens || !caps->outside_parents)
        return;
    engine->max_slice_tokens = caps->slice_tokens > positions ? caps->slice_tokens : positions;
    engine->n_kept = engine->n_threads + 1 < MAX_KEPT ? engine->n_threads + 1 : MAX_KEPT;
}

/* Instead of the encoder's own. */
static enum activation activation_of(const struct engine *engine, int encoder)
{
    return engine->model->encoders[encoder].config.activation == ACTIVATION_GELU_ERF
               ? engine->gelu.activation
               : ACTIVATION_NONE;
}

static int list_weights(struct engine *engine, struct err *err)
{
    const struct model *m = engine->model;

    for (int i = 0; i < m->n_encoders; i++) {
        const struct network_args args = {.ops = engine->ops,
                                          .session = engine->session,
                                          .encoder = &m->encoders[i],
                                          .activation = activation_of(engine, i),
                                          .max_rows = engine->max_slice_tokens};
        if (network_init(&engine->networks[i], &args, err))
            return -1;
        engine->n_networks++;
    }
    return packed_head_init(&engine->head, &engine->networks[m->n_encoders - 1], &m->head, err);
}

int engine_open_begin(struct launcher *launcher, const struct engine_args *args,
                      struct engine **out, struct err *err)
{
    struct engine *engine;

    if (check_args(args, err))
        return -1;
    if (launcher->broken)
        return launcher_refuse(launcher, err);
    engine = calloc(1, sizeof(*engine));
    if (!engine)
        return err_set(err, ERR_NOMEM, "engine: out of memory");
    engine->launcher = launcher;
    engine->ops = launcher->ops;
    engine->model = model_ref(args->model);
    engine->opening = calloc(1, sizeof(*engine->opening));
    if (!engine->opening) {
        err_set(err, ERR_NOMEM, "engine: out of memory");
        goto failed;
    }
    request_input_init(&engine->opening->requests);
    engine->opening->skip_golden = args->skip_golden;
    engine->opening->max_step_us = args->max_step_us;
    engine->opening->n_spares = args->resident - 1;
    if (open_session(engine, args->precision, err))
        goto failed;
    opening_gelu_request(engine, args->gelu);
    choose_sizes(engine, args);
    if (list_weights(engine, err))
        goto failed;
    *out = engine;
    return 0;
failed:
    engine_close(engine);
    return -1;
}

static void opening_free(struct engine *engine)
{
    struct engine_opening *o = engine->opening;

    if (!o)
        return;
    opening_gelu_release(engine);
    opening_release_spares(engine);
    request_input_release(&o->requests);
    input_release(&o->input);
    input_release(&o->part);
    free(o->out);
    free(o);
    engine->opening = NULL;
}

int engine_open_step(struct engine *engine, struct err *err)
{
    struct engine_opening *o = engine->opening;
    int rc;

    if (!o)
        return 0;
    engine->records = stages[o->stage].records;
    rc = stages[o->stage].step(engine, err);
    if (rc)
        return rc;
    if (++o->stage < (int)(sizeof(stages) / sizeof(stages[0])))
        return 1;
    engine->caps = *engine->ops->session_caps(engine->session); /* final */
    engine->records = false;
    opening_free(engine);
    return 0;
}

int engine_open(struct launcher *launcher, const struct engine_args *args, struct engine **out,
                struct err *err)
{
    struct engine *engine;
    int rc;

    if (engine_open_begin(launcher, args, &engine, err))
        return -1;
    do
        rc = engine_open_step(engine, err);
    while (rc > 0);
    if (rc) {
        engine_close(engine);
        return -1;
    }
    *out = engine;
    return 0;
}

static void release_launches(struct engine *engine)
{
    for (int i = 0; engine->launches && i < engine->n_launches; i++)
        if (engine->launches[i].memory)
            launch_release(&engine->launches[i]);
    free(engine->launches);
}

static void release_lanes(struct engine *engine)
{
    for (int i = 0; engine->lanes && i < engine->n_lanes; i++)
        if (engine->lanes[i])
            engine->ops->lane_close(engine->lanes[i]);
    for (int i = 0; engine->scratch && i < engine->n_threads; i++)
        if (engine->scratch[i].memory)
            forward_scratch_release(&engine->scratch[i], engine->networks);
    for (int i = 0; engine->kept && i < engine->n_kept; i++)
        engine->ops->free(engine->session, engine->kept[i].qkv.memory);
    free(engine->lanes);
    free(engine->scratch);
    free(engine->kept);
}

void engine_close(struct engine *engine)
{
    if (!engine)
        return;
    opening_free(engine);
    release_launches(engine);
    release_lanes(engine);
    packed_head_release(&engine->head);
    for (int i = 0; i < engine->n_networks; i++)
        network_release(&engine->networks[i]);
    if (engine->session)
        engine->ops->session_close(engine->session);
    model_unref(engine->model);
    free(engine);
}

const struct session_caps *engine_caps(const struct engine *engine)
{
    return &engine->caps;
}

const struct engine_gelu *engine_gelu(const struct engine *engine)
{
    return &engine->gelu;
}

const struct engine_cost *engine_cost(const struct engine *engine)
{
    return &engine->cost;
}

int engine_submit(struct engine *engine, struct engine_batch *batch, struct err *err)
{
    const struct launch_args args = {.batch = batch, .layers = engine_layers(engine)};
    struct launch *launch;

    BUG_ON(engine->opening);
    return launch_start(engine, &args, &launch, err);
}
