/* The demo's sample impressions, and how their answers are shown. */
#ifndef TOOLS_DEMO_SAMPLE_H
#define TOOLS_DEMO_SAMPLE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct sample {
    const char *title; /* printed above the table */
    const char *body;  /* of POST /rank */
};

extern const struct sample samples[];
extern const int n_samples;

/* Stored behaviour of the samples' shoppers as input lines of adrank-history put, its times counted
 * back from now_ms. */
void sample_histories(struct buf *out, int64_t now_ms);

/* Sends it and prints the ranked ads as a table. */
int sample_show(const struct sample *sample, const char *address, struct err *err) MUST_CHECK;

/* The curl line that does the same by hand. */
void sample_curl(const struct sample *sample, const char *address);

#endif
