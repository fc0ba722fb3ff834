/* Reads a configuration file and --set into struct config. */
#include "server/world/config_read.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/file.h"
#include "base/utf8.h"
#include "model/files/json_load.h"
#include "server/world/config_rules.h"
#include "server/world/option_value.h"

#define MAX_CONFIG_BYTES (1 << 20)

/* One value by two names: it is unknown which one is meant. */
static void refuse_both(const struct config_option *option, const char *pointer,
                        struct problems *problems)
{
    problems_add(problems, pointer, "is an older name of /%s/%s; only one of them may be given",
                 option->section, option->row->name);
}

static void set_section(struct config *config, const char *section, json_t *value,
                        struct problems *problems)
{
    char pointer[192];
    const char *name;
    json_t *item;

    snprintf(pointer, sizeof(pointer), "/%.90s", section);
    if (!option_is_section(section)) {
        problems_add(problems, pointer, "unknown section");
        return;
    }
    if (!json_is_object(value)) {
        problems_add(problems, pointer, "must be an object");
        return;
    }
    json_object_foreach(value, name, item)
    {
        struct config_option option;
        bool by_alias;
        int index = option_find(section, name, &option, &by_alias);

        snprintf(pointer, sizeof(pointer), "/%.90s/%.90s", section, name);
        if (index < 0) {
            problems_add(problems, pointer, "unknown option");
        } else if (by_alias && json_object_get(value, option.row->name)) {
            refuse_both(&option, pointer, problems);
        } else {
            config->by_alias[index] = by_alias;
            option_set(&option, config, item, pointer, problems);
        }
    }
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "configuration: out of memory");
}

static int set_defaults(struct config *config, struct problems *problems, struct err *err)
{
    struct config_option option;

    for (int i = 0; option_at(i, &option); i++) {
        const struct option_row *row = option.row;
        json_error_t where;
        json_t *value = json_parse(view_of(row->fallback), JSON_DECODE_ANY, &where);
        size_t before = problems->n;

        BUG_ON(i >= CONFIG_MAX_OPTIONS);
        if (!value)
            return no_memory(err);
        option_set(&option, config, value, row->name, problems);
        json_decref(value);
        if (problems->n != before)
            return err_set(err, ERR_INTERNAL, "default of %s.%s: %s", option.section, row->name,
                           problems->items[before].detail);
    }
    return 0;
}

/* jansson's own messages quote the text, which may be a secret in the wrong place. */
static const char *syntax_reason(const json_error_t *where)
{
    switch (json_error_code(where)) {
    case json_error_premature_end_of_input:
        return "unexpected end of the document";
    case json_error_end_of_input_expected:
        return "unexpected data after the document";
    case json_error_invalid_utf8:
        return "not UTF-8";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "NUL character";
    case json_error_numeric_overflow:
        return "number out of range";
    case json_error_stack_overflow:
        return "nested too deeply";
    default:
        return "invalid JSON";
    }
}

/* The document, or NULL with a problem. The document is read in spite of a duplicate key, so that
 * all problems are reported together. */
static int parse(struct view text, struct problems *problems, json_t **out, struct err *err)
{
    json_error_t where;
    json_t *root = json_parse(text, JSON_REJECT_DUPLICATES, &where);

    if (!root && json_error_code(&where) == json_error_duplicate_key) {
        json_error_t twice = where;

        root = json_parse(text, 0, &where);
        if (root)
            problems_add(problems, "", "line %d, column %d: duplicate key", twice.line,
                         twice.column);
    }
    if (!root && json_load_no_memory(&where))
        return no_memory(err);
    if (!root)
        problems_add(problems, "", "line %d, column %d: %s", where.line, where.column,
                     utf8_has_bom(text) ? UTF8_BOM_REASON : syntax_reason(&where));
    *out = root;
    return 0;
}

/* *read: false where the document could not be read at all. */
static int read_text(struct config *config, struct view text, bool *read, struct problems *problems,
                     struct err *err)
{
    json_t *root, *value;
    const char *section;

    if (parse(text, problems, &root, err))
        return -1;
    *read = json_is_object(root);
    if (root && !*read)
        problems_add(problems, "", "must be an object");
    else if (root)
        json_object_foreach(root, section, value) set_section(config, section, value, problems);
    json_decref(root);
    return 0;
}

static int read_source(struct config *config, const struct config_args *args, bool *read,
                       struct problems *problems, struct err *err)
{
    struct buf text = BUF_INIT;
    int rc = 0;

