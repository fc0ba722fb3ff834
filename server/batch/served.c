/* A model with its engines: opened, counted, closed; see served.h. */
#include "server/batch/served.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/batch/executor_state.h"
#include "server/batch/run_task.h"

#define STEP_MAX_US 10000 /* of opening an engine, where others are served */

static bool is_broken(const struct executor *executor)
{
    return atomic_load(&executor->state) == EXECUTOR_BROKEN;
}

/* ---- open ------------------------------------------------------------------------------------ */

/* It outlives the wait for it where the device hangs; the model that is served may not, so that is
 * touched by the last step alone. */
struct opening {
    struct task task;
    struct engine *engine;
    struct served_engine *served;
    struct executor *executor;
    struct engine_args args; /* model: a reference */
};

static void release_open(void *arg)
{
    struct opening *opening = arg;

    model_unref(opening->args.model);
    free(opening);
}

static void abandon_open(void *arg)
{
    const struct opening *opening = arg;

    engine_close(opening->engine);
}

/* The engine can run batches from now on. Nothing is launched: the batches are free. */
static int make_beat(struct beat *beat, const struct model *model, struct err *err)
{
    struct input *input = &beat->input;

    if (input_reserve(input, 1, 1, err))
        return -1;
    beat->out = calloc((size_t)model_out_width(model), sizeof(*beat->out));
    if (!beat->out)
        return err_set(err, ERR_NOMEM, "engine: out of memory");
    input->ids[0] = input->types[0] = 0;
    input->segments[0] = (struct segment){.len = 1, .parent = -1, .read = true};
    input->n_tokens = input->n_segments = input->n_read = 1;
    beat->job = (struct engine_job){.input = input, .out = beat->out};
    beat->jobs[0] = &beat->job;
    return 0;
}

static int take_over(struct opening *opening, struct err *err)
{
    struct executor *executor = opening->executor;
    struct served_engine *engine = opening->served;
    int max_tokens = opening->args.max_batch_tokens;
    struct input_shape one_token;

    for (int i = 0; i < BATCH_MAX_LAUNCHED; i++) /* a part has no more segments than tokens */
        if (input_reserve(&executor->schedule.batches[i].input, max_tokens, max_tokens, err))
            return -1;
    if (!executor_task_commit(executor, &opening->task))
        return err_set(err, ERR_UNAVAILABLE, "backend %s is broken", executor->backend);
    engine->engine = opening->engine;
    if (make_beat(&engine->beat, opening->args.model, err))
        return -1;
    one_token = input_shape(&engine->beat.input);
    engine->beat.cost_us = engine_cost_us(engine_cost(engine->engine), &one_token, 1);
    engine->caps = engine_caps(engine->engine);
    engine->gelu = engine_gelu(engine->engine);
    cost_init(&engine->cost, engine_cost(engine->engine), model_max_tokens(opening->args.model),
              max_tokens);
    engine->next = executor->engines;
    executor->engines = engine;
    executor->n_engines++;
    return 0;
}

static int open_step(void *arg, struct err *err)
{
    struct opening *opening = arg;
    struct executor *executor = opening->executor;
    struct engine **engine = &opening->engine;
    int rc;

    if (!*engine) {
        opening->args.max_step_us = executor->n_engines ? STEP_MAX_US : 0;
        return engine_open_begin(executor->launcher, &opening->args, engine, err) ? -1 : 1;
    }
    rc = engine_open_step(*engine, err);
    if (rc == 0)
        rc = take_over(opening, err);
    if (rc == -1 && !atomic_load(&executor->gave_up)) /* else it is leaked */
        abandon_open(opening);
    return rc;
}

static int open_engine(struct served_engine *engine, struct executor *executor,
                       const struct engine_args *args, struct err *err)
{
    struct opening *opening = malloc(sizeof(*opening));
    const int64_t began_us = clock_now_us();

    if (!opening)
        return err_set(err, ERR_NOMEM, "model to be served: out of memory");
    *opening = (struct opening){
        .task = {.step = open_step, .abandon = abandon_open, .release = release_open},
        .served = engine,
        .executor = executor,
        .args = *args};
    opening->task.arg = opening;
    opening->args.model = model_ref(args->model);
    opening->args.max_batch_jobs = executor->schedule.max_jobs;
    if (executor_run_task(executor, &opening->task, err))
        return -1;
    engine->executor = executor;
    engine->resident = executor->caps->host_lanes ? 1 : args->resident;
    engine->open_us = clock_now_us() - began_us;
    return 0;
}

