/* The formula for each type of bid. */
#include "impression/ecpm.h"

double ecpm_of(enum bid_type type, double bid, double pctr, double pcvr)
{
    switch (type) {
    case BID_CPM:
        return bid;
    case BID_CPC:
        return 1000 * pctr * bid;
    case BID_CPA:
        return 1000 * pctr * pcvr * bid;
    case BID_TYPES:
        break;
    }
    return 0;
}
