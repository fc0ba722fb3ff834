/* A list of problems within its limits, and the error text made from it. */
#include "base/problems.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

void problems_init(struct problems *problems, struct arena *arena, size_t max)
{
    *problems = (struct problems){.arena = arena, .max = max, .max_bytes = SIZE_MAX};
}

void problems_init_bytes(struct problems *problems, struct arena *arena, size_t max_bytes)
{
    *problems = (struct problems){.arena = arena, .max = SIZE_MAX, .max_bytes = max_bytes};
}

static struct problem *next_item(struct problems *problems)
{
    if (problems->n >= problems->max)
        return NULL;
    if (problems->n == problems->capacity) {
        size_t capacity = problems->capacity ? problems->capacity * 2 : 8;
        struct problem *items = arena_array(problems->arena, capacity, sizeof(*items));

        if (!items)
            return NULL;
        if (problems->n)
            memcpy(items, problems->items, problems->n * sizeof(*items));
        problems->items = items;
        problems->capacity = capacity;
    }
    return &problems->items[problems->n];
}

int problems_add(struct problems *problems, const char *pointer, const char *fmt, ...)
{
    struct problem *item;
    struct view place, detail;
    size_t bytes;
    char text[512];
    va_list ap;

    if (problems->n >= problems->max) {
        problems->dropped++;
        return -1;
    }
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    bytes = sizeof(*item) + strlen(pointer) + strlen(text) + 2;
    item = bytes <= problems->max_bytes - problems->bytes ? next_item(problems) : NULL;
    if (!item) {
        problems->max = problems->n; /* keep none after the first that did not fit */
        problems->dropped++;
        return -1;
    }
    place = arena_copy(problems->arena, view_of(pointer));
    detail = arena_copy(problems->arena, view_of(text));
    if (!place.ptr || !detail.ptr) {
        problems->dropped++;
        return -1;
    }
    *item = (struct problem){.pointer = place.ptr, .detail = detail.ptr};
    problems->bytes += bytes;
    problems->n++;
    return -1;
}

int problems_to_err(const struct problems *problems, const char *file, enum err_code code,
                    struct err *err)
{
    char text[sizeof(err->text)] = "";
    size_t at = 0, reported = 0, left;

    for (; reported < problems->n; reported++) {
        const struct problem *p = &problems->items[reported];
        int len = snprintf(text + at, sizeof(text) - at, "%s%s%s%s%s%s", reported ? "; " : "",
                           file ? file : "", file ? ": " : "", p->pointer, *p->pointer ? ": " : "",
                           p->detail);

        /* Leaves room for the count of those that do not fit; the first is always reported. */
        if (reported > 0 && (size_t)len + 32 > sizeof(text) - at) {
            text[at] = 0;
            break;
        }
        at += (size_t)len < sizeof(text) - at ? (size_t)len : sizeof(text) - at - 1;
    }
    left = problems->n - reported + problems->dropped;
    if (left)
        return err_set(err, code, "%s; and %zu more", text, left);
    return err_set(err, code, "%s", text);
}
