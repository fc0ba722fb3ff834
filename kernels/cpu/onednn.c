/* Wraps the calls of oneDNN 2 and 3 in one interface. */
#include "kernels/cpu/onednn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * All differences between the versions: in 2 a memory descriptor is a struct that is filled in and
 * an operation has a descriptor before its primitive descriptor; in 3 both are objects that are
 * created.
 */
#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t owned_desc;
typedef const_dnnl_memory_desc_t seen_desc;
#define SEEN(desc) (desc)
#define NO_DESC NULL
#define desc_new onednn.memory_desc_create_with_tag
#define desc_new_strided onednn.memory_desc_create_with_strides
#define desc_copy onednn.memory_desc_clone
#define matmul_desc_new onednn.matmul_primitive_desc_create

static void desc_free(owned_desc desc)
{
    if (desc)
        dnnl_memory_desc_destroy(desc);
}

static dnnl_status_t append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind)
{
    return onednn.post_ops_append_eltwise(ops, kind, 0.0F, 0.0F);
}
#else
typedef dnnl_memory_desc_t owned_desc;
typedef const dnnl_memory_desc_t *seen_desc;
#define SEEN(desc) (&(desc))
#define NO_DESC ((owned_desc){0})
#define desc_new dnnl_memory_desc_init_by_tag
#define desc_new_strided dnnl_memory_desc_init_by_strides

static void desc_free(owned_desc desc)
{
    (void)desc;
}

static dnnl_status_t desc_copy(owned_desc *out, seen_desc from)
{
    *out = *from;
    return dnnl_success;
}

static dnnl_status_t append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind)
{
    return onednn.post_ops_append_eltwise(ops, 1.0F, kind, 0.0F, 0.0F);
}

static dnnl_status_t matmul_desc_new(dnnl_primitive_desc_t *out, dnnl_engine_t engine, seen_desc x,
                                     seen_desc w, seen_desc b, seen_desc y,
                                     dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t desc;
    dnnl_status_t status = dnnl_matmul_desc_init(&desc, x, w, b, y);

    return status == dnnl_success ? onednn.primitive_desc_create(out, &desc, attr, engine, NULL)
                                  : status;
}
#endif

/*
 * oneDNN queries OpenMP for the number of threads when a primitive is created and when it runs.
 * This definition replaces OpenMP's for the whole program: with one thread it never starts a team.
 * omp_set_num_threads() would be per thread, and libgomp allocates for it and ends the process if
 * that fails.
 */
int omp_get_max_threads(void);

int omp_get_max_threads(void)
{
    return 1;
}

struct onednn_layout {
    owned_desc desc;
};

static const dnnl_alg_kind_t eltwise_kinds[ACTIVATIONS] = {
    [ACTIVATION_GELU_ERF] = dnnl_eltwise_gelu_erf,
    [ACTIVATION_GELU_TANH] = dnnl_eltwise_gelu_tanh,
    [ACTIVATION_RELU] = dnnl_eltwise_relu,
    [ACTIVATION_TANH] = dnnl_eltwise_tanh,
};

static dnnl_status_t matrix_desc(owned_desc *out, int rows, int columns, dnnl_data_type_t type,
                                 dnnl_format_tag_t tag)
{
    const dnnl_dims_t dims = {rows, columns};

    return desc_new(out, 2, dims, type, tag);
}

static dnnl_status_t attr_new(enum activation activation, dnnl_primitive_attr_t *out)
{
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = onednn.primitive_attr_create(out);

    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
    if (status != dnnl_success || activation == ACTIVATION_NONE)
        return status;
    status = onednn.post_ops_create(&ops);
    if (status == dnnl_success)
        status = append_eltwise(ops, eltwise_kinds[activation]);
    if (status == dnnl_success)
        status = onednn.primitive_attr_set_post_ops(*out, ops);
    if (ops)
        dnnl_post_ops_destroy(ops);
    return status;
}

