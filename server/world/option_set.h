/* A JSON value into an option, checked against its row. Private to server/world. */
#ifndef SERVER_WORLD_OPTION_SET_H
#define SERVER_WORLD_OPTION_SET_H

#include <jansson.h>

#include "server/world/options.h"

/* Adds a problem at `pointer` and leaves the slot alone when the value does not fit. */
void option_set(const struct option *option, struct config *config, const json_t *value,
                const char *pointer, struct problems *problems);

/* The same value in another configuration's slot, strings copied into its arena. -1: out of memory. */
int option_copy(const struct option *option, struct config *to,
                const struct config *from) MUST_CHECK;

/* Frees what the configuration's arena does not hold: a secret. */
void option_release(const struct option *option, struct config *config);

#endif
