/*
 * Catalog values that are valid but probably a mistake: seconds where milliseconds are expected,
 * bids in a different unit from all others, rates in per cent. Private to the catalog.
 */
#ifndef IMPRESSION_CATALOG_DOUBTS_H
#define IMPRESSION_CATALOG_DOUBTS_H

#include "impression/catalog_read.h"

#define CATALOG_DOUBTS_SHOWN 10 /* of each kind; the others are counted */

/* Texts such as "line 12: /end: 1764279600 looks like seconds; unix milliseconds are expected",
 * in the order of the lines for each kind. The arena owns them. ERR_NOMEM. */
int catalog_doubts_find(const struct ad_table *table, struct arena *arena, struct views *out,
                        struct err *err) MUST_CHECK;

#endif
