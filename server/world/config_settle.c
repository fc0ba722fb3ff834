/* Asks the device of a configuration for what is left to it. */
#include "server/world/config_settle.h"

#include <string.h>

#include "kernels/module.h"

void config_settle(struct config *config)
{
    const bool any = strcmp(config->model.backend, "auto") == 0;
    const char *const names[] = {any ? "cuda" : config->model.backend, any ? "cpu" : NULL};

    for (int i = 0; i < 2 && names[i] && !config->batch.max_tokens; i++) {
        const struct backend_ops *ops;
        struct device *device;
        struct err ignored;

        if (backend_find(names[i], &ops, &ignored) ||
            ops->device_open(config->model.device, &device, &ignored))
            continue;
        executor_options_settle(&config->batch, ops->device_caps(device));
        ops->device_close(device);
    }
}
