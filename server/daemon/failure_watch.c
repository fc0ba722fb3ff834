/* Notices that the device failed, and acts by model.on_device_failure. */
#include "server/daemon/failure_watch.h"

#include "base/clock.h"
#include "base/log.h"

static void report(struct failure_watch *watch, enum executor_failure failure,
                   const struct err *why)
{
    const struct serving *serving = watch->args.serving;
    const char *backend = executor_backend(serving->executor);
    struct err err;

    watch->reported = true;
    log_error("device_failed", LOG_STR("backend", backend),
              LOG_STR("reason", executor_failure_names[failure]),
              LOG_STR("then", serving->fallback ? "cpu" : "exit"), LOG_STR("error", why->text));
    if (serving->fallback)
        return;
    err_set(&err, ERR_UNAVAILABLE, "backend %s failed: %s", backend, why->text);
    watch->args.on_exit(watch->args.arg, &err);
}

static void on_look(struct timer *timer, void *arg)
{
    struct failure_watch *watch = arg;
    struct executor *executor = watch->args.serving->executor;
    enum executor_failure failure;
    struct err why;

    executor_watch(executor);
    failure = executor_failure(executor, &why);
    if (failure && !watch->reported)
        report(watch, failure, &why);
    loop_timer_set(watch->args.loop, timer, clock_now_us() + EXECUTOR_WATCH_US);
}

void failure_watch_start(struct failure_watch *watch, const struct failure_watch_args *args)
{
    *watch = (struct failure_watch){.args = *args};
    timer_init(&watch->timer, on_look, watch);
    loop_timer_set(args->loop, &watch->timer, clock_now_us() + EXECUTOR_WATCH_US);
}

void failure_watch_stop(struct failure_watch *watch)
{
    if (watch->args.loop)
        loop_timer_remove(watch->args.loop, &watch->timer);
}
