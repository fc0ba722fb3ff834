/* References to a world and to the parts that worlds share. */
#include "server/world/world.h"

#include <stdlib.h>

#include "server/world/config_read.h"

static void world_ads_unref(struct world_ads *ads)
{
    if (!ads || atomic_fetch_sub_explicit(&ads->refs, 1, memory_order_acq_rel) != 1)
        return;
    encoded_ads_free(ads->encoded);
    free(ads);
}

static void world_model_release(struct world_model *model)
{
    served_model_unref(model->served);
    world_ads_unref(model->ads);
    model_unref(model->model);
}

static void world_eligible_unref(struct world_eligible *eligible)
{
    if (!eligible || atomic_fetch_sub_explicit(&eligible->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < eligible->n_workers; i++)
        eligible_ads_free(eligible->of_worker[i]);
    free(eligible);
}

struct world *world_ref(struct world *world)
{
    atomic_fetch_add_explicit(&world->refs, 1, memory_order_relaxed);
    return world;
}

void world_unref(struct world *world)
{
    if (!world || atomic_fetch_sub_explicit(&world->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < world->n_models; i++)
        world_model_release(&world->models[i]);
    world_eligible_unref(world->eligible);
    catalog_unref(world->catalog);
    config_unref(world->config);
    free(world->letters);
    free(world);
}
