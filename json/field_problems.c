/* The pointer of a problem, and its text. */
#include "json/field_problems.h"

#include <stdarg.h>
#include <stdio.h>

#define POINTER_BYTES 160 /* tables are at most five deep */

static int print_place(const struct place *place, char *out, size_t size)
{
    int at;

    if (!place || !place->parent)
        return 0;
    at = print_place(place->parent, out, size);
    if (place->name)
        return at + snprintf(out + at, size - (size_t)at, "/%s", place->name);
    return at + snprintf(out + at, size - (size_t)at, "/%d", place->index);
}

static void print_pointer(const struct object_reader *reader, const struct place *place,
                          const char *name, char out[POINTER_BYTES])
{
    bool whole = !name && (!place || !place->parent);
    int at = snprintf(out, POINTER_BYTES, "%s%s", reader->prefix ? reader->prefix : "",
                      reader->prefix && !whole ? ": " : "");

    at += print_place(place, out + at, POINTER_BYTES - (size_t)at);
    if (name)
        snprintf(out + at, POINTER_BYTES - (size_t)at, "/%s", name);
}

void field_problem(struct object_reader *reader, const struct place *place, const char *name,
                   const char *fmt, ...)
{
    char pointer[POINTER_BYTES], detail[256];
    va_list ap;

    reader->n_problems++;
    /* Keeps a body full of errors cheap. */
    if (reader->problems->n >= reader->problems->max) {
        reader->problems->dropped++;
        return;
    }
    print_pointer(reader, place, name, pointer);
    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    (void)problems_add(reader->problems, pointer, "%s", detail);
}

bool field_null(struct object_reader *reader, const struct place *place, const struct field *field)
{
    if (!field || !(field->flags & FIELD_NULL) || json_peek(&reader->text) != 'n')
        return false;
    json_skip(&reader->text);
    if (place->name && (field->flags & FIELD_REQUIRED))
        field_problem(reader, place, NULL, "is missing");
    return true;
}

void field_wrong_type(struct object_reader *reader, const struct place *place,
                      const struct field *field, const char *wanted)
{
    if (field_null(reader, place, field))
        return;
    json_skip(&reader->text);
    field_problem(reader, place, NULL, "must be %s", wanted);
}

void field_out_of_range(struct object_reader *reader, const struct place *place,
                        const struct field *field, int64_t max)
{
    if (max == INT64_MAX)
        field_problem(reader, place, NULL, "must be at least %lld", (long long)field->min);
    else
        field_problem(reader, place, NULL, "must be within %lld and %lld", (long long)field->min,
                      (long long)max);
}

void field_unknown_name(struct object_reader *reader, const struct place *place,
                        const struct field *field)
{
    char names[128];
    int at = 0;

    for (int i = 0; i < field->n_names && at < (int)sizeof(names); i++)
        at += snprintf(names + at, sizeof(names) - (size_t)at, "%s%s", i ? ", " : "",
                       field->names[i]);
    field_problem(reader, place, NULL, "must be one of %s", names);
}
