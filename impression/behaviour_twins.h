/* Removes duplicate events during the merge. Private to behaviour.c. */
#ifndef IMPRESSION_BEHAVIOUR_TWINS_H
#define IMPRESSION_BEHAVIOUR_TWINS_H

#include "adrank/impression.h"
#include "base/arena.h"

/* list (n): events of one time, in order. Events with the same type and item (or text, where item
 * is empty) are duplicates: the first one with a text is kept, at the position of the first; the
 * others are removed. About n comparisons, whatever a client sends. Returns how many are left, -1
 * when the arena is out of memory. */
int behaviour_drop_twins(const struct behaviour **list, int n, struct arena *arena) MUST_CHECK;

#endif
