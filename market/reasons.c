/* Names of the reasons. */
#include "market/reasons.h"

const char *const filtered_reason_names[FILTERED_REASONS + 1] = {
    [FILTERED_UNKNOWN] = "unknown",     [FILTERED_INACTIVE] = "inactive",
    [FILTERED_DUPLICATE] = "duplicate", [FILTERED_FLOOR] = "floor",
    [FILTERED_BLOCKED] = "blocked",     [FILTERED_CURRENCY] = "currency",
    [FILTERED_NO_BID] = "no_bid",       [FILTERED_NO_CVR] = "no_cvr",
};
