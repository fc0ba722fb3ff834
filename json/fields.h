/*
 * Tables of fields: what a JSON object may hold, and where each value goes in a struct. A field is
 * declared once, with name, type, bounds, strictness and offset; json/object.h reads by such
 * tables.
 *
 *     static const struct field imp_fields[] = {
 *         {FIELD("id"), FIELD_STRING, FIELD_REQUIRED, offsetof(struct imp, id)},
 *         ...
 *     };
 *     static const struct schema imp_schema = SCHEMA(imp_fields, struct imp, &imp_blank);
 *
 * A field is strict unless its flags say otherwise. Files are read strictly; a request comes from
 * software that cannot be changed from here, so its tables accept more. Formats that differ in this
 * have separate tables, and strictness may vary by field within one.
 *
 * Tables are constants: any number of threads.
 */
#ifndef JSON_FIELDS_H
#define JSON_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/problems.h"
#include "base/view.h"
#include "json/text.h"

enum field_type {
    FIELD_STRING,  /* struct view; no NUL within */
    FIELD_STRINGS, /* struct views: an array of strings */
    FIELD_INT32,   /* int32_t, min..max */
    FIELD_INT64,   /* int64_t, min..max */
    FIELD_NUMBER,  /* double, min..max */
    FIELD_ANY,  /* unsigned char: result of field.judge for a value of any type; never a problem */
    FIELD_NAME, /* int: index into names */
    FIELD_OBJECT,  /* the struct that schema describes, in place */
    FIELD_OBJECTS, /* struct field_list of such structs */
    FIELD_VECTORS, /* an object of arrays of numbers: checked, not stored */
};

enum field_flags {
    FIELD_REQUIRED = 1 << 0,
    FIELD_NOT_EMPTY = 1 << 1, /* string or strings: "" is a problem */

    /* What is accepted beyond the type itself: */
    FIELD_NULL = 1 << 2,     /* null is an absent value, and an absent item of an array */
    FIELD_BY_VALUE = 1 << 3, /* integers: 100.0 and 1e2 are 100 */
    FIELD_ID = 1 << 4,  /* string: a number becomes the string of its digits (100.0 is "100") */
    FIELD_ONE = 1 << 5, /* strings: a string counts as an array of one */
    FIELD_CUT = 1 << 6, /* objects: items over the limit are dropped, not a problem */
};

/* A value for field.judge. */
struct field_value {
    enum { FIELD_VALUE_STRING, FIELD_VALUE_INTEGER, FIELD_VALUE_NO_ITEMS, FIELD_VALUE_OTHER } kind;
    struct view string; /* FIELD_VALUE_STRING */
    int64_t integer;    /* FIELD_VALUE_INTEGER: by value, 0.0 is 0 */
};

#define FIELD_KEY_BYTES 16

struct field {
    const char *name;
    char key[FIELD_KEY_BYTES]; /* the name and its closing quote in JSON */
    unsigned char key_len;     /* including that quote */
    enum field_type type;
    unsigned flags;
    size_t at; /* offset in the struct */
    /* Bounds of integers and numbers, inclusive. max of a string, or of each string in a list: its
     * length in bytes as JSON text, without the quotes; 0 (no limit), or at least
     * FIELD_MIN_MAX_BYTES. */
    int64_t min, max;
    int limit; /* > 0: max is reader.limits[limit]; of strings and objects: maximum items */
    const char *const *names; /* FIELD_NAME */
    int n_names;
    const struct schema *schema; /* FIELD_OBJECT, FIELD_OBJECTS */
    /* FIELD_ANY. Not called for null, which is always absent. */
    unsigned char (*judge)(const struct field_value *value);
};

#define FIELD_MIN_MAX_BYTES 256

/* Names must be at most 14 bytes long and need no escapes. */
#define FIELD(s) .name = s, .key = s "\"", .key_len = sizeof(s)

struct field_list {
    const void *items;
    int n;
    int n_cut;    /* items dropped by FIELD_CUT */
    bool present; /* the key was present, even if without items */
};

/* A place in the document: a chain on the stack, turned into a JSON pointer when a problem is
 * reported. */
struct place {
    const struct place *parent;
    const char *name; /* NULL: an index, or the root */
    int index;
};

struct object_reader;

/* The fields of an object and the struct it is read into. */
struct schema {
    const struct field *fields; /* at most 32, required ones first */
    int n_fields;
    size_t bytes;         /* of the struct */
    const void *blank;    /* its content before the first field is read */
    const void *stand_in; /* used where the value is not an object; NULL: that is a problem */
    /* Checks that span fields; may add problems (json/field_problems.h). Called if the object's own
     * fields had none. May be NULL. */
    void (*check)(struct object_reader *reader, const struct place *place, const void *object);
};

#define SCHEMA(table, type, blank_, ...)                                                           \
    {                                                                                              \
        .fields = (table), .n_fields = (int)(sizeof(table) / sizeof((table)[0])),                  \
        .bytes = sizeof(type), .blank = (blank_), __VA_ARGS__                                      \
    }

/* A text being read. The caller sets limits, problems and prefix before object_read(). */
struct object_reader {
    struct json_text text;
    const int *limits; /* see field.limit */
    struct problems *problems;
    const char *prefix; /* prepended to pointers: "line 12" gives "line 12: /bid"; may be NULL */
    uint32_t unknown;   /* number of unknown keys */
    size_t n_problems;  /* including those that problems dropped */
};

#endif
