/* The rules between options, which no single row can hold. Private to server/world. Pure. */
#ifndef SERVER_WORLD_CONFIG_RULES_H
#define SERVER_WORLD_CONFIG_RULES_H

#include "base/problems.h"
#include "server/world/config.h"

/*
 * Adds a problem for each rule that is broken. A rule is silent where one of its options, or the
 * section of one, is among the problems already: what a refused value would have been is not known.
 */
void config_check_rules(const struct config *config, struct problems *problems);

#endif
