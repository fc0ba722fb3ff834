/*
 * Doubles as decimal text, correctly rounded (ties to even), independent of the locale. Between
 * about 1e-12 and 1e20 with integer arithmetic only, several times faster than printf; outside that
 * range, with printf.
 */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stddef.h>

#define DECIMAL_MAX_BYTES 32 /* the longest text, NUL included */

/* At most `digits` significant digits (1 to 17), trailing zeros cut: 0.0312, 1500, 2.5e-9. Plain
 * notation for decimal exponents from -7 to 16, which is also valid JSON. v is finite. Returns
 * the length. */
size_t decimal_format(double v, int digits, char out[DECIMAL_MAX_BYTES]);

/* The shortest text that strtod() reads back as v, including the sign of zero. v is finite. Takes
 * microseconds: for files, not for answers. */
size_t decimal_shortest(double v, char out[DECIMAL_MAX_BYTES]);

#endif
