/*
 * Text from outside (arguments, keys of a file, a peer's answer) made fit for a terminal: control
 * characters, which could move the cursor, recolour or hide what follows, are replaced. These are
 * C0, DEL and C1, and anything that is not UTF-8, since an 8-bit terminal treats bytes 0x80 to 0x9f
 * as C1. The log escapes its own values (base/log.h).
 */
#ifndef BASE_PRINTABLE_H
#define BASE_PRINTABLE_H

#include "base/buf.h"
#include "base/view.h"

/* In place: one space for each control character and each malformed part; the text never gets
 * longer. */
void printable_blank(char *text);

/* Appends v with control characters as \u001b and malformed parts as U+FFFD: for text that must
 * stay recognisable. */
void printable_add(struct buf *out, struct view v);

#endif
