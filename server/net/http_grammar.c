/* Character classes, and the rules built from them. */
#include "server/net/http_grammar.h"

#include <strings.h>

#define ALPHA (HTTP_TOKEN | HTTP_TEXT | HTTP_TARGET | HTTP_HOST)
#define SUB_DELIM (HTTP_TEXT | HTTP_TARGET | HTTP_HOST)

const uint8_t http_classes[256] = {
    ['\t'] = HTTP_TEXT,
    [' '] = HTTP_TEXT,
    ['!'] = ALPHA,
    ['"'] = HTTP_TEXT,
    ['#'] = HTTP_TOKEN | HTTP_TEXT,
    ['$' ... '\''] = ALPHA,
    ['(' ... ')'] = SUB_DELIM,
    ['*' ... '+'] = ALPHA,
    [','] = SUB_DELIM,
    ['-' ... '.'] = ALPHA,
    ['/'] = HTTP_TEXT | HTTP_TARGET,
    ['0' ... '9'] = ALPHA | HTTP_HEX,
    [':'] = HTTP_TEXT | HTTP_TARGET,
    [';'] = SUB_DELIM,
    ['<'] = HTTP_TEXT,
    ['='] = SUB_DELIM,
    ['>'] = HTTP_TEXT,
    ['?' ... '@'] = HTTP_TEXT | HTTP_TARGET,
    ['A' ... 'F'] = ALPHA | HTTP_HEX,
    ['G' ... 'Z'] = ALPHA,
    ['[' ... ']'] = HTTP_TEXT,
    ['^'] = HTTP_TOKEN | HTTP_TEXT,
    ['_'] = ALPHA,
    ['`'] = HTTP_TOKEN | HTTP_TEXT,
    ['a' ... 'f'] = ALPHA | HTTP_HEX,
    ['g' ... 'z'] = ALPHA,
    ['{'] = HTTP_TEXT,
    ['|'] = HTTP_TOKEN | HTTP_TEXT,
    ['}'] = HTTP_TEXT,
    ['~'] = ALPHA,
    [0x80 ... 0xff] = HTTP_TEXT,
};

bool http_is_token(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (!http_is(v.ptr[i], HTTP_TOKEN))
            return false;
    return v.len > 0;
}

/* All bytes of that class, every "%" before two hex digits. */
static bool is_uri_text(struct view v, unsigned class)
{
    for (size_t i = 0; i < v.len; i++) {
        if (!http_is(v.ptr[i], class))
            return false;
        if (v.ptr[i] != '%')
            continue;
        if (v.len - i < 3 || !http_is(v.ptr[i + 1], HTTP_HEX) || !http_is(v.ptr[i + 2], HTTP_HEX))
            return false;
        i += 2;
    }
    return true;
}

/* The text between the brackets; whether it is an address is left to the resolver. */
static bool is_ip_literal(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (!http_is(v.ptr[i], HTTP_HEX) && v.ptr[i] != ':' && v.ptr[i] != '.')
            return false;
    return v.len >= 2;
}

static bool is_port(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.ptr[i] < '0' || v.ptr[i] > '9')
            return false;
    return v.len <= 5;
}

bool http_is_authority(struct view v, bool need_port)
{
    struct view host = v, port = {"", 0};
    const char *colon = NULL;

    if (v.len > 0 && v.ptr[0] == '[') {
        const char *close = memchr(v.ptr, ']', v.len);

        if (!close || !is_ip_literal((struct view){v.ptr + 1, (size_t)(close - v.ptr) - 1}))
            return false;
        host.len = (size_t)(close - v.ptr) + 1;
        if (host.len < v.len && v.ptr[host.len] != ':')
            return false;
        colon = host.len < v.len ? close + 1 : NULL;
    } else if (v.len > 0) {
        colon = memchr(v.ptr, ':', v.len);
        if (colon)
            host.len = (size_t)(colon - v.ptr);
        if (!is_uri_text(host, HTTP_HOST))
            return false;
    }
    if (colon)
        port = (struct view){colon + 1, v.len - host.len - 1};
    return is_port(port) && (!need_port || (port.len > 0 && host.len > 0));
}

bool http_list_next(struct view *rest, struct view *element)
{
    if (!rest->ptr)
        return false;
    *element = view_trim(view_cut(*rest, ',', rest));
    return true;
}

/* path-abempty [ "?" query ] */
static bool parse_path(struct view v, struct http_target *out)
{
    out->path = view_cut(v, '?', &out->query);
    if (!out->query.ptr)
        out->query = (struct view){v.ptr + v.len, 0};
    return is_uri_text(v, HTTP_TARGET);
}

static bool parse_absolute(struct view v, struct http_target *out)
{
    size_t skip, end;
    struct view authority;

    if (v.len >= 7 && strncasecmp(v.ptr, "http://", 7) == 0)
        skip = 7;
    else if (v.len >= 8 && strncasecmp(v.ptr, "https://", 8) == 0)
        skip = 8;
    else
        return false;
    for (end = skip; end < v.len && v.ptr[end] != '/' && v.ptr[end] != '?'; end++)
        ;
    authority = (struct view){v.ptr + skip, end - skip};
    if (authority.len == 0 || authority.ptr[0] == ':' || !http_is_authority(authority, false))
        return false;
    out->authority = authority;
    return parse_path((struct view){v.ptr + end, v.len - end}, out);
}

bool http_target_parse(struct view method, struct view target, struct http_target *out)
{
    out->authority = (struct view){target.ptr, 0};
    if (view_is(method, "CONNECT")) {
        out->path = out->query = (struct view){target.ptr, 0};
        return http_is_authority(target, true);
    }
    if (target.len == 0)
        return false;
    if (target.ptr[0] == '/')
        return parse_path(target, out);
    if (view_is(target, "*")) {
        out->path = target;
        out->query = (struct view){target.ptr + 1, 0};
        return view_is(method, "OPTIONS");
    }
    return parse_absolute(target, out);
}
