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

static int fail(const struct err *err)
{
    fprintf(stderr, "adrank-model: %s\n", err->text);
    /* There is no configuration: what a backend refuses came from the command line. */
    return err->code == ERR_CONFIG ? ERR_USAGE : err_exit_status(err);
}

static int run(const struct command *command, int argc, char **argv, struct err *err)
{
    struct options options;
    struct model *model = NULL;
    int rc = options_parse(command, argc, argv, &options, err);

    if (rc > 0)
        return stdout_flush(err);
    if (rc < 0 || (command->opens_model && model_open(options.dir, &model, err)))
        return -1;
    rc = command->run(&options, model, err);
    model_unref(model);
    return rc;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    const struct command *command = command_find(name);
    struct err err = {0};

    stdio_occupy();
    signal(SIGXFSZ, SIG_IGN); /* a file that grows too large is an ordinary error */
    json_set_alloc_funcs(model_json_malloc, model_json_free); /* before the library's first use */

    if (command)
        return run(command, argc - 1, argv + 1, &err) ? fail(&err) : 0;
    if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "help") == 0) {
        usage(stdout);
        return stdout_flush(&err) ? fail(&err) : 0;
    }
    if (argc > 1)
        err_set(&err, ERR_USAGE, "no command \"%s\"", name);
    else
        err_set(&err, ERR_USAGE, "a command is missing");
    usage(stderr);
    return fail(&err);
}
