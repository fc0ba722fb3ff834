/* Section "batch": how much the executor takes at once, and how much may wait. */
#ifndef SERVER_BATCH_EXECUTOR_OPTIONS_H
#define SERVER_BATCH_EXECUTOR_OPTIONS_H

#include "base/option.h"

struct executor_options {
    int64_t max_tokens, max_queue;
};

extern const struct option_section executor_section;

#endif
