/* Section "model": which model is served, and on which device. */
#ifndef MODEL_MODEL_OPTIONS_H
#define MODEL_MODEL_OPTIONS_H

#include "base/option.h"

struct model_options {
    const char *path, *backend, *device;
    int precision;    /* enum precision, or PRECISION_AUTO */
    int64_t threads;  /* 0: cores - 1, at least 1 */
    int64_t resident; /* models that a GPU has memory for */
};

extern const struct option_section model_section;

#endif
