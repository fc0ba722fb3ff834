/*
 * A kind of model: how the token ids of a context and of ads become segments, what encoders these
 * pass and what is read out. One const table each, in a file of its own; nothing else looks at the
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

/* Texts as ids, cut to the model's limits already. */
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
    bool single;          /* one text without a pair is an input, too */
    int n_networks;       /* encoders that an input passes, one after the other */
    enum pool_kind read_out; /* what of a read segment the last one leaves */
    int out_width;           /* numbers that the engine gives for it; 0: the classifier's labels */
    const struct ad_encoding *ads; /* how a catalog's ads are kept */
    /* Room that build() needs. */
    void (*size)(const struct input_parts *parts, int *n_tokens, int *n_segments);
    /* Fills out, which has that room; one read segment an ad, in their order. */
    void (*build)(const struct input_parts *parts, struct input *out);
};

extern const struct kind kind_cross, kind_prefix;

/* NULL with err for unknown names and for those that are not built yet. where: "file: /kind". */
const struct kind *kind_find(const char *where, const char *name, struct err *err) MUST_CHECK;

/* Writers for build(): append to out within its room. */
void kind_put(struct input *out, int32_t id, int32_t type);
void kind_put_run(struct input *out, struct id_run run, int32_t type);
/* Opens a segment at the end of out; returns its index. Its len is set by kind_segment_end. */
int kind_segment_begin(struct input *out, int parent, int position, bool read);
void kind_segment_end(struct input *out);

#endif
