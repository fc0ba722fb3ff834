/* Section "features": the Redis that stored behaviour is read from. */
#ifndef SERVER_STORE_REDIS_OPTIONS_H
#define SERVER_STORE_REDIS_OPTIONS_H

#include "base/option.h"
#include "base/redis_url.h"

#define STORE_MAX_IN_FLIGHT 65536 /* bound of max_in_flight, which counts calls */

struct redis_options {
    const char *url; /* NULL: no store */
    const char *user;
    struct secret password;
    int64_t database, timeout_ms, connect_ms, max_in_flight;
};

extern const struct option_section redis_section;

/* features.url: "redis://host[:port]" or "unix:/path". Pure. User, password and database are
 * options of their own, so that none of them can get into the log. ERR_CONFIG; err repeats nothing
 * of the URL. */
int redis_options_url(const char *text, struct redis_url *out, struct err *err) MUST_CHECK;

#endif
