/* Prints, compares, copies and releases values by the type of their option. */
#include "server/world/option_value.h"

#include <string.h>

#include "base/bug.h"

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
            jw_null(w);
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
