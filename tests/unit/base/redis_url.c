/* Tests of base/redis_url.c. */
#include "base/redis_url.h"

#include "tests/test.h"

static struct err err;

TEST(redis_url__reads_every_form)
{
    static const struct {
        const char *text;
        struct redis_url want;
    } rows[] = {
        {"redis://localhost", {.host = "localhost", .port = 6379}},
        {"redis://10.0.0.1:7000", {.host = "10.0.0.1", .port = 7000}},
        {"redis://[::1]", {.host = "::1", .port = 6379}},
        {"redis://[::1]:7000/3", {.host = "::1", .port = 7000, .has_db = true, .db = 3}},
        {"redis://h/", {.host = "h", .port = 6379, .has_db = true}},
        {"redis://h/0", {.host = "h", .port = 6379, .has_db = true}},
        {"redis://h:1/15", {.host = "h", .port = 1, .has_db = true, .db = 15}},
        {"redis://@h", {.host = "h", .port = 6379, .has_login = true}},
        {"redis://u:p@h",
         {.host = "h", .port = 6379, .has_login = true, .user = "u", .password = "p"}},
        {"redis://:p@h", {.host = "h", .port = 6379, .has_login = true, .password = "p"}},
        {"redis://u:a%40b%2F@h/1",
         {.host = "h",
          .port = 6379,
          .has_login = true,
          .has_db = true,
          .user = "u",
          .password = "a@b/",
          .db = 1}},
        {"redis://u:a@b@h",
         {.host = "h", .port = 6379, .has_login = true, .user = "u", .password = "a@b"}},
        {"unix:/run/redis.sock", {.is_unix = true, .host = "/run/redis.sock", .port = 6379}},
        {"unix:/a@b/c", {.is_unix = true, .host = "/a@b/c", .port = 6379}},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct redis_url got;

        test_row("%s", rows[i].text);
        CHECK_OK(redis_url_parse(rows[i].text, &got, &err), err);
        CHECK_INT(got.is_unix, rows[i].want.is_unix);
        CHECK_STR(got.host, rows[i].want.host);
        CHECK_INT(got.port, rows[i].want.port);
        CHECK_STR(got.user, rows[i].want.user);
        CHECK_STR(got.password, rows[i].want.password);
        CHECK_INT(got.db, rows[i].want.db);
        CHECK_INT(got.has_login, rows[i].want.has_login);
        CHECK_INT(got.has_db, rows[i].want.has_db);
    }
}

TEST(redis_url__refuses_and_repeats_nothing)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "scheme"},
        {"SECRET", "scheme"},
        {"rediss://SECRET", "scheme"},
        {"redis://", "host"},
        {"redis://:7000", "host"},
        {"redis://::1", "host"},
        {"redis://h:1:2", "host"},
        {"redis://SECRET:", "port"},
        {"redis://SECRET:0", "port"},
        {"redis://SECRET:65536", "port"},
        {"redis://SECRET:7x", "port"},
        {"redis://[::1", "host"},
        {"redis://[::1]7000", "host"},
        {"redis://SECRET/x", "database"},
        {"redis://SECRET/-1", "database"},
        {"redis://u:SECRET%4@h", "password"},
        {"redis://u:SECRET%zz@h", "password"},
        {"redis://u:SECRET%00@h", "password"},
        {"unix:", "path"},
        {"unix:SECRET", "path"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct redis_url got;

        test_row("%s", rows[i].text);
        CHECK_ERR(redis_url_parse(rows[i].text, &got, &err), err, rows[i].why);
        CHECK_INT(err.code, ERR_USAGE);
        CHECK(!strstr(err.text, "SECRET"));
    }
}

TEST(redis_url__takes_a_path_of_107_bytes)
{
    char text[5 + 108 + 1] = "unix:/";
    struct redis_url got;

    memset(text + 6, 'p', 106);
    CHECK_OK(redis_url_parse(text, &got, &err), err);
    CHECK_STR(got.host, text + 5);
    text[112] = 'p';
    CHECK_ERR(redis_url_parse(text, &got, &err), err, "at most 107 bytes");
}
