/* Opens and closes a launcher: the backend, its device and the crew of host lanes. */
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/log.h"
#include "kernels/module.h"
#include "model/engine/launcher_state.h"
#include "model/engine/slices.h"

static int open_ops(struct launcher *launcher, const struct backend_ops *ops, const char *device,
                    struct err *err)
{
    if (ops->device_open(device, &launcher->device, err))
        return -1;
    launcher->ops = ops;
    launcher->caps = ops->device_caps(launcher->device);
    return 0;
}

static int open_device(struct launcher *launcher, const char *backend, const char *device,
                       struct err *err)
{
    const struct backend_ops *ops;

    return backend_find(backend, &ops, err) ? -1 : open_ops(launcher, ops, device, err);
}

/* "auto" is the GPU if present. */
static int choose_device(struct launcher *launcher, const struct launcher_args *args,
                         struct err *err)
{
    const char *backend = args->backend ? args->backend : "auto";
    const char *device = args->device ? args->device : "";
    struct err why;

    if (args->ops)
        return open_ops(launcher, args->ops, device, err);
    if (strcmp(backend, "auto") != 0)
        return open_device(launcher, backend, device, err);
    if (open_device(launcher, "cuda", device, &why) == 0)
        return 0;
    log_info("backend_not_taken", LOG_STR("backend", "cuda"), LOG_STR("instead", "cpu"),
             LOG_STR("reason", why.text));
    return open_device(launcher, "cpu", device, err);
}

int launcher_open(const struct launcher_args *args, struct launcher **out, struct err *err)
{
    struct launcher *launcher = calloc(1, sizeof(*launcher));

    if (!launcher)
        return err_set(err, ERR_NOMEM, "launcher: out of memory");
    launcher->threads = args->threads > 1 ? args->threads : 1;
    launcher->on_progress = args->on_progress;
    launcher->arg = args->arg;
    launcher->linear = strdup(args->linear ? args->linear : "");
    if (!launcher->linear) {
        err_set(err, ERR_NOMEM, "launcher: out of memory");
        goto failed;
    }
    if (choose_device(launcher, args, err))
        goto failed;
    if (launcher->caps->host_lanes &&
        crew_new(launcher->threads, &slices_crew_ops, launcher, &launcher->crew, err))
        goto failed;
    *out = launcher;
    return 0;
failed:
    launcher_close(launcher);
    return -1;
}

void launcher_close(struct launcher *launcher)
{
    if (!launcher)
        return;
    BUG_ON(launcher->running || launcher->finished);
    crew_free(launcher->crew);
    if (launcher->device)
        launcher->ops->device_close(launcher->device);
    free(launcher->linear);
    free(launcher);
}

const struct device_caps *launcher_caps(const struct launcher *launcher)
{
    return launcher->caps;
}

const char *launcher_backend(const struct launcher *launcher)
{
    return launcher->ops->name;
}

void launcher_readings(struct launcher *launcher, struct device_readings *out)
{
    launcher->ops->device_readings(launcher->device, out);
}
