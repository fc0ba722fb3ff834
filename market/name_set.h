/*
 * A set of names that a client sent: constant-time look-up that the client cannot defeat by its
 * choice of names. Exact bytes. Pure; memory from the arena, the names stay the caller's.
 */
#ifndef MARKET_NAME_SET_H
#define MARKET_NAME_SET_H

#include <stdint.h>

#include "base/arena.h"
#include "base/view.h"

struct name_set {
    struct view *slots; /* open addressing; ptr NULL is empty */
    size_t mask;        /* slots - 1; a power of two at least twice the names */
};

/* Room for n names. -1 when out of memory. */
int name_set_init(struct name_set *set, int n, struct arena *arena) MUST_CHECK;
/* false: it was there already. At most n times. */
bool name_set_add(struct name_set *set, struct view name);
bool name_set_has(const struct name_set *set, struct view name);

#endif
