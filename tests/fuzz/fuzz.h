/* What every fuzz target needs. A check that fails aborts, which libFuzzer reports as a crash. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static inline void check(bool right)
{
    if (!right)
        abort();
}

#endif
