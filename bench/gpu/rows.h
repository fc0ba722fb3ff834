/*
 * The rows of the bench: a model, a kind and a size each, opened together on one device, and a
 * round of measurements of one of them. One thread.
 */
#ifndef BENCH_GPU_ROWS_H
#define BENCH_GPU_ROWS_H

#include "bench/gpu/bare.h"
#include "bench/gpu/options.h"

#define ROWS_MODELS 4
#define ROWS_SIZES 4 /* of a model and kind */
#define ROWS_MAX (ROWS_MODELS * 2 * ROWS_SIZES)

/* What a round measures; microseconds but for the yardstick. */
enum measure { DEVICE, TO_HOST, PLAIN, BARE, YARDSTICK_TFLOPS, MEASURES };

struct row {
    char path[64]; /* "MiniLM-L6/prefix/16x100" */
    struct bench_engine *engine;
    struct scenario scenario;
    struct bare bare;
    int repeats;
    double measured[MEASURES][OPTIONS_MAX_ROUNDS];
};

struct rows {
    const struct options *options;
    struct device *device;
    struct bench_model models[ROWS_MODELS];
    struct bench_engine engines[ROWS_MODELS];
    int n_models;
    struct row items[ROWS_MAX]; /* those of a model and kind together, the smallest first */
    int n;
    int rounds;            /* that were measured */
    struct bare yardstick; /* a sustained product of 8192^3 */
};

/* ERR_USAGE when no row is chosen. On failure rows_close releases what is there. */
int rows_open(struct rows *rows, const struct options *options, struct err *err) MUST_CHECK;
void rows_close(struct rows *rows);

/* Before the rounds: every pass is recorded, and how often a burst repeats it is known. */
int rows_warm_up(struct rows *rows, struct err *err) MUST_CHECK;
/* All rows in random order; measured[...][rows->rounds] is written, rounds counted. */
int rows_measure(struct rows *rows, struct err *err) MUST_CHECK;
/* Median of what was measured. */
double row_median(struct row *row, enum measure measure, int rounds);

/* Compares the scores of request 0 alone with those in every batch and replay, and prints what
 * differs. */
int rows_check_bits(struct rows *rows, struct err *err) MUST_CHECK;

#endif
