/* Typed access to JSON members with errors by pointer. */
#include "model/files/config_json.h"

#include <math.h>

#include "base/utf8.h"
#include "model/files/json_load.h"

int config_parse(const char *file, struct view text, json_t **out, struct err *err)
{
    json_error_t at;
    json_t *doc = json_load(text, JSON_REJECT_DUPLICATES, &at);

    if (!doc && json_load_no_memory(&at))
        return err_set(err, ERR_NOMEM, "%s: out of memory", file);
    if (!doc)
        return err_set(err, ERR_DATA, "%s: line %d, column %d: %s", file, at.line, at.column,
                       json_error_code(&at) == json_error_duplicate_key ? "duplicate key"
                       : utf8_has_bom(text)                             ? UTF8_BOM_REASON
                                                                        : "not JSON");
    if (!json_is_object(doc)) {
        json_decref(doc);
        return err_set(err, ERR_DATA, "%s: want a JSON object", file);
    }
    *out = doc;
    return 0;
}

int config_int(const struct config_object *in, const char *key, int min, int max, int absent,
               int *out)
{
    const json_t *value = json_object_get(in->json, key);
    const char *wrong = value ? "out of range" : "missing";
    json_int_t v = value ? json_integer_value(value) : absent;

    if (value && !json_is_integer(value))
        return err_set(in->err, ERR_DATA, "%s: %s/%s: want an integer", in->file, in->pointer, key);
    if (min == max && v != min)
        return err_set(in->err, ERR_DATA, "%s: %s/%s: %s, want %d", in->file, in->pointer, key,
                       wrong, min);
    if (v < min || v > max)
        return err_set(in->err, ERR_DATA, "%s: %s/%s: %s, want %d to %d", in->file, in->pointer,
                       key, wrong, min, max);
    *out = (int)v;
    return 0;
}

int config_double(const struct config_object *in, const char *key, double min, double max,
                  double absent, double *out)
{
    const json_t *value = json_object_get(in->json, key);
    double v = value ? json_number_value(value) : absent;

    if (value && !json_is_number(value))
        return err_set(in->err, ERR_DATA, "%s: %s/%s: want a number", in->file, in->pointer, key);
    if (!isfinite(v) || v < min || v > max)
        return err_set(in->err, ERR_DATA, "%s: %s/%s: %s, want %g to %g", in->file, in->pointer,
                       key, value ? "out of range" : "missing", min, max);
    *out = v;
    return 0;
}
