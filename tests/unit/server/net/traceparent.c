/* Tests of server/net/traceparent.c. */
#include "server/net/traceparent.h"

#include "tests/test.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
#define ZEROS "0000000000000000"

TEST(traceparent__is_checked)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"00-" TRACE "-" PARENT "-01", true},
        {"00-" TRACE "-" PARENT "-00", true},
        {"01-" TRACE "-" PARENT "-01-more", true}, /* a later version may have more fields */
        {"cc-" TRACE "-" PARENT "-01", true},
        {"00-" TRACE "-" PARENT "-01-more", false},
        {"01-" TRACE "-" PARENT "-01more", false},
        {"ff-" TRACE "-" PARENT "-01", false},
        {"00-" ZEROS ZEROS "-" PARENT "-01", false},
        {"00-" TRACE "-" ZEROS "-01", false},
        {"00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01", false},
        {"00-" TRACE "-" PARENT "-0", false},
        {"00-" TRACE "-" PARENT "-0g", false},
        {"00_" TRACE "-" PARENT "-01", false},
        {"", false},
    };

    for (int i = 0; i < COUNT(cases); i++) {
        test_row("traceparent__is_checked %s", cases[i].text);
        CHECK_INT(traceparent_is_valid(view_of(cases[i].text)), cases[i].valid);
    }
}
