/* The logits of the test backends: a hash of the tokens, so that a test can compute the expected
 * answer. */
#ifndef TESTS_BACKENDS_NULL_LOGIT_H
#define TESTS_BACKENDS_NULL_LOGIT_H

#include <stdint.h>

/* FNV-1a over token ids; start with NULL_LOGIT_SEED and continue over parent, then own segment. */
#define NULL_LOGIT_SEED 0xcbf29ce484222325U

static inline uint64_t null_logit_ids(uint64_t hash, const int32_t *ids, int n)
{
    for (int i = 0; i < n; i++)
        hash = (hash ^ (uint32_t)ids[i]) * 0x100000001b3U;
    return hash;
}

/* Logit `label` of a segment: uniform in [-4, 4), the same for the same token ids of the parent
 * (none: n_parent 0) and of the segment itself, whatever else is in the batch. */
static inline float null_logit(const int32_t *parent, int n_parent, const int32_t *own, int n_own,
                               int label)
{
    uint64_t hash = null_logit_ids(NULL_LOGIT_SEED, parent, n_parent);

    hash = null_logit_ids(hash, own, n_own) + (uint64_t)label * 0x9e3779b97f4a7c15U;
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9U;
    hash = (hash ^ hash >> 27) * 0x94d049bb133111ebU;
    hash ^= hash >> 31;
    return (float)(hash >> 40) * 0x1p-21F - 4.0F;
}

#endif
