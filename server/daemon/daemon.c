/* The daemon's parts, opened, run and closed in order; what ends it. */
#include "server/daemon/daemon.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "server/daemon/device_watch.h"
#include "server/daemon/failure_watch.h"
#include "server/daemon/gauges.h"
#include "server/daemon/memory_watch.h"
#include "server/daemon/publisher.h"
#include "server/daemon/serving.h"
#include "server/daemon/signals.h"

/* A leak check takes two or three; together with drain_max_ms within the unit file's limit. */
#define CLOSE_AT_MOST_S 8

struct daemon {
    const struct arguments *arguments;
    const char *backend; /* in place of model.backend; NULL: that */
    struct loop loop;    /* the main thread's; letters' reader is the publisher */
    struct signals signals;
    struct serving serving;
    struct health health;
    struct admin *admin;
    struct loader *loader;
    struct publisher publisher;
    struct gauges gauges;
    struct memory_watch memory_watch;
    struct device_watch device_watch;
    struct failure_watch failure_watch;
    bool draining;
    bool signalled; /* by TERM or INT; the next one ends immediately */
    int rc;
    struct err err; /* with rc -1: the first load failed, or the device did */
    bool prepared;  /* the first load came as far as reading files */
    bool no_device; /* the first load failed by the device that model.backend = auto chose */
    bool has_loop;  /* how far opening came */
};

/* ---- what ends it ---------------------------------------------------------------------------- */

static void end_loop(struct daemon *d)
{
    publisher_stop(&d->publisher);
    loop_stop(&d->loop);
}

static void on_drained(int64_t n_cut, void *arg)
{
    log_info("drained", LOG_INT("cut", n_cut));
    end_loop(arg);
}

static void drain(void *arg)
{
    struct daemon *d = arg;

    if (d->draining)
        return;
    d->draining = true;
    log_info("draining", LOG_INT("connections", server_connections(&d->serving.server)));
    server_drain(&d->serving.server, on_drained, d);
}

static void on_end_signal(void *arg, int number)
{
    struct daemon *d = arg;

    if (d->signalled) {
        log_warn("forced_shutdown", LOG_INT("signal", number),
                 LOG_INT("cut", server_connections(&d->serving.server)));
        end_loop(d);
        return;
    }
    d->signalled = true; /* a drain that POST /admin/drain began continues */
    drain(d);
}

static bool chose_device(const struct daemon *d)
{
    return !d->backend && strcmp(d->publisher.config->model.backend, "auto") == 0 &&
           strcmp(executor_backend(d->serving.executor), "cpu") != 0;
}

static void on_first_load_failed(void *arg, const struct err *err)
{
    struct daemon *d = arg;

    d->rc = -1;
    d->err = *err;
    d->no_device = err->code == ERR_UNAVAILABLE && d->prepared && !d->draining && chose_device(d);
    loop_stop(&d->loop);
}

/* Under model.on_device_failure = exit. */
static void on_device_failed(void *arg, const struct err *err)
{
    struct daemon *d = arg;

    d->rc = -1;
    d->err = *err;
    drain(d);
}

/* ---- commands -------------------------------------------------------------------------------- */

static void on_hangup(void *arg)
{
    struct daemon *d = arg;

    publisher_reload_soon(&d->publisher);
}

static int on_reload(void *arg, bool dry_run)
{
    struct daemon *d = arg;

    return publisher_reload(&d->publisher, dry_run);
}

static void on_print_config(void *arg, struct json_writer *w)
{
    const struct daemon *d = arg;

    publisher_print_config(&d->publisher, w);
}

/* ---- opening and closing --------------------------------------------------------------------- */

/* The soft limit of open files becomes the hard one. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    /* If that fails, warnings go by the soft limit. */
    (void)!setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_base(struct daemon *d, struct err *err)
{
    raise_descriptors();
    if (signals_block(err) || loop_init(&d->loop, &d->publisher, err))
        return -1;
    d->has_loop = true;
    return 0;
}

static int open_serving(struct daemon *d, const struct config *config, struct err *err)
{
    return serving_open(
        &d->serving,
        &(struct serving_args){
            .loop = &d->loop, .config = config, .backend = d->backend, .health = &d->health},
        err);
}

static void open_health(struct daemon *d, const struct config *config)
{
    health_init(&d->health, &(struct health_args){.server = &d->serving.server,
                                                  .executor = d->serving.executor,
                                                  .fallback = d->serving.fallback,
                                                  .options = &config->admin,
                                                  .redis = serving_redis,
                                                  .arg = &d->serving});
}

static int open_admin(struct daemon *d, const struct config *config, struct err *err)
{
    return admin_open(&(struct admin_args){.loop = &d->loop,
                                           .options = &config->admin,
                                           .http = &config->http,
                                           .health = &d->health,
                                           .metrics = &d->serving.metrics,
                                           .actions = {.reload = on_reload,
                                                       .drain = drain,
                                                       .print_config = on_print_config,
                                                       .arg = d}},
                      &d->admin, err);
}

