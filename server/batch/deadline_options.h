/*
 * Section "deadline": how long a request may take.
 * The gate plans with it, and the request's steps.
 */
#ifndef SERVER_BATCH_DEADLINE_OPTIONS_H
#define SERVER_BATCH_DEADLINE_OPTIONS_H

#include "base/option.h"

enum on_late { ON_LATE_PRIOR, ON_LATE_EMPTY, ON_LATE_REJECT };

struct deadline_options {
    int64_t default_ms, max_ms, network_ms, min_ms, reserve_us, encode_reserve_us;
    int on_late; /* enum on_late */
};

extern const struct option_section deadline_section;

#endif
