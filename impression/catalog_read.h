/* Reads the lines of a catalog into ads that can be looked up. Private to the catalog. */
#ifndef IMPRESSION_CATALOG_READ_H
#define IMPRESSION_CATALOG_READ_H

#include "impression/catalog_index.h"

#define CATALOG_MAX_LINE_BYTES ((size_t)1 << 20)

struct ad_table {
    struct ad *ads; /* (n_ads), in the order of the lines */
    int32_t n_ads;
    int32_t *lines; /* (n_ads) line number of each in the file, from 1 */
    struct ad_index by_adid, by_item;
    uint64_t unknown_fields;
};

/* bytes must be followed by DECODE_PADDING, and are copied. A bad line becomes a problem and
 * reading continues; -1 with err when out of memory or there are too many lines. The arena owns the
 * whole table. */
int ad_table_read(struct ad_table *table, struct view bytes, struct problems *problems,
                  struct arena *arena, struct err *err) MUST_CHECK;

#endif
