/* Values whose form differs from their field's type, where its flags accept that. Private to
 * object.c. */
#ifndef JSON_FIELD_LENIENT_H
#define JSON_FIELD_LENIENT_H

#include "json/fields.h"

/* FIELD_ANY: the result of field.judge for the next value; null leaves *out unchanged. */
void field_any(struct object_reader *reader, const struct field *field, unsigned char *out);

/* FIELD_ID: a number, if one is next. false: nothing was read. */
bool field_number_as_id(struct object_reader *reader, const struct field *field, struct view *out)
    __attribute__((cold));

/* FIELD_BY_VALUE: *number, a JSON_REAL whose text begins at start and has been read, becomes the
 * integer of equal value. */
void field_integer_by_value(const struct object_reader *reader, const char *start,
                            struct json_number *number) __attribute__((cold));

/* A value that should be an object and is not: becomes the stand-in, absent, or a problem. */
void field_no_object(struct object_reader *reader, const struct place *place,
                     const struct field *field, const struct schema *schema, void *out)
    __attribute__((cold));

#endif
