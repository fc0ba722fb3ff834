/* The routing table: which handler takes which path and method, and what a request must look like for it. */
#ifndef SERVER_NET_ROUTER_H
#define SERVER_NET_ROUTER_H

#include "server/net/exchange.h"
#include "server/net/http_reader.h"

typedef void (*http_handle_fn)(struct exchange *x, void *arg);

struct http_route {
    const char *method; /* "GET", "POST" */
    const char *path;   /* whole path, compared byte by byte */
    http_handle_fn handle;
    void *arg;
};

/* Immutable, shared by threads; the rows are the caller's and outlive it. */
struct router {
    const struct http_route *routes;
    int n;
};

#define ROUTER_HEADERS_BYTES 256

struct routing {
    const struct http_route *route;     /* NULL: refused */
    enum problem_code problem;          /* 404, 405, 415 */
    char headers[ROUTER_HEADERS_BYTES]; /* Allow or Accept-Encoding, ready for an answer */
};

/* Decided by the head alone. 404: no such path; 405 with Allow: no such method there (HEAD and OPTIONS
 * too); 415: a body whose Content-Type is present and not application/json (parameters are ignored), or whose
 * Content-Encoding is present and not identity. Pure. */
void router_route(const struct router *router, const struct http_reader *head, const char *bytes,
                  struct routing *out);

#endif
