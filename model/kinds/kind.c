/* Finds a kind by name. */
#include "model/kinds/kind.h"

#include <string.h>

#include "base/bug.h"

static const struct kind *const kinds[] = {&kind_cross, &kind_prefix};

const struct kind *kind_find(const char *where, const char *name, struct err *err)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    if (strcmp(name, "hier") == 0)
        err_set(err, ERR_DATA, "%s: kind hier is not built yet", where);
    else
        err_set(err, ERR_DATA, "%s: want cross or prefix", where);
    return NULL;
}

int kind_input(const struct kind *kind, const struct input_parts *parts, struct input *out,
               struct err *err)
{
    int n_tokens, n_segments;

    kind->size(parts, &n_tokens, &n_segments);
    if (input_reserve(out, n_tokens, n_segments, err))
        return -1;
    kind->build(parts, out);
    return 0;
}

void kind_put(struct input *out, int32_t id, int32_t type)
{
    BUG_ON(out->n_tokens >= out->max_tokens);
    out->ids[out->n_tokens] = id;
    out->types[out->n_tokens++] = type;
}

void kind_put_run(struct input *out, struct id_run run, int32_t type)
{
    for (int i = 0; i < run.n; i++)
        kind_put(out, run.ids[i], type);
}

int kind_segment_begin(struct input *out, int parent, int position, bool read)
{
    BUG_ON(out->n_segments >= out->max_segments);
    out->segments[out->n_segments] = (struct segment){
        .start = out->n_tokens, .parent = parent, .position = position, .read = read};
    out->n_read += read;
    return out->n_segments++;
}

void kind_segment_end(struct input *out)
{
    struct segment *s = &out->segments[out->n_segments - 1];

    s->len = out->n_tokens - s->start;
}
