/* Section "model": which model is served, and on which device. */
#ifndef MODEL_MODEL_OPTIONS_H
#define MODEL_MODEL_OPTIONS_H

#include "base/option.h"

enum device_failure { DEVICE_FAILURE_CPU, DEVICE_FAILURE_EXIT, DEVICE_FAILURES };
extern const char *const device_failure_names[DEVICE_FAILURES + 1];

struct model_options {
    const char *path, *backend, *device;
    int precision;         /* enum precision, or PRECISION_AUTO */
    int gelu;              /* enum gelu */
    int64_t threads;       /* 0: cores - 1, at least 1 */
    int64_t resident;      /* models that a GPU has memory for */
    int on_device_failure; /* enum device_failure */
};

extern const struct option_section model_section;

#endif
