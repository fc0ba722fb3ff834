/* Reads an object member by member; with one function for each kind of value. */
#include "json/object.h"

#include "json/field_key.h"
#include "json/field_lenient.h"

#define FIRST_ITEMS 16 /* initial capacity of a list of unknown length; it doubles */

/* ---- values ---------------------------------------------------------------------------------- */

/* Each function writes *out if there is a value, so that an absent one leaves the blank. */

#define WORST_ESCAPE_BYTES 6 /* \u0001 */

static int64_t written_bytes(struct view s)
{
    int64_t n = (int64_t)s.len;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c == '"' || c == '\\')
            n++;
        else if (c < ' ')
            n += WORST_ESCAPE_BYTES - 1;
    }
    return n;
}

__attribute__((cold)) static void check_string(struct object_reader *reader,
                                               const struct place *place, const struct field *field,
                                               struct view s)
{
    if (s.len == 0 && (field->flags & FIELD_NOT_EMPTY))
        field_problem(reader, place, NULL, "must not be empty");
    else if (reader->text.has_nul)
        field_problem(reader, place, NULL, "must not contain U+0000");
    else if (field->max && ((int64_t)s.len > field->max || written_bytes(s) > field->max))
        field_problem(reader, place, NULL, "must be at most %d bytes long", (int)field->max);
}

static void read_string(struct object_reader *reader, const struct place *place,
                        const struct field *field, struct view *out)
{
    struct view s;

    if (json_peek(&reader->text) == '"') {
        s = json_string(&reader->text);
        out->ptr = s.ptr;
        out->len = s.len;
    } else if (field_number_as_id(reader, field, out)) {
        s = *out;
    } else {
        field_wrong_type(reader, place, field, "a string");
        return;
    }
    /* Empty, perhaps too long, or with U+0000. */
    if (s.len - 1 >= FIELD_MIN_MAX_BYTES / WORST_ESCAPE_BYTES || reader->text.has_nul)
        check_string(reader, place, field, s);
}

static bool at_number(struct object_reader *reader, struct json_number *out)
{
    char c = json_peek(&reader->text);

    if (c != '-' && (unsigned char)(c - '0') > 9)
        return false;
    *out = json_number_read(&reader->text);
    return true;
}

static bool read_int(struct object_reader *reader, const struct place *place,
                     const struct field *field, int64_t *out)
{
    int64_t max = field->limit > 0 ? reader->limits[field->limit] : field->max;
    struct json_number number;
    const char *start;

    json_peek(&reader->text);
    start = reader->text.p;
    if (!at_number(reader, &number)) {
        field_wrong_type(reader, place, field, "an integer");
        return false;
    }
    if (number.kind == JSON_REAL && (field->flags & FIELD_BY_VALUE))
        field_integer_by_value(reader, start, &number);
    if (number.kind == JSON_REAL) {
        field_problem(reader, place, NULL, "must be an integer");
    } else if (number.kind == JSON_BIG_INTEGER || number.integer < field->min ||
               number.integer > max) {
        field_out_of_range(reader, place, field, max);
    } else {
        *out = number.integer;
        return true;
    }
    return false;
}

static void read_int32(struct object_reader *reader, const struct place *place,
                       const struct field *field, int32_t *out)
{
    int64_t value;

    if (read_int(reader, place, field, &value))
        *out = (int32_t)value;
}

static void read_number(struct object_reader *reader, const struct place *place,
                        const struct field *field, double *out)
{
    struct json_number number;

    if (!at_number(reader, &number))
        field_wrong_type(reader, place, field, "a number");
    else if (!(number.real >= (double)field->min && number.real <= (double)field->max))
        field_out_of_range(reader, place, field, field->max);
    else
        *out = number.real + 0.0; /* no -0 */
}

static void read_name(struct object_reader *reader, const struct place *place,
                      const struct field *field, int *out)
{
    struct view s;

    if (json_peek(&reader->text) != '"') {
        field_wrong_type(reader, place, field, "a string");
        return;
    }
    s = json_string(&reader->text);
    for (int i = 0; i < field->n_names; i++)
        if (view_is(s, field->names[i])) {
            *out = i;
            return;
        }
    field_unknown_name(reader, place, field);
}

