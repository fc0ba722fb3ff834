/*
 * Keys and passwords in memory of their own: whole pages that core dumps leave out (MADV_DONTDUMP),
 * that are locked against swapping where RLIMIT_MEMLOCK lets them be, and that are wiped when they
 * are freed. Use it for whatever holds a secret longer than a call. Any thread.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/view.h"

#define SECRET_MAX_BYTES 4096 /* of a file with a secret, line ends included */

/* n bytes of zeros; NULL when out of memory. */
char *secret_alloc(size_t n);
/* A copy of bytes; ptr NULL when out of memory. */
struct view secret_copy(struct view bytes);
/* Wipes and frees what secret_alloc() returned for len bytes or secret_copy() copied, and
 * empties the view; ptr may be NULL. */
void secret_free(struct view *secret);

/* Reads a file of at most SECRET_MAX_BYTES into a new secret. Line ends at its end do not belong
 * to it. ERR_NOINPUT when it cannot be read, ERR_DATA when it is too long or nothing is left. No
 * copy of it stays anywhere else. */
int secret_read(const char *path, struct view *out, struct err *err) MUST_CHECK;

/* Who besides its owner may open the file: a phrase like "is readable by others"; NULL: nobody,
 * or no such file. *mode: its permissions. */
const char *secret_exposed(const char *path, mode_t *mode);

#endif
