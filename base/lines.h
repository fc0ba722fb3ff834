/* Lines of a stream, each of a bounded length: a file without newlines must not fill memory as one
 * line. */
#ifndef BASE_LINES_H
#define BASE_LINES_H

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

/* The next line of in without its newline, NUL-terminated; line is cleared first. Returns 1; 0 at
 * the end; -1 when it cannot be read (ERR_NOINPUT), has more than max_bytes (ERR_DATA), or memory
 * runs out. A last line needs no newline. */
int line_read(FILE *in, size_t max_bytes, struct buf *line, struct err *err) MUST_CHECK;

#endif
