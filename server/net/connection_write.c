/* Responses to bytes: what is written immediately, what is kept. */
#include "server/net/connection.h"

#include <stdio.h>

#include "base/clock.h"
#include "server/net/response_head.h"

#define LINGER_US 1000000

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Keeps the parts from byte `taken` on; false: out of memory or over budget. */
static bool keep_rest(struct connection *c, const struct iovec *parts, int n_parts, size_t taken)
{
    size_t left = c->out_len - c->out_pos;
    struct buffer larger;

    for (int i = 0; i < n_parts; i++)
        left += parts[i].iov_len;
    if (!connection_charge_out(c, left - taken))
        return false;
    larger = buffers_take(&c->pool->buffers, left - taken);
    if (!larger.ptr)
        return false;
    c->out_len -= c->out_pos;
    if (c->out_len)
        memcpy(larger.ptr, c->out.ptr + c->out_pos, c->out_len);
    for (int i = 0; i < n_parts; i++) {
        size_t skip = taken < parts[i].iov_len ? taken : parts[i].iov_len;
        size_t n = parts[i].iov_len - skip;

        if (n)
            memcpy(larger.ptr + c->out_len, (const char *)parts[i].iov_base + skip, n);
        c->out_len += n;
        taken -= skip;
    }
    buffers_put(&c->pool->buffers, c->out);
    c->out = larger;
    c->out_pos = 0;
    return true;
}

/* One system call; what the kernel does not take is copied and sent when there is room. */
static void send_parts(struct connection *c, const struct iovec *parts, int n_parts)
{
    size_t total = 0;
    ssize_t n = 0;

    for (int i = 0; i < n_parts; i++)
        total += parts[i].iov_len;
    if (c->out_len == 0)
        n = c->transport.ops->write(&c->transport, parts, n_parts);
    if (n == TRANSPORT_AGAIN)
        n = 0;
    if (n < 0) {
        connection_lost(c);
    } else if ((size_t)n < total && !keep_rest(c, parts, n_parts, (size_t)n)) {
        c->hard = true; /* else the kernel would keep its part */
        connection_lost(c);
    }
}

/* From now on it waits for the client to take a response, at most for so long. */
static void wait_for_client(struct connection *c, int64_t limit_us)
{
    int64_t now_us = clock_now_us();

    connection_wait(c, &c->pool->slow, now_us);
    connection_deadline(c, now_us + limit_us);
}

/* The response has been written. */
static void finished(struct connection *c)
{
    if (!c->last) {
        connection_next(c);
        return;
    }
    connection_drop_in(c);
    if (c->eof) {
        c->state = CONNECTION_ENDED;
        return;
    }
    c->transport.ops->finish(&c->transport);
    c->state = CONNECTION_LINGER;
    wait_for_client(c, LINGER_US);
}

void connection_flush(struct connection *c)
{
    struct iovec part = {c->out.ptr + c->out_pos, c->out_len - c->out_pos};
    ssize_t n;

    if (c->out_len == 0)
        return;
    n = c->transport.ops->write(&c->transport, &part, 1);
    if (n == TRANSPORT_LOST) {
        connection_lost(c);
        return;
    }
    if (n > 0)
        c->out_pos += (size_t)n;
    if (c->out_pos < c->out_len)
        return;
    connection_drop_out(c);
    if (c->state == CONNECTION_WRITING) {
        finished(c);
        connection_advance(c);
    }
}

void connection_continue(struct connection *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec part = {(char *)text, sizeof(text) - 1};

    send_parts(c, &part, 1);
}

/* ---- responses ------------------------------------------------------------------------------- */

void connection_make_id(struct connection *c)
{
    struct http_call *x = &c->call;
    struct view sent = {NULL, 0};

    if (x->request_id[0])
        return;
    if (c->in.ptr)
        sent = http_head_find(&c->reader.head, connection_bytes(c), "x-request-id");
    if (request_id_is_valid(sent)) {
        memcpy(x->request_id, sent.ptr, sent.len);
        x->request_id[sent.len] = 0;
    } else {
        snprintf(x->request_id, sizeof(x->request_id), "%016llx",
                 (unsigned long long)rng_u64(&c->pool->rng));
    }
}

static const char *date(struct connection_pool *pool)
{
    int64_t now_s = clock_wall_ms() / 1000;

    if (now_s != pool->date_s) {
        pool->date_s = now_s;
        http_date(now_s, pool->date);
    }
    return pool->date;
}

static bool is_head(const struct connection *c)
{
    return c->reader.head.method.len == 4 &&
           memcmp(connection_bytes(c) + c->reader.head.method.start, "HEAD", 4) == 0;
}

void connection_respond(struct connection *c, const struct http_response *response)
{
    struct connection_pool *pool = c->pool;
    bool complete = c->reader.end > 0;
    struct iovec parts[2];

    connection_wait_over(c);
    connection_make_id(c);
    if (c->state == CONNECTION_WORK)
        pool->n_busy--;
    c->call.on_gone = NULL;
    c->last = response->close || !complete || !c->reader.head.keep_alive ||
              atomic_load_explicit(&pool->shared->draining, memory_order_relaxed);
    c->state = CONNECTION_WRITING;
    response_head(&pool->scratch, response,
                  &(struct response_head_args){.date = date(pool),
                                               .request_id = c->call.request_id,
                                               .close = c->last,
                                               .keep_alive = c->reader.head.minor == 0});
    if (pool->hooks.on_response)
        pool->hooks.on_response(pool->user, c->head_done ? c->routing.label : 0, response->status,
                                c->started ? clock_now_us() - c->call.received_us : 0);
    parts[0] = (struct iovec){pool->scratch.ptr, pool->scratch.len};
    parts[1] = (struct iovec){(char *)response->body.ptr, is_head(c) ? 0 : response->body.len};
    if (buf_failed(&pool->scratch)) {
        buf_release(&pool->scratch);
        connection_lost(c);
        return;
    }
    send_parts(c, parts, 2);
    if (c->state == CONNECTION_ENDED)
        return;
    if (c->out_len)
        wait_for_client(c, connection_limit_us(c, write_ms));
    else
        finished(c);
}

void connection_problem(struct connection *c, enum problem_code code, const char *detail,
                        const struct problems *errors, const char *headers)
{
    const struct problem_kind *kind = &problem_kinds[code];
    struct buf *body = &c->pool->body;
    char retry[ROUTER_HEADERS_BYTES + 32];

    connection_make_id(c);
    if (kind->retry_after_s)
        snprintf(retry, sizeof(retry), "%sRetry-After: %d\r\n", headers, kind->retry_after_s);
    else
        snprintf(retry, sizeof(retry), "%s", headers);
    buf_clear(body);
    problem_write(body, code, c->call.request_id, detail, errors);
    if (buf_failed(body)) /* a response without a body is still one */
        buf_release(body);
    connection_respond(c, &(struct http_response){.status = kind->status,
                                                  .content_type = "application/problem+json",
                                                  .headers = view_of(retry),
                                                  .body = buf_view(body),
                                                  .close = kind->closes});
}
