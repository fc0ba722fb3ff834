/* Growing, measuring and splitting of engine inputs. */
#include "adrank/input.h"

#include <stdlib.h>
#include <string.h>

int input_reserve(struct input *input, int max_tokens, int max_segments, struct err *err)
{
    size_t ids_bytes, segments_bytes;
    int32_t *memory;

    input->n_tokens = input->n_segments = input->n_read = 0;
    if (max_tokens <= input->max_tokens && max_segments <= input->max_segments)
        return 0;
    if (max_tokens < input->max_tokens)
        max_tokens = input->max_tokens;
    if (max_segments < input->max_segments)
        max_segments = input->max_segments;
    segments_bytes = (size_t)max_segments * sizeof(struct segment);
    ids_bytes = (size_t)max_tokens * sizeof(int32_t);
    memory = malloc(segments_bytes + 2 * ids_bytes + 1);
    if (!memory)
        return err_set(err, ERR_NOMEM, "input of %d tokens: out of memory", max_tokens);
    free(input->segments);
    /* The segments come first: their address is the one to free(). */
    *input = (struct input){
        .max_tokens = max_tokens,
        .max_segments = max_segments,
        .segments = (struct segment *)(void *)memory,
        .ids = (int32_t *)(void *)((char *)memory + segments_bytes),
        .types = (int32_t *)(void *)((char *)memory + segments_bytes + ids_bytes),
    };
    return 0;
}

void input_release(struct input *input)
{
    free(input->segments);
    *input = (struct input){0};
}

/* Adds a segment of that parent (0: none); new_parent: the first of its family. */
static void add_segment(struct input_shape *shape, int64_t len, int64_t parent, bool new_parent)
{
    const int64_t keys = len + parent;

    shape->attention += len * keys;
    if (keys > shape->chain_tokens) {
        shape->chain_tokens = keys;
        shape->chain_attention = len * keys + parent * parent;
    }
    if (new_parent) {
        shape->parents++;
        shape->parent_tokens += parent;
    }
}

struct input_shape input_shape(const struct input *input)
{
    struct input_shape shape = {.tokens = input->n_tokens, .segments = input->n_segments};

    int last_parent = -1;

    for (int i = 0; i < input->n_segments; i++) {
        const struct segment *s = &input->segments[i];
        const int64_t parent = s->parent >= 0 ? input->segments[s->parent].len : 0;

        add_segment(&shape, s->len, parent, s->parent >= 0 && s->parent != last_parent);
        last_parent = s->parent >= 0 ? s->parent : last_parent;
    }
    return shape;
}

/* Segments [from, to) and the parents that they need. */
struct span {
    int from, to; /* segments of input that are no parents of others */
    int tokens, parents;
    int first_read;
};

/* Grows the span from `from` as far as max_tokens allow; at least one segment, however long. */
static struct span span_from(const struct input *input, int from, int first_read, int max_tokens)
{
    struct span span = {.from = from, .to = from, .first_read = first_read};
    int last_parent = -1;

    for (int i = from; i < input->n_segments; i++) {
        const struct segment *s = &input->segments[i];
        int more = s->len;
        if (s->parent < 0 && !s->read) {
            span.to = i + 1; /* comes along with its first child, if it has any */
            continue;
        }
        if (s->parent >= 0 && s->parent != last_parent)
            more += input->segments[s->parent].len;
        if (span.tokens && span.tokens + more > max_tokens)
            break;
        span.parents += s->parent >= 0 && s->parent != last_parent;
        last_parent = s->parent >= 0 ? s->parent : last_parent;
        span.tokens += more;
        span.to = i + 1;
    }
    return span;
}

/* A repeated parent is never read again. */
static int copy_segment(const struct input *input, int i, int parent, bool read, struct input *part)
{
    const struct segment *from = &input->segments[i];
    struct segment *to = &part->segments[part->n_segments];
    size_t bytes = (size_t)from->len * sizeof(int32_t);

    *to = *from;
    to->start = part->n_tokens;
    to->parent = parent;
    memcpy(part->ids + part->n_tokens, input->ids + from->start, bytes);
    memcpy(part->types + part->n_tokens, input->types + from->start, bytes);
    part->n_tokens += from->len;
    to->read = read;
    part->n_read += read;
    return part->n_segments++;
}

static int copy_span(const struct input *input, const struct span *span, struct input *part,
                     struct err *err)
{
    int old_parent = -1, new_parent = -1;

    if (input_reserve(part, span->tokens, span->to - span->from + span->parents, err))
        return -1;
    for (int i = span->from; i < span->to; i++) {
        const struct segment *s = &input->segments[i];
        if (s->parent < 0 && !s->read)
            continue;
        if (s->parent >= 0 && s->parent != old_parent) {
            old_parent = s->parent;
            new_parent = copy_segment(input, old_parent, -1, false, part);
        }
        copy_segment(input, i, s->parent >= 0 ? new_parent : -1, s->read, part);
    }
    return 0;
}

/* The span after this one; {0} is before the first. false: none. */
static bool next_span(const struct input *input, int max_tokens, struct span *span)
{
    int read = span->first_read;

    for (int s = span->from; s < span->to; s++)
        read += input->segments[s].read;
    *span = span_from(input, span->to, read, max_tokens);
    return span->tokens > 0; /* else the end, or parents without children */
}

int input_part(const struct input *input, int max_tokens, int i, struct input *part,
               int *first_read, struct err *err)
{
    struct span span = {0};

    /* Cuts are found again from the start: a job is seldom split, and then into a few parts. */
    for (int n = 0; next_span(input, max_tokens, &span); n++) {
        if (n == i) {
            *first_read = span.first_read;
            return copy_span(input, &span, part, err) ? -1 : 1;
        }
    }
    return 0;
}

/* As copy_span makes it. */
static void add_shape(const struct input *input, const struct span *span, struct input_shape *shape)
{
    int last_parent = -1;

    shape->tokens += span->tokens;
    for (int i = span->from; i < span->to; i++) {
        const struct segment *s = &input->segments[i];
        const bool new_parent = s->parent >= 0 && s->parent != last_parent;
        const int64_t parent = s->parent >= 0 ? input->segments[s->parent].len : 0;

        if (s->parent < 0 && !s->read)
            continue;
        if (new_parent) { /* included as an ordinary segment */
            last_parent = s->parent;
            add_segment(shape, parent, 0, false);
            shape->segments++;
        }
        add_segment(shape, s->len, parent, new_parent);
        shape->segments++;
    }
}

int input_parts(const struct input *input, int max_tokens, struct input_shape *shape)
{
    struct span span = {0};
    int n = 0;

    *shape = (struct input_shape){0};
    for (; next_span(input, max_tokens, &span); n++)
        add_shape(input, &span, shape);
    return n;
}
