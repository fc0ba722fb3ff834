/* The devices there are, and what they say of themselves. */
#include "tests/simt/runtime_state.h"

#include <stdio.h>
#include <string.h>

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    ENTER;
    *count = the().n_devices;
    if (*count < 0) {
        *count = 0;
        return report(cudaErrorInsufficientDriver);
    }
    return *count > 0 ? cudaSuccess : report(cudaErrorNoDevice);
}

static cudaError_t check_device(int device)
{
    return device >= 0 && device < the().n_devices ? cudaSuccess : report(cudaErrorInvalidDevice);
}

cudaError_t cudaSetDevice(int device)
{
    ENTER;
    return check_device(device);
}

cudaError_t cudaGetDevice(int *device)
{
    ENTER;
    *device = 0;
    return cudaSuccess;
}

cudaError_t cudaSetDeviceFlags(unsigned)
{
    ENTER;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *prop, int device)
{
    ENTER;
    *prop = cudaDeviceProp();
    snprintf(prop->name, sizeof(prop->name), "CUDA emulator");
    memcpy(prop->uuid.bytes, "adrank emulator", 16);
    prop->totalGlobalMem = the().total_bytes;
    prop->sharedMemPerBlock = 48 * 1024;
    prop->major = 8;
    prop->multiProcessorCount = 4;
    prop->l2CacheSize = 1 << 20;
    return check_device(device);
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attr, int device)
{
    ENTER;
    switch (attr) {
    case cudaDevAttrMaxThreadsPerBlock:
        *value = 1024;
        break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
        *value = 48 * 1024;
        break;
    case cudaDevAttrWarpSize:
        *value = 32;
        break;
    case cudaDevAttrClockRate:
        *value = 1000000;
        break;
    case cudaDevAttrMultiProcessorCount:
        *value = 4;
        break;
    case cudaDevAttrComputeMode:
        *value = 0;
        break;
    case cudaDevAttrMemoryPoolsSupported:
        *value = simt_number("ADRANK_SIMT_POOLS", 1);
        break;
    case cudaDevAttrL2CacheSize:
        *value = 1 << 20;
        break;
    case cudaDevAttrComputeCapabilityMajor:
        *value = 8;
        break;
    case cudaDevAttrComputeCapabilityMinor:
        *value = 0;
        break;
    default:
        return report(cudaErrorInvalidValue);
    }
    return check_device(device);
}

cudaError_t cudaDeviceGetPCIBusId(char *out, int len, int device)
{
    ENTER;
    snprintf(out, (size_t)len, "0000:00:00.0");
    return check_device(device);
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    ENTER;
    *total = the().total_bytes;
    *available = *total - the().device_bytes;
    return cudaSuccess;
}
