/* Names of enums as used in JSON. */
#include "adrank/impression.h"

const char *const behaviour_type_names[BEHAVIOUR_TYPES] = {
    [BEHAVIOUR_VIEW] = "view", [BEHAVIOUR_CLICK] = "click",   [BEHAVIOUR_CART] = "cart",
    [BEHAVIOUR_BUY] = "buy",   [BEHAVIOUR_SEARCH] = "search",
};

const char *const bid_type_names[BID_TYPES] = {
    [BID_CPM] = "cpm",
    [BID_CPC] = "cpc",
    [BID_CPA] = "cpa",
};
