/* One connection: connect, write, read, reconnect. */
#include "bench/load/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "client/dial.h"

#define READ_BYTES 65536

void conn_init(struct conn *conn, struct conn_owner *owner)
{
    *conn = (struct conn){.owner = owner, .fd = -1};
}

static void hang_up(struct conn *conn)
{
    if (conn->fd == -1)
        return;
    close(conn->fd);
    conn->fd = -1;
}

void conn_release(struct conn *conn)
{
    hang_up(conn);
    free(conn->in);
}

static void watch(struct conn *conn, uint32_t events, int op)
{
    struct epoll_event event = {.events = events, .data.ptr = conn};

    epoll_ctl(conn->owner->epoll, op, conn->fd, &event);
}

static void fail(struct conn *conn)
{
    conn->unreachable = conn->state == CONN_CONNECTING;
    conn->state = CONN_IDLE;
    hang_up(conn);
    conn->owner->on_failure(conn->owner, conn);
}

static void answer(struct conn *conn)
{
    conn->state = CONN_IDLE;
    if (!conn->reader.keep_alive)
        hang_up(conn);
    conn->owner->on_answer(conn->owner, conn);
}

static void send_some(struct conn *conn)
{
    while (conn->sent < conn->request.len) {
        ssize_t n = send(conn->fd, conn->request.ptr + conn->sent, conn->request.len - conn->sent,
                         MSG_NOSIGNAL);

        if (n > 0) {
            conn->sent += (size_t)n;
            continue;
        }
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1 && errno == EAGAIN) {
            watch(conn, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            return;
        }
        fail(conn);
        return;
    }
    conn->state = CONN_RECEIVING;
    watch(conn, EPOLLIN, EPOLL_CTL_MOD);
}

static void open_connection(struct conn *conn)
{
    struct err err;

    conn->state = CONN_CONNECTING;
    conn->fd = dial(conn->owner->address, &err);
    if (conn->fd == -1)
        fail(conn);
    else
        watch(conn, EPOLLOUT, EPOLL_CTL_ADD);
}

void conn_start(struct conn *conn, struct view request)
{
    conn->request = request;
    conn->sent = 0;
    conn->len = 0;
    response_reader_init(&conn->reader, false);
    if (conn->fd == -1) {
        open_connection(conn);
        return;
    }
    conn->state = CONN_SENDING;
    send_some(conn);
}

static int make_room(struct conn *conn)
{
    size_t capacity = conn->capacity ? conn->capacity * 2 : READ_BYTES;
    char *in;

    if (conn->capacity - conn->len >= READ_BYTES / 4)
        return 0;
    in = realloc(conn->in, capacity);
    if (!in)
        return -1;
    conn->in = in;
    conn->capacity = capacity;
    return 0;
}

static void receive_some(struct conn *conn)
{
    ssize_t n;

    if (make_room(conn)) {
        fail(conn);
        return;
    }
    n = recv(conn->fd, conn->in + conn->len, conn->capacity - conn->len, 0);
    if (n == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        conn->len += (size_t)n;
    switch (response_reader_run(&conn->reader, conn->in, &conn->len, n <= 0)) {
    case RESPONSE_DONE:
        answer(conn);
        return;
    case RESPONSE_BAD:
        fail(conn);
        return;
    case RESPONSE_MORE:
        if (n <= 0)
            fail(conn);
        return;
    }
}

static void finish_connecting(struct conn *conn)
{
    int error = 0;
    socklen_t size = sizeof(error);

    if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size) || error) {
        fail(conn);
        return;
    }
    conn->state = CONN_SENDING;
    send_some(conn);
}

void conn_on_event(struct conn *conn, uint32_t events)
{
    switch (conn->state) {
    case CONN_IDLE:
        hang_up(conn); /* closed by the server: the next request opens another one */
        return;
    case CONN_CONNECTING:
        finish_connecting(conn);
        return;
    case CONN_SENDING:
        if (events & EPOLLOUT)
            send_some(conn);
        return;
    case CONN_RECEIVING:
        receive_some(conn);
        return;
    }
}

struct view conn_body(const struct conn *conn)
{
    return (struct view){conn->in + conn->reader.body_start, conn->reader.body_len};
}
