/* The rows of section "log". */
#include "server/world/log_options.h"

#define INT(member_, min_, max_) OPTION_ROW_INT(log_options, member_, min_, max_)
#define SHARE(member_) OPTION_ROW_SHARE(log_options, member_)
#define PATH(member_) OPTION_ROW_PATH(log_options, member_)
#define CHOICE(member_, choices_) OPTION_ROW_CHOICE(log_options, member_, choices_)

static const char *const levels[] = {"debug", "info", "warn", "error", NULL};

/* clang-format off */
static const struct option_row rows[] = {
    {CHOICE(level, levels), .fallback = "\"info\"", .help = "lowest level that is logged"},
    {SHARE(sample), .fallback = "0", .help = "share of requests that are logged; slow and degraded ones always are"},
    {INT(slow_ms, 0, OPTION_MINUTE_MS), .fallback = "100", .help = "requests that take longer are logged"},
    {PATH(impressions), .fallback = "null", .nullable = true, .help = "file for answered requests in the trainer's format; null: none"},
    {SHARE(impressions_sample), .fallback = "1", .help = "share of requests written to log.impressions"},
};
/* clang-format on */

const struct option_section log_section = OPTION_SECTION("log", rows);
