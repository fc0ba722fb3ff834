/* Launched batches: what each needs, how it is started, how completion is detected. */
#include "model/engine/launch.h"

#include <math.h>
#include <time.h>

#include "base/bug.h"
#include "base/carve.h"
#include "base/clock.h"
#include "model/engine/engine_state.h"
#include "model/engine/launcher_state.h"
#include "model/engine/slices.h"

/* Without a crew there is no other thread to lock out. */
static void lock(struct launcher *launcher)
{
    if (launcher->crew)
        crew_lock(launcher->crew);
}

static void unlock(struct launcher *launcher)
{
    if (launcher->crew)
        crew_unlock(launcher->crew);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Bytes of all that a launch needs. Places it in memory unless that is NULL. */
static size_t place(struct launch *launch, const struct plan_limits *limits, void *memory)
{
    size_t n = (size_t)limits->max_rows, width = (size_t)launch->engine->out_width;
    void *plan = NULL;
    const struct carve_part parts[] = {
        {&plan, plan_bytes(limits)},
        {&launch->slices, n * sizeof(*launch->slices)},
        {&launch->out, n * width * sizeof(*launch->out)},
    };
    size_t bytes = carve(parts, sizeof(parts) / sizeof(parts[0]), memory);

    if (memory)
        plan_init(&launch->plan, limits, plan);
    return bytes;
}

int launch_init(struct launch *launch, struct engine *engine, int lane, struct err *err)
{
    const struct launcher *launcher = engine->launcher;
    const struct device_caps *caps = launcher->caps;
    bool crew = launcher->crew != NULL;
    int positions = engine->networks[0].config->positions;
    const struct plan_limits limits = {
        .max_batch_tokens = engine->max_batch_tokens,
        .max_rows = ladder_rung(&caps->ladder, engine->max_batch_tokens),
        .max_segment_tokens = positions,
        .slice_tokens = crew ? caps->slice_tokens : 0,
        .max_slice_tokens = engine->max_slice_tokens,
        .max_parent_tokens = positions,
        .threads = engine->n_threads,
        .outside_parents = caps->outside_parents,
    };

    *launch = (struct launch){.engine = engine, .lane = lane};
    launch->memory = engine->ops->host_alloc(launcher->device, place(launch, &limits, NULL), err);
    if (!launch->memory)
        return -1;
    place(launch, &limits, launch->memory);
    return 0;
}

void launch_release(struct launch *launch)
{
    BUG_ON(launch->batch);
    launch->engine->ops->host_free(launch->engine->launcher->device, launch->memory);
    *launch = (struct launch){0};
}

/* ---- launching ------------------------------------------------------------------------------- */

static void launch_on_crew(struct launcher *launcher, struct launch *launch)
{
    bool empty = launch->slices_left == 0;

    crew_lock(launcher->crew);
    launch_append(&launcher->running, launch);
    if (empty)
        launch_finish(launcher, launch);
    crew_wake(launcher->crew);
    crew_unlock(launcher->crew);
    if (empty && !launch->internal)
        slices_crew_ops.notify(launcher);
}

/* Keeps the cause for those who come later; returns -1. */
static int launcher_break(struct launcher *launcher, const struct err *why)
{
    launcher->broken = true;
    launcher->why = *why;
    return -1;
}

int launcher_refuse(const struct launcher *launcher, struct err *err)
{
    const char *why = launcher->why.text;

    return err_set(err, ERR_UNAVAILABLE, "backend %s is broken%s%.300s", launcher->ops->name,
                   *why ? ": " : "", why);
}

static int launch_on_queue(struct launcher *launcher, struct launch *launch, struct err *err)
{
    struct engine *engine = launch->engine;

    if (launch->plan.n_slices == 0) { /* nothing for the device to do */
        launch_append(&launcher->running, launch);
        launch_finish(launcher, launch);
        return 0;
    }
    for (int i = 0; i < launch->plan.n_slices; i++)
        if (slice_forward(&launch->slices[i], launch->lane, err))
            return launcher_break(launcher, err);
    if (engine->ops->finish(engine->lanes[launch->lane], err))
        return launcher_break(launcher, err);
    launch_append(&launcher->running, launch);
    return 0;
}

static struct launch *launch_take(struct engine *engine)
{
    for (int i = 0; i < engine->n_launches; i++)
        if (!engine->launches[i].batch)
            return &engine->launches[i];
    BUG("more than %d batches launched", engine->n_launches);
}

/* Passes of some layers are only measured, those of golden requests checked. */
static bool records(const struct engine *engine, struct layer_range layers)
{
    return engine->records && layers.first == 0 && layers.end == engine->networks[0].config->layers;
}

static void launch_prepare(struct launch *launch, const struct launch_args *args)
{
    plan_build(&launch->plan, args->batch->jobs, args->batch->n_jobs, launch->engine->out_width);
    launch->batch = args->batch;
    launch->internal = args->internal;
    launch->record = records(launch->engine, args->layers);
    launch->layers = args->layers;
    launch->first_waiting = 0;
    launch->slices_left = launch->plan.n_slices;
    launch->failed = launch->finished = false;
    launch->launched_us = clock_now_us();
    for (int i = 0; i < launch->plan.n_slices; i++)
        launch->slices[i] =
            (struct launch_slice){.launch = launch,
                                  .index = i,
                                  .state = SLICE_WAITING,
                                  .children_left = launch->plan.slices[i].n_children,
                                  .kept = -1};
}

int launch_start(struct engine *engine, const struct launch_args *args, struct launch **out,
                 struct err *err)
{
    struct launcher *launcher = engine->launcher;
    struct launch *launch = launch_take(engine);
    bool broken;

    BUG_ON(args->batch->n_jobs > engine->max_batch_jobs);
    lock(launcher);
    broken = engine->broken || launcher->broken;
    unlock(launcher);
    if (broken)
        return launcher_refuse(launcher, err);
    launch_prepare(launch, args);
    *out = launch;
    if (launcher->crew) {
        launch_on_crew(launcher, launch);
    } else if (launch_on_queue(launcher, launch, err)) {
        launch->batch = NULL;
        return -1;
    }
    return 0;
}

/* ---- completion ------------------------------------------------------------------------------ */

/* Copies outputs to their jobs. One that is not finite becomes NaN. */
static enum batch_status deliver(struct launch *launch)
{
    int width = launch->engine->out_width;
    enum batch_status status = BATCH_OK;

    for (int r = 0; r < launch->plan.n_read; r++) {
        const float *from = launch->out + (ptrdiff_t)r * width;
        for (int l = 0; l < width; l++) {
            bool finite = isfinite(from[l]) != 0;
            launch->plan.targets[r][l] = finite ? from[l] : NAN;
            if (!finite)
                status = BATCH_NOT_FINITE;
        }
    }
    return status;
}

/* Running out of memory leaves a host lane unchanged, but a queue in an unknown state. */
static enum batch_status failure_of(const struct launch *launch)
{
    return launch->engine->launcher->crew && launch->err.code == ERR_NOMEM ? BATCH_NO_MEMORY
                                                                           : BATCH_FAILED;
}

/* The launch is free again; its batch is the caller's. */
static struct engine_batch *launch_end(struct launch *launch)
{
    struct engine_batch *batch = launch->batch;

    batch->run_us = launch->finished_us - launch->launched_us;
    if (launch->failed) {
        batch->status = failure_of(launch);
        batch->err = launch->err;
    } else {
        batch->status = deliver(launch);
    }
    launch->batch = NULL;
    return batch;
}

/* Queries a launch of a queue; true when it is done or has failed. */
static bool launch_query(struct launcher *launcher, struct launch *launch)
{
    struct engine *engine = launch->engine;
    int rc = -1;

    if (launcher->broken) /* it must not be called again */
        (void)launcher_refuse(launcher, &launch->err);
    else
        rc = engine->ops->query(engine->lanes[launch->lane], &launch->err);
    if (rc == 0)
        return false;
    if (rc < 0 && !launcher->broken)
        (void)launcher_break(launcher, &launch->err);
    launch->failed = rc < 0;
    launch_finish(launcher, launch);
    return true;
}

static void sleep_us(int us)
{
    struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};

    nanosleep(&t, NULL);
}

void launch_wait(struct launch *launch)
{
    struct launcher *launcher = launch->engine->launcher;
    int poll_us = launcher->caps->poll_us > 0 ? launcher->caps->poll_us : 50;

    if (launcher->crew) {
        crew_lock(launcher->crew);
        while (!launch->finished)
            crew_wait_done(launcher->crew);
        crew_unlock(launcher->crew);
    } else {
        while (!launch->finished && !launch_query(launcher, launch))
            sleep_us(poll_us);
    }
    launch_end(launch);
}

struct engine_batch *launcher_poll(struct launcher *launcher)
{
    struct launch *launch, *next;

    for (launch = launcher->crew ? NULL : launcher->running; launch; launch = next) {
        next = launch->next;
        launch_query(launcher, launch);
    }
    lock(launcher);
    launch = launcher->finished;
    if (launch)
        launcher->finished = launch->next;
    unlock(launcher);
    return launch ? launch_end(launch) : NULL;
}
