/* What a reload changes, in words for the log; config_diff() has the same as JSON for programs. */
#include "server/world/options.h"

#define MAX_BYTES 1500 /* of a line of the log, which has 4 KiB */

/* Bare where the JSON text is a string that needs no escapes. */
static void add_value(const struct option *option, const struct config *config, struct buf *out)
{
    struct buf json = BUF_INIT;
    struct json_writer w;
    struct view v;

    json_writer_init(&w, &json);
    option_print(option, config, &w);
    v = buf_view(&json);
    if (v.len > 2 && v.ptr[0] == '"' && !memchr(v.ptr, '\\', v.len))
        v = (struct view){v.ptr + 1, v.len - 2};
    buf_add_view(out, v);
    buf_release(&json);
}

/* Of a secret neither the value nor its source. */
static void add_change(const struct option *option, const struct config *running,
                       const struct config *next, struct buf *out)
{
    buf_printf(out, "%s%s.%s", out->len ? ", " : "", option->section, option->name);
    if (option->type == OPTION_SECRET) {
        buf_add_str(out, " changed");
    } else {
        buf_add_str(out, " ");
        add_value(option, running, out);
        buf_add_str(out, " -> ");
        add_value(option, next, out);
    }
    if (option->restart)
        buf_add_str(out, " (needs a restart)");
}

void config_changes(const struct config *running, const struct config *next, struct buf *out)
{
    int n_more = 0;

    for (int i = 0; i < n_options; i++) {
        size_t before = out->len;

        if (option_equal(&options[i], running, next))
            continue;
        add_change(&options[i], running, next, out);
        if (out->len > MAX_BYTES) {
            out->len = before;
            n_more++;
        }
    }
    if (n_more)
        buf_printf(out, ", and %d more", n_more);
}
