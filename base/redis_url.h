/* The address of the Redis server with the behaviour: "redis://[user[:password]@]host[:port][/db]"
 * or "unix:/path". Pure. %XX is decoded in user and password. */
#ifndef BASE_REDIS_URL_H
#define BASE_REDIS_URL_H

#include <stdbool.h>

#include "base/err.h"

struct redis_url {
    bool is_unix;
    char host[256];                /* a name, an address without brackets, or the socket's path */
    int port;                      /* 6379 when not given */
    bool has_login, has_db;        /* given, even if empty */
    char user[128], password[256]; /* "" when not given */
    int db;
};

/* ERR_USAGE; err reports the problem and never quotes the URL, which may hold a password. */
int redis_url_parse(const char *text, struct redis_url *out, struct err *err) MUST_CHECK;

#endif
