/* Section "catalog": the file of ads. */
#ifndef IMPRESSION_CATALOG_OPTIONS_H
#define IMPRESSION_CATALOG_OPTIONS_H

#include "base/option.h"

struct catalog_options {
    const char *path;
    int64_t min_ads, max_bytes;
};

extern const struct option_section catalog_section;

#endif
