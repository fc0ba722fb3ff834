/*
 * struct http_client: a small blocking HTTP/1.1 client for bench set-up, tests, the demo and --probe. One
 * connection, TCP or UNIX, kept alive between calls. Every call has a deadline. Not thread-safe.
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
    struct buf in;     /* bytes of the response, and what came behind it */
    struct buf out;
    size_t used; /* of `in`: the response handed out last */
};

struct http_response {
    int status;
    bool keep_alive;
    struct view body; /* these two until the next call */
    const struct response_reader *head;
    struct response_reader reader;
    const char *bytes;
};

/* Takes no connection yet. */
int http_client_init(struct http_client *client, const char *address, int timeout_ms,
                     struct err *err) MUST_CHECK;
void http_client_release(struct http_client *client);

/* Idempotent. */
int http_client_connect(struct http_client *client, struct err *err) MUST_CHECK;
void http_client_close(struct http_client *client);

/* The two halves, for tests that want their own bytes on the wire. receive: a whole response. */
int http_client_send(struct http_client *client, struct view bytes, struct err *err) MUST_CHECK;
int http_client_receive(struct http_client *client, bool head_request, struct http_response *out,
                        struct err *err) MUST_CHECK;
/* 1: the server closed and nothing more came; 0: it is open (nothing came for timeout_ms); -1: bytes came or it
 * was reset. */
int http_client_closed(struct http_client *client, int timeout_ms);

/* A call: connects if need be, once more if a kept connection turns out closed. body NULL ptr: none is sent.
 * headers: more of them, each "Name: value\r\n", or NULL. */
int http_client_call(struct http_client *client, const char *method, const char *target,
                     const char *headers, struct view body, struct http_response *out,
                     struct err *err) MUST_CHECK;

struct view http_response_header(const struct http_response *response, const char *name);

/* A non-blocking socket that is connecting to address (poll for writing, then SO_ERROR): for loops. -1 and err
 * when it is no address or refused at once. */
int http_client_dial(const char *address, struct err *err) MUST_CHECK;

#endif
