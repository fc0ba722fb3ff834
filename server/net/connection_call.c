/* The handler's side of a connection: http_call.h. */
#include "base/bug.h"
#include "server/net/connection.h"

struct view http_call_field(const struct http_call *call, const char *name, uint32_t *at)
{
    const struct connection *c = call->connection;

    return http_head_next(&c->reader.head, connection_bytes(c), name, at);
}

struct view http_call_authority(const struct http_call *call)
{
    const struct connection *c = call->connection;

    if (c->reader.head.authority.len)
        return http_span_view(c->reader.head.authority, connection_bytes(c));
    return http_head_find(&c->reader.head, connection_bytes(c), "host");
}

void *http_call_user(const struct http_call *call)
{
    return call->connection->pool->user;
}

void http_call_defer(struct http_call *call, http_call_gone_fn on_gone, void *arg)
{
    BUG_ON(!on_gone || call->connection->state != CONNECTION_WORK);
    call->on_gone = on_gone;
    call->gone_arg = arg;
}

static struct connection *enter(const struct http_call *call)
{
    struct connection *c = call->connection;

    loop_assert(c->pool->loop);
    BUG_ON(c->state != CONNECTION_WORK);
    connection_enter(c);
    return c;
}

/* A response that is sent after the handler returned has to resume the connection itself. */
static void leave(struct connection *c)
{
    if (c->entered == 1)
        connection_advance(c);
    connection_leave(c);
}

void http_call_respond(struct http_call *call, const struct http_response *response)
{
    struct connection *c = enter(call);

    connection_respond(c, response);
    leave(c);
}

void http_call_respond_buf(struct http_call *call, int status, const char *content_type,
                           struct buf *body)
{
    if (buf_failed(body))
        http_call_problem(call, PROBLEM_OUT_OF_MEMORY, NULL, NULL);
    else
        http_call_respond(call, &(struct http_response){.status = status,
                                                        .content_type = content_type,
                                                        .body = buf_view(body)});
    buf_release(body);
}

void http_call_problem(struct http_call *call, enum problem_code code, const char *detail,
                       const struct problems *errors)
{
    struct connection *c = enter(call);

    connection_problem(c, code, detail, errors, "");
    leave(c);
}
