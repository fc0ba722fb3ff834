/* The rows of the command line. */
#include "bench/load/options.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "base/host_port.h"
#include "base/number.h"

/* An option: what its value is called in the usage (NULL: it has none) and what reads it. */
struct row {
    const char *name, *value;
    int (*read)(const struct row *row, char *text, struct options *out, struct err *err);
    size_t at; /* offset of the member that it sets */
    double min, max;
    const char *help;
};

static void *member(const struct row *row, struct options *out)
{
    return (char *)out + row->at;
}

static int read_text(const struct row *row, char *text, struct options *out, struct err *err)
{
    (void)err;
    *(const char **)member(row, out) = text;
    return 0;
}

static int read_int(const struct row *row, char *text, struct options *out, struct err *err)
{
    int64_t v;

    if (number_int(view_of(text), (int64_t)row->min, (int64_t)row->max, &v))
        return err_set(err, ERR_USAGE, "--%s %s: must be an integer from %.0f to %.0f", row->name,
                       text, row->min, row->max);
    *(int *)member(row, out) = (int)v;
    return 0;
}

static int read_number(const struct row *row, char *text, struct options *out, struct err *err)
{
    if (number_double(view_of(text), row->min, row->max, member(row, out)))
        return err_set(err, ERR_USAGE, "--%s %s: must be a number from %g to %g", row->name, text,
                       row->min, row->max);
    return 0;
}

static int read_flag(const struct row *row, char *text, struct options *out, struct err *err)
{
    (void)text, (void)err;
    *(bool *)member(row, out) = true;
    return 0;
}

static int read_arrivals(const struct row *row, char *text, struct options *out, struct err *err)
{
    out->poisson = strcmp(text, "poisson") == 0;
    if (!out->poisson && strcmp(text, "constant") != 0)
        return err_set(err, ERR_USAGE, "--%s %s: must be poisson or constant", row->name, text);
    return 0;
}

/* "p99=10ms", "p99.9=800us" */
static int read_slo(const struct row *row, char *text, struct options *out, struct err *err)
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
    return err_set(err, ERR_USAGE, "--%s %s: must be like p99=10ms", row->name, text);
}

static int read_address(const struct row *row, char *text, struct options *out, struct err *err)
{
    struct host_port parsed;

    if (strncmp(text, "unix:/", 6) != 0 &&
        (host_port_parse(view_of(text), &parsed) || parsed.port < 1))
        return err_set(err, ERR_USAGE, "--%s %s: must be host:port, [v6]:port or unix:/path",
                       row->name, text);
    return read_text(row, text, out, err);
}

static int read_swap(const struct row *row, char *text, struct options *out, struct err *err)
{
    char *comma = strchr(text, ',');

    if (!comma || comma == text || !comma[1])
        return err_set(err, ERR_USAGE, "--%s %s: must be two directories with a comma between",
                       row->name, text);
    *comma = '\0';
    out->swap_a = text;
    out->swap_b = comma + 1;
    return 0;
}

#define TEXT(member_) .read = read_text, .at = offsetof(struct options, member_)
#define ADDRESS(member_) .read = read_address, .at = offsetof(struct options, member_)
#define FLAG(member_) .read = read_flag, .at = offsetof(struct options, member_)
#define INT(member_, min_, max_)                                                                   \
    .read = read_int, .at = offsetof(struct options, member_), .min = (min_), .max = (max_)
#define NUMBER(member_, min_, max_)                                                                \
    .read = read_number, .at = offsetof(struct options, member_), .min = (min_), .max = (max_)

