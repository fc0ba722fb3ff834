/*
 * Which ads a request could show: those it names, or the catalog's; and which of them cannot be shown whatever
 * the model says. Pure; memory from the arena.
 */
#ifndef MARKET_CANDIDATES_H
#define MARKET_CANDIDATES_H

#include "adrank/catalog.h"
#include "adrank/impression.h"
#include "adrank/input.h"
#include "adrank/model.h"
#include "market/eligible_ads.h"
#include "server/metrics/metrics.h"

#define RANK_ADS_LOOKS 16

/* An ad that the model is asked about. */
struct rank_ad {
    const struct ad *ad; /* the catalog's; NULL: known by the request's text only */
    struct view adid;
    struct view text; /* the request's own; empty: the catalog's */
    double bid;
    enum bid_type bid_type;
};

struct rank_ads {
    struct rank_ad *items; /* in the order in which they were named, or by prior ecpm */
    int n;
    /* The catalog has more active ads than were taken or looked at: degraded candidates. */
    bool cut;
    uint32_t filtered[FILTERED_REASONS]; /* ads, once each */
};

struct rank_ads_args {
    const struct impression_request *request;
    const struct catalog *catalog;
    struct eligible_ads
        *eligible; /* the catalog's; moved to now_ms. Not read where ads are named */
    const char *currency;
    int max_candidates;
    bool has_cvr; /* the model tells conversions */
    int64_t now_ms;
};

/*
 * An ad is filtered by the first of: unknown, duplicate, inactive, blocked, currency (of `cur`), no bid, no CVR.
 * The first of several candidates with one adid counts. Of a catalog at most RANK_ADS_LOOKS x max_candidates
 * active ads are looked at, in order of prior ecpm, so that a request that blocks them all stays cheap.
 * ERR_NOMEM is the only failure.
 */
int rank_ads_choose(const struct rank_ads_args *args, struct arena *arena, struct rank_ads *out,
                    struct err *err) MUST_CHECK;

#endif
