/* What no single option can see: the rules between options. Private to server/world. Pure. */
#ifndef SERVER_WORLD_CONFIG_RULES_H
#define SERVER_WORLD_CONFIG_RULES_H

#include "server/world/config.h"

/* Adds a problem for each rule that is broken. A rule says nothing where one of its own options, or all that
 * could hold it, is among the problems already: what a refused value would have been is not known. */
void config_check_rules(const struct config *config, struct problems *problems);

#endif
