/* The rows of section "catalog". */
#include "impression/catalog_options.h"

#define INT(member_, min_, max_) OPTION_ROW_INT(catalog_options, member_, min_, max_)
#define PATH(member_) OPTION_ROW_PATH(catalog_options, member_)

/* clang-format off */
static const struct option_row rows[] = {
    {PATH(path), .fallback = "\"demo/catalog.jsonl\"", .help = "ads, one JSON object a line"},
    {INT(min_ads, 0, INT32_MAX), .fallback = "1", .help = "a catalog of fewer ads is refused (exit 65, reload 422); 0 allows an empty one"},
    {INT(max_bytes, 1024, 1024 * OPTION_GIB), .fallback = "1073741824", .help = "a longer file is refused before it is read; memory is some four times as much"},
};
/* clang-format on */

const struct option_section catalog_section = OPTION_SECTION("catalog", rows);
