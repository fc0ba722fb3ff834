/*
 * Metrics of a real daemon as input series of promtool's rule tests: tests that an alert fires, or
 * does not, on what /metrics really reports during an outage. Time is simulated: each snapshot
 * covers some minutes.
 */
#ifndef TESTS_E2E_ALERTS_RECORDING_H
#define TESTS_E2E_ALERTS_RECORDING_H

#include "base/buf.h"
#include "tests/e2e/driver.h"

#define RECORDING_MAX_STAGES 4
#define RECORDING_MAX_SERIES 2000

struct recorded_series {
    char *name; /* with its labels and those that Prometheus adds */
    bool counts;
    double values[RECORDING_MAX_STAGES]; /* NAN: absent */
};

struct recording {
    struct recorded_series series[RECORDING_MAX_SERIES];
    int n_series;
    int minutes[RECORDING_MAX_STAGES];
    int n_stages;
};

void recording_init(struct recording *recording);
void recording_release(struct recording *recording);

/* Starts a stage of so many minutes: counters move from the last stage to the values added now,
 * gauges hold them. */
void recording_stage(struct recording *recording, int minutes);
/* Adds the samples of /metrics to the last stage, as those of an instance of that name. */
void recording_take(struct recording *recording, struct driver *driver, const char *instance);
/* A sample that Prometheus itself adds. */
void recording_add(struct recording *recording, const char *sample, double value);

/* FAILs unless promtool finds these alerts firing at the end and no others: names separated by
 * blanks, "" for none. Alerts that a busy machine can cause may fire in addition. */
void recording_check(const struct recording *recording, const char *firing);

#endif
