/*
 * An engine of a served model on one executor: opened and closed by background tasks.
 */
#ifndef SERVER_BATCH_SERVED_ENGINE_H
#define SERVER_BATCH_SERVED_ENGINE_H

#include "adrank/engine.h"
#include "server/batch/background.h"
#include "server/batch/cost.h"

struct executor;

struct served_engine {
    struct executor *executor;       /* NULL: there is none, or it is not open */
    struct engine *engine;           /* its executor's thread only */
    const struct session_caps *caps; /* of the engine: precision in effect and why; any thread */
    struct cost cost;                /* under its executor's lock */
    struct task closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

/* Waits until the engine is open or has failed; not for workers, nor for an executor's thread. */
int served_engine_open(struct served_engine *engine, struct executor *executor,
                       const struct engine_args *args, struct err *err) MUST_CHECK;

/* Any thread, never waits. on_closed(arg) is called by the executor's thread behind all use of
 * *engine. */
void served_engine_close(struct served_engine *engine, void (*on_closed)(void *arg), void *arg);

#endif
