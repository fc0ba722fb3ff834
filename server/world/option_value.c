/* Sets, prints, compares, copies and releases options by their type. */
#include "server/world/option_value.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/file.h"

/* ---- set from JSON --------------------------------------------------------------------------- */

static void set_int(const struct config_option *option, int64_t *slot, const json_t *value,
                    const char *pointer, struct problems *problems)
{
    json_int_t v = json_integer_value(value);

    if (!json_is_integer(value))
        problems_add(problems, pointer, "must be an integer");
    else if ((double)v < option->row->min || (double)v > option->row->max)
        problems_add(problems, pointer, "must be from %.0f to %.0f", option->row->min,
                     option->row->max);
    else
        *slot = v;
}

static void set_number(const struct config_option *option, double *slot, const json_t *value,
                       const char *pointer, struct problems *problems)
{
    double v = json_number_value(value);

    if (!json_is_number(value))
        problems_add(problems, pointer, "must be a number");
    else if (!(v >= option->row->min && v <= option->row->max))
        problems_add(problems, pointer, "must be from %g to %g", option->row->min,
                     option->row->max);
    else
        *slot = v;
}

static void set_choice(const struct config_option *option, int *slot, const json_t *value,
                       const char *pointer, struct problems *problems)
{
    const char *text = json_string_value(value);
    char names[128] = "";

    for (int i = 0; option->row->choices[i]; i++) {
        if (text && strcmp(text, option->row->choices[i]) == 0) {
            *slot = i;
            return;
        }
        snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? ", " : "",
                 option->row->choices[i]);
    }
    problems_add(problems, pointer, "must be one of %s", names);
}

static void set_string(const struct config_option *option, struct config *config,
                       const json_t *value, const char *pointer, struct problems *problems)
{
    const char **slot = option_slot(option, config);
    const char *text = json_string_value(value);
    struct err err;
    bool relative;

    if (json_is_null(value) && option->row->nullable) {
        *slot = NULL;
        return;
    }
    if (!text || strlen(text) != json_string_length(value)) {
        problems_add(problems, pointer, "must be a string%s without NUL",
                     option->row->nullable ? " or null" : "");
        return;
    }
    if (text[0] == '\0') {
        problems_add(problems, pointer, "must not be empty");
        return;
    }
    if (option->row->check && option->row->check(text, &err)) {
        problems_add(problems, pointer, "%s", err.text);
        return;
    }
    relative =
        option->row->type == OPTION_PATH && text[0] != '/' && strcmp(config->folder, ".") != 0;
    *slot = relative ? arena_printf(&config->arena, "%s/%s", config->folder, text)
                     : arena_printf(&config->arena, "%s", text);
    if (!*slot)
        problems_add(problems, pointer, "out of memory");
}

/* -1: a problem was added. */
static int secret_from_file(struct config *config, const char *name, struct secret *secret,
                            const char *pointer, struct problems *problems)
{
    struct err err;

    secret->file = name[0] == '/' ? arena_printf(&config->arena, "%s", name)
                                  : arena_printf(&config->arena, "%s/%s", config->folder, name);
    if (!secret->file)
        return problems_add(problems, pointer, "out of memory");
    if (secret_read(secret->file, &secret->value, &err))
        return problems_add(problems, pointer, "%s", err.text);
    return 0;
}

static int secret_from_variable(const char *name, struct secret *secret, const char *pointer,
                                struct problems *problems)
{
    const char *value = getenv(name);

    if (!*name)
        return problems_add(problems, pointer, "empty variable name");
    if (!value)
        return problems_add(problems, pointer, "the variable %s is not set", name);
    if (!*value)
        return problems_add(problems, pointer, "the variable %s is set but empty", name);
    secret->value = secret_copy(view_of(value));
    return secret->value.ptr ? 0 : problems_add(problems, pointer, "out of memory");
}

