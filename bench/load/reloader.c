/* The thread that reloads. */
#include "bench/load/reloader.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "client/http_client.h"

#define RELOAD_MS 60000

struct reloader {
    const struct options *options;
    pthread_t thread;
    atomic_bool stop;
    struct reloader_counts counts;
    bool second; /* the model that is being served is the second one */
};

static bool reload(struct reloader *reloader)
{
    struct http_client client;
    struct client_response response;
    struct err err;
    bool good = false;

    if (http_client_init(&client, reloader->options->admin, RELOAD_MS, &err))
        return false;
    if (http_client_call(&client,
                         &(struct http_request){.method = "POST", .target = "/admin/reload"},
                         &response, &err) == 0)
        good = response.status == 200;
    http_client_release(&client);
    return good;
}

static bool rewrite(const struct options *options, const char *model)
{
    json_t *config = json_load_file(options->config, 0, NULL), *section;
    struct err err;
    char *text;
    bool good;

    if (!json_is_object(config)) {
        json_decref(config);
        return false;
    }
    section = json_object_get(config, "model");
    if (!section)
        json_object_set_new(config, "model", section = json_object());
    json_object_set_new(section, "path", json_string(model));
    text = json_dumps(config, JSON_INDENT(2));
    json_decref(config);
    good = text && file_write(options->config, view_of(text), &err) == 0;
    free(text);
    return good;
}

static void swap(struct reloader *reloader)
{
    const struct options *o = reloader->options;

    reloader->second = !reloader->second;
    reloader->counts.swaps++;
    if (!rewrite(o, reloader->second ? o->swap_b : o->swap_a) || !reload(reloader))
        reloader->counts.failed++;
}

static void *run(void *arg)
{
    struct reloader *reloader = arg;
    const struct options *o = reloader->options;
    int64_t start_us = clock_now_us();
    double next_reload = o->reload_every_s, next_swap = o->swap_every_s;

    while (!atomic_load(&reloader->stop)) {
        double at_s = (double)(clock_now_us() - start_us) / 1e6;

        if (o->reload_every_s > 0 && at_s >= next_reload) {
            next_reload += o->reload_every_s;
            reloader->counts.reloads++;
            reloader->counts.failed += !reload(reloader);
        }
        if (o->swap_every_s > 0 && at_s >= next_swap) {
            next_swap += o->swap_every_s;
            swap(reloader);
        }
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return NULL;
}

int reloader_start(const struct options *options, struct reloader **out, struct err *err)
{
    struct reloader *reloader;

    *out = NULL;
    if (options->reload_every_s <= 0 && options->swap_every_s <= 0)
        return 0;
    reloader = calloc(1, sizeof(*reloader));
    if (!reloader)
        return err_set(err, ERR_NOMEM, "out of memory");
    reloader->options = options;
    if (pthread_create(&reloader->thread, NULL, run, reloader)) {
        free(reloader);
        return err_set(err, ERR_UNAVAILABLE, "cannot start a thread");
    }
    *out = reloader;
    return 0;
}

struct reloader_counts reloader_stop(struct reloader *reloader)
{
    struct reloader_counts counts = {0};

    if (!reloader)
        return counts;
    atomic_store(&reloader->stop, true);
    pthread_join(reloader->thread, NULL);
    counts = reloader->counts;
    free(reloader);
    return counts;
}
