/* Composes hostile HTTP messages. */
#define _GNU_SOURCE /* memmem */
#include "tests/storm/message.h"

#include <stdio.h>

#include "tests/storm/storm.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define PICK(list, rng) ((list)[storm_below((rng), COUNT(list))])

/* ---- good ones ------------------------------------------------------------------------------- */

static void add_chunked(struct buf *out, struct view body, struct rng *rng)
{
    while (body.len) {
        size_t most = storm_one_in(rng, 3) ? 8 : 4000, n = 1 + rng_below(rng, most);

        n = n < body.len ? n : body.len;
        buf_printf(out, storm_one_in(rng, 2) ? "%zx" : "%03zX", n);
        buf_add_str(out, storm_one_in(rng, 6) ? ";a=b" : "");
        buf_add_str(out, "\r\n");
        buf_add(out, body.ptr, n);
        buf_add_str(out, "\r\n");
        body = (struct view){body.ptr + n, body.len - n};
    }
    buf_add_str(out, storm_one_in(rng, 6) ? "0\r\nX-Trailer: a\r\n\r\n" : "0\r\n\r\n");
}

static void add_fields(struct buf *out, struct rng *rng)
{
    static const char *const fields[] = {
        "Cookie: id=" STORM_USER "\r\n",
        "Authorization: Bearer " STORM_USER "\r\n",
        "X-User-Id: " STORM_USER "\r\n",
        "User-Agent: " STORM_USER "\r\n",
        "Sec-GPC: 1\r\n",
        "Sec-GPC: 0\r\n",
        "DNT: 1\r\n",
        "Content-Encoding: identity\r\n",
        "Content-Encoding: gzip\r\n",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
        "traceparent: 00-" STORM_USER "-01\r\n",
        "Accept: */*\r\nAccept-Encoding: gzip, br\r\n",
        "X-Empty:\r\n",
        "X-Forwarded-For: 192.0.2.1, 198.51.100.2\r\n",
    };

    for (int n = storm_below(rng, 4); n > 0; n--)
        buf_add_str(out, PICK(fields, rng));
}

static void make_rank(const struct body_seeds *seeds, struct rng *rng, struct message *message,
                      struct buf *out)
{
    struct buf body = BUF_INIT;
    bool chunked = storm_one_in(rng, 4), old = storm_one_in(rng, 25);

    body_make(seeds, rng, &body);
    message->ranking = true;
    buf_printf(out, "POST /rank HTTP/1.%d\r\nHost: a\r\nX-Request-Id: %s\r\n", old ? 0 : 1,
               message->id);
    message->closes = old;
    if (storm_one_in(rng, 25)) {
        buf_add_str(out, "Connection: close\r\n");
        message->closes = true;
    }
    if (!storm_one_in(rng, 6))
        buf_add_str(out, "Content-Type: application/json\r\n");
    if (storm_one_in(rng, 30) && !old)
        buf_add_str(out, "Expect: 100-continue\r\n");
    add_fields(out, rng);
    if (chunked && !old) {
        buf_add_str(out, "Transfer-Encoding: chunked\r\n\r\n");
        add_chunked(out, buf_view(&body), rng);
    } else {
        buf_printf(out, "Content-Length: %zu\r\n\r\n", body.len);
        buf_add(out, body.ptr ? body.ptr : "", body.len);
    }
    if (body.len > 262144) /* refused before it is read */
        message->closes = true;
    buf_release(&body);
}

static void make_look(struct rng *rng, bool admin, struct message *message, struct buf *out)
{
    static const char *const public[] = {"/livez", "/readyz", "/readyz?verbose=1", "/nothing",
                                         "/rank"};
    static const char *const of_admin[] = {"/livez",
                                           "/readyz",
                                           "/readyz?verbose=1",
                                           "/readyz?verbose=2&" STORM_USER,
                                           "/metrics",
                                           "/metrics?name=" STORM_USER,
                                           "/admin/config",
                                           "/admin/nothing",
                                           "/rank"};

    message->head = storm_one_in(rng, 6);
    buf_printf(out, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-Id: %s\r\n",
               message->head ? "HEAD" : "GET", admin ? PICK(of_admin, rng) : PICK(public, rng),
               message->id);
    add_fields(out, rng);
    buf_add_str(out, "\r\n");
}

static void make_dry_run(struct message *message, struct buf *out)
{
    buf_printf(out,
               "POST /admin/reload?dry_run=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-Id: %s\r\n"
               "Content-Length: 0\r\n\r\n",
               message->id);
}

