/*
 * struct http_head: the head of a request, read line by line: http_reader.c finds the lines, this
 * says what they mean. Pure. Spans are offsets into the caller's bytes, which may move between
 * calls.
 */
#ifndef SERVER_NET_HTTP_HEAD_H
#define SERVER_NET_HTTP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "server/net/problem.h"

#define HTTP_MAX_FIELDS 64

struct http_span { /* of the caller's bytes */
    uint32_t start;
    uint32_t len;
};

struct http_field {
    struct http_span name;
    struct http_span value; /* surrounding blanks cut */
};

struct http_head {
    struct http_span method;
    /* As sent, not decoded, without the query; "*"; empty when the target names none. */
    struct http_span path;
    struct http_span query;     /* after the "?", may be empty */
    struct http_span authority; /* of a target in absolute-form, which overrides Host; else empty */
    struct http_field fields[HTTP_MAX_FIELDS];
    uint32_t n_fields;
    uint8_t minor;        /* 0: HTTP/1.0, else 1.1 or later */
    bool keep_alive;      /* by version and Connection */
    bool expect_continue; /* Expect: 100-continue in 1.1, and a body is to come */
    bool chunked;
    uint64_t length; /* Content-Length; 0 when absent */
};

/* Each returns 0, or -1 refused. A line comes without its CRLF, of HTTP_TEXT bytes only, and
 * lies within bytes. */
int http_head_request_line(struct http_head *head, const char *bytes, struct view line,
                           struct http_refusal *refusal) MUST_CHECK;
int http_head_field(struct http_head *head, const char *bytes, struct view line,
                    uint32_t max_fields, struct http_refusal *refusal) MUST_CHECK;
/* The empty line: Host, framing, persistence. */
int http_head_end(struct http_head *head, const char *bytes, uint64_t max_body_bytes,
                  struct http_refusal *refusal) MUST_CHECK;

/* The next field of that name (letter case aside), from *at on, which begins at 0; ptr NULL when
 * there is none. */
struct view http_head_next(const struct http_head *head, const char *bytes, const char *name,
                           uint32_t *at);
/* The first one. */
struct view http_head_find(const struct http_head *head, const char *bytes, const char *name);

static inline struct view http_span_view(struct http_span span, const char *bytes)
{
    return (struct view){bytes + span.start, span.len};
}

#endif
