/*
 * Addresses to listen on, as an operator writes them, and addresses of sockets.
 *
 *   127.0.0.1:8080  0.0.0.0:8080   that IPv4 address; all of them
 *   [::1]:8080                     that IPv6 address
 *   [::]:8080                      all addresses, IPv4 too
 *   *:8080  :8080                  the same; without IPv6 all IPv4 addresses
 *   localhost:8080                 both loopbacks, 127.0.0.1 and, with IPv6, [::1]
 *   name:8080                      every address that the name resolves to
 *   unix:/path                     a UNIX socket
 *
 * Port 0: the kernel chooses one, the same for all addresses. What is none of these is ERR_CONFIG;
 * spellings that the C library would take for something else are (127.1, 0x7f000001, 010.0.0.1,
 * [name]), and so are addresses that cannot be connected to (multicast, broadcast).
 */
#ifndef SERVER_NET_ADDRESS_H
#define SERVER_NET_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

#define ADDRESS_TEXT_BYTES 128
#define ADDRESSES_MAX 8

struct address {
    struct sockaddr_storage sa;
    socklen_t len;
};

struct addresses {
    struct address list[ADDRESSES_MAX];
    int n; /* at least 1 */
    /* IPv6 ones may be missing on this machine if another one works; "*" falls back to 0.0.0.0. */
    bool optional;
};

/* ERR_CONFIG when text has not the form of an address. Pure: no name is looked up. */
int address_check(const char *text, struct err *err) MUST_CHECK;
/* Names are looked up, so not on a path that may not block. ERR_CONFIG when it is no address or
 * the name is unknown, ERR_UNAVAILABLE when it cannot be looked up now. */
int addresses_resolve(struct addresses *out, const char *text, struct err *err) MUST_CHECK;

/* What a client on the same machine connects to for what is listened on: 127.0.0.1 for "*". */
void address_to_dial(const char *text, char out[ADDRESS_TEXT_BYTES]);

/* "127.0.0.1:8080", "[::1]:8080", "unix:/path". */
void address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES]);
/* Of a bound socket. */
int address_of_socket(struct address *address, int fd, struct err *err) MUST_CHECK;
/* 0 for a UNIX socket. */
int address_port(const struct address *address);
void address_set_port(struct address *address, int port);
bool address_is_unix(const struct address *address);
bool address_is_ipv6(const struct address *address);

#endif
