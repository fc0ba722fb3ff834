/* What runs next; see pick.h. */
#include "server/batch/pick.h"

static void start(struct extent *extent, const struct work *work)
{
    extent->n = 1;
    extent->shape = work->shape;
    extent->batches = work->parts;
    extent->cost = work->cost;
    extent->base_us = work->base_us;
    extent->cost_us = work->cost->ratio * work->base_us;
    extent->earliest_us = work->trial ? INT64_MAX : work->deadline_us;
}

/* Undoes input_shape_add. A copy made before would be simpler, but takes longer than all the rest
 * of grow: it waits for the sums to arrive in memory. */
static void shape_take_back(struct input_shape *sum, const struct input_shape *more,
                            int64_t chain_tokens, int64_t chain_attention)
{
    sum->tokens -= more->tokens;
    sum->attention -= more->attention;
    sum->segments -= more->segments;
    sum->parents -= more->parents;
    sum->parent_tokens -= more->parent_tokens;
    sum->chain_tokens = chain_tokens;
    sum->chain_attention = chain_attention;
}

static bool grow(struct extent *extent, const struct work *work,
                 const struct batch_options *options, int64_t now_us)
{
    struct input_shape *shape = &extent->shape;
    int64_t chain_tokens = shape->chain_tokens, chain_attention = shape->chain_attention;

    if (work->cost != extent->cost || work->parts > 1 || extent->batches > 1 ||
        extent->n >= options->max_jobs ||
        shape->tokens + work->shape.tokens > cost_batch_tokens(extent->cost, options->max_tokens))
        return false;
    input_shape_add(shape, &work->shape);
    double base_us = cost_base_us(extent->cost, shape, 1);
    double grown_us = extent->cost->ratio * base_us;
    int64_t earliest_us =
        work->deadline_us < extent->earliest_us ? work->deadline_us : extent->earliest_us;
    if ((double)now_us + grown_us > (double)(earliest_us - options->reserve_us)) {
        shape_take_back(shape, &work->shape, chain_tokens, chain_attention);
        return false;
    }
    extent->n++;
    extent->base_us = base_us;
    extent->cost_us = grown_us;
    extent->earliest_us = earliest_us;
    return true;
}

void pick_extent(const struct queue *queue, int from, const struct batch_options *options,
                 int64_t now_us, struct extent *extent)
{
    int i = from;

    *extent = (struct extent){.earliest_us = INT64_MAX};
    for (; i < queue->n; i++) {
        const struct work *work = queue_at(queue, i);
        if (work_dropped(work, now_us))
            continue;
        if (extent->n == 0)
            start(extent, work);
        else if (!grow(extent, work, options, now_us))
            break;
    }
    extent->end = i;
}

/* Links work to the end of a list; returns the new end. */
static struct work **append(struct work **end, struct work *work)
{
    work->next = NULL;
    *end = work;
    return &work->next;
}

struct work *pick_batch(struct queue *queue, const struct batch_options *options, int64_t now_us,
                        struct work **works, struct extent *extent)
{
    struct work *dropped = NULL, **end = &dropped;
    int n = 0;

    pick_extent(queue, 0, options, now_us, extent);
    for (int i = 0; i < extent->end; i++) {
        struct work *work = queue_at(queue, 0);
        queue_remove(queue, 0);
        /* Counted, not only checked again: a cancellation may come between the two checks. */
        if (n < extent->n && !work_dropped(work, now_us))
            works[n++] = work;
        else
            end = append(end, work);
    }
    extent->n = n;
    return dropped;
}

struct work *pick_dropped(struct queue *queue, int64_t now_us)
{
    struct queue_entry *entries = queue->entries + queue->first;
    struct work *dropped = NULL, **end = &dropped;
    int kept = 0;

    for (int i = 0; i < queue->n; i++) {
        struct work *work = entries[i].work;
        if (work_dropped(work, now_us))
            end = append(end, work);
        else
            entries[kept++] = entries[i];
    }
    queue->n = kept;
    queue->first = kept ? queue->first : 0;
    return dropped;
}
