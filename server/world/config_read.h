/*
 * Reading a configuration: defaults, then the file, then --set, then the rules between options. All
 * problems are reported together, each with its JSON pointer.
 */
#ifndef SERVER_WORLD_CONFIG_READ_H
#define SERVER_WORLD_CONFIG_READ_H

#include "base/problems.h"
#include "server/world/config.h"

struct config_args {
    const char *file;        /* NULL: defaults */
    struct view text;        /* ptr set: read instead of the file */
    const char *const *sets; /* "path=value", applied in order after the file */
    int n_sets;
};

/* *out: one reference. -1 when there are problems (err names the first ones) or memory ran out. */
int config_new(const struct config_args *args, struct problems *problems, struct config **out,
               struct err *err) MUST_CHECK;
struct config *config_ref(struct config *config); /* any thread that holds a reference */
void config_unref(struct config *config);         /* any thread; may be NULL */

#endif
