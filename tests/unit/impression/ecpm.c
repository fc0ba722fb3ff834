/* Tests of impression/ecpm.c. */
#include "impression/ecpm.h"

#include "tests/test.h"

TEST(ecpm__follows_the_contract)
{
    CHECK_NEAR(ecpm_of(BID_CPM, 1.2, 0.5, 0.5), 1.2, 0);
    CHECK_NEAR(ecpm_of(BID_CPC, 0.06, 0.0312, 0), 1.872, 1e-12);
    CHECK_NEAR(ecpm_of(BID_CPA, 10, 0.02, 0.1), 20, 1e-12);
}
