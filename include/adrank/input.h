/*
 * What the engine reads: token ids in segments, packed end to end, made once by model/ for daemon,
 * tools and trainer alike. One allocation owns everything, so it crosses threads by itself.
 */
#ifndef ADRANK_INPUT_H
#define ADRANK_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct segment {
    int32_t start, len; /* tokens of this input */
    int32_t parent; /* segment of this input that it also attends to, -1: none. Stands before it */
    int32_t position; /* position id of its first token; the others follow */
    bool read;        /* the engine gives outputs for it */
};

struct input {
    int32_t n_tokens, n_segments;
    int32_t n_read; /* segments with read set; outputs come in their order */
    int32_t max_tokens, max_segments;
    int32_t *ids;             /* (n_tokens) */
    int32_t *types;           /* (n_tokens) */
    struct segment *segments; /* (n_segments) */
};

/* Grows to hold that many; contents are lost. Reuse without allocation once it is large enough. */
int input_reserve(struct input *input, int max_tokens, int max_segments,
                  struct err *err) MUST_CHECK;
void input_release(struct input *input);

/* What a batch costs is a function of this. */
struct input_shape {
    int64_t tokens;
    int64_t attention; /* sum over segments of len * (len + parent's len) */
    int64_t segments;
    /* What keeps it from being spread over threads: a parent is computed before its children, and
     * a segment is one thread's. */
    int64_t parents, parent_tokens;        /* segments that have children (next to each other) */
    int64_t chain_tokens, chain_attention; /* the longest segment together with its parent */
};

struct input_shape input_shape(const struct input *input);
/* Of inputs that share a batch. */
static inline void input_shape_add(struct input_shape *sum, const struct input_shape *more)
{
    sum->tokens += more->tokens;
    sum->attention += more->attention;
    sum->segments += more->segments;
    sum->parents += more->parents;
    sum->parent_tokens += more->parent_tokens;
    if (more->chain_tokens > sum->chain_tokens) {
        sum->chain_tokens = more->chain_tokens;
        sum->chain_attention = more->chain_attention;
    }
}

/*
 * Of an input larger than a batch: part `i` (from 0) with at most max_tokens tokens, whole
 * segments, each parent repeated in every part that has a child of it. Returns 1 and fills part and
 * *first_read (row of the whole's outputs where its own begin), 0 when there is no such part, -1
 * with err.
 */
int input_part(const struct input *input, int max_tokens, int i, struct input *part,
               int *first_read, struct err *err) MUST_CHECK;

/* How many parts input_part makes of it, and in *shape the sum of their shapes. Reads the segments
 * only; one walk over them. */
int input_parts(const struct input *input, int max_tokens, struct input_shape *shape);

#endif
