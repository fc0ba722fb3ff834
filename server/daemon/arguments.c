/* adrankd's command line, by getopt_long. */
#include "server/daemon/arguments.h"

#include <getopt.h>
#include <string.h>

const char arguments_usage[] =
    "usage: adrankd [-c FILE] [--set section.option=value]... [--check-config | --print-config]\n"
    "       adrankd --probe ready|live [-c FILE] [--set section.option=value]...\n"
    "       adrankd --version | --help\n"
    "\n"
    "  -h, --help          print this text and every option\n"
    "  -c, --config FILE   configuration; default: share/adrank/adrankd.json next to the\n"
    "                      program's folder if it exists, else the built-in defaults\n"
    "  --set PATH=VALUE    override one option; VALUE is JSON, a bare word is a string\n"
    "  --check-config      check the configuration, report all errors, exit 0 or 78\n"
    "  --print-config      print the configuration in effect, secrets as references\n"
    "  --probe WHAT        query a running daemon on its admin address, exit 0 or 1\n"
    "  --allow-root        allow running as root\n"
    "\n"
    "signals: HUP reloads, TERM and INT drain and exit, a second one exits immediately, USR2 is "
    "ignored\n"
    "exit: 0 ok, 64 usage, 65 bad data, 66 missing file, 69 unavailable, 70 internal, 78 bad "
    "configuration\n";

/* OPT_MODE and a mode is the option of that mode. */
enum { OPT_SET = 256, OPT_PROBE, OPT_ROOT, OPT_MODE };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"set", required_argument, NULL, OPT_SET},
    {"check-config", no_argument, NULL, OPT_MODE + MODE_CHECK_CONFIG},
    {"print-config", no_argument, NULL, OPT_MODE + MODE_PRINT_CONFIG},
    {"probe", required_argument, NULL, OPT_PROBE},
    {"version", no_argument, NULL, OPT_MODE + MODE_VERSION},
    {"help", no_argument, NULL, OPT_MODE + MODE_HELP},
    {"allow-root", no_argument, NULL, OPT_ROOT},
    {NULL, 0, NULL, 0},
};

static int set_mode(struct arguments *out, enum arguments_mode mode, struct err *err)
{
    if (out->mode != MODE_SERVE)
        return err_set(err, ERR_USAGE,
                       "only one of --check-config, --print-config, --probe, "
                       "--version and --help at a time");
    out->mode = mode;
    return 0;
}

static int set_probe(struct arguments *out, const char *what, struct err *err)
{
    if (strcmp(what, "ready") == 0)
        return set_mode(out, MODE_PROBE_READY, err);
    if (strcmp(what, "live") == 0)
        return set_mode(out, MODE_PROBE_LIVE, err);
    return err_set(err, ERR_USAGE, "--probe %s: must be ready or live", what);
}

static int add_set(struct arguments *out, const char *set, struct err *err)
{
    if (out->n_sets == ARGUMENTS_MAX_SETS)
        return err_set(err, ERR_USAGE, "more than %d --set options", ARGUMENTS_MAX_SETS);
    out->sets[out->n_sets++] = set;
    return 0;
}

static int set_option(struct arguments *out, int option, char **argv, struct err *err)
{
    if (option >= OPT_MODE)
        return set_mode(out, (enum arguments_mode)(option - OPT_MODE), err);
    switch (option) {
    case 'c':
        out->config_file = optarg;
        return 0;
    case OPT_SET:
        return add_set(out, optarg, err);
    case OPT_PROBE:
        return set_probe(out, optarg, err);
    case 'h':
        return set_mode(out, MODE_HELP, err);
    case OPT_ROOT:
        out->allow_root = true;
        return 0;
    case ':':
        return err_set(err, ERR_USAGE, "%s: needs a value", argv[optind - 1]);
    default:
        return err_set(err, ERR_USAGE, "%s: unknown option", argv[optind - 1]);
    }
}

int arguments_parse(int argc, char **argv, struct arguments *out, struct err *err)
{
    int option;

    *out = (struct arguments){.mode = MODE_SERVE};
    optind = 1;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":c:h", long_options, NULL)) != -1)
        if (set_option(out, option, argv, err))
            return -1;
    if (optind < argc)
        return err_set(err, ERR_USAGE, "%s: no such argument", argv[optind]);
    return 0;
}
