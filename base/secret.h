/*
 * Keys and passwords in separate memory: whole pages that are excluded from core dumps
 * (MADV_DONTDUMP), locked against swapping where RLIMIT_MEMLOCK allows it, and wiped when freed.
 * Use it for any secret held for longer than a call. Any thread.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/view.h"

#define SECRET_MAX_BYTES 4096 /* of a secret file, line ends included */

/* n bytes of zeros; NULL when out of memory. */
char *secret_alloc(size_t n);
/* A copy of bytes; ptr NULL when out of memory. */
struct view secret_copy(struct view bytes);
/* Wipes and frees what secret_alloc() returned for len bytes or secret_copy() copied, and
 * empties the view; ptr may be NULL. */
void secret_free(struct view *secret);

/* Reads a file of at most SECRET_MAX_BYTES into a new secret. Trailing line ends are removed.
 * ERR_NOINPUT when it cannot be read, ERR_DATA when it is too long or empty. No other copy remains
 * in memory. */
int secret_read(const char *path, struct view *out, struct err *err) MUST_CHECK;

/* Who other than its owner may open the file, as a phrase like "is readable by others"; NULL: only
 * the owner, or no such file. *mode: its permissions. */
const char *secret_exposed(const char *path, mode_t *mode);

#endif
