/* adrank-model: inspects, verifies, packs and benchmarks a model directory, scores and tokenises
 * JSON Lines (CONTRACT 8). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adrank/model.h"
#include "base/stdout.h"
#include "tools/model/command.h"

static const struct command *const commands[] = {
    &command_inspect,  &command_verify, &command_pack,
    &command_tokenize, &command_score,  &command_bench,
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
    fprintf(out, "usage: adrank-model COMMAND DIR [options]\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->help);
    fprintf(out, "\n-h or --help prints this; adrank-model COMMAND --help a command's options.\n");
}

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (is_help(argv[i]))
            return true;
    return false;
}

static int fail(const struct err *err)
{
    fprintf(stderr, "adrank-model: %s\n", err->text);
    /* There is no configuration: what a backend refuses came from the command line. */
    return err->code == ERR_CONFIG ? ERR_USAGE : err_exit_status(err);
}

int main(int argc, char **argv)
{
    const struct command *command = argc > 1 ? command_find(argv[1]) : NULL;
    struct options options;
    struct err err = {0};

    stdio_occupy();
    signal(SIGXFSZ, SIG_IGN); /* a file that grows too large is an ordinary error */
    json_set_alloc_funcs(model_json_malloc, model_json_free); /* before the library's first use */

    if (argc > 1 && (is_help(argv[1]) || strcmp(argv[1], "help") == 0)) {
        usage(stdout);
        return stdout_flush(&err) ? fail(&err) : 0;
    }
    if (!command) {
        if (argc > 1)
            err_set(&err, ERR_USAGE, "no command \"%s\"", argv[1]);
        else
            err_set(&err, ERR_USAGE, "a command is missing");
        usage(stderr);
        return fail(&err);
    }
    if (wants_help(argc - 2, argv + 2)) {
        printf("usage: adrank-model %s DIR [options]\n%s\n\n", command->name, command->help);
        options_print(command);
        return stdout_flush(&err) ? fail(&err) : 0;
    }
    if (options_parse(command, argc - 2, argv + 2, &options, &err) || command->run(&options, &err))
        return fail(&err);
    return 0;
}
