#include "server/net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/host_port.h"

static int parse_unix(struct address *address, const char *path, struct err *err)
{
    struct sockaddr_un *sun = (struct sockaddr_un *)&address->sa;
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof(sun->sun_path))
        return err_set(err, ERR_CONFIG, "unix:%s: the path must have 1 to %zu bytes", path,
                       sizeof(sun->sun_path) - 1);
    sun->sun_family = AF_UNIX;
    memcpy(sun->sun_path, path, len + 1);
    address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    return 0;
}

static int parse_inet(const char *text, struct host_port *at, struct err *err)
{
    if (host_port_parse(view_of(text), at) == 0 && at->port != -1)
        return 0;
    return err_set(err, ERR_CONFIG,
                   "%s: not an address (\"127.0.0.1:8080\", \"[::1]:8080\", \"unix:/path\")", text);
}

int address_check(const char *text, struct err *err)
{
    struct address address;
    struct host_port at;

    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(&address, text + 5, err);
    return parse_inet(text, &at, err);
}

int address_parse(struct address *address, const char *text, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    struct host_port at;
    char service[8];
    int rc;

    memset(address, 0, sizeof(*address));
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(address, text + 5, err);
    if (parse_inet(text, &at, err))
        return -1;
    snprintf(service, sizeof(service), "%d", at.port);
    rc = getaddrinfo(at.host, service, &hints, &found);
    if (rc != 0)
        return err_set(err, ERR_UNAVAILABLE, "%s: %s", text, gai_strerror(rc));
    memcpy(&address->sa, found->ai_addr, found->ai_addrlen);
    address->len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

void address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES])
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->sa;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->sa;
    const struct sockaddr_un *sun = (const struct sockaddr_un *)&address->sa;
    char host[INET6_ADDRSTRLEN] = "?";

    switch (address->sa.ss_family) {
    case AF_UNIX:
        snprintf(out, ADDRESS_TEXT_BYTES, "unix:%s", sun->sun_path);
        break;
    case AF_INET:
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
        snprintf(out, ADDRESS_TEXT_BYTES, "%s:%d", host, ntohs(v4->sin_port));
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
        snprintf(out, ADDRESS_TEXT_BYTES, "[%s]:%d", host, ntohs(v6->sin6_port));
        break;
    default:
        snprintf(out, ADDRESS_TEXT_BYTES, "family %d", address->sa.ss_family);
    }
}

int address_of_socket(struct address *address, int fd, struct err *err)
{
    memset(address, 0, sizeof(*address));
    address->len = sizeof(address->sa);
    if (getsockname(fd, (struct sockaddr *)&address->sa, &address->len) == -1)
        return err_set_errno(err, ERR_UNAVAILABLE, "descriptor %d: no socket", fd);
    return 0;
}

bool address_is_unix(const struct address *address)
{
    return address->sa.ss_family == AF_UNIX;
}

bool address_is_loopback(const struct address *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->sa;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->sa;

    if (address->sa.ss_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    if (address->sa.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    return address_is_unix(address);
}
