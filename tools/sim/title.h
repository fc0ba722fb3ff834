/* Titles out of the lexicon. Pure. */
#ifndef TOOLS_SIM_TITLE_H
#define TOOLS_SIM_TITLE_H

#include "base/buf.h"
#include "tools/sim/lexicon.h"

/* Appends a title of that meaning to out and returns what its words add to the logit of a click
 * (offers). */
double sim_title(const struct sim_meaning *meaning, struct rng *rng, struct buf *out);

/* Appends the words that a shopper types to look for it. */
void sim_search_words(const struct sim_meaning *meaning, struct rng *rng, struct buf *out);

#endif
