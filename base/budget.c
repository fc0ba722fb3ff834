/* Shares of the limit, and lock-free accounting. */
#include "base/budget.h"

#include <stddef.h>
#include <string.h>

#include "base/bug.h"

#define FLOOR_BYTES                                                                                \
    (1 << 20) /* beyond the largest body: small requests are served even with the smallest limit   \
               */
#define READ_TRIES 16

const char *const budget_kind_names[BUDGET_KINDS + 1] = {
    [BUDGET_BODY] = "body",
    [BUDGET_ARENA] = "arena",
    [BUDGET_ANSWER] = "answer",
    [BUDGET_REDIS] = "redis",
};

/* Eighths of the limit that a small holder and a larger one may fill. */
static const struct {
    int64_t small_holder_bytes;
    int small, large;
} shares[BUDGET_KINDS] = {
    [BUDGET_BODY] = {BUDGET_SMALL_BYTES, 7, 4},
    [BUDGET_ANSWER] = {BUDGET_SMALL_BYTES, 7, 5},
    [BUDGET_ARENA] = {BUDGET_SMALL_ARENA_BYTES, 8, 6},
    [BUDGET_REDIS] = {BUDGET_SMALL_BYTES, 7, 7},
};

static void store(_Atomic int64_t *at, int64_t value)
{
    atomic_store_explicit(at, value, memory_order_relaxed);
}

static int64_t load(const _Atomic int64_t *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

void budget_init(struct budget *budget, int64_t limit_bytes, int64_t largest_bytes)
{
    memset(budget, 0, sizeof(*budget));
    budget_set_limit(budget, limit_bytes, largest_bytes);
}

void budget_set_limit(struct budget *budget, int64_t limit_bytes, int64_t largest_bytes)
{
    int64_t least_bytes = largest_bytes + FLOOR_BYTES;
    int64_t bodies_bytes = limit_bytes / 8 * shares[BUDGET_BODY].large;

    if (limit_bytes < least_bytes)
        limit_bytes = least_bytes;
    for (int kind = 0; kind < BUDGET_KINDS; kind++) {
        store(&budget->small_bytes[kind], limit_bytes / 8 * shares[kind].small);
        store(&budget->large_bytes[kind], limit_bytes / 8 * shares[kind].large);
    }
    store(&budget->large_bytes[BUDGET_BODY],
          bodies_bytes > largest_bytes ? bodies_bytes : largest_bytes);
    store(&budget->limit_bytes, limit_bytes);
}

int64_t budget_limit(const struct budget *budget)
{
    return load(&budget->limit_bytes);
}

static void note_peak(struct budget *budget, int64_t held_bytes)
{
    int64_t peak_bytes = load(&budget->peak_bytes);

    while (held_bytes > peak_bytes &&
           !atomic_compare_exchange_weak_explicit(&budget->peak_bytes, &peak_bytes, held_bytes,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

bool budget_charge(struct budget *budget, enum budget_kind kind, int64_t bytes,
                   int64_t holder_bytes)
{
    bool small = holder_bytes <= shares[kind].small_holder_bytes;
    int64_t most_bytes = load(small ? &budget->small_bytes[kind] : &budget->large_bytes[kind]);
    int64_t held_bytes = atomic_fetch_add(&budget->held_bytes, bytes) + bytes;

    if (held_bytes > most_bytes) {
        atomic_fetch_sub(&budget->held_bytes, bytes);
        return false;
    }
    atomic_fetch_add(&budget->kind_bytes[kind], bytes);
    note_peak(budget, held_bytes);
    return true;
}

void budget_return(struct budget *budget, enum budget_kind kind, int64_t bytes)
{
    int64_t before = atomic_fetch_sub(&budget->kind_bytes[kind], bytes);

    BUG_ON(before < bytes);
    atomic_fetch_sub(&budget->held_bytes, bytes);
}

static void read_once(const struct budget *budget, int64_t out_bytes[BUDGET_KINDS])
{
    for (int kind = 0; kind < BUDGET_KINDS; kind++)
        out_bytes[kind] = atomic_load(&budget->kind_bytes[kind]);
}

/* Read until two readings agree: kinds that change while they are read would give a sum that never
 * existed. */
void budget_read(const struct budget *budget, int64_t out_bytes[BUDGET_KINDS])
{
    int64_t again[BUDGET_KINDS];

    read_once(budget, out_bytes);
    for (int tries = 0; tries < READ_TRIES; tries++) {
        read_once(budget, again);
        if (memcmp(again, out_bytes, sizeof(again)) == 0)
            return;
        memcpy(out_bytes, again, sizeof(again));
    }
}

int64_t budget_take_peak(struct budget *budget)
{
    return atomic_exchange(&budget->peak_bytes, load(&budget->held_bytes));
}
