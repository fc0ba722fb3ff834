#include "impression/fields.h"

#include "adrank/impression.h"
#include "impression/field_problems.h"

#define FIRST_ITEMS 16 /* room of a list whose length is not known yet; it doubles */

/* ---- values ---- */

static struct view read_string(struct reader *reader, const struct place *place,
                               const struct field *field)
{
    struct view s = {0};

    if (json_peek(&reader->text) != '"') {
        field_wrong_type(reader, place, "a string");
        return s;
    }
    s = json_string(&reader->text);
    if (s.len == 0 && (field->flags & FIELD_NOT_EMPTY))
        reader_problem(reader, place, NULL, "must not be empty");
    else if (reader->text.has_nul)
        reader_problem(reader, place, NULL, "must not hold U+0000");
    return s;
}

static bool at_number(struct reader *reader, struct json_number *out)
{
    char c = json_peek(&reader->text);

    if (c != '-' && (unsigned char)(c - '0') > 9)
        return false;
    *out = json_number_read(&reader->text);
    return true;
}

static int64_t read_int(struct reader *reader, const struct place *place, const struct field *field)
{
    int64_t max = field->limit > 0 ? reader->limits[field->limit] : field->max;
    struct json_number number;

    if (!at_number(reader, &number)) {
        field_wrong_type(reader, place, "an integer");
    } else if (number.kind == JSON_REAL) {
        reader_problem(reader, place, NULL, "must be an integer");
    } else if (number.kind == JSON_BIG_INTEGER || number.integer < field->min ||
               number.integer > max) {
        field_out_of_range(reader, place, field, max);
    } else {
        return number.integer;
    }
    return 0;
}

static double read_number(struct reader *reader, const struct place *place,
                          const struct field *field)
{
    struct json_number number;

    if (!at_number(reader, &number))
        field_wrong_type(reader, place, "a number");
    else if (!(number.real >= (double)field->min && number.real <= (double)field->max))
        field_out_of_range(reader, place, field, field->max);
    else
        return number.real + 0.0; /* no -0 */
    return 0;
}

static bool read_flag(struct reader *reader, const struct place *place)
{
    struct json_number number;

    if (!at_number(reader, &number)) {
        field_wrong_type(reader, place, "0 or 1");
        return false;
    }
    if (number.kind != JSON_INTEGER || number.integer < 0 || number.integer > 1)
        reader_problem(reader, place, NULL, "must be 0 or 1");
    return number.integer == 1;
}

static int read_name(struct reader *reader, const struct place *place, const struct field *field)
{
    struct view s;

    if (json_peek(&reader->text) != '"') {
        field_wrong_type(reader, place, "a string");
        return 0;
    }
    s = json_string(&reader->text);
    for (int i = 0; i < field->n_names; i++)
        if (view_is(s, field->names[i]))
            return i;
    field_unknown_name(reader, place, field);
    return 0;
}

static void read_vector(struct reader *reader, const struct place *place)
{
    struct json_number number;

    if (json_peek(&reader->text) != '[') {
        field_wrong_type(reader, place, "an object of arrays of numbers");
        return;
    }
    if (!json_begin(&reader->text, ']'))
        return;
    do
        if (!at_number(reader, &number))
            field_wrong_type(reader, place, "an object of arrays of numbers");
    while (json_more(&reader->text, ']'));
}

/* ---- lists ---- */

/* Room for one more of `bytes` behind the n that are there. */
static void *grow(struct reader *reader, void *items, int n, int *room, size_t bytes)
{
    void *more;

    if (n < *room)
        return items;
    *room = *room ? *room * 2 : FIRST_ITEMS;
    more = arena_array(reader->text.arena, (size_t)*room, bytes);
    if (!more)
        json_fail_memory(&reader->text);
    else if (n)
        memcpy(more, items, (size_t)n * bytes);
    return more;
}

