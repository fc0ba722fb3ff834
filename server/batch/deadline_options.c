/* The rows of section "deadline". */
#include "server/batch/deadline_options.h"

#define INT(member_, min_, max_) OPTION_ROW_INT(deadline_options, member_, min_, max_)
#define CHOICE(member_, choices_) OPTION_ROW_CHOICE(deadline_options, member_, choices_)

static const char *const late_answers[] = {"prior", "empty", "reject", NULL};

/* clang-format off */
static const struct option_row rows[] = {
    {INT(default_ms, 1, OPTION_MINUTE_MS), .fallback = "50", .help = "budget of a request without tmax"},
    {INT(max_ms, 1, OPTION_MINUTE_MS), .fallback = "200", .help = "maximum budget a tmax may request"},
    {INT(network_ms, 0, OPTION_MINUTE_MS), .fallback = "5", .help = "subtracted from tmax for the network round trip"},
    {INT(min_ms, 0, OPTION_MINUTE_MS), .fallback = "5", .help = "deadlines closer than this count as equal, so that a tiny tmax cannot starve other requests"},
    {INT(reserve_us, 0, 1000000), .fallback = "500", .help = "time kept free between the end of a batch and the earliest deadline in it"},
    {INT(encode_reserve_us, 0, 1000000), .fallback = "1000", .help = "how long before the deadline on_late answers"},
    {CHOICE(on_late, late_answers), .fallback = "\"prior\"", .help = "answer to a request that cannot meet its deadline: prior (ranked by prior rates), empty, or reject (503)"},
};
/* clang-format on */

const struct option_section deadline_section = OPTION_SECTION("deadline", rows);
