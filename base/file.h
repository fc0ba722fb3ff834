/* Whole files, read once; nothing is mapped, so overwriting a file in place is safe. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

struct stat;

/* Opens a regular file for reading; -1 with ERR_NOINPUT when it cannot be opened or is not a
 * regular file. *st is filled from the open file. */
int file_open(const char *path, struct stat *st, struct err *err) MUST_CHECK;

/* Reads all of a regular file into out (cleared first, NUL-terminated). ERR_NOINPUT when it cannot
 * be opened or is not a regular file, ERR_DATA when it holds more than max_bytes. Short reads and
 * EINTR are handled. */
int file_read(const char *path, size_t max_bytes, struct buf *out, struct err *err) MUST_CHECK;

/* Writes path atomically: a temporary file with a random name in the same directory, fsync, rename.
 * The mode is that of the file it replaces, otherwise by the umask. Anything that is not a regular
 * file (a pipe, a terminal, /dev/stdout) is written to, not replaced. */
int file_write(const char *path, struct view bytes, struct err *err) MUST_CHECK;

#endif
