/*
 * Doubles as decimal text, correctly rounded (ties to even), independent of the locale. Between
 * about 1e-12 and 1e20 by integer arithmetic alone, which is several times faster than printf;
 * beyond by printf.
 */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stddef.h>

#define DECIMAL_MAX_BYTES 32 /* the longest text and its NUL */

/* At most `digits` significant digits (1 to 17), trailing zeros cut: 0.0312, 1500, 2.5e-9. Plain
 * notation for decimal exponents from -7 to 16, which is also valid JSON. v is finite. Returns
 * the length. */
size_t decimal_format(double v, int digits, char out[DECIMAL_MAX_BYTES]);

/* The shortest of the texts that strtod() reads back as v, the sign of zero included. v is
 * finite. Some microseconds: for files, not for answers. */
size_t decimal_shortest(double v, char out[DECIMAL_MAX_BYTES]);

#endif
