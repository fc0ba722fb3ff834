/* Tests of base/host_port.c. */
#include "base/host_port.h"

#include "tests/test.h"

TEST(host_port__reads_every_form)
{
    static const struct {
        const char *text, *host;
        int port;
    } rows[] = {
        {"localhost", "localhost", -1},
        {"db.example:6379", "db.example", 6379},
        {"127.0.0.1:0", "127.0.0.1", 0},
        {"h:65535", "h", 65535},
        {"[::1]", "::1", -1},
        {"[::1]:80", "::1", 80},
        {"[fe80::1%eth0]:1", "fe80::1%eth0", 1},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct host_port got;

        test_row("%s", rows[i].text);
        CHECK_INT(host_port_parse(view_of(rows[i].text), &got), 0);
        CHECK_STR(got.host, rows[i].host);
        CHECK_INT(got.port, rows[i].port);
    }
}

TEST(host_port__refuses)
{
    static const char *const rows[] = {
        "",     ":80", "::1", "::1:80", "h:1:2", "h:",   "h:65536", "h:-1",    "h:+1",   "h: 1",
        "h:1 ", "h:x", "[",   "[]",     "[]:1",  "[::1", "[::1:80", "[::1]80", "[::1]:",
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct host_port got;

        test_row("\"%s\"", rows[i]);
        CHECK_INT(host_port_parse(view_of(rows[i]), &got), -1);
    }
}

TEST(host_port__takes_255_bytes_of_host)
{
    struct host_port got;
    char text[256];

    memset(text, 'h', sizeof(text));
    CHECK_INT(host_port_parse((struct view){text, 255}, &got), 0);
    CHECK_INT(strlen(got.host), 255);
    CHECK_INT(host_port_parse((struct view){text, 256}, &got), -1);
}
