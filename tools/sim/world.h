/*
 * struct sim_world: the shop. Items come in buckets of one topic and one language; an item's
 * position in its bucket (its rank) determines its use, so that "never seen in training" is a
 * property of the item:
 *
 *     rank % 8 == 7   for evaluation only
 *     rank % 8 == 3   for calibration only
 *     others          for training
 *
 * The first SIM_CATALOG items are the catalog, new ones among them; the others are ads that have
 * run before. Immutable once made; the same seed makes the same world everywhere.
 */
#ifndef TOOLS_SIM_WORLD_H
#define TOOLS_SIM_WORLD_H

#include "base/arena.h"
#include "tools/sim/lexicon.h"

#define SIM_RANKS 36 /* items of a bucket */
#define SIM_BUCKETS (SIM_CATEGORIES * SIM_TOPICS * SIM_LANGS)
#define SIM_ITEMS (SIM_RANKS * SIM_BUCKETS)
#define SIM_CATALOG 1000
#define SIM_NOW_MS INT64_C(1790000000000) /* when the world's last log line was written */

struct sim_item {
    struct sim_meaning meaning;
    double offer_effect; /* of the offer in its title, on the logit */
    struct view title;   /* unique in the world */
    struct view desc;    /* may be empty */
};

/* Which items a part of the log may show. */
enum sim_pool { SIM_POOL_TRAIN, SIM_POOL_CALIB, SIM_POOL_EVAL, SIM_POOL_ALL };

struct sim_world {
    uint64_t seed;
    struct arena arena;
    struct sim_item items[SIM_ITEMS];
};

/* NULL when out of memory. */
struct sim_world *sim_world_new(uint64_t seed);
void sim_world_free(struct sim_world *world);

enum sim_pool sim_item_pool(int item);
/* A random item of that meaning and pool. */
int sim_world_pick(const struct sim_meaning *meaning, enum sim_pool pool, struct rng *rng);
/* A random topic of a random category, in lang. */
struct sim_meaning sim_meaning_random(enum sim_lang lang, struct rng *rng);
/* A generator for one purpose; equal arguments give equal numbers. */
void sim_rng(struct rng *rng, uint64_t seed, uint64_t kind, uint64_t index);

#endif
