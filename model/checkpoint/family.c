/* Finds the family that a config.json belongs to. */
#include "model/checkpoint/family.h"

#include <string.h>

static const struct family *const families[] = {&family_bert};

const struct family *family_find(const char *file, const json_t *config, struct err *err)
{
    const char *type = json_string_value(json_object_get(config, "model_type"));
    const json_t *names = json_object_get(config, "architectures");
    const char *architecture = json_string_value(json_array_get(names, 0));

    for (size_t i = 0; type && i < sizeof(families) / sizeof(families[0]); i++)
        if (strcmp(type, families[i]->model_type) == 0)
            return families[i];
    err_set(err, ERR_DATA, "%s: /model_type: is %.60s%s%.60s%s, only bert is served", file,
            type ? type : "missing", architecture ? " (" : "", architecture ? architecture : "",
            architecture ? ")" : "");
    return NULL;
}
