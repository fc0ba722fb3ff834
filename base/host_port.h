/* An address to listen on or connect to, as written by an operator: "host", "host:port", "[v6]",
 * "[v6]:port". Pure: names are not resolved. */
#ifndef BASE_HOST_PORT_H
#define BASE_HOST_PORT_H

#include "base/err.h"
#include "base/view.h"

struct host_port {
    char host[256]; /* a name or an address without its brackets; never "" */
    int port;       /* 0 to 65535; -1: not given */
};

/* Returns 0, or -1 without an error text: no host, a host of more than 255 bytes, an IPv6 address
 * without brackets, or a port that is not a decimal number in range. */
int host_port_parse(struct view text, struct host_port *out) MUST_CHECK;
/* Whether host is an IPv4 or IPv6 address, without brackets: not a name. */
bool host_is_address(const char *host);

#endif
