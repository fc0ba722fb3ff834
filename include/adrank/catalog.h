/*
 * The ads that may be shown (CONTRACT 5): JSON Lines read once into an immutable, reference-counted
 * object. Bad lines are refused by line number and nothing of a bad file goes live: a line that is
 * not JSON, more than 1 MiB, a wrong type, a missing adid, title or bid, a number out of range, a
 * duplicate adid. Blank lines are skipped; unknown keys are ignored and counted, since catalogs
 * come from other systems.
 */
#ifndef ADRANK_CATALOG_H
#define ADRANK_CATALOG_H

#include "adrank/impression.h"
#include "base/problems.h"

enum ad_status { AD_ACTIVE, AD_PAUSED };

struct ad {
    struct view adid, item, crid, cid, seat;
    struct views adomain, cat; /* as written */
    struct views domains;      /* adomain normalised for comparison: impression/domain.h */
    struct view title, desc;
    struct view text; /* title, or "title desc": the text a model reads */
    double bid;       /* in the configured currency */
    enum bid_type bid_type;
    double prior_ctr; /* 0..1, NAN when absent: the model's base rate is used */
    enum ad_status status;
    /* Unix time; 0 and INT64_MAX when absent. Active when start <= now < end. */
    int64_t start_ms, end_ms;
    int32_t index; /* position in catalog_ads() */
};

struct catalog;

/* Any thread. problems (all problems of all bad lines, with pointers such as "line 12: /bid") may
 * be NULL; err has the first ones. A file larger than max_bytes is refused before memory is
 * allocated for it. ERR_NOINPUT, ERR_DATA or ERR_NOMEM. */
int catalog_open(const char *path, size_t max_bytes, struct problems *problems,
                 struct catalog **out, struct err *err) MUST_CHECK;
/* Same, from memory, which is copied (tests, fuzzing). */
int catalog_parse(const char *name, struct view lines, struct problems *problems,
                  struct catalog **out, struct err *err) MUST_CHECK;

struct catalog *catalog_ref(struct catalog *catalog); /* any thread */
void catalog_unref(struct catalog *catalog);          /* any thread; may be NULL */

const struct ad *catalog_ads(const struct catalog *catalog, int *n);            /* in file order */
const struct ad *catalog_find(const struct catalog *catalog, struct view adid); /* NULL: unknown */
/* Text of the first ad that advertises this item; empty when there is none. */
struct view catalog_item_text(const struct catalog *catalog, struct view item);
/* Paused ads last; the others in descending order of prior ecpm (bid; 1000 x prior_ctr x bid for
 * cpc; base_ctr where the prior is absent; cpa counts prior_ctr x base_cvr), then adid. Computed at
 * open for base rates of 0.01; (n) indices. */
const int32_t *catalog_by_prior_ecpm(const struct catalog *catalog);
/* Number of ads active at that time, by binary search. */
int catalog_eligible(const struct catalog *catalog, int64_t now_ms);
uint64_t catalog_unknown_fields(const struct catalog *catalog);
/* Values that are valid but probably a mistake: "line 12: /end: 1764279600 looks like seconds;
 * ...". Ten of each kind are shown, the others counted. */
const struct views *catalog_doubts(const struct catalog *catalog);
/* First 12 hex digits of SHA-256 of the file's bytes. */
const char *catalog_digest(const struct catalog *catalog);

static inline bool ad_active(const struct ad *ad, int64_t now_ms)
{
    return ad->status == AD_ACTIVE && ad->start_ms <= now_ms && now_ms < ad->end_ms;
}

#endif
