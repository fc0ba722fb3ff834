/* Section "features": the Redis that stored behaviour is read from. */
#ifndef SERVER_STORE_REDIS_OPTIONS_H
#define SERVER_STORE_REDIS_OPTIONS_H

#include "base/option.h"

#define STORE_MAX_IN_FLIGHT 65536 /* bound of max_in_flight, which counts calls */

struct redis_options {
    const char *url; /* NULL: no store */
    const char *user;
    struct secret password;
    int64_t database, timeout_ms, connect_ms, max_in_flight;
};

extern const struct option_section redis_section;

#endif
