/*
 * From probabilities to ranked ads: ecpm, floors, order, uniqueness (CONTRACT 3). Pure; memory from the arena.
 */
#ifndef MARKET_RANK_H
#define MARKET_RANK_H

#include "market/candidates.h"

/* What one request may ask for, whatever the options allow: an answer is some 700 bytes a result at most, beside the
 * catalog's own strings, and a pair takes some 50 bytes while it is ranked. */
#define RANK_MAX_RESULTS 1000 /* imps x top_n, or x candidates where they are fewer */
#define RANK_MAX_PAIRS 65536  /* imps x candidates */

enum rank_source { SOURCE_MODEL, SOURCE_PRIOR, RANK_SOURCES };
extern const char *const rank_source_names[RANK_SOURCES];

/* What one context's ads are worth. */
struct rank_scores {
    enum rank_source source;
    const double *pctr; /* (ads->n), within [1e-7, 1 - 1e-7] */
};

/* pctr where there is no inference: the catalog's prior_ctr, else base_rate. (ads->n) doubles; NULL: no memory. */
const double *rank_priors(const struct rank_ads *ads, double base_rate, struct arena *arena);

struct rank_args {
    const struct impression_request *request;
    const struct rank_ads *ads;
    const struct rank_scores *scores; /* (n_imps): of each imp's context */
    const char *currency;
    int top_n;
    /* An ad at most once per request: greedy over all pairs by ecpm, imp order, adid. */
    bool unique_in_request;
};

struct rank_result {
    int imp; /* index */
    int pos; /* from 1 */
    const struct rank_ad *ad;
    double pctr, ecpm;
    enum rank_source source;
};

struct ranked {
    struct rank_result *results; /* by imp, then pos */
    int n;
    uint32_t filtered[FILTERED_REASONS]; /* (imp, ad) pairs */
};

int rank_run(const struct rank_args *args, struct arena *arena, struct ranked *out,
             struct err *err) MUST_CHECK;

#endif
