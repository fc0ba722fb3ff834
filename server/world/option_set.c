#include "server/world/option_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/secret.h"

static void set_int(const struct option *option, int64_t *slot, const json_t *value,
                    const char *pointer, struct problems *problems)
{
    json_int_t v = json_integer_value(value);

    if (!json_is_integer(value))
        problems_add(problems, pointer, "must be an integer");
    else if ((double)v < option->min || (double)v > option->max)
        problems_add(problems, pointer, "must be from %.0f to %.0f", option->min, option->max);
    else
        *slot = v;
}

static void set_number(const struct option *option, double *slot, const json_t *value,
                       const char *pointer, struct problems *problems)
{
    double v = json_number_value(value);

    if (!json_is_number(value))
        problems_add(problems, pointer, "must be a number");
    else if (!(v >= option->min && v <= option->max))
        problems_add(problems, pointer, "must be from %g to %g", option->min, option->max);
    else
        *slot = v;
}

static void set_choice(const struct option *option, int *slot, const json_t *value,
                       const char *pointer, struct problems *problems)
{
    const char *text = json_string_value(value);
    char names[128] = "";

    for (int i = 0; option->choices[i]; i++) {
        if (text && strcmp(text, option->choices[i]) == 0) {
            *slot = i;
            return;
        }
        snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? ", " : "",
                 option->choices[i]);
    }
    problems_add(problems, pointer, "must be one of %s", names);
}

static void set_string(const struct option *option, struct config *config, const json_t *value,
                       const char *pointer, struct problems *problems)
{
    const char **slot = option_slot(option, config);
    const char *text = json_string_value(value);
    struct err err;
    bool relative;

    if (json_is_null(value) && option->nullable) {
        *slot = NULL;
        return;
    }
    if (!text || strlen(text) != json_string_length(value)) {
        problems_add(problems, pointer, "must be a string%s without NUL",
                     option->nullable ? " or null" : "");
        return;
    }
    if (text[0] == '\0') {
        problems_add(problems, pointer, "must not be empty");
        return;
    }
    if (option->check && option->check(text, &err)) {
        problems_add(problems, pointer, "%s", err.text);
        return;
    }
    relative = option->type == OPTION_PATH && text[0] != '/' && strcmp(config->folder, ".") != 0;
    *slot = relative ? file_join(&config->arena, config->folder, text)
                     : arena_printf(&config->arena, "%s", text);
    if (!*slot)
        problems_add(problems, pointer, "out of memory");
}

/* -1: told. */
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
        return problems_add(problems, pointer, "the name of the variable is empty");
    if (!value)
        return problems_add(problems, pointer, "the variable %s is not set", name);
    if (!*value)
        return problems_add(problems, pointer, "the variable %s is set but empty", name);
    secret->value = secret_copy(view_of(value));
    return secret->value.ptr ? 0 : problems_add(problems, pointer, "out of memory");
}

static void set_secret(const struct option *option, struct config *config, const json_t *value,
                       const char *pointer, struct problems *problems)
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
            "must be {\"$file\": \"path\"} or {\"$env\": \"NAME\"}, never the secret itself");
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

void option_release(const struct option *option, struct config *config)
{
    struct secret *secret = option_slot(option, config);

    if (option->type == OPTION_SECRET)
        secret_free(&secret->value);
}

void option_set(const struct option *option, struct config *config, const json_t *value,
                const char *pointer, struct problems *problems)
{
    switch (option->type) {
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

int option_copy(const struct option *option, struct config *to, const struct config *from)
{
    const void *source = (const char *)from + option->offset;
    const char *text;
    const struct secret *secret;
    struct secret *kept;

    switch (option->type) {
    case OPTION_INT:
        *(int64_t *)option_slot(option, to) = *(const int64_t *)source;
        return 0;
    case OPTION_NUMBER:
        *(double *)option_slot(option, to) = *(const double *)source;
        return 0;
    case OPTION_CHOICE:
        *(int *)option_slot(option, to) = *(const int *)source;
        return 0;
    case OPTION_STRING:
    case OPTION_PATH:
        text = *(const char *const *)source;
        if (text && !(text = arena_printf(&to->arena, "%s", text)))
            return -1;
        *(const char **)option_slot(option, to) = text;
        return 0;
    case OPTION_SECRET:
        secret = source;
        kept = option_slot(option, to);
        option_release(option, to);
        kept->source = arena_printf(&to->arena, "%s", secret->source);
        kept->file = secret->file ? arena_printf(&to->arena, "%s", secret->file) : NULL;
        if (secret->value.len)
            kept->value = secret_copy(secret->value);
        return kept->source && kept->value.len == secret->value.len && !secret->file == !kept->file
                   ? 0
                   : -1;
    }
    return -1;
}
