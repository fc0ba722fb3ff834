/* stdin, stdout and stderr of a program: some may be closed when it starts, and the disk behind
 * stdout may be full. */
#ifndef BASE_STDOUT_H
#define BASE_STDOUT_H

#include "base/err.h"

/* First in main. Closed ones among descriptors 0 to 2 become /dev/null, opened so that using
 * them still fails. Otherwise the next file or socket would take their place, and messages would
 * end up in it. */
void stdio_occupy(void);

/* Writes what is buffered. -1 with ERR_UNAVAILABLE when anything written to stdout was lost, so
 * that a full disk does not look like success. */
int stdout_flush(struct err *err) MUST_CHECK;

#endif
