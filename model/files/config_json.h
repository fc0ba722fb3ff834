/* Checked reading of config.json and adrank.json: every failure is "file: /pointer: what is
 * expected". */
#ifndef MODEL_FILES_CONFIG_JSON_H
#define MODEL_FILES_CONFIG_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "base/view.h"

/* The document as an object; duplicate keys are errors, reported with line and column. The caller
 * decrefs. */
int config_parse(const char *file, struct view text, json_t **out, struct err *err) MUST_CHECK;

/* An object whose members are read: file and pointer are for messages ("config.json", "/input"; "":
 * the document). */
struct config_object {
    const char *file, *pointer;
    const json_t *json;
    struct err *err;
};

/* An integer within [min, max]; absent: the default if that is within, else an error. */
int config_int(const struct config_object *in, const char *key, int min, int max, int absent,
               int *out) MUST_CHECK;
/* A finite number within [min, max]; likewise if absent. */
int config_double(const struct config_object *in, const char *key, double min, double max,
                  double absent, double *out) MUST_CHECK;

#endif
