/* Other programs that a test runs, and folders for what they write. */
#ifndef TESTS_E2E_SHELL_H
#define TESTS_E2E_SHELL_H

#include "base/buf.h"

/* Runs a command of the shell and returns its exit status; FAILs when a signal ended it. out is its
 * stdout; NULL: not kept. */
int shell(struct buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A new folder, removed when the test program ends. */
const char *shell_folder(void);

#endif
