/* Tests of client/dial.c. */
#include "client/dial.h"

#include "tests/test.h"

/* What the daemon would not listen on, the client does not call either. */
TEST(dial__refuses_what_is_no_address)
{
    static const char *const rows[] = {"",      "h",     "127.0.0.1:", ":80",     "h:x",  "::1:80",
                                       "[::1]", "[]:80", "[::1]80",    "h:65536", "unix:"};

    for (int i = 0; i < COUNT(rows); i++) {
        struct err err;

        test_row("\"%s\"", rows[i]);
        CHECK_INT(dial(rows[i], &err), -1);
        CHECK_INT(err.code, ERR_USAGE);
    }
}
