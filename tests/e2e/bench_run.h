/* Runs the real adrank-bench, and keeps its output and figures. */
#ifndef TESTS_E2E_BENCH_RUN_H
#define TESTS_E2E_BENCH_RUN_H

#include <jansson.h>
#include <stdio.h>

#include "tests/e2e/driver.h"

/* Makes requests that the driver's small model takes without truncation. */
#define BENCH_SHORT " --candidates 4 --no-texts --behaviour 0 "

/* Zero before the first use. */
struct bench_run {
    FILE *pipe;
    char json[64];      /* file of the figures */
    char output[65536]; /* stdout and stderr of the last run */
    json_t *figures;    /* of the last run; NULL if it wrote none */
};

/* Starts it with these arguments, --json and a seed. */
void bench_begin(struct bench_run *run, const char *address, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Waits until it exits and reads its figures; returns the exit status. */
int bench_finish(struct bench_run *run);
/* bench_begin against the daemon and its admin listener, then bench_finish. */
int bench_daemon(struct bench_run *run, const struct driver *driver, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The figure at a pointer such as "/outcomes/ok"; FAILs if it is not a number. */
double bench_figure(const struct bench_run *run, const char *pointer);

#endif
