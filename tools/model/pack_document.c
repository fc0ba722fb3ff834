/* adrank.json without golden requests: the existing document and what the command line states. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/utf8.h"
#include "model/files/config_json.h"
#include "tools/model/pack.h"

#define MAX_BYTES ((size_t)16 << 20)

static int no_memory(const struct pack *p, struct err *err)
{
    return err_set(err, ERR_NOMEM, "%s: out of memory", p->path);
}

static int read_object(const char *path, json_t **out, struct err *err)
{
    struct buf bytes = BUF_INIT;
    int rc = file_read(path, MAX_BYTES, &bytes, err);

    if (rc == 0)
        rc = config_parse(path, buf_view(&bytes), out, err);
    buf_release(&bytes);
    return rc;
}

static int read_existing(struct pack *p, struct err *err)
{
    struct stat st;

    if (model_require_dir(p->options->dir, err))
        return -1;
    if (asprintf(&p->path, "%s/%s", p->options->dir, model_file_names[FILE_ADRANK]) < 0) {
        p->path = NULL;
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (lstat(p->path, &st) != 0 && errno == ENOENT) {
        p->doc = json_object();
        return p->doc ? 0 : no_memory(p, err);
    }
    if (read_object(p->path, &p->doc, err))
        return -1;
    p->golden = json_incref(json_object_get(p->doc, "golden"));
    json_object_del(p->doc, "golden");
    json_object_del(p->doc, "weights_sha256");
    return 0;
}

/* The directory's last part, "." resolved; a name that is not UTF-8 cannot be stored. */
static int set_name(struct pack *p, struct err *err)
{
    char *path = realpath(p->options->dir, NULL);
    const char *slash = path ? strrchr(path, '/') : NULL;
    const char *name = slash && slash[1] && utf8_valid(view_of(slash + 1)) ? slash + 1 : "model";
    int rc = json_object_set_new(p->doc, "name", json_string(name));

    free(path);
    return rc ? no_memory(p, err) : 0;
}

/* Keys of the object in the file --template override those of /input. */
static int set_template(struct pack *p, struct err *err)
{
    json_t *input = json_object_get(p->doc, "input"), *given = NULL;
    int rc;

    if (!p->options->template_file)
        return 0;
    if (read_object(p->options->template_file, &given, err))
        return -1;
    rc = json_is_object(input) ? json_object_update(input, given)
                               : json_object_set(p->doc, "input", given);
    json_decref(given);
    return rc ? no_memory(p, err) : 0;
}

static int set_inputs(struct pack *p, struct err *err)
{
    const struct options *o = p->options;
    const struct {
        const char *key, *text;
        int number;
    } rows[] = {
        {"context", o->context, 0},
        {"behaviour", o->behaviour, 0},
        {"ad", o->ad, 0},
        {"max_context_tokens", NULL, o->max_context_tokens},
        {"max_ad_tokens", NULL, o->max_ad_tokens},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *value = rows[i].text ? json_string(rows[i].text) : json_integer(rows[i].number);
        if (!rows[i].text && !rows[i].number) {
            json_decref(value);
            continue;
        }
        if (!value && rows[i].text)
            return err_set(err, ERR_USAGE, "--%s: not UTF-8", rows[i].key);
        if (!json_is_object(json_object_get(p->doc, "input")) &&
            json_object_set_new(p->doc, "input", json_object()))
            return no_memory(p, err);
        if (json_object_set_new(json_object_get(p->doc, "input"), rows[i].key, value))
            return no_memory(p, err);
    }
    return 0;
}

static int set_string(struct pack *p, const char *key, const char *given, const char *absent,
                      struct err *err)
{
    json_t *value;

    if (!given && json_object_get(p->doc, key))
        return 0;
    value = json_string(given ? given : absent);
    if (!value)
        return err_set(err, ERR_USAGE, "--%s: not UTF-8", key);
    return json_object_set_new(p->doc, key, value) ? no_memory(p, err) : 0;
}

int pack_document(struct pack *p, struct err *err)
{
    const struct options *o = p->options;

    if (read_existing(p, err))
        return -1;
    if (!json_object_get(p->doc, "format") &&
        json_object_set_new(p->doc, "format", json_integer(ADRANK_JSON_FORMAT)))
        return no_memory(p, err);
    if (!o->name && !json_object_get(p->doc, "name") && set_name(p, err))
        return -1;
    if (set_string(p, "kind", o->kind, "cross", err) || set_string(p, "name", o->name, "", err) ||
        set_string(p, "version", o->version, "1", err) || set_template(p, err) ||
        set_inputs(p, err))
        return -1;
    if ((o->base_rate > 0 || !json_object_get(p->doc, "base_rate")) &&
        json_object_set_new(p->doc, "base_rate", json_real(o->base_rate > 0 ? o->base_rate : 0.01)))
        return no_memory(p, err);
    return 0;
}

/* ---- defaults -------------------------------------------------------------------------------- */

/* Unless the key is present. */
static int set_missing(json_t *object, const char *key, json_t *value)
{
    if (json_object_get(object, key)) {
        json_decref(value);
        return 0;
    }
    return json_object_set_new(object, key, value);
}

static int set_template_text(json_t *input, const char *key, const struct template *t)
{
    struct buf text = BUF_INIT;
    int rc;

    template_source(t, &text);
    rc = buf_failed(&text) ? -1 : set_missing(input, key, json_string(buf_str(&text)));
    buf_release(&text);
    return rc;
}

static int order_keys(struct pack *p)
{
    static const char *const keys[] = {"$schema", "format", "kind",        "name",     "version",
                                       "input",   "heads",  "calibration", "base_rate"};
    json_t *ordered = json_object();
    int rc = ordered ? 0 : -1;

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && rc == 0; i++)
        if (json_object_get(p->doc, keys[i]))
            rc = json_object_set(ordered, keys[i], json_object_get(p->doc, keys[i]));
    if (rc == 0)
        rc = json_object_update_missing(ordered, p->doc);
    if (rc) {
        json_decref(ordered);
        return -1;
    }
    json_decref(p->doc);
    p->doc = ordered;
    return 0;
}

int pack_state_defaults(struct pack *p, struct err *err)
{
    const struct adrank_json *a = &p->model->adrank;
    json_t *input;

    if (set_missing(p->doc, "input", json_object()) ||
        set_missing(p->doc, "calibration",
                    json_pack("{s:s,s:f,s:f}", "type", "platt", "a", a->calibration.a, "b",
                              a->calibration.b)))
        return no_memory(p, err);
    input = json_object_get(p->doc, "input");
    if (set_template_text(input, "context", &a->context) ||
        set_template_text(input, "behaviour", &a->behaviour) ||
        set_template_text(input, "ad", &a->ad) ||
        set_missing(input, "max_context_tokens", json_integer(a->max_context_tokens)) ||
        set_missing(input, "max_ad_tokens", json_integer(a->max_ad_tokens)) || order_keys(p))
        return no_memory(p, err);
    return 0;
}
