/* Tests of server/net/address.c. */
#include "server/net/address.h"

#include "tests/test.h"

static struct err err;

TEST(address__reads_what_it_writes)
{
    static const struct {
        const char *text;
        bool is_unix;
    } cases[] = {
        {"127.0.0.1:8080", false},  {"127.1.2.3:0", false},
        {"0.0.0.0:65535", false},   {"10.0.0.1:1", false},
        {"[::1]:8080", false},      {"[::]:80", false},
        {"[fd00::2]:0", false},     {"[::ffff:127.0.0.1]:80", false},
        {"unix:/tmp/a.sock", true},
    };
    struct addresses addresses;
    char out[ADDRESS_TEXT_BYTES];

    for (int i = 0; i < COUNT(cases); i++) {
        test_row("address__reads_what_it_writes %s", cases[i].text);
        CHECK_OK(address_check(cases[i].text, &err), err);
        CHECK_OK(addresses_resolve(&addresses, cases[i].text, &err), err);
        CHECK_INT(addresses.n, 1);
        address_format(&addresses.list[0], out);
        CHECK_STR(out, cases[i].text);
        CHECK_INT(address_is_unix(&addresses.list[0]), cases[i].is_unix);
        address_to_dial(cases[i].text, out);
        CHECK_STR(out, cases[i].text);
    }
}

TEST(address__means_all_or_both)
{
    static const struct {
        const char *text, *addresses, *dial;
    } cases[] = {
        {"*:8080", "[::]:8080", "127.0.0.1:8080"},
        {":8080", "[::]:8080", "127.0.0.1:8080"},
        {"*:0", "[::]:0", "127.0.0.1:0"},
        {"localhost:8080", "127.0.0.1:8080 [::1]:8080", "localhost:8080"},
        {"LOCALHOST:80", "127.0.0.1:80 [::1]:80", "LOCALHOST:80"},
    };

    for (int i = 0; i < COUNT(cases); i++) {
        struct addresses addresses;
        char out[ADDRESS_TEXT_BYTES], all[300] = "";

        test_row("address__means_all_or_both %s", cases[i].text);
        CHECK_OK(address_check(cases[i].text, &err), err);
        CHECK_OK(addresses_resolve(&addresses, cases[i].text, &err), err);
        CHECK(addresses.optional);
        for (int k = 0; k < addresses.n; k++) {
            address_format(&addresses.list[k], out);
            snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", k ? " " : "", out);
        }
        CHECK_STR(all, cases[i].addresses);
        address_to_dial(cases[i].text, out);
        CHECK_STR(out, cases[i].dial);
    }
}

TEST(address__refuses_what_is_none)
{
    enum { MAX_CASES = 20 };
    static const char *const cases[][MAX_CASES] = {
        {"", ":", "*", "*:", "**:80", "*.*.*.*:80", "[*]:80", "unix:", "unix:@abstract"},
        {"127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
         "127.0.0.1: 8080", "127.0.0.1:80 ", " 127.0.0.1:80", "127.0.0.1:+80", "127.0.0.1:0x50",
         "127.0.0.1:80,127.0.0.2:80", "127.0.0.1:80:81"},
        /* what inet_aton() accepts, or reads as another address */
        {"127.1:80", "1.2.3:80", "2130706433:80", "0x7f000001:80", "0x7f.0.0.0x1:80",
         "0127.0.0.1:80", "127.0.0.256:80", "127.0.0.1.1:80", "127.0.0.1.:80", "0:80"},
        /* IPv6 */
        {"::1:8080", "::8080", "[::1]", "[::1]80", "[]:80", "[::1:80", "[127.0.0.1]:80",
         "[localhost]:80", "[::g]:80", "[:::]:80"},
        /* cannot be connected to */
        {"224.0.0.1:80", "255.255.255.255:80", "[ff02::1]:80"},
        /* not names */
        {"a b:80", "a/b:80", "-a:80", ".a:80", "a..b:80", "http://127.0.0.1:80", "tcp:80:80",
         "caf\xc3\xa9:80"},
    };
    struct addresses addresses;
    char path[200] = "unix:/";

    for (int i = 0; i < COUNT(cases) * MAX_CASES; i++) {
        const char *text = cases[i / MAX_CASES][i % MAX_CASES];

        if (!text)
            continue;
        test_row("address__refuses_what_is_none \"%s\"", text);
        CHECK(address_check(text, &err) == -1);
        CHECK_INT(err.code, ERR_CONFIG);
        CHECK(addresses_resolve(&addresses, text, &err) == -1);
        CHECK_INT(err.code, ERR_CONFIG);
    }
    memset(path + 6, 'p', 150);
    CHECK_ERR(address_check(path, &err), err, "1 to 107 bytes");
    CHECK_ERR(addresses_resolve(&addresses, path, &err), err, "1 to 107 bytes");
}

/* Only the form of a name is checked, not whether the host exists. */
TEST(address__takes_names)
{
    static const char *const cases[] = {"host:80",    "a.b-c.example:80", "1host:80", "3f2a1b:80",
                                        "my_host:80", "host.example.:80", "x.0a:80"};
    struct addresses addresses;

    for (int i = 0; i < COUNT(cases); i++) {
        test_row("address__takes_names %s", cases[i]);
        CHECK_OK(address_check(cases[i], &err), err);
    }
    CHECK(addresses_resolve(&addresses, "no-such-host.invalid:80", &err) == -1);
    CHECK(err.code == ERR_CONFIG || err.code == ERR_UNAVAILABLE);
    CHECK(strstr(err.text, "no-such-host.invalid:80: "));
}
