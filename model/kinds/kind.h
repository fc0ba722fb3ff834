/*
 * A kind of model: how the token ids of a context and of ads become segments, which encoders they
 * pass and what is read out. One const table each, in a separate file; no other code depends on the
 * kind's name.
 */
#ifndef MODEL_KINDS_KIND_H
#define MODEL_KINDS_KIND_H

#include "adrank/input.h"
#include "base/err.h"
#include "base/view.h"
#include "kernels/backend.h"
#include "model/kinds/ad_encoding.h"

struct id_run {
    const int32_t *ids; /* (n) without special tokens */
    int n;
};

/* Texts as ids, already cut to the model's limits. */
struct input_parts {
    struct id_run context; /* context and behaviours */
    const struct id_run *ads;
    int n_ads;
    int32_t cls, sep;
    int32_t pair_type; /* token type of a pair's second text, for cross */
};

struct kind {
    const char *name;
    int context_specials; /* special tokens on the context's side, counted in max_context_tokens */
    int ad_specials;      /* the same of one ad */
    int min_types;        /* token types in use */
    bool single;          /* a single text without a pair is also an input */
    int n_networks;       /* encoders that an input passes in sequence */
    enum pool_kind read_out;       /* how the last one reduces a read segment */
    int out_width;                 /* outputs per read segment; 0: the classifier's labels */
    const struct ad_encoding *ads; /* how a catalog's ads are stored */
    /* Room that build() needs. */
    void (*size)(const struct input_parts *parts, int *n_tokens, int *n_segments);
    /* Fills out, which has that room; one read segment per ad, in order. */
    void (*build)(const struct input_parts *parts, struct input *out);
};

extern const struct kind kind_cross, kind_prefix;

/* NULL with err for unknown names and kinds that are not implemented yet. where: "file: /kind". */
const struct kind *kind_find(const char *where, const char *name, struct err *err) MUST_CHECK;

/* The input of these parts. */
int kind_input(const struct kind *kind, const struct input_parts *parts, struct input *out,
               struct err *err) MUST_CHECK;

/* Writers for build(): append to out within its room. */
void kind_put(struct input *out, int32_t id, int32_t type);
void kind_put_run(struct input *out, struct id_run run, int32_t type);
/* Opens a segment at the end of out; returns its index. Its len is set by kind_segment_end. */
int kind_segment_begin(struct input *out, int parent, int position, bool read);
void kind_segment_end(struct input *out);

#endif
