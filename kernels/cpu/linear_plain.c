/*
 * Portable C without processor-specific code. bf16 products multiply the rounded operands and
 * accumulate in f32, so the bf16 path works on any machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/activation.h"
#include "kernels/cpu/bf16.h"
#include "kernels/cpu/linear.h"

#define COLUMNS 16 /* outputs computed per pass over a row */

/* Without scratch: read-only, and shared by all lanes. */
struct linear_lane {
    enum precision precision;
};

struct linear_provider {
    struct linear_lane lane;
};

struct linear_weight {
    int in, out;
    enum activation activation;
    bool to_stream;
    /* out / COLUMNS panels of (in, COLUMNS), rounded to bf16 where that is the precision. */
    float *panels;
    float *bias; /* (out rounded up), zeros without one */
};

static bool supports(const struct cpuid *cpu, enum precision precision)
{
    (void)cpu;
    return precision == PRECISION_F32 || precision == PRECISION_BF16;
}

static void describe(char *text, size_t size)
{
    snprintf(text, size, "plain C");
}

static int plain_open(enum precision precision, struct linear_provider **out, struct err *err)
{
    struct linear_provider *provider = malloc(sizeof(*provider));

    if (!provider)
        return err_set(err, ERR_NOMEM, "linear: out of memory");
    provider->lane.precision = precision;
    *out = provider;
    return 0;
}

static void plain_close(struct linear_provider *provider)
{
    free(provider);
}

static void weight_free(struct linear_provider *provider, struct linear_weight *weight)
{
    (void)provider;
    if (!weight)
        return;
    free(weight->panels);
    free(weight->bias);
    free(weight);
}

static void fill_panels(struct linear_weight *weight, const float *from, enum precision precision)
{
    for (int n = 0; n < weight->out; n++)
        for (int k = 0; k < weight->in; k++) {
            const float w = from[(size_t)n * (size_t)weight->in + (size_t)k];
            float *panel = weight->panels + (size_t)(n / COLUMNS) * (size_t)weight->in * COLUMNS;

            panel[(size_t)k * COLUMNS + (size_t)(n % COLUMNS)] =
                precision == PRECISION_BF16 ? bf16_to_f32(bf16_from_f32(w)) : w;
        }
}

static int weight_new(struct linear_provider *provider, const struct linear_spec *spec,
                      struct linear_weight **out, struct err *err)
{
    struct linear_weight *weight = calloc(1, sizeof(*weight));
    const size_t columns = (size_t)(spec->out + COLUMNS - 1) / COLUMNS * COLUMNS;

    if (!weight)
        goto nomem;
    weight->in = spec->in;
    weight->out = spec->out;
    weight->activation = spec->activation;
    weight->to_stream = spec->to_stream;
    weight->panels = calloc(columns * (size_t)spec->in, sizeof(float));
    weight->bias = calloc(columns, sizeof(float));
    if (!weight->panels || !weight->bias)
        goto nomem;
    fill_panels(weight, spec->weight, provider->lane.precision);
    if (spec->bias)
        memcpy(weight->bias, spec->bias, (size_t)spec->out * sizeof(float));
    *out = weight;
    return 0;
nomem:
    weight_free(provider, weight);
    return err_set(err, ERR_NOMEM, "linear %d x %d: out of memory", spec->in, spec->out);
}

static int width(const struct linear_weight *weight)
{
    return weight->out;
}

static int lane_open(struct linear_provider *provider, struct linear_lane **out, struct err *err)
{
    (void)err;
    *out = &provider->lane;
    return 0;
}

static void lane_close(struct linear_lane *lane)
{
    (void)lane;
}

/* sum[c] = bias[c] + x . w_c for one panel of columns */
static void row_times_panel(float sum[COLUMNS], const void *x, enum precision precision,
                            const float *panel, int in)
{
    for (int k = 0; k < in; k++) {
        const float xk =
            precision == PRECISION_BF16 ? bf16_to_f32(((const bf16 *)x)[k]) : ((const float *)x)[k];

        for (int c = 0; c < COLUMNS; c++)
            sum[c] += xk * panel[(size_t)k * COLUMNS + (size_t)c];
    }
}

static int run(struct linear_lane *lane, const struct linear_args *args, struct err *err)
{
    const struct linear_weight *weight = args->weight;
    const bool narrow = lane->precision == PRECISION_BF16 && !weight->to_stream;
    const size_t in_bytes = operand_size(lane->precision, (size_t)weight->in);
    float sum[COLUMNS];

    (void)err;
    for (int row = 0; row < args->n_rows; row++) {
        const char *x = (const char *)args->in + (size_t)row * in_bytes;

        for (int n = 0; n < weight->out; n += COLUMNS) {
            const size_t at = (size_t)row * (size_t)weight->out + (size_t)n;

            memcpy(sum, weight->bias + n, sizeof(sum));
            row_times_panel(sum, x, lane->precision,
                            weight->panels + (size_t)n * (size_t)weight->in, weight->in);
            for (int c = 0; c < COLUMNS && n + c < weight->out; c++) {
                const float y = activation_apply(weight->activation, sum[c]);

                if (narrow)
                    ((bf16 *)args->out)[at + (size_t)c] = bf16_from_f32(y);
                else
                    ((float *)args->out)[at + (size_t)c] = y;
            }
        }
    }
    return 0;
}

const struct linear_ops linear_plain = {
    .name = "plain",
    .supports = supports,
    .describe = describe,
    .open = plain_open,
    .close = plain_close,
    .weight_new = weight_new,
    .weight_free = weight_free,
    .width = width,
    .lane_open = lane_open,
    .lane_close = lane_close,
    .run = run,
};
