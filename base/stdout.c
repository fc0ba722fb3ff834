#include "base/stdout.h"

#include <stdio.h>

int stdout_flush(struct err *err)
{
    if (fflush(stdout) != 0)
        return err_set_errno(err, ERR_UNAVAILABLE, "stdout");
    /* The reason of an earlier failure is no longer known. */
    return ferror(stdout) ? err_set(err, ERR_UNAVAILABLE, "stdout: a write failed") : 0;
}