static dnnl_status_t layout_new(seen_desc desc, struct onednn_layout **out)
{
    struct onednn_layout *layout = malloc(sizeof(*layout));
    dnnl_status_t status;

    if (!layout)
        return dnnl_out_of_memory;
    status = desc_copy(&layout->desc, desc);
    if (status != dnnl_success)
        free(layout);
    else
        *out = layout;
    return status;
}

/* A creation that ended in an exception stays in the library's cache and never succeeds later, so
 * the whole cache is cleared. Primitives in use are kept. */
static void forget_primitives(void)
{
    int capacity;

    if (dnnl_get_primitive_cache_capacity(&capacity) == dnnl_success) {
        dnnl_set_primitive_cache_capacity(0);
        dnnl_set_primitive_cache_capacity(capacity);
    }
}

static dnnl_status_t primitive_new(dnnl_primitive_t *out, dnnl_primitive_desc_t desc)
{
    dnnl_status_t status = onednn.primitive_create(out, desc);

    if (status == dnnl_out_of_memory || status == dnnl_runtime_error)
        forget_primitives();
    return status;
}

/* Everything the caller needs from a primitive descriptor. */
static dnnl_status_t matmul_from(struct onednn_matmul *matmul, dnnl_primitive_desc_t desc,
                                 struct onednn_layout **layout)
{
    dnnl_status_t status = dnnl_success;
    const char *name = "";

    if (!*layout)
        status = layout_new(dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0), layout);
    if (status == dnnl_success)
        status = onednn.primitive_desc_query(desc, dnnl_query_impl_info_str, 0, &name);
    if (status == dnnl_success)
        status = primitive_new(&matmul->primitive, desc);
    if (status != dnnl_success)
        return status;
    snprintf(matmul->implementation, sizeof(matmul->implementation), "%s", name);
    matmul->scratch_bytes =
        dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0));
    return dnnl_success;
}

/* The descriptors of one product except its weights'. */
struct operands {
    owned_desc x, b, y;
    dnnl_primitive_attr_t attr;
};

static void operands_release(struct operands *operands)
{
    if (operands->attr)
        dnnl_primitive_attr_destroy(operands->attr);
    desc_free(operands->y);
    desc_free(operands->b);
    desc_free(operands->x);
}

static dnnl_status_t operands_init(struct operands *operands, const struct onednn_shape *shape)
{
    dnnl_status_t status =
        matrix_desc(&operands->x, shape->rows, shape->in, shape->operand, dnnl_ab);

    if (status == dnnl_success && shape->bias)
        status = matrix_desc(&operands->b, 1, shape->out, dnnl_f32, dnnl_ab);
    if (status == dnnl_success)
        status = matrix_desc(&operands->y, shape->rows, shape->out, shape->result, dnnl_ab);
    if (status == dnnl_success)
        status = attr_new(shape->activation, &operands->attr);
    return status;
}

static dnnl_status_t product_new(dnnl_engine_t engine, const struct onednn_shape *shape,
                                 const struct operands *operands, seen_desc weights,
                                 dnnl_primitive_desc_t *out)
{
    return matmul_desc_new(out, engine, SEEN(operands->x), weights,
                           shape->bias ? SEEN(operands->b) : NULL, SEEN(operands->y),
                           operands->attr);
}

/*
 * Where oneDNN chooses plain rows for the weights (its AVX2 kernels do), the row stride is padded:
 * rows a multiple of 1 KB apart map to the same few cache sets, and a product of 768 x 3072 runs at
 * half speed. Replaces *product if that applies and succeeds; otherwise it is kept.
 */
