/* The results of a run: counts by outcome, latencies from the intended send time, stage times, a
 * second-by-second series. One writer. */
#ifndef BENCH_LOAD_STATS_H
#define BENCH_LOAD_STATS_H

#include <stdbool.h>

#include "base/hist.h"
#include "base/view.h"

enum outcome {
    OUTCOME_OK,       /* 200, every result by the model, nothing degraded, within tmax */
    OUTCOME_DEGRADED, /* 200 within tmax, but not with everything */
    OUTCOME_LATE,     /* 200 that came after tmax */
    OUTCOME_REJECTED, /* 503 */
    OUTCOME_FAILED,   /* any other status, no answer, or one that is not from /rank */
    OUTCOMES
};
extern const char *const outcome_names[OUTCOMES];

enum stage {
    STAGE_PARSE,
    STAGE_FEATURES,
    STAGE_QUEUE,
    STAGE_INFER,
    STAGE_RANK,
    STAGE_TOTAL,
    STAGES
};
extern const char *const stage_names[STAGES];

struct second {
    uint64_t sent, outcomes[OUTCOMES];
    struct hist *latency; /* NULL until there is an answer */
};

struct stats {
    uint64_t intended; /* requests that were due */
    uint64_t outcomes[OUTCOMES];
    struct hist latency; /* us, all that were answered */
    struct hist stages[STAGES];
    uint64_t results;      /* ads in all answers */
    uint64_t behind_us;    /* largest delay of a request behind its intended time */
    uint64_t waited;       /* requests that found no connection free */
    double seconds;        /* measured */
    double cpu_s;          /* of this process */
    struct second *series; /* (n_series) */
    int n_series;
};

int stats_init(struct stats *stats, double seconds);
void stats_release(struct stats *stats);
/* An answer with its body, at_s seconds into the run. */
void stats_answer(struct stats *stats, int status, struct view body, int64_t latency_us,
                  int tmax_ms, double at_s);
void stats_failure(struct stats *stats, double at_s);
void stats_sent(struct stats *stats, double at_s);
double stats_rate(const struct stats *stats);    /* answers per second */
double stats_goodput(const struct stats *stats); /* OUTCOME_OK per second */

#endif
