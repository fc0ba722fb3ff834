/*
 * struct ad_index: finds the ad of an array that has a given string. Open addressing; of two ads
 * with the same string the first is found. Built by one thread, then read by any. Private to the
 * catalog.
 */
#ifndef IMPRESSION_CATALOG_INDEX_H
#define IMPRESSION_CATALOG_INDEX_H

#include "adrank/catalog.h"

typedef struct view (*ad_key_fn)(const struct ad *ad);

struct ad_index {
    ad_key_fn key_of;
    uint32_t *slots; /* the ad's index + 1; 0: empty. The arena's */
    size_t mask;     /* slots - 1, a power of two at least twice the ads */
};

/* For at most n_ads ads. ERR_NOMEM. */
int ad_index_init(struct ad_index *index, ad_key_fn key_of, int32_t n_ads, struct arena *arena,
                  struct err *err) MUST_CHECK;
/* ads is the array that ad lies in, at ad->index. -1: an earlier one has its string. */
int ad_index_add(struct ad_index *index, const struct ad *ads, const struct ad *ad);
/* NULL: none. */
const struct ad *ad_index_find(const struct ad_index *index, const struct ad *ads, struct view key);

#endif
