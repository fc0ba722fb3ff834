/* Slices of launched batches, and the crew's way to the next one. */
#include "model/engine/slices.h"

#include "base/bug.h"
#include "base/clock.h"
#include "model/engine/engine_state.h"
#include "model/engine/launcher_state.h"

void launch_append(struct launch **list, struct launch *launch)
{
    while (*list)
        list = &(*list)->next;
    launch->next = NULL;
    *list = launch;
}

void launch_finish(struct launcher *launcher, struct launch *launch)
{
    struct launch **at = &launcher->running;

    while (*at != launch) {
        BUG_ON(!*at);
        at = &(*at)->next;
    }
    *at = launch->next;
    launch->finished = true;
    launch->finished_us = clock_now_us();
    if (!launch->internal)
        launch_append(&launcher->finished, launch);
}

int slice_forward(struct launch_slice *slice, int lane, struct err *err)
{
    struct launch *launch = slice->launch;
    struct engine *engine = launch->engine;
    const struct plan_slice *planned = &launch->plan.slices[slice->index];
    const struct launch_slice *parent =
        planned->parent >= 0 ? &launch->slices[planned->parent] : NULL;
    const struct network *net = &engine->networks[0];
    const struct layer_range layers = launch->layers;
    const struct pass pass = {
        .network = engine->exchanging ? NULL : net,
        .first_layer = layers.first,
        .n_layers = layers.end - layers.first,
        .record = launch->record,
    };
    const struct forward_args args = {
        .lane = engine->lanes[lane],
        .slice = &planned->slice,
        .scratch = &engine->scratch[lane < engine->n_threads ? lane : 0],
        .layers = layers,
        .reads = true,
        .read_out = engine->model->adrank.kind->read_out,
        .rows = {.qkv = slice->kept >= 0 ? engine->kept[slice->kept].qkv : (struct layer_block){0}},
        .parents = parent ? &engine->kept[parent->kept].qkv : NULL,
        .outside = planned->outside,
    };
    float *out = launch->out + (ptrdiff_t)planned->first_read * engine->out_width;
    int replayed = engine->ops->begin(args.lane, args.slice, &pass, err);

    if (replayed)
        return replayed < 0 ? -1 : 0;
    if (forward(net, &args, err))
        return -1;
    return args.slice->n_read ? packed_head_run(&engine->head, &args, out, err) : 0;
}

/* ---- room for what parents keep -------------------------------------------------------------- */

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

static void kept_put(struct launch_slice *slice)
{
    if (slice->kept >= 0)
        slice->launch->engine->kept[slice->kept].used = false;
    slice->kept = -1;
}

/* ---- the crew -------------------------------------------------------------------------------- */

static bool slice_start(struct launch *launch, int i)
{
    struct launch_slice *slice = &launch->slices[i];
    const struct plan_slice *planned = &launch->plan.slices[i];

    if (slice->state != SLICE_WAITING)
        return false;
    if (planned->parent >= 0 && launch->slices[planned->parent].state != SLICE_DONE)
        return false;
    if (planned->n_children) {
        slice->kept = kept_take(launch->engine);
        if (slice->kept < 0)
            return false; /* running children will free one */
    }
    slice->state = SLICE_RUNNING;
    return true;
}

static void *next_slice(void *arg)
{
    struct launcher *launcher = arg;

    for (struct launch *launch = launcher->running; launch; launch = launch->next) {
        while (launch->first_waiting < launch->plan.n_slices &&
               launch->slices[launch->first_waiting].state != SLICE_WAITING)
            launch->first_waiting++;
        for (int i = launch->first_waiting; i < launch->plan.n_slices && !launch->failed; i++)
            if (slice_start(launch, i))
                return &launch->slices[i];
    }
    return NULL;
}

static void run_slice(void *arg, void *work, int thread)
{
    struct launcher *launcher = arg;
    struct launch_slice *slice = work;
    struct launch *launch = slice->launch;
    struct err err;

    if (slice_forward(slice, thread, &err) == 0)
        return;
    crew_lock(launcher->crew);
    if (!launch->failed || launch->err.code == ERR_NOMEM)
        launch->err = err; /* what broke the engine is reported rather than what did not */
    launch->failed = true;
    launch->engine->broken |= err.code != ERR_NOMEM;
    crew_unlock(launcher->crew);
}

static void slice_end(struct launch *launch, int i)
{
    struct launch_slice *slice = &launch->slices[i];
    int at = launch->plan.slices[i].parent;
    struct launch_slice *parent = at >= 0 ? &launch->slices[at] : NULL;

    slice->state = SLICE_DONE;
    launch->slices_left--;
    if (slice->children_left == 0)
        kept_put(slice);
    /* In a failed launch children may finish before their parent: then the parent puts it back. */
    if (parent && --parent->children_left == 0 && parent->state == SLICE_DONE)
        kept_put(parent);
}

/* Slices of a failed launch are not started. */
static void drop_waiting(struct launch *launch)
{
    for (int i = 0; i < launch->plan.n_slices; i++)
        if (launch->slices[i].state == SLICE_WAITING)
            slice_end(launch, i);
}

static bool slice_done(void *arg, void *work)
{
    struct launcher *launcher = arg;
    struct launch_slice *slice = work;
    struct launch *launch = slice->launch;

    slice_end(launch, slice->index);
    if (launch->failed)
        drop_waiting(launch);
    if (launch->slices_left)
        return false;
    launch_finish(launcher, launch);
    return !launch->internal;
}

static void notify(void *arg)
{
    struct launcher *launcher = arg;

    if (launcher->on_progress)
        launcher->on_progress(launcher->arg);
}

const struct crew_ops slices_crew_ops = {
    .next = next_slice,
    .run = run_slice,
    .done = slice_done,
    .notify = notify,
};
