/* One line of a catalog. */
#ifndef IMPRESSION_CATALOG_FIELDS_H
#define IMPRESSION_CATALOG_FIELDS_H

#include "adrank/catalog.h"
#include "json/object.h"

struct catalog_line {
    struct ad ad; /* text, index and paused are not filled in */
    int status;   /* 0 active, 1 paused */
};

extern const struct schema catalog_line_schema;

#endif
