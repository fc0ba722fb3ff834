/*
 * Options of any type: set from JSON, printed, compared, copied, released. Private to
 * server/world.
 */
#ifndef SERVER_WORLD_OPTION_VALUE_H
#define SERVER_WORLD_OPTION_VALUE_H

#include <jansson.h>

#include "base/problems.h"
#include "json/writer.h"
#include "server/world/options.h"

/* Adds a problem at `pointer` and leaves the option unchanged when the value does not fit. */
void option_set(const struct config_option *option, struct config *config, const json_t *value,
                const char *pointer, struct problems *problems);

/* Writes the option's value as JSON; a secret as its reference. */
void option_print(const struct config_option *option, const struct config *config,
                  struct json_writer *w);

bool option_equal(const struct config_option *option, const struct config *a,
                  const struct config *b);

/* Copies the value of `from`, strings into the arena of `to`. -1: out of memory. */
int option_copy(const struct config_option *option, struct config *to,
                const struct config *from) MUST_CHECK;

/* Frees what the configuration's arena does not hold: a secret. */
void option_release(const struct config_option *option, struct config *config);

#endif
