/* Sets an option from a JSON value, checked against its row. Private to server/world. */
#ifndef SERVER_WORLD_OPTION_SET_H
#define SERVER_WORLD_OPTION_SET_H

#include <jansson.h>

#include "base/problems.h"
#include "server/world/options.h"

/* Adds a problem at `pointer` and leaves the option unchanged when the value does not fit. */
void option_set(const struct config_option *option, struct config *config, const json_t *value,
                const char *pointer, struct problems *problems);

#endif
