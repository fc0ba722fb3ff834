/*
 * The features that two simple baselines extract from an ad in a visit. Pure.
 *
 * ids: the ad, its category, the category with hour, device and country, and each item of the
 * history with the ad. No text. words: the words of the title, and each word of the history or the
 * search with each word of the title. No ids.
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
