/*
 * Section "log": what is logged.
 * Requests are logged by a room above this one, which embeds the struct.
 */
#ifndef SERVER_WORLD_LOG_OPTIONS_H
#define SERVER_WORLD_LOG_OPTIONS_H

#include "base/option.h"

struct log_options {
    int level;     /* enum log_level */
    double sample; /* share of requests that get a wide line */
    int64_t slow_ms;
    const char *impressions; /* NULL: none written */
    double impressions_sample;
};

extern const struct option_section log_section;

#endif
