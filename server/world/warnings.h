/* Settings and files that are in effect but questionable: reported with every loaded world. */
#ifndef SERVER_WORLD_WARNINGS_H
#define SERVER_WORLD_WARNINGS_H

#include "server/world/world.h"

/* text: a sentence without a full stop that begins with its subject; valid during the call. */
typedef void (*world_warning_fn)(void *arg, const char *text);

/*
 * Fewer than half of the ads served before, or none that is active; implausible values of the
 * catalog, by line, and its unknown keys; a precision other than the requested one; more
 * connections than the process may have descriptors for; files with secrets that other users may
 * read, and a short key. Any thread that holds the world.
 */
void world_warnings(const struct world *world, world_warning_fn report, void *arg);

#endif
