/*
 * Numbers as decimal text, independent of the locale and several times faster than printf. Doubles
 * are correctly rounded (ties to even); outside of about 1e-12 to 1e20 with printf.
 */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#define DECIMAL_MAX_BYTES 32 /* the longest text, NUL included */

/* At most `digits` significant digits (1 to 17), trailing zeros cut: 0.0312, 1500, 2.5e-9. Plain
 * notation for decimal exponents from -7 to 16, which is also valid JSON. v is finite. Returns
 * the length. */
size_t decimal_format(double v, int digits, char out[DECIMAL_MAX_BYTES]);

/* The shortest text that strtod() reads back as v, including the sign of zero. v is finite. Takes
 * microseconds: for files, not for answers. */
size_t decimal_shortest(double v, char out[DECIMAL_MAX_BYTES]);

#define DECIMAL_INT_BYTES 20
/* Returns the length; no NUL is written. */
size_t decimal_int(int64_t v, char out[DECIMAL_INT_BYTES]);

#endif
