/* Calls in parts, and texts of JSON. */
#include "tests/e2e/client.h"

#include <sys/socket.h>

static struct err err;

static struct buf *next_buf(void)
{
    static struct buf ring[64];
    static int turn;
    struct buf *out = &ring[turn++ % COUNT(ring)];

    buf_clear(out);
    return out;
}

const char *vjs(const char *fmt, va_list ap)
{
    struct buf *out = next_buf();
    va_list again;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    CHECK(n >= 0 && buf_reserve(out, (size_t)n + 1));
    vsnprintf(out->ptr, (size_t)n + 1, fmt, ap);
    out->len = (size_t)n;
    for (size_t i = 0; i < out->len; i++)
        if (out->ptr[i] == '\'')
            out->ptr[i] = '"';
    return buf_str(out);
}

const char *js(const char *fmt, ...)
{
    const char *text;
    va_list ap;

    va_start(ap, fmt);
    text = vjs(fmt, ap);
    va_end(ap);
    return text;
}

const char *js_list(int n, const char *item)
{
    const char *between = item[strlen(item) - 1] == '\n' ? "" : ",";
    struct buf *out = next_buf();

    for (int i = 0; i < n; i++) {
        buf_add_str(out, i ? between : "");
        for (const char *c = item; *c; c++)
            if (*c == '#')
                buf_printf(out, "%d", i);
            else
                buf_add(out, *c == '\'' ? "\"" : c, 1);
    }
    return buf_str(out);
}

const char *client_text(struct view bytes)
{
    struct buf *out = next_buf();

    buf_add_view(out, bytes);
    return buf_str(out);
}

struct view client_post(const char *body, const char *headers)
{
    struct buf *out = next_buf();

    http_request_write(
        out, &(struct http_request){
                 .method = "POST", .target = "/rank", .headers = headers, .body = view_of(body)});
    return buf_view(out);
}

void client_open(struct http_client *client, const char *address)
{
    CHECK_OK(http_client_init(client, address, 30000, &err), err);
    CHECK_OK(http_client_connect(client, &err), err);
}

void client_send(struct http_client *client, struct view bytes)
{
    CHECK_OK(http_client_send(client, bytes, &err), err);
}

void client_open_rank(struct http_client *client, const char *address, const char *body)
{
    client_open(client, address);
    client_send(client, client_post(body, ""));
}

struct client_response client_answer(struct http_client *client)
{
    struct client_response response;

    CHECK_OK(http_client_receive(client, false, &response, &err), err);
    return response;
}

int client_receive(struct http_client *client)
{
    return client_answer(client).status;
}

int client_receive_and_close(struct http_client *client)
{
    int status = client_receive(client);

    http_client_release(client);
    return status;
}

void client_reset(struct http_client *client)
{
    struct linger now = {.l_onoff = 1};

    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    http_client_release(client);
}
