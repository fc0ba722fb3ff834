/* The rows of section "rank". */
#include "market/rank_options.h"

#include <string.h>

#define INT(member_, min_, max_) OPTION_ROW_INT(rank_options, member_, min_, max_)
#define STRING(member_) OPTION_ROW_STRING(rank_options, member_)
#define CHOICE(member_, choices_) OPTION_ROW_CHOICE(rank_options, member_, choices_)

static const char *const uniques[] = {"imp", "request", NULL};

/* The alphabetic codes of ISO 4217. */
static int check_currency(const char *text, struct err *err)
{
    if (strlen(text) == 3 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3)
        return 0;
    return err_set(err, ERR_CONFIG, "must be a currency's three capital letters (ISO 4217)");
}

/* clang-format off */
static const struct option_row rows[] = {
    {STRING(currency), .fallback = "\"USD\"", .check = check_currency, .help = "of bids and floors: three capital letters, ISO 4217"},
    {INT(top_n, 1, 1000), .fallback = "3", .help = "ads per impression where the request does not say"},
    {INT(max_top_n, 1, 1000), .fallback = "50", .help = "more is answered 422"},
    {INT(max_candidates, 1, 4096), .fallback = "200", .help = "of a request; more is answered 422, a catalog is cut to it"},
    {INT(max_imps, 1, 256), .fallback = "16", .help = "of a request; of more the first ones are answered"},
    {INT(max_behaviour, 0, 4096), .fallback = "100", .help = "newest events that are used, sent and stored together"},
    {CHOICE(unique, uniques), .fallback = "\"imp\"", .help = "an ad at most once per impression, or once per request"},
};
/* clang-format on */

const struct option_section rank_section = OPTION_SECTION("rank", rows);
