/* Prints a configuration as a document, and the lines of --help about options. */
#ifndef SERVER_WORLD_CONFIG_PRINT_H
#define SERVER_WORLD_CONFIG_PRINT_H

#include "json/writer.h"
#include "server/world/config.h"

/* The whole configuration as a document, in the order of options.h, without a secret's value. */
void config_print(const struct config *config, struct json_writer *w);

/* The lines of --help about options, with default, bounds and effect. */
void config_help(struct buf *out);

#endif
