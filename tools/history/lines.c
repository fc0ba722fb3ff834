/* The fields of a line, strict. */
#include "tools/history/lines.h"

#include <stdio.h>

#include "json/object.h"

#define MAX_PROBLEMS 4

#define AT(member) .at = offsetof(struct history_line, member)

static const struct field event_fields[] = {
    {FIELD("user"), FIELD_STRING, FIELD_REQUIRED | FIELD_NOT_EMPTY, AT(user)},
    {FIELD("t"), FIELD_INT64, FIELD_REQUIRED, AT(event.t_ms), .max = INT64_MAX},
    {FIELD("type"), FIELD_NAME, FIELD_REQUIRED, AT(event.type), .names = behaviour_type_names,
     .n_names = BEHAVIOUR_TYPES},
    {FIELD("item"), FIELD_STRING, AT(event.item)},
    {FIELD("text"), FIELD_STRING, AT(event.text)},
};
static const struct field user_fields[] = {
    {FIELD("user"), FIELD_STRING, FIELD_REQUIRED | FIELD_NOT_EMPTY, AT(user)},
};

static void check_event(struct object_reader *reader, const struct place *place, const void *object)
{
    const struct behaviour *event = &((const struct history_line *)object)->event;

    if (event->item.len == 0 && event->text.len == 0)
        field_problem(reader, place, NULL, "must have an item or a text");
    if (event->item.len > BEHAVIOUR_MAX_STRING)
        field_problem(reader, place, "item", "longer than %d bytes", BEHAVIOUR_MAX_STRING);
    if (event->text.len > BEHAVIOUR_MAX_STRING)
        field_problem(reader, place, "text", "longer than %d bytes", BEHAVIOUR_MAX_STRING);
}

static const struct history_line blank;
static const struct schema event_schema =
    SCHEMA(event_fields, struct history_line, &blank, .check = check_event);
static const struct schema user_schema = SCHEMA(user_fields, struct history_line, &blank);

int history_line_read(struct view bytes, size_t number, bool with_event, struct arena *arena,
                      struct history_line *out, uint64_t *unknown, struct err *err)
{
    char prefix[32];
    struct problems problems;
    struct object_reader reader = {.problems = &problems, .prefix = prefix};

    snprintf(prefix, sizeof(prefix), "line %zu", number);
    problems_init(&problems, arena, MAX_PROBLEMS);
    switch (object_read(&reader, bytes, arena, with_event ? &event_schema : &user_schema, out)) {
    case READ_OK:
        *unknown += reader.unknown;
        return 0;
    case READ_OUT_OF_MEMORY:
        return err_set(err, ERR_NOMEM, "line %zu: out of memory", number);
    default:
        return problems_to_err(&problems, NULL, ERR_DATA, err);
    }
}
