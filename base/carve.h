/*
 * One allocation for many arrays: the arrays are listed once, as pointers and sizes; the list gives
 * the total size and places them. Each array starts at a multiple of 64 bytes.
 */
#ifndef BASE_CARVE_H
#define BASE_CARVE_H

#include <stddef.h>
#include <string.h>

struct carve_part {
    void *pointer; /* address of the pointer to the array, whatever its type */
    size_t bytes;
};

/* Returns the bytes of all parts. Sets the pointers unless memory (64-byte-aligned, that large) is
 * NULL. */
static inline size_t carve(const struct carve_part *parts, size_t n, void *memory)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        if (memory) {
            void *array = (char *)memory + at;
            memcpy(parts[i].pointer, &array, sizeof(array));
        }
        at += (parts[i].bytes + 63) & ~(size_t)63;
    }
    return at;
}

#endif
