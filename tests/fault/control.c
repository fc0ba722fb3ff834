/* The test's side of fault injection. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fault/board.h"

int fault_open(struct fault *fault, const char *path, struct err *err)
{
    int fd;

    if (snprintf(fault->path, sizeof(fault->path), "%s", path) >= (int)sizeof(fault->path))
        return err_set(err, ERR_NOINPUT, "%s: path too long", path);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd == -1)
        return err_set_errno(err, ERR_NOINPUT, "%s", path);
    if (ftruncate(fd, sizeof(struct fault_board)) == -1) {
        err_set_errno(err, ERR_NOINPUT, "%s", path);
        close(fd);
        return -1;
    }
    fault->board =
        mmap(NULL, sizeof(struct fault_board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (fault->board == MAP_FAILED)
        return err_set_errno(err, ERR_NOMEM, "%s", path);
    fault->board->magic = FAULT_MAGIC;
    return 0;
}

void fault_close(struct fault *fault)
{
    munmap(fault->board, sizeof(*fault->board));
    unlink(fault->path);
    fault->board = NULL;
}

const char *fault_library(void)
{
    return FAULT_LIBRARY;
}