static const struct row rows[] = {
    {"address", "A", ADDRESS(address), .help = "of adrankd; default 127.0.0.1:8080"},
    {"admin", "A", ADDRESS(admin), .help = "of its admin listener; default 127.0.0.1:8081"},
    {"rate", "N", NUMBER(rate, 0.1, 1e7),
     .help = "requests per second, sent regardless of answers (open loop); default 100"},
    {"arrivals", "KIND", .read = read_arrivals, .help = "poisson (default) or constant"},
    {"connections", "N", INT(connections, 1, OPTIONS_MAX_CONNECTIONS),
     .help = "closed loop over N connections instead of a rate"},
    {"duration", "S", NUMBER(duration_s, 0.1, 1e6), .help = "seconds that count; default 10"},
    {"warmup", "S", NUMBER(warmup_s, 0, 1e4), .help = "seconds before them; default 1"},
    {"tmax", "MS", INT(tmax_ms, 0, 60000),
     .help = "of every request; later answers count as late; default 50"},
    {"candidates", "N", INT(candidates, 0, 4096),
     .help = "ads in a generated request, 0: the catalog's; default 20"},
    {"behaviour", "N", INT(behaviour, 0, 1000),
     .help = "events in a generated request; default 3 (the demo's model truncates from 6 on)"},
    {"users", "N", INT(users, 1, 100000000), .help = "of generated requests; default 1000"},
    {"no-texts", NULL, FLAG(no_texts),
     .help = "candidates name ads of the catalog (a1, a2, ...) without texts"},
    {"replay", "FILE", TEXT(replay),
     .help = "requests from a file: each line a /rank body or a line of an impression log"},
    {"slo", "p99=10ms", .read = read_slo, .help = "exit 1 when missed; any quantile, ms or us"},
    {"find-max", NULL, FLAG(find_max),
     .help = "the highest rate that keeps the SLO and 99 % goodput"},
    {"reload-every", "S", NUMBER(reload_every_s, 0.01, 1e6),
     .help = "POST /admin/reload every S seconds"},
    {"swap-every", "S", NUMBER(swap_every_s, 0.01, 1e6),
     .help = "change the model every S seconds; needs the next two"},
    {"config", "FILE", TEXT(config), .help = "of the daemon: its model.path is written"},
    {"swap", "A,B", .read = read_swap, .help = "the model directories"},
    {"json", "FILE", TEXT(json), .help = "figures, - for stdout"},
    {"plot", "FILE.svg", TEXT(plot), .help = "latency and outcomes by second"},
    {"seed", "N", INT(seed, 0, INT32_MAX), .help = "default 1"},
    {"help", NULL, FLAG(help), .help = "this text"},
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

void options_print(FILE *to)
{
    fputs("usage: adrank-bench [options]\n", to);
    for (size_t i = 0; i < N_ROWS; i++)
        fprintf(to, "  --%-12s %-9s %s\n", rows[i].name, rows[i].value ? rows[i].value : "",
                rows[i].help);
}

static int read_all(int argc, char **argv, struct options *out, struct err *err)
{
    struct option known[N_ROWS + 1] = {0};
    int i;

    for (size_t row = 0; row < N_ROWS; row++)
        known[row] = (struct option){.name = rows[row].name, .has_arg = rows[row].value != NULL};
    opterr = 0;
    for (;;) {
        switch (getopt_long(argc, argv, ":h", known, &i)) {
        case -1:
            if (optind < argc)
                return err_set(err, ERR_USAGE, "%s: no such argument", argv[optind]);
            return 0;
        case 0:
            if (rows[i].read(&rows[i], optarg, out, err))
                return -1;
            break;
        case 'h':
            out->help = true;
            break;
        case ':':
            return err_set(err, ERR_USAGE, "%s: needs a value", argv[optind - 1]);
        default:
            return err_set(err, ERR_USAGE, "%s: unknown option", argv[optind - 1]);
        }
    }
}

int options_parse(int argc, char **argv, struct options *out, struct err *err)
{
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
    if (read_all(argc, argv, out, err))
        return -1;
    if (out->find_max && (!out->slo || out->connections))
        return err_set(err, ERR_USAGE, "--find-max needs --slo and no --connections");
    if (out->swap_every_s > 0 && (!out->config || !out->swap_a))
        return err_set(err, ERR_USAGE, "--swap-every needs --config and --swap");
    return 0;
}
