/* Parses the two forms of a Redis URL. */
#include "base/redis_url.h"

#include <sys/un.h>

#include "base/host_port.h"
#include "base/number.h"

#define DEFAULT_PORT 6379
#define MAX_DB 65535

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

/* Cuts v at the first (or last) c: the part before it goes to *head. false: no c. */
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

static int parse_path(const char *path, struct redis_url *out, struct err *err)
{
    const size_t size = sizeof(((struct sockaddr_un *)0)->sun_path);
    size_t len = strlen(path);

    _Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) <= sizeof(out->host), "a path fits");
    if (path[0] != '/' || len >= size)
        return err_set(err, ERR_USAGE, "the path must be absolute and of at most %zu bytes",
                       size - 1);
    memcpy(out->host, path, len + 1);
    out->is_unix = true;
    return 0;
}

static int parse_address(struct view v, struct redis_url *out)
{
    struct host_port address;

    if (host_port_parse(v, &address) || address.port == 0)
        return -1;
    memcpy(out->host, address.host, sizeof(out->host));
    if (address.port > 0)
        out->port = address.port;
    return 0;
}

int redis_url_parse(const char *text, struct redis_url *out, struct err *err)
{
    struct view v, part;
    int64_t db = 0;

    *out = (struct redis_url){.port = DEFAULT_PORT};
    if (strncmp(text, "unix:", 5) == 0)
        return parse_path(text + 5, out, err);
    if (strncmp(text, "redis://", 8) != 0)
        return err_set(err, ERR_USAGE, "unknown scheme");
    v = view_of(text + 8);
    out->has_login = cut(&v, '@', true, &part);
    if (out->has_login && parse_credentials(part, out))
        return err_set(err, ERR_USAGE, "bad user or password");
    out->has_db = cut(&v, '/', false, &part);
    if (out->has_db) {
        if (v.len && number_int(v, 0, MAX_DB, &db))
            return err_set(err, ERR_USAGE, "bad database");
        v = part;
    }
    out->db = (int)db;
    return parse_address(v, out) ? err_set(err, ERR_USAGE, "bad host or port") : 0;
}