    *read = true;
    if (args->text.ptr) {
        rc = read_text(config, args->text, read, problems, err);
    } else if (args->file) {
        rc = file_read(args->file, MAX_CONFIG_BYTES, &text, err);
        if (rc == 0)
            rc = read_text(config, buf_view(&text), read, problems, err);
        buf_release(&text);
    }
    return rc;
}

/* Whether one --set has the option's name and another one its alias. */
static bool set_by_both(const struct config_option *option, const struct config_args *args)
{
    const char *names[] = {option->row->name, option->row->alias};
    int n_found = 0;

    for (int k = 0; names[1] && k < 2; k++) {
        char start[160];
        int i = 0, len = snprintf(start, sizeof(start), "%s.%s=", option->section, names[k]);

        while (i < args->n_sets && strncmp(args->sets[i], start, (size_t)len) != 0)
            i++;
        n_found += i < args->n_sets;
    }
    return n_found == 2;
}

/* "batch.max_tokens=4096", "rank.currency=EUR", "features.password={\"$env\":\"P\"}". */
static int apply_set(struct config *config, const struct config_args *args, const char *set,
                     struct problems *problems, struct err *err)
{
    const char *dot = strchr(set, '.'), *equals = strchr(set, '=');
    char section[64], name[64], pointer[192];
    struct config_option option;
    json_error_t where;
    bool by_alias;
    json_t *value;
    int index;

    if (!dot || !equals || dot > equals || dot - set >= 64 || equals - dot >= 64) {
        problems_add(problems, "--set", "must be section.option=value");
        return 0;
    }
    snprintf(section, sizeof(section), "%.*s", (int)(dot - set), set);
    snprintf(name, sizeof(name), "%.*s", (int)(equals - dot - 1), dot + 1);
    snprintf(pointer, sizeof(pointer), "/%s/%s", section, name);
    index = option_find(section, name, &option, &by_alias);
    if (index < 0) {
        problems_add(problems, pointer, "unknown option");
        return 0;
    }
    if (by_alias && set_by_both(&option, args)) {
        refuse_both(&option, pointer, problems);
        return 0;
    }
    config->by_alias[index] = by_alias;
    value = json_parse(view_of(equals + 1), JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &where);
    if (!value && json_load_no_memory(&where))
        return no_memory(err);
    if (!value && utf8_valid(view_of(equals + 1))) {
        value = json_string(equals + 1);
        if (!value)
            return no_memory(err);
    }
    if (value)
        option_set(&option, config, value, pointer, problems);
    else
        problems_add(problems, pointer, "must be JSON or UTF-8 text");
    json_decref(value);
    return 0;
}

static int set_folder(struct config *config, const char *file)
{
    const char *slash = file ? strrchr(file, '/') : NULL;

    config->file = arena_printf(&config->arena, "%s", file ? file : "(defaults)");
    if (!slash)
        config->folder = ".";
    else if (slash == file)
        config->folder = "/";
    else
        config->folder = arena_printf(&config->arena, "%.*s", (int)(slash - file), file);
    return config->file && config->folder ? 0 : -1;
}

int config_new(const struct config_args *args, struct problems *problems, struct config **out,
               struct err *err)
{
    struct config *config = calloc(1, sizeof(*config));
    bool read;
    int rc = -1;

    if (!config)
        return no_memory(err);
    atomic_init(&config->refs, 1);
    arena_init(&config->arena, 4096, 0);
    if (set_folder(config, args->file)) {
        no_memory(err);
        goto out;
    }
    if (set_defaults(config, problems, err) || read_source(config, args, &read, problems, err))
        goto out;
    for (int i = 0; i < args->n_sets; i++)
        if (apply_set(config, args, args->sets[i], problems, err))
            goto out;
    if (read)
        config_check_rules(config, problems);
    if (problems->n) {
        problems_to_err(problems, config->file, ERR_CONFIG, err);
        goto out;
    }
    *out = config;
    config = NULL;
    rc = 0;
out:
    config_unref(config);
    return rc;
}

struct config *config_ref(struct config *config)
{
    atomic_fetch_add_explicit(&config->refs, 1, memory_order_relaxed);
    return config;
}

void config_unref(struct config *config)
{
    struct config_option option;

    if (!config || atomic_fetch_sub_explicit(&config->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; option_at(i, &option); i++)
        option_release(&option, config);
    arena_release(&config->arena);
    free(config);
}
