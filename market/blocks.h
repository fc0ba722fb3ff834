/*
 * What a request does not want to see: badv and bcat (OpenRTB 2.6, 3.2.1). An advertiser's domain
 * is blocked by itself or by a parent domain, however either is written (impression/domain.h); a
 * category by itself or its parent ("IAB7" blocks "IAB7-39"), ignoring letter case and surrounding
 * blanks. The lists are turned into sets once per request, since a client may send thousands of
 * names. Pure; memory from the arena.
 */
#ifndef MARKET_BLOCKS_H
#define MARKET_BLOCKS_H

#include "adrank/catalog.h"
#include "adrank/impression.h"
#include "market/name_set.h"

struct blocks {
    bool any;                            /* false: both sets are empty */
    struct name_set domains, categories; /* normalized */
};

/* -1 when out of memory. */
int blocks_init(struct blocks *blocks, const struct impression_request *request,
                struct arena *arena) MUST_CHECK;
bool blocks_hit(const struct blocks *blocks, const struct ad *ad);

#endif
