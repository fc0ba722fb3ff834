/* The rows of section "features". */
#include "server/store/redis_options.h"

#include "server/store/store_url.h"

#define INT(member_, min_, max_) OPTION_ROW_INT(redis_options, member_, min_, max_)
#define STRING(member_) OPTION_ROW_STRING(redis_options, member_)
#define SECRET(member_) OPTION_ROW_SECRET(redis_options, member_)

static int check_redis_url(const char *text, struct err *err)
{
    struct redis_url url;

    return store_url_parse(text, &url, err);
}

/* clang-format off */
static const struct option_row rows[] = {
    {STRING(url), .fallback = "null", .nullable = true, .check = check_redis_url, .help = "redis://host:port or unix:/path; null: stored behaviour is not read"},
    {STRING(user), .fallback = "null", .nullable = true, .help = "for AUTH with an access list"},
    {SECRET(password), .fallback = "null", .help = "for AUTH"},
    {INT(database, 0, 1048576), .fallback = "0", .help = "for SELECT"},
    {INT(timeout_ms, 1, OPTION_MINUTE_MS), .fallback = "5", .help = "a reply that is later is not waited for; the answer is degraded"},
    {INT(connect_ms, 1, OPTION_MINUTE_MS), .fallback = "200", .help = "for connecting and authenticating"},
    {INT(max_in_flight, 1, STORE_MAX_IN_FLIGHT), .fallback = "256", .help = "requests of one worker that may wait for Redis"},
};
/* clang-format on */

const struct option_section redis_section = OPTION_SECTION("features", rows);
