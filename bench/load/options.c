#include "bench/load/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

const char options_usage[] =
    "usage: adrank-bench [options]\n"
    "  --address A         of adrankd (127.0.0.1:8080)      --admin A  (127.0.0.1:8081)\n"
    "  --rate N            requests a second, sent whatever comes back (open loop; 100)\n"
    "  --arrivals KIND     poisson (default) or constant\n"
    "  --connections N     closed loop over N connections instead of a rate\n"
    "  --duration S        measured seconds (10)            --warmup S  (1)\n"
    "  --tmax MS           of every request (50); an answer that comes later is late\n"
    "  --candidates N      ads in a made-up request (20; 0: the catalog's)\n"
    "  --behaviour N       events in a made-up request (8)  --users N  (1000)\n"
    "  --no-texts          candidates name ads of the catalog (a1, a2, ...) without texts\n"
    "  --replay FILE       bodies from a file, one a line\n"
    "  --slo p99=10ms      exit 1 when missed (p50, p90, p95, p99, p99.9)\n"
    "  --find-max          the highest rate that keeps the SLO and 99 % goodput\n"
    "  --reload-every S    POST /admin/reload every S seconds\n"
    "  --swap-every S      change the model: --config FILE --swap DIR_A,DIR_B\n"
    "  --json FILE         figures (- for stdout)           --plot FILE.svg\n"
    "  --seed N\n";

enum {
    OPT_ADDRESS = 256,
    OPT_ADMIN,
    OPT_RATE,
    OPT_ARRIVALS,
    OPT_CONNECTIONS,
    OPT_DURATION,
    OPT_WARMUP,
    OPT_TMAX,
    OPT_CANDIDATES,
    OPT_BEHAVIOUR,
    OPT_USERS,
    OPT_NO_TEXTS,
    OPT_REPLAY,
    OPT_SLO,
    OPT_FIND_MAX,
    OPT_RELOAD,
    OPT_SWAP_EVERY,
    OPT_CONFIG,
    OPT_SWAP,
    OPT_JSON,
    OPT_PLOT,
    OPT_SEED,
    OPT_HELP
};

