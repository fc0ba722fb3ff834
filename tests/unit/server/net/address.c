#include "server/net/address.h"

#include "tests/test.h"

TEST(address__reads_what_it_writes)
{
    static const struct {
        const char *text;
        bool loopback, is_unix;
    } cases[] = {
        {"127.0.0.1:8080", true, false},  {"127.1.2.3:0", true, false},
        {"0.0.0.0:65535", false, false},  {"10.0.0.1:1", false, false},
        {"[::1]:8080", true, false},      {"[::]:80", false, false},
        {"unix:/tmp/a.sock", true, true},
    };
    struct address address;
    char out[ADDRESS_TEXT_BYTES];
    struct err err;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_row("address__reads_what_it_writes %s", cases[i].text);
        CHECK_OK(address_parse(&address, cases[i].text, &err), err);
        address_format(&address, out);
        CHECK_STR(out, cases[i].text);
        CHECK_INT(address_is_loopback(&address), cases[i].loopback);
        CHECK_INT(address_is_unix(&address), cases[i].is_unix);
    }
}

TEST(address__refuses_what_is_none)
{
    static const char *const cases[] = {
        "",         "127.0.0.1",     "127.0.0.1:",      ":8080", "127.0.0.1:x", "127.0.0.1:65536",
        "::1:8080", "127.0.0.1:-1",  "127.0.0.1: 8080", "unix:", "[::1]",       "[]:80",
        "[::1:80",  "127.0.0.1:80 ", "127.0.0.1:+80",
    };
    struct address address;
    char path[200] = "unix:/";
    struct err err;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_row("address__refuses_what_is_none \"%s\"", cases[i]);
        CHECK(address_parse(&address, cases[i], &err) == -1);
        CHECK_INT(err.code, ERR_CONFIG);
    }
    memset(path + 6, 'p', 150);
    CHECK_ERR(address_parse(&address, path, &err), err, "1 to 107 bytes");
}

TEST_MAIN
