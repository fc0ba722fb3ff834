/* Connecting to "127.0.0.1:8080", "[::1]:8080", "host:8080" or "unix:/path". */
#ifndef CLIENT_DIAL_H
#define CLIENT_DIAL_H

#include "base/err.h"

/* A non-blocking, close-on-exec socket that is connecting (poll for writing, then read SO_ERROR),
 * TCP_NODELAY. ERR_USAGE: no address; ERR_UNAVAILABLE: unknown name or refused immediately. A name
 * is looked up, which blocks. */
int dial(const char *address, struct err *err) MUST_CHECK;

#endif
