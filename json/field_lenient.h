/* What fields.c makes of values that a strict reader would refuse, or that may be of any type. The value is next in
 * the text, except where it says otherwise. */
#ifndef JSON_FIELD_LENIENT_H
#define JSON_FIELD_LENIENT_H

#include "json/fields.h"

/* FIELD_ANY: what field.judge makes of the value; null leaves *out as it is. */
void field_any(struct reader *reader, const struct field *field, unsigned char *out);

/* FIELD_ID: a number to a lenient reader. false: nothing was read. */
bool field_number_as_id(struct reader *reader, const struct field *field, struct view *out)
    __attribute__((cold));

/* *number, a JSON_REAL whose text begins at start and has been read, becomes the integer that it is by value. */
void field_integer_by_value(const struct reader *reader, const char *start,
                            struct json_number *number) __attribute__((cold));

/* Passes over null where the reader is lenient: field is absent. false: nothing was read. */
bool field_null(struct reader *reader, const struct place *place, const struct field *field)
    __attribute__((cold));

/* A value that is not an object but should be: its stand-in, absent, or a problem. */
void field_no_object(struct reader *reader, const struct place *place, const struct field *field,
                     const struct shape *shape, void *out) __attribute__((cold));

#endif
