/* Runs: launched batches on their way through the slices. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/bug.h"
#include "base/clock.h"
#include "model/engine/engine_struct.h"

void launcher_lock(struct launcher *launcher)
{
    if (launcher->crew)
        crew_lock(launcher->crew);
}

void launcher_unlock(struct launcher *launcher)
{
    if (launcher->crew)
        crew_unlock(launcher->crew);
}

static void list_append(struct run **list, struct run *run)
{
    while (*list)
        list = &(*list)->next;
    run->next = NULL;
    *list = run;
}

static void list_remove(struct run **list, struct run *run)
{
    while (*list != run) {
        BUG_ON(!*list);
        list = &(*list)->next;
    }
    *list = run->next;
}

static int run_slice_forward(struct run_slice *slice, int lane, struct err *err)
{
    struct run *run = slice->run;
    struct engine *engine = run->engine;
    const struct plan_slice *planned = &run->plan.slices[slice->index];
    const struct run_slice *parent = planned->parent >= 0 ? &run->slices[planned->parent] : NULL;
    const struct forward_args args = {
        .lane = engine->lanes[lane],
        .slice = &planned->slice,
        .scratch = &engine->scratch[engine->n_scratch > 1 ? lane : 0],
        .keep = slice->kept >= 0 ? &engine->kept[slice->kept].qkv : NULL,
        .parents = parent ? &engine->kept[parent->kept].qkv : NULL,
        .outside = planned->outside,
        .logits = run->logits + (ptrdiff_t)planned->first_read * engine->model->config.labels,
    };

    return forward(&engine->network, &args, err);
}

/* ------------------------------------------------------------------ the crew's side */

static int kept_take(struct engine *engine)
{
    for (int i = 0; i < engine->n_kept; i++) {
        if (!engine->kept[i].used) {
            engine->kept[i].used = true;
            return i;
        }
    }
    return -1;
}

static bool slice_take(struct run *run, int i)
{
    struct run_slice *slice = &run->slices[i];
    const struct plan_slice *planned = &run->plan.slices[i];

    if (slice->state != SLICE_WAITING)
        return false;
    if (planned->parent >= 0 && run->slices[planned->parent].state != SLICE_DONE)
        return false;
    if (planned->n_children) {
        slice->kept = kept_take(run->engine);
        if (slice->kept < 0)
            return false; /* children that are under way give one back */
    }
    slice->state = SLICE_RUNNING;
    return true;
}

static void *take(void *arg)
{
    struct launcher *launcher = arg;

    for (struct run *run = launcher->running; run; run = run->next) {
        while (run->first_waiting < run->plan.n_slices &&
               run->slices[run->first_waiting].state != SLICE_WAITING)
            run->first_waiting++;
        for (int i = run->first_waiting; i < run->plan.n_slices; i++)
            if (slice_take(run, i))
                return &run->slices[i];
    }
    return NULL;
}

static void run_work(void *arg, void *work, int thread)
{
    struct launcher *launcher = arg;
    struct run_slice *slice = work;
    struct run *run = slice->run;
    struct err err;

    if (run_slice_forward(slice, thread, &err) == 0)
        return;
    crew_lock(launcher->crew);
    if (!run->failed || run->err.code == ERR_NOMEM)
        run->err = err; /* what broke the engine is told before what did not */
    run->failed = true;
    run->engine->broken |= err.code != ERR_NOMEM;
    crew_unlock(launcher->crew);
}

static void kept_give_back(struct run *run, int i)
{
    if (run->slices[i].kept >= 0)
        run->engine->kept[run->slices[i].kept].used = false;
    run->slices[i].kept = -1;
}

static void slice_done(struct run *run, int i)
{
    int parent = run->plan.slices[i].parent;

    run->slices[i].state = SLICE_DONE;
    run->slices_left--;
    if (run->slices[i].children_left == 0)
        kept_give_back(run, i);
    /* Of a failed run children end before their parent: then the parent gives it back itself. */
    if (parent >= 0 && --run->slices[parent].children_left == 0 &&
        run->slices[parent].state == SLICE_DONE)
        kept_give_back(run, parent);
}

/* Nothing of a failed run is started any more. */
static void drop_waiting(struct run *run)
{
    for (int i = 0; i < run->plan.n_slices; i++)
        if (run->slices[i].state == SLICE_WAITING)
            slice_done(run, i);
}

static void run_finished(struct launcher *launcher, struct run *run)
{
    run->finished = true;
    run->finished_us = clock_now_us();
    list_remove(&launcher->running, run);
    if (!run->internal)
        list_append(&launcher->finished, run);
}

static bool done(void *arg, void *work)
{
    struct launcher *launcher = arg;
    struct run_slice *slice = work;
    struct run *run = slice->run;

    slice_done(run, slice->index);
    if (run->failed)
        drop_waiting(run);
    if (run->slices_left)
        return false;
    run_finished(launcher, run);
    return !run->internal;
}

static void notify(void *arg)
{
    struct launcher *launcher = arg;

    if (launcher->on_progress)
        launcher->on_progress(launcher->arg);
}

const struct crew_ops launcher_crew_ops = {
    .take = take,
    .run = run_work,
    .done = done,
    .notify = notify,
};

/* ------------------------------------------------------------------ launching */

static void launch_on_crew(struct launcher *launcher, struct run *run)
{
    bool empty = run->slices_left == 0;

    crew_lock(launcher->crew);
    list_append(&launcher->running, run);
    if (empty)
        run_finished(launcher, run);
    crew_wake(launcher->crew);
    crew_unlock(launcher->crew);
    if (empty && !run->internal)
        notify(launcher);
}

