/* Doubles the rate, then bisects. */
#include "bench/load/find_max.h"

#include <stdio.h>

#include "bench/load/report.h"

#define TRIAL_S 3.0
#define PRECISION 0.03 /* of the rate */
#define GOODPUT 0.99

static int trial(const struct load_args *args, double rate, struct stats *stats, bool *kept,
                 struct err *err)
{
    struct load_args one = *args;

    one.rate = rate;
    if (load_run(&one, stats, err))
        return -1;
    *kept = report_slo_met(args->options, stats) &&
            (double)stats->outcomes[OUTCOME_OK] >= GOODPUT * (double)stats->intended;
    fprintf(stderr, "  %8.0f/s: p99 %.3f ms, goodput %.1f %%: %s\n", rate,
            (double)hist_quantile(&stats->latency, .99) / 1e3,
            stats->intended ? 100.0 * (double)stats->outcomes[OUTCOME_OK] / (double)stats->intended
                            : 0,
            *kept ? "kept" : "not kept");
    return 0;
}

/* Doubles the rate until the SLO is missed, then bisects; ends with a run of full length at the
 * rate it found. */
int find_max(const struct load_args *args, double *found, struct stats *stats, struct err *err)
{
    struct load_args quick = *args;
    double good = 0, bad = 0, rate = args->rate;
    bool kept;

    quick.duration_s = args->duration_s < TRIAL_S ? args->duration_s : TRIAL_S;
    while (bad == 0 || bad - good > PRECISION * bad) {
        if (trial(&quick, rate, stats, &kept, err))
            return -1;
        stats_release(stats);
        if (kept)
            good = rate;
        else
            bad = rate;
        if (good == 0 && bad < args->rate / 64)
            break;
        rate = bad == 0 ? rate * 2 : (good + bad) / 2;
    }
    for (rate = good > 0 ? good : args->rate;; rate *= 1 - PRECISION) {
        if (trial(args, rate, stats, &kept, err))
            return -1;
        if (kept || good == 0 || rate < good / 2)
            break;
        stats_release(stats);
    }
    *found = kept ? rate : 0;
    return 0;
}
