#include "server/net/router.h"

#include <stdio.h>

#include "server/net/http_grammar.h"

static bool is_json(struct view content_type)
{
    const char *semicolon =
        content_type.len ? memchr(content_type.ptr, ';', content_type.len) : NULL;

    if (semicolon)
        content_type.len = (size_t)(semicolon - content_type.ptr);
    return view_is_nocase(http_trim(content_type), "application/json");
}

/* "Allow: GET, POST\r\n" of the routes that have this path; whether there are any. */
static bool write_allow(const struct router *router, struct view path, char *out)
{
    int len = 0;

    for (int i = 0; i < router->n; i++)
        if (view_is(path, router->routes[i].path) && len >= 0 && len < ROUTER_HEADERS_BYTES)
            len += snprintf(out + len, ROUTER_HEADERS_BYTES - (size_t)len, "%s%s",
                            len ? ", " : "Allow: ", router->routes[i].method);
    if (len > 0 && len < ROUTER_HEADERS_BYTES - 2)
        memcpy(out + len, "\r\n", 3);
    else
        out[0] = 0;
    return len > 0;
}

static const struct http_route *find(const struct router *router, struct view method,
                                     struct view path)
{
    for (int i = 0; i < router->n; i++)
        if (view_is(path, router->routes[i].path) && view_is(method, router->routes[i].method))
            return &router->routes[i];
    return NULL;
}

void router_route(const struct router *router, const struct http_reader *head, const char *bytes,
                  struct routing *out)
{
    struct view method = http_span_view(head->method, bytes);
    struct view path = http_span_view(head->path, bytes);
    struct view type = http_reader_field(head, bytes, "content-type");
    struct view encoding = http_reader_field(head, bytes, "content-encoding");
    const struct http_route *route = find(router, method, path);
    bool has_body = head->chunked || head->length > 0;

    out->route = NULL;
    out->headers[0] = 0;
    if (!route) {
        out->problem = write_allow(router, path, out->headers) ? PROBLEM_METHOD_NOT_ALLOWED
                                                               : PROBLEM_NOT_FOUND;
    } else if (has_body && encoding.ptr && !view_is_nocase(encoding, "identity")) {
        out->problem = PROBLEM_UNSUPPORTED_ENCODING;
        snprintf(out->headers, sizeof(out->headers), "Accept-Encoding: identity\r\n");
    } else if (has_body && type.ptr && !is_json(type)) {
        out->problem = PROBLEM_UNSUPPORTED_MEDIA_TYPE;
    } else {
        out->route = route;
    }
}
