/* Opens NVIDIA's management library and reads a card's sensors; see nvml.h. */
#include "kernels/cuda/nvml.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* The library's values: NVML's interface keeps them. */
#define NVML_TEMPERATURE_GPU 0
#define NVML_CLOCK_SM 1
#define NVML_THROTTLE_POWER 0x04ULL
#define NVML_THROTTLE_HARDWARE 0x08ULL
#define NVML_THROTTLE_HEAT (0x20ULL | 0x40ULL) /* seen by software, by hardware */
#define NVML_THROTTLE_BRAKE 0x80ULL

/* ---- opening --------------------------------------------------------------------------------- */

#define FUNCTION(member_, name_)                                                                   \
    {                                                                                              \
        offsetof(struct nvml_functions, member_), name_                                            \
    }

/* Of two names the first that is there: newer versions renamed one and keep the old name. */
static const struct {
    size_t at;
    const char *name;
} functions[] = {
    FUNCTION(init, "nvmlInit_v2"),
    FUNCTION(shutdown, "nvmlShutdown"),
    FUNCTION(by_uuid, "nvmlDeviceGetHandleByUUID"),
    FUNCTION(card_of_slice, "nvmlDeviceGetDeviceHandleFromMigDeviceHandle"),
    FUNCTION(mig_mode, "nvmlDeviceGetMigMode"),
    FUNCTION(memory, "nvmlDeviceGetMemoryInfo"),
    FUNCTION(utilization, "nvmlDeviceGetUtilizationRates"),
    FUNCTION(power, "nvmlDeviceGetPowerUsage"),
    FUNCTION(power_limit, "nvmlDeviceGetEnforcedPowerLimit"),
    FUNCTION(temperature, "nvmlDeviceGetTemperature"),
    FUNCTION(clock, "nvmlDeviceGetClockInfo"),
    FUNCTION(clock_max, "nvmlDeviceGetMaxClockInfo"),
    FUNCTION(throttled, "nvmlDeviceGetCurrentClocksEventReasons"),
    FUNCTION(throttled, "nvmlDeviceGetCurrentClocksThrottleReasons"),
};

static void find_functions(struct nvml *nvml)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        char *member = (char *)&nvml->call + functions[i].at;
        void *function, *known;

        memcpy(&known, member, sizeof(known));
        function = known ? known : dlsym(nvml->library, functions[i].name);
        memcpy(member, &function, sizeof(function));
    }
}

/* "GPU-" or "MIG-" and 01234567-89ab-cdef-0123-456789abcdef. */
static void write_uuid(const char *prefix, const char uuid[16], char *out, size_t size)
{
    size_t len = (size_t)snprintf(out, size, "%s", prefix);

    for (int i = 0; i < 16; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%02x",
                                i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                                (unsigned)(unsigned char)uuid[i]);
}

static bool find_by(struct nvml *nvml, const char *prefix, const char uuid[16])
{
    char text[48];

    write_uuid(prefix, uuid, text, sizeof(text));
    return nvml->call.by_uuid(text, &nvml->device) == 0;
}

/* A slice has memory of its own; the rest is the card's. CUDA may name the card even where the
 * process has only a slice of it: then the card's memory is not the device's. */
static void find_device(struct nvml *nvml, const char uuid[16])
{
    unsigned mig = 0, after_reset = 0;

    if (find_by(nvml, "MIG-", uuid)) {
        nvml->whole = true;
        if (!nvml->call.card_of_slice || nvml->call.card_of_slice(nvml->device, &nvml->card) != 0)
            nvml->card = nvml->device;
    } else if (find_by(nvml, "GPU-", uuid)) {
        nvml->card = nvml->device;
        nvml->whole = !nvml->call.mig_mode ||
                      nvml->call.mig_mode(nvml->card, &mig, &after_reset) != 0 || !mig;
    } else {
        nvml->device = NULL;
    }
}

static void open_library(struct nvml *nvml, const char uuid[16])
{
    nvml->opened = true;
    nvml->library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!nvml->library)
        return;
    find_functions(nvml);
    if (nvml->call.init && nvml->call.shutdown && nvml->call.by_uuid && nvml->call.init() == 0)
        find_device(nvml, uuid);
    else
        nvml->call.shutdown = NULL; /* there is nothing to shut down */
}

void nvml_close(struct nvml *nvml)
{
    if (nvml->library) {
        if (nvml->call.shutdown)
            (void)nvml->call.shutdown();
        dlclose(nvml->library);
    }
    *nvml = (struct nvml){0};
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Each leaves what it cannot read as it is: not known. */

static void read_memory(const struct nvml *nvml, double *values)
{
    struct nvml_memory memory;

    if (!nvml->whole || !nvml->call.memory || nvml->call.memory(nvml->device, &memory) != 0)
        return;
    values[READING_MEMORY_USED] = (double)memory.used;
    values[READING_MEMORY_TOTAL] = (double)memory.total;
}

static void read_utilization(const struct nvml *nvml, double *values)
{
    struct nvml_utilization percent;

    if (nvml->call.utilization && nvml->call.utilization(nvml->card, &percent) == 0)
        values[READING_UTILIZATION] = percent.processor / 100.0;
}

static void read_power(const struct nvml *nvml, double *values)
{
    unsigned mw;

    if (nvml->call.power && nvml->call.power(nvml->card, &mw) == 0)
        values[READING_POWER] = mw / 1e3;
    if (nvml->call.power_limit && nvml->call.power_limit(nvml->card, &mw) == 0)
        values[READING_POWER_LIMIT] = mw / 1e3;
}

static void read_temperature(const struct nvml *nvml, double *values)
{
    unsigned celsius;

    if (nvml->call.temperature &&
        nvml->call.temperature(nvml->card, NVML_TEMPERATURE_GPU, &celsius) == 0)
        values[READING_TEMPERATURE] = celsius;
}

static void read_clocks(const struct nvml *nvml, double *values)
{
    unsigned mhz;

    if (nvml->call.clock && nvml->call.clock(nvml->card, NVML_CLOCK_SM, &mhz) == 0)
        values[READING_CLOCK] = mhz * 1e6;
    if (nvml->call.clock_max && nvml->call.clock_max(nvml->card, NVML_CLOCK_SM, &mhz) == 0)
        values[READING_CLOCK_MAX] = mhz * 1e6;
}

static void read_throttling(const struct nvml *nvml, double *values)
{
    unsigned long long reasons;

    if (!nvml->call.throttled || nvml->call.throttled(nvml->card, &reasons) != 0)
        return;
    values[READING_THROTTLED_POWER] = (reasons & NVML_THROTTLE_POWER) != 0;
    values[READING_THROTTLED_HEAT] = (reasons & NVML_THROTTLE_HEAT) != 0;
    values[READING_THROTTLED_BRAKE] = (reasons & NVML_THROTTLE_BRAKE) != 0;
    values[READING_THROTTLED_HARDWARE] = (reasons & NVML_THROTTLE_HARDWARE) != 0;
}

void nvml_read(struct nvml *nvml, const char uuid[16], struct device_readings *out)
{
    device_readings_none(out);
    if (!nvml->opened)
        open_library(nvml, uuid);
    if (!nvml->device)
        return;
    read_memory(nvml, out->values);
    read_utilization(nvml, out->values);
    read_power(nvml, out->values);
    read_temperature(nvml, out->values);
    read_clocks(nvml, out->values);
    read_throttling(nvml, out->values);
}
