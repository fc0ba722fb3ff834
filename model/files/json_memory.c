/* The memory reserve of jansson's allocator. */
#include "model/files/json_memory.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "adrank/model.h"

#define RESERVE_BYTES (256 << 10) /* untouched, so unbacked, until memory runs out */
#define ALIGN _Alignof(max_align_t)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* held while a document is parsed */
static _Alignas(max_align_t) char reserve[RESERVE_BYTES];
static size_t used; /* of reserve; nothing is returned before the next begin */

static _Thread_local bool parsing, refused;

static void *reserve_alloc(size_t size)
{
    char *p = reserve + used;

    if (size > RESERVE_BYTES - used)
        return NULL;
    used += (size + ALIGN - 1) & ~(ALIGN - 1);
    return p;
}

void *model_json_malloc(size_t size)
{
    void *p = malloc(size);

    if (p || !parsing)
        return p;
    refused = true;
    return reserve_alloc(size);
}

void model_json_free(void *p)
{
    if ((uintptr_t)p - (uintptr_t)reserve >= RESERVE_BYTES)
        free(p);
}

void json_memory_begin(void)
{
    pthread_mutex_lock(&lock);
    used = 0;
    parsing = true;
    refused = false;
}

bool json_memory_refused(void)
{
    return refused;
}

void json_memory_end(void)
{
    parsing = refused = false;
    pthread_mutex_unlock(&lock);
}
