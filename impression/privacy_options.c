/* The rows of section "privacy". */
#include "impression/privacy_options.h"

#define SECRET(member_) OPTION_ROW_SECRET(privacy_options, member_)

/* clang-format off */
static const struct option_row rows[] = {
    {SECRET(user_key), .fallback = "null", .help = "key of the HMAC that turns user ids into the names of stored behaviour"},
};
/* clang-format on */

const struct option_section privacy_section = OPTION_SECTION("privacy", rows);