static struct views read_strings(struct reader *reader, const struct place *place,
                                 const struct field *field)
{
    struct view *items = NULL;
    int n = 0, room = 0;

    if (json_peek(&reader->text) != '[') {
        field_wrong_type(reader, place, "an array of strings");
        return (struct views){0};
    }
    if (!json_begin(&reader->text, ']'))
        return (struct views){0};
    do {
        struct place item = {place, NULL, n};

        items = grow(reader, items, n, &room, sizeof(*items));
        if (!items)
            return (struct views){0};
        items[n++] = read_string(reader, &item, field);
    } while (json_more(&reader->text, ']'));
    return (struct views){items, n};
}

static void read_object(struct reader *reader, const struct place *place, const struct shape *shape,
                        void *out);

static void skip_rest(struct reader *reader)
{
    do
        json_skip(&reader->text);
    while (json_more(&reader->text, ']'));
}

static struct field_list read_objects(struct reader *reader, const struct place *place,
                                      const struct field *field)
{
    int limit = field->limit > 0 ? reader->limits[field->limit] : INT32_MAX, n = 0, room = 0;
    size_t bytes = field->shape->bytes;
    char *items = NULL;

    if (json_peek(&reader->text) != '[') {
        field_wrong_type(reader, place, "an array of objects");
        return (struct field_list){0};
    }
    if (!json_begin(&reader->text, ']'))
        return (struct field_list){.present = true};
    do {
        struct place item = {place, NULL, n};

        if (n == limit) {
            reader_problem(reader, place, NULL, "more than %d items", limit);
            skip_rest(reader);
            break;
        }
        items = grow(reader, items, n, &room, bytes);
        if (!items)
            return (struct field_list){0};
        read_object(reader, &item, field->shape, items + (size_t)n++ * bytes);
    } while (json_more(&reader->text, ']'));
    return (struct field_list){items, n, true};
}

/* ---- objects ---- */

static void read_vectors(struct reader *reader, const struct place *place);

static void read_value(struct reader *reader, const struct place *place, const struct field *field,
                       void *out)
{
    switch (field->type) {
    case FIELD_STRING:
        *(struct view *)out = read_string(reader, place, field);
        break;
    case FIELD_STRINGS:
        *(struct views *)out = read_strings(reader, place, field);
        break;
    case FIELD_INT32:
        *(int32_t *)out = (int32_t)read_int(reader, place, field);
        break;
    case FIELD_INT64:
        *(int64_t *)out = read_int(reader, place, field);
        break;
    case FIELD_NUMBER:
        *(double *)out = read_number(reader, place, field);
        break;
    case FIELD_FLAG:
        *(bool *)out = read_flag(reader, place);
        break;
    case FIELD_NAME:
        *(int *)out = read_name(reader, place, field);
        break;
    case FIELD_OBJECT:
        read_object(reader, place, field->shape, out);
        break;
    case FIELD_OBJECTS:
        *(struct field_list *)out = read_objects(reader, place, field);
        break;
    case FIELD_VECTORS:
        read_vectors(reader, place);
        break;
    }
}

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

/* The field whose key and closing quote text begins with, NULL: none. Starts at the field `from`, the one
 * behind the last: writers keep an order, and it is often ours. */
static inline const struct field *find_field(const struct shape *shape, const char *text,
                                             const struct field *from)
{
    const struct field *end = shape->fields + shape->n_fields;

    for (const struct field *field = from; field < end; field++)
        if (begins_with(text, field->key, field->key_len))
            return field;
    for (const struct field *field = shape->fields; field < from; field++)
        if (begins_with(text, field->key, field->key_len))
            return field;
    return NULL;
}

