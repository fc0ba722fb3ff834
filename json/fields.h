/*
 * Objects of JSON into structs by tables: each field is declared once, with name, type, bounds and where it
 * goes. The request, a line of a catalog and a line for adrank-history are read this way.
 *
 *     static const struct field imp_fields[] = {
 *         {FIELD("id"), FIELD_STRING, .at = offsetof(struct imp, id), .flags = FIELD_REQUIRED},
 *         ...
 *     };
 *     static const struct shape imp_shape = SHAPE(imp_fields, struct imp, &imp_blank);
 *
 * Unknown keys are counted and skipped. Every field that is wrong becomes a problem with its pointer and
 * reading goes on. Pointers hold only names from the tables and indices, so nothing in them needs the
 * escapes of RFC 6901. A key of the table that is there twice makes the whole text bad (text.wrong).
 *
 * Files are read strictly. A request comes from software that cannot be changed from here, so its reader is lenient:
 * null is an absent field or item; an integer may be written 100.0 or 1e2; FIELD_ID, FIELD_ONE and FIELD_CUT
 * take effect.
 */
#ifndef JSON_FIELDS_H
#define JSON_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problems.h"
#include "base/view.h"
#include "json/text.h"

enum field_type {
    FIELD_STRING,  /* struct view; no NUL within */
    FIELD_STRINGS, /* struct views: an array of strings */
    FIELD_INT32,   /* int32_t, min..max; 1.0 is not an integer to a strict reader */
    FIELD_INT64,   /* int64_t, min..max */
    FIELD_NUMBER,  /* double, min..max */
    FIELD_ANY, /* unsigned char: what field.judge makes of a value of whatever type; never a problem */
    FIELD_NAME,    /* int: index into names */
    FIELD_OBJECT,  /* the struct that shape tells, in place */
    FIELD_OBJECTS, /* struct field_list of such structs */
    FIELD_VECTORS, /* an object of arrays of numbers: checked, kept nowhere */
};

enum field_flags {
    FIELD_REQUIRED = 1 << 0,
    FIELD_NOT_EMPTY = 1 << 1, /* string or strings: "" is a problem */
    /* To a lenient reader only: */
    FIELD_ID = 1 << 2,  /* string: a number is the string of its digits (100.0 is "100") */
    FIELD_ONE = 1 << 3, /* strings: a string is an array of one */
    FIELD_CUT = 1 << 4, /* objects: items over the limit are left out, not a problem */
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
    char key[FIELD_KEY_BYTES]; /* the name and the quote that ends it in JSON */
    unsigned char key_len;     /* with that quote */
    enum field_type type;
    unsigned flags;
    size_t at; /* offset in the struct */
    /* Of integers and numbers, both included. max of a string, and of each of several: the most bytes that it takes
     * where it is written as JSON, without the quotes; 0 (any), or at least FIELD_MIN_MAX_BYTES. */
    int64_t min, max;
    int limit; /* > 0: max is reader.limits[limit]; of strings and objects the most items */
    const char *const *names; /* FIELD_NAME */
    int n_names;
    const struct shape *shape;                               /* FIELD_OBJECT, FIELD_OBJECTS */
    unsigned char (*judge)(const struct field_value *value); /* FIELD_ANY */
};

#define FIELD_MIN_MAX_BYTES 256

/* Names are at most 14 bytes long and need no escapes. */
#define FIELD(s) .name = s, .key = s "\"", .key_len = sizeof(s)

struct field_list {
    const void *items;
    int n;
    int n_cut;    /* items that FIELD_CUT left out */
    bool present; /* the key was there, perhaps with no items */
};

/* Where in the document; a chain on the stack that becomes a pointer when something is wrong. */
struct place {
    const struct place *parent;
    const char *name; /* NULL: an index, or the root */
    int index;
};

struct reader;

struct shape {
    const struct field *fields; /* at most 32, required ones first */
    int n_fields;
    size_t bytes;         /* of the struct */
    const void *blank;    /* what it holds before the first field is read */
    const void *stand_in; /* used where the value is not an object; NULL: that is a problem */
    /* What spans fields; may add problems. Called when the object's own fields had none. NULL: nothing */
    void (*check)(struct reader *reader, const struct place *place, const void *object);
};

#define SHAPE(table, type, blank_, ...)                                                            \
    {                                                                                              \
        .fields = (table), .n_fields = (int)(sizeof(table) / sizeof((table)[0])),                  \
        .bytes = sizeof(type), .blank = (blank_), __VA_ARGS__                                      \
    }

struct reader {
    struct json_text text;
    bool lenient;
    const int *limits; /* see field.limit */
    struct problems *problems;
    const char *prefix; /* before every pointer: "line 12" makes "line 12: /bid"; NULL: none */
    uint32_t unknown;   /* keys that no table knows */
    size_t n_problems;  /* those that problems dropped, too */
};

enum read_status { READ_OK, READ_NOT_JSON, READ_INVALID, READ_OUT_OF_MEMORY };

/*
 * A text that is one object into *out (shape->bytes); the caller has set limits, problems and prefix. Strings
 * are views into the text or, where they have escapes, into the arena. READ_NOT_JSON: exactly one problem is
 * there (others of this text are taken back), with the prefix as pointer and the byte in its detail.
 */
enum read_status reader_read(struct reader *reader, struct view bytes, struct arena *arena,
                             const struct shape *shape, void *out) MUST_CHECK;

/* Adds a problem at place / name (NULL: at place). */
void reader_problem(struct reader *reader, const struct place *place, const char *name,
                    const char *fmt, ...) __attribute__((format(printf, 4, 5), cold));

#endif
