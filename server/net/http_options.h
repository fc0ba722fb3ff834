/* Section "http": the public listener, its threads and connections. */
#ifndef SERVER_NET_HTTP_OPTIONS_H
#define SERVER_NET_HTTP_OPTIONS_H

#include "base/option.h"

struct http_options {
    const char *address;
    int64_t workers, backlog, max_connections, max_body_bytes, memory_bytes;
    int64_t first_byte_ms, head_ms, body_ms, idle_ms, write_ms, drain_grace_ms, drain_max_ms;
};

extern const struct option_section http_section;

#endif
