/* fault_parse(). */
#include "tests/fault/fault.h"
#include "tests/test.h"

TEST(fault_parse__takes)
{
    static const char *const rows[] = {"",
                                       "malloc:from=3",
                                       "read:error=EIO",
                                       "read:error=11,count=2,one_in=5,on=socket+ours",
                                       "write:short_bytes=1;send:delay_us=5",
                                       "clock:monotonic_us=1,wall_us=-5",
                                       "fsync:error=EINTR;"};
    struct fault fault AT_END(fault_clear);

    fault_here(&fault);
    for (int i = 0; i < COUNT(rows); i++) {
        test_row("fault_parse__takes \"%s\"", rows[i]);
        CHECK_INT(fault_parse(&fault, rows[i]), 0);
    }
}

TEST(fault_parse__refuses)
{
    static const char *const rows[] = {
        "read",        "nosuch:from=1", "read:",        "read:error",    "read:error=EWHAT",
        "read:from=x", "read:on=disk",  "clock:from=1", "read:colour=1", "read:from="};
    struct fault fault AT_END(fault_clear);

    fault_here(&fault);
    for (int i = 0; i < COUNT(rows); i++) {
        test_row("fault_parse__refuses \"%s\"", rows[i]);
        CHECK_INT(fault_parse(&fault, rows[i]), -1);
    }
}
