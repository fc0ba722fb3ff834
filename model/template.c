/* Parses templates and renders them. */
#include "model/template.h"

static const struct template_field *field_find(const struct template_fields *fields,
                                               struct view name)
{
    for (int i = 0; i < fields->n; i++)
        if (view_is(name, fields->items[i].name))
            return &fields->items[i];
    return NULL;
}

/* Reads one piece at *at and advances. A literal ends at a brace; a doubled brace is a separate
 * piece. */
static int next_piece(struct view source, size_t *at, const struct template_fields *fields,
                      struct template_piece *out, const char *where, struct err *err)
{
    const char *p = source.ptr + *at, *end = source.ptr + source.len;
    const char *stop = p;
    struct view name;

    if (*p != '{' && *p != '}') {
        while (stop < end && *stop != '{' && *stop != '}')
            stop++;
        *out = (struct template_piece){.literal = {p, (size_t)(stop - p)}};
        *at += (size_t)(stop - p);
        return 0;
    }
    if (end - p >= 2 && p[1] == *p) {
        *out = (struct template_piece){.literal = {p, 1}};
        *at += 2;
        return 0;
    }
    if (*p == '}')
        return err_set(err, ERR_DATA, "%s: byte %zu: unmatched '}', write '}}'", where, *at);
    stop = memchr(p, '}', (size_t)(end - p));
    if (!stop)
        return err_set(err, ERR_DATA, "%s: byte %zu: unmatched '{'", where, *at);
    name = (struct view){p + 1, (size_t)(stop - p - 1)};
    out->field = field_find(fields, name);
    if (!out->field)
        return err_set(err, ERR_DATA, "%s: byte %zu: unknown field \"%.*s\"", where, *at,
                       (int)(name.len < 40 ? name.len : 40), name.ptr);
    *at += (size_t)(stop - p) + 1;
    return 0;
}

int template_compile(struct template *out, struct view source, const struct template_fields *fields,
                     const char *where, struct arena *arena, struct err *err)
{
    struct view text = arena_copy(arena, source);
    size_t at = 0;

    *out =
        (struct template){.pieces = arena_calloc(arena, TEMPLATE_MAX_PIECES, sizeof(*out->pieces))};
    if (!out->pieces || !text.ptr)
        return err_set(err, ERR_NOMEM, "%s: out of memory", where);
    while (at < text.len) {
        if (out->n_pieces == TEMPLATE_MAX_PIECES)
            return err_set(err, ERR_DATA, "%s: more than %d pieces", where, TEMPLATE_MAX_PIECES);
        if (next_piece(text, &at, fields, &out->pieces[out->n_pieces++], where, err))
            return -1;
    }
    return 0;
}

void template_source(const struct template *t, struct buf *out)
{
    for (int i = 0; i < t->n_pieces; i++) {
        const struct template_piece *piece = &t->pieces[i];
        if (piece->field)
            buf_printf(out, "{%s}", piece->field->name);
        else if (view_is(piece->literal, "{") || view_is(piece->literal, "}"))
            buf_printf(out, "%c%c", piece->literal.ptr[0], piece->literal.ptr[0]);
        else
            buf_add_view(out, piece->literal);
    }
}

bool template_has(const struct template *t, const char *field)
{
    for (int i = 0; i < t->n_pieces; i++)
        if (t->pieces[i].field && strcmp(t->pieces[i].field->name, field) == 0)
            return true;
    return false;
}

struct view template_render(const struct template *t, const struct template_values *values,
                            struct arena *arena)
{
    struct view *parts = arena_array(arena, (size_t)t->n_pieces + 1, sizeof(*parts));
    size_t len = 0, at = 0;
    char *text;

    if (!parts)
        return (struct view){0};
    for (int i = 0; i < t->n_pieces; i++) {
        const struct template_piece *piece = &t->pieces[i];
        parts[i] = piece->field ? piece->field->value(values, arena) : piece->literal;
        if (parts[i].len == SIZE_MAX)
            return (struct view){0};
        if (values->max_bytes && parts[i].len > values->max_bytes - len)
            parts[i].len = values->max_bytes - len;
        len += parts[i].len;
    }
    text = arena_alloc(arena, len + 1);
    if (!text)
        return (struct view){0};
    for (int i = 0; i < t->n_pieces; i++) {
        if (parts[i].len)
            memcpy(text + at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    return (struct view){text, len};
}
