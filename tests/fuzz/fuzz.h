/*
 * What every fuzz target needs; included once by each, which defines fuzz(). A check that fails
 * aborts, which libFuzzer reports as a crash.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/view.h"

/* One input: a heap copy of exactly its size, so that a sanitizer sees a read behind it. */
static void fuzz(struct view input);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fuzz((struct view){(const char *)bytes, size});
    return 0;
}

static inline void check(bool right)
{
    if (!right)
        abort();
}

#endif
