/*
 * Rows of the configuration's options. A module declares its section in one file,
 * NAME_options.[ch]: a struct of values, and beside it one row for each member with type, bounds,
 * default and help. server/world/config.h embeds the structs, and everything that handles options
 * (parser, --set, --help, --print-config, the reload's diff) walks the rows.
 *
 * To add an option: one member of a section's struct and one row in the same file, and a line in
 * config/adrankd.json and in CONTRACT. To add a section: its file, a member of struct config and a
 * line in server/world/options.c.
 */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

enum option_type {
    OPTION_INT,    /* int64_t, min..max */
    OPTION_NUMBER, /* double, min..max */
    OPTION_STRING, /* const char *; NULL for null */
    OPTION_PATH,   /* the same, relative to the folder of the configuration file */
    OPTION_CHOICE, /* int, index into choices */
    OPTION_SECRET, /* struct secret */
};

struct option_row {
    const char *name;
    enum option_type type;
    size_t offset;              /* into the section's struct */
    const char *fallback;       /* default, as JSON text */
    double min, max;            /* INT and NUMBER */
    const char *const *choices; /* CHOICE, NULL-terminated */
    bool nullable;              /* STRING, PATH and SECRET */
    bool restart;               /* needs a restart; false: takes effect with a reload */
    /* STRING: checks the text further; has no effects, err says what is wrong. NULL: anything
     * but "". */
    int (*check)(const char *text, struct err *err);
    const char *alias; /* alternative name accepted in a configuration; NULL: none */
    const char *help;
};

struct option_section {
    const char *name;
    const struct option_row *rows; /* (n_rows) in print order */
    int n_rows;
};

/* {"$file": path} or {"$env": NAME}: the source may be printed, the value may not. */
struct secret {
    const char *source; /* JSON text of the reference, "null" when none */
    const char *file;   /* the path it was read from; NULL: none, or from a variable */
    struct view value; /* empty when none; allocated by base/secret.h, owned by the configuration */
};

/* The first members of a row; the member of the section's struct must have the option's type. */
#define OPTION_ROW(section_, member_, option_type_, c_type_)                                       \
    .name = #member_, .type = option_type_,                                                        \
    .offset = _Generic(&((struct section_ *)0)->member_, c_type_ *                                 \
                       : offsetof(struct section_, member_))
#define OPTION_ROW_INT(section_, member_, min_, max_)                                              \
    OPTION_ROW(section_, member_, OPTION_INT, int64_t), .min = (min_), .max = (max_)
#define OPTION_ROW_SHARE(section_, member_)                                                        \
    OPTION_ROW(section_, member_, OPTION_NUMBER, double), .min = 0, .max = 1
#define OPTION_ROW_STRING(section_, member_)                                                       \
    OPTION_ROW(section_, member_, OPTION_STRING, const char *)
#define OPTION_ROW_PATH(section_, member_) OPTION_ROW(section_, member_, OPTION_PATH, const char *)
#define OPTION_ROW_CHOICE(section_, member_, choices_)                                             \
    OPTION_ROW(section_, member_, OPTION_CHOICE, int), .choices = (choices_)
#define OPTION_ROW_SECRET(section_, member_)                                                       \
    OPTION_ROW(section_, member_, OPTION_SECRET, struct secret), .nullable = true

#define OPTION_SECTION(name_, rows_)                                                               \
    {                                                                                              \
        .name = (name_), .rows = (rows_), .n_rows = sizeof(rows_) / sizeof((rows_)[0])             \
    }

/* Bounds that many rows share. */
#define OPTION_MINUTE_MS 60000
#define OPTION_GIB 1073741824.0

#endif
