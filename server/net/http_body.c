/* The states of a chunked body. */
#include "server/net/http_body.h"

#include <string.h>

#include "server/net/http_grammar.h"

#define MAX_SIZE_DIGITS 8
#define MAX_EXT_BYTES 4096 /* of one body */

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_BYTES,
    CHUNK_BYTES_CR,
    CHUNK_BYTES_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    TRAILERS_END_LF,
    CHUNKS_DONE,
};

/* What one call works with. */
struct reading {
    struct http_body *body;
    const struct http_reader_limits *limits;
    struct http_refusal *refusal;
};

static int bad(const struct reading *r, const char *detail)
{
    return http_refuse(r->refusal, PROBLEM_BAD_CHUNK, detail);
}

static uint64_t hex_value(char c)
{
    return (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* The next state, or -1. */
static int read_size(const struct reading *r, char c)
{
    if (http_is(c, HTTP_HEX)) {
        if (r->body->digits == MAX_SIZE_DIGITS)
            return bad(r, "a chunk size has too many digits");
        r->body->left = r->body->left * 16 + hex_value(c);
        r->body->digits++;
        return CHUNK_SIZE;
    }
    if (r->body->digits == 0)
        return bad(r, "a chunk has no size");
    if (c == ';')
        return CHUNK_EXTENSION;
    return c == '\r' ? CHUNK_SIZE_LF : bad(r, "a chunk size is malformed");
}

static int read_extension(const struct reading *r, char c)
{
    if (c == '\r')
        return CHUNK_SIZE_LF;
    if (!http_is(c, HTTP_TEXT))
        return bad(r, "control byte in a chunk extension");
    if (++r->body->ext_bytes > MAX_EXT_BYTES)
        return bad(r, "chunk extensions are too long");
    return CHUNK_EXTENSION;
}

static int read_size_lf(const struct reading *r, char c)
{
    if (c != '\n')
        return bad(r, "a chunk size does not end with CRLF");
    if (r->body->left > r->limits->max_body_bytes - r->body->len)
        return http_refuse(r->refusal, PROBLEM_BODY_TOO_LARGE, "the body is too long");
    r->body->digits = 0;
    return r->body->left ? CHUNK_BYTES : TRAILER_START;
}

static int read_trailer(const struct reading *r, int state, char c)
{
    if (++r->body->trailer_bytes > r->limits->max_head_bytes)
        return http_refuse(r->refusal, PROBLEM_HEAD_TOO_LARGE, "the trailers are too long");
    switch (state) {
    case TRAILER_START:
        if (c == '\r')
            return TRAILERS_END_LF;
        if (++r->body->trailers > r->limits->max_fields)
            return http_refuse(r->refusal, PROBLEM_HEAD_TOO_LARGE, "too many trailers");
        return http_is(c, HTTP_TOKEN) ? TRAILER_NAME : bad(r, "a trailer name is not a token");
    case TRAILER_NAME:
        if (c == ':')
            return TRAILER_VALUE;
        return http_is(c, HTTP_TOKEN) ? TRAILER_NAME : bad(r, "a trailer name is not a token");
    case TRAILER_VALUE:
        if (c == '\r')
            return TRAILER_LF;
        return http_is(c, HTTP_TEXT) ? TRAILER_VALUE : bad(r, "control byte in a trailer");
    case TRAILER_LF:
        return c == '\n' ? TRAILER_START : bad(r, "a trailer does not end with CRLF");
    default:
        return c == '\n' ? CHUNKS_DONE : bad(r, "the trailers do not end with CRLF");
    }
}

static int read_byte(const struct reading *r, int state, char c)
{
    switch (state) {
    case CHUNK_SIZE:
        return read_size(r, c);
    case CHUNK_EXTENSION:
        return read_extension(r, c);
    case CHUNK_SIZE_LF:
        return read_size_lf(r, c);
    case CHUNK_BYTES_CR:
        return c == '\r' ? CHUNK_BYTES_LF : bad(r, "a chunk is not followed by CRLF");
    case CHUNK_BYTES_LF:
        return c == '\n' ? CHUNK_SIZE : bad(r, "a chunk is not followed by CRLF");
    default:
        return read_trailer(r, state, c);
    }
}

static int read_bytes(struct http_body *body, char *bytes, size_t len)
{
    size_t n = len - body->pos;

    if (n > body->left)
        n = (size_t)body->left;
    memmove(bytes + body->start + body->len, bytes + body->pos, n);
    body->len += (uint32_t)n;
    body->pos += (uint32_t)n;
    body->left -= n;
    return body->left ? CHUNK_BYTES : CHUNK_BYTES_CR;
}

static void close_gap(struct http_body *body, char *bytes, size_t *len)
{
    uint32_t end = body->start + body->len;

    memmove(bytes + end, bytes + body->pos, *len - body->pos);
    *len -= body->pos - end;
    body->pos = end;
}

int http_body_chunks(struct http_body *body, const struct http_reader_limits *limits, char *bytes,
                     size_t *len, struct http_refusal *refusal)
{
    const struct reading reading = {body, limits, refusal};
    int state = body->state;

    while (body->pos < *len && state != CHUNKS_DONE) {
        if (state == CHUNK_BYTES)
            state = read_bytes(body, bytes, *len);
        else
            state = read_byte(&reading, state, bytes[body->pos++]);
        if (state < 0)
            return -1;
    }
    body->state = state;
    close_gap(body, bytes, len);
    return state == CHUNKS_DONE ? 0 : 1;
}
