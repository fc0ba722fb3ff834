/*
 * Which ads a request could show: those it names, or the catalog's; and which of them cannot be
 * shown whatever the model says. Pure; memory from the arena.
 */
#ifndef MARKET_CANDIDATES_H
#define MARKET_CANDIDATES_H

#include "adrank/catalog.h"
#include "adrank/impression.h"
#include "market/eligible_ads.h"
#include "market/reasons.h"

#define CANDIDATES_LOOKS 16 /* see candidates_choose() */

/* An ad that the model is asked about. */
struct rank_ad {
    const struct ad *ad; /* the catalog's; NULL: known by the request's text only */
    struct view adid;
    struct view text; /* the request's own; empty: the catalog's */
    double bid;
    enum bid_type bid_type;
};

struct candidates {
    struct rank_ad *items; /* in the order in which they were named, or by prior ecpm */
    int n;
    /* The catalog has more active ads than were taken or looked at: degraded candidates. */
    bool cut;
    uint32_t filtered[FILTERED_REASONS]; /* ads, once each */
};

struct candidates_args {
    const struct impression_request *request;
    const struct catalog *catalog;
    /* The catalog's; moved to now_ms. Not read where the request names its ads. */
    struct eligible_ads *eligible;
    const char *currency; /* of all bids, ISO 4217 */
    int max_candidates;
    bool has_cvr; /* the model predicts conversions */
    int64_t now_ms;
};

/*
 * An ad is filtered for the first reason that applies of: unknown, duplicate, inactive, blocked,
 * currency (not in `cur`), no bid, no CVR. The first of several candidates with one adid counts. Of
 * a catalog at most CANDIDATES_LOOKS x max_candidates active ads are looked at, in order of prior
 * ecpm, so that a request that blocks them all stays cheap. ERR_NOMEM is the only failure.
 */
int candidates_choose(const struct candidates_args *args, struct arena *arena,
                      struct candidates *out, struct err *err) MUST_CHECK;

#endif
