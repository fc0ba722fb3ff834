/* server/store/command.c */
#include "server/store/command.h"

#include "tests/test.h"

TEST(command__is_resp2_of_the_announced_length)
{
    static const struct view bytes = {"\0\r\n", 3};
    static const struct {
        struct view args[11];
        int n_args;
        const char *text; /* of its beginning */
        size_t len;
    } rows[] = {
        {{VIEW_LIT("PING")}, 1, "*1\r\n$4\r\nPING\r\n", 14},
        {{VIEW_LIT("SET"), VIEW_LIT("key"), VIEW_LIT("0123456789")},
         3,
         "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$10\r\n0123456789\r\n",
         39},
        {{VIEW_LIT("GET"), {NULL, 0}}, 2, "*2\r\n$3\r\nGET\r\n$0\r\n\r\n", 19},
        {{VIEW_LIT("SET"), VIEW_LIT("k"), bytes}, 3, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n", 29},
        {{VIEW_LIT("DEL")}, 11, "*11\r\n$3\r\nDEL\r\n$0\r\n", 74},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        char out[128];
        const char *end = command_write(out, rows[i].args, rows[i].n_args);

        test_row("command: %s", rows[i].text);
        CHECK_INT(end - out, rows[i].len);
        CHECK_INT(command_bytes(rows[i].args, rows[i].n_args), rows[i].len);
        CHECK(memcmp(out, rows[i].text, strlen(rows[i].text)) == 0);
        CHECK(memcmp(end - 2, "\r\n", 2) == 0);
    }
}
