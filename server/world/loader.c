/* The loader thread, and one load. */
#include "server/world/loader.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/bug.h"
#include "server/world/catalog_state.h"
#include "server/world/config_diff.h"
#include "server/world/warnings.h"
#include "server/world/world_build.h"

#define MAX_PROBLEM_BYTES (256 << 10) /* more are counted */

struct loader {
    struct loader_args args;
    pthread_t thread;
    pthread_mutex_t lock; /* guards job, and stop against a missed wake */
    pthread_cond_t wake;
    struct load_result *job;
    atomic_bool stop; /* checked during a load, too */

    /* The main thread's. */
    bool busy; /* until the result is freed: a second load would start from the old world */
    bool stopped;
};

/* The arrays of the answer up to "files", and whether anything is to be applied. */
static bool begin_diff(const struct world *running, const struct config *next,
                       const struct world_changes *changes, struct json_writer *w)
{
    int n_changed;

    jw_object_begin(w);
    n_changed = config_diff(running->config, next, w);
    jw_member_array(w, "files");
    if (changes->catalog)
        jw_str(w, "catalog");
    if (changes->model)
        jw_str(w, "model");
    jw_array_end(w);
    return n_changed || changes->catalog || changes->model;
}

static void describe_changes(const struct world *running, const struct config *next,
                             const struct world_changes *changes, struct buf *out)
{
    config_changes(running->config, next, out);
    if (changes->catalog)
        buf_printf(out, "%scatalog reloaded", out->len ? ", " : "");
    if (changes->model)
        buf_printf(out, "%smodel reloaded", out->len ? ", " : "");
}

static void write_warning(void *arg, const char *text)
{
    jw_str(arg, text);
}

/* Warnings and catalog of the world that is served after this load. */
static void end_diff(const struct world *world, struct json_writer *w)
{
    struct catalog_state state = catalog_state_now(world);

    jw_member_array(w, "warnings");
    world_warnings(world, write_warning, w);
    jw_array_end(w);
    catalog_state_write(&state, w);
    jw_object_end(w);
}

static int build(struct loader *loader, struct load_result *result, struct config *config,
                 const struct world_changes *changes, struct err *err)
{
    return world_build(&(struct world_build_args){.running = result->running,
                                                  .config = config,
                                                  .changes = changes,
                                                  .executor = loader->args.executor,
                                                  .fallback = loader->args.fallback,
                                                  .stop = &loader->stop,
                                                  .problems = &result->problems},
                       &result->world, err);
}

static int reload(struct loader *loader, struct load_result *result)
{
    const struct loader_args *args = &loader->args;
    const struct world *running = result->running;
    struct config *next = NULL;
    struct world_changes changes;
    struct json_writer w;
    bool differs;
    int rc = -1;

    if (config_new(&args->config, &result->problems, &next, &result->err))
        return -1;
    executor_options_settle(&next->batch, args->caps);
    world_changes_find(&changes, running, next);
    json_writer_init(&w, &result->diff);
    differs = begin_diff(running, next, &changes, &w);
    describe_changes(running, next, &changes, &result->changes);
    if (config_keep_restart(running->config, next, &result->err) == 0 &&
        !(differs && build(loader, result, next, &changes, &result->err)) &&
        /* Last, so that a world that cannot be built leaves everything unchanged. */
        (result->dry_run || args->prepare(args->arg, next, &result->err) == 0)) {
        end_diff(differs ? result->world : running, &w);
        result->status = result->dry_run ? LOAD_VALID : differs ? LOAD_APPLIED : LOAD_UNCHANGED;
        rc = 0;
    }
    if (rc || result->dry_run) {
        world_unref(result->world);
        result->world = NULL;
    }
    config_unref(next);
    return rc;
}

static int load_first(struct loader *loader, struct load_result *result)
{
    struct world_changes changes;

    world_changes_find(&changes, NULL, result->first);
    if (loader->args.prepare(loader->args.arg, result->first, &result->err) ||
        build(loader, result, result->first, &changes, &result->err))
        return -1;
    result->status = LOAD_APPLIED;
    return 0;
}

static void run(struct loader *loader, struct load_result *result)
{
    if (result->running ? reload(loader, result) : load_first(loader, result))
        result->status = LOAD_FAILED;
    world_unref(result->running);
    config_unref(result->first);
    mailbox_post(loader->args.home, &result->letter);
}

static void *loader_main(void *arg)
{
    struct loader *loader = arg;

    for (;;) {
        struct load_result *result;

        pthread_mutex_lock(&loader->lock);
        while (!loader->job && !atomic_load(&loader->stop))
            pthread_cond_wait(&loader->wake, &loader->lock);
        result = loader->job;
        loader->job = NULL;
        pthread_mutex_unlock(&loader->lock);
        if (!result)
            return NULL;
        run(loader, result);
    }
}

int loader_open(const struct loader_args *args, struct loader **out, struct err *err)
{
    struct loader *loader = calloc(1, sizeof(*loader));
    int rc;

    if (!loader)
        return err_set(err, ERR_NOMEM, "loader: out of memory");
    loader->args = *args;
    atomic_init(&loader->stop, false);
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->wake, NULL);
    rc = pthread_create(&loader->thread, NULL, loader_main, loader);
    if (rc) {
        free(loader);
        return err_set_no_thread(err, rc, "loader");
    }
    *out = loader;
    return 0;
}

void loader_stop(struct loader *loader)
{
    if (!loader || loader->stopped)
        return;
    loader->stopped = true;
    pthread_mutex_lock(&loader->lock);
    atomic_store(&loader->stop, true);
    pthread_cond_signal(&loader->wake);
    pthread_mutex_unlock(&loader->lock);
    pthread_join(loader->thread, NULL);
}

void loader_close(struct loader *loader)
{
    if (!loader)
        return;
    loader_stop(loader);
    BUG_ON(loader->busy);
    pthread_cond_destroy(&loader->wake);
    pthread_mutex_destroy(&loader->lock);
    free(loader);
}

bool loader_busy(const struct loader *loader)
{
    return loader->busy;
}

int loader_start(struct loader *loader, struct world *running, struct config *config, bool dry_run,
                 void (*deliver)(struct letter *, void *))
{
    struct load_result *result;

    BUG_ON((running != NULL) == (config != NULL));
    if (loader->busy || loader->stopped)
        return -1;
    if (config)
        executor_options_settle(&config->batch, loader->args.caps);
    result = calloc(1, sizeof(*result));
    if (!result)
        return -1;
    arena_init(&result->arena, 4096, 0);
    problems_init_bytes(&result->problems, &result->arena, MAX_PROBLEM_BYTES);
    result->letter.deliver = deliver;
    result->loader = loader;
    result->dry_run = dry_run;
    result->running = running ? world_ref(running) : NULL;
    result->first = config ? config_ref(config) : NULL;
    loader->busy = true;
    pthread_mutex_lock(&loader->lock);
    loader->job = result;
    pthread_cond_signal(&loader->wake);
    pthread_mutex_unlock(&loader->lock);
    return 0;
}

void load_result_free(struct load_result *result)
{
    if (!result)
        return;
    result->loader->busy = false;
    world_unref(result->world);
    arena_release(&result->arena);
    buf_release(&result->diff);
    buf_release(&result->changes);
    free(result);
}
