/* Matches path and method, and checks the media type. */
#include "server/net/router.h"

#include <stdio.h>

#include "server/net/http_grammar.h"

/* "application/vnd.x+json" */
static bool ends_in_json(struct view type)
{
    const char *slash = type.len ? memchr(type.ptr, '/', type.len) : NULL;
    const size_t len = strlen("+json");

    if (!slash || slash == type.ptr || type.len < (size_t)(slash - type.ptr) + 2 + len)
        return false;
    return view_is_nocase((struct view){type.ptr + type.len - len, len}, "+json");
}

static bool is_json(struct view content_type)
{
    struct view parameters;
    const struct view type = view_trim(view_cut(content_type, ';', &parameters));

    return view_is_nocase(type, "application/json") || ends_in_json(type) ||
           view_is_nocase(type, "application/x-www-form-urlencoded");
}

/* "Allow: GET, HEAD, POST\r\n" of the routes that have this path; whether there are any. */
static bool write_allow(const struct router *router, struct view path, struct routing *out)
{
    int len = 0;

    for (int i = 0; i < router->n; i++) {
        const struct http_route *route = &router->routes[i];

        if (!view_is(path, route->path) || len < 0 || len >= ROUTER_HEADERS_BYTES)
            continue;
        out->label = route->label;
        len += snprintf(out->headers + len, ROUTER_HEADERS_BYTES - (size_t)len, "%s%s%s",
                        len ? ", " : "Allow: ", route->method,
                        strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
    }
    if (len > 0 && len < ROUTER_HEADERS_BYTES - 2)
        memcpy(out->headers + len, "\r\n", 3);
    else
        out->headers[0] = 0;
    return len > 0;
}

static const struct http_route *find(const struct router *router, struct view method,
                                     struct view path)
{
    if (view_is(method, "HEAD"))
        method = VIEW_LIT("GET");
    for (int i = 0; i < router->n; i++)
        if (view_is(path, router->routes[i].path) && view_is(method, router->routes[i].method))
            return &router->routes[i];
    return NULL;
}

void router_route(const struct router *router, const struct http_head *head, const char *bytes,
                  struct routing *out)
{
    struct view method = http_span_view(head->method, bytes);
    struct view path = http_span_view(head->path, bytes);
    struct view type = http_head_find(head, bytes, "content-type");
    struct view encoding = http_head_find(head, bytes, "content-encoding");
    const struct http_route *route = find(router, method, path);
    bool has_body = head->chunked || head->length > 0;

    out->route = NULL;
    out->detail = NULL;
    out->headers[0] = 0;
    out->label = route ? route->label : 0;
    if (!route) {
        out->problem =
            write_allow(router, path, out) ? PROBLEM_METHOD_NOT_ALLOWED : PROBLEM_NOT_FOUND;
    } else if (has_body && encoding.ptr && !view_is_nocase(encoding, "identity")) {
        out->problem = PROBLEM_UNSUPPORTED_ENCODING;
        snprintf(out->headers, sizeof(out->headers), "Accept-Encoding: identity\r\n");
    } else if (has_body && type.ptr && !is_json(type)) {
        out->problem = PROBLEM_UNSUPPORTED_MEDIA_TYPE;
        out->detail = "send Content-Type: application/json, another that ends in +json, or none";
    } else {
        out->route = route;
    }
}
