/* What a server says when it refuses, for the log: printable, short, and without what it was sent.
 * Pure. */
#ifndef SERVER_STORE_REFUSAL_H
#define SERVER_STORE_REFUSAL_H

#include "base/view.h"

#define REFUSAL_BYTES 128

/*
 * The error's text up to its first quotation mark or brace, behind which servers repeat what they
 * were sent, in printable ASCII: "ERR DB index is out of range", "WRONGPASS invalid
 * username-password pair or user is disabled.". Of one that holds the password (may be empty) only
 * the code in capitals is left, if that much.
 */
void refusal_text(struct view error, struct view password, char out[REFUSAL_BYTES]);

#endif
