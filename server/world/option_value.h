/* Values of options, whatever their type: printed, compared, copied, released. Private to server/world. */
#ifndef SERVER_WORLD_OPTION_VALUE_H
#define SERVER_WORLD_OPTION_VALUE_H

#include "server/world/options.h"
#include "json/writer.h"

/* Writes the option's value as JSON; a secret as its reference. */
void option_print(const struct config_option *option, const struct config *config,
                  struct json_writer *w);

bool option_equal(const struct config_option *option, const struct config *a,
                  const struct config *b);

/* The value of `from` in the slot of `to`, whose arena owns the copies of strings. -1: out of memory. */
int option_copy(const struct config_option *option, struct config *to,
                const struct config *from) MUST_CHECK;

/* Frees what the configuration's arena does not hold: a secret. */
void option_release(const struct config_option *option, struct config *config);

#endif
