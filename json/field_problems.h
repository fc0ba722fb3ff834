/* Problems in an object being read: values that its table of fields does not allow. */
#ifndef JSON_FIELD_PROBLEMS_H
#define JSON_FIELD_PROBLEMS_H

#include "json/fields.h"

/* Adds a problem at place / name, or at place where name is NULL. Also used by schema checks. */
void field_problem(struct object_reader *reader, const struct place *place, const char *name,
                   const char *fmt, ...) __attribute__((format(printf, 4, 5), cold));

/* ---- for object.c and field_lenient.c; the value is the one at place ------------------------- */

/* Skips null where the field's flags make it an absent value. false: nothing was read. field may be
 * NULL, in which case null is an ordinary value. */
bool field_null(struct object_reader *reader, const struct place *place, const struct field *field)
    __attribute__((cold));
/* Reports that the next value is not of type `wanted` ("a string"), and skips it. No problem where
 * field_null() accepts it. field may be NULL. */
void field_wrong_type(struct object_reader *reader, const struct place *place,
                      const struct field *field, const char *wanted) __attribute__((cold));
void field_out_of_range(struct object_reader *reader, const struct place *place,
                        const struct field *field, int64_t max) __attribute__((cold));
void field_unknown_name(struct object_reader *reader, const struct place *place,
                        const struct field *field) __attribute__((cold));

#endif
