/* The device: its choice, its streams, uploads and errors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "kernels/cuda/product.h"

#define POLL_US 20
#define MAX_LAUNCHED 2

/*
 * Below 256 tokens a pass takes as long as at 256. From 1024 to 8192 a batch is padded by less than
 * a quarter, by a tenth on average. Beyond, where passes are not recorded, a rung costs two
 * comparisons of each product at open: steps of 1024 pad by 2 to 5 % on average.
 */
static const struct ladder ladder = {
    .n = 43, .tokens = {256,   384,   512,   640,   768,   896,   1024,  1280,  1536,  1792,  2048,
                        2560,  3072,  3584,  4096,  5120,  6144,  7168,  8192,  9216,  10240, 11264,
                        12288, 13312, 14336, 15360, 16384, 17408, 18432, 19456, 20480, 21504, 22528,
                        23552, 24576, 25600, 26624, 27648, 28672, 29696, 30720, 31744, 32768}};

/* ---- errors ---------------------------------------------------------------------------------- */

int device_failed(struct device *device, cudaError_t rc, const char *what, struct err *err)
{
    device->broken = true;
    return err_set(err, ERR_UNAVAILABLE, "cuda: %s: %s (%s)", what, cudaGetErrorString(rc),
                   cudaGetErrorName(rc));
}

int device_blas_failed(struct device *device, cublasStatus_t rc, const char *what, struct err *err)
{
    device->broken = true;
    return err_set(err, ERR_UNAVAILABLE, "cuda: cuBLASLt: %s: %s", what,
                   cublasLtGetStatusString(rc));
}

int device_enter(struct device *device, struct err *err)
{
    cudaError_t rc;

    if (device->broken)
        return err_set(err, ERR_UNAVAILABLE, "cuda: the device is broken: restart the process");
    rc = cudaSetDevice(device->index); /* the calling thread's own setting */
    return rc == cudaSuccess ? 0 : device_failed(device, rc, "setting the device", err);
}

/* ---- uploads --------------------------------------------------------------------------------- */

static cudaError_t upload_chunk(struct device *device, enum cuda_type type, void *to,
                                const float *from, size_t n)
{
    const size_t bytes = n * sizeof(*from);
    void *landing = type == CUDA_TYPE_F32 ? to : device->chunk_on_device;
    cudaError_t rc;

    memcpy(device->chunk, from, bytes);
    rc = cudaMemcpyAsync(landing, device->chunk, bytes, cudaMemcpyHostToDevice, device->uploads);
    if (rc == cudaSuccess && landing != to)
        rc = cuda_convert(type, to, device->chunk_on_device, n, device->uploads);
    if (rc == cudaSuccess)
        rc = cudaStreamSynchronize(device->uploads);
    return rc;
}

int device_upload(struct device *device, enum cuda_type type, void *to, const float *from, size_t n,
                  struct err *err)
{
    const size_t most = CUDA_CHUNK_BYTES / sizeof(*from);

    for (size_t at = 0; at < n; at += most) {
        const size_t len = n - at < most ? n - at : most;
        char *place = (char *)to + at * cuda_type_bytes(type);
        const cudaError_t rc = upload_chunk(device, type, place, from + at, len);
        if (rc != cudaSuccess)
            return device_failed(device, rc, "uploading", err);
    }
    return 0;
}

/* ---- choosing -------------------------------------------------------------------------------- */

