/* The rows of the command line, and what is checked across them. */
#include "bench/load/options.h"

#include <string.h>

#include "base/host_port.h"
#include "base/number.h"

static int read_arrivals(const struct cli_option *option, char *text, struct options *out,
                         struct err *err)
{

    out->poisson = strcmp(text, "poisson") == 0;
    return out->poisson || strcmp(text, "constant") == 0
               ? 0
               : cli_refuse(option, text, "poisson or constant", err);
}

/* "p99=10ms", "p99.9=800us" */
static int read_slo(const struct cli_option *option, char *text, struct options *out,
                    struct err *err)
{
    const char *equals = strchr(text, '='), *end = text + strlen(text), *unit = end - 2;
    double quantile, value;
    bool ms;

    if (text[0] != 'p' || !equals || equals > unit)
        goto bad;
    ms = strcmp(unit, "ms") == 0;
    if (!ms && strcmp(unit, "us") != 0)
        goto bad;
    if (number_double((struct view){text + 1, (size_t)(equals - text) - 1}, 1, 100, &quantile) ||
        number_double((struct view){equals + 1, (size_t)(unit - equals) - 1}, 0, 1e9, &value))
        goto bad;
    out->slo = text;
    out->slo_quantile = quantile / 100;
    out->slo_us = (int64_t)(value * (ms ? 1000 : 1));
    return 0;
bad:
    return cli_refuse(option, text, "like p99=10ms", err);
}

static int read_address(const struct cli_option *option, char *text, struct options *out,
                        struct err *err)
{
    struct host_port parsed;

    if (strncmp(text, "unix:/", 6) != 0 &&
        (host_port_parse(view_of(text), &parsed) || parsed.port < 1))
        return cli_refuse(option, text, "host:port, [v6]:port or unix:/path", err);
    return cli_text(option, text, out, err);
}

static int read_swap(const struct cli_option *option, char *text, struct options *out,
                     struct err *err)
{
    char *comma = strchr(text, ',');

    if (!comma || comma == text || !comma[1])
        return cli_refuse(option, text, "two directories separated by a comma", err);
    *comma = '\0';
    out->swap_a = text;
    out->swap_b = comma + 1;
    return 0;
}

#define ADDRESS(member_) .read = read_address, .at = offsetof(struct options, member_)

static const struct cli_option rows[] = {
    {"address", "A", ADDRESS(address), .help = "of adrankd; default 127.0.0.1:8080"},
    {"admin", "A", ADDRESS(admin), .help = "of its admin listener; default 127.0.0.1:8081"},
    {"rate", "N", CLI_NUMBER(rate, 0.1, 1e7),
     .help = "requests per second, sent regardless of answers (open loop); default 100"},
    {"arrivals", "KIND", .read = read_arrivals, .help = "poisson (default) or constant"},
    {"connections", "N", CLI_INT(connections, 1, OPTIONS_MAX_CONNECTIONS),
     .help = "closed loop over N connections instead of a rate"},
    {"duration", "S", CLI_NUMBER(duration_s, 0.1, 1e6), .help = "seconds that count; default 10"},
    {"warmup", "S", CLI_NUMBER(warmup_s, 0, 1e4), .help = "seconds before them; default 1"},
    {"tmax", "MS", CLI_INT(tmax_ms, 0, 60000),
     .help = "of every request; later answers count as late; default 50"},
    {"candidates", "N", CLI_INT(candidates, 0, 4096),
     .help = "ads in a generated request, 0: the catalog's; default 20"},
    {"behaviour", "N", CLI_INT(behaviour, 0, 1000),
     .help = "events in a generated request; default 3 (the demo's model truncates from 6 on)"},
    {"users", "N", CLI_INT(users, 1, 100000000), .help = "of generated requests; default 1000"},
    {"no-texts", NULL, CLI_FLAG(no_texts),
     .help = "candidates name ads of the catalog (a1, a2, ...) without texts"},
    {"replay", "FILE", CLI_TEXT(replay),
     .help = "requests from a file: each line a /rank body or a line of an impression log"},
    {"slo", "p99=10ms", .read = read_slo, .help = "exit 1 when missed; any quantile, ms or us"},
    {"find-max", NULL, CLI_FLAG(find_max),
     .help = "the highest rate that keeps the SLO and 99 % goodput"},
    {"reload-every", "S", CLI_NUMBER(reload_every_s, 0.01, 1e6),
     .help = "POST /admin/reload every S seconds"},
    {"swap-every", "S", CLI_NUMBER(swap_every_s, 0.01, 1e6),
     .help = "change the model every S seconds; needs the next two"},
    {"config", "FILE", CLI_TEXT(config), .help = "of the daemon: its model.path is written"},
    {"swap", "A,B", .read = read_swap, .help = "the model directories"},
    {"json", "FILE", CLI_TEXT(json), .help = "figures, - for stdout"},
    {"plot", "FILE.svg", CLI_TEXT(plot), .help = "latency and outcomes by second"},
    {"seed", "N", CLI_INT(seed, 0, INT32_MAX), .help = "default 1"},
};
const struct cli options_cli = CLI("usage: adrank-bench [options]\n", rows);

int options_parse(int argc, char **argv, struct options *out, struct err *err)
{
    int rc;

    *out = (struct options){.address = "127.0.0.1:8080",
                            .admin = "127.0.0.1:8081",
                            .rate = 100,
                            .poisson = true,
                            .duration_s = 10,
                            .warmup_s = 1,
                            .tmax_ms = 50,
                            .candidates = 20,
                            .behaviour = 3,
                            .users = 1000,
                            .seed = 1};
    rc = cli_read(&options_cli, argc, argv, out, err);
    if (rc)
        return rc;
    if (out->find_max && (!out->slo || out->connections))
        return err_set(err, ERR_USAGE, "--find-max needs --slo and no --connections");
    if (out->swap_every_s > 0 && (!out->config || !out->swap_a))
        return err_set(err, ERR_USAGE, "--swap-every needs --config and --swap");
    return 0;
}
