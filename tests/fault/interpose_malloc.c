/* The malloc family. */
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tests/fault/interpose.h"

REPLACES(malloc);
REPLACES(calloc);
REPLACES(realloc);
REPLACES(reallocarray);
REPLACES(aligned_alloc);
REPLACES(memalign);
REPLACES(posix_memalign);

/* The C library's own entries: looking malloc up with dlsym() might allocate. */
#ifndef FAULT_WRAP
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);
#define REAL_MALLOC __libc_malloc
#define REAL_CALLOC __libc_calloc
#define REAL_REALLOC __libc_realloc
#define REAL_MEMALIGN __libc_memalign
#else
#define REAL_MALLOC __real_malloc
#define REAL_CALLOC __real_calloc
#define REAL_REALLOC __real_realloc
#define REAL_MEMALIGN __real_memalign
#endif

static bool fails(const void *caller)
{
    if (!fault_decide(FAULT_MALLOC, -1, caller).error)
        return false;
    errno = ENOMEM;
    return true;
}

#define FAILS() fails(__builtin_return_address(0))

void *OURS(malloc)(size_t size)
{
    return FAILS() ? NULL : REAL_MALLOC(size);
}

void *OURS(calloc)(size_t n, size_t size)
{
    return FAILS() ? NULL : REAL_CALLOC(n, size);
}

void *OURS(realloc)(void *p, size_t size)
{
    return FAILS() ? NULL : REAL_REALLOC(p, size);
}

void *OURS(reallocarray)(void *p, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return FAILS() ? NULL : REAL_REALLOC(p, bytes);
}

void *OURS(aligned_alloc)(size_t align, size_t size)
{
    return FAILS() ? NULL : REAL_MEMALIGN(align, size);
}

void *OURS(memalign)(size_t align, size_t size)
{
    return FAILS() ? NULL : REAL_MEMALIGN(align, size);
}

int OURS(posix_memalign)(void **out, size_t align, size_t size)
{
    void *p;

    if (align < sizeof(void *) || (align & (align - 1)))
        return EINVAL;
    p = FAILS() ? NULL : REAL_MEMALIGN(align, size);
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}
