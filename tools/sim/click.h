/*
 * The probability of a click. It depends on nothing but what a request contains: the order and type
 * of its events, the search words, hour, weekday, device and place, and the ad's title. So the best
 * reachable AUC and log loss are those of the probability itself. Pure.
 */
#ifndef TOOLS_SIM_CLICK_H
#define TOOLS_SIM_CLICK_H

#include "tools/sim/visit.h"

/* Its logit, for any item of the world, shown in the visit or not. */
double sim_click_logit(const struct sim_visit *visit, const struct sim_item *item);

#endif
