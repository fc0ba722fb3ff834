/*
 * The table that evaluates the scheduler: every engine profile under Poisson arrivals and
 * bursts at 0.5 to 10 times its capacity, with exact costs and with costs that are off, first come
 * first served beside it.
 */
#ifndef BENCH_SCHEDULER_TABLE_H
#define BENCH_SCHEDULER_TABLE_H

#include <stdio.h>

#include "bench/scheduler/simulation.h"

enum { TABLE_LOADS = 7, TABLE_PATTERNS = 2 };
enum { TABLE_ROWS = ENGINE_PROFILES * TABLE_PATTERNS * COST_ERRORS * TABLE_LOADS };

/* One of the two schedulers in one row. */
struct table_side {
    double goodput;    /* ads scored in time, per second */
    double of_peak;    /* the same over the best of all loads */
    double late_share; /* of the whole run's requests: admitted, not answered in time */
    double refused_share;
    double p99_ms; /* of the answers of the model */
};

struct table_row {
    const struct engine_profile *engine;
    bool bursts;
    enum cost_error cost_error;
    double load;
    double capacity; /* requests per second */
    struct table_side gate, first_come;
};

/*
 * rows: TABLE_ROWS of them. Goodput counts ads, not requests: under overload a scheduler that
 * refuses whoever does not fit serves more small requests than large ones, which flatters the
 * number of requests. Each row runs for one second that does not count, and then for as long as the
 * engine would take for that many requests at capacity.
 */
int table_run(int requests, struct table_row *rows, struct err *err) MUST_CHECK;
void table_print(const struct table_row *rows, int n, FILE *to);

#endif
