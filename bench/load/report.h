/* Report of a run: a table for people, JSON for programs, an SVG for both. */
#ifndef BENCH_LOAD_REPORT_H
#define BENCH_LOAD_REPORT_H

#include "base/buf.h"
#include "bench/load/options.h"
#include "bench/load/stats.h"

struct report {
    const struct options *options;
    const struct stats *stats;
    double offered; /* requests per second; 0: closed loop */
    double found;   /* by --find-max; 0: not requested */
    int ads;        /* per request; 0: unknown */
    int reloads, swaps, reloads_failed;
    bool slo_met;
};

void report_text(const struct report *report, struct buf *out);
void report_json(const struct report *report, struct buf *out);
/* Latency quantiles and outcomes by second. */
void report_svg(const struct report *report, struct buf *out);

/* Whether the run met the SLO, counting failures and rejections as too slow; true without one. */
bool report_slo_met(const struct options *options, const struct stats *stats);

#endif
