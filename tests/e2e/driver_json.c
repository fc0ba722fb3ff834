/* What the driver knows of JSON: configuration files and answers. */
#include <limits.h>
#include <unistd.h>

#include "tests/e2e/driver.h"
#include "tests/js.h"
#include "tests/test.h"

#define KEPT 8

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

    if (!value)
        FAIL("no JSON (%s): %s", error.text, text);
    return value;
}

static json_t *defaults(void)
{
    char here[PATH_MAX];

    CHECK(getcwd(here, sizeof(here)));
    return json_pack("{s:{s:s,s:i},s:{s:s},s:{s:s+,s:s},s:{s:s},s:{s:i,s:i}}", "http", "address",
                     "127.0.0.1:0", "drain_grace_ms", 0, "admin", "address", "127.0.0.1:0", "model",
                     "path", here, "/tests/golden/models/e2e", "backend", "null", "catalog", "path",
                     "catalog.jsonl", "deadline", "max_ms", 20000, "default_ms", 10000);
}

/* "paced" is the path of that module. */
static void name_backend(json_t *config)
{
    static const char *const modules[] = {"null", "paced", "failing"};
    json_t *model = json_object_get(config, "model");
    const char *name = json_string_value(json_object_get(model, "backend"));
    char file[64];

    for (size_t i = 0; name && i < sizeof(modules) / sizeof(modules[0]); i++)
        if (strcmp(name, modules[i]) == 0) {
            snprintf(file, sizeof(file), "lib/adrank-backend-%s.so", name);
            json_object_set_new(model, "backend", json_string(driver_build_path(file)));
            return;
        }
}

const char *driver_config(const char *overlay, ...)
{
    static char *kept[KEPT];
    static int turn;
    char **out = &kept[turn++ % KEPT];
    json_t *config = defaults();
    va_list args;

    va_start(args, overlay);
    for (; overlay; overlay = va_arg(args, const char *)) {
        json_t *more = parse(js("%s", overlay));

        CHECK(json_object_update_recursive(config, more) == 0);
        json_decref(more);
    }
    va_end(args);
    name_backend(config);
    free(*out);
    *out = json_dumps(config, JSON_INDENT(1));
    json_decref(config);
    return *out;
}

const json_t *driver_json(const struct driver_response *response)
{
    static json_t *kept[KEPT];
    static int turn;
    json_t **out = &kept[turn++ % KEPT];

    json_decref(*out);
    *out = NULL;
    *out = parse(response->body);
    return *out;
}

const json_t *driver_at(const json_t *value, const char *pointer)
{
    char key[128];

    while (value && *pointer == '/') {
        size_t n = strcspn(++pointer, "/");

        CHECK(n < sizeof(key));
        memcpy(key, pointer, n);
        key[n] = '\0';
        pointer += n;
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(key))
                                     : json_object_get(value, key);
    }
    return value;
}

bool driver_lists(const json_t *value, const char *pointer, const char *text)
{
    const json_t *array = driver_at(value, pointer);

    for (size_t i = 0; i < json_array_size(array); i++)
        if (strstr(json_string_value(json_array_get(array, i)), text))
            return true;
    return false;
}
