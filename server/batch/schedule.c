/* What an executor does next; see schedule.h. */
#include "server/batch/schedule.h"

#include <math.h>

#include "base/bug.h"

#define HANG_TIMES 20         /* its estimate, a batch may take */
#define BEAT_AFTER_US 2000000 /* of idleness */
#define LEAK_AFTER_US 1000000 /* beyond the drain, for a batch that does not complete */

int schedule_init(struct schedule *schedule, int max_jobs, int max_queue, struct err *err)
{
    *schedule = (struct schedule){.max_jobs = max_jobs, .max_queue = max_queue, .max_launched = 1};
    for (int i = 0; i < BATCH_MAX_LAUNCHED; i++)
        if (batch_init(&schedule->batches[i], max_jobs, err))
            return -1;
    return queue_init(&schedule->queue, max_queue, err);
}

void schedule_release(struct schedule *schedule)
{
    for (int i = 0; i < BATCH_MAX_LAUNCHED; i++)
        batch_release(&schedule->batches[i]);
    queue_release(&schedule->queue);
}

void schedule_set_options(struct schedule *schedule, const struct batch_options *from)
{
    struct batch_options *options = &schedule->options;

    *options = *from;
    if (options->max_jobs < 1 || options->max_jobs > schedule->max_jobs)
        options->max_jobs = schedule->max_jobs;
    if (options->max_queue < 1 || options->max_queue > schedule->max_queue)
        options->max_queue = schedule->max_queue;
    options->hang_us = options->hang_us < 0 ? 0 : options->hang_us;
    options->min_us = options->min_us < 0 ? 0 : options->min_us;
    options->reserve_us = options->reserve_us < 0 ? 0 : options->reserve_us;
}

enum executor_state schedule_state(const struct schedule *schedule)
{
    if (schedule->broken)
        return EXECUTOR_BROKEN;
    return schedule->stopping ? EXECUTOR_STOPPING : EXECUTOR_SERVING;
}

void schedule_stop(struct schedule *schedule, int64_t now_us, int64_t drain_us)
{
    if (schedule->stopping)
        return;
    schedule->stopping = true;
    schedule->drain_until_us = now_us + drain_us;
}

void schedule_close(struct schedule *schedule, int64_t now_us)
{
    /* The drain may be over already. */
    int64_t from_us = now_us > schedule->drain_until_us ? now_us : schedule->drain_until_us;

    if (schedule->closing)
        return;
    schedule->closing = true;
    schedule->leak_after_us = from_us + LEAK_AFTER_US;
}

/* ---- admission ------------------------------------------------------------------------------- */

/* A batch has the device since its launch, or since the batch before it was done. */
static int64_t on_device_since_us(const struct schedule *schedule, const struct batch *batch)
{
    return batch->launched_us > schedule->free_since_us ? batch->launched_us
                                                        : schedule->free_since_us;
}

/* Estimate of when the step and the batches in flight are done. */
static int64_t free_us(const struct schedule *schedule, int64_t now_us)
{
    const struct background *background = &schedule->background;
    const struct batch *oldest = schedule->launched[0];
    double us = (double)now_us;

    if (background->running)
        us = (double)launched_free_us(background->started_us, background->step_us, now_us);
    if (schedule->n_launched)
        us =
            (double)launched_free_us(on_device_since_us(schedule, oldest), oldest->cost_us, now_us);
    for (int i = 1; i < schedule->n_launched; i++)
        us += schedule->launched[i]->cost_us;
    return (int64_t)(us + split_left_us(&schedule->split));
}

bool schedule_is_full(const struct schedule *schedule)
{
    return schedule->queue.n >= schedule->options.max_queue;
}

struct work *schedule_make_room(struct schedule *schedule, int64_t now_us)
{
    return schedule_is_full(schedule) ? pick_dropped(&schedule->queue, now_us) : NULL;
}

struct gate_answer schedule_admit(struct schedule *schedule, struct work *work, int64_t now_us)
{
    struct engine_state state = {
        .idle = !schedule->n_launched && !schedule->split.work && !schedule->background.running,
        .free_us = free_us(schedule, now_us) + background_room_us(&schedule->background),
    };
    return gate_decide(&schedule->gate, &schedule->queue, work, &schedule->options, &state, now_us);
}

/* ---- what happened --------------------------------------------------------------------------- */

static void add_works(struct actions *actions, struct work **list, struct work *works)
{
    actions->idle = actions->idle && !works;
    while (*list)
        list = &(*list)->next;
    *list = works;
}

static void add_ended(struct actions *actions, struct task *tasks)
{
    struct task **list = &actions->ended;

    actions->idle = actions->idle && !tasks;
    while (*list)
        list = &(*list)->next;
    *list = tasks;
}

static void return_split(struct schedule *schedule, struct actions *actions)
{
    struct split *split = &schedule->split;

    add_works(actions, split->broken ? &actions->rerouted : &actions->returned[split->outcome],
              split_take_ended(split));
}

