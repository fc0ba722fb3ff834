/* Parses addresses, and prints those of sockets. */
#include "server/net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/host_port.h"

/* ---- text ------------------------------------------------------------------------------------ */

enum host_kind { HOST_ANY, HOST_LOCAL, HOST_V4, HOST_V6, HOST_NAME };

struct spelled {
    enum host_kind kind;
    struct host_port at;
};

static int parse_unix(struct address *address, const char *path, struct err *err)
{
    struct sockaddr_un *sun = (struct sockaddr_un *)&address->sa;
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof(sun->sun_path))
        return err_set(err, ERR_CONFIG, "unix:%s: the path must have 1 to %zu bytes", path,
                       sizeof(sun->sun_path) - 1);
    if (path[0] == '@')
        return err_set(err, ERR_CONFIG, "unix:%s: abstract sockets are not supported", path);
    sun->sun_family = AF_UNIX;
    memcpy(sun->sun_path, path, len + 1);
    address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    return 0;
}

/* Whether the last label is a number, as in every spelling of an address that inet_aton() accepts:
 * then it is not a name. */
static bool is_numeric(const char *host)
{
    const char *dot = strrchr(host, '.');
    const char *last = dot && dot[1] ? dot + 1 : host;
    size_t digits = strspn(last, "0123456789");

    if (digits == 1 && last[0] == '0' && (last[1] | 32) == 'x')
        digits = 2 + strspn(last + 2, "0123456789abcdefABCDEF");
    return digits > 0 && (last[digits] == '\0' || last[digits] == '.');
}

/* Labels of letters, digits, "-" and "_", joined by dots. */
static bool is_name(const char *host)
{
    char before = '.';

    for (const char *at = host; *at; before = *at++) {
        bool alnum = (*at >= '0' && *at <= '9') || ((*at | 32) >= 'a' && (*at | 32) <= 'z');

        if (!alnum && *at != '_' && (before == '.' || (*at != '-' && *at != '.')))
            return false;
    }
    return host[0] != '\0';
}

static int classify(const char *text, struct spelled *out, struct err *err)
{
    const char *host = out->at.host;
    bool bracketed = text[0] == '[';
    struct in_addr v4;
    struct in6_addr v6;
    char bare[sizeof(out->at.host)];

    snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(host, "%"), host); /* less its zone */
    if (bracketed) {
        out->kind = HOST_V6;
        if (inet_pton(AF_INET6, bare, &v6) != 1)
            return err_set(err, ERR_CONFIG, "%s: the brackets do not hold an IPv6 address", text);
        if (IN6_IS_ADDR_MULTICAST(&v6))
            return err_set(err, ERR_CONFIG, "%s: a multicast address cannot be connected to", text);
    } else if (strcmp(host, "*") == 0) {
        out->kind = HOST_ANY;
    } else if (view_is_nocase(view_of(host), "localhost")) {
        out->kind = HOST_LOCAL;
    } else if (is_numeric(host)) {
        out->kind = HOST_V4;
        if (inet_pton(AF_INET, host, &v4) != 1)
            return err_set(err, ERR_CONFIG,
                           "%s: not an IPv4 address: must be four numbers from 0 to 255", text);
        if (IN_MULTICAST(ntohl(v4.s_addr)) || v4.s_addr == INADDR_BROADCAST)
            return err_set(err, ERR_CONFIG,
                           "%s: a multicast or broadcast address cannot be connected to", text);
    } else {
        out->kind = HOST_NAME;
        if (!is_name(host))
            return err_set(err, ERR_CONFIG, "%s: neither an address nor a host name", text);
    }
    return 0;
}

static int parse_inet(const char *text, struct spelled *out, struct err *err)
{
    char whole[300];
    const int len = snprintf(whole, sizeof(whole), "%s%s", text[0] == ':' ? "*" : "", text);

    if (len < (int)sizeof(whole) && host_port_parse(view_of(whole), &out->at) == 0 &&
        out->at.port != -1)
        return classify(text, out, err);
    return err_set(err, ERR_CONFIG,
                   "%s: not an address (\"127.0.0.1:8080\", \"[::1]:8080\", \"*:8080\", "
                   "\"unix:/path\")",
                   text);
}

int address_check(const char *text, struct err *err)
{
    struct address address;
    struct spelled spelled;

    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(&address, text + 5, err);
    return parse_inet(text, &spelled, err);
}

