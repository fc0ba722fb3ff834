/* The subcommands of adrank-sim; each in its own file, cmd_<name>.c. */
#ifndef TOOLS_SIM_COMMAND_H
#define TOOLS_SIM_COMMAND_H

#include "base/err.h"
#include "tools/sim/visit_make.h"

struct sim_options {
    uint64_t seed;
    const char *dir;
    int visits[SIM_PARTS]; /* of each part */
};

/* Makes the world and writes it into dir, which is made if need be. */
int cmd_world(const struct sim_options *options, struct err *err) MUST_CHECK;

/* Prints what is reachable in the world whose world.json stands in dir; only dir is read of the
 * options. */
int cmd_report(const struct sim_options *options, struct err *err) MUST_CHECK;

#endif
