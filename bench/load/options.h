/* adrank-bench's command line (CONTRACT 7). Pure. */
#ifndef BENCH_LOAD_OPTIONS_H
#define BENCH_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cli.h"

#define OPTIONS_MAX_CONNECTIONS 4096 /* concurrent, in either loop */

struct options {
    const char *address, *admin; /* of the daemon; admin is needed for reloads only */
    double rate;                 /* requests per second; open loop */
    bool poisson;                /* arrivals; else constant */
    int connections;             /* > 0: closed loop over that many */
    double duration_s, warmup_s;
    int tmax_ms;        /* of every request, and what goodput counts against */
    int candidates;     /* of a generated request; 0: the catalog's */
    int behaviour;      /* events in a generated request */
    bool no_texts;      /* candidates name ads of the catalog */
    int users;          /* distinct ones in generated requests */
    const char *replay; /* file of bodies, one a line */
    const char *json, *plot;
    const char *slo;     /* as given, for the report */
    double slo_quantile; /* 0: none */
    int64_t slo_us;
    bool find_max;
    double reload_every_s, swap_every_s;
    const char *config;          /* the daemon's file, which swaps rewrite */
    const char *swap_a, *swap_b; /* model directories */
    int seed;
};

/* Returns 1 when help was requested; ERR_USAGE. */
int options_parse(int argc, char **argv, struct options *out, struct err *err) MUST_CHECK;

extern const struct cli options_cli;

#endif
