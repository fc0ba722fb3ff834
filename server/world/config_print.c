/* Prints the configuration as a document, and the options for --help. */
#include "server/world/config_print.h"

#include <string.h>

#include "server/world/option_value.h"

void config_print(const struct config *config, struct json_writer *w)
{
    struct config_option option;
    const char *section = NULL;

    jw_object_begin(w);
    for (int i = 0; option_at(i, &option); i++) {
        if (section != option.section) {
            if (section)
                jw_object_end(w);
            section = option.section;
            jw_member_object(w, section);
        }
        jw_key(w, option.row->name);
        option_print(&option, config, w);
    }
    jw_object_end(w);
    jw_object_end(w);
}

static void help_bounds(const struct option_row *row, struct buf *out)
{
    if (row->type == OPTION_INT)
        buf_printf(out, "%.0f to %.0f; ", row->min, row->max);
    else if (row->type == OPTION_NUMBER)
        buf_printf(out, "%g to %g; ", row->min, row->max);
    else if (row->type == OPTION_SECRET)
        buf_printf(out, "{\"$file\": path} or {\"$env\": NAME}; ");
    for (int i = 0; row->choices && row->choices[i]; i++)
        buf_printf(out, "%s%s", row->choices[i], row->choices[i + 1] ? "|" : "; ");
}

void config_help(struct buf *out)
{
    struct config_option option;

    for (int i = 0; option_at(i, &option); i++) {
        const struct option_row *row = option.row;

        buf_printf(out, "  %s.%s = %s\n      %s (", option.section, row->name, row->fallback,
                   row->help);
        help_bounds(row, out);
        buf_printf(out, "%s)\n", row->restart ? "needs a restart" : "live");
    }
}
