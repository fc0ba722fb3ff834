/*
 * oneDNN as provider: fixed shapes only (a product with a number of rows that is known at run time is slow there
 * and changes bits), one thread each, weights packed once for all lanes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/linear.h"
#include "kernels/cpu/onednn_plan.h"

#define MAX_PLANS 256 /* shapes that one backend ever sees */

struct linear_provider {
    dnnl_engine_t engine;
    dnnl_stream_t stream; /* for packing and checks */
    enum precision precision;
    struct onednn_plan *plans[MAX_PLANS];
    int n_plans;
    void (*set_threads)(int n); /* of the OpenMP that oneDNN brought along; NULL: it brought none */
};

struct linear_weight {
    const struct onednn_plan *plan;
    char *packed;
    float *bias;
    dnnl_memory_t packed_memory, bias_memory; /* bias_memory NULL: none */
};

/* A lane's own memory objects for one plan: their handles are set at each run. */
struct lane_plan {
    dnnl_memory_t x[PLAN_RUNGS], y[PLAN_RUNGS], scratch[PLAN_RUNGS];
};

struct linear_lane {
    const struct linear_provider *provider;
    dnnl_stream_t stream;
    struct lane_plan *plans[MAX_PLANS]; /* by plan->index; NULL until first needed */
    char *scratch;
    size_t scratch_bytes;
    char *few_x, *few_y; /* rows of a slice that is smaller than the lowest rung */
    size_t few_x_bytes, few_y_bytes;
};

/* oneDNN asks OpenMP how many threads the calling thread may have, when a primitive is made and when it runs:
 * with one it never starts a team. The setting belongs to the calling thread. */
static void alone(const struct linear_provider *provider)
{
    if (provider->set_threads)
        provider->set_threads(1);
}

static int fail(struct err *err, const char *what, dnnl_status_t status)
{
    return err_set(err, status == dnnl_out_of_memory ? ERR_NOMEM : ERR_INTERNAL, "%s: oneDNN: %s",
                   what, onednn_reason(status));
}

static dnnl_data_type_t operand_type(enum precision precision)
{
    return precision == PRECISION_BF16 ? dnnl_bf16 : dnnl_f32;
}

/* oneDNN has bf16 from AVX-512 on, but emulated it is slower than f32. */
static bool supports(const struct cpuid *cpu, enum precision precision)
{
    return precision == PRECISION_F32 || (precision == PRECISION_BF16 && cpu->bf16_products);
}

static void describe(char *text, size_t size)
{
    const dnnl_version_t *version = dnnl_version();

    snprintf(text, size, "oneDNN %d.%d.%d", version->major, version->minor, version->patch);
}

static void provider_close(struct linear_provider *provider)
{
    for (int i = 0; i < provider->n_plans; i++)
        onednn_plan_free(provider->plans[i]);
    if (provider->stream)
        dnnl_stream_destroy(provider->stream);
    if (provider->engine)
        dnnl_engine_destroy(provider->engine);
    free(provider);
}

static int find_plan(struct linear_provider *provider, const struct onednn_shape *shape,
                     const struct onednn_plan **out, struct err *err)
{
    for (int i = 0; i < provider->n_plans; i++) {
        const struct onednn_shape *has = &provider->plans[i]->shape;

        if (has->in == shape->in && has->out == shape->out && has->result == shape->result &&
            has->bias == shape->bias && has->activation == shape->activation) {
            *out = provider->plans[i];
            return 0;
        }
    }
    if (provider->n_plans == MAX_PLANS)
        return err_set(err, ERR_INTERNAL, "linear: more than %d shapes", MAX_PLANS);
    if (onednn_plan_new(provider->engine, provider->stream, shape,
                        &provider->plans[provider->n_plans], err))
        return -1;
    *out = provider->plans[provider->n_plans];
    provider->plans[provider->n_plans]->index = provider->n_plans;
    provider->n_plans++;
    return 0;
}

static int provider_open(enum precision precision, struct linear_provider **out, struct err *err)
{
    struct linear_provider *provider = calloc(1, sizeof(*provider));
    const struct onednn_shape shape = {.rows = PLAN_STEP,
                                       .in = PLAN_STEP,
                                       .out = PLAN_STEP,
                                       .operand = operand_type(precision),
                                       .result = operand_type(precision)};
    struct onednn_layout *layout;
    struct onednn_matmul trial;
    dnnl_status_t status;

    if (!provider)
        return err_set(err, ERR_NOMEM, "linear: out of memory");
    provider->precision = precision;
    *(void **)&provider->set_threads = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    alone(provider);
    status = dnnl_engine_create(&provider->engine, dnnl_cpu, 0);
    if (status == dnnl_success)
        status = dnnl_stream_create(&provider->stream, provider->engine, dnnl_stream_default_flags);
    if (status == dnnl_success)
        status = onednn_matmul_new(provider->engine, &shape, NULL, &layout, &trial);
    if (status != dnnl_success) {
        provider_close(provider);
        return err_set(err, ERR_UNAVAILABLE, "products in %s: oneDNN: %s",
                       precision_names[precision], onednn_reason(status));
    }
    onednn_matmul_release(&trial);
    onednn_layout_free(layout);
    *out = provider;
    return 0;
}

