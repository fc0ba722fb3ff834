/* Open addressing over XXH3. */
#include "impression/catalog_index.h"

#include <xxhash.h>

int ad_index_init(struct ad_index *index, ad_key_fn key_of, int32_t n_ads, struct arena *arena,
                  struct err *err)
{
    size_t n = 16;

    while (n < 2 * (size_t)n_ads)
        n *= 2;
    index->key_of = key_of;
    index->slots = arena_calloc(arena, n, sizeof(*index->slots));
    index->mask = n - 1;
    return index->slots ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

/* The slot of that key, or the empty one where it would go. */
static uint32_t *find_slot(const struct ad_index *index, const struct ad *ads, struct view key)
{
    size_t at = (size_t)XXH3_64bits(key.ptr, key.len) & index->mask;

    while (index->slots[at] && !view_eq(index->key_of(&ads[index->slots[at] - 1]), key))
        at = (at + 1) & index->mask;
    return &index->slots[at];
}

int ad_index_add(struct ad_index *index, const struct ad *ads, const struct ad *ad)
{
    uint32_t *slot = find_slot(index, ads, index->key_of(ad));

    if (*slot)
        return -1;
    *slot = (uint32_t)ad->index + 1;
    return 0;
}

const struct ad *ad_index_find(const struct ad_index *index, const struct ad *ads, struct view key)
{
    uint32_t slot = *find_slot(index, ads, key);

    return slot ? &ads[slot - 1] : NULL;
}