static dnnl_status_t spread_rows(dnnl_engine_t engine, const struct onednn_shape *shape,
                                 const struct operands *operands, dnnl_primitive_desc_t *product)
{
    const dnnl_dims_t dims = {shape->in, shape->out};
    dnnl_dims_t strides = {(shape->out + 15) / 16 * 16 + 16, 1};
    owned_desc plain = NO_DESC, spread = NO_DESC;
    dnnl_primitive_desc_t better = NULL;
    dnnl_status_t status = matrix_desc(&plain, shape->in, shape->out, shape->operand, dnnl_ab);

    if (strides[0] % 256 == 0)
        strides[0] += 16;
    if (status == dnnl_success &&
        dnnl_memory_desc_equal(dnnl_primitive_desc_query_md(*product, dnnl_query_weights_md, 0),
                               SEEN(plain))) {
        status = desc_new_strided(&spread, 2, dims, shape->operand, strides);
        if (status == dnnl_success)
            status = product_new(engine, shape, operands, SEEN(spread), &better);
        if (status == dnnl_success) {
            dnnl_primitive_desc_destroy(*product);
            *product = better;
        } else if (status != dnnl_out_of_memory) { /* not possible for this shape */
            status = dnnl_success;
        }
    }
    desc_free(spread);
    desc_free(plain);
    return status;
}

dnnl_status_t onednn_matmul_init(struct onednn_matmul *matmul, dnnl_engine_t engine,
                                 const struct onednn_shape *shape, struct onednn_layout **layout)
{
    struct operands operands = {NO_DESC, NO_DESC, NO_DESC, NULL};
    owned_desc any = NO_DESC;
    dnnl_primitive_desc_t product = NULL;
    dnnl_status_t status = operands_init(&operands, shape);

    matmul->shape = *shape;
    if (status == dnnl_success)
        status = matrix_desc(&any, shape->in, shape->out, shape->operand, dnnl_format_tag_any);
    if (status == dnnl_success)
        status = product_new(engine, shape, &operands, *layout ? SEEN((*layout)->desc) : SEEN(any),
                             &product);
    if (status == dnnl_success && !*layout)
        status = spread_rows(engine, shape, &operands, &product);
    if (status == dnnl_success)
        status = matmul_from(matmul, product, layout);

    if (product)
        dnnl_primitive_desc_destroy(product);
    desc_free(any);
    operands_release(&operands);
    return status;
}

void onednn_matmul_release(struct onednn_matmul *matmul)
{
    if (matmul->primitive)
        dnnl_primitive_destroy(matmul->primitive);
    matmul->primitive = NULL;
}

void onednn_layout_free(struct onednn_layout *layout)
{
    if (!layout)
        return;
    desc_free(layout->desc);
    free(layout);
}

/* Its handle is set later. */
static dnnl_status_t memory_new(dnnl_memory_t *out, dnnl_engine_t engine, int rows, int columns,
                                dnnl_data_type_t type)
{
    owned_desc desc = NO_DESC;
    dnnl_status_t status = matrix_desc(&desc, rows, columns, type, dnnl_ab);

    if (status == dnnl_success)
        status = onednn.memory_create(out, SEEN(desc), engine, NULL);
    desc_free(desc);
    return status;
}

static void memory_free(dnnl_memory_t memory)
{
    if (memory)
        dnnl_memory_destroy(memory);
}

/* ---- weights --------------------------------------------------------------------------------- */

/* from: (out, in) f32, row-major. */
static dnnl_status_t pack(dnnl_engine_t engine, dnnl_stream_t stream,
                          const struct onednn_layout *layout, const struct linear_spec *spec,
                          dnnl_memory_t to)
{
    owned_desc desc = NO_DESC;
    dnnl_memory_t source = NULL;
    dnnl_primitive_desc_t reorder_desc = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_status_t status = matrix_desc(&desc, spec->in, spec->out, dnnl_f32, dnnl_ba);

    if (status == dnnl_success)
        status = onednn.memory_create(&source, SEEN(desc), engine, (void *)(size_t)spec->weight);
    if (status == dnnl_success)
        status = onednn.reorder_primitive_desc_create(&reorder_desc, SEEN(desc), engine,
                                                      SEEN(layout->desc), engine, NULL);
    if (status == dnnl_success)
        status = primitive_new(&reorder, reorder_desc);
    if (status == dnnl_success) {
        const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, to}};

        status = onednn.primitive_execute(reorder, stream, 2, args);
    }
    if (status == dnnl_success)
        status = onednn.stream_wait(stream);

    if (reorder)
        dnnl_primitive_destroy(reorder);
    if (reorder_desc)
        dnnl_primitive_desc_destroy(reorder_desc);
    memory_free(source);
    desc_free(desc);
    return status;
}

