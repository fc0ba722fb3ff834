/* features.url: "redis://host[:port]" or "unix:/path". Pure. User, password and database are
 * settings of their own, so that none of them can get into the log. */
#ifndef SERVER_STORE_STORE_URL_H
#define SERVER_STORE_STORE_URL_H

#include "base/redis_url.h"

/* ERR_CONFIG; err repeats nothing of the URL. */
int store_url_parse(const char *url, struct redis_url *out, struct err *err) MUST_CHECK;

#endif
