/* Duplicate keys of a JSON text that a parser would let through. Private to server/world. Pure. */
#ifndef SERVER_WORLD_CONFIG_KEYS_H
#define SERVER_WORLD_CONFIG_KEYS_H

#include "base/problems.h"

/* text is valid JSON. Adds a problem for each key that its object already has. -1 when there was one, or when
 * scratch ran out. Keys are compared as written, in the square of their
 * number: for a text that a parser says has one. */
int config_check_keys(struct view text, struct arena *scratch,
                      struct problems *problems) MUST_CHECK;

#endif