static int count_devices(int *n, struct err *err)
{
    const cudaError_t rc = cudaGetDeviceCount(n);

    if (rc == cudaErrorInsufficientDriver)
        return err_set(
            err, ERR_UNAVAILABLE,
            "cuda: no NVIDIA driver, or one older than CUDA %d.%d wants: install one, or "
            "choose the backend cpu",
            CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
    if (rc == cudaErrorNoDevice || (rc == cudaSuccess && *n == 0))
        return err_set(err, ERR_UNAVAILABLE,
                       "cuda: no GPU is visible (/dev/nvidia*, CUDA_VISIBLE_DEVICES): choose the "
                       "backend cpu");
    if (rc != cudaSuccess)
        return err_set(err, ERR_UNAVAILABLE, "cuda: %s (%s)", cudaGetErrorString(rc),
                       cudaGetErrorName(rc));
    return 0;
}

/* "" is the first; a number counts the visible ones, as CUDA_VISIBLE_DEVICES lists them. */
static int choose_index(const char *name, int *index, struct err *err)
{
    int64_t number = 0;
    int n = 0;

    if (count_devices(&n, err))
        return -1;
    if (name && *name && number_int(view_of(name), 0, n - 1, &number))
        return err_set(err, ERR_UNAVAILABLE,
                       "cuda: no device \"%s\": %d visible, numbered from 0; choose one by UUID "
                       "with CUDA_VISIBLE_DEVICES",
                       name, n);
    *index = (int)number;
    return 0;
}

static int describe(struct device *device, struct err *err)
{
    struct cudaDeviceProp prop;
    int major = 0, minor = 0;
    cudaError_t rc = cudaGetDeviceProperties(&prop, device->index);

    if (rc == cudaSuccess)
        rc = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device->index);
    if (rc == cudaSuccess)
        rc = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device->index);
    if (rc != cudaSuccess)
        return device_failed(device, rc, "reading the device's properties", err);
    if (major < 8)
        return err_set(err, ERR_UNAVAILABLE,
                       "cuda: %.60s has compute capability %d.%d: 8.0 is the least", prop.name,
                       major, minor);
    snprintf(device->caps.name, sizeof(device->caps.name), "%.60s (sm_%d%d)", prop.name, major,
             minor);
    memcpy(device->uuid, prop.uuid.bytes, sizeof(device->uuid));
    return 0;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int make_numbers(struct device *device, struct err *err)
{
    const int n = ladder.tokens[ladder.n - 1] + 1;
    int32_t *numbers = device->chunk;
    cudaError_t rc;

    _Static_assert(CUDA_CHUNK_BYTES >= (32768 + 1) * sizeof(int32_t), "the top rung fits");
    device->numbers = device_alloc(device, (size_t)n * sizeof(*numbers), "row counts", err);
    if (!device->numbers)
        return -1;
    for (int i = 0; i < n; i++)
        numbers[i] = i;
    rc = cudaMemcpyAsync(device->numbers, numbers, (size_t)n * sizeof(*numbers),
                         cudaMemcpyHostToDevice, device->uploads);
    if (rc == cudaSuccess)
        rc = cudaStreamSynchronize(device->uploads);
    return rc == cudaSuccess ? 0 : device_failed(device, rc, "uploading", err);
}

static int make_all(struct device *device, struct err *err)
{
    cudaError_t rc = cudaStreamCreateWithFlags(&device->stream, cudaStreamNonBlocking);
    cublasStatus_t status;

    if (rc == cudaSuccess)
        rc = cudaStreamCreateWithFlags(&device->uploads, cudaStreamNonBlocking);
    if (rc == cudaSuccess)
        rc = cudaHostAlloc(&device->chunk, CUDA_CHUNK_BYTES, cudaHostAllocDefault);
    if (rc != cudaSuccess)
        return device_failed(device, rc, "opening the device", err);
    if (device_pool_init(device, err))
        return -1;
    status = cublasLtCreate(&device->blas);
    if (status != CUBLAS_STATUS_SUCCESS)
        return device_blas_failed(device, status, "opening", err);
    device->workspace = device_alloc(device, CUDA_WORKSPACE_BYTES, "products", err);
    if (!device->workspace)
        return -1;
    device->chunk_on_device = device_alloc(device, CUDA_CHUNK_BYTES, "uploads", err);
    if (!device->chunk_on_device)
        return -1;
    return make_numbers(device, err);
}

int cuda_device_open(const char *name, struct device **out, struct err *err)
{
    struct device *device = calloc(1, sizeof(*device));

    if (!device)
        return err_set(err, ERR_NOMEM, "cuda: out of memory");
    device->caps = (struct device_caps){.max_launched = MAX_LAUNCHED,
                                        .poll_us = POLL_US,
                                        .saves = true,
                                        .sensors = true,
                                        .precision = PRECISION_F16,
                                        .width_multiple = CUDA_WIDTH_MULTIPLE,
                                        .ladder = ladder,
                                        .recorded_tokens = CUDA_RECORDED_TOKENS,
                                        .batch_tokens = ladder.tokens[ladder.n - 1]};
    if (choose_index(name, &device->index, err)) {
        free(device); /* no call of any device was made */
        return -1;
    }
    if (device_enter(device, err) || describe(device, err) || make_all(device, err)) {
        cuda_device_close(device);
        return -1;
    }
    *out = device;
    return 0;
}

static void release_all(struct device *device)
{
    if (device->blas)
        (void)cublasLtDestroy(device->blas);
    device_free(device, device->workspace);
    device_free(device, device->chunk_on_device);
    device_free(device, device->numbers);
    if (device->chunk && !device->broken)
        device_released(device, cudaFreeHost(device->chunk));
    if (device->stream && !device->broken)
        device_released(device, cudaStreamDestroy(device->stream));
    if (device->uploads && !device->broken)
        device_released(device, cudaStreamDestroy(device->uploads));
}

void cuda_device_close(struct device *device)
{
    struct product *product;
    struct err err;

    if (!device)
        return;
    if (!device->broken)
        (void)device_enter(device, &err);
    while ((product = device->products)) {
        device->products = product->next;
        product_free(product);
    }
    sessions_release(device);
    device_release_pinned(device);
    if (!device->broken)
        release_all(device);
    nvml_close(&device->nvml);
    free(device);
}

const struct device_caps *cuda_device_caps(const struct device *device)
{
    return &device->caps;
}

void cuda_device_readings(struct device *device, struct device_readings *out)
{
    nvml_read(&device->nvml, device->uuid, out);
}