static const struct option rows[] = {
    {"address", 1, NULL, OPT_ADDRESS},
    {"admin", 1, NULL, OPT_ADMIN},
    {"rate", 1, NULL, OPT_RATE},
    {"arrivals", 1, NULL, OPT_ARRIVALS},
    {"connections", 1, NULL, OPT_CONNECTIONS},
    {"duration", 1, NULL, OPT_DURATION},
    {"warmup", 1, NULL, OPT_WARMUP},
    {"tmax", 1, NULL, OPT_TMAX},
    {"candidates", 1, NULL, OPT_CANDIDATES},
    {"behaviour", 1, NULL, OPT_BEHAVIOUR},
    {"users", 1, NULL, OPT_USERS},
    {"no-texts", 0, NULL, OPT_NO_TEXTS},
    {"replay", 1, NULL, OPT_REPLAY},
    {"slo", 1, NULL, OPT_SLO},
    {"find-max", 0, NULL, OPT_FIND_MAX},
    {"reload-every", 1, NULL, OPT_RELOAD},
    {"swap-every", 1, NULL, OPT_SWAP_EVERY},
    {"config", 1, NULL, OPT_CONFIG},
    {"swap", 1, NULL, OPT_SWAP},
    {"json", 1, NULL, OPT_JSON},
    {"plot", 1, NULL, OPT_PLOT},
    {"seed", 1, NULL, OPT_SEED},
    {"help", 0, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static int take_int(const char *name, int64_t min, int64_t max, int *out, struct err *err)
{
    int64_t v;

    if (number_int(view_of(optarg), min, max, &v))
        return err_set(err, ERR_USAGE, "--%s %s: must be an integer from %lld to %lld", name,
                       optarg, (long long)min, (long long)max);
    *out = (int)v;
    return 0;
}

static int take_number(const char *name, double min, double max, double *out, struct err *err)
{
    if (number_double(view_of(optarg), min, max, out))
        return err_set(err, ERR_USAGE, "--%s %s: must be a number from %g to %g", name, optarg, min,
                       max);
    return 0;
}

/* "p99=10ms", "p99.9=800us" */
static int take_slo(struct options *o, struct err *err)
{
    const char *equals = strchr(optarg, '=');
    size_t len = strlen(optarg), unit_len = 2;
    double value, quantile;
    int64_t unit = 1000;

    if (optarg[0] != 'p' || !equals || len < 4 || (size_t)(equals - optarg) + 3 > len)
        goto bad;
    if (strcmp(optarg + len - 2, "us") == 0)
        unit = 1;
    else if (strcmp(optarg + len - 2, "ms") != 0)
        goto bad;
    if (number_double((struct view){optarg + 1, (size_t)(equals - optarg) - 1}, 1, 100,
                      &quantile) ||
        number_double((struct view){equals + 1, (size_t)(optarg + len - unit_len - equals) - 1}, 0,
                      1e9, &value))
        goto bad;
    o->slo = optarg;
    o->slo_quantile = quantile / 100;
    o->slo_us = (int64_t)(value * (double)unit);
    return 0;
bad:
    return err_set(err, ERR_USAGE, "--slo %s: must be like p99=10ms", optarg);
}

static int take_arrivals(struct options *o, struct err *err)
{
    o->poisson = strcmp(optarg, "poisson") == 0;
    if (!o->poisson && strcmp(optarg, "constant") != 0)
        return err_set(err, ERR_USAGE, "--arrivals %s: must be poisson or constant", optarg);
    return 0;
}

static int take_swap(struct options *o, struct err *err)
{
    char *comma = strchr(optarg, ',');

    if (!comma || comma == optarg || !comma[1])
        return err_set(err, ERR_USAGE, "--swap %s: must be two directories with a comma between",
                       optarg);
    *comma = '\0';
    o->swap_a = optarg;
    o->swap_b = comma + 1;
    return 0;
}

static int take(struct options *o, int option, char **argv, struct err *err)
{
    int seed;

    switch (option) {
    case OPT_ADDRESS:
        o->address = optarg;
        return 0;
    case OPT_ADMIN:
        o->admin = optarg;
        return 0;
    case OPT_RATE:
        return take_number("rate", 0.1, 1e7, &o->rate, err);
    case OPT_ARRIVALS:
        return take_arrivals(o, err);
    case OPT_CONNECTIONS:
        return take_int("connections", 1, OPTIONS_MAX_CONNECTIONS, &o->connections, err);
    case OPT_DURATION:
        return take_number("duration", 0.1, 1e6, &o->duration_s, err);
    case OPT_WARMUP:
        return take_number("warmup", 0, 1e4, &o->warmup_s, err);
    case OPT_TMAX:
        return take_int("tmax", 0, 60000, &o->tmax_ms, err);
    case OPT_CANDIDATES:
        return take_int("candidates", 0, 4096, &o->candidates, err);
    case OPT_BEHAVIOUR:
        return take_int("behaviour", 0, 1000, &o->behaviour, err);
    case OPT_USERS:
        return take_int("users", 1, 100000000, &o->users, err);
    case OPT_NO_TEXTS:
        o->texts = false;
        return 0;
    case OPT_REPLAY:
        o->replay = optarg;
        return 0;
    case OPT_SLO:
        return take_slo(o, err);
    case OPT_FIND_MAX:
        o->find_max = true;
        return 0;
    case OPT_RELOAD:
        return take_number("reload-every", 0.01, 1e6, &o->reload_every_s, err);
    case OPT_SWAP_EVERY:
        return take_number("swap-every", 0.01, 1e6, &o->swap_every_s, err);
    case OPT_CONFIG:
        o->config = optarg;
        return 0;
    case OPT_SWAP:
        return take_swap(o, err);
    case OPT_JSON:
        o->json = optarg;
        return 0;
    case OPT_PLOT:
        o->plot = optarg;
        return 0;
    case OPT_SEED:
        if (take_int("seed", 0, INT32_MAX, &seed, err))
            return -1;
        o->seed = (uint64_t)seed;
        return 0;
    case OPT_HELP:
        o->help = true;
        return 0;
    case ':':
        return err_set(err, ERR_USAGE, "%s: needs a value", argv[optind - 1]);
    default:
        return err_set(err, ERR_USAGE, "%s: unknown option", argv[optind - 1]);
    }
}

int options_parse(int argc, char **argv, struct options *out, struct err *err)
{
    int option;

    *out = (struct options){.address = "127.0.0.1:8080",
                            .admin = "127.0.0.1:8081",
                            .rate = 100,
                            .poisson = true,
                            .duration_s = 10,
                            .warmup_s = 1,
                            .tmax_ms = 50,
                            .candidates = 20,
                            .behaviour = 8,
                            .texts = true,
                            .users = 1000,
                            .seed = 1};
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", rows, NULL)) != -1)
        if (take(out, option, argv, err))
            return -1;
    if (optind < argc)
        return err_set(err, ERR_USAGE, "%s: no such argument", argv[optind]);
    if (out->find_max && (!out->slo || out->connections))
        return err_set(err, ERR_USAGE, "--find-max wants --slo and no --connections");
    if (out->swap_every_s > 0 && (!out->config || !out->swap_a))
        return err_set(err, ERR_USAGE, "--swap-every wants --config and --swap");
    return 0;
}
