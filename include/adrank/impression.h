/*
 * The request as adrank understands it: CONTRACT 3, decoded. Pure values; every view points into
 * the body or into the request's arena, so the struct lives no longer than they do.
 */
#ifndef ADRANK_IMPRESSION_H
#define ADRANK_IMPRESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

enum behaviour_type {
    BEHAVIOUR_VIEW,
    BEHAVIOUR_CLICK,
    BEHAVIOUR_CART,
    BEHAVIOUR_BUY,
    BEHAVIOUR_SEARCH,
    BEHAVIOUR_TYPES
};

/* What the user did before. Lists of them are oldest first, newest last. */
struct behaviour {
    int64_t t_ms; /* unix time */
    enum behaviour_type type;
    struct view item; /* empty when absent */
    struct view text; /* empty: the catalog's text of the item */
};

enum bid_type { BID_CPM, BID_CPC, BID_CPA, BID_TYPES };

/* Names as in JSON: "view", "click", ...; "cpm", ... */
extern const char *const behaviour_type_names[BEHAVIOUR_TYPES];
extern const char *const bid_type_names[BID_TYPES];

struct imp {
    struct view id;
    struct view tagid;       /* placement, part of the context; empty when absent */
    double bidfloor;         /* CPM, in bidfloorcur */
    struct view bidfloorcur; /* empty: the configured currency */
};

struct candidate {
    struct view adid;
    struct view text; /* replaces title and description; empty when absent */
    double bid;       /* NAN when absent */
    int bid_type;     /* enum bid_type, -1 when absent */
};

/* Signals that forbid the use of a person's history. */
enum privacy_signal {
    PRIVACY_GDPR,
    PRIVACY_CONSENT, /* a consent string, and gdpr is not 0 */
    PRIVACY_US_PRIVACY,
    PRIVACY_GPP,
    PRIVACY_GPP_SID,
    PRIVACY_GPC, /* or the header Sec-GPC, added by the code that reads headers */
    PRIVACY_COPPA,
    PRIVACY_LMT,
    PRIVACY_DNT,
    PRIVACY_REGS, /* regs or regs.ext is not an object */
    PRIVACY_SIGNALS
};

struct impression_request {
    struct view id;  /* empty when absent */
    int32_t tmax_ms; /* 0: absent */

    struct view user_id; /* buyeruid, else id; empty when absent. Never logged, never echoed */
    uint32_t privacy;    /* bit per enum privacy_signal; 0: the history may be used */

    int32_t devicetype; /* -1: absent */
    struct view os, language, country, city;
    int32_t utcoffset_min;
    bool has_utcoffset;

    struct view domain; /* site.domain, app.domain or app.bundle */
    struct views cat;
    struct view search; /* search, else keywords */

    const struct imp *imps; /* at least one: the implied one when the request names none */
    int n_imps;
    const struct behaviour *behaviours; /* as sent, any order */
    int n_behaviours;
    const struct candidate *candidates;
    int n_candidates;
    bool has_candidates; /* rank.candidates was present, even if empty */

    struct views badv, bcat, cur;
    int32_t top_n; /* 0: absent */

    uint32_t unknown_fields;
    int ignored_imps;  /* those after the first max_imps */
    bool ignored_site; /* it was present along with app */
};

#endif
