/*
 * struct arena: allocations with one lifetime, all released together.
 *
 * Allocation bumps a pointer; nothing is freed individually. arena_reset() keeps the chunks, so an
 * arena that is reused for the same work soon stops calling malloc; the request path relies on
 * that. Not thread-safe: one owner at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/budget.h"
#include "base/err.h"
#include "base/view.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *first;   /* all chunks, in the order in which they are filled */
    struct arena_chunk *current; /* the one that is being filled */
    size_t chunk_bytes;          /* size of a new chunk, unless one allocation needs more */
    size_t first_bytes;          /* size of the first chunk */
    size_t limit_bytes;          /* an allocation that would exceed it fails; 0: none */
    size_t used_bytes;           /* handed out since the last reset, padding included */
    size_t held_bytes;           /* in chunks, used or not */
    struct budget *budget;       /* chunks are charged to it; NULL: not charged */
};

/* Allocates nothing yet. chunk_bytes is at least 256. */
void arena_init(struct arena *arena, size_t chunk_bytes, size_t limit_bytes);
/* Charges chunks, including kept ones, to budget as BUDGET_ARENA; when the charge is refused, the
 * allocation fails. The first chunk has first_bytes, so that a mostly empty arena costs little.
 * Call before the first allocation. */
void arena_set_budget(struct arena *arena, struct budget *budget, size_t first_bytes);
void arena_release(struct arena *arena);

/* Invalidates everything handed out; chunks beyond keep_bytes go back to malloc. */
void arena_reset(struct arena *arena, size_t keep_bytes);

/* 64-byte-aligned for sizes >= 64, else 16. NULL when out of memory or over the limit. size 0
 * returns a pointer that must not be read. Memory is not cleared. */
void *arena_alloc(struct arena *arena, size_t size) MUST_CHECK;
/* Cleared; n * size is checked for overflow. */
void *arena_calloc(struct arena *arena, size_t n, size_t size) MUST_CHECK;
/* n * size is checked for overflow, not cleared. */
void *arena_array(struct arena *arena, size_t n, size_t size) MUST_CHECK;

/* A copy of v, NUL-terminated (not counted in len). ptr is NULL when out of memory. */
struct view arena_copy(struct arena *arena, struct view v) MUST_CHECK;
char *arena_printf(struct arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))) MUST_CHECK;

#endif
