/* What a daemon's log has to be, line by line. Pure but for reading docs/OPERATIONS.md. */
#ifndef TESTS_STORM_LINT_H
#define TESTS_STORM_LINT_H

#include "base/view.h"

struct lint_events {
    char names[128][48];
    int n;
};

/* The events that docs/OPERATIONS.md lists. FAILs when there are none. */
void lint_events_read(struct lint_events *out);
/* NULL, or why a line (without its newline) is none of ours: not logfmt, bytes that are no text, an
 * event that is not listed, one that reports a bug of the daemon's. */
const char *lint_line(const struct lint_events *events, struct view line);

#endif