dnnl_status_t onednn_weight_init(struct onednn_weight *weight, dnnl_engine_t engine,
                                 dnnl_stream_t stream, const struct onednn_layout *layout,
                                 const struct linear_spec *spec)
{
    const size_t bias_bytes = (size_t)spec->out * sizeof(float);
    dnnl_status_t status;

    weight->packed = onednn_aligned(dnnl_memory_desc_get_size(SEEN(layout->desc)));
    weight->bias = onednn_aligned(bias_bytes);
    if (!weight->packed || !weight->bias)
        return dnnl_out_of_memory;
    status =
        onednn.memory_create(&weight->packed_memory, SEEN(layout->desc), engine, weight->packed);
    if (status == dnnl_success)
        status = pack(engine, stream, layout, spec, weight->packed_memory);
    if (status != dnnl_success || !spec->bias)
        return status;
    memcpy(weight->bias, spec->bias, bias_bytes);
    status = memory_new(&weight->bias_memory, engine, 1, spec->out, dnnl_f32);
    if (status == dnnl_success)
        status = onednn.memory_set_data_handle(weight->bias_memory, weight->bias);
    return status;
}

void onednn_weight_release(struct onednn_weight *weight)
{
    memory_free(weight->bias_memory);
    memory_free(weight->packed_memory);
    free(weight->bias);
    free(weight->packed);
}

/* ---- running --------------------------------------------------------------------------------- */

dnnl_status_t onednn_runner_init(struct onednn_runner *runner, dnnl_engine_t engine,
                                 const struct onednn_matmul *matmul)
{
    const struct onednn_shape *shape = &matmul->shape;
    dnnl_status_t status = memory_new(&runner->x, engine, shape->rows, shape->in, shape->operand);

    runner->primitive = matmul->primitive;
    if (status == dnnl_success)
        status = memory_new(&runner->y, engine, shape->rows, shape->out, shape->result);
    if (status == dnnl_success)
        status = memory_new(&runner->scratch, engine, 1, (int)matmul->scratch_bytes, dnnl_u8);
    return status;
}

void onednn_runner_release(struct onednn_runner *runner)
{
    memory_free(runner->scratch);
    memory_free(runner->y);
    memory_free(runner->x);
}

dnnl_status_t onednn_run(const struct onednn_runner *runner, dnnl_stream_t stream,
                         const struct onednn_weight *weight, const struct onednn_arrays *arrays)
{
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, runner->x},
                                    {DNNL_ARG_WEIGHTS, weight->packed_memory},
                                    {DNNL_ARG_DST, runner->y},
                                    {DNNL_ARG_SCRATCHPAD, runner->scratch},
                                    {DNNL_ARG_BIAS, weight->bias_memory}};
    dnnl_status_t status = onednn.memory_set_data_handle(runner->x, (void *)(size_t)arrays->x);

    if (status == dnnl_success)
        status = onednn.memory_set_data_handle(runner->y, arrays->y);
    if (status == dnnl_success)
        status = onednn.memory_set_data_handle(runner->scratch, arrays->scratch);
    if (status == dnnl_success)
        status =
            onednn.primitive_execute(runner->primitive, stream, weight->bias_memory ? 5 : 4, args);
    return status;
}

const char *onednn_reason(dnnl_status_t status)
{
    switch (status) {
    case dnnl_out_of_memory:
        return "out of memory";
    case dnnl_invalid_arguments:
        return "invalid arguments";
    case dnnl_unimplemented:
        return "not implemented on this processor";
    case dnnl_runtime_error:
        return "failed at run time";
    default:
        return "failed";
    }
}
