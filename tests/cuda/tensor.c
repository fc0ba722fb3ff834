/* Device arrays, their host copies, and batches for tests of single kernels. */
#include "tests/cuda/tensor.h"

#include "kernels/backend.h"
#include "kernels/cpu/bf16.h"

const char *const type_names[] = {"f32", "f16", "bf16"};

void need_device(void)
{
    int n = 0;

    if (cudaGetDeviceCount(&n) != cudaSuccess || n == 0)
        SKIP("no GPU");
}

size_t type_bytes(enum cuda_type type)
{
    return type == CUDA_TYPE_F32 ? 4 : 2;
}

static void to_elements(enum cuda_type type, void *to, const float *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (type == CUDA_TYPE_F32)
            ((float *)to)[i] = from[i];
        else if (type == CUDA_TYPE_F16)
            ((_Float16 *)to)[i] = (_Float16)from[i];
        else
            ((bf16 *)to)[i] = bf16_from_f32(from[i]);
}

static void to_floats(enum cuda_type type, float *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (type == CUDA_TYPE_F32)
            to[i] = ((const float *)from)[i];
        else if (type == CUDA_TYPE_F16)
            to[i] = (float)((const _Float16 *)from)[i];
        else
            to[i] = bf16_to_f32(((const bf16 *)from)[i]);
}

void *device_copy(const void *from, size_t bytes)
{
    void *memory;

    CHECK_CUDA(cudaMalloc(&memory, bytes + 16));
    CHECK_CUDA(cudaMemcpy(memory, from, bytes, cudaMemcpyHostToDevice));
    return memory;
}

void tensor_upload(struct tensor *t)
{
    void *elements = malloc(t->n * 4 + 4);

    CHECK(elements != NULL);
    to_elements(t->type, elements, t->host, t->n);
    to_floats(t->type, t->host, elements, t->n);
    CHECK_CUDA(cudaMemcpy(t->device, elements, t->n * type_bytes(t->type), cudaMemcpyHostToDevice));
    free(elements);
}

static struct tensor tensor_new(enum cuda_type type, size_t n)
{
    struct tensor t = {.type = type, .n = n};

    CHECK_CUDA(cudaMalloc(&t.device, n * type_bytes(type)));
    t.host = malloc(n * sizeof(float) + 4);
    CHECK(t.host != NULL);
    return t;
}

struct tensor tensor_random(struct rng *rng, enum cuda_type type, size_t n, double deviation)
{
    struct tensor t = tensor_new(type, n);

    for (size_t i = 0; i < n; i++)
        t.host[i] = (float)(rng_normal(rng) * deviation);
    tensor_upload(&t);
    return t;
}

struct tensor tensor_nan(enum cuda_type type, size_t n)
{
    struct tensor t = tensor_new(type, n);

    for (size_t i = 0; i < n; i++)
        t.host[i] = NAN;
    tensor_upload(&t);
    return t;
}

void tensor_read(struct tensor *t)
{
    void *elements = malloc(t->n * 4 + 4);

    CHECK(elements != NULL);
    CHECK_CUDA(cudaDeviceSynchronize());
    CHECK_CUDA(cudaMemcpy(elements, t->device, t->n * type_bytes(t->type), cudaMemcpyDeviceToHost));
    to_floats(t->type, t->host, elements, t->n);
    free(elements);
}

void tensor_free(struct tensor *t)
{
    CHECK_CUDA(cudaFree(t->device));
    free(t->host);
}

void check_close(const char *what, const float *got, const double *want, size_t n,
                 enum cuda_type type)
{
    static const double max_nmse[] = {2e-12, 1e-7, 6e-6}, max_largest[] = {2e-5, 1e-2, 8e-2};
    double errors = 0, squares = 1e-30, largest = 0;

    for (size_t i = 0; i < n; i++) {
        const double off = (double)got[i] - want[i];

        if (!(off * off < 1e30))
            FAIL("%s in %s: element %zu of %zu is %g, want %g", what, type_names[type], i, n,
                 (double)got[i], want[i]);
        errors += off * off;
        squares += want[i] * want[i];
        largest = fabs(off) > largest ? fabs(off) : largest;
    }
    largest /= sqrt(squares / (double)n);
    if (n > 0 && (errors / squares > max_nmse[type] || largest > max_largest[type]))
        FAIL("%s in %s: nmse %.2g, largest %.2g", what, type_names[type], errors / squares,
             largest);
}

