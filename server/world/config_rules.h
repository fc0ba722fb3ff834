/* The rules between options, which no single row can express. Private to server/world. Pure. */
#ifndef SERVER_WORLD_CONFIG_RULES_H
#define SERVER_WORLD_CONFIG_RULES_H

#include "base/problems.h"
#include "server/world/config.h"

/*
 * Adds a problem for each broken rule. A rule is skipped where one of its options, or the section
 * of one, already has a problem: the intended value is unknown.
 */
void config_check_rules(const struct config *config, struct problems *problems);

#endif
