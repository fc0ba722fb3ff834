/* The rows of section "http". */
#include "server/net/http_options.h"

#include "server/net/address.h"

#define INT(member_, min_, max_) OPTION_ROW_INT(http_options, member_, min_, max_)
#define STRING(member_) OPTION_ROW_STRING(http_options, member_)

/* clang-format off */
static const struct option_row rows[] = {
    {STRING(address), .fallback = "\"127.0.0.1:8080\"", .restart = true, .check = address_check, .help = "address of /rank: host:port, [v6]:port, *:port for all addresses, or unix:/path; port 0 picks a free one"},
    {INT(workers, 1, 64), .fallback = "1", .restart = true, .help = "threads that read, decode and answer requests"},
    {INT(backlog, 1, 65535), .fallback = "1024", .help = "maximum connections queued by the kernel before they are accepted"},
    {INT(max_connections, 1, 1000000), .fallback = "10000", .help = "maximum open connections; beyond it the longest idle one is closed, or 503 if none is idle"},
    {INT(max_body_bytes, 1024, 16777216), .fallback = "262144", .help = "maximum request body; a longer one is answered 413"},
    {INT(memory_bytes, 262144, 64 * OPTION_GIB), .fallback = "134217728", .alias = "body_memory_bytes", .help = "maximum memory that requests hold: bodies, what is built from them, unread answers; beyond it 503, large requests first; http.body_memory_bytes is its older name"},
    {INT(first_byte_ms, 1, 60 * OPTION_MINUTE_MS), .fallback = "5000", .help = "a new connection that sends nothing is closed after this, or after idle_ms if that is less"},
    {INT(head_ms, 1, OPTION_MINUTE_MS), .fallback = "2000", .help = "maximum time from the first byte of a request to the end of its head, else 408"},
    {INT(body_ms, 1, 10 * OPTION_MINUTE_MS), .fallback = "5000", .help = "maximum time from the end of the head to the end of the body, else 408"},
    {INT(idle_ms, 1, 60 * OPTION_MINUTE_MS), .fallback = "75000", .help = "an idle keep-alive connection is closed after this"},
    {INT(write_ms, 1, 10 * OPTION_MINUTE_MS), .fallback = "5000", .help = "maximum time a client may take to read an answer, else the connection is cut"},
    {INT(drain_grace_ms, 0, 10 * OPTION_MINUTE_MS), .fallback = "5000", .help = "how long new connections are still accepted while draining"},
    {INT(drain_max_ms, 0, 60 * OPTION_MINUTE_MS), .fallback = "25000", .help = "connections still open after draining this long are cut"},
};
/* clang-format on */

const struct option_section http_section = OPTION_SECTION("http", rows);
