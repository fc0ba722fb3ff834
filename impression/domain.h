/*
 * Domains as people and systems write them, made comparable: "HTTP://www.Shop.EXAMPLE./path", "
 * shop.example " and "shop.example:443" are shop.example; "Bücher.example" is
 * xn--bcher-kva.example. Pure, no allocation.
 */
#ifndef IMPRESSION_DOMAIN_H
#define IMPRESSION_DOMAIN_H

#include "base/view.h"

#define DOMAIN_MAX_BYTES 253 /* RFC 1035, 2.3.4, without the last dot */

/*
 * text without surrounding blanks, scheme, user, port, path, leading "*." or dots, trailing dots
 * and one "www." (where two labels follow); labels in lower case, those that are not ASCII as
 * A-labels (RFC 5890): NFKC and lower case, then Punycode. Returns the number of bytes in out; 0
 * when nothing is left or it is too long for a domain. text is UTF-8.
 */
size_t domain_normalize(struct view text, char out[DOMAIN_MAX_BYTES]);

/* Strips blanks and control characters from both ends. */
struct view domain_trim(struct view text);

#endif
