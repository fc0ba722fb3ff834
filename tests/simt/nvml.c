/*
 * A stand-in for NVIDIA's management library: libnvidia-ml.so.1 in a folder of its own, for
 * LD_LIBRARY_PATH. It knows the emulated device, as a whole card or as a slice of one.
 *
 *   ADRANK_SIMT_NVML  words: "slice" (CUDA's UUID is that of a slice), "part" (it is the card's,
 * but the process has only a slice), "lost" (no reading), "hot", "full"
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define OK 0
#define UNINITIALIZED 1
#define INVALID_ARGUMENT 2
#define NOT_SUPPORTED 3
#define NOT_FOUND 6
#define GPU_IS_LOST 15

#define UUID "61647261-6e6b-2065-6d75-6c61746f7200" /* "adrank emulator" */

struct memory {
    unsigned long long total, available, used;
};
struct utilization {
    unsigned processor, memory;
};
struct device {
    bool slice;
};
static struct device the_card = {false}, the_slice = {true};
static int n_init;

static bool asked_to(const char *word)
{
    const char *words = getenv("ADRANK_SIMT_NVML");

    return words && strstr(words, word);
}

/* What a sensor of the card returns: slices have none. */
static int sensor(const struct device *device, unsigned *out, unsigned value)
{
    if (n_init < 1)
        return UNINITIALIZED;
    if (asked_to("lost"))
        return GPU_IS_LOST;
    if (device->slice)
        return NOT_SUPPORTED;
    *out = value;
    return OK;
}

/* The library's functions are not declared: their callers look them up by name. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

int nvmlInit_v2(void)
{
    n_init++;
    return OK;
}

int nvmlShutdown(void)
{
    return n_init-- > 0 ? OK : UNINITIALIZED;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, struct device **out)
{
    const bool slice = asked_to("slice");

    if (n_init < 1)
        return UNINITIALIZED;
    if (strcmp(uuid, slice ? "MIG-" UUID : "GPU-" UUID) != 0)
        return NOT_FOUND;
    *out = slice ? &the_slice : &the_card;
    return OK;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(struct device *slice, struct device **out)
{
    if (!slice->slice)
        return INVALID_ARGUMENT;
    *out = &the_card;
    return OK;
}

int nvmlDeviceGetMigMode(struct device *device, unsigned *now, unsigned *after_reset)
{
    *now = *after_reset = asked_to("slice") || asked_to("part");
    return device->slice ? INVALID_ARGUMENT : OK;
}

int nvmlDeviceGetMemoryInfo(struct device *device, struct memory *out)
{
    const unsigned long long gib = 1ULL << 30, total = device->slice ? 10 * gib : 80 * gib;
    const unsigned long long used = asked_to("full") ? total - gib / 4 : 3 * gib;

    *out = (struct memory){total, total - used, used};
    return asked_to("lost") ? GPU_IS_LOST : OK;
}

int nvmlDeviceGetUtilizationRates(struct device *device, struct utilization *out)
{
    out->memory = 20;
    return asked_to("part") ? NOT_SUPPORTED : sensor(device, &out->processor, 87);
}

int nvmlDeviceGetPowerUsage(struct device *device, unsigned *out_mw)
{
    return sensor(device, out_mw, 689500);
}

int nvmlDeviceGetEnforcedPowerLimit(struct device *device, unsigned *out_mw)
{
    return sensor(device, out_mw, 700000);
}

int nvmlDeviceGetTemperature(struct device *device, unsigned which, unsigned *out_celsius)
{
    return which == 0 ? sensor(device, out_celsius, 64) : INVALID_ARGUMENT;
}

int nvmlDeviceGetClockInfo(struct device *device, unsigned domain, unsigned *out_mhz)
{
    return domain == 1 ? sensor(device, out_mhz, 1410) : INVALID_ARGUMENT;
}

int nvmlDeviceGetMaxClockInfo(struct device *device, unsigned domain, unsigned *out_mhz)
{
    return domain == 1 ? sensor(device, out_mhz, 1980) : INVALID_ARGUMENT;
}

/* The name before it was ...ClocksEventReasons, which newer versions have as well. */
int nvmlDeviceGetCurrentClocksThrottleReasons(struct device *device, unsigned long long *out)
{
    unsigned reasons = 0;
    const int rc = sensor(device, &reasons, asked_to("hot") ? 0x8 | 0x40 : 0x4);

    *out = reasons;
    return rc;
}
