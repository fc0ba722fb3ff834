/* bench-gpu's command line. Pure. */
#ifndef BENCH_GPU_OPTIONS_H
#define BENCH_GPU_OPTIONS_H

#include <stdbool.h>

#include "base/cli.h"
#include "kernels/backend.h"

#define OPTIONS_MAX_ROUNDS 50

struct options {
    int rounds;
    enum precision precision;
    const char *only; /* rows whose path has this in it; "": all */
    bool steps;       /* a round for each line of stdin */
    bool tiny;        /* one small model */
    bool timeline;    /* the timeline of one request and nothing else */
};

extern const struct cli options_cli;

/* Returns 1 when help was requested; ERR_USAGE. */
int options_parse(int argc, char **argv, struct options *out, struct err *err) MUST_CHECK;

#endif
