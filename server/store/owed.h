/*
 * struct owed_queue: the replies that a connection owes, in the order of their commands. It grows
 * to the most that were ever out and stays so.
 */
#ifndef SERVER_STORE_OWED_H
#define SERVER_STORE_OWED_H

#include <stdbool.h>
#include <stdint.h>

#include "server/store/reply_reader.h"

struct owed {
    uint64_t token; /* of its call */
    struct reply_bounds bounds;
    bool last; /* of its call */
};

struct owed_queue {
    struct owed *ring; /* (capacity), a power of two */
    uint32_t capacity, first, n;
};

void owed_release(struct owed_queue *queue);
/* Room for n more; -1: out of memory. */
int owed_reserve(struct owed_queue *queue, uint32_t n);
void owed_push(struct owed_queue *queue, const struct owed *owed); /* there is room */
/* The i-th, 0 for the oldest; NULL: so many are not owed. */
const struct owed *owed_at(const struct owed_queue *queue, uint32_t i);
void owed_pop(struct owed_queue *queue, uint32_t n);

#endif