void address_to_dial(const char *text, char out[ADDRESS_TEXT_BYTES])
{
    struct spelled spelled;
    struct err err;

    if (strncmp(text, "unix:", 5) != 0 && parse_inet(text, &spelled, &err) == 0 &&
        spelled.kind == HOST_ANY)
        snprintf(out, ADDRESS_TEXT_BYTES, "127.0.0.1:%d", spelled.at.port);
    else
        snprintf(out, ADDRESS_TEXT_BYTES, "%s", text);
}

/* ---- addresses ------------------------------------------------------------------------------- */

static void add_v4(struct addresses *out, struct in_addr host, int port)
{
    struct address *address = &out->list[out->n++];
    struct sockaddr_in *sin = (struct sockaddr_in *)&address->sa;

    *sin = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr = host, .sin_port = htons((uint16_t)port)};
    address->len = sizeof(*sin);
}

static void add_v6(struct addresses *out, struct in6_addr host, int port)
{
    struct address *address = &out->list[out->n++];
    struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&address->sa;

    *sin6 = (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_addr = host, .sin6_port = htons((uint16_t)port)};
    address->len = sizeof(*sin6);
}

static bool has(const struct addresses *out, const struct addrinfo *found)
{
    for (int i = 0; i < out->n; i++)
        if (out->list[i].len == found->ai_addrlen &&
            memcmp(&out->list[i].sa, found->ai_addr, found->ai_addrlen) == 0)
            return true;
    return false;
}

static int add_found(struct addresses *out, const struct addrinfo *found, int family)
{
    for (; found; found = found->ai_next) {
        if (found->ai_family != family || has(out, found))
            continue;
        if (out->n == ADDRESSES_MAX)
            return -1;
        memcpy(&out->list[out->n].sa, found->ai_addr, found->ai_addrlen);
        out->list[out->n++].len = found->ai_addrlen;
    }
    return 0;
}

/* Resolves the zone of an IPv6 literal, too. */
static int look_up(struct addresses *out, const struct spelled *spelled, const char *text,
                   struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[8];
    int rc;

    if (spelled->kind != HOST_NAME)
        hints.ai_flags |= AI_NUMERICHOST;
    snprintf(service, sizeof(service), "%d", spelled->at.port);
    rc = getaddrinfo(spelled->at.host, service, &hints, &found);
    if (rc != 0)
        return err_set(err,
                       rc == EAI_AGAIN || rc == EAI_MEMORY || rc == EAI_SYSTEM ? ERR_UNAVAILABLE
                                                                               : ERR_CONFIG,
                       "%s: %s", text, gai_strerror(rc));
    rc = add_found(out, found, AF_INET) || add_found(out, found, AF_INET6);
    freeaddrinfo(found);
    if (rc)
        return err_set(err, ERR_CONFIG, "%s: the name has more than %d addresses", text,
                       ADDRESSES_MAX);
    return out->n ? 0 : err_set(err, ERR_CONFIG, "%s: the name has no address", text);
}

int addresses_resolve(struct addresses *out, const char *text, struct err *err)
{
    static const struct in_addr loopback = {.s_addr = 0x0100007f}; /* in network order */
    struct spelled spelled;

    memset(out, 0, sizeof(*out));
    if (strncmp(text, "unix:", 5) == 0) {
        out->n = 1;
        return parse_unix(&out->list[0], text + 5, err);
    }
    if (parse_inet(text, &spelled, err))
        return -1;
    switch (spelled.kind) {
    case HOST_ANY:
        out->optional = true;
        add_v6(out, in6addr_any, spelled.at.port);
        return 0;
    case HOST_LOCAL:
        out->optional = true;
        add_v4(out, loopback, spelled.at.port);
        add_v6(out, in6addr_loopback, spelled.at.port);
        return 0;
    default:
        return look_up(out, &spelled, text, err);
    }
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
        return err_set_errno(err, ERR_UNAVAILABLE, "descriptor %d: not a socket", fd);
    return 0;
}

/* sin_port and sin6_port are at the same place. */
int address_port(const struct address *address)
{
    const struct sockaddr_in *sin = (const struct sockaddr_in *)&address->sa;

    return address_is_unix(address) ? 0 : ntohs(sin->sin_port);
}

void address_set_port(struct address *address, int port)
{
    struct sockaddr_in *sin = (struct sockaddr_in *)&address->sa;

    if (!address_is_unix(address))
        sin->sin_port = htons((uint16_t)port);
}

bool address_is_unix(const struct address *address)
{
    return address->sa.ss_family == AF_UNIX;
}

bool address_is_ipv6(const struct address *address)
{
    return address->sa.ss_family == AF_INET6;
}
