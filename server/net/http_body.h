/* struct http_body: the body of a request. Chunked ones (RFC 9112, 7.1) are read byte by byte
 * and joined in place. Pure. */
#ifndef SERVER_NET_HTTP_BODY_H
#define SERVER_NET_HTTP_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "server/net/problem.h"

struct http_reader_limits {
    uint32_t max_head_bytes; /* of the head, and of the trailers */
    uint32_t max_fields;     /* the same; <= HTTP_MAX_FIELDS */
    uint64_t max_body_bytes; /* of a body; of all its chunks together */
};

struct http_body {
    /* bytes[start .. start + len) so far, chunks already joined */
    uint32_t start;
    uint32_t len;

    /* of a chunked one: */
    uint32_t pos; /* next byte to look at */
    int state;
    uint64_t left;          /* bytes of the chunk to come */
    uint32_t digits;        /* of a chunk's size */
    uint32_t ext_bytes;     /* of chunk extensions so far */
    uint32_t trailer_bytes; /* so far */
    uint32_t trailers;      /* fields */
};

/* Goes on at body->pos and joins the chunks' bytes at body->start. 0: complete, body->pos is
 * after it; 1: all bytes are consumed; -1: refused. On 0 and 1 the gap between the joined bytes
 * and the rest has been closed and *len is less. */
int http_body_chunks(struct http_body *body, const struct http_reader_limits *limits, char *bytes,
                     size_t *len, struct http_refusal *refusal) MUST_CHECK;

#endif
