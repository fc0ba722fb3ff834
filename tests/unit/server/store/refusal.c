/* Tests of server/store/refusal.c. */
#include "server/store/refusal.h"

#include "tests/test.h"

TEST(refusal__reports_what_and_never_the_password)
{
    static const struct {
        const char *error, *password, *text;
    } rows[] = {
        {"ERR DB index is out of range", "sesame", "ERR DB index is out of range"},
        {"WRONGPASS invalid username-password pair or user is disabled.", "",
         "WRONGPASS invalid username-password pair or user is disabled."},
        {"ERR max number of clients reached", "sesame", "ERR max number of clients reached"},
        {"NOPERM this user has no permissions to run the 'lrange' command", "sesame",
         "NOPERM this user has no permissions to run the"},
        {"ERR unknown command `AUTH`, with args beginning with: `sesame`, ", "sesame", "ERR"},
        {"ERR unknown command 'LRANGE', with args beginning with: 'adrank:{u:98e6}:h'", "",
         "ERR unknown command"},
        {"ERR no key adrank:{u:98e6d650903b}:h", "", "ERR no key adrank:"},
        {"ERR your password was sesame", "sesame", "ERR"},
        {"sesame", "sesame", "an error"},
        {"SESAME open", "SESAME", "an error"},
        {"", "sesame", "an error"},
        {"'quoted'", "", "an error"},
        {"ERR two\nlines \x01\xff", "", "ERR two?lines ??"},
    };
    char text[REFUSAL_BYTES];

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("refusal: %s", rows[i].error);
        refusal_text(view_of(rows[i].error), view_of(rows[i].password), text);
        CHECK_STR(text, rows[i].text);
    }
}

TEST(refusal__is_short)
{
    char error[1000], text[REFUSAL_BYTES];

    memset(error, 'x', sizeof(error));
    refusal_text((struct view){error, sizeof(error)}, (struct view){0}, text);
    CHECK_INT(strlen(text), REFUSAL_BYTES - 1);
}
