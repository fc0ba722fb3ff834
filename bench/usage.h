/* The command line of a benchmark: arguments, no options but -h and a leading -m NAME. */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* The NAME of a leading -m NAME, which it removes; NULL: there is none. */
static inline const char *usage_only(int *argc, char ***argv)
{
    if (*argc <= 2 || strcmp((*argv)[1], "-m") != 0)
        return NULL;
    *argc -= 2;
    *argv += 2;
    return (*argv)[0];
}

/* Prints the usage on --help, or if there are fewer than least or more than most arguments, or
 * any option, and returns the exit status; else -1. */
static inline int usage_status(int argc, char **argv, int least, int most, const char *usage)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
    for (int i = 1; i < argc; i++)
        if (argv[i][0] == '-')
            least = argc;
    if (argc - 1 >= least && argc - 1 <= most)
        return -1;
    fputs(usage, stderr);
    return ERR_USAGE;
}

#endif
