#include <string.h>

#include "base/bug.h"
#include "server/world/option_set.h"
#include "server/world/options.h"

/* Rows of a section stand together in the table. */
static bool starts_section(int i)
{
    return i == 0 || strcmp(options[i].section, options[i - 1].section) != 0;
}

void config_print(const struct config *config, struct json_writer *w)
{
    jw_object_begin(w);
    for (int i = 0; i < n_options; i++) {
        if (starts_section(i)) {
            if (i)
                jw_object_end(w);
            jw_key(w, options[i].section);
            jw_object_begin(w);
        }
        jw_key(w, options[i].name);
        option_print(&options[i], config, w);
    }
    jw_object_end(w);
    jw_object_end(w);
}

static void help_bounds(const struct option *option, struct buf *out)
{
    if (option->type == OPTION_INT)
        buf_printf(out, "%.0f to %.0f; ", option->min, option->max);
    else if (option->type == OPTION_NUMBER)
        buf_printf(out, "%g to %g; ", option->min, option->max);
    else if (option->type == OPTION_SECRET)
        buf_printf(out, "{\"$file\": path} or {\"$env\": NAME}; ");
    for (int i = 0; option->choices && option->choices[i]; i++)
        buf_printf(out, "%s%s", option->choices[i], option->choices[i + 1] ? "|" : "; ");
}

void config_help(struct buf *out)
{
    for (int i = 0; i < n_options; i++) {
        const struct option *option = &options[i];

        buf_printf(out, "  %s.%s = %s\n      %s (", option->section, option->name, option->fallback,
                   option->help);
        help_bounds(option, out);
        buf_printf(out, "%s)\n", option->restart ? "needs a restart" : "live");
    }
}

static void print_change(const struct option *option, const struct config *running,
                         const struct config *next, struct json_writer *w)
{
    char pointer[96];

    snprintf(pointer, sizeof(pointer), "/%s/%s", option->section, option->name);
    jw_object_begin(w);
    jw_key(w, "pointer");
    jw_str(w, pointer);
    jw_key(w, "old");
    option_print(option, running, w);
    jw_key(w, "new");
    option_print(option, next, w);
    jw_key(w, "effect");
    jw_str(w, option->restart ? "restart" : "live");
    jw_object_end(w);
}

void config_diff(const struct config *running, const struct config *next, struct json_writer *w,
                 struct config_diff *diff)
{
    *diff = (struct config_diff){0};
    jw_key(w, "changed");
    jw_array_begin(w);
    for (int i = 0; i < n_options; i++) {
        if (options[i].restart || option_equal(&options[i], running, next))
            continue;
        print_change(&options[i], running, next, w);
        diff->n_changed++;
    }
    jw_array_end(w);
    jw_key(w, "needs_restart");
    jw_array_begin(w);
    for (int i = 0; i < n_options; i++) {
        if (!options[i].restart || option_equal(&options[i], running, next))
            continue;
        print_change(&options[i], running, next, w);
        diff->n_restart++;
    }
    jw_array_end(w);
}

int config_keep_restart(const struct config *running, struct config *next, struct err *err)
{
    for (int i = 0; i < n_options; i++)
        if (options[i].restart && option_copy(&options[i], next, running))
            return err_set(err, ERR_NOMEM, "configuration: out of memory");
    return 0;
}
