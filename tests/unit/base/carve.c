/* Tests of base/carve.h. */
#include "base/carve.h"

#include "tests/test.h"

TEST(carve__places_arrays_one_behind_the_other)
{
    static _Alignas(64) char memory[320];
    char *a = NULL;
    double *b = NULL;
    int *none = NULL;
    const struct carve_part parts[] = {{&a, 65}, {&none, 0}, {&b, 16 * sizeof(*b)}};

    CHECK_INT(carve(parts, 3, NULL), 256);
    CHECK(!a && !b);
    CHECK_INT(carve(parts, 3, memory), 256);
    CHECK(a == memory);
    CHECK((char *)none == memory + 128);
    CHECK((char *)b == memory + 128);
}
