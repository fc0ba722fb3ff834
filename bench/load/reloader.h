/* Reloads and model swaps during a run: a thread that POSTs to the admin listener. */
#ifndef BENCH_LOAD_RELOADER_H
#define BENCH_LOAD_RELOADER_H

#include "bench/load/options.h"

struct reloader;

/* Sets *out to NULL when the options request neither. */
int reloader_start(const struct options *options, struct reloader **out,
                   struct err *err) MUST_CHECK;

struct reloader_counts {
    int reloads, swaps, failed;
};
/* Stops the thread; may be NULL. */
struct reloader_counts reloader_stop(struct reloader *reloader);

#endif
