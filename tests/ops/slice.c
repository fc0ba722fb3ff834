/* Slices of the operation tests, from text. */
#include <ctype.h>

#include "base/carve.h"
#include "tests/ops/rig.h"

static int number(const char **text)
{
    char *end;
    const long n = strtol(*text, &end, 10);

    CHECK(end != *text);
    for (*text = end; isspace((unsigned char)**text);)
        ++*text;
    return (int)n;
}

static void add_segment(struct rig_slice *s, int len, char kind, int of)
{
    struct slice *slice = &s->slice;

    CHECK(slice->n_tokens + len <= RIG_MAX_TOKENS);
    s->segments[slice->n_segments++] = (struct slice_segment){
        .start = slice->n_tokens,
        .len = len,
        .parent = kind == 'p' ? of : -1,
        .outside_parent = kind == 'o' ? of : -1,
    };
    slice->n_tokens += len;
}

static void parse_segments(struct rig_slice *s, const char *text)
{
    while (*text) {
        int times = 1, len = number(&text), of = -1;
        char kind = ' ';

        if (*text == 'x') {
            text++;
            times = len;
            len = number(&text);
        }
        if (*text == 'p' || *text == 'o') {
            kind = *text++;
            of = number(&text);
        }
        for (int i = 0; i < times; i++)
            add_segment(s, len, kind, of);
    }
}

static void read_out(struct rig_slice *s, bool parents)
{
    struct slice *slice = &s->slice;
    bool is_parent[RIG_MAX_TOKENS] = {false};

    for (int i = 0; i < slice->n_segments && !parents; i++)
        if (s->segments[i].parent >= 0)
            is_parent[s->segments[i].parent] = true;
    slice->n_read = 0;
    for (int i = 0; i < slice->n_segments; i++) {
        if (is_parent[i])
            continue;
        s->read[slice->n_read] = s->segments[i].start;
        s->read_segments[slice->n_read++] = i;
    }
}

static void fill_below(int32_t *out, int n, struct rng *rng, int limit)
{
    for (int i = 0; i < n; i++)
        out[i] = (int32_t)rng_below(rng, (uint64_t)limit);
}

void rig_slice_init(struct rig_slice *s, struct rig *rig, const char *segments, const char *outside,
                    struct rng *rng)
{
    const size_t rows = (size_t)rig_rung(rig, RIG_MAX_TOKENS), bytes = rows * sizeof(int32_t);
    struct slice *slice = &s->slice;
    int32_t *ids, *types, *positions;
    const struct carve_part parts[] = {
        {&s->segments, rows * sizeof(*s->segments)},
        {&s->read, bytes},
        {&s->read_segments, bytes},
        {&ids, bytes},
        {&types, bytes},
        {&positions, bytes},
    };
    struct err err;

    *s = (struct rig_slice){0};
    s->memory = rig->ops->host_alloc(rig->device, carve(parts, COUNT(parts), NULL), &err);
    CHECK_OK(s->memory ? 0 : -1, err);
    carve(parts, COUNT(parts), s->memory);
    *slice = (struct slice){.ids = ids,
                            .types = types,
                            .positions = positions,
                            .segments = s->segments,
                            .read = s->read,
                            .read_segments = s->read_segments};
    parse_segments(s, segments);
    read_out(s, false);
    fill_below(ids, slice->n_tokens, rng, RIG_VOCABULARY);
    fill_below(types, slice->n_tokens, rng, RIG_TYPES);
    fill_below(positions, slice->n_tokens, rng, RIG_MAX_POSITION);
    while (outside && *outside)
        s->outside_len[slice->n_outside++] = number(&outside);
}

void rig_slice_read_all(struct rig_slice *s)
{
    read_out(s, true);
}

void rig_slice_release(struct rig_slice *s, struct rig *rig)
{
    rig->ops->host_free(rig->device, s->memory);
}
