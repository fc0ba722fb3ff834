/* Open addressing over a seeded hash. */
#include "market/name_set.h"

#include <xxhash.h>

int name_set_init(struct name_set *set, int n, struct arena *arena)
{
    size_t slots = 4;

    while (slots < 2 * (size_t)n)
        slots *= 2;
    set->slots = arena_calloc(arena, slots, sizeof(*set->slots));
    set->mask = slots - 1;
    return set->slots ? 0 : -1;
}

/* The address is the seed: a client does not know it, so it cannot choose names that collide. */
static struct view *find(const struct name_set *set, struct view name)
{
    uint64_t seed = (uint64_t)(uintptr_t)set->slots;
    size_t at = (size_t)XXH3_64bits_withSeed(name.ptr, name.len, seed) & set->mask;

    while (set->slots[at].ptr && !view_eq(set->slots[at], name))
        at = (at + 1) & set->mask;
    return &set->slots[at];
}

bool name_set_add(struct name_set *set, struct view name)
{
    struct view *slot = find(set, name);

    if (slot->ptr)
        return false;
    *slot = name.ptr ? name : VIEW_LIT("");
    return true;
}

bool name_set_has(const struct name_set *set, struct view name)
{
    return find(set, name)->ptr != NULL;
}
