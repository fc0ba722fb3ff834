/* Behaviours by time: shared by the decoder's cut and the merge. */
#ifndef IMPRESSION_BEHAVIOUR_ORDER_H
#define IMPRESSION_BEHAVIOUR_ORDER_H

#include "adrank/impression.h"
#include "base/arena.h"

/* Merges both lists, oldest first; at equal times those of `first` come first, each list in its own
 * order. (n_first + n_second) pointers in the arena; NULL when out of memory. */
const struct behaviour **behaviour_order(const struct behaviour *first, int n_first,
                                         const struct behaviour *second, int n_second,
                                         struct arena *arena) MUST_CHECK;

#endif
