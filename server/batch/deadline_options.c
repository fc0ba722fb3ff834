/* The rows of section "deadline". */
#include "server/batch/deadline_options.h"

#define INT(member_, min_, max_) OPTION_ROW_INT(deadline_options, member_, min_, max_)
#define CHOICE(member_, choices_) OPTION_ROW_CHOICE(deadline_options, member_, choices_)

static const char *const late_answers[] = {"prior", "empty", "reject", NULL};

/* clang-format off */
static const struct option_row rows[] = {
    {INT(default_ms, 1, OPTION_MINUTE_MS), .fallback = "50", .help = "budget of a request without tmax"},
    {INT(max_ms, 1, OPTION_MINUTE_MS), .fallback = "200", .help = "most that a tmax may ask for"},
    {INT(network_ms, 0, OPTION_MINUTE_MS), .fallback = "5", .help = "taken off a tmax for the way there and back"},
    {INT(min_ms, 0, OPTION_MINUTE_MS), .fallback = "5", .help = "deadlines are not ordered finer than this, so that a tiny tmax starves nobody"},
    {INT(reserve_us, 0, 1000000), .fallback = "500", .help = "kept free between the end of a batch and the earliest deadline in it"},
    {INT(encode_reserve_us, 0, 1000000), .fallback = "1000", .help = "on_late answers this long before the deadline"},
    {CHOICE(on_late, late_answers), .fallback = "\"prior\"", .help = "what a request gets that cannot be answered in time: prior bids on a guessed rate, empty, reject is 503"},
};
/* clang-format on */

const struct option_section deadline_section = OPTION_SECTION("deadline", rows);
