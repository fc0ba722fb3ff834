#include "server/features/redis_url.h"

#include "base/number.h"

#define FORMS "must be redis://host:port or unix:/path"

static int copy_host(struct view host, struct redis_url *out, struct err *err)
{
    if (host.len == 0 || host.len >= sizeof(out->host))
        return err_set(err, ERR_CONFIG, FORMS);
    memcpy(out->host, host.ptr, host.len);
    out->host[host.len] = '\0';
    return 0;
}

/* host, host:port, [v6], [v6]:port */
static int split_port(struct view rest, struct view *host, struct view *port)
{
    const char *end = rest.ptr + rest.len, *colon;

    *port = (struct view){0};
    if (rest.len && rest.ptr[0] == '[') {
        const char *close = memchr(rest.ptr, ']', rest.len);

        if (!close)
            return -1;
        *host = (struct view){rest.ptr + 1, (size_t)(close - rest.ptr) - 1};
        if (close + 1 == end)
            return 0;
        if (close[1] != ':')
            return -1;
        *port = (struct view){close + 2, (size_t)(end - close) - 2};
        return port->len ? 0 : -1;
    }
    colon = memchr(rest.ptr, ':', rest.len);
    *host = (struct view){rest.ptr, colon ? (size_t)(colon - rest.ptr) : rest.len};
    if (!colon)
        return 0;
    *port = (struct view){colon + 1, (size_t)(end - colon) - 1};
    return port->len ? 0 : -1;
}

int redis_url_parse(const char *url, struct redis_url *out, struct err *err)
{
    struct view rest = view_of(url), host, port;
    int64_t number = 6379;

    *out = (struct redis_url){0};
    if (strncmp(url, "unix:", 5) == 0) {
        out->is_unix = true;
        if (url[5] != '/' || rest.len - 5 >= 108) /* sun_path */
            return err_set(err, ERR_CONFIG, "unix: wants an absolute path of at most 107 bytes");
        return copy_host((struct view){url + 5, rest.len - 5}, out, err);
    }
    if (strncmp(url, "redis://", 8) != 0)
        return err_set(err, ERR_CONFIG, FORMS);
    rest = (struct view){url + 8, rest.len - 8};
    if (memchr(rest.ptr, '@', rest.len) || memchr(rest.ptr, '/', rest.len))
        return err_set(err, ERR_CONFIG,
                       FORMS "; user, password and database are options of their own");
    if (split_port(rest, &host, &port) || (port.len && number_int(port, 1, 65535, &number)))
        return err_set(err, ERR_CONFIG, FORMS);
    out->port = (int)number;
    return copy_host(host, out, err);
}
