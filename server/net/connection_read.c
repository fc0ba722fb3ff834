/* From bytes to calls: what a connection reads, and how far. */
#include "server/net/connection.h"

#include "base/clock.h"
#include "server/net/traceparent.h"

#define MAX_HEAD_BYTES 16384   /* request line and fields, the empty line included */
#define MAX_REQUESTS_A_TURN 16 /* of one connection, before the others' turn */

/* ---- memory ---------------------------------------------------------------------------------- */

/* Moves the bytes into another buffer. false: there is none. */
static bool move_bytes(struct connection *c, struct buffer to)
{
    if (!to.ptr)
        return false;
    if (c->in_len)
        memcpy(to.ptr, connection_bytes(c), c->in_len);
    buffers_put(&c->pool->buffers, c->in);
    c->in = to;
    c->in_at = 0;
    c->in_most = c->in_len;
    return true;
}

bool connection_make_room(struct connection *c, size_t capacity)
{
    if (capacity > c->in.capacity)
        return move_bytes(c, buffers_take(&c->pool->buffers, capacity));
    if (c->in_at)
        memmove(c->in.ptr, connection_bytes(c), c->in_len);
    c->in_at = 0;
    return true;
}

/* A large buffer is returned as soon as the rest fits into a small one: its bytes are charged while
 * it is held. */
static void shrink(struct connection *c)
{
    if (c->in.capacity > BUFFERS_BASE_BYTES &&
        c->in_len + 1 + HTTP_CALL_BODY_PADDING <= BUFFERS_BASE_BYTES)
        (void)!move_bytes(c, buffers_take(&c->pool->buffers, BUFFERS_BASE_BYTES));
}

/* Gets memory for what is read next; false: out of memory, which has been answered. */
static bool prepare(struct connection *c)
{
    shrink(c);
    if (!connection_charge_in(c))
        connection_problem(c, PROBLEM_BODY_MEMORY, NULL, NULL, "");
    else if (!connection_make_room(c, c->in_len + 1 + HTTP_CALL_BODY_PADDING))
        connection_problem(c, PROBLEM_OUT_OF_MEMORY, NULL, NULL, "");
    else
        return true;
    return false;
}

/* ---- a request ------------------------------------------------------------------------------- */

void connection_next(struct connection *c)
{
    const struct http_reader_limits reader_limits = {
        .max_head_bytes = MAX_HEAD_BYTES,
        .max_fields = HTTP_MAX_FIELDS,
        .max_body_bytes = (uint64_t)c->pool->limits.http->max_body_bytes,
    };
    size_t used = c->reader.end;

    connection_wait_over(c);
    c->in_at += used;
    c->in_len -= used;
    http_reader_init(&c->reader, &reader_limits);
    c->started = c->head_done = false;
    c->call = (struct http_call){.connection = c};
    c->state = CONNECTION_READING;
    connection_expose(c);
}

/* No part of a request has arrived (at most half of an empty line). */
static void rest(struct connection *c)
{
    int64_t now_us, limit_us = connection_limit_us(c, idle_ms);

    c->next_us = 0;
    if (c->eof) {
        c->state = CONNECTION_ENDED;
        return;
    }
    if (c->in_len == 0) {
        connection_drop_in(c);
    } else {
        shrink(c);
        (void)!connection_charge_in(c); /* an empty line's half: less than before */
    }
    if (c->list) /* an empty line does not extend the deadline */
        return;
    if (!c->used && connection_limit_us(c, first_byte_ms) < limit_us)
        limit_us = connection_limit_us(c, first_byte_ms);
    now_us = clock_now_us();
    connection_wait(c, c->used ? &c->pool->idle : &c->pool->silent, now_us);
    connection_deadline(c, now_us + limit_us);
}

static void on_first_byte(struct connection *c)
{
    connection_wait_over(c);
    c->started = c->used = true;
    c->holder.serial = ++c->pool->n_requests;
    c->call.received_us = c->next_us ? c->next_us : c->arrival_us;
    c->next_us = 0;
    c->start_us = clock_now_us();
}

static void on_head(struct connection *c)
{
    const struct http_head *head = &c->reader.head;

    c->head_done = true;
    c->start_us = clock_now_us();
    router_route(c->pool->router, head, connection_bytes(c), &c->routing);
    if (!prepare(c) || !head->expect_continue)
        return;
    if (c->routing.route)
        connection_continue(c);
    else /* the body may follow or not: nothing can be read after this */
        connection_problem(c, c->routing.problem, c->routing.detail, NULL, c->routing.headers);
}

static void fill_call(struct connection *c)
{
    const struct http_head *head = &c->reader.head;
    const struct http_body *body = &c->reader.body;
    const char *bytes = connection_bytes(c);
    struct http_call *call = &c->call;

    connection_make_id(c);
    call->method = http_span_view(head->method, bytes);
    call->path = http_span_view(head->path, bytes);
    call->query = http_span_view(head->query, bytes);
    call->body = (struct view){bytes + body->start, body->len};
    call->traceparent = http_head_find(head, bytes, "traceparent");
    if (!traceparent_is_valid(call->traceparent))
        call->traceparent = (struct view){NULL, 0};
}

static void on_request(struct connection *c)
{
    const struct http_route *route = c->routing.route;
    const size_t behind = c->in_len - c->reader.end;

    if (behind) /* its first byte came with the last read, or with this request at the earliest */
        c->next_us = behind <= c->arrived ? c->arrival_us : c->call.received_us;
    connection_wait_over(c);
    connection_deadline(c, TIMER_NEVER);
    if (!route) {
        connection_problem(c, c->routing.problem, c->routing.detail, NULL, c->routing.headers);
        return;
    }
    if (!connection_charge_in(c)) {
        connection_problem(c, PROBLEM_BODY_MEMORY, NULL, NULL, "");
        return;
    }
    connection_shield(c);
    fill_call(c);
    c->state = CONNECTION_WORK;
    c->pool->n_busy++;
    route->handle(&c->call, route->arg);
    if (c->state == CONNECTION_WORK && !c->call.on_gone)
        http_call_problem(&c->call, PROBLEM_INTERNAL, NULL, NULL);
}

static void on_more(struct connection *c)
{
    int64_t limit_us =
        c->head_done ? connection_limit_us(c, body_ms) : connection_limit_us(c, head_ms);

    if (!c->started)
        rest(c);
    else if (c->eof)
        connection_problem(c, PROBLEM_BAD_REQUEST, "the request is incomplete", NULL, "");
    else if (prepare(c)) {
        connection_wait(c, &c->pool->slow, c->start_us);
        connection_deadline(c, c->start_us + limit_us);
    }
}

static void yield(struct connection *c)
{
    c->yielding = true;
    connection_deadline(c, clock_now_us());
}

void connection_advance(struct connection *c)
{
    int n_requests = 0;

    connection_enter(c);
    while (c->state == CONNECTION_READING) {
        enum http_progress progress;

        if (n_requests == MAX_REQUESTS_A_TURN && c->in_len) {
            yield(c);
            break;
        }
        progress = http_reader_run(&c->reader, connection_bytes(c), &c->in_len);
        if (!c->started && http_reader_started(&c->reader))
            on_first_byte(c);
        if (progress == HTTP_HEAD)
            on_head(c);
        else if (progress == HTTP_DONE) {
            n_requests++;
            on_request(c);
        } else if (progress == HTTP_REFUSED)
            connection_problem(c, c->reader.refusal.problem, c->reader.refusal.detail, NULL, "");
        else {
            on_more(c);
            break;
        }
    }
    connection_leave(c);
}
