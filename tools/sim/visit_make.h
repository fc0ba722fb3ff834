/* Draws visits of the click log from the world. Pure. */
#ifndef TOOLS_SIM_VISIT_MAKE_H
#define TOOLS_SIM_VISIT_MAKE_H

#include "tools/sim/visit.h"

/* Parts of the click log. Train and calibration share no shopper with evaluation, and no item is
 * new in SIM_WARM; every item is new in SIM_EVAL. */
enum sim_part { SIM_TRAIN, SIM_CALIB, SIM_EVAL, SIM_WARM, SIM_REPLAY, SIM_PARTS };

/* Draws visit `index` of a part: equal arguments give equal visits, whatever was drawn before. The
 * struct may be used again and keeps its memory. */
void sim_visit_make(struct sim_visit *visit, const struct sim_world *world, enum sim_part part,
                    uint64_t index);

#endif
