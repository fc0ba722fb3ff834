/* Reads a switch from a query. */
#include "server/net/query.h"

#include <string.h>

#define SHOWN 64 /* of what a client sent */

static struct view shown(struct view v)
{
    return (struct view){v.ptr, v.len < SHOWN ? v.len : SHOWN};
}

static int read_value(const char *name, struct view value, bool *on, struct err *err)
{
    *on = !value.ptr || view_is(value, "1") || view_is(value, "true");
    if (*on || view_is(value, "0") || view_is(value, "false"))
        return 0;
    return err_set(err, ERR_USAGE, "%s=%.*s: must be 1, true, 0 or false", name,
                   VIEW_ARG(shown(value)));
}

/* The next "name" or "name=value"; false at the end. value.ptr is NULL without "=". */
static bool next(struct view *rest, struct view *name, struct view *value)
{
    while (rest->len && rest->ptr[0] == '&')
        *rest = (struct view){rest->ptr + 1, rest->len - 1};
    if (!rest->len)
        return false;
    *name = view_cut(view_cut(*rest, '&', rest), '=', value);
    return true;
}

int query_read(const struct query_args *args, bool *on, struct err *err)
{
    struct view rest = args->query, name, value;
    bool seen = false;

    *on = false;
    while (next(&rest, &name, &value)) {
        if (args->name && view_is(name, args->name)) {
            if (seen)
                return err_set(err, ERR_USAGE, "%s: duplicate parameter", args->name);
            seen = true;
            if (read_value(args->name, value, on, err))
                return -1;
        } else if (args->strict) {
            return err_set(err, ERR_USAGE, "%.*s: unknown parameter, expected: %s",
                           VIEW_ARG(shown(name)), args->name ? args->name : "none");
        }
    }
    return 0;
}
