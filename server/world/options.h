/*
 * All options of the configuration, in the order in which they are printed: the rows of the rooms'
 * sections, one section after the other. Private to server/world and its tests.
 */
#ifndef SERVER_WORLD_OPTIONS_H
#define SERVER_WORLD_OPTIONS_H

#include "server/world/config.h"

struct config_option {
    const char *section;
    const struct option_row *row;
    size_t offset; /* into struct config */
};

/* The index-th option; false: no more. for (int i = 0; option_at(i, &option); i++) */
bool option_at(int index, struct config_option *out);

/* The index of an option by its name or its alias; -1: none. */
int option_find(const char *section, const char *name, struct config_option *out, bool *by_alias);

bool option_is_section(const char *section);

static inline void *option_slot(const struct config_option *option, struct config *config)
{
    return (char *)config + option->offset;
}

static inline const void *option_value(const struct config_option *option,
                                       const struct config *config)
{
    return (const char *)config + option->offset;
}

#endif
