/* Tests of base/number.c. */
#include "base/number.h"

#include "tests/test.h"

TEST(number__int_takes_whole_numbers_in_range)
{
    enum { REFUSED = 77 }; /* what was there before */
    static const struct {
        const char *text;
        int64_t min, max, want;
    } rows[] = {{"0", 0, 9, 0},
                {"9", 0, 9, 9},
                {"-9", -9, 9, -9},
                {"007", 0, 9, 7},
                {"9223372036854775807", 0, INT64_MAX, INT64_MAX},
                {"-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN},
                {"", 0, 9, REFUSED},
                {"-", -9, 9, REFUSED},
                {"10", 0, 9, REFUSED},
                {"-1", 0, 9, REFUSED},
                {"-0", 0, 9, REFUSED},
                {"-10", -9, 9, REFUSED},
                {"+1", 0, 9, REFUSED},
                {" 1", 0, 9, REFUSED},
                {"1 ", 0, 9, REFUSED},
                {"1x", 0, 9, REFUSED},
                {"0x1", 0, 9, REFUSED},
                {"1.0", 0, 9, REFUSED},
                {"1e0", 0, 9, REFUSED},
                {"9223372036854775808", 0, INT64_MAX, REFUSED},
                {"-9223372036854775809", INT64_MIN, INT64_MAX, REFUSED},
                {"99999999999999999999999999", 0, INT64_MAX, REFUSED}};

    for (int i = 0; i < COUNT(rows); i++) {
        int64_t got = REFUSED;

        test_row("\"%s\"", rows[i].text);
        CHECK_INT(number_int(view_of(rows[i].text), rows[i].min, rows[i].max, &got),
                  rows[i].want == REFUSED ? -1 : 0);
        CHECK_INT(got, rows[i].want);
    }
    test_row("a NUL inside");
    CHECK_INT(number_int(VIEW_LIT("1\0002"), 0, 99, &(int64_t){0}), -1);
}

TEST(number__int_reads_no_further_than_the_view)
{
    int64_t got;

    CHECK_INT(number_int((struct view){"123456", 3}, 0, 999, &got), 0);
    CHECK_INT(got, 123);
}

TEST(number__double_takes_decimals_in_range)
{
    static const struct {
        const char *text;
        double want;
    } rows[] = {{"0", 0},        {"1.5", 1.5},    {"-2", -2},  {"1e3", 1000},
                {"1E-3", 0.001}, {"2.5e+2", 250}, {"0.1", 0.1}};

    for (int i = 0; i < COUNT(rows); i++) {
        double got = 9;

        test_row("%s", rows[i].text);
        CHECK_INT(number_double(view_of(rows[i].text), -1e6, 1e6, &got), 0);
        CHECK(got == rows[i].want);
    }
}

TEST(number__double_refuses)
{
    static const char *const rows[] = {"",     ".",    "1.",   ".5",    "nan", "inf",  "infinity",
                                       "0x10", "1e",   "1e+",  "1e999", "+1",  " 1",   "1 ",
                                       "1,5",  "1.5x", "1001", "--1",   "-",   "1e1.5"};
    char digits[200];
    double got = 9;

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("\"%s\"", rows[i]);
        CHECK_INT(number_double(view_of(rows[i]), -1000, 1000, &got), -1);
        CHECK(got == 9);
    }
    test_row("a sign where the range has none");
    CHECK_INT(number_double(VIEW_LIT("-0"), 0, 1, &got), -1);
    test_row("200 digits");
    memset(digits, '1', sizeof(digits));
    CHECK_INT(number_double((struct view){digits, sizeof(digits)}, 0, INFINITY, &got), -1);
}
