/* Events that say the same: what the merge makes one of. Private to behaviour.c. */
#ifndef IMPRESSION_BEHAVIOUR_TWINS_H
#define IMPRESSION_BEHAVIOUR_TWINS_H

#include "adrank/impression.h"
#include "base/arena.h"

/* list (n): events of one time, in order. Of those with the same type and item (or, where item
 * is empty, text) the first place stays, taken by the first that has a text; the others are
 * removed. n log n comparisons, whatever a client sends. Returns how many are left, -1 when the
 * arena is out of memory. */
int behaviour_drop_twins(const struct behaviour **list, int n, struct arena *arena) MUST_CHECK;

#endif
