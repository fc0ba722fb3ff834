/* Opens the sockets of an address, or none of them. */
#include "server/net/bind.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* For a port that the kernel chose at the first address and that is taken at the second. */
#define TRIES 16

/* A socket file that nothing listens on is stale. */
static void remove_stale(const struct address *address)
{
    const struct sockaddr_un *sun = (const struct sockaddr_un *)&address->sa;
    struct stat st;
    int fd;

    if (lstat(sun->sun_path, &st) == -1 || !S_ISSOCK(st.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                0); /* its backlog may be full */
    if (fd == -1)
        return;
    if (connect(fd, (const struct sockaddr *)sun, address->len) == -1 && errno == ECONNREFUSED)
        unlink(sun->sun_path);
    close(fd);
}

/* Returns a descriptor, or -1 with errno and *what failed. */
static int bind_one(const struct address *address, int backlog, const char **what)
{
    int fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1, zero = 0, error;

    *what = "socket";
    if (fd == -1)
        return -1;
    if (address_is_unix(address))
        remove_stale(address);
    else
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (address_is_ipv6(address))
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
    *what = "bind";
    if (bind(fd, (const struct sockaddr *)&address->sa, address->len) == 0) {
        *what = "listen";
        if (listen(fd, backlog) == 0)
            return fd;
    }
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void close_all(struct bound *out)
{
    for (int i = 0; i < out->n; i++)
        close(out->fds[i]);
    out->n = 0;
}

static bool may_be_missing(const struct addresses *addresses, const struct address *address)
{
    return addresses->optional && address_is_ipv6(address) &&
           (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
}

static void share_port(struct addresses *addresses, const struct bound *out)
{
    struct address first;
    struct err err;

    if (address_of_socket(&first, out->fds[0], &err) == 0)
        for (int i = 0; i < addresses->n; i++)
            address_set_port(&addresses->list[i], address_port(&first));
}

/* Returns 0, -1 with err, or 1 if the chosen port is taken at another address. */
static int try_all(struct bound *out, struct addresses addresses, const char *text, int backlog,
                   struct err *err)
{
    bool chosen = address_port(&addresses.list[0]) == 0;

    for (int i = 0; i < addresses.n; i++) {
        const char *what;
        int fd = bind_one(&addresses.list[i], backlog, &what);

        if (fd == -1) {
            char actual[ADDRESS_TEXT_BYTES];
            bool taken = errno == EADDRINUSE;

            if (may_be_missing(&addresses, &addresses.list[i]))
                continue;
            address_format(&addresses.list[i], actual);
            err_set_errno(err, ERR_UNAVAILABLE, "%s: %s%s%s", text, addresses.n > 1 ? actual : "",
                          addresses.n > 1 ? ": " : "", what);
            return chosen && out->n && taken ? 1 : -1;
        }
        out->fds[out->n++] = fd;
        if (out->n == 1)
            share_port(&addresses, out);
    }
    return 0;
}

/* "*" without IPv6. */
static int bind_all_v4(struct bound *out, int port, int backlog, struct err *err)
{
    struct addresses any;
    char text[32];

    snprintf(text, sizeof(text), "0.0.0.0:%d", port);
    if (addresses_resolve(&any, text, err))
        return -1;
    return try_all(out, any, text, backlog, err) ? -1 : 0;
}

int bind_all(struct bound *out, const char *text, int backlog, struct err *err)
{
    struct addresses addresses;
    int rc = 1;

    *out = (struct bound){.n = 0};
    if (addresses_resolve(&addresses, text, err))
        return -1;
    out->is_unix = address_is_unix(&addresses.list[0]);
    for (int i = 0; i < TRIES && rc == 1; i++) {
        close_all(out);
        rc = try_all(out, addresses, text, backlog, err);
    }
    if (rc == 0 && out->n == 0)
        rc = bind_all_v4(out, address_port(&addresses.list[0]), backlog, err);
    if (rc)
        close_all(out);
    return rc ? -1 : 0;
}
