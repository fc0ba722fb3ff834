/*
 * Section "admin": the listener for operators.
 * Its room is above this one, which embeds the struct.
 */
#ifndef SERVER_WORLD_ADMIN_OPTIONS_H
#define SERVER_WORLD_ADMIN_OPTIONS_H

#include "base/option.h"

struct admin_options {
    const char *address;
    int64_t stall_ms;
};

extern const struct option_section admin_section;

#endif
