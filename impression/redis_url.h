/* --redis: "redis://[user[:password]@]host[:port][/db]" or "unix:/path". Pure. %XX is decoded in user and
 * password. (The daemon takes these as options of their own, so that none of them can get into its log.) */
#ifndef TOOLS_HISTORY_REDIS_URL_H
#define TOOLS_HISTORY_REDIS_URL_H

#include <stdbool.h>

#include "base/err.h"

struct redis_url {
    bool is_unix;
    char host[256];                /* a name, an address without brackets, or the socket's path */
    int port;                      /* 6379 when not given */
    char user[128], password[256]; /* "" when not given */
    int db;
};

/* ERR_USAGE; err repeats nothing of the URL, which may hold a password. */
int redis_url_parse(const char *text, struct redis_url *out, struct err *err) MUST_CHECK;

#endif