static void weight_free(struct linear_provider *provider, struct linear_weight *weight)
{
    (void)provider;
    if (!weight)
        return;
    if (weight->bias_memory)
        dnnl_memory_destroy(weight->bias_memory);
    if (weight->packed_memory)
        dnnl_memory_destroy(weight->packed_memory);
    free(weight->bias);
    free(weight->packed);
    free(weight);
}

static void *aligned(size_t bytes)
{
    return aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
}

static dnnl_status_t pack(struct linear_provider *provider, const struct linear_spec *spec,
                          struct linear_weight *weight)
{
    const struct onednn_layout *layout = weight->plan->layout;
    dnnl_status_t status;

    weight->packed = aligned(onednn_layout_bytes(layout));
    weight->bias = aligned((size_t)spec->out * sizeof(float));
    if (!weight->packed || !weight->bias)
        return dnnl_out_of_memory;
    status = onednn_packed_new(provider->engine, layout, weight->packed, &weight->packed_memory);
    if (status == dnnl_success)
        status = onednn_pack(provider->engine, provider->stream, spec->weight, spec->in, spec->out,
                             weight->packed_memory, layout);
    if (status == dnnl_success && spec->bias) {
        memcpy(weight->bias, spec->bias, (size_t)spec->out * sizeof(float));
        status = onednn_matrix_new(provider->engine, 1, spec->out, dnnl_f32, weight->bias,
                                   &weight->bias_memory);
    }
    return status;
}

static int weight_new(struct linear_provider *provider, const struct linear_spec *spec,
                      struct linear_weight **out, struct err *err)
{
    const dnnl_data_type_t operand = operand_type(provider->precision);
    const struct onednn_shape shape = {.in = spec->in,
                                       .out = spec->out,
                                       .operand = operand,
                                       .result = spec->to_stream ? dnnl_f32 : operand,
                                       .bias = spec->bias != NULL,
                                       .activation = spec->activation};
    struct linear_weight *weight = calloc(1, sizeof(*weight));
    dnnl_status_t status;

    if (!weight)
        return err_set(err, ERR_NOMEM, "linear %d x %d: out of memory", spec->in, spec->out);
    alone(provider);
    if (find_plan(provider, &shape, &weight->plan, err))
        goto failed;
    status = pack(provider, spec, weight);
    if (status != dnnl_success) {
        fail(err, "linear: packing a weight", status);
        goto failed;
    }
    *out = weight;
    return 0;
failed:
    weight_free(provider, weight);
    return -1;
}

static void destroy_all(dnnl_memory_t *memories)
{
    for (int i = 0; i < PLAN_RUNGS; i++)
        if (memories[i])
            dnnl_memory_destroy(memories[i]);
}

static void lane_close(struct linear_lane *lane)
{
    if (!lane)
        return;
    for (int i = 0; i < MAX_PLANS; i++)
        if (lane->plans[i]) {
            destroy_all(lane->plans[i]->x);
            destroy_all(lane->plans[i]->y);
            destroy_all(lane->plans[i]->scratch);
            free(lane->plans[i]);
        }
    if (lane->stream)
        dnnl_stream_destroy(lane->stream);
    free(lane->few_x);
    free(lane->few_y);
    free(lane->scratch);
    free(lane);
}

/* Room of at least `bytes`; what was there is lost. */
static int make_room(char **room, size_t *has, size_t bytes)
{
    if (*has >= bytes && *room)
        return 0;
    free(*room);
    *has = 0;
    *room = aligned(bytes);
    if (!*room)
        return -1;
    memset(*room, 0, bytes); /* rows that nobody set are multiplied too, and must be finite */
    *has = bytes;
    return 0;
}

/* Everything of this lane that a plan needs. */
static int add_plan(struct linear_lane *lane, const struct onednn_plan *plan, struct err *err)
{
    const size_t few = (size_t)plan_rows(plan->lowest);
    const dnnl_engine_t engine = lane->provider->engine;
    struct lane_plan *mine = calloc(1, sizeof(*mine));
    dnnl_status_t status = dnnl_success;

    if (!mine)
        return err_set(err, ERR_NOMEM, "linear: out of memory");
    lane->plans[plan->index] = mine;
    if (make_room(&lane->scratch, &lane->scratch_bytes, plan->scratch_bytes) ||
        make_room(&lane->few_x, &lane->few_x_bytes,
                  few * (size_t)plan->shape.in * onednn_type_bytes(plan->shape.operand)) ||
        make_room(&lane->few_y, &lane->few_y_bytes,
                  few * (size_t)plan->shape.out * onednn_type_bytes(plan->shape.result)))
        return err_set(err, ERR_NOMEM, "linear: out of memory");
    for (int rung = 0; status == dnnl_success && rung < PLAN_RUNGS; rung++) {
        const int rows = plan_rows(rung);

        if (!plan->usable[rung])
            continue;
        status = onednn_matrix_new(engine, rows, plan->shape.in, plan->shape.operand, NULL,
                                   &mine->x[rung]);
        if (status == dnnl_success)
            status = onednn_matrix_new(engine, rows, plan->shape.out, plan->shape.result, NULL,
                                       &mine->y[rung]);
        if (status == dnnl_success)
            status = onednn_scratch_new(engine, NULL, plan->rungs[rung].scratch_bytes,
                                        &mine->scratch[rung]);
    }
    return status == dnnl_success ? 0 : fail(err, "linear: a lane's memory", status);
}

