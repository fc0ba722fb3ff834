/* Compares two configurations: as JSON for programs, as text for the log. */
#include "server/world/config_diff.h"

#include <stdio.h>
#include <string.h>

#include "server/world/option_value.h"

#define MAX_BYTES 1500 /* of a log line, which has 4 KiB */

static void print_change(const struct config_option *option, const struct config *running,
                         const struct config *next, struct json_writer *w)
{
    char pointer[96];

    snprintf(pointer, sizeof(pointer), "/%s/%s", option->section, option->row->name);
    jw_object_begin(w);
    jw_member_str(w, "pointer", pointer);
    jw_key(w, "old");
    option_print(option, running, w);
    jw_key(w, "new");
    option_print(option, next, w);
    jw_member_str(w, "effect", option->row->restart ? "restart" : "live");
    jw_object_end(w);
}

/* One array of the answer; returns how many changes it has. */
static int print_changes(const char *key, bool restart, const struct config *running,
                         const struct config *next, struct json_writer *w)
{
    struct config_option option;
    int n = 0;

    jw_member_array(w, key);
    for (int i = 0; option_at(i, &option); i++) {
        if (option.row->restart != restart || option_equal(&option, running, next))
            continue;
        print_change(&option, running, next, w);
        n++;
    }
    jw_array_end(w);
    return n;
}

int config_diff(const struct config *running, const struct config *next, struct json_writer *w)
{
    int n_changed = print_changes("changed", false, running, next, w);

    (void)print_changes("needs_restart", true, running, next, w);
    return n_changed;
}

/* Bare where the JSON text is a string that needs no escapes. */
static void add_value(const struct config_option *option, const struct config *config,
                      struct buf *out)
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

/* For a secret neither the value nor its source. */
static void add_change(const struct config_option *option, const struct config *running,
                       const struct config *next, struct buf *out)
{
    buf_printf(out, "%s%s.%s", out->len ? ", " : "", option->section, option->row->name);
    if (option->row->type == OPTION_SECRET) {
        buf_add_str(out, " changed");
    } else {
        buf_add_str(out, " ");
        add_value(option, running, out);
        buf_add_str(out, " -> ");
        add_value(option, next, out);
    }
    if (option->row->restart)
        buf_add_str(out, " (needs a restart)");
}

void config_changes(const struct config *running, const struct config *next, struct buf *out)
{
    struct config_option option;
    int n_more = 0;

    for (int i = 0; option_at(i, &option); i++) {
        size_t before = out->len;

        if (option_equal(&option, running, next))
            continue;
        add_change(&option, running, next, out);
        if (out->len > MAX_BYTES) {
            out->len = before;
            n_more++;
        }
    }
    if (n_more)
        buf_printf(out, ", and %d more", n_more);
}

int config_keep_restart(const struct config *running, struct config *next, struct err *err)
{
    struct config_option option;

    for (int i = 0; option_at(i, &option); i++)
        if (option.row->restart && option_copy(&option, next, running))
            return err_set(err, ERR_NOMEM, "configuration: out of memory");
    return 0;
}
