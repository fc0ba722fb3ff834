/* Where to listen or to connect, as an operator writes it: "host", "host:port", "[v6]",
 * "[v6]:port". Pure: no name is looked up. */
#ifndef BASE_HOST_PORT_H
#define BASE_HOST_PORT_H

#include "base/err.h"
#include "base/view.h"

struct host_port {
    char host[256]; /* a name or an address without its brackets; never "" */
    int port;       /* 0 to 65535; -1: none is written */
};

/* 0, or -1 without a word: no host, one of more than 255 bytes, an IPv6 address without its
 * brackets, a port that is no decimal number of that range. */
int host_port_parse(struct view text, struct host_port *out) MUST_CHECK;

#endif