static int lane_open(struct linear_provider *provider, struct linear_lane **out, struct err *err)
{
    struct linear_lane *lane = calloc(1, sizeof(*lane));
    dnnl_status_t status;

    if (!lane)
        return err_set(err, ERR_NOMEM, "linear: out of memory");
    lane->provider = provider;
    status = dnnl_stream_create(&lane->stream, provider->engine, dnnl_stream_default_flags);
    if (status != dnnl_success) {
        fail(err, "linear: a lane", status);
        goto failed;
    }
    for (int i = 0; i < provider->n_plans; i++)
        if (add_plan(lane, provider->plans[i], err))
            goto failed;
    *out = lane;
    return 0;
failed:
    lane_close(lane);
    return -1;
}

static dnnl_status_t run_rung(struct linear_lane *lane, const struct linear_weight *weight,
                              int rung, const void *x, void *y)
{
    const struct lane_plan *mine = lane->plans[weight->plan->index];
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, mine->x[rung]},
                                    {DNNL_ARG_WEIGHTS, weight->packed_memory},
                                    {DNNL_ARG_DST, mine->y[rung]},
                                    {DNNL_ARG_SCRATCHPAD, mine->scratch[rung]},
                                    {DNNL_ARG_BIAS, weight->bias_memory}};
    dnnl_status_t status = dnnl_memory_set_data_handle(mine->x[rung], (void *)(size_t)x);

    if (status == dnnl_success)
        status = dnnl_memory_set_data_handle(mine->y[rung], y);
    if (status == dnnl_success)
        status = dnnl_memory_set_data_handle(mine->scratch[rung], lane->scratch);
    if (status == dnnl_success)
        status = dnnl_primitive_execute(weight->plan->rungs[rung].primitive, lane->stream,
                                        weight->bias_memory ? 5 : 4, args);
    return status;
}

/* The last rows, when they are fewer than the lowest rung has, are done by one that overlaps those before:
 * these get the same bits a second time. */
static dnnl_status_t run_rows(struct linear_lane *lane, const struct linear_args *args)
{
    const struct onednn_plan *plan = args->weight->plan;
    const size_t x_bytes = (size_t)plan->shape.in * onednn_type_bytes(plan->shape.operand);
    const size_t y_bytes = (size_t)plan->shape.out * onednn_type_bytes(plan->shape.result);
    const int few = plan_rows(plan->lowest);
    dnnl_status_t status = dnnl_success;

    for (int row = 0; status == dnnl_success && row < args->n_rows;) {
        int rung;

        if (args->n_rows - row < few)
            row = args->n_rows - few;
        rung = onednn_plan_rung(plan, args->n_rows - row);
        status = run_rung(lane, args->weight, rung, (const char *)args->in + (size_t)row * x_bytes,
                          (char *)args->out + (size_t)row * y_bytes);
        row += plan_rows(rung);
    }
    return status;
}

static dnnl_status_t run_few(struct linear_lane *lane, const struct linear_args *args)
{
    const struct onednn_plan *plan = args->weight->plan;
    const size_t n = (size_t)args->n_rows;
    dnnl_status_t status;

    memcpy(lane->few_x, args->in,
           n * (size_t)plan->shape.in * onednn_type_bytes(plan->shape.operand));
    status = run_rung(lane, args->weight, plan->lowest, lane->few_x, lane->few_y);
    if (status == dnnl_success)
        status = dnnl_stream_wait(lane->stream);
    if (status == dnnl_success)
        memcpy(args->out, lane->few_y,
               n * (size_t)plan->shape.out * onednn_type_bytes(plan->shape.result));
    return status;
}

static int run(struct linear_lane *lane, const struct linear_args *args, struct err *err)
{
    const struct onednn_plan *plan = args->weight->plan;
    dnnl_status_t status;

    if (args->n_rows == 0)
        return 0;
    alone(lane->provider);
    if (!lane->plans[plan->index] && add_plan(lane, plan, err))
        return -1;
    if (args->n_rows < plan_rows(plan->lowest))
        status = run_few(lane, args);
    else
        status = run_rows(lane, args);
    if (status == dnnl_success)
        status = dnnl_stream_wait(lane->stream);
    return status == dnnl_success ? 0 : fail(err, "linear", status);
}

const struct linear_ops linear_onednn = {
    .name = "onednn",
    .supports = supports,
    .describe = describe,
    .open = provider_open,
    .close = provider_close,
    .weight_new = weight_new,
    .weight_free = weight_free,
    .lane_open = lane_open,
    .lane_close = lane_close,
    .run = run,
};
