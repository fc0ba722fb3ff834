#include "server/net/http_body.h"

#include "server/net/http_grammar.h"
#include "server/net/http_head.h"

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

static int bad(struct http_reader *r, const char *detail)
{
    return http_refuse(r, PROBLEM_BAD_CHUNK, detail);
}

static uint64_t hex_value(char c)
{
    return (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* The next state, or -1. */
static int read_size(struct http_reader *r, char c)
{
    if (http_is(c, HTTP_HEX)) {
        if (r->digits == MAX_SIZE_DIGITS)
            return bad(r, "a chunk's size has too many digits");
        r->left = r->left * 16 + hex_value(c);
        r->digits++;
        return CHUNK_SIZE;
    }
    if (r->digits == 0)
        return bad(r, "a chunk without a size");
    if (c == ';')
        return CHUNK_EXTENSION;
    return c == '\r' ? CHUNK_SIZE_LF : bad(r, "a chunk's size is malformed");
}

static int read_extension(struct http_reader *r, char c)
{
    if (c == '\r')
        return CHUNK_SIZE_LF;
    if (!http_is(c, HTTP_TEXT))
        return bad(r, "a control byte in a chunk extension");
    if (++r->ext_bytes > MAX_EXT_BYTES)
        return bad(r, "chunk extensions are too long");
    return CHUNK_EXTENSION;
}

static int read_size_lf(struct http_reader *r, char c)
{
    if (c != '\n')
        return bad(r, "a chunk's size does not end with CRLF");
    if (r->left > r->limits.max_body_bytes - r->body_len)
        return http_refuse(r, PROBLEM_BODY_TOO_LARGE, "the body is longer than allowed");
    r->digits = 0;
    return r->left ? CHUNK_BYTES : TRAILER_START;
}

static int read_trailer(struct http_reader *r, int state, char c)
{
    if (++r->trailer_bytes > r->limits.max_head_bytes)
        return http_refuse(r, PROBLEM_HEAD_TOO_LARGE, "the trailers are longer than allowed");
    switch (state) {
    case TRAILER_START:
        if (c == '\r')
            return TRAILERS_END_LF;
        if (++r->trailers > r->limits.max_fields)
            return http_refuse(r, PROBLEM_HEAD_TOO_LARGE, "more trailers than allowed");
        return http_is(c, HTTP_TOKEN) ? TRAILER_NAME : bad(r, "a trailer's name is no token");
    case TRAILER_NAME:
        if (c == ':')
            return TRAILER_VALUE;
        return http_is(c, HTTP_TOKEN) ? TRAILER_NAME : bad(r, "a trailer's name is no token");
    case TRAILER_VALUE:
        if (c == '\r')
            return TRAILER_LF;
        return http_is(c, HTTP_TEXT) ? TRAILER_VALUE : bad(r, "a control byte in a trailer");
    case TRAILER_LF:
        return c == '\n' ? TRAILER_START : bad(r, "a trailer does not end with CRLF");
    default:
        return c == '\n' ? CHUNKS_DONE : bad(r, "the trailers do not end with CRLF");
    }
}

static int read_byte(struct http_reader *r, int state, char c)
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

static int read_bytes(struct http_reader *r, char *bytes, size_t len)
{
    size_t n = len - r->pos;

    if (n > r->left)
        n = (size_t)r->left;
    memmove(bytes + r->body_start + r->body_len, bytes + r->pos, n);
    r->body_len += (uint32_t)n;
    r->pos += (uint32_t)n;
    r->left -= n;
    return r->left ? CHUNK_BYTES : CHUNK_BYTES_CR;
}

static void close_up(struct http_reader *r, char *bytes, size_t *len)
{
    uint32_t end = r->body_start + r->body_len;

    memmove(bytes + end, bytes + r->pos, *len - r->pos);
    *len -= r->pos - end;
    r->pos = end;
}

int http_body_chunks(struct http_reader *r, char *bytes, size_t *len)
{
    int state = r->chunk_state;

    while (r->pos < *len && state != CHUNKS_DONE) {
        if (state == CHUNK_BYTES)
            state = read_bytes(r, bytes, *len);
        else
            state = read_byte(r, state, bytes[r->pos++]);
        if (state < 0)
            return -1;
    }
    r->chunk_state = state;
    close_up(r, bytes, len);
    if (state != CHUNKS_DONE)
        return 1;
    r->end = r->pos;
    return 0;
}
