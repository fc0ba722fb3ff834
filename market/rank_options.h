/* Section "rank": what a request may ask for, and how its ads are ranked. */
#ifndef MARKET_RANK_OPTIONS_H
#define MARKET_RANK_OPTIONS_H

#include "base/option.h"

enum rank_unique { UNIQUE_IMP, UNIQUE_REQUEST };

struct rank_options {
    const char *currency;
    int64_t top_n, max_top_n, max_candidates, max_imps, max_behaviour;
    int unique; /* enum rank_unique */
};

extern const struct option_section rank_section;

#endif
