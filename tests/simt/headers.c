/* The headers in tests/simt/include against the CUDA toolkit's, where it is installed. */
#include "tests/simt/header_values.h"
#include "tests/test.h"

TEST(headers__have_the_values_of_cuda)
{
#ifdef HAVE_TOOLKIT
    for (int i = 0; header_values_ours[i].name; i++) {
        const struct header_value *ours = &header_values_ours[i], *real = &header_values_toolkit[i];

        CHECK_STR(ours->name, real->name);
        if (ours->value != real->value)
            FAIL("%s is %lld, CUDA's is %lld", ours->name, ours->value, real->value);
    }
#else
    SKIP("no CUDA toolkit to compare with, as on a machine without a GPU");
#endif
}
