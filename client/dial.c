/* Resolves an address and connects. */
#include "client/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/host_port.h"

static int connect_to(const char *address, const struct sockaddr *sa, socklen_t len,
                      struct err *err)
{
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;

    if (fd == -1)
        return err_set_errno(err, ERR_UNAVAILABLE, "%s", address);
    if (sa->sa_family != AF_UNIX)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, sa, len) == -1 && errno != EINPROGRESS) {
        err_set_errno(err, ERR_UNAVAILABLE, "%s", address);
        close(fd);
        return -1;
    }
    return fd;
}

static int dial_unix(const char *address, struct err *err)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    const char *path = address + strlen("unix:");
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof(sun.sun_path))
        return err_set(err, ERR_USAGE, "%s: the path must have 1 to %zu bytes", address,
                       sizeof(sun.sun_path) - 1);
    memcpy(sun.sun_path, path, len + 1);
    return connect_to(address, (struct sockaddr *)&sun, sizeof(sun), err);
}

int dial(const char *address, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    struct host_port at;
    char service[8];
    int rc, fd = -1;

    if (strncmp(address, "unix:", 5) == 0)
        return dial_unix(address, err);
    if (host_port_parse(view_of(address), &at) || at.port == -1)
        return err_set(err, ERR_USAGE, "%s: not an address", address);
    snprintf(service, sizeof(service), "%d", at.port);
    rc = getaddrinfo(at.host, service, &hints, &found);
    if (rc != 0)
        return err_set(err, ERR_UNAVAILABLE, "%s: %s", address, gai_strerror(rc));
    for (const struct addrinfo *try = found; try && fd == -1; try = try->ai_next)
        fd = connect_to(address, try->ai_addr, try->ai_addrlen, err);
    freeaddrinfo(found);
    return fd;
}