/* What waits goes to the fallback, and nothing is admitted or launched from now on. */
static void break_down(struct schedule *schedule, struct actions *actions)
{
    schedule->broken = true;
    split_break(&schedule->split);
    return_split(schedule, actions);
    add_works(actions, &actions->rerouted, queue_empty(&schedule->queue));
}

static void remove_launched(struct schedule *schedule, const struct batch *batch)
{
    int i = 0;

    while (schedule->launched[i] != batch)
        i++;
    for (schedule->n_launched--; i < schedule->n_launched; i++)
        schedule->launched[i] = schedule->launched[i + 1];
}

static void account(struct schedule *schedule, struct batch *batch)
{
    if (schedule->launched[0] == batch) /* the next one now has the device */
        schedule->heartbeat_us = batch->completed_us;
    batch->took_us = batch->completed_us - on_device_since_us(schedule, batch);
    schedule->free_since_us = batch->completed_us;
    if (batch_computed(batch->status) && batch->n)
        cost_observe(batch->works[0]->cost, batch->base_us, (double)batch->took_us);
}

static void complete(struct schedule *schedule, struct batch *batch, struct actions *actions)
{
    if (batch->submitted)
        account(schedule, batch);
    remove_launched(schedule, batch);
    if (batch->status == BATCH_FAILED) {
        break_down(schedule, actions);
        for (int i = 0; i < batch->n && batch->part < 0; i++) {
            batch->works[i]->next = NULL;
            add_works(actions, &actions->rerouted, batch->works[i]);
        }
    }
    if (batch->part >= 0) {
        split_part_done(&schedule->split, batch->status);
        return_split(schedule, actions);
    }
}

static void record(struct schedule *schedule, const struct facts *facts, struct actions *actions)
{
    struct batch *launched = facts->launched;

    if (launched && launched->part >= 0) {
        const struct cost *cost = launched->works[0]->cost;
        launched->base_us = cost_base_us(cost, &launched->shape, 1);
        launched->cost_us = cost->ratio * launched->base_us;
        split_part_cut(&schedule->split, launched->cost_us);
    }
    for (int i = 0; i < facts->n_done; i++)
        complete(schedule, facts->done[i], actions);
    if (facts->stepped)
        add_ended(actions, background_stepped(&schedule->background, facts->now_us));
    if (!schedule->n_launched)
        schedule->heartbeat_us = facts->now_us;
}

/* ---- a device that hangs --------------------------------------------------------------------- */

/* Its batches will not complete; their jobs are not the device's, which works on copies. */
static void abandon(struct schedule *schedule, struct actions *actions)
{
    schedule->hung = true;
    split_abandon(&schedule->split);
    break_down(schedule, actions);
    for (int i = 0; i < schedule->n_launched; i++) {
        struct batch *batch = schedule->launched[i];

        for (int k = 0; k < batch->n && batch->part < 0; k++) {
            batch->works[k]->next = NULL;
            add_works(actions, &actions->rerouted, batch->works[k]);
        }
    }
    schedule->n_abandoned += schedule->n_launched;
    schedule->n_launched = 0;
}

/* Counted from before the last poll: had this process been stopped since, the batch might be done
 * and not yet collected. */
static bool oldest_hangs(const struct schedule *schedule, const struct facts *facts)
{
    const struct batch *oldest = schedule->launched[0];
    const int64_t least_us = schedule->options.hang_us;
    int64_t since_us;

    if (!schedule->n_launched || !facts->polled_us || !least_us)
        return false;
    since_us = oldest->submitted_us > schedule->free_since_us ? oldest->submitted_us
                                                              : schedule->free_since_us;
    return (double)(facts->polled_us - since_us) >
           fmax((double)least_us, HANG_TIMES * oldest->cost_us);
}

static void watch_device(struct schedule *schedule, const struct facts *facts,
                         struct actions *actions)
{
    if (!schedule->hung && oldest_hangs(schedule, facts)) {
        actions->hung = schedule->launched[0];
        schedule->hung = true;
    }
    if (!schedule->hung)
        return;
    if (schedule->n_launched || schedule->split.work)
        abandon(schedule, actions);
    add_ended(actions, background_lose(&schedule->background, "broken"));
}

struct work *schedule_give_up(struct schedule *schedule, struct task **ended)
{
    schedule->broken = schedule->hung = true;
    *ended = background_lose(&schedule->background, "broken");
    return queue_empty(&schedule->queue);
}

/* ---- what is next ---------------------------------------------------------------------------- */

/* An engine counts as work: a job is returned before its reference to the model is dropped, so the
 * last reference may still be on its way here from another thread. */
static bool is_finished(const struct schedule *schedule, const struct facts *facts)
{
    bool busy = schedule->n_launched || schedule->split.work || schedule->queue.n ||
                background_first(&schedule->background) || (facts->n_engines && !schedule->hung);

    return schedule->closing && (!busy || facts->now_us > schedule->leak_after_us);
}

static void drain(struct schedule *schedule, int64_t now_us, struct actions *actions)
{
    if (schedule->stopping)
        add_ended(actions,
                  background_fail(&schedule->background, "stopping", schedule->n_launched > 0));
    if (schedule->stopping && now_us >= schedule->drain_until_us) {
        add_works(actions, &actions->returned[JOB_FAILED], queue_empty(&schedule->queue));
        split_fail(&schedule->split);
        return_split(schedule, actions);
    }
}

