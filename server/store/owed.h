/*
 * struct owed_queue: the replies that a connection owes, in the order of their commands. It grows
 * to the largest number ever outstanding and never shrinks.
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
void owed_push(struct owed_queue *queue, const struct owed *owed); /* room was reserved */
/* The i-th, 0 for the oldest; NULL if fewer are owed. */
const struct owed *owed_at(const struct owed_queue *queue, uint32_t i);
void owed_pop(struct owed_queue *queue, uint32_t n);

#endif
