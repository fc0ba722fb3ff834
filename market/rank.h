/*
 * From probabilities to ranked ads: ecpm, floors, order, uniqueness (CONTRACT 3). Pure; memory from
 * the arena.
 */
#ifndef MARKET_RANK_H
#define MARKET_RANK_H

#include "market/candidates.h"

/* Hard limits of one request, whatever the options allow: a result takes at most some 700 bytes of
 * the answer, besides the catalog's own strings, and a pair some 50 bytes while it is ranked. */
#define RANK_MAX_RESULTS 1000 /* imps x top_n, or x candidates where they are fewer */
#define RANK_MAX_PAIRS 65536  /* imps x candidates */

enum rank_source { SOURCE_MODEL, SOURCE_PRIOR, RANK_SOURCES };
extern const char *const rank_source_names[RANK_SOURCES];

/* The probabilities of one context's ads. */
struct rank_scores {
    enum rank_source source;
    const double *pctr; /* (ads->n), within [1e-7, 1 - 1e-7] */
};

/* (ads->n) pctr without inference: the catalog's prior_ctr, else base_rate. NULL: no memory. */
const double *rank_priors(const struct candidates *ads, double base_rate, struct arena *arena);

struct rank_args {
    const struct impression_request *request;
    const struct candidates *ads;
    const struct rank_scores *scores; /* (n_imps): of each imp's context */
    const char *currency;
    int top_n;
    /* Each ad at most once per request: greedy over all pairs by ecpm, imp order, adid. */
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
