/* Reads a command line by its table, with getopt_long. */
#include "base/cli.h"

#include <getopt.h>

#include "base/bug.h"
#include "base/number.h"

#define MAX_OPTIONS 48
#define HELP_COLUMN 26
#define LONG_HELP 256 /* what getopt returns for --help; for the n-th option, n more */

static void *member(const struct cli_option *option, struct options *out)
{
    return (char *)out + option->at;
}

int cli_refuse(const struct cli_option *option, const char *text, const char *what, struct err *err)
{
    return err_set(err, ERR_USAGE, "--%s %s: must be %s", option->name, text, what);
}

int cli_text(const struct cli_option *option, char *text, struct options *out, struct err *err)
{
    (void)err;
    *(const char **)member(option, out) = text;
    return 0;
}

int cli_filled(const struct cli_option *option, char *text, struct options *out, struct err *err)
{
    if (!*text)
        return err_set(err, ERR_USAGE, "--%s: must not be empty", option->name);
    return cli_text(option, text, out, err);
}

int cli_flag(const struct cli_option *option, char *text, struct options *out, struct err *err)
{
    (void)text, (void)err;
    *(bool *)member(option, out) = true;
    return 0;
}

int cli_int(const struct cli_option *option, char *text, struct options *out, struct err *err)
{
    int64_t v;

    if (number_int(view_of(text), (int64_t)option->min, (int64_t)option->max, &v))
        return err_set(err, ERR_USAGE, "--%s %s: must be an integer from %.0f to %.0f",
                       option->name, text, option->min, option->max);
    *(int *)member(option, out) = (int)v;
    return 0;
}

int cli_number(const struct cli_option *option, char *text, struct options *out, struct err *err)
{
    if (number_double(view_of(text), option->min, option->max, member(option, out)))
        return err_set(err, ERR_USAGE, "--%s %s: must be a number from %.9g to %.9g", option->name,
                       text, option->min, option->max);
    return 0;
}

/* Whether the row is in use, as an option or as a word. */
static bool in_use(const struct cli *cli, const struct cli_option *option, bool word)
{
    return !option->name == word && (!option->commands || option->commands & cli->command);
}

static int read_words(const struct cli *cli, char **words, struct options *out, struct err *err)
{
    for (int i = 0; i < cli->n_options && *words; i++)
        if (in_use(cli, &cli->options[i], true) &&
            cli->options[i].read(&cli->options[i], *words++, out, err))
            return -1;
    return *words ? err_set(err, ERR_USAGE, "%s: no such argument", *words) : 0;
}

int cli_read(const struct cli *cli, int argc, char **argv, struct options *out, struct err *err)
{
    struct option known[MAX_OPTIONS + 2] = {{"help", no_argument, NULL, LONG_HELP}};
    const struct cli_option *options[MAX_OPTIONS + 1] = {NULL};
    int n = 1, c;

    BUG_ON(cli->n_options > MAX_OPTIONS);
    for (int i = 0; i < cli->n_options; i++)
        if (in_use(cli, &cli->options[i], false)) {
            options[n] = &cli->options[i];
            known[n].name = options[n]->name;
            known[n].has_arg = options[n]->value ? required_argument : no_argument;
            known[n].val = LONG_HELP + n; /* distinct, or getopt accepts what is ambiguous */
            n++;
        }
    optind = 0; /* starts afresh */
    opterr = 0; /* getopt would print the argument unescaped */
    while ((c = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
        if (c == 'h' || c == LONG_HELP)
            return 1;
        if (c == ':')
            return err_set(err, ERR_USAGE, "%s: needs a value", argv[optind - 1]);
        if (c == '?' && optopt >= LONG_HELP)
            return err_set(err, ERR_USAGE, "%s: takes no value", argv[optind - 1]);
        if (c == '?' && optopt)
            return err_set(err, ERR_USAGE, "-%c: unknown option, see --help", optopt);
        if (c == '?')
            return err_set(err, ERR_USAGE, "%s: unknown option, see --help", argv[optind - 1]);
        if (options[c - LONG_HELP]->read(options[c - LONG_HELP], optarg, out, err))
            return -1;
    }
    return read_words(cli, argv + optind, out, err);
}

void cli_print(const struct cli *cli, FILE *to)
{
    fputs(cli->usage, to);
    for (int i = 0; i < cli->n_options; i++) {
        const struct cli_option *option = &cli->options[i];
        int n;

        if (!in_use(cli, option, false))
            continue;
        n = fprintf(to, "  --%s %s", option->name, option->value ? option->value : "");
        fprintf(to, "%*s%s\n", n < HELP_COLUMN ? HELP_COLUMN - n : 1, "", option->help);
    }
}

int cli_fail(const char *program, const struct err *err)
{
    fprintf(stderr, "%s: %s\n", program, err->text);
    return err_exit_status(err);
}
