/*
 * Metrics of a real daemon as input series of promtool's rule tests: an alert is shown to fire, or
 * not to, on what /metrics really reports during an outage. Time is made up: each snapshot stands
 * for some minutes.
 */
#ifndef TESTS_E2E_ALERTS_RECORDING_H
#define TESTS_E2E_ALERTS_RECORDING_H

#include "base/buf.h"
#include "tests/e2e/driver.h"

#define RECORDING_MAX_STAGES 4
#define RECORDING_MAX_SERIES 2000

struct recorded_series {
    char *name; /* with its labels, and those that Prometheus adds */
    bool counts;
    double values[RECORDING_MAX_STAGES]; /* NAN: not there */
};

struct recording {
    struct recorded_series series[RECORDING_MAX_SERIES];
    int n_series;
    int minutes[RECORDING_MAX_STAGES];
    int n_stages;
};

void recording_init(struct recording *recording);
void recording_release(struct recording *recording);

/* From the last stage on, over so many minutes, counters went to what they are now and gauges were
 * what they are. */
void recording_stage(struct recording *recording, int minutes);
/* Adds the samples of /metrics to the last stage, as those of an instance of that name. */
void recording_take(struct recording *recording, struct driver *driver, const char *instance);
/* A sample that is Prometheus' own. */
void recording_add(struct recording *recording, const char *sample, double value);

/* FAILs unless promtool finds these alerts firing at the end and no others: names with blanks
 * between, "" for none. Those that a busy machine can cause are only looked for. */
void recording_check(const struct recording *recording, const char *firing);

#endif
