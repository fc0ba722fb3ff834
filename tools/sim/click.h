/*
 * The probability of a click. It is a function of what the request says and of nothing else: the
 * events it carries by order and type, the words searched for, hour, day, device and place, and the
 * ad's title. So the best reachable AUC and log loss are those of the probability itself. Pure.
 */
#ifndef TOOLS_SIM_CLICK_H
#define TOOLS_SIM_CLICK_H

#include "tools/sim/visit.h"

/* Its logit, for any item of the world. The visit's shown ads are not read. */
double sim_click_logit(const struct sim_visit *visit, const struct sim_item *item);

#endif
