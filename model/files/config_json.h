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

/* An integer within [min, max]; absent: the default if that is within, else an error. where is the
 * file followed by the pointer of the object: "config.json: ", "adrank.json: /input". */
int config_int(const char *where, const json_t *object, const char *key, int min, int max,
               int absent, int *out, struct err *err) MUST_CHECK;
/* A finite number within [min, max]; likewise if absent. */
int config_double(const char *where, const json_t *object, const char *key, double min, double max,
                  double absent, double *out, struct err *err) MUST_CHECK;

#endif
