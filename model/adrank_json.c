/* Reads and checks adrank.json. */
#include "model/adrank_json.h"

#include <math.h>
#include <string.h>

#include "model/files/config_json.h"

static const char default_context[] = "{search} | {daypart} {weekday} {device} {os} {language} "
                                      "{country} {city} {domain} {cat} {tagid} | ";
static const char default_behaviour[] = "{type} {text} ; ";
static const char default_ad[] = "{text}";

struct parsing {
    const char *file;
    bool draft; /* golden requests may be missing */
    struct arena *arena;
    struct err *err;
};

static int no_memory(const struct parsing *p)
{
    return err_set(p->err, ERR_NOMEM, "%s: out of memory", p->file);
}

/* Keys beyond the list are errors. */
static int check_keys(const struct config_object *in, const char *const *keys)
{
    const char *key;
    json_t *value;

    if (!json_is_object(in->json))
        return err_set(in->err, ERR_DATA, "%s: %s: want an object", in->file, in->pointer);
    json_object_foreach((json_t *)in->json, key, value)
    {
        int i = 0;
        while (keys[i] && strcmp(keys[i], key) != 0)
            i++;
        if (!keys[i])
            return err_set(in->err, ERR_DATA, "%s: %s/%.40s: unknown key", in->file, in->pointer,
                           key);
    }
    return 0;
}

/* A string of 1 to max bytes without control characters, copied. */
static int read_label(const struct parsing *p, const json_t *object, const char *key, size_t max,
                      const char **out)
{
    const char *text = json_string_value(json_object_get(object, key));
    size_t len = text ? strlen(text) : 0;

    if (len < 1 || len > max)
        return err_set(p->err, ERR_DATA, "%s: /%s: want a string of 1 to %zu bytes", p->file, key,
                       max);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return err_set(p->err, ERR_DATA, "%s: /%s: control characters", p->file, key);
    *out = arena_copy(p->arena, view_of(text)).ptr;
    return *out ? 0 : no_memory(p);
}

static int read_template(const struct parsing *p, const json_t *input, const char *key,
                         const char *absent, const struct template_fields *fields,
                         struct template *out)
{
    const json_t *value = json_object_get(input, key);
    const char *where = arena_printf(p->arena, "%s: /input/%s", p->file, key);

    if (!where)
        return no_memory(p);
    if (value && !json_is_string(value))
        return err_set(p->err, ERR_DATA, "%s: want a string", where);
    return template_compile(out, view_of(value ? json_string_value(value) : absent), fields, where,
                            p->arena, p->err);
}

static int read_limits(const struct config_object *in, int positions, struct adrank_json *out)
{
    const int least_ad = out->kind->ad_specials + 1;
    int ad = positions / 4, context = positions * 3 / 4;

    if (ad < least_ad) { /* a very short model */
        ad = least_ad;
        context = positions - ad;
    }
    if (config_int(in, "max_context_tokens", out->kind->context_specials + 1, positions, context,
                   &out->max_context_tokens) ||
        config_int(in, "max_ad_tokens", least_ad, positions, ad, &out->max_ad_tokens))
        return -1;
    if (out->max_context_tokens + out->max_ad_tokens > positions)
        return err_set(
            in->err, ERR_DATA,
            "%s: /input: max_context_tokens + max_ad_tokens is %d, the model takes %d tokens "
            "(positions, or a length that the tokenizer's files state)",
            in->file, out->max_context_tokens + out->max_ad_tokens, positions);
    return 0;
}

static int read_input(const struct parsing *p, const json_t *input, int positions,
                      struct adrank_json *out)
{
    static const char *const keys[] = {"context",       "behaviour", "ad", "max_context_tokens",
                                       "max_ad_tokens", NULL};
    const struct config_object in = {p->file, "/input", input, p->err};

    if (input && check_keys(&in, keys))
        return -1;
    return read_template(p, input, "context", default_context, &template_context, &out->context) ||
                   read_template(p, input, "behaviour", default_behaviour, &template_behaviour,
                                 &out->behaviour) ||
                   read_template(p, input, "ad", default_ad, &template_ad, &out->ad) ||
                   read_limits(&in, positions, out)
               ? -1
               : 0;
}

