/* Section "batch": how much one batch holds, and how many jobs may wait. */
#ifndef SERVER_BATCH_EXECUTOR_OPTIONS_H
#define SERVER_BATCH_EXECUTOR_OPTIONS_H

#include "base/option.h"

#define BATCH_MAX_QUEUE 4096 /* upper bound of batch.max_queue */
#define BATCH_MAX_JOBS 512   /* of one batch */

struct executor_options {
    int64_t max_tokens, max_queue;
    int64_t hang_ms; /* 0: no batch counts as hung */
};

extern const struct option_section executor_section;

#endif
