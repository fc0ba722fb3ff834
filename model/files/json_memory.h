/*
 * Memory for jansson, which neither survives nor reports every allocation that fails: a token whose
 * buffer cannot grow is an assertion, and a string silently loses bytes. Between
 * json_memory_begin() and json_memory_end() allocations that malloc refuses come from a fixed
 * reserve and are noted, so that the parse finishes normally and its result can be discarded.
 *
 * model_json_malloc() and model_json_free() (adrank/model.h) must be jansson's allocator; main sets
 * them.
 */
#ifndef MODEL_FILES_JSON_MEMORY_H
#define MODEL_FILES_JSON_MEMORY_H

#include <stdbool.h>

/* Any thread; one at a time holds the reserve, others wait. They do not nest. */
void json_memory_begin(void);
/* Whether malloc has refused anything to this thread since json_memory_begin(). */
bool json_memory_refused(void);
/* If anything was refused, everything allocated since json_memory_begin() must have been freed by
 * now. */
void json_memory_end(void);

#endif
