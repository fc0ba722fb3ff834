/*
 * When a catalog's ads start and end, in order of time; struct eligible_ads walks along it. An ad
 * is bit (position % 64) of word (position / 64), its position being that in
 * catalog_by_prior_ecpm(). Immutable once built. Private to impression.
 */
#ifndef IMPRESSION_AD_SCHEDULE_H
#define IMPRESSION_AD_SCHEDULE_H

#include "adrank/catalog.h"

/* Ads of one word that start or end at one time; an ad is never in two turns of the same time. */
struct ad_turn {
    int64_t at_ms;
    uint64_t flipped; /* its ads: active ones end, the others start */
    int32_t word;
    int32_t n_active; /* of all ads, after this turn */
};

struct ad_schedule {
    struct ad_turn *turns; /* (n_turns), by time, then word */
    size_t n_turns;
    uint64_t *first; /* (n_words) the active ads before any turn */
    size_t n_words;
    int32_t n_first; /* how many these are */
};

/* order (n) maps positions to indices of ads. The arena owns everything; ERR_NOMEM. */
int ad_schedule_build(struct ad_schedule *schedule, const struct ad *ads, const int32_t *order,
                      int32_t n, struct arena *arena, struct err *err) MUST_CHECK;
/* Number of ads active at that time, by binary search. */
int32_t ad_schedule_active(const struct ad_schedule *schedule, int64_t now_ms);

const struct ad_schedule *catalog_schedule(const struct catalog *catalog);

#endif