static void set_secret(const struct config_option *option, struct config *config,
                       const json_t *value, const char *pointer, struct problems *problems)
{
    struct secret *slot = option_slot(option, config), secret = {.source = "null"};
    const char *file = json_string_value(json_object_get(value, "$file"));
    const char *env = json_string_value(json_object_get(value, "$env"));
    char *source;

    if (json_is_null(value)) {
        option_release(option, config);
        *slot = secret;
        return;
    }
    if (json_object_size(value) != 1 || (!file && !env)) {
        problems_add(
            problems, pointer,
            "must be {\"$file\": \"path\"} or {\"$env\": \"NAME\"}, not the secret itself");
        return;
    }
    if (file ? secret_from_file(config, file, &secret, pointer, problems)
             : secret_from_variable(env, &secret, pointer, problems))
        return;
    source = json_dumps(value, JSON_COMPACT);
    secret.source = source ? arena_printf(&config->arena, "%s", source) : NULL;
    free(source);
    if (!secret.source) {
        secret_free(&secret.value);
        problems_add(problems, pointer, "out of memory");
        return;
    }
    option_release(option, config);
    *slot = secret;
}

void option_set(const struct config_option *option, struct config *config, const json_t *value,
                const char *pointer, struct problems *problems)
{
    switch (option->row->type) {
    case OPTION_INT:
        set_int(option, option_slot(option, config), value, pointer, problems);
        break;
    case OPTION_NUMBER:
        set_number(option, option_slot(option, config), value, pointer, problems);
        break;
    case OPTION_CHOICE:
        set_choice(option, option_slot(option, config), value, pointer, problems);
        break;
    case OPTION_STRING:
    case OPTION_PATH:
        set_string(option, config, value, pointer, problems);
        break;
    case OPTION_SECRET:
        set_secret(option, config, value, pointer, problems);
        break;
    }
}

/* ---- print, compare, copy, release ----------------------------------------------------------- */

void option_print(const struct config_option *option, const struct config *config,
                  struct json_writer *w)
{
    const void *value = option_value(option, config);
    const char *text;

    switch (option->row->type) {
    case OPTION_INT:
        jw_int(w, *(const int64_t *)value);
        return;
    case OPTION_NUMBER:
        jw_double(w, *(const double *)value);
        return;
    case OPTION_CHOICE:
        jw_str(w, option->row->choices[*(const int *)value]);
        return;
    case OPTION_SECRET:
        jw_raw(w, view_of(((const struct secret *)value)->source));
        return;
    case OPTION_STRING:
    case OPTION_PATH:
        text = *(const char *const *)value;
        if (text)
            jw_str(w, text);
        else
            jw_raw(w, VIEW_LIT("null"));
        return;
    }
    BUG("option type %d", (int)option->row->type);
}

/* Size of a value without pointers; 0: it has some. */
static size_t plain_bytes(enum option_type type)
{
    switch (type) {
    case OPTION_INT:
        return sizeof(int64_t);
    case OPTION_NUMBER:
        return sizeof(double);
    case OPTION_CHOICE:
        return sizeof(int);
    default:
        return 0;
    }
}

bool option_equal(const struct config_option *option, const struct config *a,
                  const struct config *b)
{
    const void *left = option_value(option, a), *right = option_value(option, b);
    const size_t n = plain_bytes(option->row->type);
    const char *s, *t;

    if (n)
        return memcmp(left, right, n) == 0;
    if (option->row->type == OPTION_SECRET)
        return view_eq(((const struct secret *)left)->value, ((const struct secret *)right)->value);
    s = *(const char *const *)left;
    t = *(const char *const *)right;
    return s == t || (s && t && strcmp(s, t) == 0);
}

static int copy_text(struct arena *arena, const char *text, const char **out)
{
    *out = text ? arena_printf(arena, "%s", text) : NULL;
    return text && !*out ? -1 : 0;
}

static int copy_secret(struct arena *arena, const struct secret *from, struct secret *to)
{
    if (copy_text(arena, from->source, &to->source) || copy_text(arena, from->file, &to->file))
        return -1;
    if (from->value.len)
        to->value = secret_copy(from->value);
    return to->value.len == from->value.len ? 0 : -1;
}

int option_copy(const struct config_option *option, struct config *to, const struct config *from)
{
    const size_t n = plain_bytes(option->row->type);
    const void *value = option_value(option, from);
    void *slot = option_slot(option, to);

    if (n) {
        memcpy(slot, value, n);
        return 0;
    }
    if (option->row->type != OPTION_SECRET)
        return copy_text(&to->arena, *(const char *const *)value, slot);
    option_release(option, to);
    return copy_secret(&to->arena, value, slot);
}

void option_release(const struct config_option *option, struct config *config)
{
    if (option->row->type == OPTION_SECRET)
        secret_free(&((struct secret *)option_slot(option, config))->value);
}
