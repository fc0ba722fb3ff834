/* What a store needs to know: its section of the configuration, and what its owner adds. */
#ifndef SERVER_STORE_SETTINGS_H
#define SERVER_STORE_SETTINGS_H

#include "server/store/command.h"
#include "server/store/redis_options.h"

struct budget;

struct store_settings {
    /* As configured; without url there is no store, and every call ends with STORE_NONE. Its
     * strings stay until the next store_set(), or as long as the store. */
    struct redis_options redis;
    /* Sent to find out whether a store that failed is back. It should be what calls do, so that
     * whatever refuses them refuses it. Stays as long as the store. */
    const struct store_command *probe;
    struct budget *memory; /* what replies take is charged to it; may be NULL */
    bool quiet;            /* an outage is not logged yet */
};

#endif
