#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "kernels/module.h"
#include "model/engine/engine_struct.h"

/* A backend opened and closed again: does the device work at all, and what kind of lanes has it. */
static int probe(struct device *device, struct err *err)
{
    const struct backend_open_args args = {
        .device = device->args.device, .linear = device->args.linear, .precision = PRECISION_F32};
    struct backend *backend;

    if (device->ops->open(&args, &backend, err))
        return -1;
    device->caps = *device->ops->caps(backend);
    device->ops->close(backend);
    return 0;
}

/* "auto" is the GPU where there is one. */
static int find_and_probe(struct device *device, const char *backend, struct err *err)
{
    struct err ignored;

    if (strcmp(backend, "auto") == 0) {
        if (backend_find("cuda", &device->ops, &ignored) == 0 && probe(device, &ignored) == 0)
            return 0;
        backend = "cpu";
    }
    return backend_find(backend, &device->ops, err) || probe(device, err) ? -1 : 0;
}

int device_open(const struct device_args *args, struct device **out, struct err *err)
{
    struct device *device = calloc(1, sizeof(*device));

    if (!device)
        return err_set(err, ERR_NOMEM, "device: out of memory");
    device->args = *args;
    device->args.device = strdup(args->device ? args->device : "");
    device->args.linear = strdup(args->linear ? args->linear : "");
    if (device->args.threads < 1)
        device->args.threads = 1;
    if (!device->args.device || !device->args.linear) {
        err_set(err, ERR_NOMEM, "device: out of memory");
        goto failed;
    }
    if (find_and_probe(device, args->backend ? args->backend : "auto", err))
        goto failed;
    if (device->caps.host_lanes &&
        crew_new(device->args.threads, &device_crew_ops, device, &device->crew, err))
        goto failed;
    *out = device;
    return 0;
failed:
    device_close(device);
    return -1;
}

void device_close(struct device *device)
{
    if (!device)
        return;
    BUG_ON(device->running || device->finished);
    crew_free(device->crew);
    free((char *)device->args.device);
    free((char *)device->args.linear);
    free(device);
}

const struct backend_caps *device_caps(const struct device *device)
{
    return &device->caps;
}

const char *device_backend(const struct device *device)
{
    return device->ops->name;
}
