/*
 * What two simple baselines see in an ad of a visit. Pure.
 *
 * By ids: the ad, its category, hour, device and country with the category, and the pairs of a
 * history's item and the ad. No text. By words: every pair of a word of the history or the search
 * and a word of the title, and the title's words. No ids.
 */
#ifndef TOOLS_SIM_BASELINES_H
#define TOOLS_SIM_BASELINES_H

#include "tools/sim/hashed.h"
#include "tools/sim/visit.h"

typedef void (*sim_baseline_fn)(const struct sim_world *world, const struct sim_visit *visit,
                                int item, struct sim_features *out);

void sim_baseline_ids(const struct sim_world *world, const struct sim_visit *visit, int item,
                      struct sim_features *out);
void sim_baseline_words(const struct sim_world *world, const struct sim_visit *visit, int item,
                        struct sim_features *out);

#endif
