/* Checks a daemon's log line by line. Pure except for reading docs/OPERATIONS.md. */
#ifndef TESTS_STORM_LINT_H
#define TESTS_STORM_LINT_H

#include "base/view.h"

struct lint_events {
    char names[128][48];
    int n;
};

/* The events that docs/OPERATIONS.md lists. FAILs if there are none. */
void lint_events_read(struct lint_events *out);
/* NULL, or why a line (without its newline) is bad: not logfmt, bytes that are not text, an
 * unlisted event, or one that reports a bug in the daemon. */
const char *lint_line(const struct lint_events *events, struct view line);

#endif