/* ---- broken ones ----------------------------------------------------------------------------- */

static void replace(struct buf *out, size_t at, size_t n, struct view bytes)
{
    size_t tail = out->len - at - n;

    if (!buf_reserve(out, bytes.len))
        return;
    memmove(out->ptr + at + bytes.len, out->ptr + at + n, tail);
    if (bytes.len)
        memcpy(out->ptr + at, bytes.ptr, bytes.len);
    out->len += bytes.len - n;
}

/* In place of a field's line, or in front of it. */
static const struct view lines[] = {
    VIEW_LIT("Content-Length: 2\r\n"),
    VIEW_LIT("Content-Length: 18446744073709551616\r\n"),
    VIEW_LIT("Content-Length: -1\r\n"),
    VIEW_LIT("Content-Length: +2\r\n"),
    VIEW_LIT("Content-Length: 0x10\r\n"),
    VIEW_LIT("Content-Length: 5, 5\r\n"),
    VIEW_LIT("Content-Length:\r\n"),
    VIEW_LIT("Content-Length: 300000\r\n"),
    VIEW_LIT("Transfer-Encoding: chunked\r\n"),
    VIEW_LIT("Transfer-Encoding: gzip, chunked\r\n"),
    VIEW_LIT("Transfer-Encoding: xchunked\r\n"),
    VIEW_LIT("Transfer-Encoding:\tchunked\r\n"),
    VIEW_LIT("Transfer-Encoding : chunked\r\n"),
    VIEW_LIT("Content-Encoding: gzip\r\n"),
    VIEW_LIT("Content-Type: text/plain\r\n"),
    VIEW_LIT("Content-Type: application/json; charset=utf-16\r\n"),
    VIEW_LIT("Host: b\r\n"),
    VIEW_LIT("Origin: http://b.example\r\n"),
    VIEW_LIT("Host: b c\r\n"),
    VIEW_LIT("Host: [::1\r\n"),
    VIEW_LIT("Expect: something\r\n"),
    VIEW_LIT("Expect: 100-continue\r\n"),
    VIEW_LIT("Connection: close\r\n"),
    VIEW_LIT("Connection: keep-alive, upgrade\r\nUpgrade: h2c\r\n"),
    VIEW_LIT("X-Request-Id: \x01\x02\r\n"),
    VIEW_LIT("X-Request-Id: \xff\xfe a\"b\r\n"),
    VIEW_LIT(
        "X-Request-Id: a-long-one-a-long-one-a-long-one-a-long-one-a-long-one-a-long-one-a-long-"
        "one-a-long-one-a-long-one-a-long-one-a-long-one-a-long-one-a-long-one-a-long-one\r\n"),
    VIEW_LIT("traceparent: "
             "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-00000000000000000\r\n"),
    VIEW_LIT("X-A: \0b\r\n"),
    VIEW_LIT("X-A: b\r\n folded\r\n"),
    VIEW_LIT("X-A: b\n"),
    VIEW_LIT("X-A: b\r"),
    VIEW_LIT(": b\r\n"),
    VIEW_LIT("X A: b\r\n"),
    VIEW_LIT("\r\n"),
    VIEW_LIT(""),
};

static const struct view starts[] = {
    VIEW_LIT("GET /rank HTTP/1.1\r\n"),
    VIEW_LIT("PUT /rank HTTP/1.1\r\n"),
    VIEW_LIT("OPTIONS * HTTP/1.1\r\n"),
    VIEW_LIT("CONNECT a:80 HTTP/1.1\r\n"),
    VIEW_LIT("POST http://a/rank HTTP/1.1\r\n"),
    VIEW_LIT("POST //rank HTTP/1.1\r\n"),
    VIEW_LIT("POST /rank/ HTTP/1.1\r\n"),
    VIEW_LIT("POST /rank?user=" STORM_USER " HTTP/1.1\r\n"),
    VIEW_LIT("POST /%72ank HTTP/1.1\r\n"),
    VIEW_LIT("POST /../rank HTTP/1.1\r\n"),
    VIEW_LIT("POST /rank HTTP/2.0\r\n"),
    VIEW_LIT("POST /rank HTTP/1.10\r\n"),
    VIEW_LIT("POST /rank\r\n"),
    VIEW_LIT("POST\t/rank\tHTTP/1.1\r\n"),
    VIEW_LIT("\r\n\r\nPOST /rank HTTP/1.1\r\n"),
    VIEW_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    VIEW_LIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    VIEW_LIT(""),
};

