/* A line of input: an event of a user, or a user alone. Pure. */
#ifndef TOOLS_HISTORY_LINES_H
#define TOOLS_HISTORY_LINES_H

#include "adrank/behaviour.h"
#include "base/problems.h"

struct history_line {
    struct view user;
    struct behaviour event; /* of put only */
};

/* bytes are one line, without its end, DECODE_PADDING readable after it. 0; -1 with err ("line
 * 7: /t: is missing") for a line that is left out, ERR_DATA, or ERR_NOMEM. Views point into
 * bytes or the arena. *unknown grows by the keys that nothing knows. */
int history_line_read(struct view bytes, size_t number, bool with_event, struct arena *arena,
                      struct history_line *out, uint64_t *unknown, struct err *err) MUST_CHECK;

#endif
