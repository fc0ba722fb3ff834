/* Chunks and bump allocation. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bug.h"

#define CHUNK_ALIGN 64

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* of memory */
    size_t used;
    _Alignas(CHUNK_ALIGN) char memory[];
};

/* Under ASan, memory that is not handed out, or was reset, is poisoned. */
#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

static size_t round_up(size_t n, size_t align)
{
    return (n + align - 1) & ~(align - 1);
}

void arena_init(struct arena *arena, size_t chunk_bytes, size_t limit_bytes)
{
    BUG_ON(chunk_bytes < 256);
    *arena = (struct arena){
        .chunk_bytes = chunk_bytes, .first_bytes = chunk_bytes, .limit_bytes = limit_bytes};
}

void arena_set_budget(struct arena *arena, struct budget *budget, size_t first_bytes)
{
    BUG_ON(arena->first);
    arena->budget = budget;
    arena->first_bytes = first_bytes;
}

static void free_chunk(struct arena *arena, struct arena_chunk *chunk)
{
    arena->held_bytes -= chunk->size;
    if (arena->budget)
        budget_return(arena->budget, BUDGET_ARENA, (int64_t)chunk->size);
    UNPOISON(chunk->memory, chunk->size);
    free(chunk);
}

void arena_release(struct arena *arena)
{
    arena_reset(arena, 0);
}

void arena_reset(struct arena *arena, size_t keep_bytes)
{
    struct arena_chunk **link = &arena->first;
    size_t kept = 0;

    while (*link) {
        struct arena_chunk *chunk = *link;

        if (kept + chunk->size > keep_bytes) {
            *link = chunk->next;
            free_chunk(arena, chunk);
            continue;
        }
        kept += chunk->size;
        chunk->used = 0;
        POISON(chunk->memory, chunk->size);
        link = &chunk->next;
    }
    arena->current = arena->first;
    arena->used_bytes = 0;
}

static struct arena_chunk *new_chunk(struct arena *arena, size_t size)
{
    size_t least = arena->first ? arena->chunk_bytes : arena->first_bytes;
    size_t room = round_up(size > least ? size : least, CHUNK_ALIGN);
    struct arena_chunk *chunk;

    if (arena->budget && !budget_charge(arena->budget, BUDGET_ARENA, (int64_t)room,
                                        (int64_t)(arena->held_bytes + room)))
        return NULL;
    chunk = aligned_alloc(CHUNK_ALIGN, sizeof(*chunk) + room);
    if (!chunk) {
        if (arena->budget)
            budget_return(arena->budget, BUDGET_ARENA, (int64_t)room);
        return NULL;
    }
    chunk->size = room;
    chunk->used = 0;
    chunk->next = NULL;
    POISON(chunk->memory, room);
    arena->held_bytes += room;
    return chunk;
}

/* Puts an empty chunk with room for size after current: a kept one, else a new one. */
static struct arena_chunk *next_chunk(struct arena *arena, size_t size)
{
    struct arena_chunk **after = arena->current ? &arena->current->next : &arena->first;
    struct arena_chunk **link = after;
    struct arena_chunk *chunk;

    while (*link && (*link)->size < size)
        link = &(*link)->next;
    chunk = *link;
    if (chunk)
        *link = chunk->next;
    else
        chunk = new_chunk(arena, size);
    if (!chunk)
        return NULL;
    chunk->next = *after;
    *after = chunk;
    arena->current = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t align = size >= 64 ? 64 : 16;
    struct arena_chunk *chunk = arena->current;
    size_t at, taken;

    if (size > SIZE_MAX / 4)
        return NULL;
    at = chunk ? round_up(chunk->used, align) : 0;
    if (!chunk || at > chunk->size || size > chunk->size - at)
        at = 0;
    taken = at ? at + size - chunk->used : size;
    if (arena->limit_bytes && taken > arena->limit_bytes - arena->used_bytes)
        return NULL;
    if (!at && !(chunk && chunk->used == 0 && size <= chunk->size)) {
        chunk = next_chunk(arena, size);
        if (!chunk)
            return NULL;
    }
    chunk->used = at + size;
    arena->used_bytes += taken;
    UNPOISON(chunk->memory + at, size);
    return chunk->memory + at;
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
    size_t bytes;

    return __builtin_mul_overflow(n, size, &bytes) ? NULL : arena_alloc(arena, bytes);
}

void *arena_calloc(struct arena *arena, size_t n, size_t size)
{
    void *p = arena_array(arena, n, size);

    return p ? memset(p, 0, n * size) : NULL;
}

struct view arena_copy(struct arena *arena, struct view v)
{
    char *p = v.len < SIZE_MAX ? arena_alloc(arena, v.len + 1) : NULL;

    if (!p)
        return (struct view){NULL, 0};
    if (v.len)
        memcpy(p, v.ptr, v.len);
    p[v.len] = 0;
    return (struct view){p, v.len};
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list ap, again;
    char *p = NULL;
    int len;

    va_start(ap, fmt);
    va_copy(again, ap);
    len = vsnprintf(NULL, 0, fmt, ap);
    if (len >= 0)
        p = arena_alloc(arena, (size_t)len + 1);
    if (p)
        vsnprintf(p, (size_t)len + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return p;
}
