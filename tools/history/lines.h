/* A line of input: an event of a user, or a user alone. Pure. */
#ifndef TOOLS_HISTORY_LINES_H
#define TOOLS_HISTORY_LINES_H

#include "adrank/behaviour.h"
#include "base/problems.h"

struct history_line {
    struct view user;
    struct behaviour event; /* only with an event */
};

/* bytes are one line without its newline, with DECODE_PADDING readable bytes after it. Returns -1
 * for a line to skip (ERR_DATA, "line 7: /t: is missing") and with ERR_NOMEM. Views point into
 * bytes or the arena. *unknown grows by the number of unknown keys. */
int history_line_read(struct view bytes, size_t number, bool with_event, struct arena *arena,
                      struct history_line *out, uint64_t *unknown, struct err *err) MUST_CHECK;

#endif
