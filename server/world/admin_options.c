/* The rows of section "admin". */
#include "server/world/admin_options.h"

#include "server/net/address.h"

#define INT(member_, min_, max_) OPTION_ROW_INT(admin_options, member_, min_, max_)
#define STRING(member_) OPTION_ROW_STRING(admin_options, member_)

/* clang-format off */
static const struct option_row rows[] = {
    {STRING(address), .fallback = "\"127.0.0.1:8081\"", .restart = true, .check = address_check, .help = "address of health, metrics and reload"},
    {INT(stall_ms, 10, 10 * OPTION_MINUTE_MS), .fallback = "2000", .help = "/livez fails when a heartbeat is older than this"},
};
/* clang-format on */

const struct option_section admin_section = OPTION_SECTION("admin", rows);
