/*
 * struct http_client: a small blocking HTTP/1.1 client for bench set-up, tests, the demo and
 * --probe. One connection, TCP or UNIX, kept alive between calls. Every call has a deadline. Not
 * thread-safe.
 */
#ifndef CLIENT_HTTP_CLIENT_H
#define CLIENT_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "client/response.h"

struct http_client {
    char address[128]; /* "127.0.0.1:8080", "[::1]:8080", "unix:/path" */
    int timeout_ms;    /* of each call below */
    int fd;            /* -1: not connected */
    bool reused;       /* a whole answer has come over this connection */
    struct buf in;     /* bytes of the response, and what follows it */
    struct buf out;
    size_t used; /* of `in`: the response handed out last */
};

struct client_response {
    int status;
    bool keep_alive;
    struct view body; /* valid until the next call */
    struct response_reader reader;
    const char *bytes;
};

struct http_request {
    const char *method;  /* NULL: GET */
    const char *target;  /* "/rank" */
    const char *headers; /* more of them, each "Name: value\r\n"; NULL: none */
    /* ptr NULL: none; else application/json, unless headers name a Content-Type. */
    struct view body;
};

/* Takes no connection yet. ERR_USAGE when the address is too long. */
int http_client_init(struct http_client *client, const char *address, int timeout_ms,
                     struct err *err) MUST_CHECK;
void http_client_release(struct http_client *client);

/* A call: connects if need be, once more if a kept connection turns out to be closed before any
 * byte arrived. ERR_UNAVAILABLE: no connection, no whole answer, not in time; ERR_DATA: an answer
 * that is not HTTP. The connection is closed then, and after an answer with Connection: close. */
int http_client_call(struct http_client *client, const struct http_request *request,
                     struct client_response *out, struct err *err) MUST_CHECK;

/* Its steps, for tests that send their own bytes. */
int http_client_connect(struct http_client *client, struct err *err) MUST_CHECK; /* idempotent */
void http_client_close(struct http_client *client);
int http_client_send(struct http_client *client, struct view bytes, struct err *err) MUST_CHECK;
/* One whole response; head_request: it has no body. */
int http_client_receive(struct http_client *client, bool head_request, struct client_response *out,
                        struct err *err) MUST_CHECK;

enum http_client_end {
    HTTP_CLIENT_OPEN,   /* nothing came for that long */
    HTTP_CLIENT_CLOSED, /* orderly, without another byte */
    HTTP_CLIENT_RESET,
    HTTP_CLIENT_MORE, /* bytes came */
};
/* What the server does with the connection. */
enum http_client_end http_client_wait_end(struct http_client *client, int timeout_ms);

/* The text of a request, with Host; appended to out. */
void http_request_write(struct buf *out, const struct http_request *request);
struct view http_response_header(const struct client_response *response, const char *name);

#endif
