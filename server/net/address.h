/* Addresses as an operator writes them: "127.0.0.1:8080", "[::1]:8080", "host:8080", "unix:/path". */
#ifndef SERVER_NET_ADDRESS_H
#define SERVER_NET_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

#define ADDRESS_TEXT_BYTES 128

struct address {
    struct sockaddr_storage sa;
    socklen_t len;
};

/* Port 0 is legal: the kernel chooses. Names are looked up, so not on a path that may not block. ERR_CONFIG
 * when it is no address, ERR_UNAVAILABLE when the name cannot be resolved. */
int address_parse(struct address *address, const char *text, struct err *err) MUST_CHECK;
/* ERR_CONFIG when text has not the form of an address. Pure: no name is looked up. */
int address_check(const char *text, struct err *err) MUST_CHECK;
/* "127.0.0.1:8080", "[::1]:8080", "unix:/path". */
void address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES]);
/* Of a bound socket. */
int address_of_socket(struct address *address, int fd, struct err *err) MUST_CHECK;
bool address_is_unix(const struct address *address);
bool address_is_loopback(const struct address *address); /* UNIX sockets are */

#endif
