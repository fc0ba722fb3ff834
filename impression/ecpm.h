/* Expected revenue per thousand impressions (CONTRACT 3). Pure. */
#ifndef IMPRESSION_ECPM_H
#define IMPRESSION_ECPM_H

#include "adrank/impression.h"

/* bid for cpm, 1000 pctr bid for cpc, 1000 pctr pcvr bid for cpa, where pcvr is the rate of
 * conversions per click. */
double ecpm_of(enum bid_type type, double bid, double pctr, double pcvr);

#endif
