/* The routing table: which handler takes which path and method, and what a request must look
 * like for it. */
#ifndef SERVER_NET_ROUTER_H
#define SERVER_NET_ROUTER_H

#include "server/net/http_call.h"
#include "server/net/http_head.h"
typedef void (*http_handle_fn)(struct http_call *call, void *arg);

struct http_route {
    const char *method; /* "GET", which is HEAD's, too; "POST" */
    const char *path;   /* whole path, compared byte by byte */
    http_handle_fn handle;
    void *arg;
    int label; /* what responses at this path are counted as; the same in all its rows */
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
    const char *detail;                 /* NULL: the title suffices */
    int label;                          /* of the path, also where it is refused; 0: no such path */
    char headers[ROUTER_HEADERS_BYTES]; /* Allow or Accept-Encoding, ready for a response */
};

/* Decided by the head alone. HEAD is served wherever GET is (RFC 9110, 9.1). 404: no such path;
 * 405 with Allow: no such method there (OPTIONS too); 415: a body whose Content-Type is present
 * and neither application/json, nor anything that ends in +json, nor
 * application/x-www-form-urlencoded (the default of curl -d), parameters ignored; or
 * whose Content-Encoding is present and not identity. Pure. */
void router_route(const struct router *router, const struct http_head *head, const char *bytes,
                  struct routing *out);

#endif
