/*
 * Bodies of /rank that a hostile or a broken client might send: requests of
 * bench/compare/requests.tsv, mutated as values (types, nulls, numbers, names, sizes) and then as
 * text (truncation, duplicate keys, nesting, bytes that are not UTF-8).
 */
#ifndef TESTS_STORM_BODY_H
#define TESTS_STORM_BODY_H

#include "base/buf.h"
#include "base/rng.h"

#define BODY_MAX_SEEDS 64

struct body_seeds {
    struct buf text;
    struct view items[BODY_MAX_SEEDS];
    int n, longest;
};

/* FAILs if there are none. */
void body_seeds_read(struct body_seeds *seeds);
/* Appends a body. Thread-safe. */
void body_make(const struct body_seeds *seeds, struct rng *rng, struct buf *out);

#endif
