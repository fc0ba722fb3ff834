#include "server/net/http_call.h"

#include "base/bug.h"
#include "server/net/connection_state.h"

struct view http_call_field(const struct http_call *x, const char *name, uint32_t *at)
{
    const struct http_reader *reader = &x->connection->reader;
    const char *bytes = connection_bytes(x->connection);
    const struct view wanted = view_of(name);

    while (*at < reader->n_fields) {
        const struct http_field *field = &reader->fields[(*at)++];

        if (view_eq_nocase(http_span_view(field->name, bytes), wanted))
            return http_span_view(field->value, bytes);
    }
    return (struct view){NULL, 0};
}

struct view http_call_authority(const struct http_call *x)
{
    const struct connection *c = x->connection;

    if (c->reader.authority.len)
        return http_span_view(c->reader.authority, connection_bytes(c));
    return http_reader_field(&c->reader, connection_bytes(c), "host");
}

void *http_call_user(const struct http_call *x)
{
    return x->connection->pool->user;
}

void http_call_defer(struct http_call *x, http_call_gone_fn on_gone, void *arg)
{
    BUG_ON(!on_gone || x->connection->state != CONNECTION_WORK);
    x->on_gone = on_gone;
    x->gone_arg = arg;
}

/* An answer that does not come from within the handler goes on with the connection by itself. */
static void leave(struct connection *c)
{
    if (c->entered == 1)
        connection_advance(c);
    connection_leave(c);
}

void http_call_respond(struct http_call *x, const struct http_response *answer)
{
    struct connection *c = x->connection;

    loop_assert(c->pool->loop);
    BUG_ON(c->state != CONNECTION_WORK);
    connection_enter(c);
    connection_answer(c, answer);
    leave(c);
}

void http_call_problem(struct http_call *x, enum problem_code code, const char *detail,
                       const struct problems *errors)
{
    struct connection *c = x->connection;

    loop_assert(c->pool->loop);
    BUG_ON(c->state != CONNECTION_WORK);
    connection_enter(c);
    connection_problem(c, code, detail, errors, "");
    leave(c);
}
