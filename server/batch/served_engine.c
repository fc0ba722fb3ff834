/* Opening and closing an engine between batches; see served_engine.h. */
#include "server/batch/served_engine.h"

#include "server/batch/executor_state.h"
#include "server/batch/intake.h"

#define STEP_MAX_US 10000 /* of opening an engine, where others are served */

/* Lies on the stack of the thread that waits for it. */
struct opening {
    struct served_engine *engine;
    struct executor *executor;
    struct engine_args args;
};

static void abandon_open(void *arg)
{
    const struct opening *opening = arg;

    engine_close(opening->engine->engine);
    opening->engine->engine = NULL;
}

/* The engine can run batches from now on. Nothing is launched: the batches are free. */
static int take_over(const struct opening *opening, struct err *err)
{
    struct executor *executor = opening->executor;
    struct served_engine *engine = opening->engine;
    int max_tokens = opening->args.max_batch_tokens;

    for (int i = 0; i < BATCH_MAX_LAUNCHED; i++) /* a part has no more segments than tokens */
        if (input_reserve(&executor->schedule.batches[i].input, max_tokens, max_tokens, err))
            return -1;
    engine->caps = engine_caps(engine->engine);
    cost_init(&engine->cost, engine_cost(engine->engine), model_max_tokens(opening->args.model),
              max_tokens);
    if (engine_max_launched(engine->engine) < executor->max_launched)
        executor->max_launched = engine_max_launched(engine->engine);
    executor->n_engines++;
    return 0;
}

static int open_step(void *arg, struct err *err)
{
    struct opening *opening = arg;
    struct served_engine *engine = opening->engine;

    if (!engine->engine) {
        opening->args.max_step_us = opening->executor->n_engines ? STEP_MAX_US : 0;
        return engine_open_begin(opening->executor->launcher, &opening->args, &engine->engine, err)
                   ? -1
                   : 1;
    }
    int rc = engine_open_step(engine->engine, err);
    if (rc == 0)
        rc = take_over(opening, err);
    if (rc == -1)
        abandon_open(opening);
    return rc;
}

int served_engine_open(struct served_engine *engine, struct executor *executor,
                       const struct engine_args *args, struct err *err)
{
    struct opening opening = {.engine = engine, .executor = executor, .args = *args};
    struct task task = {.step = open_step, .abandon = abandon_open, .arg = &opening};

    opening.args.max_batch_jobs = executor->schedule.max_jobs;
    if (executor_run_task(executor, &task, err))
        return -1;
    engine->executor = executor;
    return 0;
}

static int close_step(void *arg, struct err *err)
{
    struct served_engine *engine = arg;

    (void)err;
    engine_close(engine->engine);
    engine->executor->n_engines--;
    return 0;
}

static void on_ended(struct task *task)
{
    struct served_engine *engine = task->arg;

    engine->on_closed(engine->on_closed_arg);
}

void served_engine_close(struct served_engine *engine, void (*on_closed)(void *arg), void *arg)
{
    engine->on_closed = on_closed;
    engine->on_closed_arg = arg;
    engine->closing =
        (struct task){.step = close_step, .ended = on_ended, .arg = engine, .always = true};
    executor_post_task(engine->executor, &engine->closing);
}
