/* Plans the queue's batches to decide whether a job is admitted. */
#include "server/batch/gate.h"

#include <math.h>

#include "server/batch/pick.h"

#define DECAY 0.999
#define SHORT_QUANTILE 0.005
#define PATIENT_SHARE 0.5   /* of the time beyond a short budget that a long one may plan with */
#define WORTH_BEHIND 100.0  /* see room_us: of a batch that waits for another */
#define WORTH_IN_FRONT 10.0 /* of the next batch, while others wait for it */

static int bucket_of(int64_t budget_us)
{
    if (budget_us <= 250)
        return 0;
    int i = (int)(4 * log2((double)budget_us / 250.0));
    return i >= GATE_BUDGET_BUCKETS ? GATE_BUDGET_BUCKETS - 1 : i;
}

/* No time is left for a budget that an idle engine could not meet, nor for one under the floor of
 * the order. */
static bool within_reach(const struct work *work, const struct batch_options *options)
{
    double alone_us = work->cost->ratio * work->base_us;
    double budget_us = (double)(work->deadline_us - work->arrival_us);

    return budget_us >= fmax(alone_us, (double)options->min_us);
}

static void note_budget(struct gate *gate, int64_t budget_us)
{
    for (int i = 0; i < GATE_BUDGET_BUCKETS; i++)
        gate->budgets[i] *= DECAY;
    gate->budgets[bucket_of(budget_us)] += 1;
    gate->total = gate->total * DECAY + 1;
}

/* The budget that one in 200 does not exceed: the upper edge of its bucket. */
static double short_budget_us(const struct gate *gate)
{
    double below = 0;

    for (int i = 0; i < GATE_BUDGET_BUCKETS; i++) {
        below += gate->budgets[i];
        if (below >= SHORT_QUANTILE * gate->total)
            return 250.0 * pow(2, (i + 1) / 4.0);
    }
    return INFINITY;
}

/* When a newcomer has to finish as planned: before its deadline where budgets differ. */
static double latest_us(const struct gate *gate, const struct work *work, int64_t reserve_us)
{
    double budget_us = (double)(work->deadline_us - work->arrival_us);
    double short_us = short_budget_us(gate);

    if (budget_us > short_us)
        budget_us = short_us + PATIENT_SHARE * (budget_us - short_us);
    return (double)work->arrival_us + budget_us - (double)reserve_us;
}

int64_t launched_free_us(int64_t started_us, double cost_us, int64_t now_us)
{
    int64_t end_us = started_us + (int64_t)ceil(cost_us);

    return end_us >= now_us ? end_us : now_us + (now_us - end_us);
}

/*
 * The growth a batch still needs to amortise its fixed cost: until it takes `worth` times that, or
 * is full. Its earliest deadline limits the growth: if that job were admitted with no time to spare
 * while others wait, its batch would stay small, and an overloaded engine would end up running
 * nothing but batches of one.
 */
static double room_us(const struct extent *extent, const struct batch_options *options,
                      double worth)
{
    double fixed_us = extent->cost->ratio * extent->cost->engine.fixed_us;
    double variable_us = extent->cost_us - fixed_us * extent->batches;
    double full = cost_batch_tokens(extent->cost, options->max_tokens);
    double by_tokens = extent->shape.tokens > 0 ? full / (double)extent->shape.tokens : 1;
    double times = fmin(by_tokens, (double)options->max_jobs / extent->n);

    if (extent->batches > 1)
        return 0;
    return fmax(0, fmin(variable_us * times, worth * fixed_us) - variable_us);
}

/* The batches to come. */
struct forecast {
    const struct queue *queue;
    const struct batch_options *options;
    int place;        /* of the newcomer; -1: there is none, all are checked */
    double latest_us; /* for the newcomer */
    int64_t from_us;
    int64_t lost_us;   /* work that misses its deadline even alone from then on is ignored */
    double through_us; /* out: end of the last batch that was planned */
};

static double room_for(const struct forecast *forecast, const struct extent *extent, int first)
{
    const struct work *work = queue_at(forecast->queue, forecast->place);
    bool others_wait = extent->end < forecast->queue->n;

    if (work->deadline_us > extent->earliest_us)
        return 0; /* others decide how far the batch grows */
    return room_us(extent, forecast->options,
                   first > 0     ? WORTH_BEHIND
                   : others_wait ? WORTH_IN_FRONT
                                 : 0);
}

/* Entries before the newcomer are not checked: a batch grows only as far as its deadlines allow, so
 * later entries cannot make them late. */
static bool batch_in_time(const struct forecast *forecast, const struct extent *extent, int first,
                          double start_us, double end_us)
{
    int64_t reserve_us = forecast->options->reserve_us;

    for (int i = first > forecast->place ? first : forecast->place; i < extent->end; i++) {
        const struct work *work = queue_at(forecast->queue, i);
        bool dropped = work_dropped(work, (int64_t)ceil(start_us));
        if (i == forecast->place) {
            if (dropped || end_us + room_for(forecast, extent, first) > forecast->latest_us)
                return false;
        } else if (!work->trial && !work_dropped(work, forecast->lost_us) &&
                   (dropped || end_us > (double)(work->deadline_us - reserve_us))) {
            return false;
        }
    }
    return true;
}

/* Whether all finish in time; stops at the first that would be late. */
static bool all_in_time(struct forecast *forecast)
{
    double now_us = (double)forecast->from_us;

    for (int i = 0; i < forecast->queue->n;) {
        struct extent extent;
        pick_extent(forecast->queue, i, forecast->options, (int64_t)ceil(now_us), &extent);
        forecast->through_us = now_us + extent.cost_us;
        if (extent.end > forecast->place &&
            !batch_in_time(forecast, &extent, i, now_us, forecast->through_us))
            return false;
        now_us = forecast->through_us;
        i = extent.end;
    }
    return true;
}

/* A wrong estimate has to be tried again some time, except where even the most hopeful one is
 * late. */
static bool worth_a_trial(const struct work *work, int64_t now_us)
{
    double us = COST_RATIO_MIN * work->base_us;

    return (double)now_us + us <= (double)work->deadline_us;
}

struct gate_answer gate_decide(struct gate *gate, struct queue *queue, struct work *work,
                               const struct batch_options *options,
                               const struct engine_state *engine, int64_t now_us)
{
    struct gate_answer answer = {.submit = SUBMIT_FULL};
    struct forecast forecast = {.queue = queue,
                                .options = options,
                                .place = -1,
                                .from_us = engine->free_us,
                                .lost_us = engine->free_us};
    bool full = queue->n >= options->max_queue, in_time;

    if (within_reach(work, options))
        note_budget(gate, work->deadline_us - work->arrival_us);
    if (!full) {
        forecast.place = queue_place(queue, work->order_us);
        forecast.latest_us = latest_us(gate, work, options->reserve_us);
        queue_insert(queue, work);
    }
    in_time = all_in_time(&forecast);
    answer.wait_us = (int64_t)forecast.through_us - now_us;
    if (full)
        return answer;
    work->trial = !in_time && engine->idle && queue->n == 1 && worth_a_trial(work, now_us);
    answer.submit = in_time || work->trial ? SUBMIT_ADMITTED : SUBMIT_LATE;
    if (answer.submit == SUBMIT_LATE)
        queue_remove(queue, forecast.place);
    return answer;
}

bool gate_fits(const struct queue *queue, const struct batch_options *options, int64_t free_us,
               int64_t now_us)
{
    struct forecast forecast = {
        .queue = queue, .options = options, .place = -1, .from_us = free_us, .lost_us = now_us};

    return all_in_time(&forecast);
}
