/* Tests of model/tokenizer/decompositions.c. */
#include "model/tokenizer/decompositions.h"

#include "model/tokenizer/normalizer_class.h"
#include "tests/test.h"

/* What is remembered or computed is what utf8proc says. */
TEST(decompositions__are_the_library_s)
{
    const struct char_classes *classes = char_classes();
    int n = 0;

    for (uint32_t c = 0; c < 0x110000; c++) {
        int32_t got[DECOMPOSITION_MAX_PARTS], want[DECOMPOSITION_MAX_PARTS];
        int n_got, n_want;

        if (!(char_class(classes, c) & CHAR_DECOMPOSES))
            continue;
        n++;
        n_want = decomposition_of(c, want);
        n_got = decomposition_recall(c, got);
        if (n_got != n_want || memcmp(got, want, (size_t)n_want * sizeof(*want)) != 0)
            FAIL("U+%04X", c);
    }
    CHECK(n > 13000); /* 11,172 syllables and some 2,060 others */
}
