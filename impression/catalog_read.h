/* The lines of a catalog, read into ads that can be looked up. Private to the catalog. */
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

/* bytes have DECODE_PADDING behind them, and are copied. A bad line becomes a problem, all
 * others are read nevertheless; -1 with err when there is no memory or a line too many. The
 * arena owns all of the table. */
int ad_table_read(struct ad_table *table, struct view bytes, struct problems *problems,
                  struct arena *arena, struct err *err) MUST_CHECK;

#endif
