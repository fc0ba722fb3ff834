/* The job that is run in parts; see split.h. */
#include "server/batch/split.h"

void split_start(struct split *split, struct work *work, const struct extent *extent)
{
    *split = (struct split){
        .work = work,
        .part_us = extent->cost_us / extent->batches,
        .left_us = extent->cost_us,
        .outcome = JOB_OK,
    };
}

static int give_up(struct split *split, enum job_outcome outcome)
{
    split->outcome = outcome;
    split->ended = true;
    return -1;
}

int split_next(struct split *split, int64_t now_us)
{
    if (atomic_load_explicit(&split->work->cancelled, memory_order_relaxed))
        return give_up(split, JOB_CANCELLED);
    if (split->work->deadline_us <= now_us)
        return give_up(split, JOB_EXPIRED);
    split->in_flight++;
    split->left_us -= split->part_us;
    split->ended = split->next_part + 1 == split->work->parts;
    return split->next_part++;
}

void split_part_cut(struct split *split, double cost_us)
{
    split->left_us -= cost_us - split->part_us;
}

void split_part_done(struct split *split, enum batch_status status)
{
    split->in_flight--;
    if (status == BATCH_FAILED)
        split_break(split);
    else if (status == BATCH_NO_MEMORY)
        give_up(split, JOB_FAILED);
    else if (status == BATCH_NOT_FINITE && split->outcome == JOB_OK)
        split->outcome = JOB_NOT_FINITE;
}

double split_left_us(const struct split *split)
{
    return split->work && !split->ended && split->left_us > 0 ? split->left_us : 0;
}

void split_fail(struct split *split)
{
    if (!split->ended)
        give_up(split, JOB_FAILED);
}

void split_break(struct split *split)
{
    split->broken = true;
    split->ended = true;
}

void split_abandon(struct split *split)
{
    split_break(split);
    split->in_flight = 0;
}

struct work *split_take_ended(struct split *split)
{
    struct work *work = split->work;

    if (!work || !split->ended || split->in_flight)
        return NULL;
    split->work = NULL;
    work->next = NULL;
    return work;
}
