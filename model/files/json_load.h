/*
 * Parses JSON text into jansson's tree, distinguishing out of memory from invalid JSON. If main has
 * set jansson's allocator (adrank/model.h), a failed allocation neither ends the process nor
 * changes a value. Any thread.
 */
#ifndef MODEL_FILES_JSON_LOAD_H
#define MODEL_FILES_JSON_LOAD_H

#include <jansson.h>
#include <stdbool.h>

#include "base/view.h"

/* As json_loadb; at must not be NULL. The caller decrefs. */
json_t *json_parse(struct view text, size_t flags, json_error_t *at);
/* The same for text as Python writes it: integers beyond 64 bits (transformers' "no limit" is
 * 1000000000000000019884624838656) become reals instead of an error. NULL: *at says why, with
 * columns off by what long integers earlier in the line gained. */
json_t *json_load(struct view text, size_t flags, json_error_t *at);
/* Whether either returned NULL because memory ran out. */
bool json_load_no_memory(const json_error_t *at);

#endif
