/* The operation "linear": the provider's product, and the activation where its input is wanted. */
#include "kernels/cpu/activation.h"
#include "kernels/cpu/cpu.h"

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
