/* The subcommands of adrank-sim; each in its own file, cmd_<name>.c. */
#ifndef TOOLS_SIM_COMMAND_H
#define TOOLS_SIM_COMMAND_H

#include "base/err.h"
#include "tools/sim/visit_make.h"

struct options {
    const char *command;
    const char *out; /* of world */
    const char *dir; /* of report */
    int seed;
    int visits[SIM_PARTS]; /* of each part */
};

/* Makes the world and writes it into out, which is created if missing. */
int cmd_world(const struct options *options, struct err *err) MUST_CHECK;

/* Prints what is reachable in the world whose world.json is in dir; ignores the other options. */
int cmd_report(const struct options *options, struct err *err) MUST_CHECK;

#endif
