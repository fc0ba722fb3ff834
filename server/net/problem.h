/*
 * application/problem+json (RFC 9457): the body of every error response.
 *
 *   {"type":"urn:adrank:problem:not_json","title":"...","status":400,"detail":"...",
 *    "code":"not_json","request_id":"...","errors":[{"pointer":"/imp/0/id","detail":"..."}]}
 *
 * `code` is an interface: names do not change. One row each, the status and whether the connection
 * closes included. Nothing here repeats user ids or bodies.
 */
#ifndef SERVER_NET_PROBLEM_H
#define SERVER_NET_PROBLEM_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/problems.h"

/* constant, code, status, closes the connection, Retry-After in seconds (0: none), title */
#define PROBLEMS(X)                                                                                \
    X(BAD_REQUEST, "bad_request", 400, true, 0, "The request is not HTTP/1.1")                     \
    X(BAD_LENGTH, "bad_length", 400, true, 0, "Content-Length is invalid or ambiguous")            \
    X(BAD_HOST, "bad_host", 400, true, 0, "Host is missing, duplicate or malformed")               \
    X(BAD_CHUNK, "bad_chunk", 400, true, 0, "The chunked body is malformed")                       \
    X(NOT_JSON, "not_json", 400, false, 0, "The body is not JSON")                                 \
    X(BAD_QUERY, "bad_query", 400, false, 0, "The query is invalid")                               \
    X(FORBIDDEN, "forbidden", 403, false, 0, "The request was not intended for this address")      \
    X(NOT_FOUND, "not_found", 404, false, 0, "No such path")                                       \
    X(METHOD_NOT_ALLOWED, "method_not_allowed", 405, false, 0, "Method not allowed at this path")  \
    X(REQUEST_TIMEOUT, "request_timeout", 408, true, 0, "The request did not arrive in time")      \
    X(RELOAD_BUSY, "reload_busy", 409, false, 0, "A reload is running")                            \
    X(BODY_TOO_LARGE, "body_too_large", 413, true, 0, "The body is too large")                     \
    X(UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", 415, false, 0, "The body must be JSON")    \
    X(UNSUPPORTED_ENCODING, "unsupported_encoding", 415, false, 0, "The body must not be encoded") \
    X(INVALID_REQUEST, "invalid_request", 422, false, 0, "The request has errors")                 \
    X(RELOAD_INVALID, "reload_invalid", 422, false, 0, "The new configuration has errors")         \
    X(HEAD_TOO_LARGE, "head_too_large", 431, true, 0, "The head of the request is too large")      \
    X(INTERNAL, "internal", 500, false, 0, "Internal error")                                       \
    X(TRANSFER_ENCODING, "transfer_encoding", 501, true, 0, "Only chunked is supported")           \
    X(NOT_READY, "not_ready", 503, false, 1, "Not ready")                                          \
    X(OVERLOADED, "overloaded", 503, false, 1, "Too many requests are waiting")                    \
    X(DEADLINE, "deadline", 503, false, 1, "No answer before the deadline")                        \
    X(TOO_MANY_CONNECTIONS, "too_many_connections", 503, true, 1, "Too many connections")          \
    X(BODY_MEMORY, "body_memory", 503, true, 1, "Too many bodies in memory")                       \
    X(OUT_OF_MEMORY, "out_of_memory", 503, true, 1, "Out of memory")

enum problem_code {
#define X(constant, ...) PROBLEM_##constant,
    PROBLEMS(X)
#undef X
        PROBLEM_CODES
};

struct problem_kind {
    const char *code;
    int status;
    bool closes;
    int retry_after_s;
    const char *title;
};

extern const struct problem_kind problem_kinds[PROBLEM_CODES];

/* Why a request cannot be read any further. */
struct http_refusal {
    enum problem_code problem; /* status and code; one that closes the connection */
    const char *detail;        /* one static sentence */
};

/* Returns -1, so that "return http_refuse(...)" reads well. */
static inline int http_refuse(struct http_refusal *refusal, enum problem_code problem,
                              const char *detail)
{
    *refusal = (struct http_refusal){problem, detail};
    return -1;
}

/* The body. detail and errors may be NULL; errors->n of them are written; if more were
 * dropped, the detail has their number. */
void problem_write(struct buf *out, enum problem_code code, const char *request_id,
                   const char *detail, const struct problems *errors);

#endif
