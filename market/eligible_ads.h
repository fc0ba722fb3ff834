/*
 * struct eligible_ads: which ads of a catalog are active, kept up to date as time goes on, so that
 * an ad that has ended, has not started or is paused costs a request nothing. Ads are identified by
 * their position in catalog_by_prior_ecpm().
 *
 * One bit per ad, under layers of summary bits: finding the next active ad takes one step per layer
 * (four for a million ads). One thread at a time: every worker has its own.
 */
#ifndef MARKET_ELIGIBLE_ADS_H
#define MARKET_ELIGIBLE_ADS_H

#include "adrank/catalog.h"

struct eligible_ads;

/* As of now_ms. The catalog outlives it. ERR_NOMEM. */
int eligible_ads_new(const struct catalog *catalog, int64_t now_ms, struct eligible_ads **out,
                     struct err *err) MUST_CHECK;
/* NULL when out of memory. */
struct eligible_ads *eligible_ads_copy(const struct eligible_ads *ads) MUST_CHECK;
void eligible_ads_free(struct eligible_ads *ads); /* may be NULL */

/* Moves to now_ms, forward or back. The work is proportional to the starts and ends in between (64
 * neighbours that share one count once); allocates nothing. */
void eligible_ads_move(struct eligible_ads *ads, int64_t now_ms);
/* The first active position at or after `from`; -1: none. */
int32_t eligible_ads_next(const struct eligible_ads *ads, int32_t from);

#endif
