/* adrank.json but for its golden requests: what is there, and what the command line names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "model/config_json.h"
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

/* The directory's last part, "." resolved. */
static int set_name(struct pack *p, struct err *err)
{
    char *path = realpath(p->options->dir, NULL);
    const char *slash = path ? strrchr(path, '/') : NULL;
    const char *name = slash && slash[1] ? slash + 1 : "model";
    int rc = json_object_set_new(p->doc, "name", json_string(name));

    free(path);
    return rc ? no_memory(p, err) : 0;
}

/* Keys of the object in the file --template go over those of /input. */
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
