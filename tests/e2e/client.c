/* HTTP calls made in parts. */
#include "tests/e2e/client.h"

#include <sys/socket.h>

static struct err err;

const char *client_text(struct view bytes)
{
    struct buf *out = js_buf();

    buf_add_view(out, bytes);
    return buf_str(out);
}

struct view client_post(const char *body, const char *headers)
{
    struct buf *out = js_buf();

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
