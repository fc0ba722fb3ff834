/* What fields.c says of a value that a table does not allow; the value is the one at place. */
#ifndef JSON_FIELD_PROBLEMS_H
#define JSON_FIELD_PROBLEMS_H

#include "json/fields.h"

/* Passes over the value, which is next in the text; to a lenient reader null is an absent value. wanted: "a
 * string". field may be NULL. */
void field_wrong_type(struct reader *reader, const struct place *place, const struct field *field,
                      const char *wanted) __attribute__((cold));
void field_out_of_range(struct reader *reader, const struct place *place, const struct field *field,
                        int64_t max) __attribute__((cold));
void field_unknown_name(struct reader *reader, const struct place *place, const struct field *field)
    __attribute__((cold));

#endif
