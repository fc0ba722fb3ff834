/*
 * struct budget: one account of the memory that requests may hold, for the whole process
 * (http.memory_bytes).
 *
 * Whoever takes memory for a request charges it first, and returns it when it is freed. A charge is
 * refused where the sum of all kinds would come over a share of the limit, and the share depends on
 * what is asked for: the sooner something is in a request's life, and the larger its holder is
 * already, the less of the budget it may fill. So bodies that never end leave room for answers,
 * answers that nobody takes leave room for the requests in work, and large ones always leave room
 * for small ones.
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
    BUDGET_BODY,   /* requests that are being read, bodies of those in work */
    BUDGET_ARENA,  /* what is made of them: arenas, inputs of the model; kept for the next, too */
    BUDGET_ANSWER, /* answers that the kernel has not taken */
    BUDGET_REDIS,  /* replies of the feature store that are being read */
    BUDGET_KINDS
};
extern const char *const budget_kind_names[BUDGET_KINDS + 1]; /* NULL behind the last */

#define BUDGET_SMALL_BYTES 16384       /* up to this a body or an answer is small */
#define BUDGET_SMALL_ARENA_BYTES 65536 /* up to this a request's arena is */

struct budget {
    _Atomic int64_t limit_bytes;
    _Atomic int64_t small_bytes[BUDGET_KINDS], large_bytes[BUDGET_KINDS]; /* sums to stay within */
    _Atomic int64_t held_bytes; /* sum of all kinds, and of charges that are being looked at */
    _Atomic int64_t kind_bytes[BUDGET_KINDS];
    _Atomic int64_t peak_bytes; /* since the last budget_take_peak() */
};

/* largest_bytes: a body of that size is refused for other bodies only. In effect are at least
 * that and 1 MiB. */
void budget_init(struct budget *budget, int64_t limit_bytes, int64_t largest_bytes);
/* The same later; what is charged stays charged. */
void budget_set_limit(struct budget *budget, int64_t limit_bytes, int64_t largest_bytes);
/* What is in effect: the sum of all kinds is never more, unless the limit was lowered below it. */
int64_t budget_limit(const struct budget *budget);

/* holder_bytes: what its holder (connection, request, link) has of this kind, this charge
 * included. false: nothing was charged. */
bool budget_charge(struct budget *budget, enum budget_kind kind, int64_t bytes,
                   int64_t holder_bytes) MUST_CHECK;
void budget_return(struct budget *budget, enum budget_kind kind, int64_t bytes);

/* More than three quarters are in use: nothing is kept for later that is not in use now. */
static inline bool budget_is_short(const struct budget *budget)
{
    return atomic_load_explicit(&budget->held_bytes, memory_order_relaxed) >
           atomic_load_explicit(&budget->limit_bytes, memory_order_relaxed) / 4 * 3;
}

/* All kinds, as they were at one time. */
void budget_read(const struct budget *budget, int64_t out_bytes[BUDGET_KINDS]);
/* The most that was held since the last call. */
int64_t budget_take_peak(struct budget *budget);

#endif
