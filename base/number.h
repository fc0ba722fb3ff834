/* The only checked conversion of numbers from text (arguments, files, headers). The whole view must
 * be the number: no blanks, no sign unless the range has negatives, no overflow, no nan or inf. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdint.h>

#include "base/err.h"
#include "base/view.h"

/* Returns 0, or -1 without an error text: the caller knows what it was reading. */
int number_int(struct view text, int64_t min, int64_t max, int64_t *out) MUST_CHECK;
int number_double(struct view text, double min, double max, double *out) MUST_CHECK;

#endif
