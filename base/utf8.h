/*
 * UTF-8 as in RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. Malformed bytes
 * are cut as Unicode recommends (chapter 3.9, maximal subparts; Python's errors="replace" and
 * browsers do the same), one U+FFFD for each part.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdint.h>

#include "base/view.h"

#define UTF8_REPLACEMENT 0xfffdu
#define UTF8_MAX_BYTES 4

/* Runs of ASCII are checked eight bytes at a time. The empty view is valid. */
bool utf8_valid(struct view v);

/* Whether v starts with a byte order mark, which editors on Windows write and JSON (RFC 8259,
 * section 8.1) forbids. */
bool utf8_has_bom(struct view v);
#define UTF8_BOM_REASON "starts with a byte order mark; save it as UTF-8 without one"

/* Bytes of the longest valid prefix; v.len when all is valid. */
size_t utf8_valid_len(struct view v);

/* The character at p, which has len >= 1 bytes left. Returns the bytes it takes, 1 to 4;
 * *code_point is UTF8_REPLACEMENT when they are malformed, so every loop over it advances and
 * ends. To tell a malformed part from a real U+FFFD use utf8_valid_len(). */
size_t utf8_decode(const char *p, size_t len, uint32_t *code_point);

/* Writes 1 to 4 bytes, returns how many. Surrogates and numbers above U+10FFFF are written as
 * U+FFFD. */
size_t utf8_encode(uint32_t code_point, char out[UTF8_MAX_BYTES]);

#endif