/* Nothing is opened on a device that has failed: then the fallback is enough. */
static int open_primary(struct served_model *served, const struct served_model_args *args,
                        const struct engine_args *engine, struct err *err)
{
    if (open_engine(&served->engines[SERVED_PRIMARY], args->primary, engine, err) == 0)
        return 0;
    if (!args->fallback || !is_broken(args->primary))
        return -1;
    log_warn("model_on_fallback", LOG_STR("error", err->text));
    return 0;
}

int served_model_open(const struct served_model_args *args, struct served_model **out,
                      struct err *err)
{
    struct served_model *served = calloc(1, sizeof(*served));
    int longest = model_max_tokens(args->model);
    struct engine_args engine = {
        .model = args->model,
        .precision = args->precision,
        .gelu = args->gelu,
        .max_batch_tokens = args->max_batch_tokens < longest ? longest : args->max_batch_tokens,
        .skip_golden = args->skip_golden,
        .resident = args->resident,
    };

    if (!served)
        return err_set(err, ERR_NOMEM, "model to be served: out of memory");
    served->model = model_ref(args->model);
    atomic_init(&served->refs, 1);
    if (open_primary(served, args, &engine, err))
        goto fail;
    engine.precision = args->fallback_precision;
    engine.gelu = GELU_ERF;
    if (args->fallback &&
        open_engine(&served->engines[SERVED_FALLBACK], args->fallback, &engine, err))
        goto fail;
    *out = served;
    return 0;
fail:
    served_model_unref(served);
    return -1;
}

bool served_model_on_fallback(const struct served_model *served)
{
    const struct served_engine *primary = &served->engines[SERVED_PRIMARY];

    return served->engines[SERVED_FALLBACK].executor &&
           (!primary->executor || is_broken(primary->executor));
}

const struct served_engine *served_model_engine(const struct served_model *served)
{
    return &served->engines[served_model_on_fallback(served) ? SERVED_FALLBACK : SERVED_PRIMARY];
}

/* ---- close ----------------------------------------------------------------------------------- */

static int close_step(void *arg, struct err *err)
{
    struct served_engine *engine = arg, **list = &engine->executor->engines;

    (void)err;
    while (*list != engine)
        list = &(*list)->next;
    *list = engine->next;
    engine_close(engine->engine);
    engine->executor->n_engines--;
    return 0;
}

static bool drop_ref(struct served_model *served)
{
    return atomic_fetch_sub_explicit(&served->refs, 1, memory_order_acq_rel) == 1;
}

static void drop_engine(struct served_model *served)
{
    if (!drop_ref(served))
        return;
    for (int i = 0; i < SERVED_ENGINES; i++) {
        input_release(&served->engines[i].beat.input);
        free(served->engines[i].beat.out);
    }
    model_unref(served->model);
    free(served);
}

static void on_closed(struct task *task)
{
    drop_engine(task->owner);
}

struct served_model *served_model_ref(struct served_model *served)
{
    atomic_fetch_add_explicit(&served->refs, 1, memory_order_relaxed);
    return served;
}

void served_model_unref(struct served_model *served)
{
    if (!served || !drop_ref(served))
        return;
    atomic_store(&served->refs, 1); /* ours, until all closings are posted */
    for (int i = 0; i < SERVED_ENGINES; i++) {
        struct served_engine *engine = &served->engines[i];

        if (!engine->executor)
            continue;
        atomic_fetch_add(&served->refs, 1);
        engine->closing = (struct task){
            .step = close_step, .ended = on_closed, .arg = engine, .owner = served, .always = true};
        executor_post_task(engine->executor, &engine->closing);
    }
    drop_engine(served);
}
