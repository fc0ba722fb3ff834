/* Error replies for the log: printable, short, and without the arguments that they repeat. Pure. */
#ifndef SERVER_STORE_REFUSAL_H
#define SERVER_STORE_REFUSAL_H

#include "base/view.h"

#define REFUSAL_BYTES 128

/*
 * The error's text up to its first quotation mark or brace, after which servers repeat what they
 * were sent, in printable ASCII: "ERR DB index is out of range", "WRONGPASS invalid
 * username-password pair or user is disabled.". If it contains the password (may be empty),
 * only the code in capitals is kept, if there is one.
 */
void refusal_text(struct view error, struct view password, char out[REFUSAL_BYTES]);

#endif
