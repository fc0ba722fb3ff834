/* Addresses as operators write them: what is listened on, told by connecting, and what is refused
 * at the check as at the start. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/driver.h"
#include "tests/loopback.h"

#define V4 (1u << 0)       /* 127.0.0.1 */
#define V4_OTHER (1u << 1) /* 127.0.0.2 */
#define V6 (1u << 2)       /* ::1 */

static bool connects(int family, const void *sa, socklen_t len)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool there = fd != -1 && connect(fd, sa, len) == 0;

    if (fd != -1)
        close(fd);
    return there;
}

static bool connects_v4(const char *host, int port)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    CHECK(inet_pton(AF_INET, host, &sin.sin_addr) == 1);
    return connects(AF_INET, &sin, sizeof(sin));
}

static bool connects_v6(int port)
{
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6,
                                .sin6_port = htons((uint16_t)port),
                                .sin6_addr = IN6ADDR_LOOPBACK_INIT};

    return connects(AF_INET6, &sin6, sizeof(sin6));
}

static unsigned served(int port)
{
    return (connects_v4("127.0.0.1", port) ? V4 : 0) |
           (connects_v4("127.0.0.2", port) ? V4_OTHER : 0) | (connects_v6(port) ? V6 : 0);
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool there = fd != -1 && bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)) == 0;

    if (fd != -1)
        close(fd);
    return there;
}

static int port_of(const char *address)
{
    return atoi(strrchr(address, ':') + 1);
}

static int probe(const char *admin)
{
    char command[4800];

    snprintf(command, sizeof(command), "%s --probe ready --set 'admin.address=%s' 2>/dev/null",
             driver_build_path("bin/adrankd"), admin);
    return system(command) >> 8;
}

TEST(bind__listens_on_what_was_meant)
{
    static const struct {
        const char *host;
        unsigned served;
    } rows[] = {
        {"127.0.0.1", V4},
        {"127.0.0.2", V4_OTHER},
        {"0.0.0.0", V4 | V4_OTHER},
        {"[::1]", V6},
        {"[::]", V4 | V4_OTHER | V6},
        {"*", V4 | V4_OTHER | V6},
        {"", V4 | V4_OTHER | V6},
        {"localhost", V4 | V6},
    };
    unsigned had = V4 | V4_OTHER | (has_ipv6() ? V6 : 0);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char http[64], admin[64], dial[80];
        struct driver d;

        test_row("bind \"%s\"", rows[i].host);
        if (rows[i].host[0] == '[' && !(had & V6))
            continue; /* and that it is 69 then, the next test has */
        snprintf(http, sizeof(http), "http.address=%s:0", rows[i].host);
        snprintf(admin, sizeof(admin), "admin.address=%s:0", rows[i].host);
        driver_start(&d, &(struct driver_args){.sets = {http, admin}});
        CHECK_INT(served(port_of(d.address)), rows[i].served & had);
        CHECK_INT(served(port_of(d.admin)), rows[i].served & had);
        snprintf(dial, sizeof(dial), "%s:%d", rows[i].host, port_of(d.admin));
        CHECK_INT(probe(dial), 0); /* as it stands in the configuration */
        if (strcmp(rows[i].host, "localhost") == 0 && had & V6)
            CHECK(strstr(driver_log(&d), "event=listening what=http addr=[::1]:"));
        CHECK_INT(driver_stop(&d), 0);
    }
}

/* Exit status with these sets, and what was said. */
static int ends_with(const char *set, bool check, const char *said)
{
    struct driver_args args = {.sets = {set}, .no_wait = true};
    struct driver d;
    int status;

    if (check)
        args.argv[0] = "--check-config";
    driver_start(&d, &args);
    status = driver_wait(&d, 20000);
    if (said && !strstr(driver_log(&d), said))
        FAIL("no \"%s\" in:\n%s", said, driver_log(&d));
    driver_stop(&d);
    return status;
}

TEST(bind__refuses_the_rest_at_the_check_as_at_the_start)
{
    static const char *const rows[] = {
        "127.1:0",
        "0x7f000001:0",
        "[localhost]:0",
        "[127.0.0.1]:0",
        "224.0.0.1:0",
        "127.0.0.1:70000",
        "*",
        "127.0.0.256:0",
        "unix:@a",
        "a b:0",
    };
    static const char *const options[] = {"http", "admin"};
    char set[128], said[128];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *option = options[i % 2];

        test_row("bind refuses %s", rows[i]);
        snprintf(set, sizeof(set), "%s.address=%s", option, rows[i]);
        snprintf(said, sizeof(said), "/%s/address: %s", option, rows[i]);
        CHECK_INT(ends_with(set, true, said), 78);
        CHECK_INT(ends_with(set, false, said), 78);
    }
    test_row("a name that does not resolve");
    CHECK_INT(ends_with("http.address=no-such-host.invalid:0", true, "no-such-host.invalid"),
              ends_with("http.address=no-such-host.invalid:0", false, "no-such-host.invalid"));
    test_row("an address that is none of ours has the form of one");
    CHECK_INT(ends_with("http.address=192.0.2.1:0", true, NULL), 0);
    CHECK_INT(ends_with("http.address=192.0.2.1:0", false, "192.0.2.1:0: bind"), 69);
}

/* All addresses or none: one that is taken is told. */
TEST(bind__of_a_port_that_is_taken_on_one_address)
{
    static const char *const hosts[] = {"localhost", "*", "0.0.0.0"};
    int port = 0, fd = loopback_listen(&port);

    for (int i = 0; i < 3; i++) {
        char set[64];

        test_row("taken: %s", hosts[i]);
        snprintf(set, sizeof(set), "http.address=%s:%d", hosts[i], port);
        CHECK_INT(ends_with(set, false, "bind: Address already in use"), 69);
    }
    close(fd);
}
