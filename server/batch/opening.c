#include "base/clock.h"
#include "base/log.h"
#include "server/batch/executor_state.h"

#define STEP_START_US 5000.0
#define STEP_DECAY 0.9
#define STEP_AT_LEAST_EVERY_US 250000
#define STEP_MAX_US 10000 /* of opening an engine, where others are served */

int executor_open_engine(struct executor *executor, struct served_engine *engine,
                         const struct engine_args *args, struct err *err)
{
    struct opening opening = {.engine = engine, .args = *args, .rc = -1};
    struct opening **end = &executor->openings;

    pthread_mutex_lock(&executor->lock);
    if (executor->stopping || executor->broken) {
        const char *why = executor->broken ? "broken" : "stopping";
        pthread_mutex_unlock(&executor->lock);
        return err_set(err, ERR_UNAVAILABLE, "backend %s is %s", executor->backend, why);
    }
    while (*end)
        end = &(*end)->next;
    *end = &opening;
    if (executor->step_us <= 0)
        executor->step_us = STEP_START_US;
    pthread_cond_signal(&executor->wake);
    while (!opening.done)
        pthread_cond_wait(&executor->opened, &executor->lock);
    pthread_mutex_unlock(&executor->lock);
    if (opening.rc)
        *err = opening.err;
    return opening.rc;
}

void executor_close_engine(struct executor *executor, struct served_engine *engine)
{
    pthread_mutex_lock(&executor->lock);
    engine->next = executor->closings;
    executor->closings = engine;
    pthread_cond_signal(&executor->wake);
    pthread_mutex_unlock(&executor->lock);
}

/*
 * A step takes some milliseconds from everybody in the queue. The gate keeps room for one while a
 * model is being opened (engine_state.background_us); where that does not come about the opening
 * still goes on.
 */
bool background_due(const struct executor *executor, int64_t now_us)
{
    if (!executor->openings && !executor->closings)
        return false;
    if (executor->broken || now_us - executor->last_step_us >= STEP_AT_LEAST_EVERY_US)
        return true;
    return !executor->split.job && gate_fits(&executor->queue, &executor->options,
                                             now_us + (int64_t)executor->step_us, now_us);
}

static void finish_opening(struct executor *executor, struct opening *opening, int rc)
{
    executor->openings = opening->next;
    opening->rc = rc;
    opening->done = true;
    executor->n_engines += rc == 0;
    pthread_cond_broadcast(&executor->opened);
}

/* Outside the lock. 1: more to do, 0: open, -1. */
static int open_step(struct executor *executor, struct opening *opening)
{
    struct served_engine *engine = opening->engine;
    int rc = 1;

    if (!opening->begun)
        opening->args.max_step_us = executor->n_engines ? STEP_MAX_US : 0;
    if (opening->begun)
        rc = engine_open_step(engine->engine, &opening->err);
    else if (engine_open_begin(executor->launcher, &opening->args, &engine->engine, &opening->err))
        return -1;
    opening->begun = true;
    if (rc == 0) {
        /* A part has no more segments than tokens. Nothing is launched: the flights are free. */
        for (int i = 0; i < EXECUTOR_MAX_LAUNCHED && rc == 0; i++)
            rc = input_reserve(&executor->flights[i].part, opening->args.max_batch_tokens,
                               opening->args.max_batch_tokens, &opening->err);
        if (engine_max_launched(engine->engine) < executor->max_launched)
            executor->max_launched = engine_max_launched(engine->engine);
        engine->caps = engine_caps(engine->engine);
        cost_init(&engine->cost, engine_cost(engine->engine), model_max_tokens(opening->args.model),
                  opening->args.max_batch_tokens);
    }
    if (rc == -1) {
        engine_close(engine->engine);
        engine->engine = NULL;
    }
    return rc;
}

static void close_one(struct executor *executor, struct served_engine *engine)
{
    executor->closings = engine->next;
    executor->n_engines--;
    pthread_mutex_unlock(&executor->lock);
    engine_close(engine->engine);
    served_engine_closed(engine);
    pthread_mutex_lock(&executor->lock);
}

void background_step(struct executor *executor, int64_t now_us)
{
    struct opening *opening = executor->openings;
    int rc = 1;

    executor->step_running = true;
    executor->step_started_us = now_us;
    atomic_store(&executor->heartbeat_us,
                 now_us); /* a step may be long where nothing is served yet */
    if (executor->closings) {
        close_one(executor, executor->closings);
    } else {
        pthread_mutex_unlock(&executor->lock);
        rc = open_step(executor, opening);
        pthread_mutex_lock(&executor->lock);
        if (rc != 1)
            finish_opening(executor, opening, rc);
    }
    executor->last_step_us = clock_now_us();
    double took_us = (double)(executor->last_step_us - now_us);
    executor->step_us *= STEP_DECAY;
    executor->step_us = took_us > executor->step_us ? took_us : executor->step_us;
    executor->step_running = false;
}

static void fail_opening(struct executor *executor, struct opening *opening, const char *why)
{
    err_set(&opening->err, ERR_UNAVAILABLE, "backend %s is %s", executor->backend, why);
    finish_opening(executor, opening, -1);
}

void openings_fail(struct executor *executor, const char *why)
{
    struct opening *first = executor->openings;

    if (first && first->begun && !executor->n_launched) {
        engine_close(first->engine->engine);
        first->engine->engine = NULL;
        first->begun = false;
    }
    while (executor->openings && !executor->openings->begun)
        fail_opening(executor, executor->openings, why);
}
