/* The end of what a program writes to stdout: a full disk or a closed descriptor must not look like success. */
#ifndef BASE_STDOUT_H
#define BASE_STDOUT_H

#include "base/err.h"

/* Writes what is buffered. -1 with ERR_UNAVAILABLE when anything written to stdout was lost. */
int stdout_flush(struct err *err) MUST_CHECK;

#endif
