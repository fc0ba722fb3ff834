/* Finds duplicates by pairwise comparison in short lists, by a hash table in long ones. */
#include "impression/behaviour_twins.h"

#include <xxhash.h>

/* Up to this many, pairwise comparison is cheaper than hashing. */
#define FEW 8

static bool same_event(const struct behaviour *a, const struct behaviour *b)
{
    if (a->type != b->type || !view_eq(a->item, b->item))
        return false;
    return a->item.len || view_eq(a->text, b->text);
}

/* Index of the same event in list (n); -1: none. */
static int find_twin(const struct behaviour *const *list, int n, const struct behaviour *event)
{
    for (int i = n - 1; i >= 0; i--)
        if (same_event(list[i], event))
            return i;
    return -1;
}

/* Open addressing. */
struct table {
    int *slots;  /* index in the list + 1; 0: empty. NULL: the list is short */
    size_t mask; /* slots - 1, a power of two at least twice the events */
};

static int init_table(struct table *table, int n, struct arena *arena)
{
    size_t n_slots = 2 * FEW;

    while (n_slots < 2 * (size_t)n)
        n_slots *= 2;
    table->slots = arena_calloc(arena, n_slots, sizeof(*table->slots));
    table->mask = n_slots - 1;
    return table->slots ? 0 : -1;
}

/* The slot of that event, or the empty one where it would go. The address is the seed: a client
 * does not know it, so it cannot choose events that collide. */
static int *find_slot(const struct table *table, const struct behaviour *const *list,
                      const struct behaviour *event)
{
    const struct view key = event->item.len ? event->item : event->text;
    const uint64_t seed = (uint64_t)(uintptr_t)table->slots + event->type;
    size_t at = (size_t)XXH3_64bits_withSeed(key.ptr, key.len, seed) & table->mask;

    while (table->slots[at] && !same_event(list[table->slots[at] - 1], event))
        at = (at + 1) & table->mask;
    return &table->slots[at];
}

int behaviour_drop_twins(const struct behaviour **list, int n, struct arena *arena)
{
    struct table table = {0};
    int kept = 0;

    if (n > FEW && init_table(&table, n, arena))
        return -1;
    for (int i = 0; i < n; i++) {
        int *slot = table.slots ? find_slot(&table, list, list[i]) : NULL;
        int twin = slot ? *slot - 1 : find_twin(list, kept, list[i]);

        if (twin >= 0) {
            if (list[twin]->text.len == 0)
                list[twin] = list[i];
            continue;
        }
        list[kept++] = list[i];
        if (slot)
            *slot = kept;
    }
    return kept;
}
