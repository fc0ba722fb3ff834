/* The rows of section "features", and the check of its URL. */
#include "server/store/redis_options.h"

#define INT(member_, min_, max_) OPTION_ROW_INT(redis_options, member_, min_, max_)
#define STRING(member_) OPTION_ROW_STRING(redis_options, member_)
#define SECRET(member_) OPTION_ROW_SECRET(redis_options, member_)

#define FORMS "must be redis://host:port or unix:/path"

int redis_options_url(const char *text, struct redis_url *out, struct err *err)
{
    struct err why;

    if (redis_url_parse(text, out, &why))
        return err_set(err, ERR_CONFIG, FORMS ": %s", why.text);
    if (out->has_login || out->has_db)
        return err_set(err, ERR_CONFIG, FORMS "; user, password and database are separate options");
    return 0;
}

static int check_redis_url(const char *text, struct err *err)
{
    struct redis_url url;

    return redis_options_url(text, &url, err);
}

/* clang-format off */
static const struct option_row rows[] = {
    {STRING(url), .fallback = "null", .nullable = true, .check = check_redis_url, .help = "redis://host:port or unix:/path; null: stored behaviour is not read"},
    {STRING(user), .fallback = "null", .nullable = true, .help = "user for AUTH (Redis ACL)"},
    {SECRET(password), .fallback = "null", .help = "password for AUTH"},
    {INT(database, 0, 1048576), .fallback = "0", .help = "database number for SELECT"},
    {INT(timeout_ms, 1, OPTION_MINUTE_MS), .fallback = "5", .help = "maximum wait for a reply; without it the answer is degraded"},
    {INT(connect_ms, 1, OPTION_MINUTE_MS), .fallback = "200", .help = "maximum time to connect and authenticate"},
    {INT(max_in_flight, 1, STORE_MAX_IN_FLIGHT), .fallback = "256", .help = "maximum requests of one worker that wait for Redis"},
};
/* clang-format on */

const struct option_section redis_section = OPTION_SECTION("features", rows);
