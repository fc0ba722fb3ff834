/* A separate folder for each run of the demo, so that two runs of one checkout do not collide. */
#ifndef TOOLS_DEMO_FOLDER_H
#define TOOLS_DEMO_FOLDER_H

#include "base/err.h"

struct folder {
    char path[3200];
    int fd; /* locked for as long as the run lasts; -1: none */
};

/* Makes one in `parent`, which is created if missing, and removes those of runs that were killed.
 */
int folder_make(struct folder *folder, const char *parent, struct err *err) MUST_CHECK;
/* Removes it and everything in it. Idempotent. */
void folder_remove(struct folder *folder);
/* Leaves it for the next run to remove, so that its log can be read. */
void folder_keep(struct folder *folder);

#endif
