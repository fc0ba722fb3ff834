/* Looks keys up in a table of fields. Private to object.c; inline, since this is its inner loop. */
#ifndef JSON_FIELD_KEY_H
#define JSON_FIELD_KEY_H

#include "json/fields.h"

/* Whether text begins with key. FIELD_KEY_BYTES of both are readable. */
static inline bool begins_with(const char *text, const char *key, unsigned len)
{
#ifdef __SSE2__
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)key);
    unsigned same = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(a, b));

    return (~same & ((1u << len) - 1)) == 0;
#else
    return memcmp(text, key, len) == 0;
#endif
}

/* The field whose key and closing quote text begins with, or NULL. The search starts at `from`,
 * the field after the last one: writers keep an order, and it is often that of the table. */
static inline const struct field *find_field(const struct schema *schema, const char *text,
                                             const struct field *from)
{
    const struct field *end = schema->fields + schema->n_fields;

    for (const struct field *field = from; field < end; field++)
        if (begins_with(text, field->key, field->key_len))
            return field;
    for (const struct field *field = schema->fields; field < from; field++)
        if (begins_with(text, field->key, field->key_len))
            return field;
    return NULL;
}

/* A key that is not in the table as written: unknown, or known and written with escapes. */
static inline const struct field *read_other_key(struct json_text *text,
                                                 const struct schema *schema)
{
    char copy[FIELD_KEY_BYTES] = {0};
    struct view key = json_string(text);
    const struct field *field;

    if (!schema || key.len >= sizeof(copy))
        return NULL;
    if (key.len)
        memcpy(copy, key.ptr, key.len);
    copy[key.len] = '"';
    field = find_field(schema, copy, schema->fields);
    /* a quote inside the key does not end it */
    return field && field->key_len == key.len + 1 ? field : NULL;
}

/* Reads a key and its colon; NULL: not in the table. schema may be NULL: all keys are unknown. */
static inline const struct field *read_key(struct json_text *text, const struct schema *schema,
                                           const struct field *from)
{
    const struct field *field = NULL;

    if (json_peek(text) != '"') {
        json_fail(text, "expected a key");
        return NULL;
    }
    if (schema)
        field = find_field(schema, text->p + 1, from);
    if (field)
        text->p += 1 + field->key_len;
    else
        field = read_other_key(text, schema);
    if (!json_take(text, ':'))
        json_fail(text, "expected a colon");
    return field;
}

#endif
