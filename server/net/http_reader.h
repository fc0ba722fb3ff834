/*
 * struct http_reader: one HTTP/1.1 or 1.0 request out of bytes (RFC 9110, RFC 9112), strictly.
 * Pure: no I/O, no clock, no allocation, no pointers kept.
 *
 * The caller holds the bytes of one request from its first byte on, contiguous, and may move them
 * between calls: the reader keeps offsets. It looks at every byte once, in order, and decides each
 * thing at one fixed byte, so the outcome does not depend on how the bytes came in pieces.
 *
 * Refused (status of CONTRACT 3 in brackets):
 *   [400] anything outside the HTTP/1.x grammar: versions other than HTTP/1.digit, control bytes,
 *         bare CR or LF, obs-fold, blanks around a field's name, empty names, targets with bytes
 *         that RFC 3986 does not allow, fragments, user info, the HTTP/2 preface; more than one
 *         empty line before the request line
 *   [400] two lengths (equal ones too), a length that is not digits, a length with
 *         Transfer-Encoding, Transfer-Encoding in HTTP/1.0; no Host in 1.1, two of them, a bad one
 *   [400] chunks: sizes that are not 1 to 8 hex digits, blanks, anything but CRLF, over 4 KiB of
 *         extensions
 *   [413] a body over max_body_bytes
 *   [431] a head or trailers over max_head_bytes or max_fields
 *   [501] a Transfer-Encoding that is not exactly "chunked" (letter case aside), once
 * Targets: origin-form, absolute-form (http, https; its authority is checked, Host too), "*" for
 * OPTIONS, authority-form for CONNECT. Extensions and trailers are checked and dropped. Versions
 * 1.2 to 1.9 are 1.1.
 */
#ifndef SERVER_NET_HTTP_READER_H
#define SERVER_NET_HTTP_READER_H

#include "server/net/http_body.h"
#include "server/net/http_head.h"

enum http_progress {
    HTTP_MORE,   /* all bytes seen, more are needed */
    HTTP_HEAD,   /* once a request: the head is complete; call again */
    HTTP_DONE,   /* so is the body; bytes from `end` on are the next request's */
    HTTP_REFUSED /* see refusal; nothing after this can be read, the connection must close */
};

struct http_reader {
    struct http_reader_limits limits;
    int state;                   /* the reader's own */
    uint32_t pos;                /* next byte of the head to look at */
    uint32_t line;               /* start of the line that is being read */
    uint32_t end;                /* HTTP_DONE: first byte after the request; 0 before */
    struct http_refusal refusal; /* HTTP_REFUSED */
    struct http_body body;
    struct http_head head; /* complete from HTTP_HEAD on */
};

void http_reader_init(struct http_reader *reader, const struct http_reader_limits *limits);

/* bytes[0 .. *len): everything of this request that is held. Chunk framing and an empty line
 * ahead are removed in place and *len shrinks. At most 4 GiB. */
enum http_progress http_reader_run(struct http_reader *reader, char *bytes, size_t *len);

/* Whether a byte of the request itself has been seen (an empty line before it does not count). */
bool http_reader_started(const struct http_reader *reader);

#endif
