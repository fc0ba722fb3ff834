/* adrank-sim: a world of shoppers whose clicks are drawn from a known probability. */
#include <signal.h>
#include <string.h>

#include "base/cli.h"
#include "base/stdout.h"
#include "tools/sim/command.h"

static const char usage[] =
    "usage: adrank-sim world --out DIR [options]\n"
    "       adrank-sim report DIR\n"
    "\n"
    "world   writes catalog.jsonl, histories.jsonl, impressions.jsonl, clicks.PART.jsonl and the\n"
    "        probabilities the clicks were drawn from, truth.PART.jsonl; the same seed gives the "
    "same\n"
    "        bytes\n"
    "report  prints the best reachable AUC and log loss of that world, and what simple baselines "
    "reach\n\n";

#define VISITS(part_) CLI_INT(visits[part_], 0, INT32_MAX)

static const struct cli_option rows[] = {
    {NULL, "COMMAND", CLI_TEXT(command)},
    {NULL, "DIR", CLI_TEXT(dir)},
    {"out", "DIR", CLI_TEXT(out), .help = "folder to write, created if missing"},
    {"seed", "N", CLI_INT(seed, 0, INT32_MAX), .help = "of the world; default 1"},
    {"train", "N", VISITS(SIM_TRAIN), .help = "visits to train on; default 4000"},
    {"calib", "N", VISITS(SIM_CALIB), .help = "visits to calibrate on; default 1000"},
    {"eval", "N", VISITS(SIM_EVAL), .help = "visits that show new items; default 2000"},
    {"warm", "N", VISITS(SIM_WARM), .help = "visits that show items of training; default 1000"},
    {"replay", "N", VISITS(SIM_REPLAY), .help = "requests to replay; default 1000"},
};
static const struct cli cli = CLI(usage, rows);

static int run_world(const struct options *options, struct err *err)
{
    if (options->dir)
        return err_set(err, ERR_USAGE, "%s: no such argument: the folder to write is --out DIR",
                       options->dir);
    if (!options->out)
        return err_set(err, ERR_USAGE, "world: --out DIR is missing");
    return cmd_world(options, err);
}

static int run_report(const struct options *options, struct err *err)
{
    if (!options->dir)
        return err_set(err, ERR_USAGE, "report: the folder is missing: report DIR");
    return cmd_report(options, err) || stdout_flush(err) ? -1 : 0;
}

static int run(const struct options *options, struct err *err)
{
    const char *command = options->command ? options->command : "";

    if (!*command)
        return err_set(err, ERR_USAGE, "a command is missing: world --out DIR, or report DIR");
    if (strcmp(command, "world") == 0)
        return run_world(options, err);
    if (strcmp(command, "report") == 0)
        return run_report(options, err);
    return err_set(err, ERR_USAGE, "%s: no such command: world or report", command);
}

int main(int argc, char **argv)
{
    struct options options = {
        .seed = 1,
        .visits = {[SIM_TRAIN] = 4000,
                   [SIM_CALIB] = 1000,
                   [SIM_EVAL] = 2000,
                   [SIM_WARM] = 1000,
                   [SIM_REPLAY] = 1000},
    };
    struct err err = {0};
    int rc;

    stdio_occupy();
    signal(SIGXFSZ, SIG_IGN); /* a file that grows too large is an ordinary error */
    rc = cli_read(&cli, argc, argv, &options, &err);
    if (rc > 0) {
        cli_print(&cli, stdout);
        rc = stdout_flush(&err);
    } else if (rc == 0) {
        rc = run(&options, &err);
    }
    if (rc && err.code == ERR_USAGE)
        cli_print(&cli, stderr);
    return rc ? cli_fail("adrank-sim", &err) : 0;
}
