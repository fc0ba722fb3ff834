/*
 * JSON text as Python writes it, for jansson: integers beyond 64 bits (transformers' "no limit" is
 * 1000000000000000019884624838656) become reals instead of an error. Pure but for the tree it makes.
 */
#ifndef MODEL_JSON_LOAD_H
#define MODEL_JSON_LOAD_H

#include <jansson.h>
#include <stdbool.h>

#include "base/view.h"

/* As json_loadb; the caller decrefs. NULL: *at tells, with columns off by what long integers earlier in the line gained. */
json_t *json_load(struct view text, size_t flags, json_error_t *at);
/* Whether that NULL is for want of memory. */
bool json_load_no_memory(const json_error_t *at);

#endif
