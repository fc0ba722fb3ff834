/* One connection after another: messages are sent in every way that TCP allows, and the responses
 * are checked. */
#ifndef TESTS_STORM_WIRE_H
#define TESTS_STORM_WIRE_H

#include "tests/storm/message.h"
#include "tests/storm/storm.h"

/* A complete connection, from connecting to closing. */
void wire_live(struct storm *storm, const struct body_seeds *seeds, struct rng *rng);

#endif
