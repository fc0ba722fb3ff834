/* Admitted work in order; see queue.h. */
#include "server/batch/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"

void work_prepare(struct work *work, const struct input_shape *shape, int parts,
                  const struct batch_options *options)
{
    int64_t floor_us = work->arrival_us + options->min_us;

    work->order_us = work->deadline_us > floor_us ? work->deadline_us : floor_us;
    work->trial = false;
    work->shape = *shape;
    work->parts = parts;
    work->base_us = cost_base_us(work->cost, shape, parts);
}

int queue_init(struct queue *queue, int capacity, struct err *err)
{
    *queue = (struct queue){.capacity = capacity};
    queue->entries = calloc((size_t)capacity, sizeof(*queue->entries));
    return queue->entries ? 0
                          : err_set(err, ERR_NOMEM, "queue of %d jobs: out of memory", capacity);
}

void queue_release(struct queue *queue)
{
    free(queue->entries);
    *queue = (struct queue){0};
}

int queue_place(const struct queue *queue, int64_t order_us)
{
    int low = 0, high = queue->n;

    while (low < high) {
        int middle = low + (high - low) / 2;
        if (queue->entries[queue->first + middle].order_us <= order_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void queue_insert(struct queue *queue, struct work *work)
{
    BUG_ON(queue->n >= queue->capacity);
    int place = queue_place(queue, work->order_us);
    struct queue_entry *entries = queue->entries;

    /* Space left at the front is reclaimed only when the end is reached. */
    if (queue->first + queue->n == queue->capacity) {
        memmove(entries, entries + queue->first, (size_t)queue->n * sizeof(*entries));
        queue->first = 0;
    }
    struct queue_entry *at = entries + queue->first + place;
    memmove(at + 1, at, (size_t)(queue->n - place) * sizeof(*at));
    *at = (struct queue_entry){work->order_us, work};
    queue->n++;
}

void queue_remove(struct queue *queue, int i)
{
    BUG_ON(i < 0 || i >= queue->n);
    struct queue_entry *front = queue->entries + queue->first;

    if (i < queue->n / 2) {
        memmove(front + 1, front, (size_t)i * sizeof(*front));
        queue->first++;
    } else {
        memmove(front + i, front + i + 1, (size_t)(queue->n - i - 1) * sizeof(*front));
    }
    queue->n--;
    if (queue->n == 0)
        queue->first = 0;
}

struct work *queue_empty(struct queue *queue)
{
    struct work *works = NULL;

    for (int i = queue->n - 1; i >= 0; i--) {
        struct work *work = queue_at(queue, i);
        work->next = works;
        works = work;
    }
    queue->first = queue->n = 0;
    return works;
}
