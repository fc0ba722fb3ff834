/*
 * struct budget: a process-wide limit on the memory that requests hold (http.memory_bytes).
 *
 * Memory for a request is charged before it is allocated and returned when it is freed. A charge is
 * refused if the sum of all kinds would exceed a share of the limit. The share depends on the kind
 * and size: the earlier it comes in a request's life, and the larger its holder already is, the
 * smaller the share. So bodies that never end leave room for answers, answers that no client reads
 * leave room for requests in progress, and large ones always leave room for small ones.
 *
 * Charge where a buffer or a chunk grows, not at every allocation. All functions: any thread, no
 * locks.
 */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum budget_kind {
    BUDGET_BODY,   /* requests being read, bodies of those in progress */
    BUDGET_ARENA,  /* arenas and model inputs, including those kept for reuse */
    BUDGET_ANSWER, /* answers that the kernel has not taken */
    BUDGET_REDIS,  /* feature store replies being read */
    BUDGET_KINDS
};
extern const char *const budget_kind_names[BUDGET_KINDS + 1]; /* NULL-terminated */

#define BUDGET_SMALL_BYTES 16384       /* up to this a body or an answer is small */
#define BUDGET_SMALL_ARENA_BYTES 65536 /* up to this a request's arena is small */

struct budget {
    _Atomic int64_t limit_bytes;
    _Atomic int64_t small_bytes[BUDGET_KINDS], large_bytes[BUDGET_KINDS]; /* sums to stay within */
    _Atomic int64_t held_bytes; /* sum of all kinds, including charges being checked */
    _Atomic int64_t kind_bytes[BUDGET_KINDS];
    _Atomic int64_t peak_bytes; /* since the last budget_take_peak() */
};

/* largest_bytes: a body of that size is refused only because of other bodies. The limit in effect
 * is at least that, and at least 1 MiB. */
void budget_init(struct budget *budget, int64_t limit_bytes, int64_t largest_bytes);
/* Changes the limit; existing charges stay. */
void budget_set_limit(struct budget *budget, int64_t limit_bytes, int64_t largest_bytes);
/* The limit in effect: the sum of all kinds never exceeds it, unless it was lowered below the
 * current sum. */
int64_t budget_limit(const struct budget *budget);

/* holder_bytes: what the holder (connection, request, link) has of this kind, including this
 * charge. false: nothing was charged. */
bool budget_charge(struct budget *budget, enum budget_kind kind, int64_t bytes,
                   int64_t holder_bytes) MUST_CHECK;
void budget_return(struct budget *budget, enum budget_kind kind, int64_t bytes);

/* More than three quarters are in use: idle memory should be freed rather than kept for reuse. */
static inline bool budget_is_short(const struct budget *budget)
{
    return atomic_load_explicit(&budget->held_bytes, memory_order_relaxed) >
           atomic_load_explicit(&budget->limit_bytes, memory_order_relaxed) / 4 * 3;
}

/* A consistent snapshot of all kinds. */
void budget_read(const struct budget *budget, int64_t out_bytes[BUDGET_KINDS]);
/* Peak since the last call. */
int64_t budget_take_peak(struct budget *budget);

#endif
