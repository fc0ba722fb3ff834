/* From an address as an operator writes it to sockets that listen. */
#ifndef SERVER_NET_BIND_H
#define SERVER_NET_BIND_H

#include "server/net/address.h"

struct bound {
    int fds[ADDRESSES_MAX]; /* non-blocking, close-on-exec, listening; the caller's */
    int n;
    bool is_unix; /* its path is to be unlinked in the end */
};

/* One socket for each address that text means (address.h), all of them or none. IPv6 sockets
 * take IPv4 too where the address is [::], whatever net.ipv6.bindv6only is. A stale UNIX
 * socket that nothing listens on is replaced. ERR_CONFIG or ERR_UNAVAILABLE (taken, not
 * permitted, none of this machine). */
int bind_all(struct bound *out, const char *text, int backlog, struct err *err) MUST_CHECK;

#endif
