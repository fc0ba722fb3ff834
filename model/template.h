/*
 * Templates turn fields into the text that a model reads. Grammar: literal text, {field}, and {{
 * and }} for the braces themselves. An unknown field, an unclosed or a stray brace is an error that
 * names the pointer. An absent field is the empty string. Compiled once, immutable, rendered into
 * an arena.
 */
#ifndef MODEL_TEMPLATE_H
#define MODEL_TEMPLATE_H

#include <stdint.h>

#include "adrank/model.h"
#include "base/buf.h"
#include "base/err.h"

#define TEMPLATE_MAX_PIECES 128

/* The values fields are rendered from; each kind of template fills its own part. */
struct template_values {
    const struct impression_request *request; /* context */
    const struct imp *imp;
    int64_t now_ms;
    const struct behaviour *behaviour; /* behaviour */
    struct view title, desc, text;     /* ad */
    size_t max_bytes;                  /* of the text that are needed; 0: all */
};

#define template_no_memory ((struct view){NULL, SIZE_MAX})

struct template_field {
    const char *name;
    /* A view into the values, or into text allocated from the arena; template_no_memory when that
     * fails. */
    struct view (*value)(const struct template_values *values, struct arena *arena);
};

struct template_fields { /* the vocabulary of one kind of template */
    const struct template_field *items;
    int n;
};

extern const struct template_fields
    template_context; /* search, daypart, hour, weekday, device, ... */
extern const struct template_fields template_behaviour; /* type, text, item */
extern const struct template_fields template_ad;        /* title, desc, text */

struct template_piece {
    const struct template_field *field; /* NULL: literal */
    struct view literal;
};

struct template
{
    struct template_piece *pieces; /* in the arena used to compile it */
    int n_pieces;
};

/* source is copied. where is "file: /input/context", for messages. */
int template_compile(struct template *out, struct view source, const struct template_fields *fields,
                     const char *where, struct arena *arena, struct err *err) MUST_CHECK;

/* The source, braces doubled: accepted by template_compile. */
void template_source(const struct template *t, struct buf *out);

bool template_has(const struct template *t, const char *field);

/* The text, or its first max_bytes, in the arena; ptr NULL when out of memory. Never NULL for
 * success, even when empty. */
struct view template_render(const struct template *t, const struct template_values *values,
                            struct arena *arena) MUST_CHECK;

#endif
