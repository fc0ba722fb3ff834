/* The replies that are owed: a ring. */
#include "server/store/owed.h"

#include <stdlib.h>

#define FIRST_CAPACITY 64

void owed_release(struct owed_queue *queue)
{
    free(queue->ring);
    *queue = (struct owed_queue){0};
}

int owed_reserve(struct owed_queue *queue, uint32_t n)
{
    uint32_t capacity = queue->capacity ? queue->capacity : FIRST_CAPACITY;
    struct owed *ring;

    if (queue->n + n <= queue->capacity)
        return 0;
    while (capacity < queue->n + n)
        capacity *= 2;
    ring = malloc(capacity * sizeof(*ring));
    if (!ring)
        return -1;
    for (uint32_t i = 0; i < queue->n; i++)
        ring[i] = *owed_at(queue, i);
    free(queue->ring);
    queue->ring = ring;
    queue->capacity = capacity;
    queue->first = 0;
    return 0;
}

void owed_push(struct owed_queue *queue, const struct owed *owed)
{
    queue->ring[(queue->first + queue->n++) & (queue->capacity - 1)] = *owed;
}

const struct owed *owed_at(const struct owed_queue *queue, uint32_t i)
{
    return i < queue->n ? &queue->ring[(queue->first + i) & (queue->capacity - 1)] : NULL;
}

void owed_pop(struct owed_queue *queue, uint32_t n)
{
    queue->first += n;
    queue->n -= n;
}
