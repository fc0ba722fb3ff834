/* A TCP socket on a free port of 127.0.0.1, for peers that tests play themselves. */
#ifndef TESTS_LOOPBACK_H
#define TESTS_LOOPBACK_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/test.h"

/* Bound, close-on-exec. *port: 0, for a free one, or the port. */
static inline int loopback_bind(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)*port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0);
    CHECK(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static inline int loopback_listen(int *port)
{
    int fd = loopback_bind(port);

    CHECK(listen(fd, SOMAXCONN) == 0);
    return fd;
}

#endif
