/*
 * What the engine reads: token ids in segments, packed end to end, built by model/ for daemon,
 * tools and trainer alike. One allocation holds everything, so an input can be handed to another
 * thread.
 */
#ifndef ADRANK_INPUT_H
#define ADRANK_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct segment {
    int32_t start, len; /* tokens of this input */
    int32_t parent;     /* earlier segment of this input that it also attends to, -1: none */
    int32_t position;   /* position id of its first token; the others follow */
    bool read;          /* the engine produces outputs for it */
};

struct input {
    int32_t n_tokens, n_segments;
    int32_t n_read; /* segments with read set; outputs come in their order */
    int32_t max_tokens, max_segments;
    int32_t *ids;             /* (n_tokens) */
    int32_t *types;           /* (n_tokens) */
    struct segment *segments; /* (n_segments) */
};

/* Grows to hold that many; contents are lost. Allocates nothing if it is already large enough. */
int input_reserve(struct input *input, int max_tokens, int max_segments,
                  struct err *err) MUST_CHECK;
void input_release(struct input *input);

/* What the cost of a batch is computed from. */
struct input_shape {
    int64_t tokens;
    int64_t attention; /* sum over segments of len * (len + parent's len) */
    int64_t segments;
    /* What limits spreading it over threads: a parent is computed before its children, and a
     * segment is computed by one thread. */
    int64_t parents, parent_tokens;        /* segments that have children (next to each other) */
    int64_t chain_tokens, chain_attention; /* the longest segment together with its parent */
};

struct input_shape input_shape(const struct input *input);
/* The total shape of inputs that share a batch. */
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
 * Splits an input larger than a batch: part `i` (from 0) with at most max_tokens tokens, whole
 * segments, each parent repeated in every part that has a child of it. Returns 1 and fills part and
 * *first_read (row of the whole input's outputs at which the part's begin), 0 when there is no such
 * part, -1 with err.
 */
int input_part(const struct input *input, int max_tokens, int i, struct input *part,
               int *first_read, struct err *err) MUST_CHECK;

/* Number of parts input_part produces; *shape is the sum of their shapes. Reads the segments only;
 * one walk over them. */
int input_parts(const struct input *input, int max_tokens, struct input_shape *shape);

#endif
