/*
 * struct problems: all problems of one document, each with its JSON pointer (RFC 6901), so that a
 * user can fix them all in one pass. Shared by configuration, catalog and request.
 */
#ifndef BASE_PROBLEMS_H
#define BASE_PROBLEMS_H

#include <stddef.h>

#include "base/arena.h"

struct problem {
    const char *pointer; /* "/imp/0/id"; "" is the whole document */
    const char *detail;  /* one sentence without a full stop; never repeats a user's data */
};

struct problems {
    struct arena *arena; /* owns the strings and the list */
    struct problem *items;
    size_t n;
    size_t capacity;
    size_t max;       /* more are counted, not kept */
    size_t max_bytes; /* limit on the bytes kept */
    size_t bytes;
    size_t dropped; /* number not kept */
};

void problems_init(struct problems *problems, struct arena *arena, size_t max);
/* No limit on the number: for callers that report all of them. */
void problems_init_bytes(struct problems *problems, struct arena *arena, size_t max_bytes);

/* Returns -1, so that "return problems_add(...)" reads well. Both strings are copied. */
int problems_add(struct problems *problems, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold));

/* Sets err to code and "file: pointer: detail" of each, joined by "; ", as many as fit. Returns
 * -1. */
int problems_to_err(const struct problems *problems, const char *file, enum err_code code,
                    struct err *err);

#endif
