/* Section "batch": how much one batch holds, and how many jobs may wait. */
#ifndef SERVER_BATCH_EXECUTOR_OPTIONS_H
#define SERVER_BATCH_EXECUTOR_OPTIONS_H

#include "base/option.h"

#define BATCH_MAX_QUEUE 4096 /* upper bound of batch.max_queue */
#define BATCH_MAX_JOBS 512   /* of one batch */

struct executor_options {
    int64_t max_tokens; /* 0: what the device's caps say, until executor_options_settle */
    int64_t max_queue;
    int64_t hang_ms; /* 0: no batch counts as hung */
};

extern const struct option_section executor_section;

struct device_caps;

/* Puts the device's choice where the options leave it to the device. */
void executor_options_settle(struct executor_options *options, const struct device_caps *caps);

#endif