/* A step takes some milliseconds from every job in the queue. The gate keeps room for one while
 * there is a task (background_room_us); without that room it is still made eventually. */
static bool is_step_due(const struct schedule *schedule, int64_t now_us)
{
    const struct background *background = &schedule->background;

    if (!background_first(background))
        return false;
    if (background_is_overdue(background, now_us))
        return true;
    return !schedule->split.work && gate_fits(&schedule->queue, &schedule->options,
                                              now_us + (int64_t)background->step_us, now_us);
}

static void step(struct schedule *schedule, int64_t now_us, struct actions *actions)
{
    struct background *background = &schedule->background;

    if (schedule->broken)
        add_ended(actions, background_fail(background, "broken", false));
    if (!background_first(background))
        return;
    actions->step = background_begin(background, now_us);
    actions->idle = false;
}

static struct batch *free_batch(struct schedule *schedule)
{
    for (int i = 0; i < BATCH_MAX_LAUNCHED; i++)
        if (schedule->batches[i].n == 0)
            return &schedule->batches[i];
    BUG("no free batch");
}

static void launch(struct schedule *schedule, struct batch *batch, int64_t now_us,
                   struct actions *actions)
{
    batch->launched_us = now_us;
    batch->submitted = false;
    batch->status = BATCH_OK;
    schedule->launched[schedule->n_launched++] = batch;
    if (schedule->n_launched == 1) /* else the oldest one may hang, and this would hide it */
        schedule->heartbeat_us = now_us;
    actions->launch = batch;
    actions->idle = false;
}

/* Whether there was a part to launch; otherwise the split job was abandoned. */
static bool launch_part(struct schedule *schedule, int64_t now_us, struct actions *actions)
{
    struct split *split = &schedule->split;
    struct batch *batch = free_batch(schedule);

    batch->part = split_next(split, now_us);
    if (batch->part < 0) {
        return_split(schedule, actions);
        return false;
    }
    batch->works[0] = split->work;
    batch->n = 1;
    batch->shape = (struct input_shape){0};
    batch->base_us = 0;
    batch->cost_us = split->part_us;
    launch(schedule, batch, now_us, actions);
    return true;
}

static void launch_picked(struct schedule *schedule, int64_t now_us, struct actions *actions)
{
    struct batch *batch = free_batch(schedule);
    struct extent extent;

    add_works(actions, &actions->returned[JOB_EXPIRED],
              pick_batch(&schedule->queue, &schedule->options, now_us, batch->works, &extent));
    if (extent.n == 1 && extent.batches > 1) {
        if (schedule->split.work) { /* the one before still has parts in flight: this is next */
            queue_insert(&schedule->queue, batch->works[0]);
            return;
        }
        split_start(&schedule->split, batch->works[0], &extent);
        launch_part(schedule, now_us, actions);
    } else if (extent.n) {
        batch->n = extent.n;
        batch->part = -1;
        batch->shape = extent.shape;
        batch->base_us = extent.base_us;
        batch->cost_us = extent.cost_us;
        launch(schedule, batch, now_us, actions);
    }
}

/* So that a dead device is noticed before traffic comes. */
static bool is_beat_due(const struct schedule *schedule, const struct facts *facts)
{
    return schedule->beats && schedule->options.hang_us && facts->n_engines &&
           !schedule->n_launched && !schedule->broken && !schedule->stopping &&
           facts->now_us - schedule->free_since_us >= BEAT_AFTER_US;
}

static void launch_beat(struct schedule *schedule, const struct facts *facts,
                        struct actions *actions)
{
    struct batch *beat = &schedule->beat;

    beat->n = 0;
    beat->part = -1;
    beat->shape = (struct input_shape){.tokens = 1};
    beat->base_us = beat->cost_us = facts->beat_us;
    launch(schedule, beat, facts->now_us, actions);
}

static void launch_next(struct schedule *schedule, int64_t now_us, struct actions *actions)
{
    if (schedule->n_launched >= schedule->max_launched)
        return;
    if (schedule->split.work && !schedule->split.ended && launch_part(schedule, now_us, actions))
        return;
    if (schedule->queue.n)
        launch_picked(schedule, now_us, actions);
}

void schedule_decide(struct schedule *schedule, const struct facts *facts, struct actions *actions)
{
    int64_t now_us = facts->now_us;

    *actions = (struct actions){.idle = !facts->n_done};
    record(schedule, facts, actions);
    if (facts->n_done) /* their jobs are returned first */
        return;
    watch_device(schedule, facts, actions);
    actions->finished = is_finished(schedule, facts);
    if (actions->finished)
        return;
    drain(schedule, now_us, actions);
    if (!is_step_due(schedule, now_us))
        launch_next(schedule, now_us, actions);
    else if (!schedule->n_launched) /* else no further batch until the step was made */
        step(schedule, now_us, actions);
    if (actions->idle && is_beat_due(schedule, facts))
        launch_beat(schedule, facts, actions);
}