/* A key that is not in the table as it stands: unknown, or known and written with escapes. */
static const struct field *read_other_key(struct json_text *text, const struct shape *shape)
{
    char copy[FIELD_KEY_BYTES] = {0};
    struct view key = json_string(text);
    const struct field *field;

    if (!shape || key.len >= sizeof(copy))
        return NULL;
    if (key.len)
        memcpy(copy, key.ptr, key.len);
    copy[key.len] = '"';
    field = find_field(shape, copy, shape->fields);
    /* a quote within the key is not the one that ends it */
    return field && field->key_len == key.len + 1 ? field : NULL;
}

/* A key and its colon; NULL for one that no table knows. */
static inline const struct field *read_key(struct json_text *text, const struct shape *shape,
                                           const struct field *from)
{
    const struct field *field = NULL;

    if (json_peek(text) != '"') {
        json_fail(text, "a key is missing");
        return NULL;
    }
    if (shape)
        field = find_field(shape, text->p + 1, from);
    if (field)
        text->p += 1 + field->key_len;
    else
        field = read_other_key(text, shape);
    if (!json_take(text, ':'))
        json_fail(text, "a colon is missing");
    return field;
}

/* Its keys are a user's words: the problem is told at the field, not at the key. */
static void read_vectors(struct reader *reader, const struct place *place)
{
    if (json_peek(&reader->text) != '{') {
        field_wrong_type(reader, place, "an object of arrays of numbers");
        return;
    }
    if (!json_begin(&reader->text, '}'))
        return;
    do {
        (void)read_key(&reader->text, NULL, NULL);
        read_vector(reader, place);
    } while (json_more(&reader->text, '}'));
}

/* Returns a bit for every field that was there. */
static uint32_t read_members(struct reader *reader, const struct place *place,
                             const struct shape *shape, char *out)
{
    const struct field *next = shape->fields;
    uint32_t seen = 0;

    do {
        const struct field *field = read_key(&reader->text, shape, next);
        struct place member = {place, field ? field->name : "", 0};
        uint32_t bit;

        if (!field) {
            reader->unknown++;
            json_skip(&reader->text);
            continue;
        }
        bit = 1u << (field - shape->fields);
        if (seen & bit)
            json_fail(&reader->text, "a key is there twice");
        seen |= bit;
        next = field + 1;
        read_value(reader, &member, field, out + field->at);
    } while (json_more(&reader->text, '}'));
    return seen;
}

static void tell_missing(struct reader *reader, const struct place *place,
                         const struct shape *shape, uint32_t seen)
{
    for (int i = 0; i < shape->n_fields && (shape->fields[i].flags & FIELD_REQUIRED); i++)
        if (!(seen & 1u << i))
            reader_problem(reader, place, shape->fields[i].name, "is missing");
}

static void read_object(struct reader *reader, const struct place *place, const struct shape *shape,
                        void *out)
{
    size_t problems_before = reader->n_problems;
    uint32_t seen = 0;

    memcpy(out, shape->blank, shape->bytes);
    if (json_peek(&reader->text) != '{') {
        field_wrong_type(reader, place, "an object");
        return;
    }
    if (json_begin(&reader->text, '}'))
        seen = read_members(reader, place, shape, out);
    tell_missing(reader, place, shape, seen);
    if (shape->check && reader->n_problems == problems_before && !reader->text.wrong)
        shape->check(reader, place, out);
}

enum read_status reader_read(struct reader *reader, struct view bytes, struct arena *arena,
                             const struct shape *shape, void *out)
{
    struct problems before = *reader->problems;
    struct place root = {0};

    json_text_init(&reader->text, bytes, arena);
    read_object(reader, &root, shape, out);
    json_finish(&reader->text);
    if (reader->text.out_of_memory)
        return READ_OUT_OF_MEMORY;
    if (reader->text.wrong) {
        *reader->problems = before; /* what was found before no longer matters */
        reader->n_problems = 0;
        reader_problem(reader, NULL, NULL, "not JSON: byte %zu: %s", reader->text.wrong_at,
                       reader->text.wrong);
        return READ_NOT_JSON;
    }
    return reader->n_problems ? READ_INVALID : READ_OK;
}
