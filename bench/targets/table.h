/* What the GPU backend is to reach, row by row, and the figures that each row is made of. */
#ifndef BENCH_TARGETS_TABLE_H
#define BENCH_TARGETS_TABLE_H

#include <stdbool.h>

struct target {
    const char *what, *model;
    double least, want; /* 0: no limit was set */
    bool lower;         /* is better */
    /* The figure's name, and that of the one it is divided by, or NULL. '@' is where a variant of
     * the model is named: nothing, or "-tanh". */
    const char *figure, *over;
};

extern const struct target targets[];
extern const int n_targets;

#endif
