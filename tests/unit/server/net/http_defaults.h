/* Listener options for socket tests: the defaults, on a free port. */
#ifndef TESTS_HTTP_DEFAULTS_H
#define TESTS_HTTP_DEFAULTS_H

#include "server/net/http_options.h"

static const struct http_options http_defaults = {.address = "127.0.0.1:0",
                                                  .workers = 2,
                                                  .backlog = 1024,
                                                  .max_connections = 10000,
                                                  .max_body_bytes = 262144,
                                                  .memory_bytes = 134217728,
                                                  .first_byte_ms = 5000,
                                                  .head_ms = 2000,
                                                  .body_ms = 5000,
                                                  .idle_ms = 75000,
                                                  .write_ms = 5000,
                                                  .drain_grace_ms = 5000,
                                                  .drain_max_ms = 25000};

#endif