static int launch_on_queue(struct launcher *launcher, struct run *run, struct err *err)
{
    struct engine *engine = run->engine;

    if (run->plan.n_slices == 0) { /* nothing that the device could be asked for */
        list_append(&launcher->running, run);
        run_finished(launcher, run);
        return 0;
    }
    for (int i = 0; i < run->plan.n_slices; i++)
        if (run_slice_forward(&run->slices[i], run->lane, err))
            goto broken;
    if (engine->ops->finish(engine->lanes[run->lane], err))
        goto broken;
    list_append(&launcher->running, run);
    return 0;
broken:
    launcher->broken = true;
    return -1;
}

static struct run *run_free_one(struct engine *engine)
{
    for (int i = 0; i < engine->n_runs; i++)
        if (!engine->runs[i].batch)
            return &engine->runs[i];
    BUG("more than %d batches launched", engine->n_runs);
}

static void run_prepare(struct run *run, struct engine_batch *batch, bool internal)
{
    plan_build(&run->plan, batch->jobs, batch->n_jobs, run->engine->model->config.labels);
    run->batch = batch;
    run->internal = internal;
    run->first_waiting = 0;
    run->slices_left = run->plan.n_slices;
    run->failed = run->finished = false;
    run->launched_us = clock_now_us();
    for (int i = 0; i < run->plan.n_slices; i++)
        run->slices[i] = (struct run_slice){.run = run,
                                            .index = i,
                                            .state = SLICE_WAITING,
                                            .children_left = run->plan.slices[i].n_children,
                                            .kept = -1};
}

int run_launch(struct engine *engine, struct engine_batch *batch, bool internal, struct run **out,
               struct err *err)
{
    struct launcher *launcher = engine->launcher;
    struct run *run = run_free_one(engine);
    bool broken;

    BUG_ON(batch->n_jobs > engine->max_batch_jobs);
    launcher_lock(launcher);
    broken = engine->broken || launcher->broken;
    launcher_unlock(launcher);
    if (broken)
        return err_set(err, ERR_UNAVAILABLE, "backend %s is broken", engine->ops->name);
    run_prepare(run, batch, internal);
    *out = run;
    if (launcher->crew) {
        launch_on_crew(launcher, run);
    } else if (launch_on_queue(launcher, run, err)) {
        run->batch = NULL;
        return -1;
    }
    return 0;
}

/* ------------------------------------------------------------------ completion */

/* Copies scores to their jobs. A logit that is not finite becomes NaN. */
static enum batch_status deliver(struct run *run)
{
    int labels = run->engine->model->config.labels;
    enum batch_status status = BATCH_OK;

    for (int r = 0; r < run->plan.n_read; r++) {
        const float *from = run->logits + (ptrdiff_t)r * labels;
        for (int l = 0; l < labels; l++) {
            bool finite = isfinite(from[l]) != 0;
            run->plan.targets[r][l] = finite ? from[l] : NAN;
            if (!finite)
                status = BATCH_NOT_FINITE;
        }
    }
    return status;
}

/* What a lane of ours had no memory for left it as it was; what a device's queue did, nobody knows. */
static enum batch_status failure_of(const struct run *run)
{
    return run->engine->launcher->crew && run->err.code == ERR_NOMEM ? BATCH_NO_MEMORY
                                                                     : BATCH_FAILED;
}

/* Gives the run back to its engine; its batch is the caller's again. */
static struct engine_batch *run_end(struct run *run)
{
    struct engine_batch *batch = run->batch;

    batch->run_us = run->finished_us - run->launched_us;
    if (run->failed) {
        batch->status = failure_of(run);
        batch->err = run->err;
    } else {
        batch->status = deliver(run);
    }
    run->batch = NULL;
    return batch;
}

/* Asks the backend about one run of a queue; true when it is through, one way or the other. */
static bool run_ask(struct launcher *launcher, struct run *run)
{
    struct engine *engine = run->engine;
    int answer = -1;

    if (launcher->broken) /* nothing is called on it any more */
        err_set(&run->err, ERR_UNAVAILABLE, "backend %s is broken", engine->ops->name);
    else
        answer = engine->ops->query(engine->lanes[run->lane], &run->err);
    if (answer == 0)
        return false;
    if (answer < 0)
        run->failed = launcher->broken = true;
    run_finished(launcher, run);
    return true;
}

static void sleep_us(int us)
{
    struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};

    nanosleep(&t, NULL);
}

void run_wait(struct run *run)
{
    struct launcher *launcher = run->engine->launcher;
    int poll_us = launcher->caps->poll_us > 0 ? launcher->caps->poll_us : 50;

    if (launcher->crew) {
        crew_lock(launcher->crew);
        while (!run->finished)
            crew_wait_done(launcher->crew);
        crew_unlock(launcher->crew);
    } else {
        while (!run->finished && !run_ask(launcher, run))
            sleep_us(poll_us);
    }
    if (!run->internal) {
        launcher_lock(launcher);
        list_remove(&launcher->finished, run);
        launcher_unlock(launcher);
    }
    run_end(run);
}

struct engine_batch *launcher_poll(struct launcher *launcher)
{
    struct run *run, *next;

    for (run = launcher->crew ? NULL : launcher->running; run; run = next) {
        next = run->next;
        run_ask(launcher, run);
    }
    launcher_lock(launcher);
    run = launcher->finished;
    if (run)
        launcher->finished = run->next;
    launcher_unlock(launcher);
    return run ? run_end(run) : NULL;
}
