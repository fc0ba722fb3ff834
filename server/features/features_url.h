/* features.url: "redis://host:port", "redis://[v6]:port" or "unix:/path". Pure. */
#ifndef SERVER_FEATURES_REDIS_URL_H
#define SERVER_FEATURES_REDIS_URL_H

#include <stdbool.h>

#include "base/err.h"

struct redis_url {
    bool is_unix;
    char host[256]; /* a name, an address without brackets, or the socket's path */
    int port;       /* 6379 when not given */
};

int redis_url_parse(const char *url, struct redis_url *out, struct err *err) MUST_CHECK;

#endif
