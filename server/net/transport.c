/* Plain sockets. */
#include "server/net/transport.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t outcome(ssize_t n)
{
    if (n != -1)
        return n;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOMEM ||
                   errno == ENOBUFS
               ? TRANSPORT_AGAIN
               : TRANSPORT_LOST;
}

static ssize_t plain_read(struct transport *transport, void *into, size_t n)
{
    return outcome(recv(transport->fd, into, n, 0));
}

static ssize_t plain_write(struct transport *transport, const struct iovec *parts, int n_parts)
{
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)n_parts};

    return outcome(sendmsg(transport->fd, &message, MSG_NOSIGNAL));
}

static bool plain_pending(struct transport *transport)
{
    char byte;

    return recv(transport->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static bool plain_lost(struct transport *transport)
{
    int error = 0;
    socklen_t len = sizeof(error);

    return getsockopt(transport->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 || error != 0;
}

static void plain_finish(struct transport *transport)
{
    (void)shutdown(transport->fd, SHUT_WR); /* a peer that has gone is known by other means */
}

static void plain_close(struct transport *transport, bool hard)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};

    if (hard)
        (void)setsockopt(transport->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(transport->fd);
    transport->fd = -1;
}

const struct transport_ops transport_plain = {
    .read = plain_read,
    .write = plain_write,
    .pending = plain_pending,
    .lost = plain_lost,
    .finish = plain_finish,
    .close = plain_close,
};
