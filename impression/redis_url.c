#include "tools/history/redis_url.h"

#include <stdio.h>

#include "base/number.h"

#define DEFAULT_PORT 6379
#define MAX_DB 65535

static int bad(struct err *err, const char *what)
{
    return err_set(err, ERR_USAGE,
                   "--redis: %s; want redis://[user[:password]@]host[:port][/db] or unix:/path",
                   what);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int decode(struct view v, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < v.len; i++) {
        char c = v.ptr[i];

        if (c == '%') {
            if (i + 2 >= v.len || hex(v.ptr[i + 1]) < 0 || hex(v.ptr[i + 2]) < 0)
                return -1;
            c = (char)(hex(v.ptr[i + 1]) << 4 | hex(v.ptr[i + 2]));
            i += 2;
        }
        if (c == 0 || n + 1 >= size)
            return -1;
        out[n++] = c;
    }
    out[n] = 0;
    return 0;
}

static int copy(struct view v, char *out, size_t size)
{
    if (v.len == 0 || v.len >= size)
        return -1;
    memcpy(out, v.ptr, v.len);
    out[v.len] = 0;
    return 0;
}

/* Cuts v at the first (or last) c: what stands before it goes to *head. false: no c. */
static bool cut(struct view *v, char c, bool last, struct view *head)
{
    const char *at = v->len == 0 ? NULL
                     : last      ? memrchr(v->ptr, c, v->len)
                                 : memchr(v->ptr, c, v->len);

    if (!at)
        return false;
    *head = (struct view){v->ptr, (size_t)(at - v->ptr)};
    *v = (struct view){at + 1, v->len - head->len - 1};
    return true;
}

static int parse_credentials(struct view v, struct redis_url *out)
{
    struct view user;

    if (!cut(&v, ':', false, &user))
        return decode(v, out->user, sizeof(out->user));
    if (decode(user, out->user, sizeof(out->user)))
        return -1;
    return decode(v, out->password, sizeof(out->password));
}

static int parse_address(struct view v, struct redis_url *out)
{
    struct view host = v, port = {0};
    int64_t number = DEFAULT_PORT;

    if (v.len && v.ptr[0] == '[') {
        const char *close = memchr(v.ptr, ']', v.len);

        if (!close)
            return -1;
        host = (struct view){v.ptr + 1, (size_t)(close - v.ptr - 1)};
        port = (struct view){close + 1, (size_t)(v.ptr + v.len - close - 1)};
        if (port.len && (*port.ptr != ':' || port.len == 1))
            return -1;
        if (port.len)
            port = (struct view){port.ptr + 1, port.len - 1};
    } else if (cut(&v, ':', true, &host)) {
        port = v;
        if (port.len == 0)
            return -1;
    }
    if (port.len && number_int(port, 1, 65535, &number))
        return -1;
    out->port = (int)number;
    return copy(host, out->host, sizeof(out->host));
}

int redis_url_parse(const char *text, struct redis_url *out, struct err *err)
{
    struct view v = view_of(text), part;
    int64_t db = 0;

    *out = (struct redis_url){.port = DEFAULT_PORT};
    if (strncmp(text, "unix:", 5) == 0) {
        out->is_unix = true;
        if (text[5] != '/' || copy(view_of(text + 5), out->host, sizeof(out->host)))
            return bad(err, "bad path");
        return 0;
    }
    if (strncmp(text, "redis://", 8) != 0)
        return bad(err, "unknown scheme");
    v = view_of(text + 8);
    if (cut(&v, '@', true, &part) && parse_credentials(part, out))
        return bad(err, "bad user or password");
    if (cut(&v, '/', false, &part)) {
        if (v.len && number_int(v, 0, MAX_DB, &db))
            return bad(err, "bad database");
        v = part;
    }
    out->db = (int)db;
    return parse_address(v, out) ? bad(err, "bad host or port") : 0;
}
