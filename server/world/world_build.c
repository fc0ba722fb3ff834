#include "server/world/world_build.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"

static uint64_t file_stamp(const char *path)
{
    struct stat st;

    if (stat(path, &st))
        return 0;
    return ((uint64_t)st.st_mtim.tv_sec * 1000000007u) ^ (uint64_t)st.st_mtim.tv_nsec ^
           ((uint64_t)st.st_size << 20) ^ ((uint64_t)st.st_ino << 40);
}

void world_plan_init(struct world_plan *plan, const struct world *running,
                     const struct config *next)
{
    const struct config *old = running ? running->config : NULL;

    *plan = (struct world_plan){
        .catalog_stamp = file_stamp(next->catalog.path),
        .model_stamp = model_dir_stamp(next->model.path),
    };
    plan->new_catalog = !running || strcmp(old->catalog.path, next->catalog.path) != 0 ||
                        running->catalog_stamp != plan->catalog_stamp;
    plan->new_model = !running || strcmp(old->model.path, next->model.path) != 0 ||
                      running->model_stamp != plan->model_stamp;
    plan->new_engines = plan->new_model || old->model.precision != next->model.precision ||
                        old->batch.max_tokens < next->batch.max_tokens;
}

static int open_catalog(struct world *world, const struct world_build_args *args, struct err *err)
{
    if (!args->plan->new_catalog) {
        world->catalog = catalog_ref(args->running->catalog);
        return 0;
    }
    return catalog_open(args->config->catalog.path, args->problems, &world->catalog, err);
}

/* The number of workers changes with a restart only. */
static int list_eligible(struct world *world, const struct world_build_args *args, struct err *err)
{
    const int n = (int)args->config->http.workers;
    struct eligible_ads **list;

    if (!args->plan->new_catalog) {
        world->eligible = args->running->eligible;
        atomic_fetch_add(&world->eligible->refs, 1);
        return 0;
    }
    world->eligible = calloc(1, sizeof(*world->eligible) + (size_t)n * sizeof(*list));
    if (!world->eligible)
        return err_set(err, ERR_NOMEM, "catalog: out of memory");
    atomic_init(&world->eligible->refs, 1);
    world->eligible->n_workers = n;
    list = world->eligible->of_worker;
    if (eligible_ads_new(world->catalog, clock_wall_ms(), &list[0], err))
        return -1;
    for (int i = 1; i < n; i++) {
        list[i] = eligible_ads_copy(list[0]);
        if (!list[i])
            return err_set(err, ERR_NOMEM, "catalog: out of memory");
    }
    return 0;
}

static int open_model(struct world *world, const struct world_build_args *args, struct err *err)
{
    if (!args->plan->new_model) {
        world->model = model_ref(args->running->model);
        return 0;
    }
    return model_open(args->config->model.path, &world->model, err);
}

static int encode_ads(struct world *world, const struct world_build_args *args, struct err *err)
{
    if (!args->plan->new_catalog && !args->plan->new_model) {
        world->ads = args->running->ads;
        atomic_fetch_add(&world->ads->refs, 1);
        return 0;
    }
    world->ads = calloc(1, sizeof(*world->ads));
    if (!world->ads)
        return err_set(err, ERR_NOMEM, "catalog: out of memory");
    atomic_init(&world->ads->refs, 1);
    return encoded_ads_new(world->model, world->catalog, args->stop, &world->ads->encoded, err);
}

static int open_engines(struct world *world, const struct world_build_args *args, struct err *err)
{
    const struct config *config = args->config;

    if (!args->plan->new_engines) {
        world->served = served_model_ref(args->running->served);
        return 0;
    }
    return served_model_open(
        &(struct served_model_args){.model = world->model,
                                    .precision = (enum precision)config->model.precision,
                                    .primary = args->executor,
                                    .max_batch_tokens = (int)config->batch.max_tokens},
        &world->served, err);
}

static int go_on(const struct world_build_args *args, struct err *err)
{
    return atomic_load(args->stop) ? err_set(err, ERR_UNAVAILABLE, "stopping") : 0;
}

int world_build(const struct world_build_args *args, struct world **out, struct err *err)
{
    struct world *world = calloc(1, sizeof(*world));

    if (!world)
        return err_set(err, ERR_NOMEM, "world: out of memory");
    atomic_init(&world->refs, 1);
    world->generation = args->running ? args->running->generation + 1 : 1;
    world->catalog_stamp = args->plan->catalog_stamp;
    world->model_stamp = args->plan->model_stamp;
    if (go_on(args, err) || open_catalog(world, args, err) || list_eligible(world, args, err) ||
        go_on(args, err) || open_model(world, args, err) || encode_ads(world, args, err) ||
        go_on(args, err) || open_engines(world, args, err) || go_on(args, err)) {
        world_unref(world);
        return -1;
    }
    world->config = args->config;
    *out = world;
    return 0;
}
