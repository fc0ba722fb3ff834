#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "kernels/module.h"
#include "model/engine/engine_struct.h"

/* A backend opened and closed again: does the device work at all, and what kind of lanes has it. */
static int probe(struct launcher *launcher, struct err *err)
{
    const struct backend_open_args args = {.device = launcher->args.device,
                                           .linear = launcher->args.linear,
                                           .precision = PRECISION_F32};
    struct backend *backend;

    if (launcher->ops->open(&args, &backend, err))
        return -1;
    launcher->caps = *launcher->ops->caps(backend);
    launcher->ops->close(backend);
    return 0;
}

/* "auto" is the GPU where there is one. */
static int find_and_probe(struct launcher *launcher, const char *backend, struct err *err)
{
    struct err ignored;

    if (strcmp(backend, "auto") == 0) {
        if (backend_find("cuda", &launcher->ops, &ignored) == 0 && probe(launcher, &ignored) == 0)
            return 0;
        backend = "cpu";
    }
    return backend_find(backend, &launcher->ops, err) || probe(launcher, err) ? -1 : 0;
}

int launcher_open(const struct launcher_args *args, struct launcher **out, struct err *err)
{
    struct launcher *launcher = calloc(1, sizeof(*launcher));

    if (!launcher)
        return err_set(err, ERR_NOMEM, "launcher: out of memory");
    launcher->args = *args;
    launcher->args.device = strdup(args->device ? args->device : "");
    launcher->args.linear = strdup(args->linear ? args->linear : "");
    if (launcher->args.threads < 1)
        launcher->args.threads = 1;
    if (!launcher->args.device || !launcher->args.linear) {
        err_set(err, ERR_NOMEM, "launcher: out of memory");
        goto failed;
    }
    if (find_and_probe(launcher, args->backend ? args->backend : "auto", err))
        goto failed;
    if (launcher->caps.host_lanes &&
        crew_new(launcher->args.threads, &launcher_crew_ops, launcher, &launcher->crew, err))
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
    free((char *)launcher->args.device);
    free((char *)launcher->args.linear);
    free(launcher);
}

const struct backend_caps *launcher_caps(const struct launcher *launcher)
{
    return &launcher->caps;
}

const char *launcher_backend(const struct launcher *launcher)
{
    return launcher->ops->name;
}
