/* Chooses the provider of the linear layer. */
#include "kernels/cpu/linear.h"

#include <string.h>

static const struct linear_ops *const providers[] = {&linear_onednn, &linear_plain};

const struct linear_ops *linear_choose(const char *name, const struct cpuid *cpu,
                                       enum precision precision)
{
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
        const bool right = name && *name ? strcmp(name, providers[i]->name) == 0
                                         : providers[i]->supports(cpu, precision);

        if (right)
            return providers[i];
    }
    return NULL;
}
