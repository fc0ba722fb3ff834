/*
 * A visit: one impression opportunity of one shopper with the ads that were shown, the true
 * probability of a click on each (click.h), and the click that was drawn from it.
 */
#ifndef TOOLS_SIM_VISIT_H
#define TOOLS_SIM_VISIT_H

#include "tools/sim/shopper.h"

#define SIM_SHOWN 12  /* ads of a visit */
#define SIM_HISTORY 8 /* events of a visit at most */

struct sim_visit {
    struct sim_shopper shopper;
    int64_t now_ms;
    int first_event, n_events; /* of the shopper's, oldest first */
    bool has_search;
    struct sim_meaning search;
    struct buf search_words;
    const char *domain, *tagid;
    int shown[SIM_SHOWN]; /* items */
    double p[SIM_SHOWN];
    bool click[SIM_SHOWN], conversion[SIM_SHOWN];
};

#define SIM_VISIT_INIT ((struct sim_visit){.shopper = SIM_SHOPPER_INIT, .search_words = BUF_INIT})

void sim_visit_release(struct sim_visit *visit);

/* Local hour 0..23 and weekday (0 is Sunday) of the visit. */
int sim_visit_hour(const struct sim_visit *visit);
int sim_visit_weekday(const struct sim_visit *visit);

#endif
