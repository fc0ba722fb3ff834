/* Tests of base/view.h. */
#include "tests/test.h"

TEST(view_eq_nocase__folds_ascii_letters_only)
{
    static const struct {
        struct view a, b;
        bool want;
    } rows[] = {
        {VIEW_LIT(""), {NULL, 0}, true},
        {VIEW_LIT("uSd"), VIEW_LIT("Usd"), true},
        {VIEW_LIT("azAZ"), VIEW_LIT("AZaz"), true},
        {VIEW_LIT("usd"), VIEW_LIT("us"), false},
        {VIEW_LIT("usd"), VIEW_LIT("usb"), false},
        {VIEW_LIT("@"), VIEW_LIT("`"), false},
        {VIEW_LIT("["), VIEW_LIT("{"), false},
        {VIEW_LIT("1"), VIEW_LIT("\x11"), false},
        {VIEW_LIT("\xc3\xa4"), VIEW_LIT("\xc3\x84"), false},
        {VIEW_LIT("a\0b"), VIEW_LIT("A\0B"), true},
        {VIEW_LIT("a\0b"), VIEW_LIT("a\0c"), false},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%.*s, %.*s", VIEW_ARG(rows[i].a), VIEW_ARG(rows[i].b));
        CHECK_INT(view_eq_nocase(rows[i].a, rows[i].b), rows[i].want);
        CHECK_INT(view_eq_nocase(rows[i].b, rows[i].a), rows[i].want);
    }
    CHECK(view_is_nocase(VIEW_LIT("Keep-Alive"), "keep-alive"));
}

TEST(view_cut__parts_at_the_first_mark)
{
    static const struct {
        const char *text, *before, *after; /* after: NULL without a mark */
    } rows[] = {
        {"a=b=c", "a", "b=c"}, {"a=", "a", ""}, {"=", "", ""}, {"a", "a", NULL}, {"", "", NULL}};
    struct view after;

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("view_cut__parts_at_the_first_mark \"%s\"", rows[i].text);
        CHECK_VIEW(view_cut(view_of(rows[i].text), '=', &after), rows[i].before);
        CHECK_INT(after.ptr != NULL, rows[i].after != NULL);
        CHECK(view_eq(after, view_of(rows[i].after)));
    }
    CHECK(view_cut((struct view){NULL, 0}, '=', &after).len == 0 && !after.ptr);
}
