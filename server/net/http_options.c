/* The rows of section "http". */
#include "server/net/http_options.h"

#include "server/net/address.h"

#define INT(member_, min_, max_) OPTION_ROW_INT(http_options, member_, min_, max_)
#define STRING(member_) OPTION_ROW_STRING(http_options, member_)

/* clang-format off */
static const struct option_row rows[] = {
    {STRING(address), .fallback = "\"127.0.0.1:8080\"", .restart = true, .check = address_check, .help = "where /rank is served: host:port, [v6]:port, *:port for all addresses, or unix:/path; port 0 takes a free one"},
    {INT(workers, 1, 64), .fallback = "1", .restart = true, .help = "threads that read, decode and answer requests"},
    {INT(backlog, 1, 65535), .fallback = "1024", .help = "connections the kernel may hold before they are accepted"},
    {INT(max_connections, 1, 1000000), .fallback = "10000", .help = "beyond it the connection that has been idle longest is closed; 503 where none is idle"},
    {INT(max_body_bytes, 1024, 16777216), .fallback = "262144", .help = "a longer body is answered 413"},
    {INT(memory_bytes, 262144, 64 * OPTION_GIB), .fallback = "134217728", .alias = "body_memory_bytes", .help = "all that requests hold: bodies, what is made of them, answers that are not taken; beyond it 503, large ones first; http.body_memory_bytes is an older name of it"},
    {INT(first_byte_ms, 1, 60 * OPTION_MINUTE_MS), .fallback = "5000", .help = "a new connection without a byte is closed after this, or after idle_ms if that is less"},
    {INT(head_ms, 1, OPTION_MINUTE_MS), .fallback = "2000", .help = "a head is complete within this from its first byte, else 408"},
    {INT(body_ms, 1, 10 * OPTION_MINUTE_MS), .fallback = "5000", .help = "a body is complete within this from the end of its head, else 408"},
    {INT(idle_ms, 1, 60 * OPTION_MINUTE_MS), .fallback = "75000", .help = "an idle keep-alive connection is closed after this"},
    {INT(write_ms, 1, 10 * OPTION_MINUTE_MS), .fallback = "5000", .help = "an answer that is not taken within this is cut"},
    {INT(drain_grace_ms, 0, 10 * OPTION_MINUTE_MS), .fallback = "5000", .help = "draining: new connections are still accepted for this long"},
    {INT(drain_max_ms, 0, 60 * OPTION_MINUTE_MS), .fallback = "25000", .help = "draining: connections that are left after this are cut"},
};
/* clang-format on */

const struct option_section http_section = OPTION_SECTION("http", rows);