void layout_add(struct layout *layout, int len, int parent)
{
    const int s = layout->n_segments++;

    CHECK(s < COUNT(layout->start) && layout->n_tokens + len <= COUNT(layout->segment_of));
    layout->start[s] = layout->n_tokens;
    layout->len[s] = len;
    layout->parent[s] = parent;
    for (int i = 0; i < len; i++)
        layout->segment_of[layout->n_tokens++] = s;
}

void layout_read(struct layout *layout)
{
    for (int s = 0; s < layout->n_segments; s++) {
        bool is_parent = false;

        for (int c = s + 1; c < layout->n_segments; c++)
            is_parent |= layout->parent[c] == s;
        if (is_parent)
            continue;
        layout->read_segments[layout->n_read] = s;
        layout->read[layout->n_read++] = layout->start[s];
    }
}

static void *batch_copy(struct batch *batch, const void *from, size_t bytes)
{
    void *memory = device_copy(from, bytes);

    batch->memory[batch->n_memory++] = memory;
    return memory;
}

struct batch batch_upload(const struct layout *layout, struct rng *rng, int32_t *ids[3])
{
    static const uint64_t below[] = {8, 2, 16};
    struct slice_segment segments[512];
    struct cuda_segment to[512];
    const int n = layout->n_tokens, max_tiles = cuda_tiles_max(n, layout->n_segments);
    int32_t *segment_of = calloc((size_t)n + 1, sizeof(*segment_of));
    struct cuda_tile *tiles = calloc((size_t)max_tiles + 1, sizeof(*tiles));
    struct slice slice = {.n_tokens = n,
                          .n_segments = layout->n_segments,
                          .n_read = layout->n_read,
                          .segments = segments};
    struct batch batch = {.counts = {n, layout->n_segments, layout->n_read, 0}};

    CHECK(segment_of != NULL && tiles != NULL);
    for (int s = 0; s < layout->n_segments; s++)
        segments[s] =
            (struct slice_segment){layout->start[s], layout->len[s], layout->parent[s], -1};
    batch.counts.n_tiles = cuda_tiles_fill(&slice, to, segment_of, tiles);
    CHECK(batch.counts.n_tiles <= max_tiles);
    for (int i = 0; i < 3; i++) {
        ids[i] = calloc((size_t)n + 1, sizeof(int32_t));
        CHECK(ids[i] != NULL);
        for (int t = 0; t < n; t++)
            ids[i][t] = (int32_t)rng_below(rng, below[i]);
    }
    const size_t row_bytes = (size_t)n * sizeof(int32_t);
    batch.device = (struct cuda_batch){
        .counts = batch_copy(&batch, &batch.counts, sizeof(batch.counts)),
        .ids = batch_copy(&batch, ids[0], row_bytes),
        .types = batch_copy(&batch, ids[1], row_bytes),
        .positions = batch_copy(&batch, ids[2], row_bytes),
        .segment_of = batch_copy(&batch, segment_of, row_bytes),
        .segments = batch_copy(&batch, to, (size_t)layout->n_segments * sizeof(*to)),
        .tiles = batch_copy(&batch, tiles, (size_t)max_tiles * sizeof(*tiles)),
        .rung = n + 37,
        .rung_read = layout->n_read + 5,
        .max_tiles = max_tiles,
    };
    const size_t read_bytes = (size_t)layout->n_read * sizeof(int32_t);
    int *reads = malloc(2 * read_bytes + 4);
    CHECK(reads != NULL);
    memcpy(reads, layout->read, read_bytes);
    memcpy(reads + layout->n_read, layout->read_segments, read_bytes);
    batch.device.read = batch_copy(&batch, reads, 2 * read_bytes);
    batch.device.read_segments = batch.device.read + layout->n_read;
    free(reads);
    free(segment_of);
    free(tiles);
    return batch;
}

void batch_free(struct batch *batch)
{
    for (int i = 0; i < batch->n_memory; i++)
        CHECK_CUDA(cudaFree(batch->memory[i]));
}
