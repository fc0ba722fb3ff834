/*
 * The command line of a program: a table with one row for each option, which says what its value
 * may be and which member of the program's struct it sets. --name VALUE and --name=VALUE are
 * accepted, and so is the beginning of a name that no other has; -h and --help are known to every
 * program, and words may stand between the options.
 */
#ifndef BASE_CLI_H
#define BASE_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

struct options; /* defined by the program: what its options set */

struct cli_option {
    const char *name;  /* without "--"; NULL: a word that is not an option, taken in row order */
    const char *value; /* what the usage calls its value; NULL: it has none */
    /* Reads text (NULL without a value) into *out; ERR_USAGE. */
    int (*read)(const struct cli_option *option, char *text, struct options *out, struct err *err);
    size_t at; /* offset of the member it sets */
    double min, max;
    unsigned commands; /* bits of the subcommands that take it; 0: all */
    const char *help;
};

struct cli {
    const char *usage; /* printed before the options */
    const struct cli_option *options;
    int n_options;
    unsigned command; /* bit of the subcommand in use; 0: the program has none */
};

#define CLI(usage_, options_)                                                                      \
    {                                                                                              \
        .usage = (usage_), .options = (options_),                                                  \
        .n_options = sizeof(options_) / sizeof((options_)[0])                                      \
    }

/* How a row sets its member of struct options: a const char * (FILLED: not ""), a bool, an int or a
 * double. */
#define CLI_TEXT(member_) .read = cli_text, .at = offsetof(struct options, member_)
#define CLI_FILLED(member_) .read = cli_filled, .at = offsetof(struct options, member_)
#define CLI_FLAG(member_) .read = cli_flag, .at = offsetof(struct options, member_)
#define CLI_INT(member_, min_, max_)                                                               \
    .read = cli_int, .at = offsetof(struct options, member_), .min = (min_), .max = (max_)
#define CLI_NUMBER(member_, min_, max_)                                                            \
    .read = cli_number, .at = offsetof(struct options, member_), .min = (min_), .max = (max_)

/* Sets the members of *out, which holds the defaults. Strings point into argv; argv[0] is skipped.
 * Returns 1 when help was requested, whatever follows it; ERR_USAGE names the argument. */
int cli_read(const struct cli *cli, int argc, char **argv, struct options *out,
             struct err *err) MUST_CHECK;
/* The usage, and the options in use, one a line. */
void cli_print(const struct cli *cli, FILE *to);
/* Reports err as "program: text" on stderr; returns the exit status. */
int cli_fail(const char *program, const struct err *err);

/* "--rate many: must be WHAT" (ERR_USAGE). */
int cli_refuse(const struct cli_option *option, const char *text, const char *what,
               struct err *err);
int cli_text(const struct cli_option *option, char *text, struct options *out, struct err *err);
int cli_filled(const struct cli_option *option, char *text, struct options *out, struct err *err);
int cli_flag(const struct cli_option *option, char *text, struct options *out, struct err *err);
int cli_int(const struct cli_option *option, char *text, struct options *out, struct err *err);
int cli_number(const struct cli_option *option, char *text, struct options *out, struct err *err);

#endif
