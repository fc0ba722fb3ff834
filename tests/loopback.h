/* A TCP socket on a free port of 127.0.0.1, for peers that tests play themselves. */
#ifndef TESTS_LOOPBACK_H
#define TESTS_LOOPBACK_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/test.h"

/* Bound, close-on-exec. */
static inline int loopback_bind(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static inline int loopback_listen(int *port)
{
    int fd = loopback_bind(port);

    CHECK(listen(fd, 64) == 0);
    return fd;
}

#endif
