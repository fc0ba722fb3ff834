/* Values that a strict field refuses, or that may be of any type. */
#include "json/field_lenient.h"

#include <math.h>
#include <stdio.h>

#include "json/field_problems.h"

/* Items of an array; null is not an item. */
static int count_items(struct json_text *text)
{
    int n = 0;

    if (!json_begin(text, ']'))
        return 0;
    do {
        n += json_peek(text) != 'n';
        json_skip(text);
    } while (json_more(text, ']'));
    return n;
}

static struct field_value read_any(struct json_text *text)
{
    struct field_value value = {.kind = FIELD_VALUE_OTHER};
    const char *start;

    switch (json_peek(text)) {
    case '"':
        value.kind = FIELD_VALUE_STRING;
        value.string = json_string(text);
        break;
    case '[':
        if (count_items(text) == 0)
            value.kind = FIELD_VALUE_NO_ITEMS;
        break;
    case '-':
    case '0' ... '9':
        start = text->p;
        json_number_skip(text);
        if (!text->wrong &&
            json_number_integer((struct view){start, (size_t)(text->p - start)}, &value.integer))
            value.kind = FIELD_VALUE_INTEGER;
        break;
    default:
        json_skip(text);
    }
    return value;
}

void field_any(struct object_reader *reader, const struct field *field, unsigned char *out)
{
    struct field_value value;

    if (json_peek(&reader->text) == 'n') {
        json_skip(&reader->text);
        return;
    }
    value = read_any(&reader->text);
    *out = field->judge(&value);
}

/* Plain digits are already the integer's text, except for -0. */
static bool is_canonical(struct view number)
{
    size_t sign = number.ptr[0] == '-';

    for (size_t i = sign; i < number.len; i++)
        if (number.ptr[i] < '0' || number.ptr[i] > '9')
            return false;
    return !sign || number.ptr[1] != '0';
}

bool field_number_as_id(struct object_reader *reader, const struct field *field, struct view *out)
{
    struct json_text *text = &reader->text;
    char c = json_peek(text), *digits;
    struct view written = {text->p, 0};
    int64_t integer;

    if (!(field->flags & FIELD_ID) || (c != '-' && (c < '0' || c > '9')))
        return false;
    text->has_nul = false;
    json_number_skip(text);
    written.len = (size_t)(text->p - written.ptr);
    *out = written;
    if (text->wrong || is_canonical(written) || !json_number_integer(written, &integer))
        return true;
    digits = arena_printf(text->arena, "%lld", (long long)integer);
    if (digits)
        *out = view_of(digits);
    else
        json_fail_memory(text);
    return true;
}

void field_integer_by_value(const struct object_reader *reader, const char *start,
                            struct json_number *number)
{
    struct view written = {start, (size_t)(reader->text.p - start)};

    if (reader->text.wrong)
        return;
    if (json_number_integer(written, &number->integer))
        number->kind = JSON_INTEGER;
    else if (!(fabs(number->real) < 0x1p63))
        number->kind = JSON_BIG_INTEGER;
}

void field_no_object(struct object_reader *reader, const struct place *place,
                     const struct field *field, const struct schema *schema, void *out)
{
    if (!schema->stand_in) {
        field_wrong_type(reader, place, field, "an object");
    } else if (!field_null(reader, place, field)) {
        json_skip(&reader->text);
        memcpy(out, schema->stand_in, schema->bytes);
    }
}
