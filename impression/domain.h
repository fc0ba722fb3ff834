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
 * text without blanks around it, scheme, user, port, path, "*." or dots in front, dots behind and
 * one "www." (where two labels follow); labels in lower case, those that are not ASCII as A-labels
 * (RFC 5890): NFKC and lower case, then Punycode. Returns the bytes in out; 0 when nothing is left,
 * or when it is too long for a domain. text is UTF-8.
 */
size_t domain_normalize(struct view text, char out[DOMAIN_MAX_BYTES]);

/* Blanks and control characters off both ends. */
struct view domain_trim(struct view text);

#endif