static int watch_signals(struct daemon *d, struct err *err)
{
    return signals_watch(
        &d->signals,
        &(struct signals_args){
            .loop = &d->loop, .on_hangup = on_hangup, .on_end = on_end_signal, .arg = d},
        err);
}

/* Opens what a configuration names outside the process: the last step of a reload that may fail. */
static int prepare(void *arg, const struct config *config, struct err *err)
{
    struct daemon *d = arg;

    if (impression_log_open(d->serving.impressions, config->log.impressions, err))
        return err_prefix(err, "%s: /log/impressions", config->file);
    d->prepared = true;
    return 0;
}

static int open_loader(struct daemon *d, struct err *err)
{
    return loader_open(&(struct loader_args){.config = {.file = d->arguments->config_file,
                                                        .sets = d->arguments->sets,
                                                        .n_sets = d->arguments->n_sets},
                                             .executor = d->serving.executor,
                                             .caps = executor_caps(d->serving.executor),
                                             .fallback = d->serving.fallback,
                                             .home = &d->loop.mailbox,
                                             .prepare = prepare,
                                             .arg = d},
                       &d->loader, err);
}

static int open_all(struct daemon *d, const struct config *config, struct err *err)
{
    if (open_base(d, err) || open_serving(d, config, err))
        return -1;
    open_health(d, config);
    if (open_admin(d, config, err) || watch_signals(d, err) || open_loader(d, err))
        return -1;
    if (device_watch_start(&d->device_watch, d->serving.executor, err))
        return -1;
    d->gauges = (struct gauges){&d->serving, &d->device_watch, &d->publisher};
    gauges_open(&d->gauges);
    memory_watch_start(&d->memory_watch, &d->loop, &d->serving);
    failure_watch_start(&d->failure_watch, &(struct failure_watch_args){.loop = &d->loop,
                                                                        .serving = &d->serving,
                                                                        .on_exit = on_device_failed,
                                                                        .arg = d});
    return server_start(&d->serving.server, err);
}

/* Reverse of open_all. -1: a thread hangs in the device, and may still use what is in d. Then the
 * alarm stays set: the device's library may hang at the process's end, too. */
static int close_all(struct daemon *d)
{
    publisher_stop(&d->publisher);
    signals_unblock();
    memory_watch_stop(&d->memory_watch);
    failure_watch_stop(&d->failure_watch);
    alarm(CLOSE_AT_MOST_S);
    device_watch_stop(&d->device_watch);
    serving_stop(&d->serving);
    loader_stop(d->loader);
    signals_unwatch(&d->signals);
    if (d->has_loop)
        mailbox_drain(&d->loop.mailbox, &d->publisher); /* a load that has ended since */
    loader_close(d->loader);
    admin_close(d->admin);
    health_release(&d->health);
    publisher_drop_world(&d->publisher);
    if (serving_close(&d->serving))
        return -1;
    if (d->has_loop)
        loop_release(&d->loop);
    publisher_release(&d->publisher);
    alarm(0);
    return 0;
}

static int start(struct daemon *d, struct err *err)
{
    return publisher_start(&d->publisher,
                           &(struct publisher_args){.serving = &d->serving,
                                                    .health = &d->health,
                                                    .admin = d->admin,
                                                    .loader = d->loader,
                                                    .on_failed = on_first_load_failed,
                                                    .arg = d},
                           err);
}

/* config: a reference, dropped here. *no_device: as in struct daemon. */
static int run(const struct arguments *arguments, struct config *config, const char *backend,
               bool *no_device, struct err *err)
{
    struct daemon *d = calloc(1, sizeof(*d));
    int rc = -1;

    if (!d) {
        config_unref(config);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    d->arguments = arguments;
    d->backend = backend;
    publisher_init(&d->publisher, config);
    if (open_all(d, config, err) || start(d, err))
        goto out;
    loop_run(&d->loop);
    rc = d->rc;
    if (rc)
        *err = d->err;
out:
    *no_device = d->no_device;
    if (close_all(d))
        *no_device = false; /* what is open stays so */
    else
        free(d);
    return rc;
}

int daemon_run(const struct arguments *arguments, struct config *config, struct err *err)
{
    const int64_t max_tokens = config->batch.max_tokens;
    bool no_device = false;
    int rc = run(arguments, config_ref(config), NULL, &no_device, err);

    if (!no_device) {
        config_unref(config);
        return rc;
    }
    log_warn("backend_not_taken", LOG_STR("backend", "cuda"), LOG_STR("instead", "cpu"),
             LOG_STR("reason", err->text));
    config->batch.max_tokens = max_tokens; /* not the other device's choice */
    return run(arguments, config, "cpu", &no_device, err);
}
