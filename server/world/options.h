/* The one table of options: see config.h. Private to server/world and the test that walks it. */
#ifndef SERVER_WORLD_OPTIONS_H
#define SERVER_WORLD_OPTIONS_H

#include <stddef.h>

#include "server/world/config.h"

enum option_type {
    OPTION_INT,    /* int64_t, min..max */
    OPTION_NUMBER, /* double, min..max */
    OPTION_STRING, /* const char *; null where nullable */
    OPTION_PATH,   /* the same, taken from the file's folder */
    OPTION_CHOICE, /* int, index into choices */
    OPTION_SECRET, /* struct secret */
};

struct option {
    const char *section, *name;
    enum option_type type;
    size_t offset;              /* into struct config */
    const char *fallback;       /* default, as JSON text */
    double min, max;            /* INT and NUMBER */
    const char *const *choices; /* CHOICE, NULL-terminated */
    bool nullable;              /* STRING, PATH and SECRET */
    bool restart;               /* false: takes effect with a reload */
    /* STRING: what else its text has to be; no effects, err says what is wrong. NULL: anything but "". */
    int (*check)(const char *text, struct err *err);
    const char
        *alias; /* another name that a configuration may use, of the same section; NULL: none */
    const char *help;
};

extern const struct option options[];
extern const int n_options;

static inline void *option_slot(const struct option *option, struct config *config)
{
    return (char *)config + option->offset;
}

/* Of the table; by its name, or by its alias and then *by_alias. NULL: there is none. */
const struct option *option_find(const char *section, const char *name, bool *by_alias);

/* Writes the option's value as JSON; a secret as its reference. */
void option_print(const struct option *option, const struct config *config, struct json_writer *w);
bool option_equal(const struct option *option, const struct config *a, const struct config *b);

#endif
