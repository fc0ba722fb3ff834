/* The operation "linear": the choice of its provider, that one's product, and the activation where
 * its input is wanted. */
#include "kernels/cpu/linear.h"

#include <string.h>

#include "kernels/cpu/activation.h"
#include "kernels/cpu/cpu.h"

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

static void activate(const struct lane *lane, enum activation activation, const void *from,
                     void *to, size_t n)
{
    const bool narrow = lane->session->caps.precision == PRECISION_BF16;

    for (size_t i = 0; i < n; i++) {
        const float x = narrow ? bf16_to_f32(((const bf16 *)from)[i]) : ((const float *)from)[i];
        const float y = activation_apply(activation, x);

        if (narrow)
            ((bf16 *)to)[i] = bf16_from_f32(y);
        else
            ((float *)to)[i] = y;
    }
}

int cpu_linear(struct lane *lane, const struct linear_args *args, struct err *err)
{
    const struct linear_ops *linear = lane->session->linear;
    struct linear_args product = *args;

    if (args->activation == ACTIVATION_NONE)
        return linear->run(lane->linear, args, err);
    if (args->pre_activation)
        product.out = args->pre_activation;
    if (linear->run(lane->linear, &product, err))
        return -1;
    activate(lane, args->activation, product.out, args->out,
             (size_t)args->n_rows * (size_t)linear->width(args->weight));
    return 0;
}
