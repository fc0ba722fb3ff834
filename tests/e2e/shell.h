/* Other programs that a test runs, and folders for what they write. */
#ifndef TESTS_E2E_SHELL_H
#define TESTS_E2E_SHELL_H

#include "base/buf.h"

/* Runs a shell command and returns its exit status; FAILs if a signal killed it. out receives its
 * stdout and may be NULL. */
int shell(struct buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A new folder, removed when the test program ends. */
const char *shell_folder(void);

#endif
