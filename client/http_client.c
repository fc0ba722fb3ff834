/* One call after the other on a kept connection. */
#define _GNU_SOURCE /* strcasestr */
#include "client/http_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/dial.h"

#define READ_BYTES 16384

int http_client_init(struct http_client *client, const char *address, int timeout_ms,
                     struct err *err)
{
    *client = (struct http_client){.timeout_ms = timeout_ms, .fd = -1};
    if (strlen(address) >= sizeof(client->address))
        return err_set(err, ERR_USAGE, "%s: address too long", address);
    memcpy(client->address, address, strlen(address) + 1);
    return 0;
}

void http_client_close(struct http_client *client)
{
    if (client->fd != -1)
        close(client->fd);
    client->fd = -1;
    client->reused = false;
}

void http_client_release(struct http_client *client)
{
    http_client_close(client);
    buf_release(&client->in);
    buf_release(&client->out);
}

static int lost(struct http_client *client, struct err *err, const char *what)
{
    err_set_errno(err, ERR_UNAVAILABLE, "%s: %s", client->address, what);
    http_client_close(client);
    return -1;
}

/* Waits for events until the deadline. */
static int wait_for(struct http_client *client, short events, int64_t deadline_us, struct err *err)
{
    struct pollfd p = {.fd = client->fd, .events = events};
    int64_t left_ms;
    int n;

    do {
        left_ms = (deadline_us - clock_now_us() + 999) / 1000;
        n = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;
    } while (n == -1 && errno == EINTR);
    if (n == 0)
        errno = ETIMEDOUT;
    return n > 0 ? 0 : lost(client, err, "no answer");
}

static int64_t deadline_of(const struct http_client *client)
{
    return clock_now_us() + (int64_t)client->timeout_ms * 1000;
}

int http_client_connect(struct http_client *client, struct err *err)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (client->fd != -1)
        return 0;
    buf_clear(&client->in);
    client->used = 0;
    client->fd = dial(client->address, err);
    if (client->fd == -1)
        return -1;
    if (wait_for(client, POLLOUT, deadline_of(client), err))
        return -1;
    if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 || error) {
        errno = error;
        return lost(client, err, "cannot connect");
    }
    return 0;
}

int http_client_send(struct http_client *client, struct view bytes, struct err *err)
{
    int64_t deadline_us = deadline_of(client);

    while (bytes.len) {
        ssize_t n = send(client->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

        if (n == -1 && errno != EAGAIN && errno != EINTR)
            return lost(client, err, "cannot send");
        if (n > 0)
            bytes = (struct view){bytes.ptr + n, bytes.len - (size_t)n};
        else if (wait_for(client, POLLOUT, deadline_us, err))
            return -1;
    }
    return 0;
}

/* Returns 1 if bytes arrived, 0 at the end of the stream, -1 on failure. */
static int read_some(struct http_client *client, int64_t deadline_us, struct err *err)
{
    char *into = buf_reserve(&client->in, READ_BYTES);
    ssize_t n;

    if (!into)
        return err_set(err, ERR_NOMEM, "%s: out of memory", client->address);
    for (;;) {
        if (clock_now_us() >= deadline_us) /* an answer that trickles is late, too */
            return err_set(err, ERR_UNAVAILABLE, "%s: no answer in time", client->address);
        n = recv(client->fd, into, READ_BYTES, 0);
        if (n >= 0)
            break;
        if (errno != EAGAIN && errno != EINTR)
            return lost(client, err, "connection lost");
        if (wait_for(client, POLLIN, deadline_us, err))
            return -1;
    }
    client->in.len += (size_t)n;
    return n > 0;
}

static void drop_used(struct http_client *client)
{
    if (client->used)
        memmove(client->in.ptr, client->in.ptr + client->used, client->in.len - client->used);
    client->in.len -= client->used;
    client->used = 0;
}

int http_client_receive(struct http_client *client, bool head_request, struct client_response *out,
                        struct err *err)
{
    int64_t deadline_us = deadline_of(client);
    struct response_reader *r = &out->reader;
    enum response_progress progress;
    int more = 1;

    drop_used(client);
    response_reader_init(r, head_request);
    for (;;) {
        progress = response_reader_run(r, client->in.ptr, &client->in.len, more == 0);
        if (progress != RESPONSE_MORE)
            break;
        more = read_some(client, deadline_us, err);
        if (more < 0)
            return -1;
    }
    if (progress == RESPONSE_BAD) {
        bool cut = more == 0;

        http_client_close(client);
        return cut ? err_set(err, ERR_UNAVAILABLE, "%s: closed before the answer was complete",
                             client->address)
                   : err_set(err, ERR_DATA, "%s: the answer is not HTTP", client->address);
    }
    client->used = r->end;
    client->reused = true;
    out->status = r->status;
    out->keep_alive = r->keep_alive;
    out->bytes = client->in.ptr;
    out->body = (struct view){client->in.ptr + r->body_start, r->body_len};
    return 0;
}

enum http_client_end http_client_wait_end(struct http_client *client, int timeout_ms)
{
    struct pollfd p = {.fd = client->fd, .events = POLLIN};
    char byte;
    ssize_t n;

    if (client->in.len > client->used)
        return HTTP_CLIENT_MORE;
    if (client->fd == -1)
        return HTTP_CLIENT_CLOSED;
    if (poll(&p, 1, timeout_ms) <= 0)
        return HTTP_CLIENT_OPEN;
    n = recv(client->fd, &byte, 1, MSG_PEEK);
    if (n == 0)
        return HTTP_CLIENT_CLOSED;
    return n < 0 ? HTTP_CLIENT_RESET : HTTP_CLIENT_MORE;
}

void http_request_write(struct buf *out, const struct http_request *request)
{
    const char *headers = request->headers ? request->headers : "";

    buf_printf(out, "%s %s HTTP/1.1\r\nHost: localhost\r\n",
               request->method ? request->method : "GET", request->target);
    buf_add_str(out, headers);
    if (request->body.ptr) {
        if (!strcasestr(headers, "content-type:"))
            buf_add_str(out, "Content-Type: application/json\r\n");
        buf_printf(out, "Content-Length: %zu\r\n", request->body.len);
    }
    buf_add_str(out, "\r\n");
    if (request->body.ptr)
        buf_add_view(out, request->body);
}

int http_client_call(struct http_client *client, const struct http_request *request,
                     struct client_response *out, struct err *err)
{
    bool head = request->method && strcmp(request->method, "HEAD") == 0;

    buf_clear(&client->out);
    http_request_write(&client->out, request);
    if (buf_failed(&client->out))
        return err_set(err, ERR_NOMEM, "%s: out of memory", client->address);
    for (;;) {
        bool reused = client->reused;

        errno = 0;
        if (http_client_connect(client, err))
            return -1;
        if (http_client_send(client, buf_view(&client->out), err) == 0 &&
            http_client_receive(client, head, out, err) == 0)
            break;
        /* retry if the server has closed a kept connection, but not after a timeout */
        if (!reused || client->in.len > 0 || errno == ETIMEDOUT)
            return -1;
    }
    if (!out->keep_alive)
        http_client_close(client);
    return 0;
}

struct view http_response_header(const struct client_response *response, const char *name)
{
    return response_header(&response->reader, response->bytes, name);
}