/* Many fields, or a long one. */
static void swell(struct buf *out, size_t at, struct rng *rng)
{
    struct buf more = BUF_INIT;
    int n = storm_below(rng, 90), len = storm_below(rng, 20000);

    if (storm_one_in(rng, 2))
        for (int i = 0; i < n; i++)
            buf_printf(&more, "X-%d: %d\r\n", i, i);
    else
        buf_printf(&more, "X-Long: %*d\r\n", len, 1);
    replace(out, at, 0, buf_view(&more));
    buf_release(&more);
}

/* Changes something within the head that starts at `from`. */
static void break_head(struct buf *out, size_t from, struct rng *rng)
{
    const char *head = out->ptr + from, *end = memmem(head, out->len - from, "\r\n\r\n", 4);
    size_t head_len = end ? (size_t)(end - head) + 4 : out->len - from;
    const char *line = memchr(head, '\n', head_len);
    size_t at = line ? (size_t)(line - out->ptr) + 1 : from, line_len;

    while (storm_one_in(rng, 2)) { /* another line */
        line = memchr(out->ptr + at, '\n', from + head_len - at);
        if (!line || (size_t)(line - out->ptr) + 3 >= from + head_len)
            break;
        at = (size_t)(line - out->ptr) + 1;
    }
    line = memchr(out->ptr + at, '\n', out->len - at);
    line_len = line ? (size_t)(line - out->ptr) + 1 - at : 0;
    switch (storm_below(rng, 8)) {
    case 0:
        replace(out, from, (size_t)((char *)memchr(head, '\n', head_len) - head) + 1,
                PICK(starts, rng));
        return;
    case 1:
    case 2:
        replace(out, at, 0, PICK(lines, rng));
        return;
    case 3:
        replace(out, at, line_len, PICK(lines, rng));
        return;
    case 4:
        swell(out, at, rng);
        return;
    case 5:
        out->len = from + rng_below(rng, head_len + 1);
        return;
    case 6:
        replace(out, from + rng_below(rng, head_len), 1, VIEW_LIT(""));
        return;
    default:
        out->ptr[from + rng_below(rng, head_len)] = (char)rng_u64(rng);
    }
}

/* Changes something after the head: lengths and chunks no longer fit. */
static void break_body(struct buf *out, size_t from, struct rng *rng)
{
    static const struct view parts[] = {
        VIEW_LIT("0\r\n\r\n"),
        VIEW_LIT("ffffffffffffffff\r\n"),
        VIEW_LIT("-1\r\n"),
        VIEW_LIT("f"),
        VIEW_LIT("00000000000000000005\r\n"),
        VIEW_LIT(";a=\"\r\n"),
        VIEW_LIT("5\n"),
        VIEW_LIT("\r\n"),
        VIEW_LIT("POST /rank HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\n{}"),
        VIEW_LIT("\0\0\0\0"),
    };
    const char *end = memmem(out->ptr + from, out->len - from, "\r\n\r\n", 4);
    size_t start = end ? (size_t)(end - out->ptr) + 4 : from, at;

    at = start + rng_below(rng, out->len - start + 1);
    if (storm_one_in(rng, 2)) { /* where a chunk's size may be */
        const char *line = memmem(out->ptr + at, out->len - at, "\r\n", 2);

        at = line ? (size_t)(line - out->ptr) + 2 : at;
    }
    if (storm_one_in(rng, 3))
        out->len = at;
    else
        replace(out, at, 0, PICK(parts, rng));
}

void message_make(const struct body_seeds *seeds, struct rng *rng, bool admin,
                  struct message *message, struct buf *out)
{
    size_t from = out->len;

    *message = (struct message){.plain = true};
    snprintf(message->id, sizeof(message->id), "storm-%016llx", (unsigned long long)rng_u64(rng));
    if (admin && storm_one_in(rng, 10))
        make_dry_run(message, out);
    else if (admin || storm_one_in(rng, 12))
        make_look(rng, admin, message, out);
    else
        make_rank(seeds, rng, message, out);
    /* Only the server knows whether a broken HEAD is still one. */
    if (!message->head && storm_one_in(rng, 4)) {
        *message = (struct message){.closes = true};
        if (storm_one_in(rng, 4))
            break_body(out, from, rng);
        else
            break_head(out, from, rng);
    }
    message->end = out->len;
}
