/* Opens closed standard streams, and flushes stdout. */
#include "base/stdout.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void stdio_occupy(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1)
            (void)!open("/dev/null",
                        fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* the lowest free one: fd */
}

int stdout_flush(struct err *err)
{
    if (fflush(stdout) != 0)
        return err_set_errno(err, ERR_UNAVAILABLE, "stdout");
    /* The cause of an earlier failure is no longer known. */
    return ferror(stdout) ? err_set(err, ERR_UNAVAILABLE, "stdout: a write failed") : 0;
}
