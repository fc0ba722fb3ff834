/* Sets an option from a JSON value: one function per option type. */
#include "server/world/option_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "server/world/option_value.h"

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
    *slot = relative ? file_join(&config->arena, config->folder, text)
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
                                  : file_join(&config->arena, config->folder, name);
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
