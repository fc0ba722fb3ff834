/* Makes the items; titles are unique within a bucket. */
#include "tools/sim/world.h"

#include <stdlib.h>

#include "tools/sim/title.h"

enum { TRIES = 200 }; /* to find an unused title; a bucket has thousands */

void sim_rng(struct rng *rng, uint64_t seed, uint64_t kind, uint64_t index)
{
    struct rng outer;
    rng_init(&outer, seed * 64 + kind);
    rng_init(rng, rng_u64(&outer) + index * UINT64_C(0x9e3779b97f4a7c15));
}

static int bucket_of(const struct sim_meaning *meaning)
{
    return (meaning->topic * SIM_CATEGORIES + meaning->category) * SIM_LANGS + (int)meaning->lang;
}

static struct sim_meaning meaning_of(int bucket)
{
    return (struct sim_meaning){
        .category = bucket / SIM_LANGS % SIM_CATEGORIES,
        .topic = bucket / SIM_LANGS / SIM_CATEGORIES,
        .lang = (enum sim_lang)(bucket % SIM_LANGS),
    };
}

enum sim_pool sim_item_pool(int item)
{
    int rank = item / SIM_BUCKETS;
    return rank % 8 == 7 ? SIM_POOL_EVAL : rank % 8 == 3 ? SIM_POOL_CALIB : SIM_POOL_TRAIN;
}

static bool is_taken(const struct sim_world *world, int item, struct view title)
{
    for (int other = item % SIM_BUCKETS; other < item; other += SIM_BUCKETS) {
        if (view_eq(world->items[other].title, title))
            return true;
    }
    return false;
}

static bool make_item(struct sim_world *world, int i, struct rng *rng, struct buf *text)
{
    struct sim_item *item = &world->items[i];

    item->meaning = meaning_of(i % SIM_BUCKETS);
    for (int try = 0; try < TRIES; try++) {
        buf_clear(text);
        item->offer_effect = sim_title(&item->meaning, rng, text);
        if (!is_taken(world, i, buf_view(text)))
            break;
    }
    item->title = arena_copy(&world->arena, buf_view(text));
    if (rng_below(rng, 2) == 0) {
        const struct lexicon *lexicon = lexicon_of(item->meaning.lang);
        item->desc = lexicon_pick(lexicon->categories[item->meaning.category].traits, rng);
    }
    return item->title.ptr != NULL;
}

struct sim_world *sim_world_new(uint64_t seed)
{
    struct sim_world *world = calloc(1, sizeof(*world));
    struct buf text = BUF_INIT;
    struct rng rng;
    bool ok = world != NULL;

    if (!ok)
        return NULL;
    world->seed = seed;
    arena_init(&world->arena, 1 << 16, 0);
    sim_rng(&rng, seed, 0, 0);
    for (int i = 0; ok && i < SIM_ITEMS; i++)
        ok = make_item(world, i, &rng, &text);
    buf_release(&text);
    if (!ok) {
        sim_world_free(world);
        return NULL;
    }
    return world;
}

void sim_world_free(struct sim_world *world)
{
    if (!world)
        return;
    arena_release(&world->arena);
    free(world);
}

int sim_world_pick(const struct sim_meaning *meaning, enum sim_pool pool, struct rng *rng)
{
    for (;;) {
        int item = (int)rng_below(rng, SIM_RANKS) * SIM_BUCKETS + bucket_of(meaning);
        if (pool == SIM_POOL_ALL || sim_item_pool(item) == pool)
            return item;
    }
}

struct sim_meaning sim_meaning_random(enum sim_lang lang, struct rng *rng)
{
    return (struct sim_meaning){
        .category = (int)rng_below(rng, SIM_CATEGORIES),
        .topic = (int)rng_below(rng, SIM_TOPICS),
        .lang = lang,
    };
}
