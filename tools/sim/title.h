/* Titles generated from the lexicon. Pure. */
#ifndef TOOLS_SIM_TITLE_H
#define TOOLS_SIM_TITLE_H

#include "base/buf.h"
#include "tools/sim/lexicon.h"

/* Appends a title with that meaning to out. Returns what its offer, if any, adds to the logit of a
 * click. */
double sim_title(const struct sim_meaning *meaning, struct rng *rng, struct buf *out);

/* Appends the words a shopper would search for. */
void sim_search_words(const struct sim_meaning *meaning, struct rng *rng, struct buf *out);

#endif
