/* stdin, stdout and stderr of a program: some may be closed when it starts, and the disk behind
 * stdout may be full. */
#ifndef BASE_STDOUT_H
#define BASE_STDOUT_H

#include "base/err.h"

/* Call first in main. Any of descriptors 0 to 2 that is closed becomes /dev/null, opened so that
 * using it still fails. Otherwise the next file or socket would take their place, and messages
 * would end up in it. */
void stdio_occupy(void);

/* Flushes stdout. Returns -1 with ERR_UNAVAILABLE when anything written to stdout was lost, so that
 * a full disk does not look like success. */
int stdout_flush(struct err *err) MUST_CHECK;

#endif
