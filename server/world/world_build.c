/* Builds a world: changed parts are read, others are shared with the running one. */
#include "server/world/world_build.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "server/batch/served.h"
#include "server/world/config_read.h"

static void stamp_catalog(struct world_changes *changes, const char *path)
{
    struct stat st;

    if (stat(path, &st))
        return;
    changes->catalog_stamp = ((uint64_t)st.st_mtim.tv_sec * 1000000007u) ^
                             (uint64_t)st.st_mtim.tv_nsec ^ ((uint64_t)st.st_size << 20) ^
                             ((uint64_t)st.st_ino << 40);
    changes->catalog_modified_ms =
        (int64_t)st.st_mtim.tv_sec * 1000 + (int64_t)st.st_mtim.tv_nsec / 1000000;
    changes->catalog_bytes = st.st_size;
}

void world_changes_find(struct world_changes *changes, const struct world *running,
                        const struct config *next)
{
    const struct config *old = running ? running->config : NULL;

    *changes = (struct world_changes){.model_stamp = model_dir_stamp(next->model.path)};
    stamp_catalog(changes, next->catalog.path);
    changes->catalog = !running || strcmp(old->catalog.path, next->catalog.path) != 0 ||
                       running->catalog_stamp != changes->catalog_stamp;
    changes->model = !running || strcmp(old->model.path, next->model.path) != 0 ||
                     world_model(running)->stamp != changes->model_stamp;
    changes->engines = changes->model || old->model.precision != next->model.precision ||
                       old->model.gelu != next->model.gelu ||
                       old->batch.max_tokens < next->batch.max_tokens;
}

static int read_catalog(struct world *world, const struct world_build_args *args, struct err *err)
{
    const char *path = args->config->catalog.path;
    const int64_t max_bytes = args->config->catalog.max_bytes;

    if (args->changes->catalog_bytes > max_bytes)
        return err_set(err, ERR_DATA, "%s: %lld bytes, more than catalog.max_bytes (%lld)", path,
                       (long long)args->changes->catalog_bytes, (long long)max_bytes);
    return catalog_open(path, (size_t)max_bytes, args->problems, &world->catalog, err);
}

static int count_ads(const struct catalog *catalog)
{
    int n;

    (void)catalog_ads(catalog, &n);
    return n;
}

/* Reported as long as the shrunken catalog is served. */
static int shrunk_from(const struct world *world, const struct world_build_args *args)
{
    int before;

    if (!args->running)
        return 0;
    if (!args->changes->catalog)
        return args->running->shrunk_from;
    before = count_ads(args->running->catalog);
    return count_ads(world->catalog) < before - count_ads(world->catalog) ? before : 0;
}

/* A catalog already served is checked too: the option may have been raised. */
static int open_catalog(struct world *world, const struct world_build_args *args, struct err *err)
{
    const struct config *config = args->config;
    int n;

    if (!args->changes->catalog)
        world->catalog = catalog_ref(args->running->catalog);
    else if (read_catalog(world, args, err))
        return -1;
    n = count_ads(world->catalog);
    if (n < config->catalog.min_ads)
        return err_set(err, ERR_DATA, "%s: %d ad%s, fewer than catalog.min_ads (%lld)",
                       config->catalog.path, n, n == 1 ? "" : "s",
                       (long long)config->catalog.min_ads);
    world->shrunk_from = shrunk_from(world, args);
    return 0;
}

/* The number of workers only changes with a restart. */
static int list_eligible(struct world *world, const struct world_build_args *args, struct err *err)
{
    const int n = (int)args->config->http.workers;
    struct eligible_ads **list;

    if (!args->changes->catalog) {
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

static int open_files(struct world_model *model, const struct world_build_args *args,
                      struct err *err)
{
    if (!args->changes->model) {
        model->model = model_ref(world_model(args->running)->model);
        return 0;
    }
    return model_open(args->config->model.path, &model->model, err);
}

static int open_engines(struct world_model *model, const struct world_build_args *args,
                        struct err *err)
{
    const struct config *config = args->config;

    if (!args->changes->engines) {
        model->served = served_model_ref(world_model(args->running)->served);
        return 0;
    }
    return served_model_open(
        &(struct served_model_args){.model = model->model,
                                    .precision = (enum precision)config->model.precision,
                                    .gelu = (enum gelu)config->model.gelu,
                                    .primary = args->executor,
                                    .fallback = args->fallback,
                                    .fallback_precision = PRECISION_F32,
                                    .max_batch_tokens = (int)config->batch.max_tokens,
                                    .resident = (int)config->model.resident},
        &model->served, err);
}

static int encode_ads(struct world_model *model, const struct catalog *catalog,
                      const struct world_build_args *args, struct err *err)
{
    if (!args->changes->catalog && !args->changes->model) {
        model->ads = world_model(args->running)->ads;
        atomic_fetch_add(&model->ads->refs, 1);
        return 0;
    }
    model->ads = calloc(1, sizeof(*model->ads));
    if (!model->ads)
        return err_set(err, ERR_NOMEM, "catalog: out of memory");
    atomic_init(&model->ads->refs, 1);
    return served_model_encode_ads(model->served, catalog, args->stop, &model->ads->encoded, err);
}

static int check_stop(const struct world_build_args *args, struct err *err)
{
    return atomic_load(args->stop) ? err_set(err, ERR_UNAVAILABLE, "stopping") : 0;
}

/* Its engines are open before ads are encoded: a kind may need them for that. */
static int add_model(struct world *world, const struct world_build_args *args, struct err *err)
{
    struct world_model *model = &world->models[world->n_models++];

    model->stamp = args->changes->model_stamp;
    return open_files(model, args, err) || check_stop(args, err) ||
                   open_engines(model, args, err) || check_stop(args, err) ||
                   encode_ads(model, world->catalog, args, err)
               ? -1
               : 0;
}

static int make_letters(struct world *world, const struct world_build_args *args, struct err *err)
{
    const int n = (int)args->config->http.workers;

    world->letters = calloc((size_t)n, sizeof(*world->letters));
    if (!world->letters)
        return err_set(err, ERR_NOMEM, "world: out of memory");
    for (int i = 0; i < n; i++)
        world->letters[i].world = world;
    return 0;
}

int world_build(const struct world_build_args *args, struct world **out, struct err *err)
{
    struct world *world = calloc(1, sizeof(*world));

    if (!world)
        return err_set(err, ERR_NOMEM, "world: out of memory");
    atomic_init(&world->refs, 1);
    world->generation = args->running ? args->running->generation + 1 : 1;
    world->catalog_stamp = args->changes->catalog_stamp;
    world->catalog_modified_ms = args->changes->catalog_modified_ms;
    world->config = config_ref(args->config);
    if (make_letters(world, args, err) || check_stop(args, err) || open_catalog(world, args, err) ||
        list_eligible(world, args, err) || check_stop(args, err) || add_model(world, args, err) ||
        check_stop(args, err)) {
        world_unref(world);
        return -1;
    }
    *out = world;
    return 0;
}
