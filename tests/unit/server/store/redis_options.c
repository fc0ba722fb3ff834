/* server/store/redis_options.c */
#include "server/store/redis_options.h"

#include "tests/test.h"

static const struct {
    const char *url, *host;
    int port; /* 0: refused */
    bool is_unix;
} rows[] = {
    {"redis://127.0.0.1:7000", "127.0.0.1", 7000, false},
    {"redis://db.example", "db.example", 6379, false},
    {"redis://[::1]:7001", "::1", 7001, false},
    {"redis://[::1]", "::1", 6379, false},
    {"unix:/run/redis.sock", "/run/redis.sock", 1, true},
    {"redis://", NULL, 0, false},
    {"redis://:1", NULL, 0, false},
    {"redis://h:", NULL, 0, false},
    {"redis://h:0", NULL, 0, false},
    {"redis://h:65536", NULL, 0, false},
    {"redis://h:1x", NULL, 0, false},
    {"redis://[::1", NULL, 0, false},
    {"redis://[::1]7", NULL, 0, false},
    {"redis://u:p@h:1", NULL, 0, false},
    {"redis://@h:1", NULL, 0, false},
    {"redis://h:1/0", NULL, 0, false},
    {"redis://h:1/", NULL, 0, false},
    {"redis://::1", NULL, 0, false},
    {"unix:relative", NULL, 0, false},
    {"h:1", NULL, 0, false},
    {"", NULL, 0, false},
};

TEST(redis_options__takes_its_two_forms_only)
{
    for (int i = 0; i < COUNT(rows); i++) {
        struct redis_url url;
        struct err err;
        int rc = redis_options_url(rows[i].url, &url, &err);

        test_row("redis_options: \"%s\"", rows[i].url);
        CHECK_INT(rc, rows[i].port ? 0 : -1);
        if (rc) {
            CHECK_INT(err.code, ERR_CONFIG);
            continue;
        }
        CHECK_STR(url.host, rows[i].host);
        CHECK(url.is_unix == rows[i].is_unix);
        CHECK(url.is_unix || url.port == rows[i].port);
    }
}
