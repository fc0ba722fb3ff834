/* Punycode (RFC 3492): a label of any characters in letters, digits and hyphens. Pure. */
#ifndef IMPRESSION_PUNYCODE_H
#define IMPRESSION_PUNYCODE_H

#include <stddef.h>
#include <stdint.h>

/* n code points, at most PUNYCODE_MAX_POINTS, to at most size bytes, without the "xn--" prefix.
 * Returns the number of bytes; 0 when they do not fit. */
#define PUNYCODE_MAX_POINTS 253
size_t punycode_encode(const int32_t *points, size_t n, char *out, size_t size);

#endif
