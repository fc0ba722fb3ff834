/* The driver's JSON: the catalog, configuration files and answers. */
#include <limits.h>
#include <unistd.h>

#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/js.h"
#include "tests/test.h"

const char driver_catalog[] =
    "{\"adid\":\"a1\",\"item\":\"i1\",\"crid\":\"c1\",\"cid\":\"k1\",\"seat\":\"s1\",\"adomain\":["
    "\"shop.example\"],"
    "\"cat\":[\"IAB17\"],\"title\":\"trail running "
    "shoes\",\"bid\":1.0,\"bid_type\":\"cpm\",\"prior_ctr\":0.02}\n"
    "{\"adid\":\"a2\",\"item\":\"i2\",\"adomain\":[\"www.tea.example\"],\"cat\":[\"IAB8-5\"],"
    "\"title\":\"electric kettle\","
    "\"bid\":0.05,\"bid_type\":\"cpc\",\"prior_ctr\":0.03}\n"
    "{\"adid\":\"a3\",\"item\":\"i3\",\"title\":\"跑步鞋 轻便\",\"bid\":0.9,\"bid_type\":\"cpm\"}\n"
    "{\"adid\":\"a4\",\"item\":\"i4\",\"title\":\"电热水壶\",\"bid\":0.8,\"bid_type\":\"cpm\"}\n"
    "{\"adid\":\"a5\",\"item\":\"i5\",\"title\":\"yoga mat\",\"bid\":0.7,\"bid_type\":\"cpm\"}\n"
    "{\"adid\":\"a6\",\"item\":\"i6\",\"title\":\"phone case\",\"bid\":0.6,\"bid_type\":\"cpm\"}\n"
    "{\"adid\":\"a7\",\"item\":\"i7\",\"title\":\"手机壳\",\"bid\":0.5,\"bid_type\":\"cpm\"}\n"
    "{\"adid\":\"a8\",\"item\":\"i8\",\"title\":\"garden "
    "hose\",\"bid\":2.0,\"bid_type\":\"cpa\",\"prior_ctr\":0.01}\n"
    "{\"adid\":\"a9\",\"item\":\"i9\",\"title\":\"paused "
    "ad\",\"bid\":9.0,\"bid_type\":\"cpm\",\"status\":\"paused\"}\n"
    "{\"adid\":\"a10\",\"item\":\"i10\",\"title\":\"future "
    "ad\",\"bid\":9.0,\"bid_type\":\"cpm\",\"start\":4102444800000}\n";

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

    if (!value)
        FAIL("not JSON (%s): %s", error.text, text);
    return value;
}

static json_t *defaults(void)
{
    char here[PATH_MAX];

    CHECK(getcwd(here, sizeof(here)));
    return parse(js("{'http':{'address':'127.0.0.1:0','drain_grace_ms':0},"
                    "'admin':{'address':'127.0.0.1:0'},"
                    "'model':{'path':'%s/" DRIVER_MODEL "','backend':'null',"
                    "'on_device_failure':'exit','resident':1},"
                    "'batch':{'hang_ms':0},"
                    "'catalog':{'path':'catalog.jsonl'},"
                    "'deadline':{'max_ms':20000,'default_ms':10000}}",
                    here));
}

/* "paced" is the path of that module. */
static void name_backend(json_t *config)
{
    static const char *const modules[] = {"null", "paced", "failing", "simt"};
    json_t *model = json_object_get(config, "model");
    const char *name = json_string_value(json_object_get(model, "backend"));

    for (int i = 0; name && i < COUNT(modules); i++)
        if (strcmp(name, modules[i]) == 0) {
            name = driver_build_path(js("lib/adrank-backend-%s.so", name));
            json_object_set_new(model, "backend", json_string(name));
            return;
        }
}

const char *driver_config(const char *overlay, ...)
{
    json_t *config = defaults();
    const char *out;
    va_list args;
    char *text;

    va_start(args, overlay);
    for (; overlay; overlay = va_arg(args, const char *)) {
        json_t *more = parse(js("%s", overlay));

        CHECK(json_object_update_recursive(config, more) == 0);
        json_decref(more);
    }
    va_end(args);
    name_backend(config);
    text = json_dumps(config, JSON_INDENT(1));
    out = client_text(view_of(text));
    free(text);
    json_decref(config);
    return out;
}

const json_t *driver_json(const struct driver_response *response)
{
    static json_t *kept[8];
    static int turn;
    json_t **out = &kept[turn++ % COUNT(kept)];

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

const char *driver_text(const json_t *value, const char *pointer)
{
    const char *text = json_string_value(driver_at(value, pointer));

    return text ? text : "";
}

json_int_t driver_int(const json_t *value, const char *pointer)
{
    return json_integer_value(driver_at(value, pointer));
}

bool driver_lists(const json_t *value, const char *pointer, const char *text)
{
    const json_t *array = driver_at(value, pointer);

    for (size_t i = 0; i < json_array_size(array); i++)
        if (strstr(json_string_value(json_array_get(array, i)), text))
            return true;
    return false;
}
