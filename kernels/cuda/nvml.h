/*
 * The card's sensors, by NVIDIA's management library. libnvidia-ml.so.1 comes with the driver and
 * is opened at the first reading; without it, in a container that was not given it for one, nothing
 * is known. It is not CUDA: it may be asked while CUDA is broken. One thread at a time.
 */
#ifndef KERNELS_CUDA_NVML_H
#define KERNELS_CUDA_NVML_H

#include "kernels/backend.h"

struct nvml_device;  /* the library's own */
struct nvml_memory { /* its nvmlMemory_t */
    unsigned long long total, available, used;
};
struct nvml_utilization { /* its nvmlUtilization_t: percent */
    unsigned processor, memory;
};

/* The functions in use, without their prefix "nvmlDevice"; they return 0, or an error. NULL: this
 * version of the library has none. */
struct nvml_functions {
    int (*init)(void);
    int (*shutdown)(void);
    int (*by_uuid)(const char *uuid, struct nvml_device **out);
    int (*card_of_slice)(struct nvml_device *slice, struct nvml_device **out);
    int (*mig_mode)(struct nvml_device *device, unsigned *now, unsigned *after_reset);
    int (*memory)(struct nvml_device *device, struct nvml_memory *out);
    int (*utilization)(struct nvml_device *device, struct nvml_utilization *out);
    int (*power)(struct nvml_device *device, unsigned *out_mw);
    int (*power_limit)(struct nvml_device *device, unsigned *out_mw);
    int (*temperature)(struct nvml_device *device, unsigned sensor, unsigned *out_celsius);
    int (*clock)(struct nvml_device *device, unsigned domain, unsigned *out_mhz);
    int (*clock_max)(struct nvml_device *device, unsigned domain, unsigned *out_mhz);
    int (*throttled)(struct nvml_device *device, unsigned long long *out_reasons);
};

struct nvml {
    bool opened; /* or tried to */
    void *library;
    struct nvml_functions call;
    struct nvml_device *device; /* that computes: a card or a slice of one. NULL: not found */
    struct nvml_device *card;   /* with the sensors: of a slice the whole */
    bool whole;                 /* memory is the device's own, not that of a card it is a part of */
};

/* A zeroed struct is opened by its first reading. uuid is CUDA's. Fills all values. */
void nvml_read(struct nvml *nvml, const char uuid[16], struct device_readings *out);
void nvml_close(struct nvml *nvml);

#endif
