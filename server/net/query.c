/* Reads switches from a query. */
#include "server/net/query.h"

#include <stdio.h>
#include <string.h>

#define SHOWN 64 /* of what a client sent */

static struct view shown(struct view v)
{
    return (struct view){v.ptr, v.len < SHOWN ? v.len : SHOWN};
}

static int refuse_unknown(const struct query_args *args, struct view name, struct err *err)
{
    char known[128] = "none";
    int len = 0;

    for (int i = 0; i < args->n_switches && len >= 0 && len < (int)sizeof(known); i++)
        len += snprintf(known + len, sizeof(known) - (size_t)len, "%s%s", i ? ", " : "",
                        args->switches[i].name);
    return err_set(err, ERR_USAGE, "%.*s: no such parameter; there is: %s", VIEW_ARG(shown(name)),
                   known);
}

static int read_value(struct view value, const struct query_switch *at, struct err *err)
{
    *at->on = !value.ptr || view_is(value, "1") || view_is(value, "true");
    if (*at->on || view_is(value, "0") || view_is(value, "false"))
        return 0;
    return err_set(err, ERR_USAGE, "%s=%.*s: must be 1, true, 0 or false", at->name,
                   VIEW_ARG(shown(value)));
}

/* The next "name" or "name=value"; false at the end. value.ptr is NULL without "=". */
static bool next(struct view *rest, struct view *name, struct view *value)
{
    const char *end, *equals;

    while (rest->len && rest->ptr[0] == '&')
        *rest = (struct view){rest->ptr + 1, rest->len - 1};
    if (!rest->len)
        return false;
    end = memchr(rest->ptr, '&', rest->len);
    *name = (struct view){rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len};
    *rest = (struct view){rest->ptr + name->len, rest->len - name->len};
    equals = memchr(name->ptr, '=', name->len);
    *value = (struct view){NULL, 0};
    if (equals) {
        *value = (struct view){equals + 1, name->len - (size_t)(equals - name->ptr) - 1};
        name->len = (size_t)(equals - name->ptr);
    }
    return true;
}

static int find(const struct query_args *args, struct view name)
{
    for (int i = 0; i < args->n_switches; i++)
        if (view_is(name, args->switches[i].name))
            return i;
    return -1;
}

int query_read(const struct query_args *args, struct err *err)
{
    struct view rest = args->query, name, value;
    unsigned seen = 0;

    for (int i = 0; i < args->n_switches; i++)
        *args->switches[i].on = false;
    while (next(&rest, &name, &value)) {
        int at = find(args, name);

        if (at < 0) {
            if (args->strict)
                return refuse_unknown(args, name, err);
            continue;
        }
        if (seen & 1u << at)
            return err_set(err, ERR_USAGE, "%s: given twice", args->switches[at].name);
        seen |= 1u << at;
        if (read_value(value, &args->switches[at], err))
            return -1;
    }
    return 0;
}
