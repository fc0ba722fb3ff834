/* Calls that are out: a table in chunks with a free list. */
#include "server/store/pending.h"

#include <stdlib.h>

void pendings_init(struct pendings *pendings, struct store *store, struct loop *loop,
                   timer_fn on_timer)
{
    *pendings = (struct pendings){.store = store, .loop = loop, .on_timer = on_timer};
}

void pendings_release(struct pendings *pendings)
{
    for (uint32_t i = 0; i * PENDING_PER_CHUNK < pendings->n; i++)
        free(pendings->chunks[i]);
}

static int more(struct pendings *pendings)
{
    const uint32_t chunk = pendings->n / PENDING_PER_CHUNK;
    struct pending *made =
        pendings->n < PENDING_MAX ? calloc(PENDING_PER_CHUNK, sizeof(*made)) : NULL;

    if (!made)
        return -1;
    pendings->chunks[chunk] = made;
    for (uint32_t i = 0; i < PENDING_PER_CHUNK; i++) {
        made[i].store = pendings->store;
        made[i].index = pendings->n++;
        timer_init(&made[i].timer, pendings->on_timer, &made[i]);
        made[i].next_free = pendings->free;
        pendings->free = &made[i];
    }
    return 0;
}

struct pending *pending_take(struct pendings *pendings)
{
    struct pending *pending;

    if (!pendings->free && more(pendings))
        return NULL;
    pending = pendings->free;
    pendings->free = pending->next_free;
    pendings->n_taken++;
    pending->taken = true;
    pending->n_graces = 0;
    return pending;
}

void pending_put(struct pendings *pendings, struct pending *pending)
{
    loop_timer_remove(pendings->loop, &pending->timer);
    pending->call = NULL;
    pending->taken = false;
    pending->generation++;
    pending->next_free = pendings->free;
    pendings->free = pending;
    pendings->n_taken--;
}

struct pending *pending_at(const struct pendings *pendings, uint32_t index)
{
    return &pendings->chunks[index / PENDING_PER_CHUNK][index % PENDING_PER_CHUNK];
}

uint64_t pending_token(const struct pending *pending)
{
    return (uint64_t)pending->generation << 32 | pending->index;
}

struct pending *pending_of(const struct pendings *pendings, uint64_t token)
{
    struct pending *pending = pending_at(pendings, (uint32_t)token);

    return pending->taken && pending_token(pending) == token ? pending : NULL;
}
