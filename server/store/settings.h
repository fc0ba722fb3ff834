/* What a store needs to know: its section of the configuration, and what its owner adds. */
#ifndef SERVER_STORE_SETTINGS_H
#define SERVER_STORE_SETTINGS_H

#include "server/store/command.h"
#include "server/store/redis_options.h"

struct budget;

struct store_settings {
    struct redis_options redis; /* without url there is no store: every call ends with STORE_NONE */
    /* Sent to find out whether a store that failed is back. It should be what calls do, so that
     * whatever refuses them refuses it. Stays as long as the store. */
    const struct store_command *probe;
    struct budget *memory; /* what replies take is charged to it; may be NULL */
    bool quiet;            /* an outage is not logged yet */
};

/* Copies settings; *strings, a secret, is the new owner's and holds the bytes of url, user and
 * password. Nothing is known of where the password came from. */
int store_settings_copy(const struct store_settings *from, struct store_settings *to,
                        struct view *strings, struct err *err) MUST_CHECK;
/* Whether a connection made with one serves for the other. */
bool store_settings_same_server(const struct store_settings *a, const struct store_settings *b);

#endif
