/* adrank-sim: a world of shoppers whose clicks are drawn from a probability that is known. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include "base/number.h"
#include "base/stdout.h"
#include "tools/sim/command.h"

static const char usage[] =
    "usage: adrank-sim world --out DIR [--seed N] [--train N] [--calib N] [--eval N] [--warm N]\n"
    "                        [--replay N]\n"
    "       adrank-sim report DIR\n"
    "\n"
    "world   writes catalog.jsonl, histories.jsonl, impressions.jsonl, clicks.PART.jsonl and the\n"
    "        probabilities behind the clicks, truth.PART.jsonl; the same seed gives the same "
    "bytes\n"
    "report  prints the best reachable AUC and log loss of that world, and what simpler readers of "
    "it\n"
    "        reach\n";

enum { OPT_SEED = 1000, OPT_OUT, OPT_PART };

static const struct option long_options[] = {
    {"seed", required_argument, NULL, OPT_SEED},
    {"out", required_argument, NULL, OPT_OUT},
    {"help", no_argument, NULL, 'h'},
    {"train", required_argument, NULL, OPT_PART + SIM_TRAIN},
    {"calib", required_argument, NULL, OPT_PART + SIM_CALIB},
    {"eval", required_argument, NULL, OPT_PART + SIM_EVAL},
    {"warm", required_argument, NULL, OPT_PART + SIM_WARM},
    {"replay", required_argument, NULL, OPT_PART + SIM_REPLAY},
    {NULL, 0, NULL, 0},
};

static int usage_error(struct err *err, const char *what)
{
    fputs(usage, stderr);
    return err_set(err, ERR_USAGE, "%s", what);
}

static int option_error(struct err *err, const char *option, const char *what)
{
    fputs(usage, stderr);
    return err_set(err, ERR_USAGE, "%s: %s", option, what);
}

/* 1: help was requested. */
static int read_options(int argc, char **argv, struct sim_options *options, struct err *err)
{
    int opt, index = 0;
    int64_t value = 0;

    opterr = 0; /* getopt would print the argument unescaped */
    while ((opt = getopt_long(argc, argv, ":h", long_options, &index)) != -1) {
        if (opt == ':')
            return option_error(err, argv[optind - 1], "needs a value");
        if (opt == '?')
            return option_error(err, argv[optind - 1], "unknown option");
        if (opt == 'h')
            return 1;
        if (opt == OPT_OUT) {
            options->dir = optarg;
            continue;
        }
        if (number_int(view_of(optarg), 0, INT32_MAX, &value))
            return option_error(err, long_options[index].name, "must be from 0 to 2147483647");
        if (opt == OPT_SEED)
            options->seed = (uint64_t)value;
        else
            options->visits[opt - OPT_PART] = (int)value;
    }
    return 0;
}

static int run(int argc, char **argv, struct err *err)
{
    struct sim_options options = {
        .seed = 1,
        .visits = {[SIM_TRAIN] = 4000,
                   [SIM_CALIB] = 1000,
                   [SIM_EVAL] = 2000,
                   [SIM_WARM] = 1000,
                   [SIM_REPLAY] = 1000},
    };
    int rc = read_options(argc, argv, &options, err);

    if (rc < 0)
        return -1;
    if (rc > 0) {
        fputs(usage, stdout);
        return stdout_flush(err);
    }
    if (argc - optind == 1 && strcmp(argv[optind], "world") == 0)
        return options.dir ? cmd_world(&options, err) : usage_error(err, "world: want --out DIR");
    if (argc - optind == 2 && strcmp(argv[optind], "report") == 0) {
        options.dir = argv[optind + 1];
        return cmd_report(&options, err) || stdout_flush(err) ? -1 : 0;
    }
    return usage_error(err, "want a command: world or report");
}

int main(int argc, char **argv)
{
    struct err err = {0};

    stdio_occupy();
    signal(SIGXFSZ, SIG_IGN); /* a file that grows too large is an ordinary error */
    if (run(argc, argv, &err) == 0)
        return 0;
    fprintf(stderr, "adrank-sim: %s\n", err.text);
    return err_exit_status(&err);
}