static int read_heads(const struct parsing *p, const json_t *heads, struct adrank_json *out)
{
    static const char *const names[] = {"ctr", NULL};
    static const char *const keys[] = {"labels", NULL};
    const struct config_object in = {p->file, "/heads", heads, p->err};
    const struct config_object ctr = {p->file, "/heads/ctr", json_object_get(heads, "ctr"), p->err};

    if (check_keys(&in, names) || check_keys(&ctr, keys))
        return -1;
    return config_int(&ctr, "labels", 1, 2, 0, &out->labels);
}

static int read_calibration(const struct parsing *p, const json_t *object, struct calibration *out)
{
    static const char *const keys[] = {"type", "a", "b", NULL};
    const char *type = json_string_value(json_object_get(object, "type"));
    const struct config_object in = {p->file, "/calibration", object, p->err};

    *out = (struct calibration){.a = 1};
    if (!object)
        return 0;
    if (check_keys(&in, keys))
        return -1;
    if (!type || strcmp(type, "platt") != 0)
        return err_set(p->err, ERR_DATA, "%s: /calibration/type: want platt", p->file);
    return config_double(&in, "a", 1e-6, 1e6, 0, &out->a) ||
                   config_double(&in, "b", -1e6, 1e6, NAN, &out->b)
               ? -1
               : 0;
}

static int read_sha256(const struct parsing *p, const json_t *value, const char **out)
{
    const char *text = json_string_value(value);

    *out = NULL;
    if (!value)
        return 0;
    if (!text || strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
        return err_set(p->err, ERR_DATA, "%s: /weights_sha256: want 64 hex digits in lower case",
                       p->file);
    *out = arena_copy(p->arena, view_of(text)).ptr;
    return *out ? 0 : no_memory(p);
}

static int read_kind(const struct parsing *p, const json_t *value, struct adrank_json *out)
{
    const char *where = arena_printf(p->arena, "%s: /kind", p->file);

    if (!where)
        return no_memory(p);
    out->kind = kind_find(where, json_is_string(value) ? json_string_value(value) : "", p->err);
    return out->kind ? 0 : -1;
}

static int read_document(const struct parsing *p, const json_t *doc, int positions,
                         struct adrank_json *out)
{
    static const char *const keys[] = {"$schema",   "format", "kind",           "name",
                                       "version",   "input",  "heads",          "calibration",
                                       "base_rate", "golden", "weights_sha256", NULL};
    const struct config_object in = {p->file, "", doc, p->err};
    int format;

    if (config_int(&in, "format", ADRANK_JSON_FORMAT, ADRANK_JSON_FORMAT, 0, &format))
        return -1;
    if (check_keys(&in, keys) || read_kind(p, json_object_get(doc, "kind"), out) ||
        read_label(p, doc, "name", 100, &out->name) ||
        read_label(p, doc, "version", 100, &out->version) ||
        read_input(p, json_object_get(doc, "input"), positions, out) ||
        read_heads(p, json_object_get(doc, "heads"), out) ||
        read_calibration(p, json_object_get(doc, "calibration"), &out->calibration) ||
        config_double(&in, "base_rate", 1e-7, 1 - 1e-7, 0, &out->base_rate) ||
        read_sha256(p, json_object_get(doc, "weights_sha256"), &out->weights_sha256))
        return -1;
    if (!json_object_get(doc, "golden") && p->draft)
        return 0;
    if (!json_object_get(doc, "golden"))
        return err_set(p->err, ERR_DATA, "%s: /golden: missing", p->file);
    return golden_parse(&out->golden, p->file, json_object_get(doc, "golden"), p->arena, p->err);
}

int adrank_json_parse(struct adrank_json *out, const struct adrank_json_args *args,
                      struct arena *arena, struct err *err)
{
    const struct parsing p = {.file = args->file, .draft = args->draft, .arena = arena, .err = err};
    json_t *doc;
    int rc;

    *out = (struct adrank_json){0};
    if (config_parse(p.file, args->text, &doc, err))
        return -1;
    rc = read_document(&p, doc, args->positions, out);
    json_decref(doc);
    return rc;
}

int adrank_json_default(struct adrank_json *out, const char *name, int positions, int labels,
                        struct arena *arena, struct err *err)
{
    struct parsing p = {.file = name, .arena = arena, .err = err};

    *out = (struct adrank_json){.kind = &kind_cross,
                                .name = arena_copy(arena, view_of(name)).ptr,
                                .version = "0",
                                .labels = labels,
                                .calibration = {.a = 1},
                                .base_rate = 0.01};
    return out->name ? read_input(&p, NULL, positions, out) : no_memory(&p);
}