static void read_vector(struct object_reader *reader, const struct place *place)
{
    struct json_number number;

    if (json_peek(&reader->text) != '[') {
        field_wrong_type(reader, place, NULL, "an object of arrays of numbers");
        return;
    }
    if (!json_begin(&reader->text, ']'))
        return;
    do
        if (!at_number(reader, &number))
            field_wrong_type(reader, place, NULL, "an object of arrays of numbers");
    while (json_more(&reader->text, ']'));
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* A list that is being read. */
struct list {
    char *items;
    size_t bytes; /* of an item */
    int n, room;
    int n_cut;
};

static int most_items(const struct object_reader *reader, const struct field *field)
{
    return field->limit > 0 ? reader->limits[field->limit] : INT32_MAX;
}

/* Skips the items beyond the limit, the first of which is next. */
static void stop_at_limit(struct object_reader *reader, const struct place *place,
                          const struct field *field, struct list *list)
{
    if (!(field->flags & FIELD_CUT))
        field_problem(reader, place, NULL, "more than %d items", most_items(reader, field));
    do {
        json_skip(&reader->text);
        list->n_cut++;
    } while (json_more(&reader->text, ']'));
}

/* Doubles the capacity of a full list. false: the rest of the array was skipped because of the
 * limit, or memory ran out. */
static bool make_room(struct object_reader *reader, const struct place *place,
                      const struct field *field, struct list *list)
{
    int limit = most_items(reader, field);
    int room = list->room ? list->room * 2 : FIRST_ITEMS;
    char *items;

    if (list->n == limit) {
        stop_at_limit(reader, place, field, list);
        return false;
    }
    list->room = room < limit ? room : limit;
    items = arena_array(reader->text.arena, (size_t)list->room, list->bytes);
    if (!items)
        json_fail_memory(&reader->text);
    else if (list->n)
        memcpy(items, list->items, (size_t)list->n * list->bytes);
    list->items = items;
    return items != NULL;
}

static inline void *list_item(const struct list *list)
{
    return list->items + (size_t)list->n * list->bytes;
}

/* FIELD_ONE: a string instead of an array of them. */
static void read_one_string(struct object_reader *reader, const struct place *place,
                            const struct field *field, struct list *list)
{
    if (!make_room(reader, place, field, list))
        return;
    read_string(reader, place, field, list_item(list));
    list->n = 1;
}

/* Only items that are present and valid are kept: a list without any takes no memory. */
static void read_strings(struct object_reader *reader, const struct place *place,
                         const struct field *field, struct views *out)
{
    struct list list = {.bytes = sizeof(struct view)};
    struct place item = {place, NULL, 0};

    if (json_peek(&reader->text) == '[') {
        if (!json_begin(&reader->text, ']'))
            return;
        do {
            struct view *string;

            if (list.n == list.room && !make_room(reader, place, field, &list))
                break;
            string = list_item(&list);
            string->ptr = NULL;
            read_string(reader, &item, field, string);
            list.n += string->ptr != NULL;
            item.index++;
        } while (json_more(&reader->text, ']'));
    } else if (json_peek(&reader->text) == '"' && (field->flags & FIELD_ONE)) {
        read_one_string(reader, place, field, &list);
    } else {
        field_wrong_type(reader, place, field, "an array of strings");
        return;
    }
    *out = (struct views){(const struct view *)(const void *)list.items, list.n};
}

static bool read_object(struct object_reader *reader, const struct place *place,
                        const struct field *field, const struct schema *schema, void *out);

static void read_objects(struct object_reader *reader, const struct place *place,
                         const struct field *field, struct field_list *out)
{
    struct list list = {.bytes = field->schema->bytes};
    struct place item = {place, NULL, 0};

    if (json_peek(&reader->text) != '[') {
        field_wrong_type(reader, place, field, "an array of objects");
        return;
    }
    out->present = true;
    if (!json_begin(&reader->text, ']'))
        return;
    do {
        if (list.n == list.room && !make_room(reader, place, field, &list))
            break;
        list.n += read_object(reader, &item, field, field->schema, list_item(&list));
        item.index++;
    } while (json_more(&reader->text, ']'));
    *out = (struct field_list){list.items, list.n, list.n_cut, true};
}

/* ---- objects --------------------------------------------------------------------------------- */

static void read_vectors(struct object_reader *reader, const struct place *place);

static void read_value(struct object_reader *reader, const struct place *place,
                       const struct field *field, void *out)
{
    switch (field->type) {
    case FIELD_STRING:
        read_string(reader, place, field, out);
        break;
    case FIELD_STRINGS:
        read_strings(reader, place, field, out);
        break;
    case FIELD_INT32:
        read_int32(reader, place, field, out);
        break;
    case FIELD_INT64:
        (void)read_int(reader, place, field, out);
        break;
    case FIELD_NUMBER:
        read_number(reader, place, field, out);
        break;
    case FIELD_ANY:
        field_any(reader, field, out);
        break;
    case FIELD_NAME:
        read_name(reader, place, field, out);
        break;
    case FIELD_OBJECT:
        (void)read_object(reader, place, field, field->schema, out);
        break;
    case FIELD_OBJECTS:
        read_objects(reader, place, field, out);
        break;
    case FIELD_VECTORS:
        read_vectors(reader, place);
        break;
    }
}

/* Keys come from the user, so a problem is reported at the field, not at the key. */
static void read_vectors(struct object_reader *reader, const struct place *place)
{
    if (json_peek(&reader->text) != '{') {
        field_wrong_type(reader, place, NULL, "an object of arrays of numbers");
        return;
    }
    if (!json_begin(&reader->text, '}'))
        return;
    do {
        (void)read_key(&reader->text, NULL, NULL);
        read_vector(reader, place);
    } while (json_more(&reader->text, '}'));
}

/* Returns a bit for every field present. */
static uint32_t read_members(struct object_reader *reader, const struct place *place,
                             const struct schema *schema, char *out)
{
    const struct field *next = schema->fields;
    uint32_t seen = 0;

    do {
        const struct field *field = read_key(&reader->text, schema, next);
        struct place member = {place, field ? field->name : "", 0};
        uint32_t bit;

        if (!field) {
            reader->unknown++;
            json_skip(&reader->text);
            continue;
        }
        bit = 1u << (field - schema->fields);
        if (seen & bit)
            json_fail(&reader->text, "duplicate key");
        seen |= bit;
        next = field + 1;
        read_value(reader, &member, field, out + field->at);
    } while (json_more(&reader->text, '}'));
    return seen;
}

static void check_required(struct object_reader *reader, const struct place *place,
                           const struct schema *schema, uint32_t seen)
{
    for (int i = 0; i < schema->n_fields && (schema->fields[i].flags & FIELD_REQUIRED); i++)
        if (!(seen & 1u << i))
            field_problem(reader, place, schema->fields[i].name, "is missing");
}

/* Whether *out is an object without a problem. field: the one whose value it is, NULL at the
 * root. */
static bool read_object(struct object_reader *reader, const struct place *place,
                        const struct field *field, const struct schema *schema, void *out)
{
    size_t problems_before = reader->n_problems;
    uint32_t seen = 0;

    if (json_peek(&reader->text) != '{') {
        field_no_object(reader, place, field, schema, out);
        return false;
    }
    memcpy(out, schema->blank, schema->bytes);
    if (json_begin(&reader->text, '}'))
        seen = read_members(reader, place, schema, out);
    check_required(reader, place, schema, seen);
    if (schema->check && reader->n_problems == problems_before && !reader->text.wrong)
        schema->check(reader, place, out);
    return reader->n_problems == problems_before;
}

enum read_status object_read(struct object_reader *reader, struct view bytes, struct arena *arena,
                             const struct schema *schema, void *out)
{
    struct problems before = *reader->problems;
    struct place root = {0};

    json_text_init(&reader->text, bytes, arena);
    (void)read_object(reader, &root, NULL, schema, out);
    json_finish(&reader->text);
    if (reader->text.out_of_memory)
        return READ_OUT_OF_MEMORY;
    if (reader->text.wrong) {
        *reader->problems = before; /* earlier problems no longer matter */
        reader->n_problems = 0;
        field_problem(reader, NULL, NULL, "not JSON: byte %zu: %s", reader->text.wrong_at,
                      reader->text.wrong);
        return READ_NOT_JSON;
    }
    return reader->n_problems ? READ_INVALID : READ_OK;
}
